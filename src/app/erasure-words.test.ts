// Words that somebody typed where a customer's order was cancelled, sent back or paid back: they
// are sealed with what else tells of the customer, and go with it, also those that are older.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { orderEvents } from '#contexts/orders/order-events.ts'
import { clearCancelled } from '#contexts/orders/order-versions.ts'
import type { Row } from '#kernel/projection.ts'
import { differences, done, rowsOf } from './erasure-fixture.ts'
import { type ModelShop, openShop } from './model-shop.ts'

const ZOE = '01980000-0000-7000-8000-0000000000a1'
const UWE = '01980000-0000-7000-8000-0000000000a2'
const CUP = '01980000-0000-7000-8000-0000000000b1'
const TABLES = ['customer_balance_entries', 'order_views', 'returns']
const before = async () => {}

async function filled() {
  const shop = await openShop('memory', { 'payments.default_method': 'credit_card' })
  await done(shop, 'CreateProduct', { product_id: CUP, code: 'CUP', name: 'Cup', sell_price: '5' })
  await done(shop, 'CreateInventory', { product_id: CUP, quantity: '100' })
  await done(shop, 'RegisterCustomer', { customer_id: ZOE, name: 'Zoe' })
  await done(shop, 'CreateUser', { user_id: UWE, name: 'Uwe', email: 'uwe@example.com', age: 40 })
  return shop
}
async function ordered(shop: ModelShop, who: object, meta: object = {}) {
  const items = [{ product_id: CUP, quantity: '4' }]
  return String((await done(shop, 'CreateOrder', { ...who, items }, meta)).order_id)
}
/** Where words of it show. */
const shown = async (shop: ModelShop, words: RegExp) => [
  ...new Set((await rowsOf(shop)).flatMap((row) => (words.test(row) ? [row.split(' ')[0]] : []))),
]
const storedOf = async ({ log }: ModelShop) =>
  JSON.stringify([await log.readAll(0, 10_000), await log.snapshots('', 10_000)])

/** One order is cancelled; of another some units are, and others come back and are paid. */
async function spokenOf(shop: ModelShop, who: object, meta: object) {
  const cancelled = await ordered(shop, who, meta)
  const sent = await ordered(shop, who, meta)
  await shop.settle(before)
  const one = [{ line: 1, quantity: '1' }]
  await done(shop, 'CancelOrder', { order_id: cancelled, reason: 'Marlowe moved away' })
  await done(shop, 'CancelOrderLines', { order_id: sent, lines: one, reason: 'Marlowe fell ill' })
  await done(shop, 'ShipOrder', { order_id: sent })
  await shop.settle(before)
  const ask = { order_id: sent, lines: [{ line: 1, quantity: '2' }], reason: 'too big for Marlowe' }
  const return_id = String((await done(shop, 'RequestReturn', ask)).return_id)
  await done(shop, 'ReceiveReturn', { return_id, lines: one, refund: false })
  await done(shop, 'CloseReturn', { return_id, reason: 'Marlowe keeps the rest' })
  const { payment_id } = (await shop.get('GetOrder', { order_id: sent })) as Row
  const grant = { payment_id, lines: one, reason: 'Marlowe insists' }
  await done(shop, 'RefundPayment', grant)
  await shop.settle(before)
  return { cancelled, sent, return_id }
}

const PEOPLE = [
  { kind: 'a customer', who: { customer_id: ZOE, user_id: UWE }, erase: 'EraseCustomer', of: ZOE },
  { kind: 'a user', who: { user_id: UWE }, erase: 'EraseUser', of: UWE },
  { kind: 'a guest', who: {}, erase: 'EraseOrder', of: null },
] as const

