// What reservations promise and what becomes of them: as pieces of decisions, and by hand.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { product } from '#contexts/catalog/public.ts'
import { MAIN_STORE_ID, store } from '#contexts/stores/public.ts'
import { merged, type Ref, type Rejected, type Write } from '#kernel/decider.ts'
import { commandIn, given, NOW, statesAfter } from '#testing/given.ts'
import { productCreated, stockOpened } from './goods-fixture.ts'
import { inventory } from './inventory.ts'
import { type Line, type ReservationState, reservation } from './reservation.ts'
import {
  commitLines,
  keepReservation,
  releaseLines,
  releaseSome,
  reservationRefs,
  reserveLines,
  stockRefs,
  type Writes,
} from './reserving.ts'
import { availableIn, stockItem, stockKey } from './stock.ts'

const command = commandIn(inventory.commands)
const A = '01980000-0000-7000-8000-00000000000a'
const B = '01980000-0000-7000-8000-00000000000b'
const S = '01980000-0000-7000-8000-0000000000aa'
const R = '01980000-0000-7000-8000-000000000077'
const SOON = '2026-03-02T10:15:00.000Z'

const line = (product_id: string, quantity: number, store_id = MAIN_STORE_ID): Line => ({
  product_id,
  store_id,
  quantity,
})
const thing = (product_id: string, quantity_scale = 0): Write =>
  productCreated(product_id, { quantity_scale })
const done = (result: Writes | Rejected): readonly Write[] => {
  ok(!('rejected' in result), JSON.stringify(result))
  return result.writes
}
const refusal = (result: Writes | Rejected) => {
  ok('rejected' in result)
  match(result.rejected.message, /^[A-Z].*\.$/)
  return result.rejected
}
const reserve = (history: readonly Write[], lines: readonly Line[], more: object = {}) =>
  reserveLines(statesAfter(...history), {
    reservation_id: R,
    order_id: null,
    lines,
    expires_at: null,
    ...more,
  })
const stockOf = (history: readonly Write[], product_id: string) =>
  statesAfter(...history).state(stockItem.at(stockKey(product_id, MAIN_STORE_ID)))!
const reservationOf = (history: readonly Write[]): ReservationState =>
  statesAfter(...history).state(reservation.at(R))!

const shelf = [thing(A), thing(B), stockOpened(A, 5), stockOpened(B, 3)]
/** 2 of A and 1 of B are held. */
const reserved = [...shelf, ...done(reserve(shelf, [line(A, 2), line(B, 1)]))]
const ofOrder = [...shelf, ...done(reserve(shelf, [line(A, 2)], { order_id: 'order-1' }))]
const limited = [...shelf, ...done(reserve(shelf, [line(A, 2)], { expires_at: SOON }))]

