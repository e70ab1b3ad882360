// Changes to an order that is not confirmed yet, and the wish to have it confirmed. Its items may
// change until the label is asked for, within what a provider was asked to set aside: the rest of
// that is let go of.
import { product } from '#contexts/catalog/public.ts'
import {
  changeReservation,
  reservation,
  reservationRefs,
  stillWaiting,
  stockRefs,
} from '#contexts/inventory/public.ts'
import { capturable } from '#contexts/payments/public.ts'
import { address } from '#contexts/shipping/public.ts'
import {
  type Asked,
  accept,
  ask,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import type { DataOf } from '#kernel/event-types.ts'
import { decimalNumber, exponentOf } from '#kernel/money.ts'
import { stepStatus } from '#kernel/saga.ts'
import { type Infer, id, money, nullable, object, oneOf, optional, text } from '#kernel/schema.ts'
import { goOnUnpaid } from './cancel-lines.ts'
import { items, orderAnswerSchema } from './create-order.ts'
import { FOR_PAYMENT, LABEL } from './fulfilment.ts'
import { countedIn, ORDER_STATUSES, type order } from './order.ts'
import {
  bookRefs,
  closeBook,
  type OrderBook,
  openBook,
  orderAnswer,
  orderOf,
  paymentOf,
  sagaOf,
} from './order-book.ts'
import { discounts } from './order-discounts.ts'
import { NOTES_MAX } from './order-events.ts'
import { remaining, waitingOf } from './order-line.ts'
import { pricedLines } from './order-lines.ts'

const updateInput = object({
  order_id: id(),
  shipping_address: optional(nullable(address)),
  notes: optional(nullable(text({ max: NOTES_MAX }))),
  items: optional(items),
  discounts,
})
type Input = Infer<typeof updateInput>

export const updateOrder = command({
  type: 'UpdateOrder',
  input: updateInput,
  reads: ({ order_id }) => bookRefs(order_id),
  decide: update,
  answer: object({
    order_id: id(),
    status: oneOf(ORDER_STATUSES),
    currency: text(),
    total_amount_minor: money(),
  }),
  route: {
    method: 'PATCH',
    path: '/api/v1/orders/:order_id',
    tag: 'orders',
    summary: 'Changes address, notes or items of an order whose label was not asked for yet',
  },
})

function update(input: Input, given: Given, moment: Moment): Decision {
  const { order_id, shipping_address, notes } = input
  const book = openBook(given, order_id, moment)
  if (!('order' in book)) return book
  const { status, customer_id, user_id } = orderOf(book)
  const process = sagaOf(book)
  // The carrier is given the address with the label; a change after that would not reach it.
  if (process.status !== 'RUNNING' || stepStatus(process, LABEL) !== 'PENDING')
    return reject('invalid_state', 'The order can no longer be changed.', { details: { status } })
  if (input.discounts !== undefined && input.items === undefined)
    return invalid({ discounts: 'are told together with the items' })
  const changed = {
    ...(shipping_address === undefined ? {} : { shipping_address }),
    ...(notes === undefined ? {} : { notes }),
  }
  const other = input.items === undefined ? {} : otherItems(book, { ...input, items: input.items })
  if ('ask' in other) return other
  if ('rejected' in other) return other
  if (Object.keys({ ...changed, ...other }).length > 0)
    book.order.emit('OrderUpdated', { order_id, customer_id, user_id, ...changed, ...other })
  goOnUnpaid(book)
  const { currency, total_amount_minor } = orderOf(book)
  return closeBook(book, { order_id, status, currency, total_amount_minor })
}

/** The items anew, as if they were ordered now; what changes in stock goes along. */
function otherItems(
  book: OrderBook,
  input: Input & { items: NonNullable<Input['items']> },
): Partial<DataOf<typeof order.events>['OrderUpdated']> | Asked | Rejected {
  const { given, moment, order_id } = book
  const state = orderOf(book)
  const { store_id, currency, country: before } = state
  const wanted = [...new Set(input.items.map(({ product_id }) => product_id))]
  const trouble = lackingOf(given, order_id, [
    reservation.at(order_id),
    ...wanted.map((productId) => product.seen(productId)),
    ...stockRefs(wanted.map((product_id) => ({ product_id, store_id }))),
  ])
  if (trouble !== null) return trouble
  const held = given.state(reservation.at(order_id))
  if (held === null || (held.expires_at !== null && held.expires_at <= moment.now))
    return reject('invalid_state', 'The time to change it is over.', {
      details: { status: state.status, expires_at: held?.expires_at ?? null },
    })
  const country = input.shipping_address?.country ?? before
  const cart = { country, discounts: input.discounts }
  const priced = pricedLines(input.items, currency, given, moment, cart)
  if ('rejected' in priced) return priced
  const over = beyondPayment(book, priced.total_amount_minor)
  if (over !== null) return over
  const lines = priced.lines.map(({ product_id, quantity }) => ({ product_id, store_id, quantity }))
  const reserved = changeReservation(given, order_id, lines, 'order_changed')
  if ('rejected' in reserved) return reserved
  book.beside.push(...reserved.writes)
  const waiting = stillWaiting(given, order_id, [...held.lines, ...lines], reserved.writes)
  const { customer_id: _, ...where } = countedIn(state)
  return {
    ...where,
    ...priced,
    country,
    ...(country === before ? {} : { previous_country: before }),
    ...(waiting === null ? {} : { backordered: waitingOf(priced.lines, waiting) }),
    previous_lines: remaining(state.lines),
    previous_total_amount_minor: state.total_amount_minor,
  }
}

/** What a provider was asked to set aside is not asked for anew: no more than that is captured. */
function beyondPayment(book: OrderBook, totalMinor: number): Rejected | null {
  const state = paymentOf(book)
  if (state === null) return null
  const { pending, currency } = state
  const limit = pending?.kind === 'authorize' ? pending.amount_minor : capturable(state)
  if (totalMinor <= limit) return null
  const shown = (minor: number) => decimalNumber(minor, exponentOf(currency))
  return reject(
    'business_rule_violated',
    'The items come to more than is being paid; order what is more apart.',
    { details: { currency, limit: shown(limit), total: shown(totalMinor) } },
  )
}

function lackingOf(
  given: Given,
  orderId: string,
  refs: Parameters<Given['lacking']>[0],
): Asked | Rejected | null {
  const first = given.lacking(refs)
  if (first.length > 0) return ask(first)
  const items = given.lacking(reservationRefs(given, orderId))
  return items.length > 0 ? ask(items) : null
}

/** The saga confirms; asking says how far it is: done, still under way, or not possible. */
export const confirmOrder = command({
  type: 'ConfirmOrder',
  input: object({ order_id: id() }),
  reads: ({ order_id }) => bookRefs(order_id),
  decide: ({ order_id }, given, moment) => {
    const book = openBook(given, order_id, moment)
    if (!('order' in book)) return book
    const { status } = orderOf(book)
    const { waiting_for } = sagaOf(book)
    if (status === 'PENDING' && waiting_for === FOR_PAYMENT)
      return reject('invalid_state', 'The order waits for its payment.', {
        details: { status, waiting_for },
      })
    if (status === 'CANCELLED')
      return reject('invalid_state', 'The order is CANCELLED.', { details: { status } })
    return accept([], orderAnswer(book))
  },
  answer: orderAnswerSchema,
  route: {
    method: 'POST',
    path: '/api/v1/orders/:order_id/confirm',
    statusOf: ({ status }) => (status === 'PENDING' ? 202 : 200),
    tag: 'orders',
    summary: 'Asks for the order to be confirmed: 200 when it is, 202 while that is under way',
  },
})
