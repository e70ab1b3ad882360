// What of a reservation has not come yet, as it will be when a decision's writes are done: for
// whoever shows it without reading the stock's own events.
import type { Given, Write } from '#kernel/decider.ts'
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
    const before = given.state(stockItem.at(key))
    const of = (state: Stock) => (state === null ? 0 : backorderOf(state, reservationId))
    return { ...place, before: of(before), quantity: of(after(key, before, writes)) }
  })
  if (waits.every(({ before, quantity }) => before === 0 && quantity === 0)) return null
  return waits.filter(({ quantity }) => quantity > 0).map(({ before: _, ...line }) => line)
}

const steps = stockItem.evolve as Readonly<
  Record<string, (state: Stock, data: unknown, event: object) => Stock>
>
/** Who waits does not depend on when anything happened. */
const NOWHEN = { occurred_at: '', timestamp: '', position: 0 }

function after(key: string, before: Stock, writes: readonly Write[]): Stock {
  const { stream } = stockItem.at(key)
  const facts = writes.filter((write) => write.stream === stream).flatMap(({ events }) => events)
  return facts.reduce((state, { type, data }) => steps[type]!(state, data, NOWHEN), before)
}
