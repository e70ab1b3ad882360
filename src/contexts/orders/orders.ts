// The context of orders: the list of what it has. It also carries the orders' sagas out.
import { CALL_TIMEOUT_MS, type PaymentProvider } from '#contexts/payments/public.ts'
import type { Carrier } from '#contexts/shipping/public.ts'
import type { Context } from '#kernel/context.ts'
import { saga } from '#kernel/saga.ts'
import { sagaInstances, sagaSteps } from '#kernel/saga-instances.ts'
import { cancelOrderLines } from './cancel-lines.ts'
import { cancelOrder, expireOrder } from './cancel-order.ts'
import { confirmOrder, updateOrder } from './change-order.ts'
import { createOrder } from './create-order.ts'
import { customerOrderSummary } from './customer-order-summary.ts'
import { deliverOrder, markDelivered } from './deliver-order.ts'
import { SAGA_TYPE } from './fulfilment.ts'
import { fulfilmentAct } from './fulfilment-acts.ts'
import { recordLabelOutcome } from './label-outcome.ts'
import { order } from './order.ts'
import { orderPayments } from './order-payments.ts'
import {
  getCustomerOrderSummary,
  getOrder,
  getOrderById,
  getOrderPayments,
  getOrdersByCustomer,
  getOrdersByStatus,
  getUserOrders,
  listOrders,
} from './order-queries.ts'
import { orderViews } from './order-views.ts'
import { authorizePayment, confirmPayment, processPayment } from './pay-order.ts'
import { capturePayment, refundPayment } from './payment-by-hand.ts'
import { recordPaymentOutcome } from './payment-outcome.ts'
import { recordProviderEvent } from './provider-notices.ts'
import { compensateSaga, continueSaga, resolveSaga, retrySaga } from './saga-commands.ts'
import { getOrderSaga, getSaga, listSagas } from './saga-queries.ts'
import { markShipped, shipOrder } from './ship-order.ts'
import { shipmentOperations } from './shipment-acts.ts'
import { cancelShipment, createShipment, createShippingLabel } from './shipment-commands.ts'
import { recordShipmentOutcome } from './shipment-outcome.ts'

export const orders = ({
  provider,
  carrier,
  timeoutMs = CALL_TIMEOUT_MS,
}: {
  readonly provider: PaymentProvider
  readonly carrier: Carrier
  /** After this long without an answer a call's outcome counts as unknown. */
  readonly timeoutMs?: number
}): Context => ({
  name: 'orders',
  aggregates: [order, saga],
  commands: [
    createOrder(provider.name),
    updateOrder,
    confirmOrder,
    cancelOrder,
    cancelOrderLines,
    expireOrder,
    processPayment(provider.name),
    authorizePayment(provider.name),
    confirmPayment,
    capturePayment,
    refundPayment,
    recordPaymentOutcome,
    recordProviderEvent(provider),
    recordLabelOutcome,
    shipOrder,
    markShipped,
    deliverOrder,
    markDelivered,
    createShipment,
    createShippingLabel,
    cancelShipment,
    recordShipmentOutcome,
    continueSaga,
    retrySaga,
    compensateSaga,
    resolveSaga,
  ],
  projections: [orderViews, customerOrderSummary, orderPayments, sagaInstances],
  queries: [
    getOrder,
    getOrderById,
    listOrders,
    getOrdersByCustomer,
    getUserOrders,
    getOrdersByStatus,
    getOrderPayments,
    getOrderSaga,
    getCustomerOrderSummary,
    getSaga,
    listSagas,
  ],
  waiting: [
    sagaSteps({ [SAGA_TYPE]: fulfilmentAct({ provider, carrier, timeoutMs }) }),
    shipmentOperations({ carrier, timeoutMs }),
  ],
})
