// The shop at a glance: what was sold today and this week, what the stock is worth, how many
// products are low, the newest sales. One small answer from rows that are there already.
import { lowStock } from '#contexts/inventory/public.ts'
import { businessDay, MAIN_STORE_ID, storeIdOf, storeRows } from '#contexts/stores/public.ts'
import { inUtc } from '#kernel/instants.ts'
import type { Row } from '#kernel/projection.ts'
import { type Keeping, query, type Reader, variantKey } from '#kernel/query.ts'
import {
  day,
  type Infer,
  id,
  instant,
  integer,
  list,
  money,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '#kernel/schema.ts'
import { CHANNELS } from './booking.ts'
import { averageOf } from './counts.ts'
import { recentSales, type Sold, salesOf } from './dashboard-sales.ts'
import { type Stock, stockOf } from './dashboard-stock.ts'
import { inventoryValue } from './inventory-value.ts'
import { purchases } from './purchases.ts'
import { salesAnalytics } from './sales-analytics.ts'
import { storeInventoryValue } from './store-inventory-value.ts'
import { type WeekStarts, weekBegin } from './weeks.ts'

const UTC = 'UTC'

const input = object({
  date: optional(day({ description: 'Default: today, by the calendar of the store.' })),
  store_id: optional(id({ description: 'Default: all stores, by the calendar of the main one.' })),
  currency: optional(text({ min: 3, max: 3, description: 'Which one stands on top.' })),
  as_of: optional(instant({ description: 'As it was known at this time.' })),
})
export type DashboardInput = Infer<typeof input>

const figures = {
  currency: text(),
  today_sales_total_minor: money(),
  today_sales_count: integer(),
  today_avg_sale_minor: money(),
  week_sales_total_minor: money(),
  week_sales_count: integer(),
  /** At cost; products whose cost nobody told are worth nothing here. */
  total_inventory_value_minor: nullable(money()),
}

export type DashboardOptions = {
  readonly weekStarts: WeekStarts
  /** Stands on top where none is asked for and it was used at all. */
  readonly currency: string
}

export const dashboardQuery = (options: DashboardOptions) =>
  query({
    type: 'GetDashboardSummary',
    input,
    keeping,
    run: (asked, reader) => dashboard(asked, reader, options),
    answer: object({
      date: day(),
      week_starts_on: day(),
      store_id: nullable(id()),
      ...figures,
      /** null: too much has changed since then. */
      low_stock_product_count: nullable(integer()),
      recent_sales: list(
        object({
          sale_number: nullable(text()),
          channel: oneOf(CHANNELS),
          document_id: id(),
          customer_id: nullable(id()),
          store_id: id(),
          currency: text(),
          total_minor: money(),
          created_at: instant(),
        }),
      ),
      by_currency: list(object(figures)),
    }),
    route: {
      method: 'GET',
      path: '/api/v1/dashboard',
      tag: 'analytics',
      summary: 'Sales of a day and its week, value of the stock, low stock, newest sales',
    },
  })

const QUARTER_MS = 15 * 60 * 1_000

const keeping: Keeping<typeof input> = {
  key: (asked) => {
    if (asked.as_of !== undefined) return null
    // Where no day is asked for it is today's; wherever a day begins, a quarter of an hour does.
    const now = Math.floor(Date.now() / QUARTER_MS)
    return variantKey('dashboard', 'GetDashboardSummary', { date: `at ${now}`, ...asked })
  },
  ttl: 'dashboard',
  of: [salesAnalytics, inventoryValue, storeInventoryValue, lowStock, purchases, storeRows].map(
    (projection) => ({
      projection,
      names: () => ['dashboard'],
    }),
  ),
}

async function dashboard(
  { date: wanted, store_id: told, currency: onTop, as_of }: DashboardInput,
  reader: Reader,
  { weekStarts, currency }: DashboardOptions,
) {
  const store_id = told === undefined ? null : storeIdOf(told)
  const calendar = store_id ?? MAIN_STORE_ID
  const placed = reader.get(storeRows, calendar)
  const knownAt = as_of === undefined ? null : inUtc(as_of)
  const now = knownAt ?? new Date().toISOString()
  const date = wanted ?? businessDay(now, zoneOf(await placed))
  const week_starts_on = weekBegin(date, weekStarts)
  const asked = { store_id, knownAt, from: week_starts_on, to: date }
  // At once: where the rows are on a server, each question is a journey there and back.
  const [place, sold, stock, recent_sales] = await Promise.all([
    placed,
    salesOf(asked, reader),
    stockOf(asked, reader),
    recentSales(asked, reader),
  ])
  // Only the main store is there without a row.
  if (place === null && calendar !== MAIN_STORE_ID) return null
  const by_currency = currenciesOf(sold, stock).map((one) => figuresOf(one, date, sold, stock))
  const top = onTop ?? topOf(by_currency, currency)
  return {
    date,
    week_starts_on,
    store_id,
    ...(by_currency.find((each) => each.currency === top) ?? figuresOf(top, date, sold, stock)),
    low_stock_product_count: stock?.low ?? null,
    recent_sales,
    by_currency,
  }
}

const zoneOf = (place: Row | null): string => (place === null ? UTC : String(place.timezone))

const currenciesOf = (sold: readonly Sold[], stock: Stock | null): readonly string[] =>
  [...new Set([...sold.map(({ currency }) => currency), ...(stock?.values.keys() ?? [])])].sort()

const topOf = (known: readonly { readonly currency: string }[], usual: string): string =>
  known.some(({ currency }) => currency === usual) ? usual : (known[0]?.currency ?? usual)

/** null: not known any more, or more than an integer holds. */
function valueIn(stock: Stock | null, currency: string): number | null {
  if (stock === null) return null
  const value = stock.values.get(currency)
  return value === undefined ? 0 : value
}

function figuresOf(currency: string, date: string, sold: readonly Sold[], stock: Stock | null) {
  const week = sold.filter((each) => each.currency === currency)
  const today = week.filter((each) => each.day === date)
  const total = (rows: readonly Sold[]) => rows.reduce((sum, { minor }) => sum + minor, 0)
  const count = (rows: readonly Sold[]) => rows.reduce((sum, { orders }) => sum + orders, 0)
  return {
    currency,
    today_sales_total_minor: total(today),
    today_sales_count: count(today),
    today_avg_sale_minor: averageOf(total(today), count(today)),
    week_sales_total_minor: total(week),
    week_sales_count: count(week),
    total_inventory_value_minor: valueIn(stock, currency),
  }
}
