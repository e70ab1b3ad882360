// Goods that come back: counted once, in stock if they are sound, and paid back as they were paid.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded, seedOfRun } from '#testing/random.ts'
import {
  heldOf,
  type OrderShop,
  PAID,
  type Settings,
  statusesOf,
  stockOf,
  TAXED,
  using,
} from './order-shop.ts'

const SEED = seedOfRun()

const shipped = async (shop: OrderShop) => {
  const order_id = await shop.confirmed()
  await shop.done('ShipOrder', { order_id })
  await shop.settle()
  return order_id
}
const returnOf = async (shop: OrderShop, order_id: string, lines: object[]) =>
  String((await shop.done('RequestReturn', { order_id, lines, reason: 'too small' })).return_id)
const returning = async (settings: Settings, run: (shop: OrderShop, id: string) => Promise<void>) =>
  using(settings, async (shop) => run(shop, await shipped(shop)))

describe('a return', () => {
  it('that another book tells of is shown as it was told', async () => {
    await using(PAID, async (shop) => {
      const line = { product_id: shop.cup, code: 'CUP', quantity: -2, quantity_scale: 0 }
      const return_id = '01980000-0000-7000-8000-0000000000f1'
      await shop.done('RecordReturn', {
        ...{ return_id, reference: 'C-7', customer_id: 'c-1', country: 'Italy', currency: 'USD' },
        ...{ lines: [{ ...line, unit_price_minor: 500 }], cause: 'C-7', original_order_id: null },
      })
      const row = await shop.get('GetReturn', { return_id })
      deepEqual([row?.status, row?.reference, row?.total_amount_minor], ['RECORDED', 'C-7', -1_000])
    })
  })
  it('keeps the payment that paid a part of it back', async () => {
    await returning(TAXED, async (shop, order_id) => {
      const lines = [{ line: 1, quantity: '1' }]
      const return_id = await returnOf(shop, order_id, [{ line: 1, quantity: '2' }])
      await shop.done('ReceiveReturn', { return_id, lines })
      await shop.done('ReceiveReturn', { return_id, lines, refund: false })
      const row = await shop.get('GetReturn', { return_id })
      deepEqual([row?.refund_minor, row?.payment_id], [500, order_id])
    })
  })
  it('is asked for, arrives, goes back in stock and is paid back', async () => {
    await returning(TAXED, async (shop, order_id) => {
      const lines = [{ line: 1, quantity: '3' }]
      const return_id = await returnOf(shop, order_id, lines)
      equal((await shop.row(order_id)).return_status, 'requested')
      const got = await shop.done('ReceiveReturn', { return_id, lines })
      deepEqual([got.status, got.total_amount_minor, got.refund_minor], ['RECEIVED', 1_500, 1_500])
      await shop.settle()
      equal(await heldOf(shop, order_id), 1_000)
      deepEqual(await stockOf(shop, shop.cup), [19, 0])
      deepEqual(statusesOf(await shop.row(order_id)), [
        ...['SHIPPED', 'partially_refunded', 'shipped', 'partially_returned'],
      ])
      const row = await shop.get('GetReturn', { return_id })
      deepEqual([row?.status, row?.refund_minor, row?.order_id], ['RECEIVED', 1_500, order_id])
      const summary = await shop.get('GetCustomerOrderSummary', { customer_id: 'c-1' })
      equal(summary?.total_spent_minor, 1_000)
      const then = await shop.get('GetReturn', { return_id, as_of_version: 1 })
      deepEqual([then?.status, then?.refund_minor], ['REQUESTED', 0])
      const list = await shop.get('ListReturns', { order_id, status: 'RECEIVED' })
      equal(list?.total, 1)
    })
  })
  it('comes in parts, damaged or not, and closes to zero', async () => {
    await returning(TAXED, async (shop, order_id) => {
      const all = [
        { line: 1, quantity: '4' },
        { line: 2, quantity: '1.5' },
      ]
      const return_id = await returnOf(shop, order_id, all)
      const first = await shop.done('ReceiveReturn', {
        return_id,
        lines: [
          { line: 1, quantity: '1' },
          { line: 1, quantity: '1', damaged: true },
          { line: 2, quantity: '0.7', restock: false },
        ],
      })
      equal(first.status, 'PARTIALLY_RECEIVED')
      deepEqual(await stockOf(shop, shop.cup), [17, 0])
      deepEqual(await stockOf(shop, shop.tea), [8_500, 0])
      await shop.done('ReceiveReturn', {
        return_id,
        lines: [
          { line: 1, quantity: '2' },
          { line: 2, quantity: '0.8' },
        ],
      })
      await shop.settle()
      equal(await heldOf(shop, order_id), 0)
      deepEqual(statusesOf(await shop.row(order_id)), [
        ...['SHIPPED', 'refunded', 'shipped', 'returned'],
      ])
      const row = await shop.get('GetReturn', { return_id })
      const [cups] = (row?.lines ?? []) as readonly Record<string, unknown>[]
      deepEqual(
        [cups?.received_quantity, cups?.restocked_quantity, cups?.damaged_quantity],
        [4, 3, 1],
      )
    })
  })
  it('of the same units is refused a second time, before they came and after', async () => {
    await returning(PAID, async (shop, order_id) => {
      const lines = [{ line: 1, quantity: '3' }]
      const return_id = await returnOf(shop, order_id, lines)
      const again = { order_id, lines, reason: 'again' }
      deepEqual((await shop.refused('RequestReturn', again)).details, {
        lines: [{ line: 1, requested: 3, available: 1 }],
      })
      await shop.done('ReceiveReturn', { return_id, lines })
      equal((await shop.refused('RequestReturn', again)).code, 'business_rule_violated')
      const more = { return_id, lines: [{ line: 1, quantity: '1' }] }
      equal((await shop.refused('ReceiveReturn', more)).code, 'business_rule_violated')
      await shop.settle()
      equal(await heldOf(shop, order_id), 1_000)
    })
  })
  it('that is closed lets its units be asked for again', async () => {
    await returning(PAID, async (shop, order_id) => {
      const lines = [{ line: 1, quantity: '4' }]
      const return_id = await returnOf(shop, order_id, lines)
      const closing = { return_id, reason: 'never sent' }
      equal((await shop.done('CloseReturn', closing)).status, 'CLOSED')
      equal((await shop.done('CloseReturn', closing)).status, 'CLOSED')
      equal((await shop.row(order_id)).return_status, 'none')
      equal((await shop.refused('ReceiveReturn', { return_id, lines })).code, 'invalid_state')
      await returnOf(shop, order_id, lines)
    })
  })
  it('is refused by name: nothing has left, no such line, damaged goods on the shelf', async () => {
    await using(PAID, async (shop) => {
      const order_id = await shop.confirmed()
      const lines = [{ line: 1, quantity: '1' }]
      const early = { order_id, lines, reason: 'x' }
      equal((await shop.refused('RequestReturn', early)).code, 'invalid_state')
      equal((await shop.refused('RequestReturn', { ...early, order_id: 'x' })).code, 'not_found')
      await shop.done('ShipOrder', { order_id })
      const wrong = { ...early, lines: [{ line: 7, quantity: '1' }] }
      deepEqual(Object.keys((await shop.refused('RequestReturn', wrong)).errors ?? {}), [
        'lines.0.line',
      ])
      equal(
        (await shop.refused('RequestReturn', { ...early, lines: [] })).code,
        'validation_failed',
      )
      const return_id = await returnOf(shop, order_id, lines)
      const shelf = { return_id, lines: [{ ...lines[0], damaged: true, restock: true }] }
      deepEqual(Object.keys((await shop.refused('ReceiveReturn', shelf)).errors ?? {}), [
        'lines.0.restock',
      ])
      const late = { return_id, lines, received_at: '2999-01-01T00:00:00Z' }
      deepEqual(Object.keys((await shop.refused('ReceiveReturn', late)).errors ?? {}), [
        'received_at',
      ])
      equal((await shop.refused('ReceiveReturn', { return_id: 'x', lines })).code, 'not_found')
      equal((await shop.refused('CloseReturn', { return_id: 'x', reason: 'y' })).code, 'not_found')
    })
  })
  it('gives no more back than was paid and not given back yet', async () => {
    await returning(PAID, async (shop, order_id) => {
      await shop.done('RefundPayment', { payment_id: order_id, amount: '20', reason: 'sorry' })
      await shop.settle()
      const lines = [{ line: 1, quantity: '4' }]
      const return_id = await returnOf(shop, order_id, lines)
      const got = await shop.done('ReceiveReturn', { return_id, lines })
      deepEqual([got.total_amount_minor, got.refund_minor], [2_000, 500])
      await shop.settle()
      equal(await heldOf(shop, order_id), 0)
    })
  })
  it('that was not paid back when it came is paid back by its lines later, once', async () => {
    await returning(TAXED, async (shop, order_id) => {
      const payment_id = order_id
      const lines = [{ line: 2, quantity: '1.5' }]
      const return_id = await returnOf(shop, order_id, lines)
      const some = [{ line: 2, quantity: '0.7' }]
      const early = await shop.refused('RefundPayment', { payment_id, lines: some })
      equal(early.code, 'business_rule_violated')
      await shop.done('ReceiveReturn', { return_id, lines, refund: false })
      const both = await shop.refused('RefundPayment', { payment_id, lines: some, amount: '1' })
      deepEqual(Object.keys(both.errors ?? {}), ['amount'])
      equal((await shop.done('RefundPayment', { payment_id, lines: some })).amount_minor, 233)
      await shop.settle()
      const rest = [{ line: 2, quantity: '0.8' }]
      equal((await shop.done('RefundPayment', { payment_id, lines: rest })).amount_minor, 267)
      await shop.settle()
      equal(await heldOf(shop, order_id), 2_000)
      const again = await shop.refused('RefundPayment', { payment_id, lines: some })
      deepEqual(again.details, { lines: [{ line: 2, requested: 0.7, available: 0 }] })
      const summary = await shop.get('GetCustomerOrderSummary', { customer_id: 'c-1' })
      equal(summary?.total_spent_minor, 2_000)
    })
  })
  it('that was not paid for has nothing to be paid back, and stays to be paid back', async () => {
    const settings = { ...PAID, 'payments.capture_on': 'manual' }
    await using(settings, async (shop) => {
      const payment_id = await shipped(shop)
      await shop.done('CapturePayment', { payment_id, amount: '10' })
      await shop.settle()
      const lines = [{ line: 1, quantity: '1' }]
      const return_id = await returnOf(shop, payment_id, lines)
      await shop.done('ReceiveReturn', { return_id, lines, refund: false })
      // 10.00 of 25.00 were taken, and 20.00 are kept.
      const no = await shop.refused('RefundPayment', { payment_id, lines })
      deepEqual([no.code, no.details], ['invalid_state', { status: 'PARTIALLY_CAPTURED' }])
      await shop.done('CapturePayment', { payment_id })
      await shop.settle()
      equal((await shop.done('RefundPayment', { payment_id, lines })).amount_minor, 500)
      await shop.settle()
      equal(await heldOf(shop, payment_id), 2_000)
    })
  })
  it('that is not to be paid back is not', async () => {
    await returning(PAID, async (shop, order_id) => {
      const lines = [{ line: 1, quantity: '1' }]
      const return_id = await returnOf(shop, order_id, lines)
      const got = await shop.done('ReceiveReturn', { return_id, lines, refund: false })
      deepEqual([got.total_amount_minor, got.refund_minor], [500, 0])
      await shop.settle()
      equal(await heldOf(shop, order_id), 2_500)
    })
  })
})