describe('reserving, as a piece of a decision', () => {
  test('writes one event per stock item and one for the reservation', () => {
    const lines = [line(A, 2), line(B, 1)]
    const held = (product_id: string, quantity: number) => ({
      stream: `stock-${stockKey(product_id, MAIN_STORE_ID)}`,
      events: [
        stockItem.event('StockReserved', { ...line(product_id, quantity), reservation_id: R }),
      ],
    })
    deepEqual(merged(done(reserve(shelf, lines, { order_id: 'o', expires_at: SOON }))), [
      reservation.write(R, [
        reservation.event('InventoryReserved', {
          reservation_id: R,
          order_id: 'o',
          lines: [...lines],
          expires_at: SOON,
        }),
      ]),
      held(A, 2),
      held(B, 1),
    ])
  })
  test('sums lines of one stock item before it judges them', () => {
    const { code, details } = refusal(reserve(shelf, [line(A, 3), line(B, 1), line(A, 3)]))
    equal(code, 'insufficient_stock')
    deepEqual(details, { lines: [{ ...line2(A), requested: 6, available: 5 }] })
    const writes = done(reserve(shelf, [line(A, 3), line(A, 2)]))
    equal(writes.length, 2)
    deepEqual(reservationOf([...shelf, ...writes]).lines, [line(A, 5)])
  })
  test('names every line that is short, and reserves nothing then', () => {
    const { details } = refusal(reserve(shelf, [line(A, 6), line(B, 4)]))
    deepEqual(details, {
      lines: [
        { ...line2(A), requested: 6, available: 5 },
        { ...line2(B), requested: 4, available: 3 },
      ],
    })
  })
  test('never promises the same piece twice', () => {
    equal(availableIn(stockOf(reserved, A)), 3)
    const again = (quantity: number) =>
      reserveLines(statesAfter(...reserved), {
        reservation_id: 'r2',
        order_id: null,
        lines: [line(A, quantity)],
        expires_at: null,
      })
    const { code, details } = refusal(again(4))
    equal(code, 'insufficient_stock')
    deepEqual(details, { lines: [{ ...line2(A), requested: 4, available: 3 }] })
    done(again(3))
  })
  test('promises beyond what is here only up to the backorder limit', () => {
    const history = [thing(A), stockOpened(A, 1, { backorder_limit: 2 })]
    done(reserve(history, [line(A, 3)]))
    equal(refusal(reserve(history, [line(A, 4)])).code, 'insufficient_stock')
  })
  test('promises nothing where nothing was ever stocked', () => {
    const { details } = refusal(reserve([], [line(A, 1)]))
    deepEqual(details, { lines: [{ ...line2(A), requested: 1, available: 0 }] })
  })
  test('promises nothing from a stock below zero', () => {
    const negative = stockItem.write(stockKey(A, MAIN_STORE_ID), [
      stockItem.event('InventoryAdjusted', {
        ...line2(A),
        adjustment: -9,
        reason: 'sale',
        reference: null,
      }),
    ])
    equal(availableIn(stockOf([...shelf, negative], A)), 0)
  })
  test('is made once under one id', () => {
    equal(refusal(reserve(reserved, [line(A, 1)])).code, 'already_exists')
  })
  test('tells fractions as fractions, whether the product was read or not', () => {
    const fine = [thing(A, 3), stockOpened(A, 1_500, { quantity_scale: 3 })]
    const { details } = refusal(reserve(fine, [line(A, 2_250)]))
    deepEqual(details, { lines: [{ ...line2(A), requested: 2.25, available: 1.5 }] })
    const unread = { ...statesAfter(...fine), lacking: (refs: readonly Ref[]) => refs }
    const wanted = { reservation_id: R, order_id: null, lines: [line(A, 2_250)], expires_at: null }
    deepEqual(refusal(reserveLines(unread, wanted)).details, details)
  })
  test('reads each stock item once, to be written', () => {
    const refs = stockRefs([line(A, 1), line(B, 1), line(A, 2)])
    equal(refs.length, 2)
    ok(refs.every(({ mode }) => mode === 'write'))
    equal(reservationRefs(statesAfter(...reserved), R).length, 2)
    equal(reservationRefs(statesAfter(...shelf), R).length, 0)
  })
})

function line2(product_id: string) {
  return { product_id, store_id: MAIN_STORE_ID }
}

