// The context of customers: the list of what it has.
import type { Context } from '#kernel/context.ts'
import { balanceCommands } from './balance-commands.ts'
import { customerBalanceEntries, getCustomerBalance } from './balance-entries.ts'
import { customer } from './customer.ts'
import { customerQueries, customers as customerRows } from './customer-list.ts'
import { customerCommands } from './register-customer.ts'

export const customers: Context = {
  name: 'customers',
  aggregates: [customer],
  commands: [...customerCommands, ...balanceCommands],
  projections: [customerRows, customerBalanceEntries],
  queries: [...customerQueries, getCustomerBalance],
}