describe('paying back', () => {
  it('goes on until the provider does it, under a new operation each time, and shows', async () => {
    await returning({ ...PAID, 'saga.alarm_after': 2 }, async (shop, order_id) => {
      shop.provider.play([{ on: 'refund', what: 'decline', times: 3 }])
      const lines = [{ line: 1, quantity: '1' }]
      const return_id = await returnOf(shop, order_id, lines)
      await shop.done('ReceiveReturn', { return_id, lines })
      let shown = 0
      await shop.settle(async () => {
        const payment = await shop.get('GetPayment', { payment_id: order_id })
        if (payment?.needs_attention === true) shown += 1
      })
      ok(shown > 0, 'nobody was told')
      equal(await heldOf(shop, order_id), 2_000)
      const ledger = (await shop.provider.ledger()).filter(({ kind }) => kind === 'refund')
      equal(new Set(ledger.map(({ operation_id }) => operation_id)).size, 4)
    })
  })
  it('waits for a refund under way, and asks again when an answer was lost', async () => {
    await returning(PAID, async (shop, order_id) => {
      shop.provider.play([{ on: 'refund', what: 'lost_after', times: 1 }])
      await shop.done('RefundPayment', { payment_id: order_id, amount: '1' })
      const lines = [{ line: 1, quantity: '1' }]
      const return_id = await returnOf(shop, order_id, lines)
      await shop.done('ReceiveReturn', { return_id, lines })
      await shop.settle()
      // One dollar as a favour, five for the cup.
      equal(await heldOf(shop, order_id), 1_900)
    })
  })
  it(`comes to the whole, however an order is taken apart (SEED=${SEED})`, async () => {
    const random = seeded(SEED)
    for (let round = 0; round < 12; round++) {
      const capture_on = random.pick(['confirm', 'ship'])
      const settings = { ...TAXED, 'payments.capture_on': capture_on }
      await using(settings, async (shop) => {
        const order_id = await shop.confirmed()
        const left = { cups: 4, grams: 1_500 }
        const some = () => {
          const cups = random.int(0, left.cups)
          const grams = random.int(0, left.grams)
          left.cups -= cups
          left.grams -= grams
          return [
            ...(cups > 0 ? [{ line: 1, quantity: String(cups) }] : []),
            ...(grams > 0 ? [{ line: 2, quantity: String(grams / 1_000) }] : []),
          ]
        }
        const cancelled = some()
        const isAll = left.cups + left.grams === 0
        if (cancelled.length > 0)
          await shop.done('CancelOrderLines', { order_id, lines: cancelled })
        if (!isAll) {
          await shop.done('ShipOrder', { order_id })
          if (random.chance(0.5)) await shop.settle()
          while (left.cups + left.grams > 0) {
            const lines = some()
            if (lines.length === 0) continue
            const return_id = await returnOf(shop, order_id, lines)
            await shop.done('ReceiveReturn', { return_id, lines })
            if (random.chance(0.5)) await shop.settle()
          }
        }
        await shop.settle()
        equal(await heldOf(shop, order_id), 0)
        const payment = await shop.get('GetPayment', { payment_id: order_id })
        ok(Number(payment?.refunded_minor) <= Number(payment?.captured_minor))
        equal(payment?.pending_operation, null)
        deepEqual(await stockOf(shop, shop.cup), [20, 0])
        deepEqual(await stockOf(shop, shop.tea), [10_000, 0])
        const summary = await shop.get('GetCustomerOrderSummary', { customer_id: 'c-1' })
        equal(summary?.total_spent_minor, 0)
      })
    }
  })
})
