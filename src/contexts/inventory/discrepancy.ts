// The book and the shelf disagree, and somebody has to look: a fact took what was promised or was
// not there. Stream: discrepancy-<discrepancy_id>. OPEN → RESOLVED, by a person, once.
import {
  type Asked,
  aggregate,
  ask,
  type Given,
  type Moment,
  type Ref,
  type Write,
} from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import type { Instant } from '#kernel/message.ts'
import { id, instant, integer, nullable, object, oneOf, quantity, text } from '#kernel/schema.ts'
import { beginningOf } from '#kernel/tidied.ts'
import { freeIn, REASON_MAX, REFERENCE_MAX, stockKey } from './stock.ts'
import { missingBy, type Place, type StockChange } from './stock-changes.ts'

export const DISCREPANCY_KINDS = ['sale', 'count', 'adjustment', 'transfer', 'delivery'] as const
export type DiscrepancyKind = (typeof DISCREPANCY_KINDS)[number]
export const DISCREPANCY_STATUSES = ['OPEN', 'RESOLVED'] as const
export const ACTIONS = [
  'adjusted',
  'recounted',
  'written_off',
  'backordered',
  'reassigned',
  'cancelled',
  'found',
  'none',
] as const
export const NOTE_MAX = 1_000

type DiscrepancyState = Place & { readonly status: (typeof DISCREPANCY_STATUSES)[number] }
/** null: nobody found such a one. */
export type Discrepancy = DiscrepancyState | null

export const discrepancy = aggregate({
  type: 'discrepancy',
  state_version: 1,
  events: eventTypes({
    StockDiscrepancyDetected: {
      data: object({
        discrepancy_id: id(),
        product_id: id(),
        store_id: id(),
        kind: oneOf(DISCREPANCY_KINDS),
        /**
         * What is promised and cannot be served, or was sent and never came. 0: nothing is, but
         * what happened cannot have been by the book; the reason tells.
         */
        missing: quantity({ min: 0 }),
        /** As they were right after it. */
        quantity: quantity(),
        available_quantity: quantity(),
        quantity_scale: integer({ min: 0, max: 6 }),
        reason: text({ max: REASON_MAX }),
        reference: nullable(text({ max: REFERENCE_MAX })),
        happened_at: instant(),
      }),
    },
    StockDiscrepancyResolved: {
      data: object({
        discrepancy_id: id(),
        product_id: id(),
        store_id: id(),
        action: oneOf(ACTIONS),
        note: nullable(text({ max: NOTE_MAX })),
        resolved_by: nullable(text({ max: 200 })),
      }),
    },
  }),
  initial: null as Discrepancy,
  evolve: {
    StockDiscrepancyDetected: (_, { product_id, store_id }): Discrepancy => ({
      ...{ product_id, store_id },
      status: 'OPEN',
    }),
    StockDiscrepancyResolved: (_, { product_id, store_id }): Discrepancy => ({
      ...{ product_id, store_id },
      status: 'RESOLVED',
    }),
  },
})

export type Found = {
  readonly place: Place
  readonly kind: DiscrepancyKind
  readonly missing: number
  readonly quantity: number
  readonly available_quantity: number
  readonly quantity_scale: number
  readonly reason: string
  readonly reference: string | null
}

/**
 * What a change of stock took that was promised or not there; none where nothing is missing, and
 * nothing else is doubtful.
 */
export function foundIn(
  change: StockChange,
  { reason: cause, ...about }: Pick<Found, 'kind' | 'quantity_scale' | 'reason' | 'reference'>,
  doubts: readonly string[] = [],
): readonly Found[] {
  const { place, after } = change
  const missing = missingBy(change)
  const now = { quantity: after.quantity, available_quantity: freeIn(after) }
  if (missing <= 0 && doubts.length === 0) return []
  const reason = beginningOf([...doubts, cause].join('; '), REASON_MAX)
  return [{ place, missing: Math.max(0, missing), ...now, ...about, reason }]
}

/** Each a work item with a stream of its own; asks for those first. */
export function detected(
  given: Given,
  found: readonly Found[],
  moment: Pick<Moment, 'id' | 'now' | 'occurred_at'>,
  at?: Instant,
): { readonly writes: readonly Write[] } | Asked {
  const ids = found.map(({ place, kind }) =>
    moment.id(`discrepancy:${kind}:${stockKey(place.product_id, place.store_id)}`),
  )
  const lacking = given.lacking(ids.map((id): Ref => discrepancy.at(id)))
  if (lacking.length > 0) return ask(lacking)
  const happened_at = at ?? moment.occurred_at ?? moment.now
  return {
    writes: found.map(({ place, ...about }, i) => {
      const data = { discrepancy_id: ids[i]!, ...place, ...about, happened_at }
      return discrepancy.write(ids[i]!, [discrepancy.event('StockDiscrepancyDetected', data, at)])
    }),
  }
}
