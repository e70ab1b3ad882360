// What an order's payment has to do next: the money that is held follows what the order comes to,
// after every change of either. One operation at a time; what cannot be asked for now is asked for
// when the one under way is settled.
import {
  capturable,
  type PaymentState,
  payment as payments,
  refundable,
  requested,
} from '#contexts/payments/public.ts'
import { isAlarming, nextAttemptAt } from '#kernel/saga.ts'
import type { OrderState } from './order.ts'
import { type OrderBook, orderOf, paymentOf } from './order-book.ts'
import { shippedMinor } from './order-line.ts'

/** Taken, less what was given back because the order owed it. A gift is no part of this. */
const heldMinor = ({ captured_minor, owed_refunded_minor }: PaymentState) =>
  captured_minor - owed_refunded_minor

/** What may ever be held. */
const owedMinor = ({ total_amount_minor, returned_minor }: OrderState) =>
  total_amount_minor - returned_minor

/** What is to be held by now. */
const dueMinor = (order: OrderState, { capture_on }: PaymentState) =>
  capture_on === 'ship'
    ? order.lines.reduce((sum, each) => sum + shippedMinor(each), 0) - order.returned_minor
    : owedMinor(order)

/** How much more may be captured: never more than the order comes to. */
export const capturableFor = (order: OrderState, payment: PaymentState): number =>
  Math.max(0, Math.min(capturable(payment), owedMinor(order) - heldMinor(payment)))

/** What is to be given back for what was cancelled after it was paid, or came back. */
export function owedBackMinor(order: OrderState, payment: PaymentState): number {
  const cancelled = order.lines.reduce((sum, { cancelled_minor }) => sum + cancelled_minor, 0)
  const over = heldMinor(payment) - dueMinor(order, payment)
  const taken = order.returned_minor + cancelled - payment.owed_refunded_minor
  return Math.max(0, Math.min(over, taken, refundable(payment)))
}

/** What was taken elsewhere and is to be given back there, by all that is known now. */
function owedElsewhereMinor(order: OrderState, payment: PaymentState): number {
  // Until it is confirmed it may be taken back as a whole.
  if (order.status === 'PENDING') return 0
  return order.status === 'CANCELLED' ? refundable(payment) : owedBackMinor(order, payment)
}

/** Says how much more has to be given back where it was taken; only a person can. */
export function noteOwedElsewhere(book: OrderBook): void {
  const state = paymentOf(book)
  if (book.payment === null || state === null || !state.is_external) return
  const amount_minor = owedElsewhereMinor(orderOf(book), state) - state.owed_back_minor
  if (amount_minor <= 0) return
  const { order_id, currency } = state
  const about = { payment_id: book.payment.id, order_id, amount_minor, currency }
  book.payment.emit('PaymentRefundOwed', { ...about, reason: OWED })
}

/** Asks for what the order owes its payer, or for what is due from them if this may `capture`. */
export function settleMoney(book: OrderBook, capture = true): void {
  noteOwedElsewhere(book)
  const open = openPayment(book)
  if (open === null || settleExcess(book)) return
  const { draft, state, order } = open
  const ask = { driver: 'payment' } as const
  const due = Math.min(capturableFor(order, state), dueMinor(order, state) - heldMinor(state))
  if (capture && state.capture_on !== 'manual' && due > 0)
    draft.add(requested(draft.id, state, 'capture', { ...ask, amount_minor: due }))
  else if (capturable(state) > 0 && capturableFor(order, state) === 0) letGo(draft, state)
}

/** Gives back what is owed; false: nothing is. */
export function settleExcess(book: OrderBook): boolean {
  const open = openPayment(book)
  if (open === null) return false
  const { draft, state, order } = open
  const amount_minor = owedBackMinor(order, state)
  if (amount_minor <= 0) return false
  const owed = { driver: 'payment', amount_minor, is_owed: true, reason: OWED } as const
  draft.add(requested(draft.id, state, 'refund', owed))
  return true
}
const OWED = 'less was kept than paid for'

/** Refused at the provider: what is still owed is asked for anew, after a growing pause. */
export function owedAgain(book: OrderBook, attempts: number): void {
  const open = openPayment(book)
  if (open === null) return
  const { draft, state, order } = open
  const amount_minor = owedBackMinor(order, state)
  if (amount_minor <= 0) return
  draft.add(
    requested(draft.id, state, 'refund', {
      driver: 'payment',
      amount_minor,
      is_owed: true,
      reason: OWED,
      attempts,
      due_at: nextAttemptAt(book.moment, attempts),
      ...(isAlarming(book.moment, attempts) ? { needs_attention: true } : {}),
    }),
  )
}

/** Says that what is left of an authorization will not be used. */
export function lapse(draft: NonNullable<OrderBook['payment']>, reason: string): void {
  const state = draft.state()
  if (state === null) return
  const amount_minor = capturable(state)
  if (amount_minor <= 0) return
  const { order_id, currency } = state
  draft.add(
    payments.event('PaymentAuthorizationLapsed', {
      payment_id: draft.id,
      order_id,
      amount_minor,
      currency,
      reason,
    }),
  )
}

/** Nothing of it is taken: it is voided. After a part a provider lets go of the rest itself. */
function letGo(draft: NonNullable<OrderBook['payment']>, state: PaymentState): void {
  const amount_minor = capturable(state)
  if (state.captured_minor > 0) lapse(draft, 'the order needs no more of it')
  else draft.add(requested(draft.id, state, 'void', { driver: 'payment', amount_minor }))
}

/** The payment, if it can be asked for something and the order goes on. */
function openPayment(book: OrderBook) {
  const draft = book.payment
  const state = paymentOf(book)
  const order = orderOf(book)
  if (draft === null || state === null || state.pending !== null) return null
  if (state.is_external || state.is_voided) return null
  if (order.status === 'PENDING' || order.status === 'CANCELLED') return null
  return { draft, state, order }
}
