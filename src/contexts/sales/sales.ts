// The context of the till: the list of what it has.
import type { Context } from '#kernel/context.ts'
import { processSale } from './process-sale.ts'
import { register } from './register.ts'
import { looseRefund, sale } from './sale.ts'

export const sales: Context = {
  name: 'sales',
  aggregates: [sale, looseRefund, register],
  commands: [processSale],
  projections: [],
  queries: [],
}
