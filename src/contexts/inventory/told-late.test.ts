// What happened before a count and is told after it: the count knew of it, so nothing moves twice,
// and nothing that has happened is refused.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAIN_STORE_ID, store } from '#contexts/stores/public.ts'
import type { Write } from '#kernel/decider.ts'
import type { Recorded } from '#kernel/message.ts'
import type { Row } from '#kernel/projection.ts'
import { commandIn, given, statesAfter } from '#testing/given.ts'
import { productCreated } from './goods-fixture.ts'
import { inventory } from './inventory.ts'
import { lowStock } from './low-stock.ts'
import { stockItem, stockKey } from './stock.ts'

const command = commandIn(inventory.commands)
const P = 'tea'
const S = 'berlin'
const C = '01980000-0000-7000-8000-000000000001'
const T = '01980000-0000-7000-8000-000000000002'
const R = '01980000-0000-7000-8000-000000000003'
const at = (time: string) => `2026-03-02T${time}:00.000Z`
const berlin = store.write(S, [
  store.event('StoreCreated', { store_id: S, name: 'Berlin', kind: 'shop', timezone: 'UTC' }),
])

/** Each command after those before it; 1.5 kg and the like, by the tenth. */
function after(...acts: readonly (readonly [type: string, input: object, now?: string])[]) {
  const history: Write[] = [productCreated(P, { quantity_scale: 1 }), berlin]
  for (const [type, input, now = '10:00'] of acts) {
    const { writes } = given(...history)
      .at({ now: at(now) })
      .when(command(type), input)
      .decision()
    for (const { stream, events } of writes)
      history.push({ stream, events: events.map((one) => ({ occurred_at: at(now), ...one })) })
  }
  return history
}
const quantityOf = (history: readonly Write[], store_id = MAIN_STORE_ID) =>
  statesAfter(...history).state(stockItem.at(stockKey(P, store_id)))?.quantity
const count = [
  ['StartStockCount', { count_id: C }, '08:00'],
  ['RecordCount', { count_id: C, product_id: P, counted: '1.5' }, '09:00'],
] as const
const opened = ['AddStock', { product_id: P, quantity: '4.5' }, '07:00'] as const
const early = { occurred_at: at('08:30') }
const LATE = { occurred_at: at('09:30') }
/** How much is here of what is low, as the list has it. */
function lowAfter(history: readonly Write[]) {
  let row: Row | undefined
  for (const { type, data, occurred_at = at('10:00') } of history.flatMap(({ events }) => events)) {
    // All that its handlers read.
    const event = { event_type: type, data, occurred_at } as Recorded
    const next = lowStock.on[type]?.apply(row, event, 'tea')
    if (next !== undefined) row = next ?? undefined
  }
  return row === undefined ? [] : [row.quantity]
}

