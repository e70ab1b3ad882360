// Cancelling an order: a signal to its saga, which undoes what was done. What it races with (a
// payment's answer, a label, an expiry, the goods leaving) writes the same streams, so exactly one
// of them wins.
import { reservation } from '#contexts/inventory/public.ts'
import { accept, command, type Decision, type Given, type Moment, reject } from '#kernel/decider.ts'
import { flag, id, object, optional, text } from '#kernel/schema.ts'
import { type Cancelling, startCompensation } from './compensation.ts'
import { orderAnswerSchema } from './create-order.ts'
import { FOR_PAYMENT } from './fulfilment.ts'
import { bookRefs, closeBook, openBook, orderAnswer, orderOf, sagaOf } from './order-book.ts'
import { REASON_MAX } from './order-events.ts'

export const cancelOrder = command({
  type: 'CancelOrder',
  input: object({ order_id: id(), reason: optional(text({ max: REASON_MAX })) }),
  reads: ({ order_id }) => bookRefs(order_id),
  decide: ({ order_id, reason }, given, moment) =>
    cancelled(given, order_id, moment, {
      cause: 'requested',
      ...(reason === undefined ? {} : { reason }),
    }),
  answer: orderAnswerSchema,
  route: {
    method: 'POST',
    path: '/api/v1/orders/:order_id/cancel',
    tag: 'orders',
    summary: 'Cancels an order that has not been shipped and gives back what it took',
  },
})

export function cancelled(
  given: Given,
  orderId: string,
  moment: Moment,
  cancelling: Cancelling,
): Decision {
  const book = openBook(given, orderId, moment)
  if (!('order' in book)) return book
  const { status } = orderOf(book)
  // Asked twice, done once.
  if (status === 'CANCELLED') return accept([], orderAnswer(book))
  if (status !== 'PENDING' && status !== 'CONFIRMED')
    return reject('invalid_state', `An order that is ${status} cannot be cancelled.`, {
      details: { status },
    })
  return startCompensation(book, cancelling) ?? closeBook(book, orderAnswer(book))
}

/** Sent when the reservation's time is over; nothing happens when somebody was faster. */
export const expireOrder = command({
  type: 'ExpireOrder',
  input: object({ order_id: id() }),
  reads: ({ order_id }) => [...bookRefs(order_id), reservation.at(order_id)],
  decide: ({ order_id }, given, moment) => {
    const book = openBook(given, order_id, moment)
    if (!('order' in book)) return book
    const held = given.state(reservation.at(order_id))
    const { waiting_for, status } = sagaOf(book)
    const isHeld = held?.status === 'ACTIVE' && held.expires_at !== null
    if (!isHeld || status !== 'RUNNING' || waiting_for !== FOR_PAYMENT)
      return accept([], { order_id, has_effect: false })
    // Refused, not done: a clock may have gone back since the row was due, and a refusal is not
    // recorded, so that the same command may come again.
    if (held.expires_at! > moment.now)
      return reject('invalid_state', `Order ${order_id} is not due yet.`)
    const trouble = startCompensation(book, { cause: 'reservation_expired', as: 'expired' })
    return trouble ?? closeBook(book, { order_id, has_effect: true })
  },
  answer: object({ order_id: id(), has_effect: flag() }),
})
