// What the carrier answered about a shipment that goes by its own row: recorded once, whenever it
// comes and however often it is told.
import { type ShipmentOperation, shipment } from '#contexts/shipping/public.ts'
import { accept, command, type Decision, type Given, type Moment } from '#kernel/decider.ts'
import type { Fact } from '#kernel/message.ts'
import { isAlarming, nextAttemptAt } from '#kernel/saga.ts'
import { flag, type Infer, id, object } from '#kernel/schema.ts'
import { beginningOf } from '#kernel/tidied.ts'
import { carrierTold } from './carrier-told.ts'
import { order } from './order.ts'
import { REASON_MAX } from './order-events.ts'
import { giveUpParcel, parcelDraft } from './parcels.ts'

const input = object({ ...carrierTold, shipment_id: id() })
type Outcome = Infer<typeof input>

export const recordShipmentOutcome = command({
  type: 'RecordShipmentOutcome',
  input,
  reads: ({ shipment_id, order_id }) => [shipment.at(shipment_id), order.seen(order_id)],
  decide,
  answer: object({ shipment_id: id(), has_effect: flag() }),
})

function decide(outcome: Outcome, given: Given, moment: Moment): Decision {
  const { shipment_id, order_id, operation_id } = outcome
  const parcel = parcelDraft(given, shipment_id, moment.now)
  const pending = parcel.state()?.pending ?? null
  if (pending?.operation_id !== operation_id) return accept([], { shipment_id, has_effect: false })
  parcel.add(settled(pending, outcome, moment))
  const { status, parcels } = given.state(order.seen(order_id)) ?? { status: null, parcels: [] }
  // While its label was being made the order was cancelled.
  const isWanted = status !== 'CANCELLED' && parcels.some((one) => one.shipment_id === shipment_id)
  const book = { order_id, moment }
  if (pending.kind === 'label' && !isWanted && shipment_id !== order_id)
    giveUpParcel(parcel, book, 'order_cancelled')
  // Refused for certain: tried anew, under a new operation, after a pause.
  if (pending.kind === 'cancel' && parcel.state()?.status === 'LABEL_CREATED')
    giveUpParcel(parcel, book, 'refused', pending.attempts + 1)
  return accept([parcel.write()], { shipment_id, has_effect: true })
}

function settled(
  { kind, operation_id, attempts }: ShipmentOperation,
  { shipment_id, order_id, status, tracking_number, carrier, reason, error }: Outcome,
  moment: Moment,
): Fact {
  const whose = { shipment_id, order_id }
  const about = { ...whose, operation_id }
  if (status === 'unknown') {
    const attempt = attempts + 1
    return shipment.event('ShipmentOutcomeUnknown', {
      ...about,
      operation: kind,
      attempt,
      error: beginningOf(error || 'no answer', REASON_MAX),
      next_attempt_at: nextAttemptAt(moment, attempt),
      needs_attention: isAlarming(moment, attempt),
    })
  }
  if (status === 'succeeded' && kind === 'cancel')
    return shipment.event('ShipmentCancelled', { ...whose, reason: 'given up' })
  if (status === 'succeeded') {
    if (tracking_number === undefined || carrier === undefined)
      throw new Error(`${operation_id}: a label without carrier or tracking number`)
    return shipment.event('ShippingLabelCreated', { ...about, tracking_number, carrier })
  }
  const why = beginningOf(
    status === 'absent' ? 'not_carried_out' : reason || 'declined',
    REASON_MAX,
  )
  return shipment.event('ShipmentOperationFailed', { ...about, operation: kind, reason: why })
}
