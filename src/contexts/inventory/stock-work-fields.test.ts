// Transfers, counts and discrepancies at their limits: what their events and requests may hold.
import { deepEqual } from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Aggregate } from '#kernel/decider.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import { assertLimits, atLeast, type Limits, upTo } from '#testing/field-limits.ts'
import { commandIn } from '#testing/given.ts'
import { wireNames } from '#testing/wire-names.ts'
import { ACTIONS, discrepancy } from './discrepancy.ts'
import { discrepancyQueries } from './discrepancy-queries.ts'
import { inventory } from './inventory.ts'
import { stockCount } from './stock-count.ts'
import { stockWorkQueries } from './stock-work-queries.ts'
import { transfer } from './transfer.ts'

type Samples = Readonly<Record<string, readonly [object, Limits]>>
const WHEN = '2026-03-02T10:00:00.000Z'
const UUID = '01980000-0000-7000-8000-000000000001'
const place = { product_id: 'p', store_id: 's' }
const counted = { product_id: 'p', quantity_scale: 0 }
const times = (most: number, one: object): Limits[string] => [
  [[], Array(most).fill(one)],
  [Array(most + 1).fill(one)],
]
const nullOr = (max: number): Limits[string] => [
  [null, 'x'.repeat(max)],
  ['', 'x'.repeat(max + 1)],
]

function holds(name: string, { events }: Pick<Aggregate<unknown>, 'events'>, samples: Samples) {
  describe(name, () => {
    it('has a sample of each event', () =>
      deepEqual(Object.keys(samples).sort(), Object.keys(events).sort()))
    for (const [type, [sample, limits]] of Object.entries(samples))
      it(type, () => assertLimits((events as EventTypes)[type]!.data, sample, limits))
  })
}

const way = { transfer_id: 't', from_store_id: 'a', to_store_id: 'b' }
const sent = { ...counted, quantity: 1 }
const come = { ...counted, received: 0, damaged: 0, missing: 0 }
holds('what an event of a transfer may hold', transfer, {
  TransferStarted: [
    { ...way, lines: [sent], reference: null },
    { lines: times(500, sent), 'lines.0.quantity': atLeast(1), reference: nullOr(200) },
  ],
  TransferReceived: [
    { ...way, lines: [come], is_closed: true, received_at: WHEN },
    {
      ...{ lines: times(500, come), 'lines.0.received': atLeast(0) },
      ...{ 'lines.0.damaged': atLeast(0), 'lines.0.missing': atLeast(0) },
      received_at: [[WHEN], ['soon']],
    },
  ],
  TransferCancelled: [
    { ...way, lines: [sent], reason: 'x' },
    { lines: times(500, sent), 'lines.0.quantity': atLeast(1), reason: upTo(200) },
  ],
})

const which = { count_id: 'c', store_id: 's' }
holds('what an event of a count may hold', stockCount, {
  StockCountStarted: [
    { ...which, scope: 'all', product_ids: null, department_id: null, reference: null },
    {
      scope: [['all', 'department', 'products'], ['some']],
      product_ids: [
        [['p'], Array(1_000).fill('p')],
        [[], Array(1_001).fill('p')],
      ],
      department_id: [['d'], ['']],
      reference: nullOr(200),
    },
  ],
  StockCountRecorded: [
    { ...which, counted_lines: 1, differing_lines: 0 },
    { counted_lines: atLeast(1), differing_lines: atLeast(0) },
  ],
  StockCountCompleted: [which, {}],
})

const found = {
  ...{ discrepancy_id: 'd', ...place, kind: 'sale', missing: 1, quantity: -1 },
  ...{ available_quantity: -1, quantity_scale: 0, reason: 'sale', reference: null },
  happened_at: WHEN,
}
holds('what an event of a discrepancy may hold', discrepancy, {
  StockDiscrepancyDetected: [
    found,
    {
      kind: [['sale', 'count', 'adjustment', 'transfer'], ['guess']],
      missing: atLeast(0),
      reason: upTo(200),
      reference: nullOr(200),
      happened_at: [[WHEN], ['soon']],
    },
  ],
  StockDiscrepancyResolved: [
    { discrepancy_id: 'd', ...place, action: 'found', note: null, resolved_by: null },
    { action: [[...ACTIONS], ['shrug']], note: nullOr(1_000), resolved_by: nullOr(200) },
  ],
})

describe('the fields of a request', () => {
  const decimals: Limits[string] = [['-1.5'], ['x', 1]]
  const line = { product_id: 'p', quantity: '1' }
  const many = (most: number, one: object): Limits[string] => [
    [[one], Array(most).fill(one)],
    [[], Array(most + 1).fill(one)],
  ]
  const samples: Samples = {
    StartTransfer: [
      { from_store_id: 'a', to_store_id: 'b', lines: [line] },
      {
        ...{ lines: many(500, line), 'lines.0.quantity': decimals },
        ...{ reference: upTo(200), transfer_id: [[UUID], ['t']], occurred_at: [[WHEN], ['soon']] },
      },
    ],
    ReceiveTransfer: [
      { transfer_id: 't' },
      {
        lines: times(500, { product_id: 'p', received: '1' }),
        ...{ close: [[true], ['yes']], occurred_at: [[WHEN], ['soon']] },
      },
    ],
    CancelTransfer: [{ transfer_id: 't' }, { reason: upTo(200) }],
    StartStockCount: [
      {},
      {
        scope: [['all'], ['some']],
        product_ids: [[Array(1_000).fill('p')], [[], Array(1_001).fill('p')]],
        reference: upTo(200),
        count_id: [[UUID], ['c']],
      },
    ],
    RecordCount: [
      { count_id: 'c' },
      {
        lines: many(500, { product_id: 'p', counted: '1' }),
        counted: decimals,
        occurred_at: [[WHEN], ['soon']],
      },
    ],
    CompleteStockCount: [{ count_id: 'c' }, {}],
    ResolveDiscrepancy: [
      { discrepancy_id: 'd', action: 'none' },
      { action: [[...ACTIONS], ['shrug']], note: upTo(1_000), by: upTo(200) },
    ],
  }
  const command = commandIn(inventory.commands)
  for (const [type, [sample, limits]] of Object.entries(samples))
    it(type, () => assertLimits(command(type).input, sample, limits))

  it('of a question go by these names for ever', () => {
    const names = wireNames([...stockWorkQueries, ...discrepancyQueries])
    const paths = Object.entries(names).map(([name, [path]]) => [name, path])
    deepEqual(Object.fromEntries(paths), {
      GetTransfer: 'GET /api/v1/transfers/:transfer_id',
      ListTransfers: 'GET /api/v1/transfers',
      GetStockCount: 'GET /api/v1/stock-counts/:count_id',
      ListStockCounts: 'GET /api/v1/stock-counts',
      ListStockCountLines: 'GET /api/v1/stock-counts/:count_id/counts',
      GetDiscrepancy: 'GET /api/v1/inventory/discrepancies/:discrepancy_id',
      ListDiscrepancies: 'GET /api/v1/inventory/discrepancies',
      ListBackorders: 'GET /api/v1/inventory/backorders',
    })
  })
})
