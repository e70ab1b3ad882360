// Questions about sagas: where they stand, what they wait for, which need a person.
import {
  asOfFields,
  nowOrThen,
  pageAnswer,
  paged,
  pageOf,
  paging,
  rowAnswer,
} from '#kernel/listing.ts'
import { query } from '#kernel/query.ts'
import { SAGA_OUTCOMES, SAGA_STATUSES } from '#kernel/saga.ts'
import { sagaInstances } from '#kernel/saga-instances.ts'
import { flag, id, list, nullable, object, oneOf, optional, text } from '#kernel/schema.ts'

const sagaAnswer = rowAnswer(sagaInstances.table, {
  shapes: {
    status: oneOf(SAGA_STATUSES),
    outcome: oneOf(SAGA_OUTCOMES),
    state: object({
      steps: list(object({ name: text(), status: text() })),
      operation_id: nullable(text()),
    }),
  },
})

export const getOrderSaga = query({
  type: 'GetOrderSaga',
  input: object({ order_id: id(), ...asOfFields }),
  run: (input, reader) => nowOrThen(reader, sagaInstances, input.order_id, input),
  answer: nullable(sagaAnswer),
  route: {
    method: 'GET',
    path: '/api/v1/orders/:order_id/saga',
    tag: 'orders',
    summary: 'The steps of an order: what is done, what is under way, what it waits for',
  },
})

export const getSaga = query({
  type: 'GetSaga',
  input: object({ saga_id: id(), ...asOfFields }),
  run: (input, reader) => nowOrThen(reader, sagaInstances, input.saga_id, input),
  answer: nullable(sagaAnswer),
  route: {
    method: 'GET',
    path: '/api/v1/admin/sagas/:saga_id',
    tag: 'sagas',
    summary: 'One saga',
  },
})

export const listSagas = query({
  type: 'ListSagas',
  input: object({
    status: optional(oneOf(SAGA_STATUSES)),
    outcome: optional(oneOf(SAGA_OUTCOMES)),
    saga_type: optional(text({ max: 100 })),
    waiting_for: optional(text({ max: 100 })),
    needs_attention: optional(flag()),
    ...paging,
  }),
  run: async ({ limit, offset, cursor, ...where }, reader) => {
    const page = { limit, offset, cursor }
    const sort = [{ column: 'updated_at', descending: true }]
    return paged(await reader.find(sagaInstances, { where, sort, ...pageOf(page) }), page)
  },
  answer: pageAnswer(sagaAnswer),
  route: { method: 'GET', path: '/api/v1/admin/sagas', tag: 'sagas', summary: 'Sagas' },
})
