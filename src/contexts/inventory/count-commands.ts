// Starting and completing a count of stock. What is counted is written down by RecordCount.
import { department, product } from '#contexts/catalog/public.ts'
import { store, storeIdOf, storeState } from '#contexts/stores/public.ts'
import {
  accept,
  already,
  command,
  type Decision,
  type Given,
  invalid,
  noSuch,
} from '#kernel/decider.ts'
import {
  type Infer,
  id,
  integer,
  list,
  object,
  oneOf,
  optional,
  text,
  uuid,
} from '#kernel/schema.ts'
import { REFERENCE_MAX } from './stock.ts'
import {
  COUNT_PRODUCTS_MAX,
  COUNT_SCOPES,
  COUNT_STATUSES,
  type StockCountState,
  stockCount,
} from './stock-count.ts'
import { placeFields } from './stock-place.ts'

export const COUNTS = '/api/v1/stock-counts'
export const COUNTS_TAG = 'stock counts'

const countAnswer = object({
  count_id: id(),
  status: oneOf(COUNT_STATUSES),
  store_id: id(),
  scope: oneOf(COUNT_SCOPES),
  counted_lines: integer(),
  differing_lines: integer(),
})
const answeredCount = (count_id: string, state: StockCountState) => ({
  count_id,
  status: state.status,
  store_id: state.store_id,
  scope: state.scope,
  counted_lines: state.counted_lines,
  differing_lines: state.differing_lines,
})

const startInput = object({
  count_id: optional(uuid()),
  store_id: placeFields.store_id,
  scope: optional(oneOf(COUNT_SCOPES, { description: 'Absent: what the other fields name.' })),
  product_ids: optional(list(id(), { min: 1, max: COUNT_PRODUCTS_MAX })),
  department_id: optional(id()),
  reference: optional(text({ max: REFERENCE_MAX })),
})

export const startStockCount = command({
  type: 'StartStockCount',
  input: startInput,
  creates: 'count_id',
  reads: ({ count_id, store_id, product_ids = [], department_id }) => [
    stockCount.at(count_id!),
    store.seen(storeIdOf(store_id)),
    ...[...new Set(product_ids)].map((one) => product.seen(one)),
    ...(department_id === undefined ? [] : [department.seen(department_id)]),
  ],
  decide: decideStart,
  answer: countAnswer,
  route: {
    method: 'POST',
    path: COUNTS,
    status: 201,
    tag: COUNTS_TAG,
    summary: 'Begin to count a store: all of it, a department, or the products named',
  },
})

function decideStart(input: Infer<typeof startInput>, given: Given): Decision {
  const { department_id = null, reference = null } = input
  const count_id = input.count_id!
  const store_id = storeIdOf(input.store_id)
  if (given.state(stockCount.at(count_id)) !== null) return already('a count', count_id)
  if (storeState(given, store_id) === null) return noSuch('store', store_id)
  const product_ids = input.product_ids === undefined ? null : [...new Set(input.product_ids)]
  const scope =
    input.scope ??
    (product_ids !== null ? 'products' : department_id !== null ? 'department' : 'all')
  const errors = {
    ...((scope === 'products') === (product_ids === null) ? { product_ids: AS_SCOPE } : {}),
    ...((scope === 'department') === (department_id === null) ? { department_id: AS_SCOPE } : {}),
  }
  if (Object.keys(errors).length > 0) return invalid(errors)
  const unknown = product_ids?.find((one) => given.state(product.seen(one)) === null)
  if (unknown !== undefined) return noSuch('product', unknown)
  if (department_id !== null && given.state(department.seen(department_id)) === null)
    return noSuch('department', department_id)
  const data = { count_id, store_id, scope, product_ids, department_id, reference }
  const started = stockCount.event('StockCountStarted', data)
  const nothing = { counted_lines: 0, differing_lines: 0 }
  return accept([stockCount.write(count_id, [started])], {
    ...{ count_id, store_id, scope, status: 'OPEN' },
    ...nothing,
  })
}
const AS_SCOPE = 'belongs to its scope: name it with that scope, and only with it'

export const completeStockCount = command({
  type: 'CompleteStockCount',
  input: object({ count_id: id() }),
  reads: ({ count_id }) => [stockCount.at(count_id)],
  decide: ({ count_id }, given) => {
    const state = given.state(stockCount.at(count_id))
    if (state === null) return noSuch('count', count_id)
    const response = answeredCount(count_id, { ...state, status: 'COMPLETED' })
    if (state.status === 'COMPLETED') return accept([], response)
    const done = stockCount.event('StockCountCompleted', { count_id, store_id: state.store_id })
    return accept([stockCount.write(count_id, [done])], response)
  },
  answer: countAnswer,
  route: {
    method: 'POST',
    path: `${COUNTS}/:count_id/complete`,
    tag: COUNTS_TAG,
    summary: 'End a count; what nobody counted stays as the book has it',
  },
})
