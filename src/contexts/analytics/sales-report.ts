// The till's report: its days as they are kept, summed up by week, month or store where asked for.
import { storeIdOf } from '#contexts/stores/public.ts'
import { bytewise } from '#kernel/bytewise.ts'
import { between } from '#kernel/listing.ts'
import { type Keeping, query, type Reader, variantKey } from '#kernel/query.ts'
import {
  type Infer,
  id,
  integer,
  list,
  money,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '#kernel/schema.ts'
import { averageOf } from './counts.ts'
import { SALE_DAY_MEASURES, type SaleDayCounts, saleDays } from './sale-days.ts'
import { daysBetween, GROUPS_MAX } from './sales-question.ts'
import { type WeekStarts, weekOf } from './weeks.ts'

const input = object({
  ...daysBetween,
  group_by: optional(oneOf(['day', 'week', 'month', 'store'], { description: 'Default day.' })),
  store_id: optional(id({ description: 'main is the main store.' })),
  currency: optional(text({ min: 3, max: 3 })),
})
type Input = Infer<typeof input>

const group = {
  date: nullable(text({ description: 'Null where stores are told apart.' })),
  store_id: nullable(id({ description: 'Null: all stores together.' })),
}
const figures = {
  currency: text(),
  sales_count: integer(),
  total_sales_minor: money(),
  average_sale_minor: money(),
  cash_sales_minor: money(),
  credit_sales_minor: money(),
  tax_minor: money(),
  /** Of the total, what came of rounding to coins. */
  rounding_minor: money(),
  refunds_count: integer(),
  refunded_minor: money(),
}

const keeping: Keeping<typeof input> = {
  key: (asked) => variantKey('dashboard', 'GetSalesReport', asked),
  ttl: 'dashboard',
  of: [{ projection: saleDays, names: () => ['dashboard'] }],
}

export const salesReport = (starts: WeekStarts) =>
  query({
    type: 'GetSalesReport',
    input,
    keeping,
    run: async (asked, reader) => {
      const items = await groupsOf(asked, reader, starts)
      const byCurrency = Map.groupBy(items, ({ currency }) => currency)
      const totals = [...byCurrency]
        .map(([currency, of]) => shown(currency, sumOf(of)))
        .sort((a, b) => bytewise(a.currency, b.currency))
      return {
        items: items.map((each) => ({
          ...(asked.group_by === 'store'
            ? { date: null, store_id: each.key }
            : { date: each.key, store_id: storeIn(asked) }),
          ...shown(each.currency, each),
        })),
        totals,
      }
    },
    answer: object({
      items: list(object({ ...group, ...figures }), { max: GROUPS_MAX }),
      totals: list(object(figures)),
    }),
    route: {
      method: 'GET',
      path: '/api/v1/sales/report',
      tag: 'sales',
      summary: 'Sales at the till by day, week, month or store: how many, how much, how paid',
    },
  })

/** `key`: the date, or the store. */
type Group = SaleDayCounts & { readonly key: string; readonly currency: string }

const storeIn = ({ store_id }: Input) => (store_id === undefined ? null : storeIdOf(store_id))

const NAMES: Readonly<
  Record<NonNullable<Input['group_by']>, (group: string, starts: WeekStarts) => string>
> = {
  day: (day) => day,
  week: weekOf,
  month: (day) => day.slice(0, 7),
  store: (store) => store,
}

async function groupsOf(
  { group_by = 'day', store_id, currency, ...days }: Input,
  reader: Reader,
  starts: WeekStarts,
): Promise<readonly Group[]> {
  const column = group_by === 'store' ? 'store_id' : 'date'
  const rows = await reader.group(saleDays, {
    where: {
      date: between(days.from, days.to),
      store_id: store_id && storeIdOf(store_id),
      currency,
    },
    by: [column, 'currency'],
    sums: SALE_DAY_MEASURES,
  })
  const groups = Map.groupBy(
    rows,
    (row) => `${row.currency}|${NAMES[group_by](String(row[column]), starts)}`,
  )
  return [...groups]
    .map(([name, of]) => ({
      key: name.slice(name.indexOf('|') + 1),
      currency: String(of[0]?.currency),
      // The columns were asked for by these names.
      ...sumOf(of as unknown as readonly SaleDayCounts[]),
    }))
    .sort((a, b) => bytewise(a.key, b.key) || bytewise(a.currency, b.currency))
}

const sumOf = (rows: readonly SaleDayCounts[]): SaleDayCounts =>
  // Each measure is summed under its own name.
  Object.fromEntries(
    SALE_DAY_MEASURES.map((name) => [name, rows.reduce((sum, row) => sum + row[name], 0)]),
  ) as SaleDayCounts

const shown = (currency: string, counts: SaleDayCounts) => ({
  currency,
  // Only what is told: a row has more.
  ...sumOf([counts]),
  average_sale_minor: averageOf(counts.total_sales_minor, counts.sales_count),
})