describe('told after a count, of before it', () => {
  test('a delivery is in its number already', () => {
    const came = { product_id: P, quantity: '1.5' }
    equal(quantityOf(after(...count, ['AddStock', { ...came, ...early }])), 15)
    equal(quantityOf(after(...count, ['AddStock', { ...came, occurred_at: at('09:30') }])), 30)
    equal(quantityOf(after(...count, ['AddStock', came])), 30)
  })
  test('at the very moment of it counts as before', () => {
    const came = { product_id: P, quantity: '1.5' }
    equal(quantityOf(after(...count, ['AddStock', { ...came, occurred_at: at('09:00') }])), 15)
    const next = '2026-03-02T09:00:00.001Z'
    equal(quantityOf(after(...count, ['AddStock', { ...came, occurred_at: next }])), 30)
  })
  test('never shows more on the way than there is before and after', () => {
    const moves = (type: string, input: object) =>
      given(...after(opened, ...count))
        .at({ now: at('10:00') })
        .when(command(type), { product_id: P, ...input, ...early })
        .decision()
        .writes.flatMap(({ events }) => events)
        .map(({ type, data }) => {
          const { quantity, adjustment } = data as { quantity?: number; adjustment?: number }
          return [type, quantity ?? adjustment]
        })
    // What the count holds of a delivery goes first, what it holds of a breakage comes last.
    deepEqual(moves('AddStock', { quantity: '3' }), [
      ['InventoryAdjusted', -30],
      ['StockAdded', 30],
    ])
    deepEqual(moves('AdjustInventory', { adjustment: '-1', reason: 'broken' }), [
      ['InventoryAdjusted', -10],
      ['InventoryAdjusted', 10],
    ])
  })
  test('what was broken is missing in it already, however much it was', () => {
    const broken = { product_id: P, adjustment: '-2.5', reason: 'broken' }
    equal(quantityOf(after(opened, ...count, ['AdjustInventory', { ...broken, ...early }])), 15)
    given(...after(opened, ...count))
      .when(command('AdjustInventory'), broken)
      .rejects('insufficient_stock')
  })
  test('a delivery leaves what is low in the list of it', () => {
    const asked = ['UpdateInventory', { product_id: P, min_stock: '2' }, '07:30'] as const
    const came = ['AddStock', { product_id: P, quantity: '3', ...early }] as const
    deepEqual(lowAfter(after(opened, asked, ...count)), [15])
    deepEqual(lowAfter(after(opened, asked, ...count, came)), [15])
    deepEqual(lowAfter(after(opened, asked, ...count, [came[0], { ...came[1], ...LATE }])), [])
  })
  test('goods that went to another store had left when it was made', () => {
    const way = { transfer_id: T, from_store_id: 'main', to_store_id: S }
    const sent = { ...way, lines: [{ product_id: P, quantity: '2.5' }] }
    const history = after(opened, ...count, ['StartTransfer', { ...sent, ...early }])
    deepEqual(quantityOf(history), 15)
    given(...after(opened, ...count))
      .when(command('StartTransfer'), sent)
      .rejects('insufficient_stock')
  })
  test('goods that came from another store were there when it was made', () => {
    const way = { transfer_id: T, from_store_id: 'main', to_store_id: S }
    const acts = [
      opened,
      ['StartTransfer', { ...way, lines: [{ product_id: P, quantity: '2.5' }] }, '08:00'],
      ['StartStockCount', { count_id: C, store_id: S }, '08:00'],
      ['RecordCount', { count_id: C, product_id: P, counted: '2.5' }, '09:00'],
    ] as const
    equal(quantityOf(after(...acts, ['ReceiveTransfer', { transfer_id: T, ...early }]), S), 25)
    equal(quantityOf(after(...acts, ['ReceiveTransfer', { transfer_id: T }]), S), 50)
  })
  test('goods of a reservation had left, and are not there to be counted', () => {
    const held = [
      'ReserveStock',
      { reservation_id: R, product_id: P, quantity: '3' },
      '08:00',
    ] as const
    const history = after(opened, held, ...count)
    const left = { reservation_id: R, ...early }
    equal(quantityOf(after(opened, held, ...count, ['CommitReservation', left])), 15)
    given(...history)
      .when(command('CommitReservation'), { reservation_id: R })
      .rejects('insufficient_stock')
  })
})

describe('the moment that is told', () => {
  const add = command('AddStock')
  const input = { product_id: P, quantity: '1' }
  const occurredAt = (told: string) => {
    const { writes } = given(...after())
      .at({ now: at('10:00') })
      .when(add, { ...input, occurred_at: told })
      .decision()
    return writes.flatMap(({ events }) => events).find(({ type }) => type === 'StockAdded')!
      .occurred_at
  }
  test('may be written in any time zone, and by a clock that is a little ahead', () => {
    equal(occurredAt('2026-03-02T10:00:00+01:00'), at('09:00'))
    equal(occurredAt(at('10:05')), undefined, 'now')
  })
  test('does not lie in the future', () => {
    const future = { errors: { occurred_at: 'is in the future' } }
    for (const occurred_at of [at('10:06'), '2026-03-02T10:05:00.001Z'])
      given(...after())
        .when(add, { ...input, occurred_at })
        .rejects('validation_failed', future)
    given(...after(opened, count[0]))
      .when(command('RecordCount'), {
        ...{ count_id: C, product_id: P, counted: '1', occurred_at: at('10:06') },
      })
      .rejects('validation_failed', future)
  })
})
