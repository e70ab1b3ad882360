// The door of orders: what others may know of them.

export { customerOrderSummary } from './customer-order-summary.ts'
export type { Order, OrderState } from './order.ts'
export { ORDER_STATUSES, order } from './order.ts'
export { CANCEL_CAUSES, RETURN_STATUSES } from './order-events.ts'
export type { LinePart, LineUnits, OrderLine } from './order-line.ts'
export { linePart } from './order-line.ts'
export { orderViews } from './order-views.ts'
