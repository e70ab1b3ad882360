// The money of one payment: authorized, captured, refunded. Stream: payment-<payment_id>. CREATED →
// AUTHORIZING → AUTHORIZED → CAPTURING → (PARTIALLY_)CAPTURED → REFUNDING → (PARTIALLY_)REFUNDED;
// AUTHORIZED → VOIDING → VOIDED; any …ING → back, or FAILED. The …ING states are stored intents:
// the operation_id is in the log before the provider is called.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import {
  flag,
  id,
  instant,
  integer,
  money,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '#kernel/schema.ts'

const OPERATION_KINDS = ['authorize', 'capture', 'void', 'refund'] as const
export type OperationKind = (typeof OPERATION_KINDS)[number]
/** Who repeats the operation until it is settled: the order's saga, or the payment's own row. */
const DRIVERS = ['saga', 'payment'] as const
const CAPTURE_MOMENTS = ['confirm', 'ship', 'manual'] as const
export type CaptureMoment = (typeof CAPTURE_MOMENTS)[number]

export type Operation = {
  readonly kind: OperationKind
  readonly operation_id: string
  readonly amount_minor: number
  readonly driver: (typeof DRIVERS)[number]
  /** Failed tries so far. */
  readonly attempts: number
  /** A refund that the order owes its payer; absent: somebody’s own decision. */
  readonly is_owed?: true
}
export type GivenBack = {
  readonly reference: string
  readonly operation_id: string
  readonly amount_minor: number
}
export type PaymentState = {
  readonly order_id: string
  readonly currency: string
  readonly payment_method: string
  readonly capture_on: CaptureMoment
  /** The provider's name of the authorization. */
  readonly reference: string | null
  /** Taken elsewhere: no provider of ours can capture or refund it. */
  readonly is_external: boolean
  readonly authorized_minor: number
  readonly captured_minor: number
  readonly refunded_minor: number
  /** How much of it the order owed: what was cancelled after it was paid, or came back. */
  readonly owed_refunded_minor: number
  /** Taken elsewhere, and to be given back there by a person. */
  readonly owed_back_minor: number
  /** What a person said was given back elsewhere, by its reference there. */
  readonly given_back: readonly GivenBack[]
  /** Set aside, and let go of: it will never be captured. */
  readonly lapsed_minor: number
  readonly is_voided: boolean
  /** The last operation was declined. */
  readonly has_failed: boolean
  /** One at a time. */
  readonly pending: Operation | null
  /** How many operations there were: the next one's number follows. */
  readonly operations: number
}
/** null: no such payment. */
export type Payment = PaymentState | null

export const METHOD_MAX = 50
export const REASON_MAX = 500
const whose = { payment_id: id(), order_id: id() }
const amount = { amount_minor: money(), currency: text({ min: 3, max: 3 }) }
const operation = { ...whose, operation_id: id(), ...amount }
const requested = {
  data: object({
    ...operation,
    driver: oneOf(DRIVERS),
    reason: optional(text()),
    is_owed: optional(flag()),
    // Of a refund that was refused before: how often, when it is tried anew, whether to tell.
    attempts: optional(integer({ min: 1 })),
    due_at: optional(instant()),
    needs_attention: optional(flag()),
  }),
}
const done = { data: object({ ...operation, reference: nullable(text()) }) }

/** The customer, the user, or the order of a guest. */
const payer_id = optional(id())
type Paid = { readonly payer_id?: string; readonly payment_id: string }
const subject = ({ payer_id, payment_id }: Paid) => payer_id ?? `payment-${payment_id}`

const paymentEvents = eventTypes({
  PaymentAuthorizationRequested: {
    data: object({
      ...operation,
      provider: text({ max: METHOD_MAX }),
      payment_method: text({ max: METHOD_MAX }),
      token: nullable(text()),
      payer_id,
      capture_on: oneOf(CAPTURE_MOMENTS),
    }),
    // What a payer's device was given is nobody's to read in a log that lasts for ever, and goes
    // with the payer. Where no payer was written down, it lies under a key of its own.
    personal: { fields: ['token'], subject },
  },
  PaymentAuthorized: {
    data: object({
      ...operation,
      reference: nullable(text()),
      payment_method: text({ max: METHOD_MAX }),
      is_external: optional(flag()),
    }),
  },
  PaymentCaptureRequested: requested,
  PaymentCaptured: done,
  PaymentVoidRequested: requested,
  PaymentVoided: done,
  PaymentRefundRequested: requested,
  PaymentRefunded: {
    data: object({
      ...operation,
      reference: nullable(text()),
      // Where a person gave it back elsewhere, and said why.
      reason: optional(text({ max: REASON_MAX })),
      payer_id,
    }),
    personal: { fields: ['reason'], subject },
  },
  /** So much more of what was taken elsewhere has to be given back there; a person's work. */
  PaymentRefundOwed: { data: object({ ...whose, ...amount, reason: text({ max: REASON_MAX }) }) },
  /** The order needs no more of what was set aside; no provider has to be told. */
  PaymentAuthorizationLapsed: { data: object({ ...whose, ...amount, reason: text() }) },
  /** Declined, or given up by a person: this operation will not happen. */
  PaymentFailed: {
    data: object({
      ...operation,
      operation: oneOf(OPERATION_KINDS),
      reason: text({ max: REASON_MAX }),
    }),
  },
  /** Nobody knows whether it happened: the provider is asked again, under the same operation. */
  PaymentOutcomeUnknown: {
    data: object({
      ...whose,
      operation_id: id(),
      operation: oneOf(OPERATION_KINDS),
      attempt: integer({ min: 1 }),
      error: text({ max: REASON_MAX }),
      next_attempt_at: instant(),
      needs_attention: flag(),
    }),
  },
  /** The provider said that there is news: a hint to ask it now. */
  PaymentNoticeReceived: { data: object({ ...whose, operation_id: id() }) },
})

