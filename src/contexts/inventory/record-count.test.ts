// Counts are right while selling goes on: a number tells what lay there when it was counted, not
// when it was written down; and what is recorded late of an earlier moment is in it already.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAIN_STORE_ID, store } from '#contexts/stores/public.ts'
import type { Write } from '#kernel/decider.ts'
import { commandIn, given, NOW, statesAfter } from '#testing/given.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { productCreated, stockOpened } from './goods-fixture.ts'
import { inventory } from './inventory.ts'
import { changedSince, noMoves, noted } from './recent-moves.ts'
import { reservation } from './reservation.ts'
import { commitLines } from './reserving.ts'
import { type StockState, stockItem, stockKey } from './stock.ts'
import { stockCount } from './stock-count.ts'

const command = commandIn(inventory.commands)
const [record, adjust] = [command('RecordCount'), command('AdjustInventory')]
const [add, close] = [command('AddStock'), command('CloseInventory')]
const P = 'tea'
const C = 'c-1'
const place = { product_id: P, store_id: MAIN_STORE_ID }
const KEY = stockKey(P, MAIN_STORE_ID)
const at = (time: string) => `2026-03-02T${time}:00.000Z`
const thing = productCreated(P)
const berlin = store.write('berlin', [
  store.event('StoreCreated', {
    ...{ store_id: 'berlin', name: 'Berlin', kind: 'shop', timezone: 'UTC' },
  }),
])
const opened = (quantity: number, more: object = {}): Write => {
  const { stream, events } = stockOpened(P, quantity, more)
  return { stream, events: events.map((event) => ({ ...event, occurred_at: at('07:00') })) }
}
const started = (more: object = {}) =>
  stockCount.write(C, [
    stockCount.event('StockCountStarted', {
      ...{ count_id: C, store_id: MAIN_STORE_ID, scope: 'all', product_ids: null },
      ...{ department_id: null, reference: null, ...more },
    }),
  ])
const sold = (quantity: number, time: string) =>
  stockItem.write(KEY, [
    stockItem.event(
      'InventoryAdjusted',
      { ...place, adjustment: -quantity, reason: 'sale', reference: 'S' },
      at(time),
    ),
  ])
const held = (quantity: number) =>
  stockItem.write(KEY, [
    stockItem.event('StockReserved', { ...place, quantity, reservation_id: 'r' }),
  ])
const counted = (counted: string, time?: string, more: object = {}) => ({
  ...{ count_id: C, product_id: P, counted, ...more },
  ...(time === undefined ? {} : { occurred_at: at(time) }),
})
type Line = Readonly<Record<string, unknown>>
const lineOf = (response: Line): Line => (response.lines as Line[])[0]!
const typesOf = (writes: readonly Write[]) =>
  writes.flatMap(({ events }) => events.map(({ type }) => type))

