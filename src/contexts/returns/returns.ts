// The manifest of what came back: the list of all it has.
import type { Context } from '#kernel/context.ts'
import { closeReturn } from './close-return.ts'
import { receiveReturn } from './receive-return.ts'
import { requestReturn } from './request-return.ts'
import { recordReturn, returned } from './return.ts'
import { getReturn, listReturns, returns as returnRows } from './return-list.ts'

export const returns: Context = {
  name: 'returns',
  aggregates: [returned],
  commands: [requestReturn, receiveReturn, closeReturn, recordReturn],
  projections: [returnRows],
  queries: [getReturn, listReturns],
}
