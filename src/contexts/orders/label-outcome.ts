// What the carrier answered, and what follows from it: the shipment, the order and its saga move in
// one append. An answer to anything but the call under way is late, or told twice, and changes
// nothing.
import { type ShipmentState, shipment } from '#contexts/shipping/public.ts'
import {
  type Asked,
  accept,
  command,
  type Decision,
  type Given,
  type Moment,
  type Rejected,
} from '#kernel/decider.ts'
import { awaits, failedTry } from '#kernel/saga.ts'
import { flag, type Infer, id, nullable, object } from '#kernel/schema.ts'
import { beginningOf } from '#kernel/tidied.ts'
import { carrierTold } from './carrier-told.ts'
import { startCompensation, undoRest } from './compensation.ts'
import { confirm, isCovered, LABEL, runs } from './fulfilment.ts'
import {
  bookRefs,
  closeBook,
  type OrderBook,
  openBook,
  orderOf,
  paymentOf,
  sagaOf,
} from './order-book.ts'
import { isOver } from './payment-outcome.ts'

const input = object({ ...carrierTold, payment_id: nullable(id()) })
type Outcome = Infer<typeof input>

export const recordLabelOutcome = command({
  type: 'RecordLabelOutcome',
  input,
  reads: ({ order_id, payment_id }) => [shipment.at(order_id), ...bookRefs(order_id, payment_id)],
  decide: (outcome, given, moment) => decide(outcome, given, moment),
  answer: object({ order_id: id(), has_effect: flag() }),
})

function decide(outcome: Outcome, given: Given, moment: Moment): Decision {
  const { order_id, operation_id } = outcome
  const book = openBook(given, order_id, moment)
  if (!('order' in book)) return book
  const state = book.shipment.state()
  if (state === null || state.pending?.operation_id !== operation_id)
    return accept([], { order_id, has_effect: false })
  const trouble = settle(book, state, state.pending, outcome)
  return trouble ?? closeBook(book, { order_id, has_effect: true })
}

function settle(
  book: OrderBook,
  state: ShipmentState,
  { kind, operation_id }: NonNullable<ShipmentState['pending']>,
  { status, tracking_number, carrier, reason, error }: Outcome,
): Asked | Rejected | null {
  const { shipment, saga, order_id, moment } = book
  const about = { shipment_id: shipment.id, order_id: state.order_id }
  const known = sagaOf(book)
  if (status === 'unknown') {
    if (awaits(known, operation_id))
      saga.add(failedTry(order_id, known, error || 'no answer', moment))
    return isOver(book) ? startCompensation(book, { cause: 'label_timeout' }) : null
  }
  if (status === 'succeeded') {
    if (kind === 'cancel') {
      shipment.emit('ShipmentCancelled', { ...about, reason: 'order_cancelled' })
      return undoRest(book)
    }
    if (tracking_number === undefined || carrier === undefined)
      throw new Error(`${operation_id}: a label without carrier or tracking number`)
    shipment.emit('ShippingLabelCreated', { ...about, operation_id, tracking_number, carrier })
    return labelled(book)
  }
  const why = beginningOf(
    status === 'absent' ? 'not_carried_out' : reason || 'declined',
    REASON_MAX,
  )
  shipment.emit('ShipmentOperationFailed', { ...about, operation_id, operation: kind, reason: why })
  if (kind === 'cancel') {
    // Refused for certain: tried anew, under a new operation, after a pause.
    if (awaits(known, operation_id)) saga.add(failedTry(order_id, known, why, moment))
    return undoRest(book)
  }
  if (!runs(book, LABEL)) return undoRest(book)
  saga.emit('SagaStepFailed', {
    saga_id: order_id,
    step: LABEL,
    attempt: known.attempts + 1,
    error: why,
    next_attempt_at: null,
  })
  shipment.emit('ShipmentCancelled', { ...about, reason: why })
  return startCompensation(book, { cause: 'label_refused' })
}
const REASON_MAX = 500

function labelled(book: OrderBook): Asked | Rejected | null {
  if (!runs(book, LABEL)) return undoRest(book)
  // The authorization may have been voided by hand meanwhile; nothing is sent that nobody pays.
  if (isCovered(paymentOf(book), orderOf(book).total_amount_minor)) {
    confirm(book)
    return null
  }
  return startCompensation(book, { cause: 'payment_voided' })
}