describe('a count', () => {
  test('keeps what was sold between counting and writing down', () => {
    const { response, writes } = given(
      thing,
      opened(10),
      sold(2, '09:00'),
      sold(1, '09:45'),
      started(),
    )
      .when(record, counted('7', '09:30'))
      .decision()
    // The book had 8 then, and one was sold since.
    deepEqual(lineOf(response), {
      ...{ product_id: P, counted_quantity: 7, expected_quantity: 8, adjustment: -1, quantity: 6 },
      ...{ is_superseded: false, counted_at: at('09:30'), quantity_scale: 0 },
    })
    deepEqual(typesOf(writes), ['StockCountRecorded', 'StockCounted', 'InventoryAdjusted'])
  })
  test('that finds what the book says changes nothing, and is known', () => {
    given(thing, opened(10), sold(2, '09:00'), started())
      .when(record, counted('8'))
      .writes(
        stockCount.write(C, [
          stockCount.event('StockCountRecorded', {
            ...{ count_id: C, store_id: MAIN_STORE_ID, counted_lines: 1, differing_lines: 0 },
          }),
        ]),
        stockItem.write(KEY, [
          stockItem.event(
            'StockCounted',
            {
              ...{ ...place, count_id: C, counted: 8, expected: 8, adjustment: 0 },
              ...{ is_superseded: false, counted_at: NOW, quantity_scale: 0 },
            },
            NOW,
          ),
        ]),
      )
  })
  test('knows what is recorded later of an earlier moment: it changes nothing more', () => {
    const history = [thing, opened(10), started()]
    const { writes } = given(...history)
      .when(record, counted('7', '09:30'))
      .decision()
    const late = given(...history, ...writes)
      .at({ occurred_at: at('09:00') })
      .when(adjust, { product_id: P, adjustment: '-3', reason: 'sale' })
    deepEqual(typesOf(late.decision().writes), ['InventoryAdjusted', 'InventoryAdjusted'])
    late.answers({ quantity: 7 })
    // What happened after the count, though recorded as late, counts.
    given(...history, ...writes)
      .at({ occurred_at: at('09:31') })
      .when(adjust, { product_id: P, adjustment: '-3', reason: 'sale' })
      .answers({ quantity: 4 })
  })
  test('does not find what had left already, which may be written down after it', () => {
    const reserved = { ...place, quantity: 5, reservation_id: 'r' }
    const lines = [{ ...place, quantity: 5 }]
    const history = [
      thing,
      opened(5),
      started(),
      stockItem.write(KEY, [stockItem.event('StockReserved', reserved)]),
      reservation.write('r', [
        reservation.event('InventoryReserved', {
          ...{ reservation_id: 'r', order_id: null, expires_at: null },
          lines,
        }),
      ]),
    ]
    const { writes } = given(...history)
      .when(record, counted('0', '09:30'))
      .decision()
    const past = statesAfter(...history, ...writes)
    ok('rejected' in commitLines(past, 'r', at('09:31')))
    const left = commitLines(past, 'r', at('09:15'))
    ok('writes' in left)
    const after = statesAfter(...history, ...writes, ...left.writes).state(stockItem.at(KEY))
    deepEqual([after?.quantity, after?.reserved], [0, 0])
  })
  test('of the same moment as the newest one is another number for it', () => {
    const history = [thing, opened(10), started()]
    const { writes } = given(...history)
      .when(record, counted('8', '09:30'))
      .decision()
    const { response } = given(...history, ...writes)
      .when(record, counted('7', '09:30'))
      .decision()
    const { expected_quantity, adjustment, quantity } = lineOf(response)
    deepEqual([expected_quantity, adjustment, quantity], [8, -1, 7])
  })
  test('of now is of what is in the book, also where a clock behind the others says so', () => {
    const ahead = [sold(2, '10:01'), sold(1, '10:02')]
    const { response, writes } = given(thing, opened(10), ...ahead, started())
      .when(record, counted('6'))
      .decision()
    const { expected_quantity, quantity, counted_at } = lineOf(response)
    deepEqual([expected_quantity, quantity, counted_at], [7, 6, at('10:02')])
    // One that is a little ahead says now, too; one that says when it was means that.
    const history = [thing, opened(10), ...ahead, started(), ...writes]
    deepEqual(
      ['10:04', '09:59'].map((time) => {
        const told = given(...history).when(record, counted('5', time))
        const { expected_quantity, is_superseded } = lineOf(told.decision().response)
        return [expected_quantity, is_superseded]
      }),
      [
        [6, false],
        [10, true],
      ],
    )
    const late = [thing, stockOpened(P, 4), started()]
    const { writes: first } = given(...late)
      .at({ now: at('09:59') })
      .when(record, counted('4'))
      .decision()
    deepEqual(typesOf(first), ['StockCountRecorded', 'StockCounted'])
  })
  test('of an earlier moment than the newest one changes nothing', () => {
    const history = [thing, opened(10), started()]
    const { writes } = given(...history)
      .when(record, counted('7', '09:30'))
      .decision()
    const { response } = given(...history, ...writes)
      .when(record, counted('9', '09:10'))
      .decision()
    const { is_superseded, adjustment, quantity } = lineOf(response)
    deepEqual([is_superseded, adjustment, quantity], [true, 0, 7])
  })
  test('may find less than is promised: it stands, and somebody has to look', () => {
    const { response, writes } = given(thing, opened(10), held(6), started())
      .when(record, counted('4'))
      .decision()
    equal(lineOf(response).quantity, 4)
    const found = writes.find(({ stream }) => stream.startsWith('discrepancy-'))!.events[0]!
    const { kind, missing, reference } = found.data as Line
    deepEqual([kind, missing, reference], ['count', 2, C])
  })
  test('opens what was never stocked here', () => {
    const { writes } = given(thing, started()).when(record, counted('4')).decision()
    deepEqual(typesOf(writes), [
      ...['StockCountRecorded', 'InventoryCreated', 'StockCounted', 'InventoryAdjusted'],
      'ProductStocked',
    ])
  })
  test('of what was first stocked by something told late may be of any moment', () => {
    const delivered = given(thing, started())
      .at({ occurred_at: at('08:00') })
      .when(add, { product_id: P, quantity: '5' })
      .decision()
    for (const [first, second] of [
      ['07:30', '08:30'],
      ['08:30', '07:30'],
    ] as const) {
      const history = [thing, started(), ...delivered.writes]
      const told = given(...history).when(record, counted('7', first))
      const { writes } = told.decision()
      // Two lay there before the delivery, or two were found beside it.
      deepEqual(lineOf(told.decision().response).quantity, 7 + (first === '07:30' ? 5 : 0))
      given(...history, ...writes)
        .when(record, counted('7', second))
        .decision()
    }
    const { writes } = given(thing, started()).when(record, counted('4', '09:00')).decision()
    const again = given(thing, started(), ...writes).when(record, counted('3', '09:30'))
    deepEqual(lineOf(again.decision().response).expected_quantity, 4)
  })
  test('of a moment before it was opened with something, or again, is to be made anew', () => {
    given(thing, opened(10), started()).when(record, counted('7', '06:59')).rejects('invalid_state')
    const history: Write[] = [thing, started()]
    for (const [one, input] of [
      [add, { product_id: P, quantity: '5' }],
      [adjust, { product_id: P, adjustment: '-5' }],
      [close, { product_id: P }],
      [add, { product_id: P, quantity: '1' }],
    ] as const)
      history.push(
        ...given(...history)
          .when(one, input)
          .decision().writes,
      )
    given(...history)
      .when(record, counted('7', '09:30'))
      .rejects('invalid_state')
    given(...history)
      .when(record, counted('1'))
      .answers({ count_id: C })
  })
  test('is taken in the steps of the product, and not below nothing', () => {
    const cheese = productCreated(P, { quantity_scale: 2 })
    const { response } = given(cheese, opened(150, { quantity_scale: 2 }), started())
      .when(record, counted('1.25'))
      .decision()
    deepEqual([lineOf(response).adjustment, lineOf(response).quantity_scale], [-25, 2])
    given(thing, opened(1), started())
      .when(record, counted('-1'))
      .rejects('validation_failed', { errors: { counted: 'must not be negative' } })
    given(thing, opened(1), started())
      .when(record, counted('0.5'))
      .rejects('validation_failed', { errors: { counted: 'must be a whole number' } })
  })
  test('tells what is wrong with which line', () => {
    const lines = [
      { product_id: 'no', counted: '1' },
      { product_id: P, counted: '1', occurred_at: '2026-03-02T11:00:00+00:30' },
      { product_id: P, counted: '1' },
    ]
    given(thing, opened(1), started())
      .when(record, { count_id: C, lines })
      .rejects('validation_failed', {
        errors: {
          'lines.0.product_id': 'is not a product',
          'lines.1.occurred_at': 'is in the future',
          'lines.2.product_id': 'is counted twice here',
        },
      })
    given(thing, started())
      .when(record, { count_id: C })
      .rejects('validation_failed', {
        errors: { lines: 'is required, or product_id and counted' },
      })
  })
  test('tells how many of its numbers were others than the book says', () => {
    const ale = [productCreated('ale'), stockOpened('ale', 3)]
    const lines = [
      { product_id: P, counted: '9' },
      { product_id: 'ale', counted: '3' },
    ]
    const { writes } = given(thing, ...ale, opened(10), started())
      .when(record, { count_id: C, lines })
      .decision()
    const recorded = writes.flatMap(({ events }) => events)
    const { counted_lines, differing_lines } = recorded.find(
      ({ type }) => type === 'StockCountRecorded',
    )!.data as Line
    deepEqual([counted_lines, differing_lines], [2, 1])
    const twice = statesAfter(started(), ...writes, ...writes).state(stockCount.at(C))!
    deepEqual([twice.counted_lines, twice.differing_lines], [4, 2])
  })
  test('of before there was a shelf knows what lay there only where nothing could', () => {
    const first = (quantity: number) => opened(quantity, { is_first: true })
    given(thing, first(0), started()).when(record, counted('2', '06:30')).answers({ count_id: C })
    given(thing, first(5), started())
      .when(record, counted('2', '06:30'))
      .rejects('invalid_state', { details: { product_id: P } })
    given(thing, opened(0), started()).when(record, counted('2', '06:30')).rejects('invalid_state')
  })
  test('comes to no more than a shelf can hold', () => {
    const most = 10 ** 12
    const come = (quantity: number) => sold(-quantity, '09:45')
    const history = (more: number) => [thing, opened(10), come(more), started()]
    given(...history(5))
      .when(record, counted(String(most - 5), '09:30'))
      .answers({ count_id: C })
    given(...history(6))
      .when(record, counted(String(most - 5), '09:30'))
      .rejects('validation_failed', { errors: { counted: 'is too large' } })
  })
  test('is of what it was begun for', () => {
    const not = { errors: { product_id: 'is not in this count' } }
    given(thing, opened(1), started({ scope: 'products', product_ids: ['coffee'] }))
      .when(record, counted('1'))
      .rejects('validation_failed', not)
    given(thing, opened(1), started({ scope: 'products', product_ids: ['coffee', P] }))
      .when(record, counted('1'))
      .answers({ count_id: C })
    const inDepartment = productCreated(P, { department_id: 'd', department_name: 'D' })
    given(inDepartment, opened(1), started({ scope: 'department', department_id: 'other' }))
      .when(record, counted('1'))
      .rejects('validation_failed', not)
    given(inDepartment, opened(1), started({ scope: 'department', department_id: 'd' }))
      .when(record, counted('1'))
      .answers({ count_id: C })
  })
  test('takes no more numbers once it is complete, and is completed once', () => {
    const done = stockCount.write(C, [
      stockCount.event('StockCountCompleted', { count_id: C, store_id: MAIN_STORE_ID }),
    ])
    given(thing, opened(1), started(), done).when(record, counted('1')).rejects('invalid_state')
    given().when(record, counted('1')).rejects('not_found')
    const complete = command('CompleteStockCount')
    given(started()).when(complete, { count_id: C }).writes(done).answers({ status: 'COMPLETED' })
    given(started(), done).when(complete, { count_id: C }).writesNothing()
    given().when(complete, { count_id: C }).rejects('not_found')
  })
  test('is refused when more has moved since than is remembered', () => {
    const many = Array.from({ length: 65 }, () => sold(1, '09:40'))
    const spread = many.map(({ stream, events: [event] }, i) => {
      const occurred_at = `2026-03-02T09:40:${String(i % 60).padStart(2, '0')}.${100 + i}Z`
      return { stream, events: [{ ...event!, occurred_at }] }
    })
    given(thing, opened(100), ...spread, started())
      .when(record, counted('7', '09:30'))
      .rejects('invalid_state', { details: { product_id: P } })
    given(thing, opened(100), ...spread.slice(1), started())
      .when(record, counted('7', '09:30'))
      .answers({ count_id: C })
  })
})

