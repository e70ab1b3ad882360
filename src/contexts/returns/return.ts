// Goods that come back, and money given back without them. Stream: return-<return_id>.
// REQUESTED → PARTIALLY_RECEIVED → RECEIVED → CLOSED, also from each at once; or RECORDED: a fact
// of another book, told after it happened. What a return means for its order stands in the order's
// stream too, in the same append, so that no unit comes back twice.
import { businessDay, MAIN_STORE_ID, store, storeState } from '#contexts/stores/public.ts'
import { accept, aggregate, command, invalid } from '#kernel/decider.ts'
import { lineAmount, reckoned } from '#kernel/money.ts'
import { id, integer, list, money, nullable, object, quantity, text } from '#kernel/schema.ts'
import { returnEvents } from './return-events.ts'

export const RETURN_STATUSES = [
  'RECORDED',
  'REQUESTED',
  'PARTIALLY_RECEIVED',
  'RECEIVED',
  'CLOSED',
] as const
export type ReturnedLine = {
  readonly line: number
  readonly quantity: number
  readonly received: number
}
export type ReturnState = {
  readonly status: (typeof RETURN_STATUSES)[number]
  /** What came back has cost this much; signed as it was told where it was recorded. */
  readonly total_amount_minor: number
  /** null: recorded without an order of ours. */
  readonly order_id: string | null
  readonly lines: readonly ReturnedLine[]
} | null

export const returned = aggregate({
  type: 'return',
  state_version: 2,
  events: returnEvents,
  initial: null as ReturnState,
  evolve: {
    ReturnRecorded: (_, { total_amount_minor }): ReturnState => ({
      status: 'RECORDED',
      total_amount_minor,
      order_id: null,
      lines: [],
    }),
    ReturnRequested: (_, { order_id, lines }): ReturnState => ({
      status: 'REQUESTED',
      total_amount_minor: 0,
      order_id,
      lines: lines.map(({ line, quantity }) => ({ line, quantity, received: 0 })),
    }),
    ReturnReceived: (state, { lines, total_amount_minor }): ReturnState => {
      const known = existing(state)
      const all = known.lines.map((each) => ({
        ...each,
        received: lines.reduce(
          (sum, one) => sum + (one.line === each.line ? one.quantity : 0),
          each.received,
        ),
      }))
      const isAll = all.every(({ quantity, received }) => received === quantity)
      return {
        ...known,
        status: isAll ? 'RECEIVED' : 'PARTIALLY_RECEIVED',
        total_amount_minor: known.total_amount_minor + total_amount_minor,
        lines: all,
      }
    },
    ReturnClosed: (state): ReturnState => ({ ...existing(state), status: 'CLOSED' }),
  },
})

function existing(state: ReturnState): NonNullable<ReturnState> {
  if (state === null) throw new Error('a return that was never begun has changed')
  return state
}

type Credit = {
  readonly unit_price_minor: number
  readonly quantity: number
  readonly quantity_scale: number
}
const credited = <L extends Credit>(lines: readonly L[]) =>
  lines.map((each, index) => ({
    line: index + 1,
    ...each,
    amount_minor: lineAmount(each.unit_price_minor, each.quantity, each.quantity_scale),
  }))

/** A fact is never refused; told again under another command's id, it is still the same return. */
export const recordReturn = command({
  type: 'RecordReturn',
  input: object({
    return_id: id(),
    reference: text(),
    customer_id: nullable(id()),
    country: nullable(text()),
    currency: text({ min: 3, max: 3 }),
    lines: list(
      object({
        product_id: nullable(id()),
        code: text(),
        quantity: quantity(),
        quantity_scale: integer({ min: 0, max: 9 }),
        unit_price_minor: money(),
      }),
      { min: 1 },
    ),
    cause: text(),
    original_order_id: nullable(id()),
  }),
  creates: 'return_id',
  reads: ({ return_id }) => [returned.at(return_id), store.seen(MAIN_STORE_ID)],
  decide: ({ lines, ...input }, given, { occurred_at, now }) => {
    const known = given.state(returned.at(input.return_id))
    const recorded = reckoned(() => credited(lines))
    if (recorded === null) return invalid({ lines: 'come to more than an amount can be' })
    const total_amount_minor =
      known?.total_amount_minor ?? recorded.reduce((sum, { amount_minor }) => sum + amount_minor, 0)
    if (!Number.isSafeInteger(total_amount_minor))
      return invalid({ lines: 'come to more than an amount can be' })
    const { return_id, currency } = input
    const timezone = storeState(given, MAIN_STORE_ID)?.timezone ?? 'UTC'
    const business_day = businessDay(occurred_at ?? now, timezone)
    const fact = returned.event(
      'ReturnRecorded',
      { ...input, lines: recorded, total_amount_minor, business_day },
      occurred_at,
    )
    return accept([returned.write(return_id, known === null ? [fact] : [])], {
      return_id,
      currency,
      total_amount_minor,
    })
  },
  answer: object({ return_id: id(), currency: text(), total_amount_minor: money() }),
})
