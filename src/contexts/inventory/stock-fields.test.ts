// Stock and reservations at their limits: what their events and requests may hold, which names they
// go by, and what the very last piece does.
import { deepEqual, equal, throws } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Write } from '#kernel/decider.ts'
import type { Fact } from '#kernel/message.ts'
import { assertLimits, atLeast, type Limits, upTo } from '#testing/field-limits.ts'
import { commandIn, given, NOW } from '#testing/given.ts'
import { wireNames } from '#testing/wire-names.ts'
import { productCreated } from './goods-fixture.ts'
import { inventory } from './inventory.ts'
import { reservation } from './reservation.ts'
import { availableIn, type Stock, stockItem, stockKey } from './stock.ts'

const command = commandIn(inventory.commands)
const P = 'p-1'
const place = { product_id: P, store_id: MAIN_STORE_ID }
const KEY = stockKey(P, MAIN_STORE_ID)
const MOST = 10 ** 12
const opened = {
  ...place,
  quantity: 0,
  quantity_scale: 0,
  location: null,
  min_stock: null,
  backorder_limit: 0,
}
const thing = productCreated(P)
const item = (changes: object = {}): Write =>
  stockItem.write(KEY, [stockItem.event('InventoryCreated', { ...opened, ...changes })])
const held = { ...place, quantity: 1, reservation_id: 'r-1' }
const filled = { reservation_id: 'r-1', quantity: 1 }
const sent = { ...place, quantity: 1, transfer_id: 't-1' }

describe('what an event of stock may hold', () => {
  const cause = { reason: 'count', reference: null }
  const causes: Limits = {
    reason: upTo(200),
    reference: [
      [null, 'x'.repeat(200)],
      ['', 'x'.repeat(201)],
    ],
  }
  const samples: Readonly<Record<keyof typeof stockItem.events, readonly [object, Limits]>> = {
    InventoryCreated: [
      opened,
      {
        quantity: atLeast(0),
        quantity_scale: [
          [0, 6],
          [-1, 7],
        ],
        location: [['x'.repeat(200)], ['x'.repeat(201)]],
        min_stock: [[0], [-1]],
        backorder_limit: atLeast(0),
      },
    ],
    StockAdded: [
      { ...place, quantity: 1, ...cause, unit_cost_minor: null },
      { ...causes, quantity: atLeast(1), unit_cost_minor: [[5], ['5']] },
    ],
    InventoryAdjusted: [{ ...place, adjustment: -1, ...cause }, causes],
    InventoryUpdated: [
      place,
      {
        location: [[null, 'x'.repeat(200)], ['x'.repeat(201)]],
        min_stock: [[null, 0], [-1]],
        backorder_limit: [[0], [-1, null]],
      },
    ],
    StockReserved: [held, { quantity: atLeast(1), backordered: atLeast(0) }],
    StockReleased: [held, { quantity: atLeast(1), backordered: atLeast(0) }],
    ReservationCommitted: [held, { quantity: atLeast(1) }],
    BackordersFilled: [
      { ...place, lines: [filled] },
      {
        lines: [
          [Array(2_000).fill(filled)],
          [[], Array(2_001).fill(filled), [{ ...filled, quantity: 0 }]],
        ],
      },
    ],
    StockTransferredOut: [{ ...sent, to_store_id: 's-2' }, { quantity: atLeast(0) }],
    StockTransferredIn: [
      { ...sent, from_store_id: 's-2', damaged: 0, settled: 1 },
      { quantity: atLeast(0), damaged: atLeast(0), settled: atLeast(0) },
    ],
    IncomingStockChanged: [
      { ...place, transfer_id: 't-1', from_store_id: 's-2', change: -1 },
      { change: [[5], ['5', 0.5]] },
    ],
    StockCounted: [
      {
        ...{ ...place, count_id: 'c-1', counted: 3, expected: -1, adjustment: 4 },
        ...{ is_superseded: false, counted_at: '2026-03-02T10:00:00.000Z', quantity_scale: 0 },
      },
      { counted: atLeast(0), counted_at: [['2026-03-02T10:00:00.000Z'], ['soon']] },
    ],
    LowStockReached: [
      {
        ...{ ...place, quantity: 2, available_quantity: -1, threshold: 1 },
        ...{ is_of_product: true, quantity_scale: 0 },
      },
      { threshold: atLeast(1) },
    ],
    InventoryClosed: [place, {}],
  }
  for (const [type, [sample, limits]] of Object.entries(samples))
    it(type, () =>
      assertLimits(stockItem.events[type as keyof typeof samples].data, sample, limits),
    )

  it('is heard under its other name', () =>
    deepEqual(stockItem.events.StockAdded.aliases, ['StockReplenished']))
})

