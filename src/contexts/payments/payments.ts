// The context of payments: the list of what it has. What an operation's outcome means for the order
// is decided by orders (`RecordPaymentOutcome`), in the same append.
import type { Context } from '#kernel/context.ts'
import { payment } from './payment.ts'
import { getPayment, listPayments } from './payment-queries.ts'
import { voidPayment } from './payment-requests.ts'
import { payments as paymentViews } from './payment-views.ts'
import { paymentOperations } from './pending-operations.ts'
import type { PaymentProvider } from './provider.ts'

export const payments = ({
  provider,
  timeoutMs,
}: {
  readonly provider: PaymentProvider
  /** After this long without an answer a call's outcome counts as unknown. */
  readonly timeoutMs?: number
}): Context => ({
  name: 'payments',
  aggregates: [payment],
  commands: [voidPayment],
  projections: [paymentViews],
  queries: [getPayment, listPayments],
  waiting: [paymentOperations(provider, timeoutMs)],
})
