// A part of a priced line: what so many of its units cost, so that parts taken one after the other
// come to the whole line, to the last minor unit.
import type { PricedLine } from './price-lines.ts'

/** Of `of` units, those after the first `from`, up to `to`. 0 <= from <= to <= of, of > 0. */
export type Units = { readonly from: number; readonly to: number; readonly of: number }

/**
 * What these units came to. Each figure is rounded as a running sum, so that the parts of a line
 * add up to it however it is cut: the last part closes to zero.
 */
export function partOfLine(line: PricedLine, units: Units): PricedLine {
  const { from, to, of } = units
  if (!(0 <= from && from <= to && to <= of && of > 0))
    throw new RangeError(`units ${from} to ${to} of ${of} are no part of a line`)
  const part = (amount: number) => upTo(amount, to, of) - upTo(amount, from, of)
  const taxes = line.taxes.map((tax) => ({ ...tax, amount_minor: part(tax.amount_minor) }))
  const discounts = line.discounts.map((each) => ({
    ...each,
    amount_minor: part(each.amount_minor),
  }))
  const sum = (parts: readonly { readonly amount_minor: number }[]) =>
    parts.reduce((all, { amount_minor }) => all + amount_minor, 0)
  const net_minor = part(line.net_minor)
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

/** amount × units / of, rounded half up; grows with the units. */
function upTo(amount: number, units: number, of: number): number {
  const twice = 2n * BigInt(amount) * BigInt(units)
  return Number((twice + BigInt(of)) / (2n * BigInt(of)))
}
