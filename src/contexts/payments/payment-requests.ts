// Capture, void and refund by hand. Each records the intent only; the payment's own row then has it
// carried out, and repeated until its outcome is known. How much may be captured, and what came
// back, is the order's to say: those commands are the order's (`CapturePayment`, `RefundPayment`).
import { accept, command, type Decision, type Given, invalid, noSuch } from '#kernel/decider.ts'
import { exponentOf, scaled } from '#kernel/money.ts'
import { id, money, object, oneOf, optional, text } from '#kernel/schema.ts'
import { stateAfter } from '#kernel/state-after.ts'
import { type PaymentState, payment, REASON_MAX } from './payment.ts'
import {
  capturable,
  objection,
  paymentStatus,
  refundable,
  requested,
} from './payment-operations.ts'

const reason = optional(text({ max: REASON_MAX }))
export const requestAnswer = object({
  payment_id: id(),
  order_id: id(),
  operation_id: id(),
  // The last two: of money taken elsewhere, which was given back already.
  status: oneOf(['CAPTURING', 'VOIDING', 'REFUNDING', 'PARTIALLY_REFUNDED', 'REFUNDED']),
  amount_minor: money(),
  currency: text(),
})

export const voidPayment = command({
  type: 'VoidPayment',
  input: object({ payment_id: id(), reason }),
  reads: ({ payment_id }) => [payment.at(payment_id)],
  decide: ({ payment_id, reason }, given) =>
    requestByHand(given, payment_id, { kind: 'void', reason }),
  answer: requestAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/payments/:payment_id/void',
    status: 202,
    tag: 'payments',
    summary: 'Lets go of an authorization',
  },
})

type ByHand = {
  readonly kind: 'capture' | 'void' | 'refund'
  /** Absent: all that is left. */
  readonly amount?: string | undefined
  readonly reason?: string | undefined
  /** How much at most, where the payment itself would allow more. */
  readonly most?: number | undefined
}

/** The payment must have been read. */
export function requestByHand(
  given: Given,
  paymentId: string,
  { kind, amount, reason, most }: ByHand,
): Decision {
  const state = given.state(payment.at(paymentId))
  if (state === null) return noSuch('payment', paymentId)
  const wanted = amountOf(state, kind, { amount, most })
  if (typeof wanted === 'string') return invalid({ amount: wanted })
  const no = objection(state, kind, wanted, most)
  if (no !== null) return no
  const why = reason === undefined ? {} : { reason }
  const fact = requested(paymentId, state, kind, {
    driver: 'payment',
    amount_minor: wanted,
    ...why,
  })
  const write = payment.write(paymentId, [fact])
  const after = stateAfter(given, payment.at(paymentId), [write])
  return accept([write], {
    payment_id: paymentId,
    order_id: state.order_id,
    operation_id: after?.pending?.operation_id,
    status: after === null ? null : paymentStatus(after),
    amount_minor: wanted,
    currency: state.currency,
  })
}

/** Minor units, or what is wrong with the text; all that is left when no amount is named. */
function amountOf(
  state: PaymentState,
  kind: ByHand['kind'],
  { amount, most = Number.MAX_SAFE_INTEGER }: Pick<ByHand, 'amount' | 'most'>,
): number | string {
  if (amount === undefined)
    return Math.min(most, kind === 'refund' ? refundable(state) : capturable(state))
  const minor = scaled(amount, exponentOf(state.currency))
  return minor.ok ? minor.value : minor.reason
}