describe('what becomes of a reservation, as a piece of a decision', () => {
  test('released: all of it is free again', () => {
    const history = [...reserved, ...done(releaseLines(statesAfter(...reserved), R, 'cancelled'))]
    equal(reservationOf(history).status, 'RELEASED')
    deepEqual([stockOf(history, A).reserved, stockOf(history, A).quantity], [0, 5])
    equal(stockOf(history, B).reserved, 0)
  })
  test('expired: the same, under its own name', () => {
    const writes = done(releaseLines(statesAfter(...reserved), R, 'expired', 'expired'))
    equal(writes[0]!.events[0]!.type, 'ReservationExpired')
    const history = [...reserved, ...writes]
    equal(reservationOf(history).status, 'EXPIRED')
    equal(stockOf(history, A).reserved, 0)
  })
  test('committed: the goods have left', () => {
    const at = '2026-01-01T00:00:00.000Z'
    const writes = done(commitLines(statesAfter(...reserved), R, at))
    ok(writes.every(({ events }) => events.every(({ occurred_at }) => occurred_at === at)))
    const history = [...reserved, ...writes]
    equal(reservationOf(history).status, 'COMMITTED')
    deepEqual([stockOf(history, A).reserved, stockOf(history, A).quantity], [0, 3])
  })
  test('only once, whatever it was', () => {
    for (const [writes, status] of [
      [done(releaseLines(statesAfter(...reserved), R, 'x')), 'RELEASED'],
      [done(commitLines(statesAfter(...reserved), R)), 'COMMITTED'],
      [done(releaseLines(statesAfter(...reserved), R, 'x', 'expired')), 'EXPIRED'],
    ] as const) {
      const after = statesAfter(...reserved, ...writes)
      for (const again of [releaseLines(after, R, 'x'), commitLines(after, R)]) {
        equal(refusal(again).code, 'invalid_state')
        deepEqual(refusal(again).details, { status })
      }
    }
    equal(refusal(releaseLines(statesAfter(), R, 'x')).code, 'not_found')
  })
  test('in parts: what is not taken stays held', () => {
    const some = done(releaseSome(statesAfter(...reserved), R, [line(A, 1)], 'x'))
    const history = [...reserved, ...some]
    deepEqual(reservationOf(history).lines, [line(A, 1), line(B, 1)])
    equal(reservationOf(history).status, 'ACTIVE')
    equal(stockOf(history, A).reserved, 1)
    const more = releaseSome(statesAfter(...history), R, [line(A, 2)], 'x')
    equal(refusal(more).code, 'invalid_state')
  })
  test('in parts: a rest that is released does not hide that goods have left', () => {
    const part = done(commitLines(statesAfter(...reserved), R, undefined, [line(A, 2)]))
    const left = [...reserved, ...part]
    deepEqual(reservationOf(left).lines, [line(B, 1)])
    const history = [...left, ...done(releaseLines(statesAfter(...left), R, 'x'))]
    equal(reservationOf(history).status, 'COMMITTED')
  })
  test('the very last piece may leave', () => {
    const history = [...shelf, ...done(reserve(shelf, [line(A, 5)]))]
    const writes = done(commitLines(statesAfter(...history), R))
    deepEqual([stockOf([...history, ...writes], A).quantity], [0])
  })
  test('what is not there, was never there, or is owed already cannot leave', () => {
    const closed = stockItem.write(stockKey(A, MAIN_STORE_ID), [
      stockItem.event('InventoryClosed', line2(A)),
    ])
    const owed = stockItem.write(stockKey(A, MAIN_STORE_ID), [
      stockItem.event('InventoryAdjusted', {
        ...line2(A),
        adjustment: -9,
        reason: 'sale',
        reference: null,
      }),
    ])
    for (const gone of [closed, owed])
      deepEqual(refusal(commitLines(statesAfter(...reserved, gone), R)).details, {
        lines: [{ ...line2(A), requested: 2, available: 0 }],
      })
  })
  test('in parts: only what is held, summed, and only while it is held', () => {
    const given = statesAfter(...reserved)
    const twice = done(releaseSome(given, R, [line(A, 1), line(A, 1)], 'x'))
    deepEqual(reservationOf([...reserved, ...twice]).lines, [line(B, 1)])
    equal(twice.length, 2)
    for (const lines of [[line(A, 3)], [line(A, 1), line(A, 2)], [line(S, 1)]]) {
      equal(refusal(releaseSome(given, R, lines, 'x')).code, 'invalid_state')
      const left = refusal(commitLines(given, R, undefined, lines))
      equal(left.code, 'invalid_state')
      ok(left.message.includes('does not hold that much'))
    }
    const after = statesAfter(...reserved, ...done(releaseLines(given, R, 'x')))
    equal(refusal(releaseSome(after, R, [line(A, 1)], 'x')).code, 'invalid_state')
    equal(refusal(releaseSome(statesAfter(), R, [line(A, 1)], 'x')).code, 'not_found')
  })
  test('in parts: goods that have left are remembered until the rest is released', () => {
    const given = statesAfter(...reserved)
    const part = done(commitLines(given, R, undefined, [line(A, 1)]))
    const left = [...reserved, ...part]
    deepEqual([reservationOf(left).has_committed, reservationOf(left).status], [true, 'ACTIVE'])
    const more = [...left, ...done(releaseSome(statesAfter(...left), R, [line(A, 1)], 'x'))]
    equal(reservationOf(more).has_committed, true)
    equal(
      reservationOf([...more, ...done(releaseLines(statesAfter(...more), R, 'x'))]).status,
      'COMMITTED',
    )
    const some = [...reserved, ...done(releaseSome(given, R, [line(A, 1)], 'x'))]
    equal(reservationOf(some).has_committed, false)
  })
  test('says in its events whose it was, what, why, and under which name', () => {
    const given = statesAfter(...ofOrder)
    const about = { reservation_id: R, order_id: 'order-1', lines: [line(A, 2)] }
    const held = (type: 'StockReleased' | 'ReservationCommitted', at?: string) =>
      stockItem.write(stockKey(A, MAIN_STORE_ID), [
        stockItem.event(type, { ...line(A, 2), reservation_id: R }, at),
      ])
    const written = (event: ReturnType<typeof reservation.event>) => reservation.write(R, [event])
    deepEqual(done(releaseLines(given, R, 'late')), [
      written(reservation.event('InventoryReleased', { ...about, reason: 'late' })),
      held('StockReleased'),
    ])
    deepEqual(done(releaseLines(given, R, 'late', 'expired')), [
      written(reservation.event('ReservationExpired', about)),
      held('StockReleased'),
    ])
    deepEqual(done(releaseSome(given, R, [line(A, 2)], 'late')), [
      written(reservation.event('InventoryReleased', { ...about, reason: 'late' })),
      held('StockReleased'),
    ])
    deepEqual(done(commitLines(given, R, NOW)), [
      written(reservation.event('InventoryCommitted', about, NOW)),
      held('ReservationCommitted', NOW),
    ])
  })
  test('a backorder cannot leave before it has come', () => {
    const shelf = [thing(A), stockOpened(A, 1, { backorder_limit: 5 })]
    const history = [...shelf, ...done(reserve(shelf, [line(A, 3)]))]
    const { code, details } = refusal(commitLines(statesAfter(...history), R))
    equal(code, 'insufficient_stock')
    deepEqual(details, { lines: [{ ...line2(A), requested: 3, available: 1 }] })
  })
  test('kept: no time limit any more, and nothing to write where there is none', () => {
    const { writes } = keepReservation(statesAfter(...limited), R)
    equal(reservationOf([...limited, ...writes]).expires_at, null)
    deepEqual(keepReservation(statesAfter(...reserved), R).writes, [])
    deepEqual(keepReservation(statesAfter(), R).writes, [])
  })
})

