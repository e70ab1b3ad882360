// What may be asked of sales: by what they are grouped and which of them count. Each question is
// answered from the rows of one dimension; what no dimension tells apart is refused, never guessed.
import { storeIdOf } from '#contexts/stores/public.ts'
import { between } from '#kernel/listing.ts'
import type { Filter } from '#kernel/projection.ts'
import {
  day,
  type FieldErrors,
  type Infer,
  id,
  integer,
  object,
  oneOf,
  optional,
  text,
} from '#kernel/schema.ts'
import { CHANNELS } from './booking.ts'
import type { Dimension } from './sales-analytics.ts'
import { type WeekStarts, weekOf } from './weeks.ts'

const GROUPS = [
  ...(['day', 'week', 'month', 'store', 'channel'] as const),
  ...(['country', 'customer', 'department', 'product'] as const),
] as const

const SORTABLE = ['key', 'orders', 'units', 'total_amount', 'average_amount', 'returned'] as const
type Sortable = (typeof SORTABLE)[number]

export const GROUPS_MAX = 100_000

export const daysBetween = {
  from: optional(day({ description: 'First day, by the calendar of the store.' })),
  to: optional(day({ description: 'Last day; included.' })),
}
export const salesInput = object({
  ...daysBetween,
  group_by: optional(
    oneOf(GROUPS, { description: 'Default day. ISO weeks (2010-W48) begin on Monday.' }),
  ),
  store_id: optional(id({ description: 'main is the main store.' })),
  channel: optional(oneOf(CHANNELS)),
  currency: optional(text({ min: 3, max: 3 })),
  country: optional(text({ max: 100, description: 'unknown: where none was told.' })),
  customer_id: optional(id({ description: 'guest: who is nobody in particular.' })),
  department_id: optional(id({ description: 'none: products without one.' })),
  product_id: optional(id()),
  sort: optional(
    oneOf([...SORTABLE, ...SORTABLE.map((column) => `-${column}` as const)], {
      description: 'With - before it: descending. Times stand in their order, all else by amount.',
    }),
  ),
  limit: optional(integer({ min: 1, max: GROUPS_MAX, description: 'Default: all groups.' })),
  offset: optional(integer({ min: 0 })),
})
export type SalesInput = Infer<typeof salesInput>

/** The filters that tell who or what, and the dimension whose rows know it. */
const TOLD_BY = {
  country: 'country',
  customer_id: 'customer',
  department_id: 'department',
  product_id: 'product',
} as const satisfies Partial<Record<keyof SalesInput, Dimension>>
type Who = keyof typeof TOLD_BY

const whoIn = (asked: SalesInput): readonly Who[] =>
  (Object.keys(TOLD_BY) as Who[]).filter((field) => asked[field] !== undefined)

/** Field to what is wrong; null: it can be answered. */
export function salesTrouble(asked: SalesInput): FieldErrors | null {
  const dimension = dimensionOf(asked)
  const odd = whoIn(asked).filter((field) => !tells(dimension, field))
  if (odd.length === 0) return null
  const beside =
    dimensionIn(asked.group_by) === null ? 'the other filters' : `group_by=${asked.group_by}`
  const reason = `is not offered together with ${beside}: no numbers are kept of both`
  return Object.fromEntries(odd.map((field) => [field, reason]))
}

/** Rows of products know their department. */
const tells = (dimension: Dimension, field: Who): boolean =>
  TOLD_BY[field] === dimension || (dimension === 'product' && field === 'department_id')

function dimensionIn(group_by: SalesInput['group_by']): Exclude<Dimension, 'all'> | null {
  const dimensions: readonly unknown[] = Object.values(TOLD_BY)
  // Just seen to be among them.
  return dimensions.includes(group_by) ? (group_by as Exclude<Dimension, 'all'>) : null
}

function dimensionOf(asked: SalesInput): Dimension {
  const grouped = dimensionIn(asked.group_by)
  if (grouped !== null) return grouped
  const who = whoIn(asked)
  if (who.includes('product_id')) return 'product'
  return who[0] === undefined ? 'all' : TOLD_BY[who[0]]
}

export function whereOf(asked: SalesInput): Filter {
  const dimension = dimensionOf(asked)
  const { store_id, channel, currency } = asked
  const value = whoIn(asked).find((field) => TOLD_BY[field] === dimension)
  const { department_id } = asked
  return {
    dimension,
    value: value && asked[value],
    department_id: dimension === 'product' ? department_id : undefined,
    day: between(asked.from, asked.to),
    store_id: store_id && storeIdOf(store_id),
    channel,
    currency,
  }
}

export type Grouping = {
  readonly column: string
  /** Only so many of its characters. */
  readonly length?: number
  /** Beside it, what else a group is shown with. */
  readonly shown: readonly string[]
  readonly keyOf: (value: string) => string
  readonly isTime: boolean
}

export function groupingOf(group_by: SalesInput['group_by'], starts: WeekStarts): Grouping {
  const asIs = { shown: [], keyOf: (value: string) => value, isTime: false }
  switch (group_by) {
    case undefined:
    case 'day':
      return { ...asIs, column: 'day', isTime: true }
    case 'week':
      return { ...asIs, column: 'day', isTime: true, keyOf: (day) => weekOf(day, starts) }
    case 'month':
      return { ...asIs, column: 'day', length: 7, isTime: true }
    case 'store':
      return { ...asIs, column: 'store_id' }
    case 'channel':
      return { ...asIs, column: 'channel' }
    case 'product':
      return { ...asIs, column: 'code', shown: ['value'] }
    default:
      return { ...asIs, column: 'value' }
  }
}

export type Sorting = { readonly by: Sortable; readonly descending: boolean }

export function sortingOf({ sort, group_by }: SalesInput, starts: WeekStarts): Sorting {
  if (sort === undefined)
    return groupingOf(group_by, starts).isTime
      ? { by: 'key', descending: false }
      : { by: 'total_amount', descending: true }
  // The rest is one of those that may be sorted by: the schema has seen to that.
  return { by: sort.replace(/^-/, '') as Sortable, descending: sort.startsWith('-') }
}
