// A part of a priced line: what so many of its units cost, so that parts taken one after the other
// come to the whole line, to the last minor unit.
import type { PricedLine } from './price-lines.ts'

/** Of `of` units, those after the first `from`, up to `to`. 0 <= from <= to <= of, of > 0. */
export type Units = { readonly from: number; readonly to: number; readonly of: number }

/**
 * What these units came to. What is paid for them and each discount is rounded as a running sum, so
 * that the parts of a line add up to it however it is cut: the last part closes to zero. Units that
 * cost the same come to the same; only then is it said what of it is tax.
 */
export function partOfLine(line: PricedLine, units: Units): PricedLine {
  const { from, to, of } = units
  if (!(0 <= from && from <= to && to <= of && of > 0))
    throw new RangeError(`units ${from} to ${to} of ${of} are no part of a line`)
  const before = split(line, from, of)
  const after = split(line, to, of)
  const taxes = line.taxes.map((tax, i) => ({
    ...tax,
    amount_minor: after.taxes[i]! - before.taxes[i]!,
  }))
  const discounts = line.discounts.map((each) => ({
    ...each,
    amount_minor: share(each.amount_minor, to, of) - share(each.amount_minor, from, of),
  }))
  const sum = (parts: readonly { readonly amount_minor: number }[]) =>
    parts.reduce((all, { amount_minor }) => all + amount_minor, 0)
  const net_minor = after.net - before.net
  const tax_minor = sum(taxes)
  return {
    amount_minor: net_minor + tax_minor,
    net_minor,
    tax_minor,
    discount_minor: sum(discounts),
    taxes,
    discounts,
  }
}

/**
 * The first units' share of the amount, taken apart: each tax is its share of what the taxes before
 * leave, and the net is the rest. No figure ever shrinks while the units grow.
 */
function split({ amount_minor, taxes }: PricedLine, units: number, of: number) {
  let left = share(amount_minor, units, of)
  let whole = amount_minor
  const parts = taxes.map((tax) => {
    const part = share(tax.amount_minor, left, whole || 1)
    left -= part
    whole -= tax.amount_minor
    return part
  })
  return { taxes: parts, net: left }
}

/** amount × units / of, rounded half up; grows with the units. */
function share(amount: number, units: number, of: number): number {
  const twice = 2n * BigInt(amount) * BigInt(units)
  return Number((twice + BigInt(of)) / (2n * BigInt(of)))
}
