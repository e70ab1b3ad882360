// When a sale or refund happened: now, or before, as a till that was offline or an import tells it.
import { invalid, type Moment, type Rejected } from '#kernel/decider.ts'
import type { Instant } from '#kernel/message.ts'
import { later, numberIn } from '#kernel/saga.ts'
import type { When } from './sale-items.ts'

/** Clocks of tills may run ahead by this much; what they tell counts as now then. */
const AHEAD_MAX_MS = 5 * 60 * 1_000
/** What was told later than this happened without us. */
const FACT_AFTER_MS = 60_000

export function whenOf(told: Instant | undefined, moment: Moment): When | Rejected {
  const { now, settings } = moment
  const given = told ?? moment.occurred_at
  if (given === undefined) return { at: now, isFact: false, settings }
  const at = new Date(given).toISOString()
  if (at > later(now, AHEAD_MAX_MS)) return invalid({ occurred_at: 'lies in the future' })
  const after = numberIn(settings['pos.fact_after_ms'], FACT_AFTER_MS)
  // A till that always sends its clock asks, like any other; only what is over cannot be refused.
  const isOver = moment.source === 'import' || later(at, after) < now
  return isOver ? { at, isFact: true, settings } : { at: now, isFact: false, settings }
}

/** What other contexts' pieces book under: facts at their own time. */
export const momentAt = (moment: Moment, { at, isFact }: When): Moment =>
  isFact ? { ...moment, occurred_at: at } : moment
