// The measures of a number row, and how they add up: units of different fineness too. Pure.
import type { Side } from './booking.ts'

export type Counts = {
  readonly orders: number
  readonly units: number
  readonly total_amount_minor: number
  readonly net_minor: number
  readonly tax_minor: number
  readonly discount_minor: number
  readonly returns: number
  /** Signed as credit notes are: what came back is negative, so sales + returns is the net. */
  readonly returned_units: number
  readonly returned_minor: number
  readonly returned_net_minor: number
  readonly returned_tax_minor: number
}
/** `quantity_scale`: of both numbers of units; as fine as the finest quantity counted. */
export type Scaled = Counts & { readonly quantity_scale: number }

export const NOTHING: Counts = {
  orders: 0,
  units: 0,
  total_amount_minor: 0,
  net_minor: 0,
  tax_minor: 0,
  discount_minor: 0,
  returns: 0,
  returned_units: 0,
  returned_minor: 0,
  returned_net_minor: 0,
  returned_tax_minor: 0,
}
export const MEASURES = Object.keys(NOTHING) as readonly (keyof Counts)[]

/** Columns of a table that counts. */
export const countColumns = {
  quantity_scale: 'int',
  orders: 'int',
  units: 'quantity',
  total_amount_minor: 'money',
  net_minor: 'money',
  tax_minor: 'money',
  discount_minor: 'money',
  returns: 'int',
  returned_units: 'quantity',
  returned_minor: 'money',
  returned_net_minor: 'money',
  returned_tax_minor: 'money',
} as const

export const isNothing = (counts: Counts): boolean =>
  MEASURES.every((measure) => counts[measure] === 0)

/** What a side comes to; all its lines count as one order or one return. */
export function countsOf({ as, sign, count, lines }: Side): Scaled {
  const quantity_scale = lines.reduce((scale, line) => Math.max(scale, line.quantity_scale), 0)
  let [units, amount, net, tax, discount] = [0, 0, 0, 0, 0]
  for (const line of lines) {
    units += sign * line.quantity * 10 ** (quantity_scale - line.quantity_scale)
    amount += sign * line.amount_minor
    net += sign * line.net_minor
    tax += sign * line.tax_minor
    discount += sign * line.discount_minor
  }
  return as === 'sold'
    ? {
        ...NOTHING,
        quantity_scale,
        orders: count,
        units,
        total_amount_minor: amount,
        net_minor: net,
        tax_minor: tax,
        discount_minor: discount,
      }
    : {
        ...NOTHING,
        quantity_scale,
        returns: count,
        returned_units: units,
        returned_minor: amount,
        returned_net_minor: net,
        returned_tax_minor: tax,
      }
}

export function sumOf(a: Scaled, b: Scaled): Scaled {
  const quantity_scale = Math.max(a.quantity_scale, b.quantity_scale)
  const [one, other] = [rescaled(a, quantity_scale), rescaled(b, quantity_scale)]
  return {
    quantity_scale,
    orders: one.orders + other.orders,
    units: one.units + other.units,
    total_amount_minor: one.total_amount_minor + other.total_amount_minor,
    net_minor: one.net_minor + other.net_minor,
    tax_minor: one.tax_minor + other.tax_minor,
    discount_minor: one.discount_minor + other.discount_minor,
    returns: one.returns + other.returns,
    returned_units: one.returned_units + other.returned_units,
    returned_minor: one.returned_minor + other.returned_minor,
    returned_net_minor: one.returned_net_minor + other.returned_net_minor,
    returned_tax_minor: one.returned_tax_minor + other.returned_tax_minor,
  }
}

function rescaled(counts: Scaled, scale: number): Scaled {
  if (counts.quantity_scale === scale) return counts
  const factor = 10 ** (scale - counts.quantity_scale)
  return {
    ...counts,
    units: counts.units * factor,
    returned_units: counts.returned_units * factor,
  }
}

/** The same without decimals that are zero in any case. */
export function coarsest(counts: Scaled): Scaled {
  let { units, returned_units, quantity_scale } = counts
  while (quantity_scale > 0 && units % 10 === 0 && returned_units % 10 === 0) {
    units /= 10
    returned_units /= 10
    quantity_scale -= 1
  }
  return { ...counts, units, returned_units, quantity_scale }
}

/** Of nothing: 0. Rounded half away from zero, as amounts are. */
export function averageOf(total: number, count: number): number {
  if (count === 0) return 0
  const magnitude = Math.floor((2 * Math.abs(total) + Math.abs(count)) / (2 * Math.abs(count)))
  return Math.sign(total) * Math.sign(count) * magnitude || 0
}
