// Carries out the step that an order's saga is due for: one call to the provider or the carrier,
// then one command that records what came of it. Knows nothing but the saga's row.
import {
  type Call,
  callProvider,
  type PaymentProvider,
  recordOutcome,
  within,
} from '#contexts/payments/public.ts'
import type { Carrier, CarrierAnswer } from '#contexts/shipping/public.ts'
import { streamOf } from '#kernel/message.ts'
import type { SagaAct, SagaRow } from '#kernel/saga-instances.ts'
import type { WaitingTools } from '#kernel/waiting.ts'
import type { StepInput } from './fulfilment.ts'

export type Outside = {
  readonly provider: PaymentProvider
  readonly carrier: Carrier
  readonly timeoutMs: number
}

export const fulfilmentAct =
  (outside: Outside): SagaAct =>
  async (row, tools) => {
    const { operation_id, input } = row.state
    // Recorded by this context's own decisions, which give each step the input it needs.
    const step = input as StepInput | null
    if (operation_id === null || step === null) return await goOn(row, tools)
    if (step.kind === 'label' || step.kind === 'settle_label' || step.kind === 'cancel_label')
      return await callCarrier(row, tools, outside, step, operation_id)
    const { provider, timeoutMs } = outside
    const { payment_id } = step
    const order_id = row.subject_id
    const context = { operation_id, order_id, isRepeated: row.attempts > 0, timeoutMs }
    const call = await callOf(step, tools)
    const answer =
      call === null
        ? await settledOrDeclined(provider, context)
        : await callProvider(provider, call, context)
    await recordOutcome(tools, { payment_id, order_id, operation_id }, row.attempts, answer)
  }

/** Waits for nobody outside: the decision looks again. */
async function goOn(row: SagaRow, { send, derivedId }: WaitingTools): Promise<void> {
  const command_id = derivedId(row.saga_id, 'go-on', String(row.version))
  const outcome = await send('ContinueSaga', { saga_id: row.saga_id }, { command_id })
  if (!outcome.ok) throw new Error(`saga ${row.saga_id}: ${outcome.rejection.message}`)
}

type PaymentStep = Exclude<StepInput, LabelStep>

/**
 * The recorded input is the call, but for the payer's token: that is opened only now. null: it was
 * forgotten with the payer, and without it the provider would be asked for something else.
 */
async function callOf(step: PaymentStep, { events }: WaitingTools): Promise<Call | null> {
  if (step.kind !== 'authorize') return step
  const { has_token, ...call } = step
  if (!has_token) return { ...call, token: null }
  const [requested] = await events([streamOf('payment', step.payment_id)], 1)
  if (requested === undefined) throw new Error(`payment ${step.payment_id} has no events`)
  const { token } = requested.data as { readonly token: string | null }
  return token === null ? null : { ...call, token }
}

type CallContext = Parameters<typeof callProvider>[2]

/** Asked on a first try too: whoever tried before may have stopped before it said so. */
async function settledOrDeclined(provider: PaymentProvider, context: CallContext) {
  const known = await callProvider(provider, { kind: 'settle' }, context)
  if (known.status !== 'absent') return known
  return { status: 'declined' as const, reason: 'the payer was forgotten' }
}

type LabelStep = Extract<StepInput, { kind: 'label' | 'settle_label' | 'cancel_label' }>

async function callCarrier(
  row: SagaRow,
  tools: WaitingTools,
  { carrier, timeoutMs }: Outside,
  step: LabelStep,
  operation_id: string,
): Promise<void> {
  const { subject_id: order_id, attempts } = row
  const asked = (answer: ReturnType<Carrier['find']>) => within(answer, timeoutMs)
  const isKnown = attempts > 0 || step.kind === 'settle_label'
  const earlier = isKnown ? await asked(carrier.find(operation_id)) : null
  const answer =
    earlier !== null && (earlier.status !== 'absent' || step.kind === 'settle_label')
      ? earlier
      : await asked(callFor(carrier, step, operation_id, order_id, tools))
  const input = { order_id, payment_id: step.payment_id, operation_id, ...answer }
  const { send, derivedId } = tools
  const command_id = derivedId(operation_id, String(attempts), JSON.stringify(answer))
  const outcome = await send('RecordLabelOutcome', input, { command_id })
  if (!outcome.ok) throw new Error(`the outcome of ${operation_id}: ${outcome.rejection.message}`)
}

function callFor(
  carrier: Carrier,
  step: LabelStep,
  operation_id: string,
  order_id: string,
  tools: WaitingTools,
): Promise<CarrierAnswer> {
  const shipment_id = order_id
  if (step.kind === 'cancel_label') {
    const { tracking_number } = step
    return carrier.cancelLabel({ operation_id, shipment_id, tracking_number })
  }
  if (step.kind !== 'label') throw new Error(`${step.kind} only asks`)
  return carrier.createLabel({
    operation_id,
    shipment_id,
    order_id,
    store_id: step.store_id,
    address: () => addressOf(order_id, tools),
  })
}

/** The newest address in the order's events; null when there is none, or when it was forgotten. */
export async function addressOf(
  orderId: string,
  { events }: WaitingTools,
): Promise<Readonly<Record<string, unknown>> | null> {
  const recorded = await events([streamOf('order', orderId)], EVENTS_MAX)
  type Addressed = { readonly shipping_address?: Readonly<Record<string, unknown>> | null }
  const addresses = recorded
    .map(({ data }) => (data as Addressed).shipping_address)
    .filter((address) => address !== undefined)
  return addresses.at(-1) ?? null
}
const EVENTS_MAX = 1_000
