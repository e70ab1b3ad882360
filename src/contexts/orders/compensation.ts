// The way back: what a cancelled order's saga has done is undone, last first. What needs nobody is
// done in the same append; the first step that needs a provider is recorded as an intent, and the
// rest waits for its outcome. Nothing is skipped and nothing is tried that the log does not ask
// for.
import { releaseLines, reservation, reservationRefs } from '#contexts/inventory/public.ts'
import { capturable, refundable, requested } from '#contexts/payments/public.ts'
import { totalsOf } from '#contexts/pricing/public.ts'
import { labelOperationId } from '#contexts/shipping/public.ts'
import { type Asked, ask, type Rejected } from '#kernel/decider.ts'
import { currentStep, nextAttemptAt, stepStatus, stepsToUndo } from '#kernel/saga.ts'
import { AUTHORIZE, CONFIRM, LABEL, RESERVE, type StepInput } from './fulfilment.ts'
import { countedIn } from './order.ts'
import { type OrderBook, orderOf, paymentOf, sagaOf } from './order-book.ts'
import type { CancelCause } from './order-events.ts'
import { remaining } from './order-line.ts'
import { lapse, noteOwedElsewhere } from './order-money.ts'
import { giveUpParcel, parcelDraft, parcelRefs } from './parcels.ts'

export type Cancelling = {
  readonly cause: CancelCause
  /** In somebody's words; the cause otherwise. */
  readonly reason?: string
  readonly as?: 'released' | 'expired'
}

/** What a decision still lacks, or why it cannot be; null when all is drafted. */
type Trouble = Asked | Rejected | null

/** The order is cancelled now; what it cost is given back as fast as others allow. */
export function startCompensation(
  book: OrderBook,
  { cause, reason = cause, as = 'released' }: Cancelling,
): Trouble {
  const { order, saga, order_id, moment, given } = book
  const state = orderOf(book)
  const lacking = given.lacking(parcelRefs(state, order_id))
  if (lacking.length > 0) return ask(lacking)
  for (const { shipment_id } of state.parcels) {
    const parcel = parcelDraft(given, shipment_id, moment.now)
    giveUpParcel(parcel, book, 'order_cancelled')
    book.beside.push(parcel.write())
  }
  saga.emit('SagaCompensationStarted', {
    saga_id: order_id,
    reason: cause,
    by: moment.user_id ?? null,
  })
  const left = remaining(state.lines)
  const { amount_minor: total_amount_minor, ...taxed } = totalsOf(left)
  order.emit('OrderCancelled', {
    order_id,
    reason,
    cause,
    cancelled_at: moment.now,
    was_confirmed: state.status === 'CONFIRMED',
    ...countedIn(state),
    user_id: state.user_id,
    total_amount_minor,
    ...taxed,
    lines: left,
  })
  return unwind(book, as)
}

/** A saga on its way back may have waited for what was just told. */
export const undoRest = (book: OrderBook): Trouble =>
  sagaOf(book).status === 'COMPENSATING' ? unwind(book) : null

type Undone = 'done' | 'under way' | 'by hand'

/** Goes on undoing from wherever it stands. */
export function unwind(book: OrderBook, as: 'released' | 'expired' = 'released'): Trouble {
  const { saga, order_id } = book
  let isLeft = false
  for (const step of stepsToUndo(sagaOf(book))) {
    if (step === RESERVE) {
      const trouble = release(book, as)
      if (trouble !== null) return trouble
    }
    const undone = undo(book, step)
    if (undone === 'under way') return null
    if (undone === 'by hand') {
      leaveToPerson(book, step)
      isLeft = true
    } else saga.emit('SagaStepCompensated', { saga_id: order_id, step })
  }
  saga.emit('SagaFailed', {
    saga_id: order_id,
    outcome: isLeft ? 'needs_attention' : 'compensated',
    reason: sagaOf(book).reason ?? 'cancelled',
  })
  return null
}

function undo(book: OrderBook, step: string): Undone {
  if (step === LABEL) return undoLabel(book)
  if (step === AUTHORIZE) return undoPayment(book)
  // The order was cancelled and the stock released in this append.
  if (step === CONFIRM || step === RESERVE) return 'done'
  throw new Error(`nobody knows how to undo ${step}`)
}

/** Money that was taken elsewhere can only be given back there. */
function leaveToPerson({ saga, order_id }: OrderBook, step: string): void {
  saga.emit('SagaStepFailed', {
    saga_id: order_id,
    step,
    compensation: true,
    attempt: 1,
    error: 'the payment was taken elsewhere; it has to be given back there',
    next_attempt_at: null,
    needs_attention: true,
  })
}