describe('what an event of a reservation may hold', () => {
  const line = { ...place, quantity: 1 }
  const whose = { reservation_id: 'r-1', order_id: null }
  const lines: Limits = {
    lines: [
      [[line], Array(2_000).fill(line)],
      [[], Array(2_001).fill(line), [{ ...line, quantity: 0 }], [{ ...line, more: 1 }]],
    ],
    order_id: [['o-1'], ['']],
  }
  const all = { ...whose, lines: [line] }
  const samples: Readonly<Record<keyof typeof reservation.events, readonly [object, Limits]>> = {
    InventoryReserved: [
      { ...all, expires_at: null },
      { ...lines, expires_at: [['2026-03-02T10:00:00.000Z'], ['soon']] },
    ],
    InventoryReleased: [
      { ...all, reason: 'x' },
      { ...lines, reason: upTo(200) },
    ],
    InventoryCommitted: [all, lines],
    ReservationExtended: [
      { reservation_id: 'r-1', expires_at: null },
      { expires_at: [['2026-03-02T10:00:00.000Z'], ['soon']] },
    ],
    ReservationExpired: [all, lines],
  }
  for (const [type, [sample, limits]] of Object.entries(samples))
    it(type, () =>
      assertLimits(reservation.events[type as keyof typeof samples].data, sample, limits),
    )
})

describe('the state of stock', () => {
  const step = (state: Stock, { type, data }: Fact): Stock =>
    stockItem.evolve[type as keyof typeof stockItem.events](state, data as never, {
      occurred_at: NOW,
      timestamp: NOW,
      position: 1,
    })
  const moved = (type: 'StockReserved' | 'StockReleased' | 'ReservationCommitted', n: number) =>
    stockItem.event(type, { ...held, quantity: n })
  const start = stockItem.event('InventoryCreated', {
    ...opened,
    quantity: 10,
    location: 'A-1',
    min_stock: 2,
    backorder_limit: 4,
  })
  const since = Date.parse(NOW)
  const fresh = {
    ...{
      quantity: 10,
      reserved: 0,
      incoming: 0,
      backorder_limit: 4,
      location: 'A-1',
      min_stock: 2,
    },
    ...{
      quantity_scale: 0,
      backorders: [],
      counted: null,
      recent: { since, moves: [] as number[] },
    },
  }
  const recent = (change: number) => ({ since, moves: [since, change] })
  const after = (...facts: readonly Fact[]) => [start, ...facts].reduce(step, null)

  it('counts what is here and what of it is promised', () => {
    deepEqual(after(), fresh)
    const added = stockItem.event('StockAdded', {
      ...place,
      quantity: 5,
      reason: 'x',
      reference: null,
      unit_cost_minor: null,
    })
    const adjusted = stockItem.event('InventoryAdjusted', {
      ...place,
      adjustment: -3,
      reason: 'x',
      reference: null,
    })
    deepEqual(after(added), { ...fresh, quantity: 15, recent: recent(5) })
    deepEqual(after(adjusted), { ...fresh, quantity: 7, recent: recent(-3) })
    deepEqual(after(moved('StockReserved', 6)), { ...fresh, reserved: 6 })
    deepEqual(after(moved('StockReserved', 6), moved('StockReleased', 2)), {
      ...fresh,
      reserved: 4,
    })
    deepEqual(after(moved('StockReserved', 6), moved('ReservationCommitted', 5)), {
      ...fresh,
      quantity: 5,
      reserved: 1,
      recent: recent(-5),
    })
    equal(after(stockItem.event('InventoryClosed', place)), null)
  })
  it('can be promised up to the backorder limit, and never less than nothing', () => {
    equal(availableIn(after()), 14)
    equal(availableIn(after(moved('StockReserved', 14))), 0)
    equal(availableIn(after(moved('StockReserved', 15))), 0)
    equal(availableIn(null), 0)
  })
  it('does not move where none was opened', () =>
    throws(() => step(null, moved('StockReserved', 1)), /moved where none was opened/))
  it('lies in streams of their own', () => {
    equal(stockItem.at(KEY).stream, `stock-${P}:${MAIN_STORE_ID}`)
    equal(reservation.at('r-1').stream, 'reservation-r-1')
    throws(
      () => reservation.evolve.ReservationExpired(null, {} as never, {} as never),
      /a reservation that was never made has changed/,
    )
  })
})

