// The manifest of what came back: the list of all it has.
import type { Context } from '#kernel/context.ts'
import { recordReturn, returned } from './return.ts'
import { getReturn, listReturns, returns as returnRows } from './return-list.ts'

export const returns: Context = {
  name: 'returns',
  aggregates: [returned],
  commands: [recordReturn],
  projections: [returnRows],
  queries: [getReturn, listReturns],
}