describe('words that were typed', () => {
  for (const { kind, who, erase, of } of PEOPLE)
    test(`about ${kind} are sealed, and forgotten in every table and answer`, async () => {
      await using shop = await filled()
      const { cancelled, sent, return_id } = await spokenOf(shop, who, { source: 'import' })
      deepEqual((await shown(shop, /Marlowe/)).sort(), ['order_views', 'returns'])
      ok(!(await storedOf(shop)).includes('Marlowe'))
      for (const order_id of [cancelled, sent]) {
        const told = JSON.stringify(await shop.get('GetOrderHistory', { order_id }))
        ok(told.includes('Marlowe'), told)
      }

      for (const id of of === null ? [cancelled, sent] : [of]) {
        const field = erase.replace('Erase', '').toLowerCase()
        await done(shop, erase, { [`${field}_id`]: id, force: true })
      }
      deepEqual(await shown(shop, /Marlowe/), [])
      await shop.settle(before)
      deepEqual(await shown(shop, /Marlowe/), [])
      deepEqual(await differences(shop), [])
      for (const name of TABLES) await shop.parts.runner.rebuild(name)
      deepEqual(await shown(shop, /Marlowe/), [])
      for (const [type, input] of [
        ['GetOrderHistory', { order_id: cancelled }],
        ['GetOrderHistory', { order_id: sent }],
        ['GetOrder', { order_id: cancelled, as_of_version: 3 }],
        ['GetReturn', { return_id }],
        ['GetReturn', { return_id, as_of_version: 1 }],
      ] as const) {
        const told = JSON.stringify(await shop.get(type, input))
        ok(told.length > 100 && !told.includes('Marlowe'), `${type}: ${told}`)
      }
      deepEqual(shop.trouble, [])
    })

  test('about a refund at the till are the customer’s; without one they are nobody’s', async () => {
    await using shop = await filled()
    const sold = { items: [{ product_code: 'CUP', quantity: '2' }], payment_type: 'cash' }
    const back = async (who: object, cause: string) => {
      const input = { ...who, ...sold, paid_amount: '10' }
      const { sale_id } = await done(shop, 'ProcessSale', input)
      await done(shop, 'RefundSale', { sale_id, cause })
      return String(sale_id)
    }
    const sale_id = await back({ customer_id: ZOE }, 'Marlowe has one')
    await back({}, 'chipped')
    deepEqual((await shown(shop, /Marlowe/)).sort(), ['sale_refunds', 'sales'])
    const stored = await storedOf(shop)
    ok(!stored.includes('Marlowe') && stored.includes('chipped'))
    await done(shop, 'EraseCustomer', { customer_id: ZOE })
    deepEqual(await shown(shop, /Marlowe/), [])
    await shop.settle(before)
    deepEqual(await differences(shop), [])
    deepEqual((await shown(shop, /chipped/)).sort(), ['sale_refunds', 'sales'])
    const sale = (await shop.get('GetSale', { sale_id })) as Row
    deepEqual(
      (sale.refunds as { cause: string | null }[]).map(({ cause }) => cause),
      [null],
    )
    const { size } = await shop.parts.keys.page('', 100)
    // Zoe's, Uwe's and the one that blinds.
    equal(size, 3)
  })

  test('about what was doubtful are the customer’s as well', async () => {
    await using shop = await filled()
    const late = { customer_id: ZOE, occurred_at: '2026-01-02T10:00:00.000Z' }
    const items = [{ product_code: 'HAT', quantity: '1', price: '5' }]
    const sold = { ...late, items, payment_type: 'cash' }
    const { sale_id } = await done(shop, 'ProcessSale', sold)
    const cause = 'too big'
    const { refund_id } = await done(shop, 'RefundWithoutSale', {
      ...{ ...late, items, tender: 'cash', cause },
    })
    await done(shop, 'SettleSaleDoubts', { sale_id, note: 'Marlowe paid' })
    await done(shop, 'SettleRefundDoubts', { refund_id, note: 'Marlowe was given it' })
    deepEqual((await shown(shop, /Marlowe/)).sort(), ['sale_refunds', 'sales'])
    ok(!(await storedOf(shop)).includes('Marlowe'))
    await done(shop, 'EraseCustomer', { customer_id: ZOE, force: true })
    deepEqual(await shown(shop, /Marlowe/), [])
    await shop.settle(before)
    deepEqual(await differences(shop), [])
    const told = JSON.stringify(await shop.get('GetSaleHistory', { sale_id }))
    ok(told.includes('What was doubtful is settled') && !told.includes('Marlowe'), told)
    equal(((await shop.get('GetSale', { sale_id })) as Row).doubts_note, null)
  })

  test('before they were sealed stay in the log, and are shown no more', async () => {
    await using shop = await filled()
    const order_id = await ordered(shop, { customer_id: ZOE })
    await shop.parts.runner.catchUp()
    const { length } = await shop.log.readStream(`order-${order_id}`)
    const data = { ...clearCancelled, order_id, customer_id: ZOE, reason: 'Marlowe moved away' }
    const event_id = '01980000-0000-7000-8000-0000000000e1'
    const type = { event_type: 'OrderCancelled', event_version: 2 }
    const events = [{ event_id, ...type, data, metadata: {} }]
    const writes = [{ stream: `order-${order_id}`, expected: length, events }]
    ok((await shop.log.append({ writes })).ok)
    equal(orderEvents.OrderCancelled.version, 3)
    deepEqual(await shown(shop, /Marlowe/), ['order_views'])
    deepEqual(await differences(shop), [])
    await done(shop, 'EraseCustomer', { customer_id: ZOE, force: true })
    deepEqual(await shown(shop, /Marlowe/), [])
    await shop.parts.personal.forget(ZOE)
    await shop.parts.runner.rebuild('order_views')
    deepEqual(await shown(shop, /Marlowe/), [])
    for (const input of [{ order_id }, { order_id, as_of_version: length + 1 }]) {
      const order = await shop.get('GetOrder', input)
      deepEqual([order?.status, order?.cancel_reason], ['CANCELLED', null])
    }
    const told = JSON.stringify(await shop.get('GetOrderHistory', { order_id }))
    ok(!told.includes('Marlowe'), told)
  })

  for (const { kind, who, erase, of } of PEOPLE)
    test(`about ${kind} between the erasure and its end are forgotten with the key`, async () => {
      await using shop = await filled()
      const order_id = await ordered(shop, who, { source: 'import' })
      const id = of ?? order_id
      const field = erase.replace('Erase', '').toLowerCase()
      await shop.parts.runner.catchUp()
      await done(shop, erase, { [`${field}_id`]: id, force: true })
      await done(shop, 'CancelOrder', { order_id, reason: 'Marlowe moved away' })
      if (of === ZOE) {
        const adjusted = { customer_id: ZOE, amount: '-1', reason: 'Marlowe owes nothing' }
        await done(shop, 'AdjustCustomerBalance', adjusted)
      }
      // The key is there still: whoever reads this now, reads it.
      ok((await shown(shop, /Marlowe/)).includes('order_views'))
      await shop.settle(before)
      equal((await shop.parts.keys.destroyed([id])).size, 1)
      deepEqual(await shown(shop, /Marlowe/), [])
      deepEqual(await differences(shop), [])
      deepEqual(shop.trouble, [])
    })
})
