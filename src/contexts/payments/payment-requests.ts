// Capture, void and refund by hand. Each records the intent only; the payment's own row then has it
// carried out, and repeated until its outcome is known.
import { accept, command, type Decision, type Given, invalid, reject } from '#kernel/decider.ts'
import { exponentOf, scaled } from '#kernel/money.ts'
import { decimal, id, money, object, oneOf, optional, text } from '#kernel/schema.ts'
import { type PaymentState, payment, REASON_MAX } from './payment.ts'
import {
  capturable,
  objection,
  paymentStatus,
  refundable,
  requested,
} from './payment-operations.ts'

const reason = optional(text({ max: REASON_MAX }))
const answer = object({
  payment_id: id(),
  order_id: id(),
  operation_id: id(),
  status: oneOf(['CAPTURING', 'VOIDING', 'REFUNDING']),
  amount_minor: money(),
  currency: text(),
})

export const capturePayment = command({
  type: 'CapturePayment',
  input: object({ payment_id: id(), amount: optional(decimal()) }),
  reads: ({ payment_id }) => [payment.at(payment_id)],
  decide: ({ payment_id, amount }, given) => decide(given, payment_id, 'capture', amount),
  answer,
  route: {
    method: 'POST',
    path: '/api/v1/payments/:payment_id/capture',
    status: 202,
    tag: 'payments',
    summary: 'Captures what was authorized, or a part of it',
  },
})

export const voidPayment = command({
  type: 'VoidPayment',
  input: object({ payment_id: id(), reason }),
  reads: ({ payment_id }) => [payment.at(payment_id)],
  decide: ({ payment_id, reason }, given) => decide(given, payment_id, 'void', undefined, reason),
  answer,
  route: {
    method: 'POST',
    path: '/api/v1/payments/:payment_id/void',
    status: 202,
    tag: 'payments',
    summary: 'Lets go of an authorization',
  },
})

export const refundPayment = command({
  type: 'RefundPayment',
  input: object({ payment_id: id(), amount: optional(decimal()), reason }),
  reads: ({ payment_id }) => [payment.at(payment_id)],
  decide: ({ payment_id, amount, reason }, given) =>
    decide(given, payment_id, 'refund', amount, reason),
  answer,
  route: {
    method: 'POST',
    path: '/api/v1/payments/:payment_id/refund',
    status: 202,
    tag: 'payments',
    summary: 'Gives back what was captured, or a part of it',
  },
})

type Kind = 'capture' | 'void' | 'refund'

function decide(
  given: Given,
  paymentId: string,
  kind: Kind,
  amount?: string,
  reason?: string,
): Decision {
  const state = given.state(payment.at(paymentId))
  if (state === null) return reject('not_found', `There is no payment ${paymentId}.`)
  const wanted = amountOf(state, kind, amount)
  if (typeof wanted === 'string') return invalid({ amount: wanted })
  const no = objection(state, kind, wanted)
  if (no !== null) return no
  const why = reason === undefined ? {} : { reason }
  const fact = requested(paymentId, state, kind, {
    driver: 'payment',
    amount_minor: wanted,
    ...why,
  })
  const after = payment.evolve[fact.type](state, fact.data as never, NOWHEN)
  return accept([payment.write(paymentId, [fact])], {
    payment_id: paymentId,
    order_id: state.order_id,
    operation_id: after?.pending?.operation_id,
    status: after === null ? null : paymentStatus(after),
    amount_minor: wanted,
    currency: state.currency,
  })
}

/** The facts of an event that is not recorded yet; payments read none of them. */
const NOWHEN = { occurred_at: '', timestamp: '', position: 0 }

/** Minor units, or what is wrong with the text; all that is left when no amount is named. */
function amountOf(state: PaymentState, kind: Kind, amount?: string): number | string {
  if (amount === undefined) return kind === 'refund' ? refundable(state) : capturable(state)
  const minor = scaled(amount, exponentOf(state.currency))
  return minor.ok ? minor.value : minor.reason
}
