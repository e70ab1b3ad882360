// A count of what lies in a store. Stream: stock_count-<count_id>. OPEN → COMPLETED, once.
// Each number that is written down corrects its stock item at once: selling goes on meanwhile.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { id, integer, list, nullable, object, oneOf, text } from '#kernel/schema.ts'
import { REFERENCE_MAX } from './stock.ts'

export const COUNT_SCOPES = ['all', 'department', 'products'] as const
export const COUNT_STATUSES = ['OPEN', 'COMPLETED'] as const
export const COUNT_PRODUCTS_MAX = 1_000

export type StockCountState = {
  readonly status: (typeof COUNT_STATUSES)[number]
  readonly store_id: string
  readonly scope: (typeof COUNT_SCOPES)[number]
  readonly product_ids: readonly string[] | null
  readonly department_id: string | null
  /** How many numbers were written down, and how many of them the book did not know. */
  readonly counted_lines: number
  readonly differing_lines: number
}
/** null: no such count. */
export type StockCount = StockCountState | null

const which = { count_id: id(), store_id: id() }

export const stockCount = aggregate({
  type: 'stock_count',
  state_version: 1,
  events: eventTypes({
    StockCountStarted: {
      data: object({
        ...which,
        scope: oneOf(COUNT_SCOPES),
        product_ids: nullable(list(id(), { min: 1, max: COUNT_PRODUCTS_MAX })),
        department_id: nullable(id()),
        reference: nullable(text({ max: REFERENCE_MAX })),
      }),
    },
    /** What was counted is in the stock items' streams: StockCounted. */
    StockCountRecorded: {
      data: object({
        ...which,
        counted_lines: integer({ min: 1 }),
        differing_lines: integer({ min: 0 }),
      }),
    },
    StockCountCompleted: { data: object(which) },
  }),
  initial: null as StockCount,
  evolve: {
    StockCountStarted: (_, { count_id, reference, ...started }): StockCount => ({
      ...started,
      status: 'OPEN',
      counted_lines: 0,
      differing_lines: 0,
    }),
    StockCountRecorded: (state, { counted_lines, differing_lines }) => {
      const before = known(state)
      return {
        ...before,
        counted_lines: before.counted_lines + counted_lines,
        differing_lines: before.differing_lines + differing_lines,
      }
    },
    StockCountCompleted: (state): StockCount => ({ ...known(state), status: 'COMPLETED' }),
  },
})

function known(state: StockCount): StockCountState {
  if (state === null) throw new Error('a count that was never started has changed')
  return state
}
