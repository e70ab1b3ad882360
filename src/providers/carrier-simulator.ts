// A carrier that carries nothing: the built-in one. It keeps a book of its own, each label once, so
// that it can be compared with the shop's.
import type { Carrier, CarrierAnswer } from '#contexts/shipping/carrier.ts'
import type { ProviderBook } from './book.ts'
import { memoryBook } from './books/memory.ts'
import { type Fault, type FiredFault, faultScript, played, type Trouble } from './fault-script.ts'

export type CarrierSimulator = Carrier & {
  /** Labels that are neither refused nor cancelled, by tracking number. */
  labels(): Promise<ReadonlyMap<string, Label>>
  play(faults: readonly Fault[]): void
  fired(): readonly FiredFault[]
}
export type Label = { readonly shipment_id: string; readonly order_id: string }
/** `label`: what was asked for; null: that it be cancelled. */
export type LabelEntry = {
  readonly operation_id: string
  readonly tracking_number: string
  readonly label: Label | null
  readonly answer: CarrierAnswer
}
export type LabelBook = ProviderBook<LabelEntry>
type Options = {
  /** Shared with whoever opens the same one; absent: one in memory, gone with the process. */
  readonly book?: LabelBook
  readonly faults?: readonly Fault[]
  readonly trouble?: Trouble
}

const NAME = 'simulated carrier'

export function openCarrier(options: Options = {}): CarrierSimulator {
  const { book = memoryBook<LabelEntry>(), faults = [], trouble } = options
  const script = faultScript(trouble)
  script.play(faults)

  const once = (
    on: 'label' | 'cancel_label',
    { operation_id, tracking_number, label }: Omit<LabelEntry, 'answer'>,
  ): Promise<CarrierAnswer> =>
    played(script.next({ on }), async (isDeclined, onTheWay) => {
      const done: CarrierAnswer = { status: 'succeeded', tracking_number, carrier: NAME }
      const answer = isDeclined ? REFUSED : done
      const entry = await book.carryOut(
        { operation_id, account: tracking_number },
        () => ({ operation_id, tracking_number, label, answer }),
        onTheWay,
      )
      return entry?.answer ?? null
    })

  return {
    name: NAME,
    createLabel: ({ operation_id, shipment_id, order_id }) => {
      // Made of the operation, so that it is the same after the book was lost.
      const tracking_number = `SIM-${operation_id}`
      return once('label', { operation_id, tracking_number, label: { shipment_id, order_id } })
    },
    cancelLabel: ({ operation_id, tracking_number }) =>
      once('cancel_label', { operation_id, tracking_number, label: null }),
    find: (operationId) =>
      played(
        script.next({ on: 'find' }),
        async () => (await book.find(operationId))?.answer ?? ABSENT,
      ),
    labels: async () => valid(await book.entries()),
    play: script.play,
    fired: script.fired,
  }
}

function valid(entries: readonly LabelEntry[]): ReadonlyMap<string, Label> {
  const labels = new Map<string, Label>()
  for (const { tracking_number, label, answer } of entries) {
    if (answer.status !== 'succeeded') continue
    if (label === null) labels.delete(tracking_number)
    else labels.set(tracking_number, label)
  }
  return labels
}

const ABSENT = { status: 'absent' } as const
const REFUSED: CarrierAnswer = { status: 'declined', reason: 'refused by the simulated carrier' }
