// Carries out what was asked of a payment (capture, void, refund), again and again until its
// outcome is known. Operations of a saga are not among these rows: the saga carries out its own.
import { type Waiting, type WaitingTools, waiting } from '#kernel/waiting.ts'
import { type PaymentRow, payments } from './payment-views.ts'
import type { Absent, PaymentAnswer, PaymentProvider } from './provider.ts'
import { type Call, callProvider } from './provider-calls.ts'

export const CALL_TIMEOUT_MS = 30_000

export const paymentOperations = (
  provider: PaymentProvider,
  timeoutMs: number = CALL_TIMEOUT_MS,
): Waiting =>
  waiting<PaymentRow>({
    name: 'payment-operations',
    projection: payments,
    due: 'next_attempt_at',
    act: async (row, tools) => {
      const { operation_id, order_id, payment_id, attempts } = row
      if (operation_id === null) return
      const context = { operation_id, order_id, isRepeated: attempts > 0, timeoutMs }
      const answer = await callProvider(provider, callOf(row), context)
      await recordOutcome(tools, { payment_id, order_id, operation_id }, attempts, answer)
    },
  })

function callOf(row: PaymentRow): Call {
  const { pending_operation: kind, pending_minor, reference, currency } = row
  if (kind !== 'capture' && kind !== 'void' && kind !== 'refund')
    throw new Error(`payment ${row.payment_id} waits for ${kind}, which is not done here`)
  if (reference === null || pending_minor === null)
    throw new Error(`payment ${row.payment_id} has no authorization to ${kind}`)
  return { kind, reference, amount_minor: pending_minor, currency }
}

/**
 * Tells the order's context, which owns the command: the outcome may move the order's saga in the
 * same append. The id follows from the content, so the same outcome told twice is one command.
 */
export async function recordOutcome(
  { send, derivedId }: WaitingTools,
  operation: { payment_id: string; order_id: string; operation_id: string },
  attempts: number,
  answer: PaymentAnswer | Absent,
): Promise<void> {
  const input = { ...operation, ...answer }
  const command_id = derivedId(operation.operation_id, String(attempts), JSON.stringify(answer))
  const outcome = await send('RecordPaymentOutcome', input, { command_id })
  if (!outcome.ok)
    throw new Error(`the outcome of ${operation.operation_id}: ${outcome.rejection.message}`)
}
