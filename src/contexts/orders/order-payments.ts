// The money side of an order (OrderPaymentReadModel): one row per order that has a payment.
import { type Payment, payment, paymentStatus } from '#contexts/payments/public.ts'
import { evolve } from '#kernel/decider.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'

export type OrderPaymentRow = {
  readonly order_id: string
  readonly currency: string
  readonly authorized_minor: number
  readonly captured_minor: number
  readonly refunded_minor: number
  readonly owed_back_minor: number
  readonly payments: readonly PaymentOfOrder[]
  readonly updated_at: string
}
type PaymentOfOrder = {
  readonly payment_id: string
  readonly status: string
  readonly payment_method: string
  readonly currency: string
  readonly authorized_minor: number
  readonly captured_minor: number
  readonly refunded_minor: number
  readonly owed_back_minor: number
  readonly state: Payment
}

const folding: Handler<OrderPaymentRow, { readonly order_id: string }> = {
  keys: ({ data }) => [data.order_id],
  apply: (row, event) => folded(row, event),
}

export const orderPayments = projection<OrderPaymentRow>({
  name: 'order_payments',
  version: 3,
  table: {
    name: 'order_payments',
    key: 'order_id',
    columns: {
      order_id: 'text',
      currency: 'text',
      authorized_minor: 'money',
      captured_minor: 'money',
      refunded_minor: 'money',
      owed_back_minor: 'money',
      payments: 'json',
      updated_at: 'instant',
    },
  },
  on: Object.fromEntries(Object.keys(payment.events).map((type) => [type, folding])),
})

function folded(
  row: OrderPaymentRow | undefined,
  event: Recorded<{ readonly order_id: string }>,
): OrderPaymentRow | null {
  const payment_id = event.aggregate_id
  const before = row?.payments.find((each) => each.payment_id === payment_id)
  const state = evolve(payment, before?.state ?? null, event)
  if (state === null) return row ?? null
  const { currency, payment_method } = state
  const { authorized_minor, captured_minor, refunded_minor, owed_back_minor } = state
  const amounts = { authorized_minor, captured_minor, refunded_minor, owed_back_minor }
  const now = {
    payment_id,
    status: paymentStatus(state),
    payment_method,
    currency,
    ...amounts,
    state,
  }
  const others = row?.payments.filter((each) => each !== before) ?? []
  const payments = [...others, now]
  const sum = (of: keyof typeof amounts) => payments.reduce((total, each) => total + each[of], 0)
  return {
    order_id: event.data.order_id,
    currency,
    authorized_minor: sum('authorized_minor'),
    captured_minor: sum('captured_minor'),
    refunded_minor: sum('refunded_minor'),
    owed_back_minor: sum('owed_back_minor'),
    payments,
    updated_at: event.timestamp,
  }
}
