// Questions about payments.
import { listOf } from '#kernel/list-of.ts'
import { asOfFields, nowOrThen, pageAnswer, rowAnswer } from '#kernel/listing.ts'
import { query } from '#kernel/query.ts'
import { flag, id, nullable, object, oneOf, optional, text } from '#kernel/schema.ts'
import { PAYMENT_STATUSES } from './payment-operations.ts'
import { payments } from './payment-views.ts'

export const paymentAnswer = rowAnswer(payments.table, {
  without: ['state'],
  shapes: { status: oneOf(PAYMENT_STATUSES) },
})

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

const offered = listOf(payments, {
  filters: ['status', 'amount_minor', 'owed_back_minor', 'created_at', 'updated_at'],
  sort: ['created_at', 'updated_at', 'amount_minor', 'owed_back_minor', 'status'],
  standard: ['-created_at'],
})

export const listPayments = query({
  type: 'ListPayments',
  input: object({
    order_id: optional(id()),
    status: optional(oneOf(PAYMENT_STATUSES)),
    needs_attention: optional(flag()),
    is_owed_back: optional(
      flag({ description: 'Whether a person has to give some of it back where it was taken.' }),
    ),
    currency: optional(text({ max: 3 })),
    ...offered.fields,
  }),
  run: ({ order_id, status, needs_attention, is_owed_back, currency, ...input }, reader) => {
    const owed = is_owed_back === undefined ? undefined : is_owed_back ? { gt: 0 } : 0
    const where = { order_id, status, needs_attention, currency, owed_back_minor: owed }
    return offered.page(reader, input, where)
  },
  answer: pageAnswer(paymentAnswer),
  route: { method: 'GET', path: '/api/v1/payments', tag: 'payments', summary: 'Payments' },
})
