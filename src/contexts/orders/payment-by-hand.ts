// Capturing and paying back by hand: never more than the order comes to by now, nothing of an order
// that was given up, and of goods no more than came back.
import {
  objection,
  payment,
  paymentStatus,
  requestAnswer,
  requestByHand,
} from '#contexts/payments/public.ts'
import {
  ask,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  noSuch,
  reject,
} from '#kernel/decider.ts'
import { decimal, type Infer, id, object, optional, text } from '#kernel/schema.ts'
import { lineOf, order } from './order.ts'
import { closeBook, openBook, orderOf, paymentOf } from './order-book.ts'
import { REASON_MAX } from './order-events.ts'
import { withheldPart } from './order-line.ts'
import { capturableFor, settleMoney } from './order-money.ts'
import { type Grant, paymentFirst, refundElsewhere } from './refund-elsewhere.ts'
import { toldLines, unitsTold } from './told-lines.ts'

export const capturePayment = command({
  type: 'CapturePayment',
  input: object({ payment_id: id(), amount: optional(decimal()) }),
  reads: ({ payment_id }) => [payment.at(payment_id)],
  decide: ({ payment_id, amount }, given) => capture(given, payment_id, amount),
  answer: requestAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/payments/:payment_id/capture',
    status: 202,
    tag: 'payments',
    summary: 'Captures what was authorized, or a part of it',
  },
})

function capture(given: Given, paymentId: string, amount: string | undefined): Decision {
  const state = given.state(payment.at(paymentId))
  if (state === null) return noSuch('payment', paymentId)
  const ref = order.seen(state.order_id)
  const lacking = given.lacking([ref])
  if (lacking.length > 0) return ask(lacking)
  const paid = given.state(ref)
  const by = { kind: 'capture', amount } as const
  if (paid === null) return requestByHand(given, paymentId, by)
  const { status } = paid
  if (status === 'CANCELLED')
    return reject('invalid_state', 'The order is CANCELLED; its payment is being given back.', {
      details: { status },
    })
  return requestByHand(given, paymentId, { ...by, most: capturableFor(paid, state) })
}

const REFERENCE_MAX = 200

const refundInput = object({
  payment_id: id(),
  amount: optional(decimal({ description: 'Absent, and no lines: all that is left.', example: 5 })),
  /** Of goods that came back and were not paid back then; instead of an amount. */
  lines: optional(toldLines),
  reference: optional(
    text({
      max: REFERENCE_MAX,
      description: 'Of money taken elsewhere, which a person gave back there under it.',
    }),
  ),
  reason: optional(text({ max: REASON_MAX })),
})

export const refundPayment = command({
  type: 'RefundPayment',
  input: refundInput,
  reads: ({ payment_id }) => [payment.at(payment_id)],
  decide: refund,
  answer: requestAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/payments/:payment_id/refund',
    // What was given back elsewhere is done.
    statusOf: ({ status }) => (status === 'REFUNDING' ? 202 : 200),
    tag: 'payments',
    summary: 'Gives back what was captured, a part of it, or what returned lines had cost',
  },
})

function refund(told: Infer<typeof refundInput>, given: Given, moment: Moment): Decision {
  const { payment_id, amount, lines, reason, reference } = told
  if (lines !== undefined && amount !== undefined)
    return invalid({ amount: 'is told by the lines' })
  const state = given.state(payment.at(payment_id))
  if (state === null) return noSuch('payment', payment_id)
  if (state.is_external) {
    const granted = lines === undefined ? undefined : granting(told, lines)
    return refundElsewhere(told, given, moment, granted)
  }
  if (reference !== undefined)
    return invalid({ reference: 'is the provider’s to give; the payment was not taken elsewhere' })
  if (lines === undefined)
    return requestByHand(given, payment_id, { kind: 'refund', amount, reason })
  const book = openBook(given, state.order_id, moment)
  if (!('order' in book)) return book
  const granted = granting(told, lines)(book)
  if (typeof granted === 'object') return granted
  const no = objection(state, 'refund', granted)
  if (no !== null) return no
  settleMoney(book, false)
  const pending = paymentOf(book)?.pending ?? null
  // So little was captured that all of it is due still.
  if (pending === null)
    return reject('invalid_state', 'No more was captured than what is kept comes to.', {
      details: { status: paymentStatus(state) },
    })
  const { operation_id, amount_minor } = pending
  const { order_id, currency } = state
  const answer = { payment_id, order_id, operation_id, status: 'REFUNDING', currency }
  return paymentFirst(closeBook(book, { ...answer, amount_minor }), payment_id)
}

/** What these lines had cost is owed after all. */
const granting =
  (
    { payment_id, reason }: Pick<Infer<typeof refundInput>, 'payment_id' | 'reason'>,
    lines: Infer<typeof toldLines>,
  ): Grant =>
  (book) => {
    const { order_id } = book
    const before = orderOf(book)
    const may = before.lines.map(({ line, withheld_quantity: quantity }) => ({ line, quantity }))
    const units = unitsTold(before, lines, may)
    if ('rejected' in units) return units
    const parts = units.map(({ line, quantity }) => withheldPart(lineOf(before, line)!, quantity))
    const amount_minor = parts.reduce((sum, part) => sum + part.amount_minor, 0)
    const { customer_id, user_id, currency } = before
    book.order.emit('OrderRefundGranted', {
      ...{ order_id, customer_id, user_id, currency, payment_id, lines: parts, amount_minor },
      ...(reason === undefined ? {} : { reason }),
    })
    return amount_minor
  }
