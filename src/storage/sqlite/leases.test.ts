// What only leases in a file can get wrong: two processes at once, and a clock that began anew.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { openLeases } from './leases.ts'

const LONG_MS = 3_600_000

describe('SQLite leases', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-leases-'))
    path = join(folder, 'leases.db')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('two that have the file open see one another’s leases', async () => {
    const [one, two] = [await openLeases({ path }), await openLeases({ path })]
    const first = await one.acquire('sweeper', 'one', LONG_MS)
    equal(await two.acquire('sweeper', 'two', LONG_MS), null)
    await one.release('sweeper', 'one')
    const second = await two.acquire('sweeper', 'two', LONG_MS)
    ok(first !== null && second !== null && second.token > first.token)
    equal(await one.acquire('sweeper', 'one', LONG_MS), null)
    await one.close()
    await two.close()
  })

  test('a lease from before the machine’s last start does not hold for ever', async () => {
    const leases = await openLeases({ path })
    await leases.acquire('sweeper', 'before', LONG_MS)
    const db = new DatabaseSync(path)
    // As left by a machine that had been up for much longer than this one.
    db.prepare('UPDATE leases SET until = until + ?').run(1_000 * LONG_MS)
    db.close()
    const lease = await leases.acquire('sweeper', 'after', LONG_MS)
    deepEqual(lease, { name: 'sweeper', holder: 'after', token: 2 })
    await leases.close()
  })
})
