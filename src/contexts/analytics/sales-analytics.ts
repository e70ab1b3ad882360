// Sales and returns per day, four ways over: in all, by country, by product, by customer. Each row
// is one such number of one day and currency; every question about sales is a sum over these rows.

import type { ReturnRecorded } from '#contexts/returns/public.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection, type Row } from '#kernel/projection.ts'

export type Dimension = 'all' | 'country' | 'product' | 'customer'

export type SalesRow = Row & {
  readonly sales_key: string
  readonly dimension: string
  readonly value: string
  readonly day: string
  readonly currency: string
  /** Of both numbers of units; as fine as the finest quantity counted here. */
  readonly quantity_scale: number
} & Counts

export type Counts = {
  readonly orders: number
  readonly units: number
  readonly total_amount_minor: number
  readonly returns: number
  /** Signed as credit notes are: what came back is negative, so sales + returns is the net. */
  readonly returned_units: number
  readonly returned_minor: number
}

/** What is read of orders and of their cancelling, which takes back all that the order counted. */
type Sold = {
  readonly customer_id: string | null
  readonly country: string | null
  readonly currency: string
  readonly total_amount_minor: number
  readonly lines: readonly Sum[]
  readonly placed_at: string
}
type Sum = {
  readonly code: string
  readonly quantity: number
  readonly quantity_scale: number
  readonly amount_minor: number
}
type Deal = Omit<Sold, 'placed_at'>

/** What one event adds to one row. */
type Delta = {
  readonly dimension: Dimension
  readonly value: string
  readonly units: number
  readonly quantity_scale: number
  readonly minor: number
}

export const salesAnalytics = projection<SalesRow>({
  name: 'sales_analytics',
  version: 1,
  table: {
    name: 'sales_analytics',
    key: 'sales_key',
    columns: {
      sales_key: 'text',
      dimension: 'text',
      value: 'text',
      day: 'day',
      currency: 'text',
      quantity_scale: 'int',
      orders: 'int',
      units: 'quantity',
      total_amount_minor: 'money',
      returns: 'int',
      returned_units: 'quantity',
      returned_minor: 'money',
    },
    indexes: [['dimension', 'day']],
  },
  on: {
    // The day is the data's, so that the cancelling finds the rows again, also around midnight.
    OrderCreated: counting<Sold>(
      ({ data }) => data.placed_at,
      ({ units, minor }) => ({ ...NOTHING, orders: 1, units, total_amount_minor: minor }),
    ),
    OrderCancelled: counting<Sold>(
      ({ data }) => data.placed_at,
      ({ units, minor }) => ({ ...NOTHING, orders: -1, units: -units, total_amount_minor: -minor }),
    ),
    ReturnRecorded: counting<ReturnRecorded>(
      ({ occurred_at }) => occurred_at,
      ({ units, minor }) => ({
        ...NOTHING,
        returns: 1,
        returned_units: units,
        returned_minor: minor,
      }),
    ),
  },
})

export const NOTHING: Counts = {
  orders: 0,
  units: 0,
  total_amount_minor: 0,
  returns: 0,
  returned_units: 0,
  returned_minor: 0,
}

function counting<D extends Deal>(
  when: (event: Recorded<D>) => string,
  count: (delta: Delta) => Counts,
): Handler<SalesRow, D> {
  // Asked once for the keys and then once a key: an order of 1,000 lines must not be summed 1,000
  // times.
  const memo = new WeakMap<object, ReadonlyMap<string, Delta>>()
  const dayOf = (event: Recorded<D>) => when(event).slice(0, 10)
  const deltas = (event: Recorded<D>): ReadonlyMap<string, Delta> => {
    const known = memo.get(event)
    if (known !== undefined) return known
    const made = deltasOf(event.data, dayOf(event))
    memo.set(event, made)
    return made
  }
  return {
    keys: (event) => [...deltas(event).keys()],
    apply: (row, event, key) => {
      const delta = deltas(event).get(key)
      if (delta === undefined) return row
      const { dimension, value, quantity_scale } = delta
      const place = { dimension, value, day: dayOf(event), currency: event.data.currency }
      return added(row ?? { sales_key: key, ...place, quantity_scale, ...NOTHING }, delta, count)
    },
  }
}

/** The row with the delta in it; null when nothing is left to count. */
function added(row: SalesRow, delta: Delta, count: (delta: Delta) => Counts): SalesRow | null {
  const quantity_scale = Math.max(row.quantity_scale, delta.quantity_scale)
  const before = rescaled(row, row.quantity_scale, quantity_scale)
  const more = rescaled(count(delta), delta.quantity_scale, quantity_scale)
  const counts = sumOf(before, more)
  const nothing = Object.values(counts).every((number) => number === 0)
  return nothing ? null : { ...row, quantity_scale, ...counts }
}

export const sumOf = (a: Counts, b: Counts): Counts => ({
  orders: a.orders + b.orders,
  units: a.units + b.units,
  total_amount_minor: a.total_amount_minor + b.total_amount_minor,
  returns: a.returns + b.returns,
  returned_units: a.returned_units + b.returned_units,
  returned_minor: a.returned_minor + b.returned_minor,
})

/** The same counts with units as integers of a finer step. */
export function rescaled(counts: Counts, from: number, to: number): Counts {
  if (from === to) return counts
  const factor = 10 ** (to - from)
  return {
    ...counts,
    units: counts.units * factor,
    returned_units: counts.returned_units * factor,
  }
}

function deltasOf(deal: Deal, day: string): ReadonlyMap<string, Delta> {
  const { customer_id, country, currency, total_amount_minor, lines } = deal
  const deltas = new Map<string, Delta>()
  const put = (delta: Delta) =>
    deltas.set(`${delta.dimension}|${delta.value}|${day}|${currency}`, delta)
  const whole = { ...unitsOf(lines), minor: total_amount_minor }
  put({ dimension: 'all', value: 'all', ...whole })
  put({ dimension: 'country', value: country ?? 'unknown', ...whole })
  put({ dimension: 'customer', value: customer_id ?? 'guest', ...whole })
  // A product that stands on several lines is sold once, in the sum of their units.
  for (const [code, ofProduct] of Map.groupBy(lines, ({ code }) => code)) {
    const minor = ofProduct.reduce((sum, { amount_minor }) => sum + amount_minor, 0)
    put({ dimension: 'product', value: code, ...unitsOf(ofProduct), minor })
  }
  return deltas
}

function unitsOf(lines: readonly Sum[]): Pick<Delta, 'units' | 'quantity_scale'> {
  const quantity_scale = lines.reduce((scale, line) => Math.max(scale, line.quantity_scale), 0)
  const units = lines.reduce(
    (sum, line) => sum + line.quantity * 10 ** (quantity_scale - line.quantity_scale),
    0,
  )
  return { units, quantity_scale }
}
