// Questions about orders.
import { address } from '#contexts/shipping/public.ts'
import { inUtc } from '#kernel/instants.ts'
import { listOf } from '#kernel/list-of.ts'
import { asOfFields, between, nowOrThen, pageAnswer, rowAnswer } from '#kernel/listing.ts'
import { query, type Reader } from '#kernel/query.ts'
import {
  flag,
  type Infer,
  id,
  instant,
  integer,
  list,
  money,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '#kernel/schema.ts'
import { customerOrderSummary } from './customer-order-summary.ts'
import { ORDER_STATUSES } from './order.ts'
import { RETURN_STATUSES } from './order-events.ts'
import { lineNow, waitingUnits } from './order-line.ts'
import { orderPayments } from './order-payments.ts'
import { FULFILLMENT_STATUSES, ORDER_PAYMENT_STATUSES, orderViews } from './order-views.ts'

const orderRow = rowAnswer(orderViews.table, {
  shapes: {
    status: oneOf(ORDER_STATUSES),
    payment_status: oneOf(ORDER_PAYMENT_STATUSES),
    fulfillment_status: oneOf(FULFILLMENT_STATUSES),
    return_status: oneOf(RETURN_STATUSES),
    items: list(lineNow),
    backordered: list(waitingUnits),
    shipping_address: address,
    payment_info: object({ payment_method: nullable(text()) }),
  },
})
const get = { method: 'GET', tag: 'orders' } as const

const orderInput = object({ order_id: id(), ...asOfFields })
const oneOrder = (input: Infer<typeof orderInput>, reader: Reader) =>
  nowOrThen(reader, orderViews, input.order_id, input)

export const getOrder = query({
  type: 'GetOrder',
  input: orderInput,
  run: oneOrder,
  answer: nullable(orderRow),
  route: { ...get, path: '/api/v1/orders/:order_id', summary: 'One order, now or as it was' },
})

/** The same question under its other name. */
export const getOrderById = query({
  type: 'GetOrderByID',
  input: orderInput,
  run: oneOrder,
  answer: nullable(orderRow),
})

const placed = { from: optional(instant()), to: optional(instant()) }
const offered = listOf(orderViews, {
  filters: ['order_number', 'status', 'country', 'total_amount_minor', 'placed_at', 'updated_at'],
  sort: ['placed_at', 'order_number', 'total_amount_minor', 'status', 'created_at', 'updated_at'],
  standard: ['-placed_at'],
})

/** What every list of orders takes; the currency is that of amounts that are asked for. */
const listed = { currency: optional(text({ max: 3 })), ...placed, ...offered.fields }

const listInput = object({
  status: optional(oneOf(ORDER_STATUSES)),
  customer_id: optional(id()),
  user_id: optional(id()),
  store_id: optional(id()),
  country: optional(text({ max: 100 })),
  payment_status: optional(oneOf(ORDER_PAYMENT_STATUSES)),
  fulfillment_status: optional(oneOf(FULFILLMENT_STATUSES)),
  is_owed_back: optional(
    flag({ description: 'Whether a person has to give money back where it was taken.' }),
  ),
  order_number: optional(text({ max: 100 })),
  ...listed,
})

function orders(input: Infer<typeof listInput>, reader: Reader) {
  const { status, customer_id, user_id, store_id, country } = input
  const { payment_status, fulfillment_status, order_number, currency, from, to } = input
  const { is_owed_back } = input
  const owed_back_minor = is_owed_back === undefined ? undefined : is_owed_back ? { gt: 0 } : 0
  const whose = { customer_id, user_id, store_id, country, order_number, currency }
  const stands = { status, payment_status, fulfillment_status, owed_back_minor }
  const placed_at = between(from && inUtc(from), to && inUtc(to))
  return offered.page(reader, input, { ...stands, ...whose, placed_at })
}

export const listOrders = query({
  type: 'ListOrders',
  input: listInput,
  run: orders,
  answer: pageAnswer(orderRow),
  route: { ...get, path: '/api/v1/orders', summary: 'Orders, the newest first' },
})

export const getOrdersByCustomer = query({
  type: 'GetOrdersByCustomer',
  input: object({
    customer_id: id(),
    status: optional(oneOf(ORDER_STATUSES)),
    ...listed,
  }),
  run: orders,
  answer: pageAnswer(orderRow),
  route: {
    ...get,
    path: '/api/v1/customers/:customer_id/orders',
    summary: 'Orders of a customer, the newest first',
  },
})

export const getUserOrders = query({
  type: 'GetUserOrders',
  input: object({
    user_id: id(),
    status: optional(oneOf(ORDER_STATUSES)),
    ...listed,
  }),
  run: orders,
  answer: pageAnswer(orderRow),
  route: {
    ...get,
    path: '/api/v1/users/:user_id/orders',
    summary: 'Orders of a user, the newest first',
  },
})

export const getOrdersByStatus = query({
  type: 'GetOrdersByStatus',
  input: object({ status: oneOf(ORDER_STATUSES), ...listed }),
  run: orders,
  answer: pageAnswer(orderRow),
  route: {
    ...get,
    path: '/api/v1/orders/status/:status',
    summary: 'Orders of one status, the newest first',
  },
})

const amounts = {
  authorized_minor: money(),
  captured_minor: money(),
  refunded_minor: money(),
  owed_back_minor: money(),
}

export const getOrderPayments = query({
  type: 'GetOrderPayments',
  input: object({ order_id: id() }),
  run: async ({ order_id }, reader) => {
    const row = await reader.get(orderPayments, order_id)
    if (row !== null) return row
    const order = await reader.get(orderViews, order_id)
    if (order === null) return null
    const none = { authorized_minor: 0, captured_minor: 0, refunded_minor: 0, owed_back_minor: 0 }
    return { order_id, currency: order.currency, ...none, payments: [] }
  },
  answer: nullable(
    object({
      order_id: id(),
      currency: text(),
      ...amounts,
      payments: list(
        object({
          payment_id: id(),
          status: text(),
          payment_method: text(),
          currency: text(),
          ...amounts,
        }),
      ),
    }),
  ),
  route: {
    ...get,
    path: '/api/v1/orders/:order_id/payments',
    summary: 'What was authorized, captured and refunded for an order',
  },
})

export const getCustomerOrderSummary = query({
  type: 'GetCustomerOrderSummary',
  input: object({ customer_id: id() }),
  run: async ({ customer_id }, reader) => await reader.get(customerOrderSummary, customer_id),
  answer: nullable(
    rowAnswer(customerOrderSummary.table, {
      shapes: {
        by_currency: list(
          object({ currency: text(), total_orders: integer(), total_spent_minor: money() }),
        ),
      },
    }),
  ),
  route: {
    ...get,
    path: '/api/v1/customers/:customer_id/orders/summary',
    summary: 'How many orders of a customer, how much, when last',
  },
})
