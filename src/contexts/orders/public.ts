// The door of orders: what others may know of them.

export { customerOrderSummary } from './customer-order-summary.ts'
export type { Order, OrderLine, OrderState } from './order.ts'
export { CANCEL_CAUSES, ORDER_STATUSES, order } from './order.ts'
export { orderViews } from './order-views.ts'
