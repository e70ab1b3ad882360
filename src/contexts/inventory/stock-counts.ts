// Counts of stock as they are shown, and each number that was written down.
import { evolve } from '#kernel/decider.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { type StockCountState, stockCount } from './stock-count.ts'

export type StockCountRow = StockCountState & {
  readonly count_id: string
  readonly reference: string | null
  readonly started_at: string
  readonly completed_at: string | null
  readonly updated_at: string
  readonly version: number
}

export const stockCounts = projection<StockCountRow>({
  name: 'stock_counts',
  version: 1,
  table: {
    name: 'stock_counts',
    key: 'count_id',
    columns: {
      count_id: 'text',
      status: 'text',
      store_id: 'text',
      scope: 'text',
      product_ids: { kind: 'json', nullable: true },
      department_id: { kind: 'text', nullable: true },
      counted_lines: 'int',
      differing_lines: 'int',
      reference: { kind: 'text', nullable: true },
      started_at: 'instant',
      completed_at: { kind: 'instant', nullable: true },
      updated_at: 'instant',
      version: 'int',
    },
    indexes: [['started_at'], ['status', 'started_at'], ['store_id', 'started_at']],
  },
  on: {
    StockCountStarted: as('StockCountStarted'),
    StockCountRecorded: as('StockCountRecorded'),
    StockCountCompleted: as('StockCountCompleted'),
  },
  sources: (key) => [`stock_count-${key}`],
})

/** A row is the count's state, and when it came to it. */
function as(type: keyof typeof stockCount.events): Handler<StockCountRow> {
  return {
    keys: ({ data }: Recorded<{ count_id: string }>) => [data.count_id],
    apply: (row, event, count_id) => {
      const state = evolve(stockCount, row ?? null, event)
      if (state === null) return undefined
      const { timestamp, version } = event
      return {
        ...state,
        count_id,
        reference: row?.reference ?? event.data.reference ?? null,
        started_at: row?.started_at ?? timestamp,
        // What was counted before its end may be told after it.
        completed_at: type === 'StockCountCompleted' ? timestamp : (row?.completed_at ?? null),
        updated_at: timestamp,
        version,
      }
    },
  }
}

export type CountLineRow = {
  /** `<count_id>:<product_id>`; a product that is counted again has its newest number. */
  readonly line_id: string
  readonly count_id: string
  readonly product_id: string
  readonly store_id: string
  readonly counted_quantity: number
  readonly expected_quantity: number | null
  readonly adjustment: number
  readonly is_superseded: boolean
  readonly quantity_scale: number
  readonly counted_by: string | null
  readonly counted_at: string
  readonly recorded_at: string
}

export const stockCountLines = projection<CountLineRow>({
  name: 'stock_count_lines',
  version: 1,
  table: {
    name: 'stock_count_lines',
    key: 'line_id',
    columns: {
      line_id: 'text',
      count_id: 'text',
      product_id: 'text',
      store_id: 'text',
      counted_quantity: 'quantity',
      expected_quantity: { kind: 'quantity', nullable: true },
      adjustment: 'quantity',
      is_superseded: 'bool',
      quantity_scale: 'int',
      counted_by: { kind: 'text', nullable: true },
      counted_at: 'instant',
      recorded_at: 'instant',
    },
    indexes: [['count_id', 'recorded_at']],
  },
  on: {
    StockCounted: {
      keys: ({ data }) => [`${data.count_id}:${data.product_id}`],
      apply: (_, { data: { counted, expected, ...data }, metadata, timestamp }, line_id) => ({
        ...data,
        line_id,
        counted_quantity: counted,
        expected_quantity: expected,
        counted_by: metadata.user_id ?? null,
        recorded_at: timestamp,
      }),
    },
  },
})
