// What became of each product: how often and how much of it was sold and came back, and when. One
// row a product, channel and currency.
import type { Recorded } from '#kernel/message.ts'
import { projection, type Row } from '#kernel/projection.ts'
import { type Booking, bookingOf, groupsOf, productKeyOf, type Side, TRADE } from './booking.ts'
import { countColumns, countsOf, type Scaled, sumOf } from './counts.ts'

export type ProductStatsRow = Row & {
  readonly stats_key: string
  readonly product_id: string
  readonly code: string
  readonly channel: string
  readonly currency: string
  /** Of all that was ever sold, also where it was cancelled later; null: nothing was. */
  readonly first_sold_at: string | null
  readonly last_sold_at: string | null
} & Scaled

export const productSalesStats = projection<ProductStatsRow>({
  name: 'product_sales_stats',
  version: 2,
  table: {
    name: 'product_sales_stats',
    key: 'stats_key',
    columns: {
      stats_key: 'text',
      product_id: 'text',
      code: 'text',
      channel: 'text',
      currency: 'text',
      first_sold_at: { kind: 'instant', nullable: true },
      last_sold_at: { kind: 'instant', nullable: true },
      ...countColumns,
    },
    indexes: [['product_id']],
  },
  on: Object.fromEntries(TRADE.map((type) => [type, counted()])),
})

type Part = {
  readonly product_id: string
  readonly code: string
  readonly counts: Scaled
  readonly isSold: boolean
}

function counted() {
  const memo = new WeakMap<object, ReadonlyMap<string, Part>>()
  const partsOf = (event: Recorded): ReadonlyMap<string, Part> => {
    const parts = memo.get(event) ?? partsIn(bookingOf(event))
    memo.set(event, parts)
    return parts
  }
  return {
    keys: (event: Recorded) => [...partsOf(event).keys()],
    apply(row: ProductStatsRow | undefined, event: Recorded, stats_key: string) {
      const booking = bookingOf(event)
      const part = partsOf(event).get(stats_key)
      if (booking === null || part === undefined) return row
      const { product_id, code, counts, isSold } = part
      const { channel, currency, at } = booking
      const sold = isSold ? at : null
      return {
        ...{ stats_key, product_id, code, channel, currency },
        first_sold_at: edge(row?.first_sold_at ?? null, sold, (a, b) => a < b),
        last_sold_at: edge(row?.last_sold_at ?? null, sold, (a, b) => a > b),
        ...(row === undefined ? counts : sumOf(row, counts)),
      }
    },
  }
}

function edge(known: string | null, told: string | null, beats: (a: string, b: string) => boolean) {
  if (known === null || told === null) return known ?? told
  return beats(told, known) ? told : known
}

function partsIn(booking: Booking | null): ReadonlyMap<string, Part> {
  const parts = new Map<string, Part>()
  if (booking === null) return parts
  for (const side of booking.sides)
    for (const [product_id, product] of groupsOf(side, productKeyOf)) {
      const key = `${booking.channel}|${booking.currency}|${product_id}`
      const before = parts.get(key)
      const counts = countsOf(product)
      parts.set(key, {
        product_id,
        code: product.lines[0]!.code,
        counts: before === undefined ? counts : sumOf(before.counts, counts),
        isSold: before?.isSold === true || sells(side),
      })
    }
  return parts
}

const sells = ({ as, sign }: Side) => as === 'sold' && sign === 1
