// A reservation that is to hold something else: only the difference moves, in one append, so that
// nobody else can take in between what stays reserved.
import type { Given, Rejected } from '#kernel/decider.ts'
import { type Line, reservation } from './reservation.ts'
import { releaseSome, reserveMore, summed, type Writes } from './reserving.ts'
import { stockKey } from './stock.ts'

/** Wants the stock items of both; the reservation must be ACTIVE. */
export function changeReservation(
  given: Given,
  reservationId: string,
  wanted: readonly Line[],
  reason: string,
): Writes | Rejected {
  const held = given.state(reservation.at(reservationId))?.lines ?? []
  const more = less(summed(wanted), held)
  const gone = less(summed(held), wanted)
  // More comes first: a reservation that holds nothing for a moment would be over.
  const reserved = more.length > 0 ? reserveMore(given, reservationId, more) : NOTHING
  if ('rejected' in reserved) return reserved
  const released = gone.length > 0 ? releaseSome(given, reservationId, gone, reason) : NOTHING
  if ('rejected' in released) return released
  return { writes: [...reserved.writes, ...released.writes] }
}
const NOTHING: Writes = { writes: [] }

/** What is in `lines` beyond what is in `others`. */
function less(lines: readonly Line[], others: readonly Line[]): readonly Line[] {
  const keyOf = ({ product_id, store_id }: Line) => stockKey(product_id, store_id)
  const there = new Map(summed(others).map((line) => [keyOf(line), line.quantity]))
  return lines
    .map((line) => ({ ...line, quantity: line.quantity - (there.get(keyOf(line)) ?? 0) }))
    .filter(({ quantity }) => quantity > 0)
}
