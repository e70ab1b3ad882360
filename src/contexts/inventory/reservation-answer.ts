// What commands over reservations answer: the reservation as it is after them.
import { product } from '#contexts/catalog/public.ts'
import type { Given, Ref } from '#kernel/decider.ts'
import {
  type Infer,
  id,
  instant,
  integer,
  list,
  nullable,
  object,
  oneOf,
  quantity,
} from '#kernel/schema.ts'
import { RESERVATION_STATUSES, type ReservationState } from './reservation.ts'

const lines = list(
  object({
    product_id: id(),
    store_id: id(),
    quantity: quantity(),
    quantity_scale: integer(),
  }),
)
const fields = {
  reservation_id: id(),
  order_id: nullable(id()),
  status: oneOf(RESERVATION_STATUSES),
  expires_at: nullable(instant()),
  /** What is still held. */
  lines,
}
export const reservationAnswer = object(fields)
/** `backordered`: what of it is not here yet. */
export const reservedAnswer = object({ ...fields, backordered: lines })

/** The products of these lines: how finely they are counted belongs into the answer. */
export const productRefs = (lines: ReservationState['lines']): readonly Ref[] =>
  [...new Set(lines.map(({ product_id }) => product_id))].map((id) => product.seen(id))

export function reservationAnswered(
  given: Given,
  reservation_id: string,
  { order_id, status, expires_at, lines }: Omit<ReservationState, 'has_committed'>,
): Infer<typeof reservationAnswer> {
  return {
    reservation_id,
    order_id,
    status,
    expires_at: status === 'ACTIVE' ? expires_at : null,
    lines: scaledLines(given, lines),
  }
}

export const scaledLines = (given: Given, lines: ReservationState['lines']) =>
  lines.map((line) => ({
    ...line,
    quantity_scale: given.state(product.seen(line.product_id))?.quantity_scale ?? 0,
  }))
