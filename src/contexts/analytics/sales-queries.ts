// Questions about sales and returns: sums over the rows of sales_analytics, by time or by who and
// what, with filters that the rows can tell apart.
import { productReadView } from '#contexts/catalog/public.ts'
import { type Keeping, query, type Reader, variantKey } from '#kernel/query.ts'
import { integer, list, money, nullable, object, optional, quantity, text } from '#kernel/schema.ts'
import { averageOf, coarsest, MEASURES, type Scaled, sumOf } from './counts.ts'
import { underOneCode } from './product-codes.ts'
import { salesAnalytics } from './sales-analytics.ts'
import {
  GROUPS_MAX,
  groupingOf,
  type SalesInput,
  type Sorting,
  salesInput,
  salesTrouble,
  sortingOf,
  whereOf,
} from './sales-question.ts'
import type { WeekStarts } from './weeks.ts'

const group = {
  key: text({ max: 500 }),
  /** Of groups of products; null for one that was only ever known by its code. */
  product_id: optional(nullable(text())),
  currency: text(),
  units: quantity(),
  quantity_scale: integer({ min: 0 }),
  total_amount_minor: money(),
  net_minor: money(),
  tax_minor: money(),
}
const pageOf = (item: ReturnType<typeof object>) =>
  object({
    items: list(item, { max: GROUPS_MAX }),
    total: integer(),
    limit: nullable(integer()),
    offset: integer(),
  })
const route = { method: 'GET', tag: 'analytics' } as const

const keptOnDashboard = (type: string): Keeping<typeof salesInput> => ({
  key: (asked) => variantKey('dashboard', type, asked),
  ttl: 'dashboard',
  of: [salesAnalytics, productReadView].map((projection) => ({
    projection,
    names: () => ['dashboard'],
  })),
})

export const salesQueries = (starts: WeekStarts) => [
  query({
    type: 'GetSalesAnalytics',
    input: salesInput,
    refuses: salesTrouble,
    keeping: keptOnDashboard('GetSalesAnalytics'),
    run: async (asked, reader) => {
      const groups = (await groupsOf(asked, reader, starts)).filter(hasSales)
      return shown(asked, groups.toSorted(bySize(sortingOf(asked, starts), saleSizes)), toSales)
    },
    answer: pageOf(
      object({
        ...group,
        discount_minor: money(),
        orders: integer(),
        average_amount_minor: money(),
        returns: integer(),
        returned_units: quantity(),
        returned_minor: money(),
      }),
    ),
    route: {
      ...route,
      path: '/api/v1/analytics/sales',
      summary: 'Orders and sales, units and amounts, by time, place, customer or goods',
    },
  }),
  query({
    type: 'GetReturnsAnalytics',
    input: salesInput,
    refuses: salesTrouble,
    keeping: keptOnDashboard('GetReturnsAnalytics'),
    run: async (asked, reader) => {
      const groups = (await groupsOf(asked, reader, starts)).filter(({ returns }) => returns !== 0)
      return shown(asked, groups.toSorted(bySize(sortingOf(asked, starts), backSizes)), toReturns)
    },
    answer: pageOf(object({ ...group, returns: integer(), average_amount_minor: money() })),
    route: {
      ...route,
      path: '/api/v1/analytics/returns',
      summary: 'Returns by time, place, customer or goods; negative as on the credit notes',
    },
  }),
]

export type Summed = Scaled & {
  readonly key: string
  readonly product_id: string | null
  readonly currency: string
}

async function groupsOf(
  asked: SalesInput,
  reader: Reader,
  starts: WeekStarts,
): Promise<readonly Summed[]> {
  const { column, length, shown, keyOf } = groupingOf(asked.group_by, starts)
  const rows = await reader.group(salesAnalytics, {
    where: whereOf(asked),
    by: [
      length === undefined ? column : { column, length },
      ...shown,
      'currency',
      'quantity_scale',
    ],
    sums: MEASURES,
  })
  // The columns were asked for by these names, and the store adds up exact integers.
  const counts = rows as unknown as readonly (Scaled & Readonly<Record<string, string>>)[]
  const groups = counts.map((row) => ({
    ...row,
    key: keyOf(row[column] as string),
    product_id: idOf(row.value),
    currency: row.currency as string,
  }))
  return merged(asked.group_by === 'product' ? await underOneCode(groups, reader) : groups)
}

