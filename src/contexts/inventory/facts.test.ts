// Goods that came, broke or left while nobody could say so: booked whatever the book has of their
// place, and what cannot have been by the book is a discrepancy. The same said in time is refused.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { product } from '#contexts/catalog/public.ts'
import { MAIN_STORE_ID, store } from '#contexts/stores/public.ts'
import type { Command, Write } from '#kernel/decider.ts'
import type { Recorded } from '#kernel/message.ts'
import type { Row } from '#kernel/projection.ts'
import { given } from '#testing/given.ts'
import { productCreated, stockOpened } from './goods-fixture.ts'
import { inventory } from './inventory.ts'
import { stockCount } from './stock-count.ts'
import { stockCounts } from './stock-counts.ts'

const command = (type: string): Command => inventory.commands.find((one) => one.type === type)!
const NOW = '2026-03-02T10:00:00.000Z'
const LATE = { occurred_at: '2026-03-02T09:00:00.000Z' }
/** By a clock that is told with everything, and is not over. */
const JUST_NOW = { occurred_at: '2026-03-02T09:59:30.000Z' }
const C = '01980000-0000-7000-8000-000000000001'
const T = '01980000-0000-7000-8000-000000000002'

const shop = (id: string, ...more: readonly 'StoreClosed'[]) =>
  store.write(id, [
    store.event('StoreCreated', { store_id: id, name: id, kind: 'shop', timezone: 'UTC' }),
    ...more.map((type) => store.event(type, { store_id: id })),
  ])
const world: readonly Write[] = [
  productCreated('tea'),
  stockOpened('tea', 3),
  productCreated('old'),
  product.write('old', [product.event('ProductArchived', { product_id: 'old' })]),
  shop('berlin'),
  shop('closed', 'StoreClosed'),
]
const when = (type: string, input: object) =>
  given(...world)
    .at({ now: NOW })
    .when(command(type), input)

/** What is said of its places: how much is lacking, and why it cannot have been by the book. */
function noted(type: string, input: object) {
  const { writes } = when(type, { ...input, ...LATE }).decision()
  return writes
    .flatMap(({ events }) => events)
    .filter((event) => event.type === 'StockDiscrepancyDetected')
    .map(({ data }) => {
      const { kind, missing, reason } = data as { kind: string; missing: number; reason: string }
      return [kind, missing, reason]
    })
}
const refused = (type: string, input: object, code: string) => {
  when(type, input).rejects(code)
  when(type, { ...input, ...JUST_NOW }).rejects(code)
}

describe('a delivery that had arrived', () => {
  test('is in stock wherever it came, and somebody is told where it should not have', () => {
    const came = { product_id: 'tea', quantity: '2' }
    deepEqual(noted('AddStock', came), [])
    const cases = [
      [{ store_id: 'closed' }, 'invalid_state', 'the store is closed; receipt'],
      [{ store_id: 'nowhere' }, 'not_found', 'nobody knew of the store; receipt'],
      [{ product_id: 'old' }, 'invalid_state', 'the product is archived; receipt'],
    ] as const
    for (const [more, code, reason] of cases) {
      refused('AddStock', { ...came, ...more }, code)
      when('AddStock', { ...came, ...more, ...LATE }).answers({ quantity: 2 })
      deepEqual(noted('AddStock', { ...came, ...more }), [['delivery', 0, reason]])
    }
    // Nothing says what it is: once it is in the catalogue, it is told again.
    when('AddStock', { ...came, product_id: 'hat', ...LATE }).rejects('not_found')
  })
})

describe('what had been counted', () => {
  test('is in the book, also when the count has ended since', () => {
    const about = { count_id: C, store_id: 'berlin' }
    const ended = stockCount.write(C, [
      stockCount.event('StockCountStarted', {
        ...{ ...about, scope: 'all', product_ids: null, department_id: null, reference: null },
      }),
      stockCount.event('StockCountCompleted', about),
    ])
    const counting = (more: object) =>
      given(...world, ended)
        .at({ now: NOW })
        .when(command('RecordCount'), { count_id: C, product_id: 'tea', counted: '2', ...more })
    counting({}).rejects('invalid_state')
    counting(JUST_NOW).rejects('invalid_state')
    const { writes, response } = counting(LATE).decision()
    equal((response as { lines: { adjustment: number }[] }).lines[0]!.adjustment, 2)
    const row = [...ended.events, ...writes[0]!.events].reduce<Row | undefined>(
      (before, { type, data }, i) => {
        const event = { event_type: type, data, timestamp: `day ${i}`, version: i } as Recorded
        return stockCounts.on[type]!.apply(before, event, C) as Row
      },
      undefined,
    )
    deepEqual([row?.status, row?.counted_lines, row?.completed_at], ['COMPLETED', 1, 'day 1'])
  })
})

describe('what had broken', () => {
  test('is gone, also where the book has less or nothing', () => {
    const broke = { product_id: 'tea', adjustment: '-5', reason: 'broken' }
    refused('AdjustInventory', broke, 'insufficient_stock')
    when('AdjustInventory', { ...broke, ...LATE }).answers({ quantity: -2 })
    deepEqual(noted('AdjustInventory', broke), [['adjustment', 2, 'broken']])
    const elsewhere = { ...broke, store_id: 'berlin' }
    refused('AdjustInventory', elsewhere, 'not_found')
    when('AdjustInventory', { ...elsewhere, ...LATE }).answers({ quantity: -5 })
    deepEqual(noted('AdjustInventory', elsewhere), [
      ['adjustment', 5, 'the product was not stocked in this store; broken'],
    ])
  })
})

describe('a van that had left', () => {
  const way = { transfer_id: T, from_store_id: 'main', to_store_id: 'berlin' }
  const lines = [{ product_id: 'tea', quantity: '5' }]
  test('took what it took', () => {
    refused('StartTransfer', { ...way, lines }, 'insufficient_stock')
    deepEqual(noted('StartTransfer', { ...way, lines }), [['transfer', 2, 'transfer']])
    const { writes } = when('StartTransfer', { ...way, lines, ...LATE }).decision()
    const streams = writes.map(({ stream }) => stream)
    equal(streams[0], `transfer-${T}`)
    equal(streams.includes(`stock-tea:${MAIN_STORE_ID}`), true)
  })
  test('may have left any store for any', () => {
    const some = { ...way, lines: [{ product_id: 'tea', quantity: '1' }] }
    const closed = { ...some, to_store_id: 'closed' }
    refused('StartTransfer', closed, 'invalid_state')
    deepEqual(noted('StartTransfer', closed), [['transfer', 0, 'the store is closed; transfer']])
    const unknown = { ...some, from_store_id: 'nowhere' }
    refused('StartTransfer', unknown, 'not_found')
    deepEqual(noted('StartTransfer', unknown), [
      ['transfer', 1, 'nobody knew of the store; transfer'],
    ])
    // What is in a closed store may leave it; there is nothing to look into but what was not there.
    const out = { ...some, from_store_id: 'closed' }
    deepEqual(noted('StartTransfer', out), [['transfer', 1, 'transfer']])
  })
})
