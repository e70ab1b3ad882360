// The customers' door: who buys, and moving what they owe.
export type { BalanceMove, BalanceMoved } from './balance.ts'
export { erasedCustomer, moveBalance, noCustomer } from './balance.ts'
export { customerBalanceEntries } from './balance-entries.ts'
export { buyerRefs, customerTrouble } from './buyer.ts'
export type { BalanceCause, Customer, CustomerState } from './customer.ts'
export { BALANCE_CAUSES, customer } from './customer.ts'
export { customers } from './customer-list.ts'
export { CUSTOMER_EMAIL, owing } from './register-customer.ts'
