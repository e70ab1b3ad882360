// What of a reservation has not come yet, as it will be when a decision's writes are done: for
// whoever shows it without reading the stock's own events.
import type { Given, Write } from '#kernel/decider.ts'
import { stateAfter } from '#kernel/state-after.ts'
import type { Line } from './reservation.ts'
import { backorderOf, type Stock, stockItem, stockKey } from './stock.ts'

type Place = Omit<Line, 'quantity'>

/** null: nothing of it waited before, and nothing does now. The stock items must have been read. */
export function stillWaiting(
  given: Given,
  reservationId: string,
  places: readonly Place[],
  writes: readonly Write[],
): readonly Line[] | null {
  const byKey = new Map(
    places.map(({ product_id, store_id }) => [
      stockKey(product_id, store_id),
      { product_id, store_id },
    ]),
  )
  const waits = [...byKey].map(([key, place]) => {
    const ref = stockItem.at(key)
    const of = (state: Stock) => (state === null ? 0 : backorderOf(state, reservationId))
    const quantity = of(stateAfter(given, ref, writes))
    return { ...place, before: of(given.state(ref)), quantity }
  })
  if (waits.every(({ before, quantity }) => before === 0 && quantity === 0)) return null
  return waits.filter(({ quantity }) => quantity > 0).map(({ before: _, ...line }) => line)
}
