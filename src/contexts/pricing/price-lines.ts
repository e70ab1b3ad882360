// What a cart comes to: the one reckoning of money, for orders, tills and what is given back.
// Every amount is rounded where it stands on a line, and every total is the sum of its lines.
import { lineAmount, scaled } from '#kernel/money.ts'
import { apportion } from './apportion.ts'

/** A tax as it is due: `rate` in percent, `'8.875'`. Inclusive: the price has it in already. */
export type Rate = { readonly name: string; readonly rate: string; readonly is_inclusive: boolean }
/** Either a percentage (`'12.5'`) of what is left by then, or an amount; never below nothing. */
export type Discount =
  | { readonly name: string; readonly percent: string }
  | { readonly name: string; readonly amount_minor: number }

export type ToPrice = {
  /** 0 or more. */
  readonly unit_price_minor: number
  /** An integer of the smallest step, 0 or more. */
  readonly quantity: number
  readonly quantity_scale: number
  readonly rates: readonly Rate[]
  readonly discounts: readonly Discount[]
}
export type PricingRules = {
  readonly rounding: 'half_up' | 'half_even'
  /** `total`: one tax per rate of the whole cart, shared out over its lines. */
  readonly tax_level: 'line' | 'total'
}

export type TaxLine = Rate & { readonly amount_minor: number }
export type DiscountLine = { readonly name: string; readonly amount_minor: number }
/** `amount_minor` is what it costs: net_minor + tax_minor. Discounts are off it already. */
export type Amounts = {
  readonly amount_minor: number
  readonly net_minor: number
  readonly tax_minor: number
  readonly discount_minor: number
}
export type PricedLine = Amounts & {
  readonly taxes: readonly TaxLine[]
  readonly discounts: readonly DiscountLine[]
}
export type PricedCart = { readonly lines: readonly PricedLine[]; readonly totals: Amounts }

/**
 * Prices the lines of one cart; `discounts` are those of the cart as a whole, shared out over its
 * lines. Throws a RangeError beyond 2^53 - 1 minor units.
 */
export function priceLines(
  items: readonly ToPrice[],
  rules: PricingRules,
  discounts: readonly Discount[] = [],
): PricedCart {
  const drafts = items.map((item) => listed(item, rules))
  for (const discount of discounts) takeOff(drafts, discount, rules)
  const groups =
    rules.tax_level === 'line'
      ? drafts.map((draft) => [draft])
      : [...Map.groupBy(drafts, ({ rates }) => JSON.stringify(rates)).values()]
  for (const group of groups) tax(group, rules)
  const lines = drafts.map(closed)
  return { lines, totals: totalsOf(lines) }
}

/** The sums over lines. Throws a RangeError beyond 2^53 - 1 minor units. */
export function totalsOf(lines: readonly Amounts[]): Amounts {
  const sum = (field: keyof Amounts) => safe(lines.reduce((all, line) => all + line[field], 0))
  return {
    amount_minor: sum('amount_minor'),
    net_minor: sum('net_minor'),
    tax_minor: sum('tax_minor'),
    discount_minor: sum('discount_minor'),
  }
}

/** A line on its way: what is left of it after each discount, then its taxes. */
type Draft = {
  readonly rates: readonly Rate[]
  readonly discounts: DiscountLine[]
  readonly taxes: TaxLine[]
  left: number
}

function listed({ rates, discounts, ...item }: ToPrice, rules: PricingRules): Draft {
  const { unit_price_minor, quantity, quantity_scale } = item
  const draft: Draft = {
    rates,
    discounts: [],
    taxes: [],
    left: lineAmount(unit_price_minor, quantity, quantity_scale, rules.rounding),
  }
  for (const discount of discounts) takeOff([draft], discount, rules)
  return draft
}

function takeOff(drafts: readonly Draft[], discount: Discount, { rounding }: PricingRules): void {
  const weights = drafts.map(({ left }) => left)
  const left = safe(weights.reduce((sum, weight) => sum + weight, 0))
  const wanted =
    'percent' in discount
      ? portion(left, partsOf(discount.percent), MILLION, rounding)
      : discount.amount_minor
  const shares = apportion(Math.min(left, wanted), weights)
  for (const [i, draft] of drafts.entries()) {
    if (shares[i] === 0) continue
    draft.left -= shares[i]!
    draft.discounts.push({ name: discount.name, amount_minor: shares[i]! })
  }
}

/** Lines with the same rates, taxed as one. */
function tax(group: readonly Draft[], { rounding }: PricingRules): void {
  const { rates } = group[0]!
  const weights = group.map(({ left }) => left)
  const gross = safe(weights.reduce((sum, weight) => sum + weight, 0))
  const parts = rates.map(({ rate }) => partsOf(rate))
  const inside = rates.map(({ is_inclusive }, i) => (is_inclusive ? parts[i]! : 0))
  const all = inside.reduce((sum, part) => sum + part, 0)
  const net = portion(gross, MILLION, MILLION + all, rounding)
  const shared = apportion(gross - net, inside)
  const amounts = rates.map(({ is_inclusive }, i) =>
    is_inclusive ? shared[i]! : portion(net, parts[i]!, MILLION, rounding),
  )
  // By what is left of each line after the taxes before, so that no line bears more than it costs.
  const left = [...weights]
  for (const [k, rate] of rates.entries()) {
    const shares = apportion(amounts[k]!, rate.is_inclusive ? left : weights)
    for (const [i, { taxes }] of group.entries()) {
      taxes.push({ ...rate, amount_minor: shares[i]! })
      if (rate.is_inclusive) left[i]! -= shares[i]!
    }
  }
}

function closed({ left, taxes, discounts }: Draft): PricedLine {
  const sum = (lines: readonly { readonly amount_minor: number }[]) =>
    lines.reduce((all, { amount_minor }) => all + amount_minor, 0)
  const net_minor = left - sum(taxes.filter(({ is_inclusive }) => is_inclusive))
  const tax_minor = sum(taxes)
  return {
    amount_minor: safe(net_minor + tax_minor),
    net_minor,
    tax_minor,
    discount_minor: sum(discounts),
    taxes,
    discounts,
  }
}

const PERCENT_DECIMALS = 4
/** 100 percent, in parts. */
const MILLION = 100 * 10 ** PERCENT_DECIMALS

/** `'12.5'` percent in parts of a million. */
function partsOf(percent: string): number {
  const read = scaled(percent, PERCENT_DECIMALS)
  if (!read.ok || read.value < 0) throw new Error(`${percent} is not a percentage`)
  return read.value
}

/** Why this is no percentage that can be reckoned with; null: it is one. */
export function percentTrouble(percent: string): string | null {
  const read = scaled(percent, PERCENT_DECIMALS)
  if (!read.ok) return read.reason
  return read.value < 0 || read.value > MILLION ? 'must lie between 0 and 100' : null
}

/** amount × part / of, rounded. */
function portion(
  amount: number,
  part: number,
  of: number,
  rounding: PricingRules['rounding'],
): number {
  const product = BigInt(amount) * BigInt(part)
  const divisor = BigInt(of)
  const whole = product / divisor
  const twice = (product % divisor) * 2n
  const isUp =
    twice > divisor || (twice === divisor && (rounding === 'half_up' || whole % 2n === 1n))
  return safe(Number(isUp ? whole + 1n : whole))
}

function safe(amount: number): number {
  if (!Number.isSafeInteger(amount)) throw new RangeError('an amount beyond 2^53 minor units')
  return amount
}
