// The context of customers: the list of what it has.
import type { Context } from '#kernel/context.ts'
import { customer } from './customer.ts'

export const customers: Context = {
  name: 'customers',
  aggregates: [customer],
  commands: [],
  projections: [],
  queries: [],
  unheard: Object.keys(customer.events),
}
