// Sales and returns per day, store, channel and currency, five ways over: in all, by country, by
// customer, by department, by product. Every question about sales is a sum over these rows.
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection, type Row } from '#kernel/projection.ts'
import {
  type Booking,
  bookingOf,
  type Goods,
  groupsOf,
  productKeyOf,
  type Side,
  TRADE,
} from './booking.ts'
import { countColumns, countsOf, isNothing, type Scaled, sumOf } from './counts.ts'

export type Dimension = 'all' | 'country' | 'customer' | 'department' | 'product'

export type SalesRow = Row & {
  readonly sales_key: string
  readonly dimension: string
  /** Which country, customer, department or product it is; `all` for all of them. */
  readonly value: string
  /** Of products alone: as it stood on what was sold. */
  readonly code: string | null
  /** Of products alone: which department it was sold in. */
  readonly department_id: string | null
  readonly day: string
  readonly store_id: string
  readonly channel: string
  readonly currency: string
} & Scaled

/** Who or what is not known has a name as well, so that it can be asked for. */
const UNKNOWN_COUNTRY = 'unknown'
const GUEST = 'guest'
const NO_DEPARTMENT = 'none'

export const salesAnalytics = projection<SalesRow>({
  name: 'sales_analytics',
  version: 2,
  table: {
    name: 'sales_analytics',
    key: 'sales_key',
    columns: {
      sales_key: 'text',
      dimension: 'text',
      value: 'text',
      code: { kind: 'text', nullable: true },
      department_id: { kind: 'text', nullable: true },
      day: 'day',
      store_id: 'text',
      channel: 'text',
      currency: 'text',
      ...countColumns,
    },
    indexes: [
      ['dimension', 'day'],
      ['dimension', 'value', 'day'],
    ],
  },
  on: Object.fromEntries(TRADE.map((type) => [type, counted()])),
})

/** What one event adds to one row. */
type Delta = { readonly place: Place; readonly counts: Scaled }
type Place = Pick<SalesRow, 'dimension' | 'value' | 'code' | 'department_id'>

function counted(): Handler<SalesRow> {
  // Asked once for the keys and then once a key: an order of 1,000 lines must not be summed 1,000
  // times.
  const memo = new WeakMap<object, ReadonlyMap<string, Delta>>()
  const deltas = (event: Recorded): ReadonlyMap<string, Delta> => {
    const known = memo.get(event)
    if (known !== undefined) return known
    const made = deltasOf(bookingOf(event))
    memo.set(event, made)
    return made
  }
  return {
    keys: (event) => [...deltas(event).keys()],
    apply: (row, event, sales_key) => {
      const booking = bookingOf(event)
      const delta = deltas(event).get(sales_key)
      if (booking === null || delta === undefined) return row
      const { day, store_id, channel, currency } = booking
      const place = { sales_key, ...delta.place, day, store_id, channel, currency }
      const counts = row === undefined ? delta.counts : sumOf(row, delta.counts)
      return isNothing(counts) ? null : { ...place, ...counts }
    },
  }
}

function deltasOf(booking: Booking | null): ReadonlyMap<string, Delta> {
  const deltas = new Map<string, Delta>()
  if (booking === null) return deltas
  const { day, store_id, channel, currency, country, customer_id } = booking
  const where = `${day}|${store_id}|${channel}|${currency}`
  const add = (dimension: Dimension, value: string, side: Side, product: Partial<Place> = {}) => {
    const place = { dimension, value, code: null, department_id: null, ...product }
    // The value last: it alone may have any characters.
    const key = `${dimension}|${where}|${place.department_id ?? ''}|${value}`
    const counts = countsOf(side)
    const before = deltas.get(key)?.counts
    deltas.set(key, { place, counts: before === undefined ? counts : sumOf(before, counts) })
  }
  for (const side of booking.sides) {
    add('all', 'all', side)
    add('country', (side.country === undefined ? country : side.country) ?? UNKNOWN_COUNTRY, side)
    add('customer', customer_id ?? GUEST, side)
    for (const [department_id, part] of groupsOf(side, departmentOf))
      add('department', department_id, part)
    for (const [value, product] of groupsOf(side, productKeyOf))
      for (const [department_id, part] of byDepartment(product))
        add('product', value, part, { code: part.lines[0]!.code, department_id })
  }
  return deltas
}

const departmentOf = ({ department_id }: Goods) => department_id ?? NO_DEPARTMENT

/**
 * A product that stands on several lines is sold once, in the sum of their units; also where its
 * department changed from one line to the other.
 */
function byDepartment(side: Side): readonly (readonly [string, Side])[] {
  const parts = [...Map.groupBy(side.lines, departmentOf)]
  return parts.map(([department_id, lines], at) => [
    department_id,
    { ...side, count: at === 0 ? side.count : 0, lines },
  ])
}
