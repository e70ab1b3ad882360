// The till's door: what others may know of sales, refunds and registers.
export { cashSessions } from './cash-session-rows.ts'
export { saleRefunds } from './refund-rows.ts'
export { register, registerKey } from './register.ts'
export { CASH, looseRefund, ON_ACCOUNT, type Sale, type SaleState, sale } from './sale.ts'
export { type SaleRow, sales } from './sale-rows.ts'
