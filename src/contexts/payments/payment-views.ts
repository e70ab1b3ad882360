// One row per payment: its amounts, its status, and the operation that still has to be settled,
// with the time of its next try. Questions about payments.
import { evolve } from '#kernel/decider.ts'
import type { DataOf } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { CAUSE_COLUMNS, type Cause, causeOf } from '#kernel/waiting.ts'
import { type Payment, payment } from './payment.ts'
import { GIVEN_UP, paymentStatus } from './payment-operations.ts'

export type PaymentRow = Cause & {
  readonly payment_id: string
  readonly order_id: string
  readonly status: string
  readonly amount_minor: number
  readonly currency: string
  readonly payment_method: string
  readonly provider: string
  readonly reference: string | null
  readonly is_external: boolean
  readonly authorized_minor: number
  readonly captured_minor: number
  readonly refunded_minor: number
  /** Taken elsewhere: what a person has to give back there. */
  readonly owed_back_minor: number
  readonly pending_operation: string | null
  readonly operation_id: string | null
  readonly pending_minor: number | null
  readonly attempts: number
  readonly next_attempt_at: string | null
  readonly needs_attention: boolean
  readonly last_error: string | null
  readonly state: Payment
  readonly created_at: string
  readonly updated_at: string
  readonly version: number
}

export const EXTERNAL = 'external'
type Data = DataOf<typeof payment.events>

export const payments = projection<PaymentRow>({
  name: 'payments',
  version: 4,
  table: {
    name: 'payments',
    key: 'payment_id',
    columns: {
      payment_id: 'text',
      order_id: 'text',
      status: 'text',
      amount_minor: 'money',
      currency: 'text',
      payment_method: 'text',
      provider: 'text',
      reference: { kind: 'text', nullable: true },
      is_external: 'bool',
      authorized_minor: 'money',
      captured_minor: 'money',
      refunded_minor: 'money',
      owed_back_minor: 'money',
      pending_operation: { kind: 'text', nullable: true },
      operation_id: { kind: 'text', nullable: true },
      pending_minor: { kind: 'money', nullable: true },
      attempts: 'int',
      next_attempt_at: { kind: 'instant', nullable: true },
      needs_attention: 'bool',
      last_error: { kind: 'text', nullable: true },
      state: 'json',
      created_at: 'instant',
      updated_at: 'instant',
      version: 'int',
      ...CAUSE_COLUMNS,
    },
    indexes: [
      ['next_attempt_at'],
      ['order_id'],
      ['status', 'created_at'],
      ['created_at'],
      ['owed_back_minor'],
    ],
  },
  sources: (key) => [`payment-${key}`],
  on: {
    PaymentAuthorizationRequested: folding<Data['PaymentAuthorizationRequested']>(
      ({ data: { provider } }) => ({ provider }),
    ),
    PaymentAuthorized: folding<Data['PaymentAuthorized']>(({ data: { is_external } }) =>
      is_external === true ? { provider: EXTERNAL } : {},
    ),
    PaymentCaptureRequested: folding(),
    PaymentCaptured: folding(),
    PaymentVoidRequested: folding(),
    PaymentVoided: folding(),
    PaymentRefundRequested: folding<Data['PaymentRefundRequested']>(
      ({ data: { due_at, needs_attention } }, row) => ({
        ...(due_at === undefined ? {} : { next_attempt_at: due_at, last_error: row.last_error }),
        ...(needs_attention === true ? { needs_attention } : {}),
      }),
    ),
    PaymentRefunded: folding(),
    PaymentFailed: folding<Data['PaymentFailed']>(({ data: { operation, reason } }) => ({
      last_error: reason,
      // A declined authorization ends in a cancelled order, and what a person gave up is dealt
      // with; any other refusal is somebody's to look at.
      needs_attention: operation !== 'authorize' && reason !== GIVEN_UP,
    })),
    PaymentOutcomeUnknown: folding<Data['PaymentOutcomeUnknown']>(
      ({ data: { error, needs_attention, next_attempt_at } }) => ({
        last_error: error,
        needs_attention,
        next_attempt_at,
      }),
    ),
    PaymentNoticeReceived: folding(),
    PaymentRefundOwed: folding(),
    PaymentAuthorizationLapsed: folding(),
  },
})

type Before = Pick<PaymentRow, 'last_error'>

/** The row is the fold of the payment's own events, shown as columns. */
function folding<D = unknown>(
  more: (event: Recorded<D>, before: Before) => Partial<PaymentRow> = () => ({}),
): Handler<PaymentRow, D> {
  return {
    keys: ({ aggregate_id }) => [aggregate_id],
    apply: (row, event) => {
      const state = evolve(payment, row?.state ?? null, event)
      if (state === null) return null
      return {
        ...rowOf(row, event, state),
        ...more(event, { last_error: row?.last_error ?? null }),
      }
    },
  }
}

function rowOf(
  row: PaymentRow | undefined,
  event: Recorded,
  state: NonNullable<Payment>,
): PaymentRow {
  const { aggregate_id, timestamp, version, data } = event
  const { pending } = state
  return {
    payment_id: aggregate_id,
    order_id: state.order_id,
    status: paymentStatus(state),
    // The first event has what was asked for.
    amount_minor: row?.amount_minor ?? (data as { readonly amount_minor: number }).amount_minor,
    currency: state.currency,
    payment_method: state.payment_method,
    provider: row?.provider ?? '',
    reference: state.reference,
    is_external: state.is_external,
    authorized_minor: state.authorized_minor,
    captured_minor: state.captured_minor,
    refunded_minor: state.refunded_minor,
    owed_back_minor: state.owed_back_minor,
    pending_operation: pending?.kind ?? null,
    operation_id: pending?.operation_id ?? null,
    pending_minor: pending?.amount_minor ?? null,
    attempts: pending?.attempts ?? 0,
    // What a saga drives is due by the saga's row.
    next_attempt_at: pending?.driver === 'payment' ? timestamp : null,
    needs_attention: state.owed_back_minor > 0,
    last_error: null,
    state,
    created_at: row?.created_at ?? timestamp,
    updated_at: timestamp,
    version,
    ...causeOf(event),
  }
}
