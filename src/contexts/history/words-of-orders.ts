// Orders, their sagas, payments, parcels and returns, in words.
import { order } from '#contexts/orders/public.ts'
import { payment } from '#contexts/payments/public.ts'
import { returned } from '#contexts/returns/public.ts'
import { shipment } from '#contexts/shipping/public.ts'
import { saga } from '#kernel/saga.ts'
import { because, count, fieldsOf, type Words, wordsFor } from './words.ts'

const orderWords: Words = wordsFor(order, {
  OrderCreated: ({ order_number, lines, total_amount_minor }, { money }) =>
    `Order ${order_number} placed: ${count(lines, 'line')}, ${money(total_amount_minor)}`,
  OrderUpdated: (data) => `Changed: ${fieldsOf(data, ['order_id', 'customer_id', 'user_id'])}`,
  OrderConfirmed: () => 'Order confirmed',
  PaymentProcessed: ({ amount_minor, payment_method }, { money }) =>
    `${money(amount_minor)} paid by ${payment_method.replaceAll('_', ' ')}`,
  OrderLinesCancelled: ({ lines, amount_minor, reason }, { money }) =>
    `${count(lines, 'line')} of ${money(amount_minor)} cancelled${because(reason)}`,
  OrderShipmentPlanned: ({ lines }) => `A parcel of its own planned for ${count(lines, 'line')}`,
  OrderShipmentDropped: () => 'A planned parcel dropped: its lines wait for another',
  OrderPartiallyShipped: ({ carrier, tracking_number, lines }) =>
    `${count(lines, 'line')} shipped with ${carrier}, ${tracking_number}`,
  OrderReturnChanged: ({ change, lines, amount_minor }, { money }) =>
    change === 'requested'
      ? `A return of ${count(lines, 'line')} asked for`
      : change === 'received'
        ? `${count(lines, 'line')} of ${money(amount_minor)} came back`
        : 'A return closed',
  OrderRefundGranted: ({ lines, amount_minor, reason }, { money }) =>
    `${money(amount_minor)} for ${count(lines, 'returned line')} to be paid back${because(reason)}`,
  OrderShipped: ({ carrier, tracking_number }) => `Shipped with ${carrier}, ${tracking_number}`,
  OrderDelivered: () => 'Delivered',
  OrderCancelled: ({ reason }) => `Cancelled${because(reason)}`,
})

/** `AuthorizePayment` as it is said. */
const spoken = (step: string) => step.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
const undoing = (compensation: boolean | undefined) => (compensation === true ? 'undoing ' : '')

const sagaWords: Words = wordsFor(saga, {
  SagaStarted: ({ steps }) => `Fulfilment began: ${steps.map(spoken).join(', ')}`,
  SagaStepStarted: ({ step, compensation, waiting_for }) =>
    waiting_for === undefined
      ? `Began ${undoing(compensation)}${spoken(step)}`
      : `${spoken(step)} waits for the ${waiting_for.replaceAll('_', ' ')}`,
  SagaStepSucceeded: ({ step }) => `${spoken(step)} done`,
  SagaStepFailed: ({ step, compensation, attempt, error, next_attempt_at }) =>
    `Try ${attempt} of ${undoing(compensation)}${spoken(step)} failed${because(error)}` +
    (next_attempt_at === null ? '' : `; again at ${next_attempt_at}`),
  SagaCompensationStarted: ({ reason }) => `Taken back${because(reason)}`,
  SagaStepCompensated: ({ step, note }) => `${spoken(step)} undone${because(note)}`,
  SagaCompleted: () => 'Fulfilment complete',
  SagaFailed: ({ outcome, reason }) =>
    outcome === 'needs_attention'
      ? `A person has to look at it${because(reason)}`
      : `Everything taken back${because(reason)}`,
  SagaResolved: ({ reason }) => `Dealt with by a person${because(reason)}`,
})

