// When a sale or refund happened: now, or before, as a till that was offline or an import tells it.
import { isFuture, isOver } from '#contexts/inventory/public.ts'
import { invalid, type Moment, type Rejected } from '#kernel/decider.ts'
import { inUtc } from '#kernel/instants.ts'
import type { Instant } from '#kernel/message.ts'
import type { When } from './sale-items.ts'

export function whenOf(told: Instant | undefined, moment: Moment): When | Rejected {
  const { now, settings } = moment
  const given = told ?? moment.occurred_at
  if (given === undefined) return { at: now, isFact: false, settings }
  if (isFuture(given, now)) return invalid({ occurred_at: 'is in the future' })
  const at = inUtc(given)
  return isOver(at, moment) ? { at, isFact: true, settings } : { at: now, isFact: false, settings }
}

/** What other contexts' pieces book under: facts at their own time. */
export const momentAt = (moment: Moment, { at, isFact }: When): Moment =>
  isFact ? { ...moment, occurred_at: at } : moment