describe('beginning a count', () => {
  const start = command('StartStockCount')
  test('says what is to be counted', () => {
    given(thing).when(start, {}).answers({ scope: 'all', status: 'OPEN' })
    given(thing)
      .when(start, { product_ids: [P, P] })
      .answers({ scope: 'products' })
    for (const wrong of [{ scope: 'products' }, { scope: 'all', product_ids: [P] }])
      given(thing)
        .when(start, wrong)
        .rejects('validation_failed', {
          errors: {
            product_ids: 'belongs to its scope: name it with that scope, and only with it',
          },
        })
    given()
      .when(start, { product_ids: [P] })
      .rejects('not_found')
    given().when(start, { department_id: 'd' }).rejects('not_found')
    given().when(start, { store_id: 'nowhere' }).rejects('not_found')
    const count_id = '01980000-0000-7000-8000-000000000001'
    const before = { ...started(), stream: `stock_count-${count_id}` }
    given(before).when(start, { count_id }).rejects('already_exists')
  })
})

describe('the last movements', () => {
  test('are kept in the order in which they happened, so many of them', () => {
    let recent = noMoves(at('07:00'))
    for (const [time, change] of [
      ['09:00', -1],
      ['08:00', -2],
      ['10:00', 4],
    ] as const)
      recent = noted(recent, at(time), change)
    deepEqual(
      ['07:00', '08:00', '08:30', '09:00', '10:00'].map((time) => changedSince(recent, at(time))),
      [1, 3, 3, 4, 0],
    )
    equal(changedSince(recent, at('06:59')), null)
    for (let i = 0; i < 62; i++) recent = noted(recent, at('11:00'), 1)
    equal(changedSince(recent, at('07:59')), null)
    equal(changedSince(recent, at('08:00')), 65)
    equal(recent.moves.length, 128)
  })
})

