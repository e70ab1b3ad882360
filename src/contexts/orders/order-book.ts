// All that one decision about an order may touch: the order, its saga, its payment and its
// shipment, each as a draft, and what moves in the inventory beside them.
import { type Payment, type PaymentState, payment } from '#contexts/payments/public.ts'
import { type Shipment, shipment } from '#contexts/shipping/public.ts'
import {
  type Accepted,
  type Asked,
  accept,
  ask,
  type Given,
  type Moment,
  noSuch,
  type Ref,
  type Rejected,
  type Write,
} from '#kernel/decider.ts'
import { type Saga, type SagaState, saga } from '#kernel/saga.ts'
import { type Draft, draft } from './draft.ts'
import { type Order, type OrderState, order } from './order.ts'

export type PaymentDraft = Draft<Payment, typeof payment.events>
export type OrderBook = {
  readonly order_id: string
  readonly order: Draft<Order, typeof order.events>
  readonly saga: Draft<Saga, typeof saga.events>
  /** null: there is no payment. */
  readonly payment: PaymentDraft | null
  readonly shipment: Draft<Shipment, typeof shipment.events>
  /** What is written beside: stock and reservation. */
  readonly beside: Write[]
  readonly given: Given
  readonly moment: Moment
}

/** The first is the order's; a payment that is known already saves a second look. */
export const bookRefs = (orderId: string, paymentId?: string | null): readonly Ref[] => [
  order.at(orderId),
  saga.at(orderId),
  shipment.at(orderId),
  ...(paymentId === undefined || paymentId === null ? [] : [payment.at(paymentId)]),
]

/** The order as it is; 404 without one. */
export function openBook(
  given: Given,
  orderId: string,
  moment: Moment,
): OrderBook | Asked | Rejected {
  const lacking = given.lacking(bookRefs(orderId))
  if (lacking.length > 0) return ask(lacking)
  const state = given.state(order.at(orderId))
  if (state === null) return noSuch('order', orderId)
  const paymentId = state.payment_id
  const missing = paymentId === null ? [] : given.lacking([payment.at(paymentId)])
  if (missing.length > 0) return ask(missing)
  const { now } = moment
  return {
    order_id: orderId,
    order: draft(order, orderId, state, now),
    saga: draft(saga, orderId, given.state(saga.at(orderId)), now),
    payment: paymentId === null ? null : paymentDraft(given, paymentId, now),
    shipment: draft(shipment, orderId, given.state(shipment.at(orderId)), now),
    beside: [],
    given,
    moment,
  }
}

export const paymentDraft = (given: Given, paymentId: string, now: string): PaymentDraft =>
  draft(payment, paymentId, given.state(payment.at(paymentId)), now)

/** Everything drafted, as one append. */
export function closeBook(
  { order, saga, payment, shipment, beside }: OrderBook,
  response: Accepted['response'],
): Accepted {
  const drafts = [order, saga, shipment, ...(payment === null ? [] : [payment])]
  return accept([...drafts.map((each) => each.write()), ...beside], response)
}

export function orderOf({ order }: OrderBook): OrderState {
  const state = order.state()
  if (state === null) throw new Error(`order ${order.id} is not there`)
  return state
}
export function sagaOf({ saga }: OrderBook): SagaState {
  const state = saga.state()
  if (state === null) throw new Error(`order ${saga.id} has no saga`)
  return state
}
export const paymentOf = ({ payment }: OrderBook): PaymentState | null => payment?.state() ?? null

/** What a sender may know of the order after a decision. */
export const orderAnswer = (book: OrderBook): Accepted['response'] => {
  const { status, order_number, currency, total_amount_minor } = orderOf(book)
  const { status: saga_status, waiting_for } = sagaOf(book)
  const { order_id } = book
  return { order_id, order_number, status, saga_status, waiting_for, currency, total_amount_minor }
}
