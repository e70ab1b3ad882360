// What is promised before it is there: who waits longest is served first, and nobody ships what has
// not come. Beside it how a stock item is kept, and how a discrepancy is settled.
import { deepEqual, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAIN_STORE_ID, store } from '#contexts/stores/public.ts'
import type { Command, Given, Ref, Write } from '#kernel/decider.ts'
import { given, statesAfter } from '#testing/given.ts'
import { discrepancy } from './discrepancy.ts'
import { productCreated, stockOpened } from './goods-fixture.ts'
import { inventory } from './inventory.ts'
import { changeReservation } from './re-reserving.ts'
import { commitLines, reserveLines } from './reserving.ts'
import { BACKORDERS_MAX, backorderOf, type StockState, stockItem, stockKey } from './stock.ts'

const command = (type: string): Command => inventory.commands.find((one) => one.type === type)!
const P = 'tea'
const place = { product_id: P, store_id: MAIN_STORE_ID }
const KEY = stockKey(P, MAIN_STORE_ID)
const R1 = '01980000-0000-7000-8000-000000000001'
const R2 = '01980000-0000-7000-8000-000000000002'
const R3 = '01980000-0000-7000-8000-000000000003'

const then = (history: readonly Write[], type: string, input: object): Write[] => [
  ...history,
  ...given(...history)
    .when(command(type), { product_id: P, ...input })
    .decision().writes,
]
const reserve = (history: readonly Write[], reservation_id: string, quantity: number) =>
  then(history, 'ReserveStock', { reservation_id, quantity: String(quantity) })
const stateOf = (history: readonly Write[]): StockState => {
  const state: StockState | null = statesAfter(...history).state(stockItem.at(KEY))
  ok(state !== null)
  return state
}
const waiting = (history: readonly Write[]) =>
  stateOf(history).backorders.map(({ reservation_id, quantity }) => [
    reservation_id.at(-1),
    quantity,
  ])
const commit = (history: readonly Write[], reservation_id: string, lines?: readonly object[]) =>
  given(...history).when(command('CommitReservation'), {
    reservation_id,
    ...(lines === undefined ? {} : { lines }),
  })

/** Five here; the first takes three, the second four, the third two of them. */
const promised = () => {
  const open = [productCreated(P), stockOpened(P, 5, { backorder_limit: 6 })]
  return reserve(reserve(reserve(open, R1, 3), R2, 4), R3, 2)
}