const idOf = (value: string | undefined): string | null =>
  value === undefined || value.startsWith('code:') ? null : value

/** One row a key and currency, its units at the finest of the scales that met there. */
function merged(rows: readonly Summed[]): readonly Summed[] {
  const byPlace = new Map<string, Summed>()
  for (const row of rows) {
    const place = `${row.currency}|${row.key}`
    const before = byPlace.get(place)
    const product_id = row.product_id ?? before?.product_id ?? null
    byPlace.set(place, before === undefined ? row : { ...row, ...sumOf(before, row), product_id })
  }
  return [...byPlace.values()]
}

const hasSales = ({ orders, total_amount_minor, units }: Summed) =>
  orders !== 0 || total_amount_minor !== 0 || units !== 0

// ── order, page, shape ────────────────────────────────────────────────────────────────────────

type Sizes = Readonly<Record<Exclude<Sorting['by'], 'key'>, (summed: Summed) => number>>

const saleSizes: Sizes = {
  orders: ({ orders }) => orders,
  // At one fineness, so that they compare; the larger of two sums stays the larger.
  units: ({ units, quantity_scale }) => units / 10 ** quantity_scale,
  total_amount: ({ total_amount_minor }) => total_amount_minor,
  average_amount: ({ total_amount_minor, orders }) => averageOf(total_amount_minor, orders),
  returned: ({ returned_minor }) => -returned_minor,
}
/** What came back is negative, and the largest is the one that took most. */
const backSizes: Sizes = {
  orders: ({ returns }) => returns,
  units: ({ returned_units, quantity_scale }) => -returned_units / 10 ** quantity_scale,
  total_amount: saleSizes.returned,
  average_amount: ({ returned_minor, returns }) => -averageOf(returned_minor, returns),
  returned: saleSizes.returned,
}

const compared = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

const bySize =
  ({ by, descending }: Sorting, sizes: Sizes) =>
  (a: Summed, b: Summed): number => {
    const way = descending ? -1 : 1
    const size = by === 'key' ? 0 : way * (sizes[by](a) - sizes[by](b))
    const key = by === 'key' ? way * compared(a.key, b.key) : compared(a.key, b.key)
    return size || key || compared(a.currency, b.currency)
  }

function shown(
  { limit, offset = 0, group_by }: SalesInput,
  groups: readonly Summed[],
  to: (summed: Summed) => object,
) {
  const page = groups.slice(offset, limit === undefined ? undefined : offset + limit)
  const items = page.slice(0, GROUPS_MAX).map((summed) => ({
    key: summed.key,
    ...(group_by === 'product' ? { product_id: summed.product_id } : {}),
    currency: summed.currency,
    ...to(summed),
  }))
  return { items, total: groups.length, limit: limit ?? null, offset }
}

function toSales(summed: Summed) {
  const { orders, units, quantity_scale, returns, returned_units } = {
    ...summed,
    ...coarsest(summed),
  }
  const { total_amount_minor, net_minor, tax_minor, discount_minor, returned_minor } = summed
  return {
    orders,
    units,
    quantity_scale,
    total_amount_minor,
    net_minor,
    tax_minor,
    discount_minor,
    average_amount_minor: averageOf(total_amount_minor, orders),
    returns,
    returned_units,
    returned_minor,
  }
}

function toReturns(summed: Summed) {
  const { returned_minor, returned_net_minor, returned_tax_minor, returns } = summed
  // Only what came back counts for how fine it is shown.
  const { returned_units, quantity_scale } = coarsest({ ...summed, units: 0 })
  return {
    returns,
    units: returned_units,
    quantity_scale,
    total_amount_minor: returned_minor,
    net_minor: returned_net_minor,
    tax_minor: returned_tax_minor,
    average_amount_minor: averageOf(returned_minor, returns),
  }
}
