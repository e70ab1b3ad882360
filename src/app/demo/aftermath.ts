// What follows a day of trade in the demonstration shop: parcels leave and arrive, some of it comes
// back, debts are paid, goods move between the stores.
import type { Random } from '#testing/random.ts'
import type { Day } from './plan.ts'
import type { Deed } from './shop.ts'

/** A day that has passed, and which of its orders were paid. */
export type Past = Day & { readonly day: string; readonly completed: ReadonlySet<string> }

const DAY_MS = 86_400_000
/** Days from an order to its parcel's leaving, and to its arriving. */
const SENT_AFTER = 1
const ARRIVED_AFTER = 3

/**
 * Deeds of this day about the days before it, the last one first in `past`; stage by stage, since a
 * parcel leaves before it arrives. Nothing happens after `until`.
 */
export function aftermathOf(
  day: string,
  until: string,
  past: readonly Past[],
  random: Random,
): readonly (readonly Deed[])[] {
  const at = (hour: number) => {
    const minute = new Date(
      Date.parse(`${day}T00:00:00Z`) + hour * 3_600_000 + random.int(0, 3_000_000),
    )
    return minute.toISOString()
  }
  const ordersOf = (daysAgo: number) => [...(past[daysAgo - 1]?.completed ?? [])]
  const sent = ordersOf(SENT_AFTER).map(
    (order_id): Deed => ({
      type: 'ShipOrder',
      key: `ship ${order_id}`,
      at: at(8),
      input: { order_id },
    }),
  )
  const arrived = ordersOf(ARRIVED_AFTER).map(
    (order_id): Deed => ({
      type: 'DeliverOrder',
      key: `deliver ${order_id}`,
      at: at(14),
      input: { order_id },
    }),
  )
  return [sent, arrived].map((stage) => stage.filter((deed) => deed.at < until))
}

/** The day so many days later, or earlier. */
export const dayAfter = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T12:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
