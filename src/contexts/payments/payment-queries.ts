// Questions about payments.
import {
  asOfFields,
  nowOrThen,
  pageAnswer,
  paged,
  pageOf,
  paging,
  rowAnswer,
} from '#kernel/listing.ts'
import type { Filter } from '#kernel/projection.ts'
import { query } from '#kernel/query.ts'
import { flag, id, nullable, object, oneOf, optional } from '#kernel/schema.ts'
import { PAYMENT_STATUSES } from './payment-operations.ts'
import { payments } from './payment-views.ts'

export const paymentAnswer = rowAnswer(payments.table, { without: ['state'] })

export const getPayment = query({
  type: 'GetPayment',
  input: object({ payment_id: id(), ...asOfFields }),
  run: (input, reader) => nowOrThen(reader, payments, input.payment_id, input),
  answer: nullable(paymentAnswer),
  route: {
    method: 'GET',
    path: '/api/v1/payments/:payment_id',
    tag: 'payments',
    summary: 'One payment, now or as it was',
  },
})

export const listPayments = query({
  type: 'ListPayments',
  input: object({
    order_id: optional(id()),
    status: optional(oneOf(PAYMENT_STATUSES)),
    needs_attention: optional(flag()),
    ...paging,
  }),
  run: async ({ order_id, status, needs_attention, ...page }, reader) => {
    const where: Filter = {
      ...(order_id === undefined ? {} : { order_id }),
      ...(status === undefined ? {} : { status }),
      ...(needs_attention === undefined ? {} : { needs_attention }),
    }
    const sort = [{ column: 'created_at', descending: true }]
    return paged(await reader.find(payments, { where, sort, ...pageOf(page) }), page)
  },
  answer: pageAnswer(paymentAnswer),
  route: { method: 'GET', path: '/api/v1/payments', tag: 'payments', summary: 'Payments' },
})
