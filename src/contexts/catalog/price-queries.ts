// Questions about prices: what a product cost and when, what it will cost, and the lowest price of
// the days before the one in force.
import { inUtc } from '#kernel/instants.ts'
import { pageAnswer, paged, pageOf, paging } from '#kernel/listing.ts'
import type { Instant } from '#kernel/message.ts'
import type { Specification } from '#kernel/projection.ts'
import { type Query, query, type Reader } from '#kernel/query.ts'
import {
  id,
  instant,
  integer,
  list,
  money,
  nullable,
  object,
  optional,
  text,
} from '#kernel/schema.ts'
import { and, or } from '#kernel/specification.ts'
import { scheduledPrice } from './change-price.ts'
import { type PriceRow, priceHistory } from './price-history.ts'
import { type ScheduledPriceRow, scheduledPrices } from './scheduled-prices.ts'

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
      where: duringOf(product_id, input),
      sort: [{ column: 'price_number', descending: true }],
      ...pageOf(input),
    })
    return { ...paged(found, input), scheduled: await toCome(product_id, reader) }
  },
  answer: object({
    ...pageAnswer(
      object({
        product_id: id(),
        price_number: integer(),
        ...price,
        cost_price_minor: nullable(money()),
        changed_by: nullable(text({ max: 200 })),
        command_id: nullable(text({ max: 200 })),
        schedule_id: nullable(id()),
      }),
    ).properties,
    scheduled: list(object({ ...scheduledPrice.properties, currency: text() })),
  }),
  route: {
    method: 'GET',
    path: `${path}/price-history`,
    tag: 'products',
    summary: 'Prices with the time they were valid, the newest first, and those to come',
  },
})

const getLowestPrice = query({
  type: 'GetLowestPrice',
  input: object({
    product_id: id({ aliases: ['id'] }),
    days: optional(integer({ min: 1, max: DAYS_MAX, description: `Default ${DAYS}.` })),
    to: optional(
      instant({
        description:
          'End of those days, itself left out: when a reduction was announced. Default: when the ' +
          'price in force began.',
      }),
    ),
  }),
  run: async ({ product_id, days = DAYS, to }, reader) => {
    const present = await presentPrice(product_id, reader)
    if (present === null) return null
    const { began_at } = present
    const end = to === undefined ? began_at : inUtc(to)
    if (end === null) return { ...present.row, days, from: null, to: null }
    const from = new Date(Date.parse(end) - days * DAY_MS).toISOString()
    const { items } = await reader.find(priceHistory, {
      where: and(
        { product_id, valid_from: { lt: end } },
        or({ valid_to: null }, { valid_to: { gt: from } }),
      ),
      sort: [{ column: 'sell_price_minor' }, { column: 'valid_from' }],
      limit: 1,
    })
    return items[0] === undefined ? null : { ...items[0], days, from, to: end }
  },
  answer: object({
    product_id: id(),
    days: integer(),
    ...price,
    from: nullable(instant()),
    to: nullable(instant()),
  }),
  route: {
    method: 'GET',
    path: `${path}/lowest-price`,
    tag: 'products',
    summary:
      'The lowest price of the days before the price in force began, as price indication rules ask',
  },
})

/**
 * The price in force, and since when it is asked for: rows whose cost alone changed do not count.
 * `began_at` null: the product never had another price.
 */
async function presentPrice(
  product_id: string,
  reader: Reader,
): Promise<{ readonly row: PriceRow; readonly began_at: string | null } | null> {
  const newest = { sort: [{ column: 'price_number', descending: true }], limit: 1 } as const
  const { items } = await reader.find(priceHistory, { where: { product_id }, ...newest })
  // Rows of this table.
  const row = items[0] as PriceRow | undefined
  if (row === undefined) return null
  const other = await reader.find(priceHistory, {
    where: { product_id, sell_price_minor: { not: row.sell_price_minor } },
    ...newest,
  })
  return { row, began_at: (other.items[0] as PriceRow | undefined)?.valid_to ?? null }
}

const TO_COME_MAX = 100

async function toCome(product_id: string, reader: Reader) {
  const { items } = await reader.find(scheduledPrices, {
    where: { product_id, status: 'scheduled' },
    sort: [{ column: 'effective_at' }],
    limit: TO_COME_MAX,
  })
  // Rows of this table.
  return (items as unknown as readonly ScheduledPriceRow[]).map(
    ({ schedule_id, effective_at, sell_price_minor, changes_cost, ...row }) => ({
      schedule_id,
      effective_at,
      ...(sell_price_minor === null ? {} : { sell_price_minor }),
      ...(changes_cost ? { cost_price_minor: row.cost_price_minor } : {}),
      currency: row.currency,
      scheduled_by: row.scheduled_by,
    }),
  )
}

export const priceQueries: readonly Query[] = [getPriceHistory, getLowestPrice]

/** Prices that were valid at some time between. */
function duringOf(
  product_id: string,
  { from, to }: { readonly from?: Instant; readonly to?: Instant },
): Specification {
  return and(
    { product_id, valid_from: { lte: to && inUtc(to) } },
    from === undefined ? {} : or({ valid_to: null }, { valid_to: { gt: inUtc(from) } }),
  )
}
