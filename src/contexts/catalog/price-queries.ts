// Questions about prices: what a product cost and when, and the lowest of the last days.
import { pageAnswer, paged, pageOf, paging } from '#kernel/listing.ts'
import type { Specification } from '#kernel/projection.ts'
import { type Query, query } from '#kernel/query.ts'
import { id, instant, integer, money, nullable, object, optional, text } from '#kernel/schema.ts'
import { and, or } from '#kernel/specification.ts'
import { priceHistory } from './price-history.ts'

const path = '/api/v1/products/:product_id'
const DAY_MS = 86_400_000
/** The days that European price indication asks for. */
const DAYS = 30
const DAYS_MAX = 3_650

const price = {
  sell_price_minor: money(),
  currency: text(),
  valid_from: instant(),
  valid_to: nullable(instant()),
}
const span = { from: optional(instant()), to: optional(instant()) }

const getPriceHistory = query({
  type: 'GetPriceHistory',
  input: object({
    product_id: id({ aliases: ['id'] }),
    ...span,
    ...paging,
  }),
  run: async ({ product_id, ...input }, reader) => {
    const found = await reader.find(priceHistory, {
      where: duringOf(product_id, utc(input.from), utc(input.to)),
      sort: [{ column: 'price_number', descending: true }],
      ...pageOf(input),
    })
    return paged(found, input)
  },
  answer: pageAnswer(
    object({
      product_id: id(),
      price_number: integer(),
      ...price,
      cost_price_minor: nullable(money()),
      changed_by: nullable(text({ max: 200 })),
    }),
  ),
  route: {
    method: 'GET',
    path: `${path}/price-history`,
    tag: 'products',
    summary: 'Prices with the time they were valid, the newest first',
  },
})

const getLowestPrice = query({
  type: 'GetLowestPrice',
  input: object({
    product_id: id({ aliases: ['id'] }),
    days: optional(integer({ min: 1, max: DAYS_MAX, description: `Default ${DAYS}.` })),
    to: optional(instant({ description: 'End of those days; default now.' })),
  }),
  run: async ({ product_id, days = DAYS, to }, reader) => {
    const end = to === undefined ? Date.now() : Date.parse(to)
    const from = new Date(end - days * DAY_MS).toISOString()
    const { items } = await reader.find(priceHistory, {
      where: duringOf(product_id, from, new Date(end).toISOString()),
      sort: [{ column: 'sell_price_minor' }, { column: 'valid_from' }],
      limit: 1,
    })
    return items[0] === undefined ? null : { ...items[0], days }
  },
  answer: object({ product_id: id(), days: integer(), ...price }),
  route: {
    method: 'GET',
    path: `${path}/lowest-price`,
    tag: 'products',
    summary: 'The lowest price of the last days, as price indication rules ask',
  },
})

export const priceQueries: readonly Query[] = [getPriceHistory, getLowestPrice]

const utc = (time: string | undefined) =>
  time === undefined ? undefined : new Date(time).toISOString()

/** Prices that were valid at some time between. */
function duringOf(
  product_id: string,
  from: string | undefined,
  to: string | undefined,
): Specification {
  return and(
    { product_id, ...(to === undefined ? {} : { valid_from: { lte: to } }) },
    ...(from === undefined ? [] : [or({ valid_to: null }, { valid_to: { gt: from } })]),
  )
}
