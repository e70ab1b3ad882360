// What a customer has bought and brought back, across all channels, and what it comes to.
import { between, pageAnswer, paged, pageOf, paging, rowAnswer } from '#kernel/listing.ts'
import type { Filter } from '#kernel/projection.ts'
import { query, type Reader } from '#kernel/query.ts'
import {
  type Infer,
  id,
  integer,
  list,
  money,
  object,
  oneOf,
  optional,
  text,
} from '#kernel/schema.ts'
import { CHANNELS } from './booking.ts'
import { PURCHASE_KINDS, purchases } from './purchases.ts'
import { daysBetween } from './sales-question.ts'

const input = object({
  customer_id: id(),
  ...daysBetween,
  channel: optional(oneOf(CHANNELS)),
  kind: optional(oneOf(PURCHASE_KINDS)),
  ...paging,
})

export const getCustomerPurchaseHistory = query({
  type: 'GetCustomerPurchaseHistory',
  input,
  run: async (asked, reader) => {
    const found = await reader.find(purchases, {
      where: whereOf(asked),
      sort: [{ column: 'bought_at', descending: true }],
      ...pageOf(asked),
    })
    return { ...paged(found, asked), totals: await totals(asked, reader) }
  },
  answer: object({
    ...pageAnswer(
      rowAnswer(purchases.table, {
        shapes: { kind: oneOf(PURCHASE_KINDS), channel: oneOf(CHANNELS) },
      }),
    ).properties,
    totals: list(
      object({
        currency: text(),
        purchases: integer(),
        spent_minor: money(),
        returns: integer(),
        /** Negative. */
        returned_minor: money(),
        balance_minor: money(),
      }),
    ),
  }),
  route: {
    method: 'GET',
    path: '/api/v1/customers/:customer_id/purchases',
    tag: 'customers',
    summary: 'What a customer bought and brought back, online and at the till, newest first',
  },
})

const whereOf = ({ customer_id, channel, kind, from, to }: Infer<typeof input>): Filter => ({
  customer_id,
  channel,
  kind,
  business_day: between(from, to),
})

/** Of all that match, not of the page; what was cancelled counts no more. */
async function totals(asked: Infer<typeof input>, reader: Reader) {
  const groups = await reader.group(purchases, {
    where: { ...whereOf(asked), is_cancelled: false },
    by: ['currency', 'kind'],
    sums: ['total_amount_minor'],
  })
  return [...Map.groupBy(groups, ({ currency }) => String(currency))].map(([currency, rows]) => {
    const of = (isReturn: boolean, column: string) =>
      rows
        .filter(({ kind }) => (kind === 'return') === isReturn)
        .reduce((sum, row) => sum + Number(row[column]), 0)
    const spent_minor = of(false, 'total_amount_minor')
    const returned_minor = of(true, 'total_amount_minor')
    return {
      currency,
      purchases: of(false, 'count'),
      spent_minor,
      returns: of(true, 'count'),
      returned_minor,
      balance_minor: spent_minor + returned_minor,
    }
  })
}
