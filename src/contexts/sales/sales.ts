// The context of the till: the list of what it has.
import type { Context } from '#kernel/context.ts'

export const sales: Context = {
  name: 'sales',
  aggregates: [],
  commands: [],
  projections: [],
  queries: [],
}