describe('reserving by hand', () => {
  test('one line has no time limit unless one is asked for', () => {
    given(...shelf)
      .when(command('ReserveStock'), { reservation_id: R, product_id: A, quantity: '2' })
      .answers({
        reservation_id: R,
        status: 'ACTIVE',
        expires_at: null,
        lines: [{ ...line(A, 2), quantity_scale: 0 }],
      })
    given(...shelf)
      .when(command('ReserveStock'), { product_id: A, quantity: '2', ttl_seconds: 900 })
      .answers({ expires_at: SOON })
  })
  test('several lines are all or none, and answered summed', () => {
    given(...shelf)
      .when(command('ReserveInventory'), {
        lines: [
          { product_id: A, quantity: '2' },
          { product_id: A, store_id: 'main', quantity: '1' },
          { product_id: B, quantity: '1' },
        ],
      })
      .answers({
        lines: [
          { ...line(A, 3), quantity_scale: 0 },
          { ...line(B, 1), quantity_scale: 0 },
        ],
      })
    given(...shelf)
      .when(command('ReserveInventory'), {
        lines: [
          { product_id: A, quantity: '2' },
          { product_id: B, quantity: '4' },
        ],
      })
      .rejects('insufficient_stock')
  })
  test('tells which line is wrong', () => {
    given(...shelf)
      .when(command('ReserveInventory'), {
        lines: [
          { product_id: A, quantity: '0' },
          { product_id: B, quantity: '0.5' },
        ],
      })
      .rejects('validation_failed', {
        errors: {
          'lines.0.quantity': 'must be more than zero',
          'lines.1.quantity': 'must be a whole number',
        },
      })
    given(...shelf)
      .when(command('ReserveInventory'), { lines: [] })
      .rejects('validation_failed')
  })
  test('wants products that are sold, and stores that are open', () => {
    const reserveA = { product_id: A, quantity: '1' }
    given().when(command('ReserveStock'), reserveA).rejects('not_found')
    given(...shelf, product.write(A, [product.event('ProductArchived', { product_id: A })]))
      .when(command('ReserveStock'), reserveA)
      .rejects('invalid_state')
    const closed = store.write(S, [
      store.event('StoreCreated', { store_id: S, name: 'S', kind: 'shop', timezone: 'UTC' }),
      store.event('StoreClosed', { store_id: S }),
    ])
    given(thing(A), stockOpened(A, 5, {}, S), closed)
      .when(command('ReserveStock'), { ...reserveA, store_id: S })
      .rejects('invalid_state')
  })
  test('tells a single line’s mistake without a number', () => {
    given(...shelf)
      .when(command('ReserveStock'), { product_id: A, quantity: '0' })
      .rejects('validation_failed', { errors: { quantity: 'must be more than zero' } })
  })
  test('writes what it promised, and each new store once', () => {
    const lines = [A, B].map((product_id) => ({ product_id, store_id: S, quantity: '1' }))
    const backorders = [A, B].map((id) => stockOpened(id, 0, { backorder_limit: 1 }, S))
    const opened = store.event('StoreCreated', {
      store_id: S,
      name: S,
      kind: 'shop',
      timezone: 'UTC',
    })
    const held = [A, B].map((id) =>
      stockItem.write(stockKey(id, S), [
        stockItem.event('StockReserved', {
          ...line(id, 1, S),
          reservation_id: R,
          backordered: 1,
        }),
      ]),
    )
    given(thing(A), thing(B), ...backorders)
      .at({ settings: { 'stores.auto_create': true } })
      .when(command('ReserveInventory'), { reservation_id: R, lines })
      .writes(
        reservation.write(R, [
          reservation.event('InventoryReserved', {
            reservation_id: R,
            order_id: null,
            lines: [line(A, 1, S), line(B, 1, S)],
            expires_at: null,
          }),
        ]),
        ...held,
        store.write(S, [opened]),
      )
  })
  test('tells what is wrong with a part, and what it was asked for', () => {
    given(...reserved)
      .when(command('ReleaseStock'), { reservation_id: R, product_id: A, quantity: '0.5' })
      .rejects('validation_failed', { errors: { quantity: 'must be a whole number' } })
    const released = given(...reserved)
      .when(command('ReleaseInventory'), { reservation_id: R })
      .decision()
      .writes.flatMap(({ events }) => events)[0]!.data
    equal((released as { reason: string }).reason, 'by request')
    const some = given(...reserved)
      .when(command('ReleaseStock'), { reservation_id: R, product_id: A, reason: 'broken' })
      .decision()
      .writes.flatMap(({ events }) => events)[0]!.data
    equal((some as { reason: string }).reason, 'broken')
  })
  test('gives back a part in the product’s steps', () => {
    const fine = [thing(A, 3), stockOpened(A, 5_000, { quantity_scale: 3 })]
    const history = [...fine, ...done(reserve(fine, [line(A, 2_000)]))]
    given(...history)
      .when(command('ReleaseStock'), { reservation_id: R, product_id: A, quantity: '0.25' })
      .answers({ lines: [{ ...line(A, 1_750), quantity_scale: 3 }] })
    given(...history)
      .at({ occurred_at: SOON })
      .when(command('CommitReservation'), {
        reservation_id: R,
        lines: [{ product_id: A, quantity: '0.25' }],
      })
      .writes(
        reservation.write(R, [
          reservation.event(
            'InventoryCommitted',
            { reservation_id: R, order_id: null, lines: [line(A, 250)] },
            SOON,
          ),
        ]),
        stockItem.write(stockKey(A, MAIN_STORE_ID), [
          stockItem.event('ReservationCommitted', { ...line(A, 250), reservation_id: R }, SOON),
        ]),
      )
  })
  test('is done once: what is over cannot be released, committed or extended', () => {
    const over = [...reserved, ...done(releaseLines(statesAfter(...reserved), R, 'x'))]
    for (const [type, more] of [
      ['ReleaseInventory', {}],
      ['ReleaseStock', { product_id: A }],
      ['CommitReservation', {}],
      ['ExtendReservation', { until: null }],
    ] as const)
      given(...over)
        .when(command(type), { reservation_id: R, ...more })
        .rejects('invalid_state', { details: { status: 'RELEASED' } })
  })
  test('may lose its limit, or get one', () => {
    given(...reserved)
      .when(command('ExtendReservation'), { reservation_id: R, until: SOON })
      .answers({ expires_at: SOON, status: 'ACTIVE' })
    given(...reserved)
      .when(command('ExtendReservation'), { reservation_id: R, until: null })
      .writesNothing()
  })
  test('releases all, one product, or a part of it', () => {
    given(...reserved)
      .when(command('ReleaseInventory'), { reservation_id: R })
      .answers({ status: 'RELEASED', lines: [] })
    given(...reserved)
      .when(command('ReleaseStock'), { reservation_id: R, product_id: A })
      .answers({ status: 'ACTIVE', lines: [{ ...line(B, 1), quantity_scale: 0 }] })
    given(...reserved)
      .when(command('ReleaseStock'), { reservation_id: R, product_id: A, quantity: '1' })
      .answers({
        lines: [
          { ...line(A, 1), quantity_scale: 0 },
          { ...line(B, 1), quantity_scale: 0 },
        ],
      })
    given(...reserved)
      .when(command('ReleaseStock'), { reservation_id: R, product_id: A, quantity: '3' })
      .rejects('invalid_state')
    given(...reserved)
      .when(command('ReleaseStock'), { reservation_id: R, product_id: A, store_id: S })
      .rejects('invalid_state')
  })
  test('commits all, or the lines that are named', () => {
    given(...reserved)
      .when(command('CommitReservation'), { reservation_id: R })
      .answers({ status: 'COMMITTED', lines: [] })
    given(...reserved)
      .when(command('CommitReservation'), {
        reservation_id: R,
        lines: [{ product_id: A, quantity: '2' }],
      })
      .answers({ status: 'ACTIVE', lines: [{ ...line(B, 1), quantity_scale: 0 }] })
    given(...reserved)
      .when(command('CommitReservation'), {
        reservation_id: R,
        lines: [{ product_id: S, quantity: '-2' }],
      })
      .rejects('validation_failed', {
        errors: {
          'lines.0.product_id': 'is not in this reservation',
          'lines.0.quantity': 'must be more than zero',
        },
      })
  })
  test('extends to a time to come, or without a limit', () => {
    const extend = command('ExtendReservation')
    const written = (expires_at: string | null) =>
      reservation.write(R, [
        reservation.event('ReservationExtended', { reservation_id: R, expires_at }),
      ])
    given(...limited)
      .when(extend, { reservation_id: R, until: '2026-03-02T13:00:00+02:00' })
      .writes(written('2026-03-02T11:00:00.000Z'))
    given(...limited)
      .when(extend, { reservation_id: R, until: null })
      .writes(written(null))
    given(...limited)
      .when(extend, { reservation_id: R, until: SOON })
      .writesNothing()
    given(...limited)
      .when(extend, { reservation_id: R, until: NOW })
      .rejects('validation_failed', { errors: { until: 'must be in the future' } })
  })
  test('leaves the reservation of an order to the order', () => {
    for (const [type, more] of [
      ['ReleaseInventory', {}],
      ['ReleaseStock', { product_id: A }],
      ['CommitReservation', {}],
      ['ExtendReservation', { until: null }],
      ['ExpireReservation', {}],
    ] as const)
      given(...ofOrder)
        .when(command(type), { reservation_id: R, ...more })
        .rejects('invalid_state', { details: { order_id: 'order-1' } })
  })
  test('finds nothing where there is none', () => {
    for (const type of ['ReleaseInventory', 'CommitReservation', 'ExpireReservation'])
      given().when(command(type), { reservation_id: R }).rejects('not_found')
  })
})

