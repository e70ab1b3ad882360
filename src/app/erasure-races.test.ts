// Forgetting somebody while others write of them: orders that are being placed, a second process
// that remembers the key, the same person asked for twice at once.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { verifyKeys } from '#runtime/verify-keys.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { differences, done, rowsOf } from './erasure-fixture.ts'
import { openShop } from './model-shop.ts'

const ZOE = '01980000-0000-7000-8000-0000000000a1'
const UWE = '01980000-0000-7000-8000-0000000000a2'
const CUP = '01980000-0000-7000-8000-0000000000b1'
const SEED = seedOfRun()
const before = async () => {}
const shipping_address = { name: 'Quillfeather', street: '1 Thistlewick', country: 'UK' }
const items = [{ product_id: CUP, quantity: '1' }]

async function filled() {
  const shop = await openShop('memory', { 'payments.default_method': 'credit_card' })
  await done(shop, 'CreateProduct', { product_id: CUP, code: 'CUP', name: 'Cup', sell_price: '5' })
  await done(shop, 'CreateInventory', { product_id: CUP, quantity: '1000' })
  const email = 'quillfeather@example.com'
  await done(shop, 'RegisterCustomer', { customer_id: ZOE, name: 'Quillfeather', email })
  await done(shop, 'CreateUser', { user_id: UWE, name: 'Quillfeather', email, age: 40 })
  return shop
}

describe('erasing somebody', () => {
  test('while orders are placed in their name leaves none that tells of them', async (t) => {
    t.diagnostic(`SEED=${SEED}`)
    const random = seeded(SEED)
    await using shop = await filled()
    // As another process would: it knows nothing of what the first remembers.
    const other = shop.parts.restarted()
    for (const [field, type, id] of [
      ['customer_id', 'EraseCustomer', ZOE],
      ['user_id', 'EraseUser', UWE],
    ] as const) {
      const order = { [field]: id, items, shipping_address, notes: 'Quillfeather waits' }
      const deeds = Array.from({ length: 16 }, (_, at) => () => {
        if (at % 8 === 7) return shop.send(type, { [field]: id, force: true })
        return (at % 2 === 0 ? shop : other).send('CreateOrder', order)
      })
      const outcomes = await Promise.all(
        random.shuffled(deeds).map(async (deed, at) => {
          if (at % 3 === 0) await shop.parts.runner.runOnce()
          return await deed()
        }),
      )
      for (const one of outcomes) ok(one.ok || one.rejection.code === 'invalid_state')
      await shop.settle(before)
      const late = await other.send('CreateOrder', order)
      equal(late.ok || late.rejection.code, 'invalid_state')
    }
    await shop.settle(before)
    deepEqual(
      (await rowsOf(shop)).filter((row) => /Quillfeather|Thistlewick/i.test(row)),
      [],
    )
    deepEqual(await differences(shop), [])
    const { log, types, personal } = shop.parts
    equal((await verifyKeys({ log, types, personal })).differing, 0)
    deepEqual(shop.trouble, [])
  })

  test('keeps a process that remembers the key from telling of them again', async () => {
    await using shop = await filled()
    const other = shop.parts.restarted()
    const adjusted = { customer_id: ZOE, amount: '1', reason: 'Quillfeather owes' }
    ok((await other.send('AdjustCustomerBalance', adjusted)).ok)
    await done(shop, 'EraseCustomer', { customer_id: ZOE, force: true })
    await shop.settle(before)
    // It seals with a key that nobody else has any more.
    ok((await other.send('AdjustCustomerBalance', { ...adjusted, amount: '-1' })).ok)
    const rows = await rowsOf(shop)
    deepEqual(
      rows.filter((row) => /Quillfeather owes/.test(row)),
      [],
    )
    deepEqual(await differences(shop), [])
    const { log, types, personal, keys } = shop.parts
    equal((await verifyKeys({ log, types, personal })).differing, 0)
    equal((await keys.make([ZOE])).size, 0)
  })
})
