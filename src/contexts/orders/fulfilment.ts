// The way of an order forward, as a saga of four steps. Each step's intent is recorded in the
// append that ends the step before; after the last one things only go forward: capture, ship.
// ReserveInventory → AuthorizePayment → CreateShippingLabel → ConfirmOrder Undone in reverse:
// CancelOrder, CancelShipment, VoidAuthorization, ReleaseInventory.
import {
  type Call,
  type CaptureMoment,
  operationId,
  type PaymentState,
} from '#contexts/payments/public.ts'
import { labelOperationId } from '#contexts/shipping/public.ts'
import type { Moment } from '#kernel/decider.ts'
import { later } from '#kernel/instants.ts'
import { numberIn, stepStatus } from '#kernel/saga.ts'
import { type OrderBook, orderOf, type PaymentDraft, sagaOf } from './order-book.ts'
import { payerOf } from './order-events.ts'
import { settleMoney } from './order-money.ts'

export const SAGA_TYPE = 'CreateOrder'
export const RESERVE = 'ReserveInventory'
export const AUTHORIZE = 'AuthorizePayment'
export const LABEL = 'CreateShippingLabel'
export const CONFIRM = 'ConfirmOrder'
export const STEPS = [RESERVE, AUTHORIZE, LABEL, CONFIRM]
/** What the saga waits for while the order is not paid. */
export const FOR_PAYMENT = 'payment'

const DEADLINE_MS = 24 * 60 * 60 * 1_000

type Authorize = Extract<Call, { readonly kind: 'authorize' }>

/** What the saga's row has to know to carry a step out. */
export type StepInput =
  | (Exclude<Call, Authorize> & { readonly payment_id: string })
  /** The payer's token is not among it: it stays sealed in the payment's event. */
  | (Omit<Authorize, 'token'> & { readonly has_token: boolean })
  | { readonly kind: 'label'; readonly payment_id: string | null; readonly store_id: string }
  | {
      readonly kind: 'cancel_label'
      readonly payment_id: string | null
      readonly tracking_number: string
    }
  /** Only asks: the label must not be made any more. */
  | { readonly kind: 'settle_label'; readonly payment_id: string | null }

/** The order and its reservation are in the same append: the first step is done. */
export function beginSaga({
  saga,
  order_id,
  moment,
}: Pick<OrderBook, 'saga' | 'order_id' | 'moment'>) {
  const deadline = numberIn(moment.settings['saga.deadline_ms'], DEADLINE_MS)
  saga.emit('SagaStarted', {
    saga_id: order_id,
    saga_type: SAGA_TYPE,
    subject_id: order_id,
    steps: STEPS,
    deadline_at: later(moment.now, deadline),
  })
  saga.emit('SagaStepSucceeded', { saga_id: order_id, step: RESERVE })
}

/** Nobody has paid yet: the customer's move, until the reservation's time is over. */
export function awaitPayment({ saga, order_id }: OrderBook, until: string): void {
  saga.emit('SagaStepStarted', {
    saga_id: order_id,
    step: AUTHORIZE,
    operation_id: null,
    waiting_for: FOR_PAYMENT,
    next_attempt_at: null,
    deadline_at: until,
  })
}

export type Paying = {
  readonly payment_method: string
  readonly token: string | null
  readonly provider: string
  readonly capture_on: CaptureMoment
}

/** The intent to set the whole amount aside, on a payment of its own. */
export function requestAuthorization(
  { saga, order_id, moment, ...book }: OrderBook,
  payment: PaymentDraft,
  { payment_method, token, provider, capture_on }: Paying,
): void {
  const payment_id = payment.id
  const paid = orderOf({ saga, order_id, moment, ...book })
  const { total_amount_minor: amount_minor, currency } = paid
  const operation_id = operationId(payment_id, 'authorize', 1)
  const what = { payment_id, amount_minor, currency, payment_method }
  payment.emit('PaymentAuthorizationRequested', {
    ...what,
    token,
    payer_id: payerOf({ ...paid, order_id }),
    order_id,
    operation_id,
    provider,
    capture_on,
  })
  const input: StepInput = { kind: 'authorize', ...what, has_token: token !== null }
  saga.emit('SagaStepStarted', {
    saga_id: order_id,
    step: AUTHORIZE,
    operation_id,
    input,
    next_attempt_at: moment.now,
    deadline_at: later(moment.now, numberIn(moment.settings['saga.deadline_ms'], DEADLINE_MS)),
  })
}

/** The money is set aside (or there is none to pay): now the parcel. */
export function requestLabel(book: OrderBook): void {
  const { saga, shipment, order_id, moment, payment } = book
  saga.emit('SagaStepSucceeded', { saga_id: order_id, step: AUTHORIZE })
  const { store_id } = orderOf(book)
  const shipment_id = shipment.id
  const operation_id = labelOperationId(shipment_id, 'label', 1)
  shipment.emit('ShipmentCreated', { shipment_id, order_id, store_id })
  shipment.emit('ShippingLabelRequested', { shipment_id, order_id, operation_id })
  const input: StepInput = { kind: 'label', payment_id: payment?.id ?? null, store_id }
  saga.emit('SagaStepStarted', {
    saga_id: order_id,
    step: LABEL,
    operation_id,
    input,
    next_attempt_at: moment.now,
  })
}

/** Whether the order is paid for, as far as it has to be before it is confirmed. */
export const isCovered = (payment: PaymentState | null, totalMinor: number): boolean =>
  totalMinor === 0 ||
  (payment !== null &&
    !payment.is_voided &&
    payment.pending?.kind !== 'void' &&
    payment.pending?.kind !== 'refund' &&
    payment.authorized_minor - payment.refunded_minor >= totalMinor)

/** The label is there: the order is confirmed, and the money is asked for when that is the time. */
export function confirm(book: OrderBook): void {
  const { saga, order, order_id, moment } = book
  saga.emit('SagaStepSucceeded', { saga_id: order_id, step: LABEL })
  order.emit('OrderConfirmed', { order_id, confirmed_at: moment.now })
  saga.emit('SagaStepSucceeded', { saga_id: order_id, step: CONFIRM })
  saga.emit('SagaCompleted', { saga_id: order_id, outcome: 'completed' })
  settleMoney(book)
}

/** Whether the saga stands at this step, going forward. */
export const runs = (book: OrderBook, step: string): boolean => {
  const state = sagaOf(book)
  return state.status === 'RUNNING' && stepStatus(state, step) === 'RUNNING'
}

export const captureMoment = (
  { settings }: Pick<Moment, 'settings'>,
  capture?: boolean,
): CaptureMoment => {
  if (capture !== undefined) return capture ? 'confirm' : 'manual'
  const setting = settings['payments.capture_on']
  return setting === 'ship' || setting === 'manual' ? setting : 'confirm'
}