export const payment = aggregate({
  type: 'payment',
  state_version: 3,
  events: paymentEvents,
  initial: null as Payment,
  evolve: {
    PaymentAuthorizationRequested: (_, data): Payment => ({
      ...fresh(data),
      capture_on: data.capture_on,
      pending: begun(data, 'authorize', 'saga'),
      operations: 1,
    }),
    PaymentAuthorized: (state, data): Payment => ({
      ...(state ?? fresh(data)),
      reference: data.reference,
      is_external: data.is_external === true,
      authorized_minor: data.amount_minor,
      pending: null,
    }),
    PaymentCaptureRequested: (state, data) => request(state, data, 'capture'),
    PaymentCaptured: (state, { amount_minor }) => {
      const known = existing(state)
      return { ...known, captured_minor: known.captured_minor + amount_minor, ...SETTLED }
    },
    PaymentVoidRequested: (state, data) => request(state, data, 'void'),
    PaymentVoided: (state) => ({ ...existing(state), is_voided: true, ...SETTLED }),
    PaymentRefundRequested: (state, data) => request(state, data, 'refund'),
    PaymentRefunded: (state, { amount_minor, operation_id, reference }) => {
      const known = existing(state)
      if (known.is_external)
        return givenBack(known, { amount_minor, operation_id, reference: reference ?? '' })
      const owed = known.pending?.is_owed === true ? amount_minor : 0
      return {
        ...known,
        refunded_minor: known.refunded_minor + amount_minor,
        owed_refunded_minor: known.owed_refunded_minor + owed,
        ...SETTLED,
      }
    },
    PaymentRefundOwed: (state, { amount_minor }) => {
      const known = existing(state)
      return { ...known, owed_back_minor: known.owed_back_minor + amount_minor }
    },
    PaymentAuthorizationLapsed: (state, { amount_minor }) => {
      const known = existing(state)
      return { ...known, lapsed_minor: known.lapsed_minor + amount_minor }
    },
    PaymentFailed: (state) => {
      const known = existing(state)
      // What was owed elsewhere was given up, without an operation that was under way.
      const operations = known.operations + (known.is_external ? 1 : 0)
      return { ...known, operations, pending: null, has_failed: true, owed_back_minor: 0 }
    },
    PaymentOutcomeUnknown: (state, { attempt }) => {
      const known = existing(state)
      if (known.pending === null) return known
      return { ...known, pending: { ...known.pending, attempts: attempt } }
    },
    PaymentNoticeReceived: (state) => existing(state),
  },
})

const SETTLED = { pending: null, has_failed: false } as const

type Amount = {
  readonly operation_id: string
  readonly amount_minor: number
  readonly attempts?: number
  readonly is_owed?: boolean
}
const begun = (
  { operation_id, amount_minor, attempts = 0, is_owed }: Amount,
  kind: OperationKind,
  driver: Operation['driver'],
): Operation => ({
  ...{ kind, operation_id, amount_minor, driver, attempts },
  ...(is_owed === true ? { is_owed } : {}),
})

function fresh(data: {
  readonly order_id: string
  readonly currency: string
  readonly payment_method: string
}): PaymentState {
  return {
    order_id: data.order_id,
    currency: data.currency,
    payment_method: data.payment_method,
    capture_on: 'manual',
    reference: null,
    is_external: false,
    authorized_minor: 0,
    captured_minor: 0,
    refunded_minor: 0,
    owed_refunded_minor: 0,
    owed_back_minor: 0,
    given_back: [],
    lapsed_minor: 0,
    is_voided: false,
    has_failed: false,
    pending: null,
    operations: 0,
  }
}

/** Elsewhere nothing is given back but what was owed. */
function givenBack(known: PaymentState, refund: GivenBack): Payment {
  const { amount_minor } = refund
  return {
    ...known,
    refunded_minor: known.refunded_minor + amount_minor,
    owed_refunded_minor: known.owed_refunded_minor + amount_minor,
    owed_back_minor: known.owed_back_minor - amount_minor,
    given_back: [...known.given_back, refund],
    has_failed: false,
    operations: known.operations + 1,
  }
}

function request(
  state: Payment,
  data: Amount & { readonly driver: Operation['driver'] },
  kind: OperationKind,
): Payment {
  const known = existing(state)
  return { ...known, pending: begun(data, kind, data.driver), operations: known.operations + 1 }
}

function existing(state: Payment): PaymentState {
  if (state === null) throw new Error('a payment that was never begun has changed')
  return state
}