describe('the fields of a request', () => {
  const decimals = [['-1.5'], ['x', 1]] as [unknown[], unknown[]]
  const causes: Limits = { reason: upTo(200), reference: upTo(200), store_id: [['main'], ['']] }
  const late: Limits = { occurred_at: [['2026-03-02T10:00:00.000Z'], ['soon']] }
  const id = { reservation_id: 'r-1' }
  const uuid = '01980000-0000-7000-8000-000000000001'
  const line = { product_id: P, quantity: '1' }
  const ttl: Limits = {
    ttl_seconds: [
      [1, 31 * 86_400],
      [0, 31 * 86_400 + 1],
    ],
    reservation_id: [[uuid], ['r-1']],
  }
  const lines: Limits = {
    lines: [
      [[line], Array(1_000).fill({ ...line, store_id: 'main' })],
      [[], Array(1_001).fill(line), [{ product_id: P }]],
    ],
  }
  const samples: Readonly<Record<string, readonly [object, Limits]>> = {
    CreateInventory: [
      { product_id: P },
      { quantity: decimals, min_stock: decimals, backorder_limit: decimals, location: upTo(200) },
    ],
    AddStock: [line, { ...causes, ...late, quantity: decimals, unit_cost: decimals }],
    AdjustInventory: [
      { product_id: P, adjustment: '1' },
      { ...causes, ...late, adjustment: decimals },
    ],
    UpdateProductStock: [line, { ...causes, quantity: decimals, expected_quantity: decimals }],
    UpdateInventory: [
      { product_id: P },
      {
        store_id: [['main'], ['']],
        location: [[null, 'x'.repeat(200)], ['x'.repeat(201)]],
        min_stock: [
          [null, '-1.5'],
          ['x', 1],
        ],
        backorder_limit: [['1'], [null, 'x']],
      },
    ],
    CloseInventory: [{ product_id: P }, { store_id: [['main'], ['']] }],
    ReserveStock: [line, { ...ttl, quantity: decimals }],
    ReserveInventory: [{ lines: [line] }, { ...ttl, ...lines }],
    ReleaseInventory: [id, { reason: upTo(200) }],
    ReleaseStock: [
      { ...id, product_id: P },
      { reason: upTo(200), quantity: decimals, store_id: [['main'], ['']] },
    ],
    CommitReservation: [id, { ...lines, ...late }],
    ExtendReservation: [
      { ...id, until: null },
      { until: [['2026-03-02T10:00:00.000Z'], ['soon']] },
    ],
    ExpireReservation: [id, {}],
  }
  for (const [type, [sample, limits]] of Object.entries(samples))
    it(type, () => assertLimits(command(type).input, sample, limits))

  it('go by these names for ever', () => {
    // Those of a product go by the names that the catalogue gives them.
    const { DeleteProduct, UpdateProduct, UpdateProductDetails, RestoreProduct, ...names } =
      wireNames(inventory.commands)
    const stock = 'inventory'
    const path = '/inventory/reservations'
    const both = (way: string, rest: string) => [`${way} /api/v1${rest}`, rest]
    deepEqual(names, {
      CreateInventory: [...both('POST', '/inventory'), `201 ${stock}`],
      AddStock: [...both('POST', '/inventory/stock'), `201 ${stock}`],
      AdjustInventory: [...both('PATCH', '/inventory/adjust'), `200 ${stock}`],
      UpdateProductStock: ['PUT /api/v1/products/:product_id/stock', '200 products'],
      UpdateInventory: [...both('PATCH', '/inventory/:product_id'), `200 ${stock}`],
      StartTransfer: [
        'POST /api/v1/transfers',
        '/api/v1/transfers/:transfer_id/start',
        '201 transfers',
        'from_store_id=from',
        'to_store_id=to',
      ],
      ReceiveTransfer: ['POST /api/v1/transfers/:transfer_id/receive', '200 transfers'],
      CancelTransfer: ['POST /api/v1/transfers/:transfer_id/cancel', '200 transfers'],
      StartStockCount: ['POST /api/v1/stock-counts', '201 stock counts'],
      RecordCount: ['POST /api/v1/stock-counts/:count_id/counts', '200 stock counts'],
      CompleteStockCount: ['POST /api/v1/stock-counts/:count_id/complete', '200 stock counts'],
      ResolveDiscrepancy: [
        'POST /api/v1/inventory/discrepancies/:discrepancy_id/resolve',
        '200 discrepancies',
      ],
      CloseInventory: [...both('DELETE', '/inventory/:product_id'), `200 ${stock}`],
      ReserveStock: [...both('POST', '/inventory/stock/reserve'), '201 reservations'],
      ReserveInventory: [...both('POST', path), '201 reservations'],
      ReleaseInventory: [...both('POST', `${path}/:reservation_id/release`), '200 reservations'],
      ReleaseStock: [...both('POST', `${path}/:reservation_id/release-stock`), '200 reservations'],
      CommitReservation: [...both('POST', `${path}/:reservation_id/commit`), '200 reservations'],
      ExtendReservation: [...both('POST', `${path}/:reservation_id/extend`), '200 reservations'],
      ExpireReservation: [],
    })
    const { CheckAvailability } = wireNames(inventory.queries)
    deepEqual(CheckAvailability, [...both('GET', '/inventory/availability'), '200 inventory'])
  })
  it('that make something have its id made where none is given', () => {
    for (const type of ['ReserveStock', 'ReserveInventory'])
      equal(command(type).creates, 'reservation_id')
  })
})

