// A backup keeps who was forgotten forgotten, and tells it from a key that was lost.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { personalData } from '#runtime/personal.ts'
import { verifyKeys } from '#runtime/verify-keys.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { FILES, writeBackup } from './backup.ts'
import { openShop } from './model-shop.ts'
import { restoreBackup } from './restore.ts'

const ANN = '01980000-0000-7000-8000-0000000000a1'
const BOB = '01980000-0000-7000-8000-0000000000a2'

test('a restored shop has forgotten whom the saved one had, and misses no other key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-erasure-'))
  const backup = join(folder, 'backup')
  await using shop = await openShop('memory', {})
  const { types, log, keys } = shop.parts
  for (const [customer_id, name] of [
    [ANN, 'Ann'],
    [BOB, 'Bob'],
  ]) {
    const email = `${name}@example.com`
    const done = await shop.send('RegisterCustomer', { customer_id, name, email })
    ok(done.ok, JSON.stringify(done))
  }
  ok((await shop.send('EraseCustomer', { customer_id: BOB })).ok)
  await shop.settle(async () => {})
  await writeBackup({ log, keys, books: null }, backup, { version: 'test' })
  const file = join(backup, FILES.keys)
  // Both have a line, and no key of Bob's is in it; the third is the one that blinds.
  const lines = readFileSync(file, 'utf8').split('\n')
  match(lines.find((line) => line.includes(BOB))!, /"key":null/)

  const restored = async (keysFile: string | null) => {
    const stores = { log: await openEventLog(), keys: await openKeyRing(), books: null }
    await restoreBackup(stores, backup, { keys: keysFile })
    const personal = personalData(types, stores.keys, 0)
    const { differences } = await verifyKeys({ log: stores.log, types, personal })
    const nameOf = async (customer_id: string) => {
      const [first] = await personal.open(await stores.log.readStream(`customer-${customer_id}`))
      return (first!.data as { name: string | null }).name
    }
    const names = [await nameOf(ANN), await nameOf(BOB)]
    return { stores, names, why: differences.map(({ key }) => key).sort() }
  }
  const { stores, names, why } = await restored(file)
  deepEqual([names, why], [['Ann', null], []])
  deepEqual(await stores.keys.make([BOB]), new Map())
  // Without the keys nobody is known any more; verify names those who were not to be forgotten.
  const lost = await restored(null)
  deepEqual(
    [lost.names, lost.why],
    [
      [null, null],
      ['#blinding', ANN],
    ],
  )
  equal((await lost.stores.keys.destroyed([BOB])).size, 0)
  rmSync(folder, { recursive: true })
})