describe('a backorder', () => {
  test('is what was not here when it was promised', () => {
    deepEqual(waiting(promised()), [
      ['2', 2],
      ['3', 2],
    ])
    given(...promised())
      .when(command('ReserveStock'), { product_id: P, quantity: '3' })
      .rejects('insufficient_stock', {
        details: { lines: [{ ...place, requested: 3, available: 2 }] },
      })
    given(...promised())
      .when(command('ReserveStock'), { product_id: P, quantity: '2' })
      .answers({ backordered: [{ ...place, quantity: 2, quantity_scale: 0 }] })
    const made = reserveLines(statesAfter(...promised()), {
      ...{ reservation_id: 'r4', order_id: null, expires_at: null },
      lines: [{ ...place, quantity: 1 }],
    })
    ok('backordered' in made)
    deepEqual(made.backordered, [{ ...place, quantity: 1 }])
  })
  test('does not leave before it has come, though others’ goods are here', () => {
    commit(promised(), R2).rejects('insufficient_stock', {
      details: { lines: [{ ...place, requested: 4, available: 2 }] },
    })
    commit(promised(), R2, [{ product_id: P, quantity: '2' }]).answers({ status: 'ACTIVE' })
    commit(promised(), R3).rejects('insufficient_stock')
    commit(promised(), R1).answers({ status: 'COMMITTED' })
  })
  test('is filled by what comes, who has waited longest first', () => {
    const some = then(promised(), 'AddStock', { quantity: '3' })
    deepEqual(waiting(some), [['3', 1]])
    commit(some, R2).answers({ status: 'COMMITTED' })
    commit(some, R3).rejects('insufficient_stock', {
      details: { lines: [{ ...place, requested: 2, available: 1 }] },
    })
    const all = then(some, 'AddStock', { quantity: '1' })
    deepEqual(waiting(all), [])
    commit(all, R3).answers({ status: 'COMMITTED' })
  })
  test('is filled by what others give back, and given up before what was here', () => {
    const released = (reservation_id: string) => [
      ...promised(),
      ...given(...promised())
        .when(command('ReleaseInventory'), { reservation_id })
        .decision().writes,
    ]
    deepEqual(waiting(released(R1)), [['3', 1]])
    const less = then(promised(), 'ReleaseStock', { reservation_id: R2, quantity: '3' })
    // Two of the three had not come; the third goes to the next in line.
    deepEqual(waiting(less), [['3', 1]])
    deepEqual(waiting(released(R2)), [])
  })
  test('does not move up by what was taken from those before it', () => {
    const lost = then(promised(), 'AdjustInventory', { adjustment: '-1', reason: 'broken' })
    ok(lost.some(({ stream }) => stream.startsWith('discrepancy-')))
    deepEqual(waiting(lost), [
      ['2', 2],
      ['3', 2],
    ])
    // The next that comes is for the one whose goods were broken.
    deepEqual(waiting(then(lost, 'AddStock', { quantity: '1' })).length, 2)
    deepEqual(waiting(then(lost, 'AddStock', { quantity: '3' })), [['3', 2]])
  })
  test('stays as it is while what is here leaves', () => {
    const { writes } = commit(promised(), R1).decision()
    deepEqual(waiting([...promised(), ...writes]), [
      ['2', 2],
      ['3', 2],
    ])
  })
  test('of a reservation that is added to stands in line again, behind the others', () => {
    const open = [productCreated(P), stockOpened(P, 2, { backorder_limit: 20 })]
    const some = reserve(reserve(open, R1, 4), R2, 3)
    const changed = (history: readonly Write[], quantity: number) => {
      const lines = [{ ...place, quantity }]
      const done = changeReservation(statesAfter(...history), R1, lines, 'order_changed')
      ok('writes' in done)
      return [...history, ...done.writes]
    }
    const more = changed(some, 6)
    deepEqual(waiting(more), [
      ['1', 2],
      ['2', 3],
      ['1', 2],
    ])
    deepEqual(backorderOf(stateOf(more), R1), 4)
    commit(more, R1).rejects('insufficient_stock', {
      details: { lines: [{ ...place, requested: 6, available: 2 }] },
    })
    // What is given up again is the newest; its first place in line stays.
    deepEqual(waiting(changed(more, 3)), [
      ['1', 1],
      ['2', 3],
    ])
    deepEqual(waiting(then(more, 'AddStock', { quantity: '3' })), [
      ['2', 2],
      ['1', 2],
    ])
    deepEqual(waiting(then(more, 'AddStock', { quantity: '6' })), [['1', 1]])
    const all = then(more, 'AddStock', { quantity: '7' })
    deepEqual(waiting(all), [])
    commit(all, R1).answers({ status: 'COMMITTED' })
  })
  test('of one line keeps no other line of its reservation here', () => {
    const lines = [
      { product_id: P, store_id: MAIN_STORE_ID, quantity: '7' },
      { product_id: P, store_id: 'berlin', quantity: '2' },
      { product_id: 'ale', store_id: 'berlin', quantity: '4' },
    ]
    const open = [
      ...[productCreated(P), productCreated('ale'), stockOpened(P, 5, { backorder_limit: 6 })],
      ...[stockOpened(P, 9, {}, 'berlin'), stockOpened('ale', 9, {}, 'berlin')],
      store.write('berlin', [
        store.event('StoreCreated', {
          ...{ store_id: 'berlin', name: 'Berlin', kind: 'shop', timezone: 'UTC' },
        }),
      ]),
    ]
    const { writes } = given(...open)
      .when(command('ReserveInventory'), { reservation_id: R1, lines })
      .decision()
    const held = [...open, ...writes]
    for (const line of lines.slice(1)) commit(held, R1, [line]).answers({ status: 'ACTIVE' })
    commit(held, R1).rejects('insufficient_stock', {
      details: { lines: [{ ...place, requested: 7, available: 5 }] },
    })
  })
  test('is one of so many of a stock item, and no more', () => {
    const open = [productCreated(P), stockOpened(P, 0, { backorder_limit: 10_000 })]
    const reservedBeside = (others: number) => {
      const backorders = Array.from({ length: others }, (_, i) => ({
        ...{ reservation_id: `r-${i}`, quantity: 1 },
      }))
      const past = statesAfter(...open)
      const full = { ...stateOf(open), reserved: others, backorders }
      const state = (ref: Ref) => (ref.stream === stockItem.at(KEY).stream ? full : past.state(ref))
      return reserveLines(
        { ...past, state: state as Given['state'] },
        {
          ...{ reservation_id: R1, order_id: null, expires_at: null },
          lines: [{ ...place, quantity: 1 }],
        },
      )
    }
    ok('writes' in reservedBeside(BACKORDERS_MAX - 1))
    ok('rejected' in reservedBeside(BACKORDERS_MAX))
  })
  test('of before they were kept by name is nobody’s in particular', () => {
    const old = stockItem.write(KEY, [
      stockItem.event('StockReserved', { ...place, quantity: 7, reservation_id: 'old' }),
    ])
    const history = [productCreated(P), stockOpened(P, 5, { backorder_limit: 6 }), old]
    deepEqual(backorderOf(stateOf(history), 'old'), 0)
    deepEqual(waiting(reserve(history, R1, 1)), [['1', 1]])
    ok('rejected' in commitLines(statesAfter(...history), 'old'))
  })
})

