// The door of orders: what others may know of them, and the pieces of decisions that change them.

export { customerOrderSummary } from './customer-order-summary.ts'
export type { Order, OrderState } from './order.ts'
export { lineOf, ORDER_STATUSES, order, returnable, returnStatus } from './order.ts'
export { closeBook, type OrderBook, openBook, orderOf, paymentOf } from './order-book.ts'
export { CANCEL_CAUSES, payerOf, RETURN_STATUSES } from './order-events.ts'
export type { LinePart, LineUnits, OrderLine } from './order-line.ts'
export { counted, linePart, nextPart } from './order-line.ts'
export { owedBackMinor, settleMoney } from './order-money.ts'
export { orderViews } from './order-views.ts'
export { happenedAt } from './ship-order.ts'
export { summedUnits, toldLine, toldLines, unitsRead, unitsTold } from './told-lines.ts'
