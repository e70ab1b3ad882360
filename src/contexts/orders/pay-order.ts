// Paying an order that waits for it: through the provider, or with money that was taken elsewhere.
// That is a fact: of an order that is gone it is recorded too, and owed back.
import { keepReservation, reservation } from '#contexts/inventory/public.ts'
import {
  capturable,
  EXTERNAL,
  operationId,
  payment,
  refundable,
} from '#contexts/payments/public.ts'
import {
  type Asked,
  accept,
  already,
  type Command,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import { exponentOf, scaled } from '#kernel/money.ts'
import { triedAgain } from '#kernel/saga.ts'
import {
  decimal,
  flag,
  type Infer,
  id,
  money,
  object,
  optional,
  text,
  uuid,
} from '#kernel/schema.ts'
import { startCompensation } from './compensation.ts'
import { methodTrouble, orderAnswerSchema } from './create-order.ts'
import { captureMoment, FOR_PAYMENT, requestAuthorization, requestLabel } from './fulfilment.ts'
import {
  bookRefs,
  closeBook,
  type OrderBook,
  openBook,
  orderAnswer,
  orderOf,
  type PaymentDraft,
  paymentDraft,
  paymentOf,
  sagaOf,
} from './order-book.ts'
import { noteOwedElsewhere } from './order-money.ts'

const paymentInput = object({
  payment_id: optional(uuid()),
  order_id: uuid(),
  amount: optional(decimal()),
  currency: optional(text({ min: 3, max: 3 })),
  method: text({ max: 50, aliases: ['payment_method'], example: 'credit_card' }),
  token: optional(text()),
  capture: optional(flag({ description: 'Absent: as `payments.capture_on` says.' })),
})
type PaymentInput = Infer<typeof paymentInput>

const paymentAnswer = object({
  payment_id: id(),
  order_id: id(),
  status: text(),
  amount_minor: money(),
  currency: text(),
})

export const processPayment = (provider: string): Command =>
  command({
    type: 'ProcessPayment',
    input: paymentInput,
    creates: 'payment_id',
    reads: paymentReads,
    decide: (input, given, moment) => pay(input, given, moment, provider),
    answer: paymentAnswer,
    route: {
      method: 'POST',
      path: '/api/v1/payments',
      status: 201,
      tag: 'payments',
      summary: 'Pays an order that waits for its payment',
    },
  })

/** The same, but nothing is captured until somebody asks. */
export const authorizePayment = (provider: string): Command =>
  command({
    type: 'AuthorizePayment',
    input: paymentInput,
    creates: 'payment_id',
    reads: paymentReads,
    decide: (input, given, moment) => pay({ ...input, capture: false }, given, moment, provider),
    answer: paymentAnswer,
  })

function paymentReads({ payment_id = '', order_id }: PaymentInput) {
  return [payment.at(payment_id), ...bookRefs(order_id), reservation.at(order_id)]
}

function pay(input: PaymentInput, given: Given, moment: Moment, provider: string): Decision {
  const { payment_id = '', order_id, method } = input
  const wrong = methodTrouble(method, moment.settings, 'method')
  if (wrong !== null) return wrong
  const opened = openUnpaid(given, order_id, moment)
  if (!('order' in opened)) return opened
  if (given.state(payment.at(payment_id)) !== null) return already('a payment', payment_id)
  const no = amountTrouble(input, opened)
  if (no !== null) return no
  const draft = paymentDraft(given, payment_id, moment.now)
  const book = paidBy(opened, draft, method)
  requestAuthorization(book, draft, {
    payment_method: method,
    token: input.token ?? null,
    provider,
    capture_on: captureMoment(moment, input.capture),
  })
  const { total_amount_minor: amount_minor, currency } = orderOf(book)
  return closeBook(book, { payment_id, order_id, status: 'AUTHORIZING', amount_minor, currency })
}

/** The order, if it waits for somebody to pay and its time is not over. */
function openUnpaid(given: Given, orderId: string, moment: Moment): OrderBook | Asked | Rejected {
  const book = openBook(given, orderId, moment)
  if (!('order' in book)) return book
  const { status } = orderOf(book)
  const { waiting_for, status: saga_status } = sagaOf(book)
  if (saga_status !== 'RUNNING' || waiting_for !== FOR_PAYMENT)
    return reject('invalid_state', `The order is ${status} and waits for no payment.`, {
      details: { status, saga_status, waiting_for },
    })
  const held = given.state(reservation.at(orderId))
  if (held === null || (held.expires_at !== null && held.expires_at <= moment.now))
    return reject('invalid_state', 'The time to pay is over; nothing was charged.', {
      details: { status, expires_at: held?.expires_at ?? null },
    })
  return book
}

/** The payment is the order's now, and the stock waits without a limit. */
function paidBy(book: OrderBook, draft: PaymentDraft, payment_method: string): OrderBook {
  const { order_id, given, beside } = book
  beside.push(...keepReservation(given, order_id).writes)
  return withPayment(book, draft, payment_method)
}

function withPayment(book: OrderBook, draft: PaymentDraft, payment_method: string): OrderBook {
  const { order, order_id } = book
  const { customer_id, user_id } = orderOf(book)
  order.emit('OrderUpdated', {
    order_id,
    customer_id,
    user_id,
    payment_id: draft.id,
    payment_method,
  })
  return { ...book, payment: draft }
}

function amountTrouble({ amount, currency }: PaymentInput, book: OrderBook): Rejected | null {
  const { total_amount_minor, currency: wanted } = orderOf(book)
  if (currency !== undefined && currency !== wanted)
    return reject('currency_mismatch', `The order is in ${wanted}.`, {
      details: { currency: wanted },
    })
  if (amount === undefined) return null
  const told = scaled(amount, exponentOf(wanted))
  if (!told.ok) return invalid({ amount: told.reason })
  if (told.value === total_amount_minor) return null
  return reject('business_rule_violated', 'An order is paid in full, with one payment.', {
    errors: { amount: 'is not what the order comes to' },
  })
}

const EXTERNAL_ID_MAX = 150

/**
 * A payment_id from outside is money taken elsewhere; one of ours only asks for its outcome now.
 */
export const confirmPayment = command({
  type: 'ConfirmPayment',
  input: object({
    order_id: id(),
    payment_id: id(),
    payment_method: optional(text({ max: 50, aliases: ['method'] })),
  }),
  reads: ({ order_id, payment_id }) => [
    ...bookRefs(order_id, payment_id),
    reservation.at(order_id),
  ],
  decide: ({ order_id, payment_id, payment_method = EXTERNAL }, given, moment) => {
    const known = openBook(given, order_id, moment)
    if (!('order' in known)) return known
    if (known.payment?.id === payment_id) return askedAgain(known)
    if (payment_id.length > EXTERNAL_ID_MAX)
      return invalid({ payment_id: `must have at most ${EXTERNAL_ID_MAX} characters` })
    const told = given.state(payment.at(payment_id))
    // Another one came after it.
    if (told?.order_id === order_id) return accept([], orderAnswer(known))
    if (told !== null)
      return reject('invalid_state', `Payment ${payment_id} belongs to another order.`)
    const draft = paymentDraft(given, payment_id, moment.now)
    const book = openUnpaid(given, order_id, moment)
    if (!('order' in book)) return takenTooLate(known, draft, payment_method) ?? book
    const paid = takenElsewhere(paidBy(book, draft, payment_method), draft, payment_method)
    requestLabel(paid)
    return closeBook(paid, orderAnswer(paid))
  },
  answer: orderAnswerSchema,
  route: {
    method: 'POST',
    path: '/api/v1/orders/:order_id/confirm-payment',
    tag: 'orders',
    summary: 'Says that an order is paid',
  },
})

function askedAgain(book: OrderBook): Decision {
  const { saga, moment, payment } = book
  const state = sagaOf(book)
  const pending = payment?.state()?.pending ?? null
  if (pending === null || pending.operation_id !== state.operation_id)
    return accept([], orderAnswer(book))
  saga.add(triedAgain(saga.id, state, moment.now))
  return closeBook(book, orderAnswer(book))
}

/**
 * The order is gone, or goes now that its time is over: the money stands there to be given back.
 * null: the order lives, or another payment of it is not at its end.
 */
function takenTooLate(
  known: OrderBook,
  draft: PaymentDraft,
  payment_method: string,
): Decision | null {
  if (isOverdue(known)) {
    const trouble = startCompensation(known, { cause: 'reservation_expired', as: 'expired' })
    if (trouble !== null) return trouble
  }
  const earlier = paymentOf(known)
  const isOver =
    earlier === null ||
    (earlier.pending === null && capturable(earlier) === 0 && refundable(earlier) === 0)
  if (orderOf(known).status !== 'CANCELLED' || !isOver) return null
  const book = takenElsewhere(withPayment(known, draft, payment_method), draft, payment_method)
  noteOwedElsewhere(book)
  return closeBook(book, orderAnswer(book))
}

/** It waits for its payer still, and nobody has let it expire yet. */
function isOverdue(book: OrderBook): boolean {
  const { given, moment, order_id } = book
  const until = given.state(reservation.at(order_id))?.expires_at ?? null
  return sagaOf(book).waiting_for === FOR_PAYMENT && until !== null && until <= moment.now
}

function takenElsewhere(book: OrderBook, draft: PaymentDraft, payment_method: string): OrderBook {
  const { order_id } = book
  const payment_id = draft.id
  const { total_amount_minor: amount_minor, currency } = orderOf(book)
  const about = { payment_id, order_id, amount_minor, currency, reference: payment_id }
  draft.emit('PaymentAuthorized', {
    ...about,
    operation_id: operationId(payment_id, 'authorize', 0),
    payment_method,
    is_external: true,
  })
  draft.emit('PaymentCaptured', {
    ...about,
    operation_id: operationId(payment_id, 'capture', 0),
  })
  book.order.emit('PaymentProcessed', {
    order_id,
    payment_id,
    amount_minor,
    currency,
    payment_method,
  })
  return book
}
