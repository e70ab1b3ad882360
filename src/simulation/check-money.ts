// The shop's book of payments and parcels against those of the provider and the carrier, which know
// what was really charged and really printed.
import type { Recorded } from '#kernel/message.ts'
import type { LedgerEntry } from '#providers/payment-simulator.ts'
import { orderStatus } from './check-sagas.ts'
import type { World } from './world.ts'

type Data = {
  readonly order_id: string
  readonly payment_id: string
  readonly operation_id: string
  readonly amount_minor: number
  readonly currency: string
}
const KINDS: Readonly<
  Record<string, readonly [kind: LedgerEntry['kind'], what: 'asked' | 'done']>
> = {
  PaymentAuthorizationRequested: ['authorize', 'asked'],
  PaymentCaptureRequested: ['capture', 'asked'],
  PaymentVoidRequested: ['void', 'asked'],
  PaymentRefundRequested: ['refund', 'asked'],
  PaymentAuthorized: ['authorize', 'done'],
  PaymentCaptured: ['capture', 'done'],
  PaymentVoided: ['void', 'done'],
  PaymentRefunded: ['refund', 'done'],
}
/** What the log says of one operation. */
type Operation = Data & { readonly kind: string; isDone: boolean; hasFailed: boolean }

export async function checkMoney(
  { stores }: World,
  events: readonly Recorded[],
): Promise<readonly string[]> {
  const ledger = await stores.provider.ledger()
  const operations = operationsOf(events)
  const problems = [
    ...ledger.flatMap((entry) => entryProblems(entry, operations.get(entry.operation_id))),
    ...balanceProblems(ledger),
  ]
  const entries = new Map(ledger.map((entry) => [entry.operation_id, entry]))
  for (const [id, { isDone, hasFailed }] of operations) {
    const status = entries.get(id)?.answer.status
    if (isDone && status !== 'succeeded')
      problems.push(`the shop says that ${id} was carried out; the provider says ${status}`)
    if (hasFailed && status === 'succeeded')
      problems.push(`the shop says that ${id} failed; the provider carried it out`)
  }
  const labels = [...(await stores.carrier.labels()).values()]
  return [...problems, ...orderProblems(events, ledger, labels)]
}

function operationsOf(events: readonly Recorded[]) {
  const operations = new Map<string, Operation>()
  for (const event of events) {
    const data = event.data as Data
    const [kind, what] = KINDS[event.event_type] ?? []
    if (kind !== undefined && what === 'asked')
      operations.set(data.operation_id, { ...data, kind, isDone: false, hasFailed: false })
    const known = operations.get(data.operation_id)
    if (known === undefined) continue
    if (what === 'done') known.isDone = true
    if (event.event_type === 'PaymentFailed') known.hasFailed = true
  }
  return operations
}

function entryProblems(entry: LedgerEntry, asked: Operation | undefined): readonly string[] {
  const { operation_id, kind, amount_minor, currency, answer } = entry
  const what = `${kind} of ${amount_minor} ${currency} as ${operation_id}`
  if (asked === undefined) return [`the provider has ${what}, which the shop never meant`]
  if (asked.kind !== kind || asked.amount_minor !== amount_minor || asked.currency !== currency)
    return [`the provider has ${what}, and the shop meant ${asked.kind} of ${asked.amount_minor}`]
  const isOpen = !asked.isDone && !asked.hasFailed
  return answer.status === 'succeeded' && isOpen ? [`the shop never heard of ${what}`] : []
}

type Balance = { authorize: number; capture: number; void: number; refund: number }

function balancesOf(ledger: readonly LedgerEntry[]): ReadonlyMap<string, Balance> {
  const balances = new Map<string, Balance>()
  for (const { authorization, kind, amount_minor, answer } of ledger) {
    const zero = { authorize: 0, capture: 0, void: 0, refund: 0 }
    const balance = balances.get(authorization) ?? zero
    balances.set(authorization, balance)
    if (answer.status === 'succeeded') balance[kind] += amount_minor
  }
  return balances
}

const balanceProblems = (ledger: readonly LedgerEntry[]): readonly string[] =>
  [...balancesOf(ledger)].flatMap(([id, { authorize, capture, refund }]) => [
    ...(refund > capture ? [`${id}: ${refund} given back of ${capture} taken`] : []),
    ...(capture > authorize ? [`${id}: ${capture} taken of ${authorize} set aside`] : []),
  ])

/** A cancelled order keeps neither money nor label; one that goes on has one label. */
function orderProblems(
  events: readonly Recorded[],
  ledger: readonly LedgerEntry[],
  labels: readonly { readonly order_id: string; readonly shipment_id: string }[],
): readonly string[] {
  const problems: string[] = []
  const balances = balancesOf(ledger)
  const payments = new Map<string, Set<string>>()
  const lives = new Map<string, Recorded[]>()
  const ended = new Map<string, string>()
  const unneeded = new Set<string>()
  for (const event of events) {
    const { order_id, operation_id } = event.data as Data
    if (event.aggregate_type === 'order')
      lives.set(event.aggregate_id, [...(lives.get(event.aggregate_id) ?? []), event])
    if (event.event_type === 'PaymentAuthorizationRequested')
      payments.set(order_id, (payments.get(order_id) ?? new Set()).add(operation_id))
    if (event.event_type === 'ShipmentCancelled') unneeded.add(event.aggregate_id)
    if (event.aggregate_type === 'saga') ended.set(event.aggregate_id, endOf(event))
  }
  for (const [order_id, life] of lives) {
    // Parcels of their own have labels of their own.
    const printed = labels.filter(({ shipment_id }) => shipment_id === order_id).length
    const end = ended.get(order_id)
    // All of it left in other parcels: the first label was given up.
    const wanted = end === 'SagaCompleted' && !unneeded.has(order_id) ? 1 : 0
    if ((end === 'compensated' || end === 'SagaCompleted') && printed !== wanted)
      problems.push(`order ${order_id} is ${orderStatus(life)} and has ${printed} labels`)
    if (printed > 1) problems.push(`order ${order_id} has ${printed} labels`)
    if (end !== 'compensated') continue
    for (const id of payments.get(order_id) ?? []) {
      const { authorize, capture, refund, void: voided } = balances.get(id) ?? NOTHING
      if (capture !== refund || (authorize > 0 && capture === 0 && voided === 0))
        problems.push(
          `order ${order_id} was undone, and its payer is left with ${authorize} set aside, ` +
            `${voided} let go, ${capture} taken, ${refund} given back`,
        )
    }
  }
  return problems
}
const NOTHING: Balance = { authorize: 0, capture: 0, void: 0, refund: 0 }
const endOf = ({ event_type, data }: Recorded): string =>
  event_type === 'SagaFailed' ? String((data as { outcome: string }).outcome) : event_type
