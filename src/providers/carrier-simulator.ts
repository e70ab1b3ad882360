// A carrier that carries nothing: the built-in one. It keeps a book of its own, each label once, so
// that a test can compare it with the shop's. It forgets when the process ends, like the payment
// simulator.
import { LRUCache } from 'lru-cache'
import type { Carrier, CarrierAnswer } from '#contexts/shipping/carrier.ts'
import {
  ARRIVING,
  arrivals,
  type Fault,
  type FiredFault,
  faultScript,
  played,
} from './fault-script.ts'

export type CarrierSimulator = Carrier & {
  /** Labels that are neither refused nor cancelled, by tracking number. */
  labels(): ReadonlyMap<string, Label>
  play(faults: readonly Fault[]): void
  fired(): readonly FiredFault[]
}
export type Label = { readonly shipment_id: string; readonly order_id: string }
type Options = { readonly faults?: readonly Fault[]; readonly rememberMax?: number }

const REMEMBER_MAX = 100_000
const NAME = 'simulated carrier'

export function openCarrier(options: Options = {}): CarrierSimulator {
  const { faults = [], rememberMax = REMEMBER_MAX } = options
  const operations = new LRUCache<string, CarrierAnswer>({ max: rememberMax })
  const labels = new LRUCache<string, Label>({ max: rememberMax })
  const script = faultScript()
  script.play(faults)
  const arriving = arrivals()

  /** Once, however often it is asked for. */
  const once = (operationId: string, carryOut: () => CarrierAnswer): CarrierAnswer => {
    const known = operations.get(operationId)
    if (known !== undefined) return known
    const answer = carryOut()
    operations.set(operationId, answer)
    return answer
  }

  return {
    name: NAME,
    createLabel: ({ operation_id, shipment_id, order_id }) =>
      arriving.during(operation_id, () =>
        played(script.next({ on: 'label' }), (isDeclined) =>
          once(operation_id, () => {
            if (isDeclined) return REFUSED
            // Made of the operation, so that it is the same after the simulator forgot.
            const tracking_number = `SIM-${operation_id}`
            labels.set(tracking_number, { shipment_id, order_id })
            return { status: 'succeeded', tracking_number, carrier: NAME }
          }),
        ),
      ),
    cancelLabel: ({ operation_id, tracking_number }) =>
      arriving.during(operation_id, () =>
        played(script.next({ on: 'cancel_label' }), (isDeclined) =>
          once(operation_id, () => {
            if (isDeclined) return REFUSED
            labels.delete(tracking_number)
            return { status: 'succeeded', tracking_number, carrier: NAME }
          }),
        ),
      ),
    find: (operationId) =>
      played(script.next({ on: 'find' }), () => {
        const known = operations.get(operationId)
        if (known !== undefined) return known
        return arriving.has(operationId) ? ARRIVING : ({ status: 'absent' } as const)
      }),
    labels: () => new Map(labels.entries()),
    play: script.play,
    fired: script.fired,
  }
}

const REFUSED: CarrierAnswer = { status: 'declined', reason: 'refused by the simulated carrier' }