const SEED = seedOfRun()
test(`whatever is recorded when, the book ends where the shelf is (SEED=${SEED})`, () => {
  const { int, pick, chance } = seeded(SEED)
  const minute = (time: number) => new Date(Date.parse(at('08:00')) + time * 60_000).toISOString()
  for (let run = 0; run < 40; run++) {
    const shelf: { readonly time: number; readonly change: number }[] = []
    const left = (time: number) =>
      shelf.reduce((sum, one) => sum + (one.time <= time ? one.change : 0), 0)
    const acts: { at: number; time: number; change: number | null }[] = []
    // The first delivery may be told long after it came; before that nothing can leave.
    const first = { at: pick([0, 5, 30]), time: 0, change: 100 }
    shelf.push(first)
    acts.push(first)
    for (let time = 1; time <= 40; time++) {
      const kind = int(0, 9)
      const told = time + pick([0, 0, 0, 3, 15, 40])
      if (kind < 5) {
        const change = int(-3, 4)
        shelf.push({ time, change })
        // Kind 0 is what nobody tells: broken, stolen, found.
        if (kind > 0 && change !== 0) acts.push({ at: Math.max(told, first.at), time, change })
      } else if (kind === 9) acts.push({ at: told, time, change: null })
    }
    // Much is told only after this one, of moments before it.
    acts.push({ at: 52, time: 50, change: null })
    const history: Write[] = [thing, berlin, started()]
    for (const [i, { at: recorded, time, change }] of acts.sort((a, b) => a.at - b.at).entries()) {
      const now = minute(recorded)
      const occurred_at = minute(time)
      const [one, input] = told(i, change, left(time))
      const decided = given(...history)
        .at({ now, settings: { 'inventory.negative': true } })
        .when(command(one), { ...input, occurred_at })
      for (const { stream, events } of decided.decision().writes)
        history.push({ stream, events: events.map((one) => ({ occurred_at: now, ...one })) })
    }
    const state: StockState | null = statesAfter(...history).state(stockItem.at(KEY))
    equal(state?.quantity, left(50), `run ${run}`)
  }

  /** `change`: null is a count. */
  function told(i: number, change: number | null, shown: number): readonly [string, object] {
    const amount = { product_id: P, quantity: String(Math.abs(change ?? 0)) }
    if (change === null) return ['RecordCount', { ...counted(String(shown)) }]
    if (i === 0 || (change > 0 && chance(0.5))) return ['AddStock', amount]
    if (change > 0 || chance(0.5))
      return ['AdjustInventory', { product_id: P, adjustment: String(change) }]
    const way = { from_store_id: 'main', to_store_id: 'berlin', lines: [amount] }
    const transfer_id = `01980000-0000-7000-8000-${String(i).padStart(12, '0')}`
    return ['StartTransfer', { ...way, transfer_id }]
  }
})