describe('the most that stock can be', () => {
  const large = { errors: { quantity: 'is too large' } }
  it('may be reached, and not passed, by adding', () => {
    const all = item({ quantity: MOST - 1 })
    given(thing, all)
      .when(command('AddStock'), { product_id: P, quantity: '1' })
      .answers({ quantity: MOST })
    given(thing, all)
      .when(command('AddStock'), { product_id: P, quantity: '2' })
      .rejects('validation_failed', large)
    given(thing)
      .when(command('AddStock'), { product_id: P, quantity: String(MOST) })
      .answers({ quantity: MOST })
  })
  it('may be reached, and not passed, by a correction, up or down', () => {
    const by = (adjustment: string, quantity: number) =>
      given(thing, item({ quantity: 1 }), ...(quantity === 1 ? [] : [adjusted(quantity - 1)]))
        .at({ settings: { 'inventory.negative': true } })
        .when(command('AdjustInventory'), { product_id: P, adjustment })
    const adjusted = (adjustment: number) =>
      stockItem.write(KEY, [
        stockItem.event('InventoryAdjusted', {
          ...place,
          adjustment,
          reason: 'x',
          reference: null,
        }),
      ])
    by('1', MOST - 1).answers({ quantity: MOST })
    by('-1', 1 - MOST).answers({ quantity: -MOST })
    const wrong = { errors: { adjustment: 'is too large' } }
    by('2', MOST - 1).rejects('validation_failed', wrong)
    by('-2', 1 - MOST).rejects('validation_failed', wrong)
    by('0.5', 5).rejects('validation_failed', { errors: { adjustment: 'must be a whole number' } })
  })
})