describe('expiring', () => {
  const expire = command('ExpireReservation')
  const input = { reservation_id: R }
  test('gives back what was held too long', () => {
    given(...limited)
      .at({ now: SOON })
      .when(expire, input)
      .answers({ status: 'EXPIRED', lines: [], expires_at: null })
      .writes(
        reservation.write(R, [
          reservation.event('ReservationExpired', {
            reservation_id: R,
            order_id: null,
            lines: [line(A, 2)],
          }),
        ]),
        stockItem.write(stockKey(A, MAIN_STORE_ID), [
          stockItem.event('StockReleased', { ...line(A, 2), reservation_id: R }),
        ]),
      )
  })
  test('leaves what an order had to the order, also when it is over', () => {
    const over = done(releaseLines(statesAfter(...ofOrder), R, 'x'))
    given(...ofOrder, ...over)
      .at({ now: SOON })
      .when(expire, input)
      .rejects('invalid_state', { details: { order_id: 'order-1' } })
  })
  test('is refused, and so not recorded as done, before its time or without one', () => {
    given(...limited)
      .at({ now: '2026-03-02T10:14:59.999Z' })
      .when(expire, input)
      .rejects('invalid_state')
    given(...reserved)
      .at({ now: SOON })
      .when(expire, input)
      .rejects('invalid_state')
  })
  test('does nothing to what is no longer held', () => {
    const released = done(releaseLines(statesAfter(...limited), R, 'x'))
    given(...limited, ...released)
      .at({ now: SOON })
      .when(expire, input)
      .writesNothing()
  })
})
