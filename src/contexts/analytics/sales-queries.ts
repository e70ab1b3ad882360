// Questions about sales and returns: sums over the rows of sales_analytics, by time or by who and
// what.
import type { Condition, Row } from '#kernel/projection.ts'
import { type Keeping, query, type Reader, variantKey } from '#kernel/query.ts'
import {
  day,
  type Infer,
  integer,
  list,
  money,
  object,
  oneOf,
  optional,
  quantity,
  text,
} from '#kernel/schema.ts'
import {
  type Counts,
  type Dimension,
  NOTHING,
  rescaled,
  salesAnalytics,
  sumOf,
} from './sales-analytics.ts'

const input = object({
  from: optional(day({ description: 'First day, UTC.' })),
  to: optional(day({ description: 'Last day, UTC; included.' })),
  group_by: optional(
    oneOf(['day', 'week', 'month', 'country', 'product', 'customer'], {
      description: 'Default day. Weeks are ISO weeks (2010-W48) and begin on Monday.',
    }),
  ),
  limit: optional(integer({ min: 1, max: 100_000, description: 'Default: all groups.' })),
})
type Input = Infer<typeof input>

const group = {
  key: text(),
  currency: text(),
  units: quantity(),
  quantity_scale: integer({ min: 0 }),
  total_amount_minor: money(),
}
const route = { method: 'GET', tag: 'analytics' } as const

const keptOnDashboard = (type: string): Keeping<typeof input> => ({
  key: (asked) => variantKey('dashboard', type, asked),
  ttl: 'dashboard',
  of: [{ projection: salesAnalytics, names: () => ['dashboard'] }],
})

export const getSalesAnalytics = query({
  type: 'GetSalesAnalytics',
  input,
  keeping: keptOnDashboard('GetSalesAnalytics'),
  run: async (asked, reader) => ({
    items: (await groups(asked, reader, ({ total_amount_minor }) => total_amount_minor))
      .filter(
        ({ orders, total_amount_minor, units }) =>
          orders !== 0 || total_amount_minor !== 0 || units !== 0,
      )
      .slice(0, asked.limit)
      .map(({ key, currency, orders, units, total_amount_minor, quantity_scale }) => ({
        key,
        currency,
        orders,
        ...coarsest(units, quantity_scale),
        total_amount_minor,
      })),
  }),
  answer: object({ items: list(object({ ...group, orders: integer() }), { max: 100_000 }) }),
  route: {
    ...route,
    path: '/api/v1/analytics/sales',
    summary: 'Orders, units and amounts by time, country, product or customer',
  },
})

export const getReturnsAnalytics = query({
  type: 'GetReturnsAnalytics',
  input,
  keeping: keptOnDashboard('GetReturnsAnalytics'),
  run: async (asked, reader) => ({
    items: (await groups(asked, reader, ({ returned_minor }) => -returned_minor))
      .filter(({ returns }) => returns !== 0)
      .slice(0, asked.limit)
      .map(({ key, currency, returns, returned_units, returned_minor, quantity_scale }) => ({
        key,
        currency,
        returns,
        ...coarsest(returned_units, quantity_scale),
        total_amount_minor: returned_minor,
      })),
  }),
  answer: object({ items: list(object({ ...group, returns: integer() }), { max: 100_000 }) }),
  route: {
    ...route,
    path: '/api/v1/analytics/returns',
    summary: 'Returns by time, country, product or customer; negative as on the credit notes',
  },
})

type Summed = Counts & {
  readonly key: string
  readonly currency: string
  readonly quantity_scale: number
}

/** Times ascend; all else goes by size, the largest first. */
async function groups(
  { from, to, group_by = 'day' }: Input,
  reader: Reader,
  size: (summed: Summed) => number,
): Promise<readonly Summed[]> {
  const { dimension, column, length, keyOf } = GROUPINGS[group_by]
  const days: Condition = {
    ...(from === undefined ? {} : { gte: from }),
    ...(to === undefined ? {} : { lte: to }),
  }
  const rows = await reader.group(salesAnalytics, {
    where: { dimension, ...(Object.keys(days).length === 0 ? {} : { day: days }) },
    by: [length === undefined ? column : { column, length }, 'currency', 'quantity_scale'],
    sums: Object.keys(NOTHING),
  })
  const summed = merged(rows.map((row) => summedFrom(row, keyOf(String(row[column])))))
  const byKey = (a: Summed, b: Summed) => compared(a.key, b.key) || compared(a.currency, b.currency)
  return dimension === 'all'
    ? summed.toSorted(byKey)
    : summed.toSorted((a, b) => size(b) - size(a) || byKey(a, b))
}

const asIs = (value: string) => value
const GROUPINGS: Readonly<
  Record<
    NonNullable<Input['group_by']>,
    {
      readonly dimension: Dimension
      readonly column: 'day' | 'value'
      readonly length?: number
      readonly keyOf: (value: string) => string
    }
  >
> = {
  day: { dimension: 'all', column: 'day', keyOf: asIs },
  week: { dimension: 'all', column: 'day', keyOf: weekOf },
  month: { dimension: 'all', column: 'day', length: 7, keyOf: asIs },
  country: { dimension: 'country', column: 'value', keyOf: asIs },
  product: { dimension: 'product', column: 'value', keyOf: asIs },
  customer: { dimension: 'customer', column: 'value', keyOf: asIs },
}

const summedFrom = (row: Row, key: string): Summed => {
  const number = (column: string) => Number(row[column])
  return {
    key,
    currency: String(row.currency),
    quantity_scale: number('quantity_scale'),
    orders: number('orders'),
    units: number('units'),
    total_amount_minor: number('total_amount_minor'),
    returns: number('returns'),
    returned_units: number('returned_units'),
    returned_minor: number('returned_minor'),
  }
}

/** One row a key and currency, its units at the finest of the scales that met there. */
function merged(rows: readonly Summed[]): readonly Summed[] {
  const byPlace = new Map<string, Summed>()
  for (const row of rows) {
    const place = `${row.key}|${row.currency}`
    const before = byPlace.get(place)
    if (before === undefined) {
      byPlace.set(place, row)
      continue
    }
    const { key, currency } = row
    const quantity_scale = Math.max(before.quantity_scale, row.quantity_scale)
    const counts = sumOf(
      rescaled(before, before.quantity_scale, quantity_scale),
      rescaled(row, row.quantity_scale, quantity_scale),
    )
    byPlace.set(place, { key, currency, quantity_scale, ...counts })
  }
  return [...byPlace.values()]
}

/** The ISO week of a day: `2010-12-01` lies in `2010-W48`; the year is the one of its Thursday. */
export function weekOf(isoDay: string): string {
  const date = new Date(`${isoDay}T00:00:00.000Z`)
  const sinceMonday = (date.getUTCDay() + 6) % 7
  date.setUTCDate(date.getUTCDate() - sinceMonday + 3)
  const year = date.getUTCFullYear()
  const days = (date.getTime() - Date.UTC(year, 0, 1)) / 86_400_000
  return `${year}-W${String(Math.floor(days / 7) + 1).padStart(2, '0')}`
}

/** The same units without decimals that are zero in any case. */
function coarsest(units: number, scale: number): { units: number; quantity_scale: number } {
  let shown = { units, quantity_scale: scale }
  while (shown.quantity_scale > 0 && shown.units % 10 === 0)
    shown = { units: shown.units / 10, quantity_scale: shown.quantity_scale - 1 }
  return shown
}

const compared = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