export function release(book: OrderBook, as: 'released' | 'expired'): Trouble {
  const { given, order_id, beside } = book
  const held = given.lacking([reservation.at(order_id)])
  if (held.length > 0) return ask(held)
  const items = given.lacking(reservationRefs(given, order_id))
  if (items.length > 0) return ask(items)
  const released = releaseLines(given, order_id, 'order_cancelled', as)
  if ('rejected' in released) return released
  beside.push(...released.writes)
  return null
}

function undoLabel(book: OrderBook): Undone {
  const { shipment, order_id, payment } = book
  const state = shipment.state()
  if (state === null || state.status === 'CANCELLED') return 'done'
  const payment_id = payment?.id ?? null
  if (state.pending?.kind === 'label')
    return intend(book, LABEL, state.pending.operation_id, { kind: 'settle_label', payment_id })
  if (state.pending?.kind === 'cancel') return 'under way'
  const shipment_id = shipment.id
  if (state.status === 'PENDING') {
    shipment.emit('ShipmentCancelled', { shipment_id, order_id, reason: 'order_cancelled' })
    return 'done'
  }
  const operation_id = labelOperationId(shipment_id, 'cancel', state.operations + 1)
  const { tracking_number } = state
  if (tracking_number === null) throw new Error(`shipment ${shipment_id} has no tracking number`)
  shipment.emit('ShipmentCancelRequested', { shipment_id, order_id, operation_id })
  return intend(book, LABEL, operation_id, { kind: 'cancel_label', payment_id, tracking_number })
}

function undoPayment(book: OrderBook): Undone {
  const { payment } = book
  const state = paymentOf(book)
  if (payment === null || state === null) return 'done'
  const payment_id = payment.id
  const { pending, reference, currency } = state
  if (pending?.kind === 'authorize')
    return intend(book, AUTHORIZE, pending.operation_id, { kind: 'settle', payment_id })
  if (pending?.driver === 'saga') return 'under way'
  if (pending?.driver === 'payment') return waitForPayment(book)
  const amount = refundable(state)
  if (amount > 0 && state.is_external) {
    noteOwedElsewhere(book)
    return 'by hand'
  }
  const kind = amount > 0 ? 'refund' : 'void'
  const amount_minor = amount > 0 ? amount : capturable(state)
  // Refunded in full: what was never captured cannot be voided any more, and lapses.
  if (amount_minor <= 0 || state.captured_minor > 0 !== amount > 0) {
    lapse(payment, 'the order was cancelled')
    return 'done'
  }
  if (reference === null) throw new Error(`payment ${payment_id} has no authorization to ${kind}`)
  payment.add(requested(payment_id, state, kind, { driver: 'saga', amount_minor }))
  const operation = paymentOf(book)?.pending?.operation_id ?? ''
  const call = { kind, reference, amount_minor, currency } as const
  return intend(book, AUTHORIZE, operation, { ...call, payment_id })
}

/** Recorded before the call; due at once, or later when an earlier try was refused. */
function intend(
  { saga, order_id, moment, ...book }: OrderBook,
  step: string,
  operation_id: string,
  input: StepInput,
): Undone {
  const state = sagaOf({ saga, order_id, moment, ...book })
  const isAgain = stepStatus(state, step) === 'COMPENSATING' && currentStep(state) === step
  const isIntended = isAgain && state.operation_id === operation_id
  if (isIntended) return 'under way'
  const attempts = isAgain ? state.attempts : 0
  saga.emit('SagaStepStarted', {
    saga_id: order_id,
    step,
    compensation: true,
    operation_id,
    input,
    attempts,
    next_attempt_at: attempts === 0 ? moment.now : nextAttemptAt(moment, attempts),
  })
  return 'under way'
}

/**
 * Somebody asked for a capture or a refund that is not settled yet; what comes of it, is undone
 * then.
 */
function waitForPayment({ saga, order_id, moment, ...book }: OrderBook): Undone {
  const state = sagaOf({ saga, order_id, moment, ...book })
  const isWaiting =
    stepStatus(state, AUTHORIZE) === 'COMPENSATING' && state.waiting_for === PAYMENT_OPERATION
  if (isWaiting) return 'under way'
  saga.emit('SagaStepStarted', {
    saga_id: order_id,
    step: AUTHORIZE,
    compensation: true,
    operation_id: null,
    waiting_for: PAYMENT_OPERATION,
    next_attempt_at: nextAttemptAt(moment, 1),
  })
  return 'under way'
}
export const PAYMENT_OPERATION = 'payment_operation'
