// The customers' door: who buys, and moving what they owe.
export type { BalanceMove, BalanceMoved } from './balance.ts'
export { moveBalance } from './balance.ts'
export type { BalanceCause, Customer, CustomerState } from './customer.ts'
export { BALANCE_CAUSES, customer } from './customer.ts'
