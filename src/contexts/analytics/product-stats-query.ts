// How a product sells: in all and by channel, and since when.
import { productReadView } from '#contexts/catalog/public.ts'
import { query, type Reader } from '#kernel/query.ts'
import {
  id,
  instant,
  integer,
  list,
  money,
  nullable,
  object,
  oneOf,
  quantity,
  text,
} from '#kernel/schema.ts'
import { CHANNELS } from './booking.ts'
import { averageOf, coarsest, NOTHING, type Scaled, sumOf } from './counts.ts'
import { type ProductStatsRow, productSalesStats } from './product-sales-stats.ts'

const figures = {
  currency: text(),
  orders: integer(),
  units: quantity(),
  quantity_scale: integer({ min: 0 }),
  total_amount_minor: money(),
  net_minor: money(),
  tax_minor: money(),
  discount_minor: money(),
  average_amount_minor: money(),
  returns: integer(),
  returned_units: quantity(),
  returned_minor: money(),
}
const sold = { first_sold_at: nullable(instant()), last_sold_at: nullable(instant()) }

/** A product has one or two channels and few currencies. */
const ROWS_MAX = 1_000

export const getProductSalesStats = query({
  type: 'GetProductSalesStats',
  input: object({ product_id: id() }),
  run: ({ product_id }, reader) => statsOf(product_id, reader),
  answer: nullable(
    object({
      product_id: id(),
      code: text(),
      ...sold,
      totals: list(object(figures)),
      by_channel: list(object({ channel: oneOf(CHANNELS), ...sold, ...figures })),
    }),
  ),
  route: {
    method: 'GET',
    path: '/api/v1/products/:product_id/stats',
    tag: 'products',
    summary: 'How often and how much of a product was sold and came back, by channel',
  },
})

async function statsOf(product_id: string, reader: Reader) {
  const product = await reader.get(productReadView, product_id)
  const where = { product_id }
  const { items } = await reader.find(productSalesStats, { where, limit: ROWS_MAX })
  // What was sold elsewhere may be told of without being a product of this shop.
  if (product === null && items.length === 0) return null
  const rows = items as readonly ProductStatsRow[]
  const currencies = Map.groupBy(rows, ({ currency }) => currency)
  const moments = (column: 'first_sold_at' | 'last_sold_at') =>
    rows.flatMap((row) => row[column] ?? []).sort()
  return {
    product_id,
    code: String(product?.code ?? rows[0]?.code),
    first_sold_at: moments('first_sold_at')[0] ?? null,
    last_sold_at: moments('last_sold_at').at(-1) ?? null,
    totals: [...currencies].map(([currency, ofIt]) => ({
      currency,
      ...figuresOf(ofIt.reduce<Scaled>(sumOf, { ...NOTHING, quantity_scale: 0 })),
    })),
    by_channel: rows.map((row) => ({ ...picked(row), ...figuresOf(row) })),
  }
}

const picked = ({ channel, currency, first_sold_at, last_sold_at }: ProductStatsRow) => ({
  ...{ channel, currency, first_sold_at, last_sold_at },
})

function figuresOf(counts: Scaled) {
  const { units, returned_units, quantity_scale } = coarsest(counts)
  const { orders, total_amount_minor, net_minor, tax_minor, discount_minor } = counts
  return {
    ...{ orders, units, quantity_scale, total_amount_minor, net_minor, tax_minor, discount_minor },
    average_amount_minor: averageOf(total_amount_minor, orders),
    returns: counts.returns,
    returned_units,
    returned_minor: counts.returned_minor,
  }
}