const paymentWords: Words = wordsFor(payment, {
  PaymentAuthorizationRequested: ({ amount_minor, payment_method }, { money }) =>
    `Asked to authorize ${money(amount_minor)} by ${payment_method.replaceAll('_', ' ')}`,
  PaymentAuthorized: ({ amount_minor }, { money }) => `${money(amount_minor)} authorized`,
  PaymentCaptureRequested: ({ amount_minor, reason }, { money }) =>
    `Asked to capture ${money(amount_minor)}${because(reason)}`,
  PaymentCaptured: ({ amount_minor }, { money }) => `${money(amount_minor)} captured`,
  PaymentVoidRequested: ({ amount_minor, reason }, { money }) =>
    `Asked to void ${money(amount_minor)}${because(reason)}`,
  PaymentVoided: ({ amount_minor }, { money }) => `Authorization of ${money(amount_minor)} void`,
  PaymentRefundRequested: ({ amount_minor, reason }, { money }) =>
    `Asked to refund ${money(amount_minor)}${because(reason)}`,
  PaymentRefunded: ({ amount_minor, reason }, { money }) =>
    `${money(amount_minor)} refunded${because(reason)}`,
  PaymentRefundOwed: ({ amount_minor, reason }, { money }) =>
    `${money(amount_minor)} to be given back where it was taken${because(reason)}`,
  PaymentAuthorizationLapsed: ({ amount_minor, reason }, { money }) =>
    `${money(amount_minor)} of the authorization left to lapse${because(reason)}`,
  PaymentFailed: ({ operation, amount_minor, reason }, { money }) =>
    `The provider refused to ${operation} ${money(amount_minor)}${because(reason)}`,
  PaymentOutcomeUnknown: ({ operation, attempt, next_attempt_at }) =>
    `Nobody knows whether try ${attempt} to ${operation} went through; ` +
    (next_attempt_at === null
      ? 'the provider is not asked again'
      : `asked again at ${next_attempt_at}`),
  PaymentNoticeReceived: () => 'The provider sent a notice',
})

const shipmentWords: Words = wordsFor(shipment, {
  ShipmentCreated: () => 'Parcel planned',
  ShippingLabelRequested: () => 'Asked the carrier for a label',
  ShippingLabelCreated: ({ carrier, tracking_number }) =>
    `Label of ${carrier}, ${tracking_number}, made`,
  ShipmentOperationFailed: ({ operation, reason }) =>
    operation === 'label'
      ? `The carrier made no label${because(reason)}`
      : `The carrier did not cancel the label${because(reason)}`,
  ShipmentOutcomeUnknown: () => 'Nobody knows what the carrier did; it is asked again',
  ShipmentCancelRequested: () => 'Asked the carrier to cancel the label',
  ShipmentCancelled: ({ reason }) => `Parcel cancelled${because(reason)}`,
  ShipmentShipped: ({ carrier, tracking_number }) =>
    `Parcel left with ${carrier}, ${tracking_number}`,
  ShipmentDelivered: () => 'Parcel delivered',
})

const returnWords: Words = wordsFor(returned, {
  ReturnRecorded: ({ reference, lines, total_amount_minor }, { money }) =>
    `Return ${reference} recorded: ${count(lines, 'line')}, ${money(total_amount_minor)}`,
  ReturnRequested: ({ lines, reason }) =>
    `Return of ${count(lines, 'line')} asked for${because(reason)}`,
  ReturnReceived: ({ lines, total_amount_minor, refund_minor }, { money }) =>
    `${count(lines, 'line')} of ${money(total_amount_minor)} came back, ` +
    (refund_minor === 0 ? 'nothing to give back' : `${money(refund_minor)} to give back`),
  ReturnClosed: ({ reason }) => `Return closed${because(reason)}`,
})

export const wordsOfOrders: Words = {
  ...orderWords,
  ...sagaWords,
  ...paymentWords,
  ...shipmentWords,
  ...returnWords,
}
