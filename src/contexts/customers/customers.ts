// The context of customers: the list of what it has.
import type { Context } from '#kernel/context.ts'

export const customers: Context = {
  name: 'customers',
  aggregates: [],
  commands: [],
  projections: [],
  queries: [],
}
