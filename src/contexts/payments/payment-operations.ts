// What may be asked of a payment next, and under which operation_id: pure pieces for the commands
// here and for the decisions of orders. The order of the amounts is kept here: refunded ≤ captured
// ≤ authorized.
import { invalid, type Moment, type Rejected, reject } from '#kernel/decider.ts'
import type { Fact } from '#kernel/message.ts'
import { decimalNumber, exponentOf } from '#kernel/money.ts'
import { isAlarming, nextAttemptAt } from '#kernel/saga.ts'
import { beginningOf } from '#kernel/tidied.ts'
import {
  type Operation,
  type OperationKind,
  type PaymentState,
  payment,
  REASON_MAX,
} from './payment.ts'

/** Names its payment, so that a notice with nothing but this id finds it. */
export const operationId = (paymentId: string, kind: OperationKind, number: number): string =>
  `${paymentId}:${kind}:${number}`
export const paymentIdOf = (operationId: string): string => operationId.split(':')[0]!

export const PAYMENT_STATUSES = [
  'CREATED',
  'AUTHORIZING',
  'AUTHORIZED',
  'CAPTURING',
  'PARTIALLY_CAPTURED',
  'CAPTURED',
  'VOIDING',
  'VOIDED',
  'REFUNDING',
  'PARTIALLY_REFUNDED',
  'REFUNDED',
  'FAILED',
] as const
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number]

const UNDER_WAY = {
  authorize: 'AUTHORIZING',
  capture: 'CAPTURING',
  void: 'VOIDING',
  refund: 'REFUNDING',
} as const satisfies Record<OperationKind, PaymentStatus>

export function paymentStatus(state: PaymentState): PaymentStatus {
  if (state.pending !== null) return UNDER_WAY[state.pending.kind]
  const { authorized_minor, captured_minor, refunded_minor, lapsed_minor } = state
  if (state.is_voided) return 'VOIDED'
  if (refunded_minor > 0)
    return refunded_minor >= captured_minor ? 'REFUNDED' : 'PARTIALLY_REFUNDED'
  if (captured_minor > 0)
    return captured_minor >= authorized_minor - lapsed_minor ? 'CAPTURED' : 'PARTIALLY_CAPTURED'
  if (state.has_failed) return 'FAILED'
  return authorized_minor > 0 ? 'AUTHORIZED' : 'CREATED'
}

/** What may still be captured, and what may still be given back. */
export const capturable = (state: PaymentState): number =>
  state.is_voided || state.is_external
    ? 0
    : state.authorized_minor - state.lapsed_minor - state.captured_minor
export const refundable = (state: PaymentState): number =>
  state.captured_minor - state.refunded_minor

type Asked = {
  readonly driver: Operation['driver']
  readonly amount_minor: number
  readonly reason?: string
  readonly is_owed?: true
  /** A refusal before: tried anew later. */
  readonly attempts?: number
  readonly due_at?: string
  readonly needs_attention?: true
}

const REQUESTS = {
  capture: 'PaymentCaptureRequested',
  void: 'PaymentVoidRequested',
  refund: 'PaymentRefundRequested',
} as const

/** The intent, under the next operation_id. Whether it is allowed has been asked before. */
export function requested(
  paymentId: string,
  state: PaymentState,
  kind: keyof typeof REQUESTS,
  asked: Asked,
): Fact<(typeof REQUESTS)[keyof typeof REQUESTS]> {
  return payment.event(REQUESTS[kind], {
    payment_id: paymentId,
    order_id: state.order_id,
    operation_id: operationId(paymentId, kind, state.operations + 1),
    currency: state.currency,
    ...asked,
  })
}

/** Why this may not be asked of the payment now, nor more than `most`; null when it may. */
export function objection(
  state: PaymentState,
  kind: keyof typeof REQUESTS,
  amountMinor: number,
  most = Number.MAX_SAFE_INTEGER,
): Rejected | null {
  const status = paymentStatus(state)
  const no = (message: string) => reject('invalid_state', message, { details: { status } })
  if (state.pending !== null) return no(`The payment is ${status}; one operation at a time.`)
  if (state.is_external) return no('The payment was taken elsewhere; it is changed there too.')
  if (kind === 'void')
    return state.captured_minor === 0 && capturable(state) > 0
      ? null
      : no(`A payment that is ${status} cannot be voided.`)
  const limit = Math.min(most, kind === 'capture' ? capturable(state) : refundable(state))
  if (limit <= 0) return no(`The payment is ${status}; there is nothing to ${kind}.`)
  if (amountMinor <= 0) return invalid({ amount: 'must be more than zero' })
  return amountMinor > limit ? overdrawn(state, kind, { limit, requested: amountMinor }) : null
}

function overdrawn(
  { currency }: PaymentState,
  kind: 'capture' | 'refund',
  { limit, requested }: { limit: number; requested: number },
): Rejected {
  const shown = (minor: number) => decimalNumber(minor, exponentOf(currency))
  return reject(
    'amount_exceeds_captured',
    kind === 'capture'
      ? 'More than was authorized cannot be captured.'
      : 'More than was captured cannot be given back.',
    { details: { currency, limit: shown(limit), requested: shown(requested) } },
  )
}

const OUTCOMES = {
  capture: 'PaymentCaptured',
  void: 'PaymentVoided',
  refund: 'PaymentRefunded',
} as const

/** The pending operation was carried out. */
export function succeeded(
  paymentId: string,
  state: PaymentState,
  { kind, operation_id, amount_minor }: Operation,
  reference: string | null,
): Fact {
  const { order_id, currency, payment_method } = state
  const about = { payment_id: paymentId, order_id, operation_id, amount_minor, currency, reference }
  return kind === 'authorize'
    ? payment.event('PaymentAuthorized', { ...about, payment_method })
    : payment.event(OUTCOMES[kind], about)
}

/** Why an operation will not happen where a person says so. */
export const GIVEN_UP = 'resolved_manually'

/** The pending operation will not happen. */
export function failed(
  paymentId: string,
  { order_id, currency }: PaymentState,
  { kind, operation_id, amount_minor }: Pick<Operation, 'kind' | 'operation_id' | 'amount_minor'>,
  reason: string,
): Fact {
  return payment.event('PaymentFailed', {
    payment_id: paymentId,
    order_id,
    operation_id,
    amount_minor,
    currency,
    operation: kind,
    reason: beginningOf(reason, REASON_MAX),
  })
}

/** Nobody knows yet; the row asks again, later and later, without an end. */
export function unsettled(
  paymentId: string,
  { order_id }: PaymentState,
  { kind, operation_id, attempts }: Operation,
  error: string,
  moment: Pick<Moment, 'now' | 'settings'>,
): Fact {
  const attempt = attempts + 1
  return payment.event('PaymentOutcomeUnknown', {
    payment_id: paymentId,
    order_id,
    operation_id,
    operation: kind,
    attempt,
    error: beginningOf(error, REASON_MAX),
    next_attempt_at: nextAttemptAt(moment, attempt),
    needs_attention: isAlarming(moment, attempt),
  })
}