describe('how a stock item is kept', () => {
  const item = (more: object = {}) => [productCreated(P), stockOpened(P, 5, more)]
  const update = command('UpdateInventory')
  const updated = (changed: object) =>
    stockItem.write(KEY, [stockItem.event('InventoryUpdated', { ...place, ...changed })])

  test('is changed field by field; what is not named stays', () => {
    given(...item({ location: 'A-1', min_stock: 2 }))
      .when(update, { product_id: P, backorder_limit: '3' })
      .writes(updated({ backorder_limit: 3 }))
      .answers({ location: 'A-1', min_stock: 2, backorder_limit: 3 })
    given(...item({ location: 'A-1', min_stock: 2 }))
      .when(update, { product_id: P, location: null, min_stock: null })
      .writes(updated({ location: null, min_stock: null }))
    given(...item({ location: 'A-1' }))
      .when(update, { product_id: P, location: 'A-1', backorder_limit: '0' })
      .writesNothing()
  })
  test('is told to be low at once by a threshold above what is free', () => {
    const { writes } = given(...item())
      .when(update, { product_id: P, min_stock: '5' })
      .decision()
    deepEqual(
      writes[0]!.events.map(({ type }) => type),
      ['InventoryUpdated', 'LowStockReached'],
    )
    given(...item())
      .when(update, { product_id: P, min_stock: '4' })
      .writes(updated({ min_stock: 4 }))
  })
  test('has a limit that takes back no promise', () => {
    const history = then(promised(), 'UpdateInventory', { backorder_limit: '0' })
    deepEqual(waiting(history).length, 2)
    given(...history)
      .when(command('ReserveStock'), { product_id: P, quantity: '1' })
      .rejects('insufficient_stock')
  })
  test('is refused with all that is wrong', () => {
    given(...item())
      .when(update, { product_id: P, min_stock: '-1', backorder_limit: '0.5' })
      .rejects('validation_failed', {
        errors: { min_stock: 'must not be negative', backorder_limit: 'must be a whole number' },
      })
    given(productCreated(P)).when(update, { product_id: P }).rejects('not_found')
    given().when(update, { product_id: P }).rejects('not_found')
  })
})

describe('a discrepancy', () => {
  const resolve = command('ResolveDiscrepancy')
  const discrepancy_id = 'd-1'
  const found = discrepancy.write(discrepancy_id, [
    discrepancy.event('StockDiscrepancyDetected', {
      ...{
        discrepancy_id,
        ...place,
        kind: 'sale',
        missing: 1,
        quantity: 0,
        available_quantity: -1,
      },
      ...{ quantity_scale: 0, reason: 'sale', reference: 'S-1' },
      happened_at: '2026-03-02T10:00:00.000Z',
    }),
  ])
  const settled = { discrepancy_id, action: 'recounted', note: 'behind the shelf' }
  test('is settled once, by somebody, who says how', () => {
    const history = [found]
    const first = given(...history)
      .at({ user_id: 'ann' })
      .when(resolve, settled)
    first.answers({ status: 'RESOLVED', resolved_by: 'ann', action: 'recounted' })
    given(...history, ...first.decision().writes)
      .at({ user_id: 'bob' })
      .when(resolve, settled)
      .rejects('invalid_state', { details: { status: 'RESOLVED' } })
    given(found)
      .when(resolve, settled)
      .rejects('validation_failed', { errors: { by: 'is required, or user_id' } })
    given(found)
      .when(resolve, { ...settled, by: 'eve' })
      .answers({ resolved_by: 'eve' })
    given().when(resolve, settled).rejects('not_found')
  })
})
