// What happened earlier than it is told: a delivery, a breakage, a van that left. A count in
// between knew of it, so it must be said when it was.
import { type Decision, type Given, invalid, type Moment } from '#kernel/decider.ts'
import { inUtc, later } from '#kernel/instants.ts'
import type { Instant } from '#kernel/message.ts'
import { numberIn } from '#kernel/saga.ts'
import { instant, optional } from '#kernel/schema.ts'
import type { StockState } from './stock.ts'

export const occurredAt = optional(instant({ description: 'When it happened; absent: now.' }))
/** Clocks of devices may run ahead by this much; what they tell happens now then. */
const AHEAD_MAX_MS = 5 * 60 * 1_000

/** In the form in which instants compare as text; null: now, which no other clock can say. */
export function past(told: Instant, now: Instant): Instant | null {
  const at = inUtc(told)
  return at < now ? at : null
}

export const isFuture = (told: Instant, now: Instant): boolean =>
  inUtc(told) > later(now, AHEAD_MAX_MS)

/** What was told later than this happened without us. */
const FACT_AFTER_MS = 60_000

/** A sender that always tells its clock asks, like any other; only what is over is not refused. */
export const isOver = (at: Instant, { now, settings, source }: Moment): boolean =>
  source === 'import' || later(at, numberIn(settings['pos.fact_after_ms'], FACT_AFTER_MS)) < now

/** It has happened: whatever the book says, it is recorded. */
export const isFact = (moment: Moment): boolean =>
  moment.occurred_at !== undefined && isOver(moment.occurred_at, moment)

type Told = { readonly occurred_at?: Instant | undefined }

/** Decides as of the moment that the sender tells. */
export const toldLate =
  <I extends Told>(decide: (input: I, given: Given, moment: Moment) => Decision) =>
  (input: I, given: Given, moment: Moment): Decision => {
    const { now } = moment
    const told = input.occurred_at
    if (told === undefined) return decide(input, given, moment)
    if (isFuture(told, now)) return invalid({ occurred_at: 'is in the future' })
    const occurred_at = past(told, now)
    return decide(input, given, occurred_at === null ? moment : { ...moment, occurred_at })
  }

/** It is in the newest count's number already, so that it takes and brings nothing more. */
export const isCounted = ({ counted }: StockState, at: Instant | undefined): boolean =>
  at !== undefined && counted !== null && at <= counted.at
