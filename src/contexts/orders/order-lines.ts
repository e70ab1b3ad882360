// From what a customer asks for to an order's lines: products that are there, quantities in their
// steps, the prices in force, amounts rounded line by line. The total is their sum.
import { priceAt, product } from '#contexts/catalog/public.ts'
import {
  type Amounts,
  currencyTrouble,
  type PricedCart,
  priceLines,
  pricingRules,
  ratesFor,
  type ToPrice,
} from '#contexts/pricing/public.ts'
import { type Given, invalid, type Moment, type Rejected, reject } from '#kernel/decider.ts'
import { decimalNumber, exponentOf, lineAmount, reckoned, scaled } from '#kernel/money.ts'
import type { Infer } from '#kernel/schema.ts'
import { discountsOf, discountTrouble, namesPrices, type Told } from './order-discounts.ts'
import type { line } from './order-line.ts'

export type Item = {
  readonly product_id: string
  readonly quantity: string
  readonly price?: string
  readonly discounts?: Told
}
/** What counts for the whole order: where it goes, and what is off it. */
export type Cart = { readonly country: string | null; readonly discounts?: Told | undefined }
export type Priced = {
  readonly currency: string
  readonly lines: Infer<typeof line>[]
  readonly total_amount_minor: number
} & Omit<Amounts, 'amount_minor'>
type Rules = Pick<Moment, 'settings' | 'source' | 'now'>

export function pricedLines(
  items: readonly Item[],
  wantedCurrency: string | undefined,
  given: Given,
  rules: Rules,
  cart: Cart = { country: null },
): Priced | Rejected {
  const unknown = items.flatMap(({ product_id }, i) => {
    const state = given.state(product.seen(product_id))
    return state === null || !state.is_active ? [i] : []
  })
  if (unknown.length > 0) return unknownProducts(items, unknown)

  const first = given.state(product.seen(items[0]!.product_id))!
  const currency = wantedCurrency ?? first.currency
  const no = cartCurrencyTrouble(items, currency, given, rules)
  if (no !== null) return no
  const refused = discountTrouble(discounted(items, cart), rules)
  if (refused !== null) return refused

  const errors: Record<string, string> = {}
  const wrongPrices: WrongPrice[] = []
  const read = items.map((item, i) => {
    const one = itemRead(item, i, { currency, country: cart.country, given, rules }, errors)
    if (one !== null && one.wrong !== null) wrongPrices.push(one.wrong)
    return one
  })
  const off = discountsOf(cart.discounts ?? [], exponentOf(currency), 'discounts', errors)
  if (Object.keys(errors).length > 0) return invalid(errors)
  if (wrongPrices.length > 0)
    return reject('price_mismatch', 'The price has changed; these are the prices in force.', {
      details: { currency, items: wrongPrices.slice(0, NAMED_MAX) },
    })
  const known = read.filter((each) => each !== null)
  const priced = reckoned(() => priceLines(known, pricingRules(rules.settings), off))
  if (priced === null) return invalid({ items: 'come to more than can be paid' })
  return { currency, ...orderLines(known, priced) }
}

/** Where discounts are told, if they take anything off. */
const discounted = (items: readonly Item[], cart: Cart): readonly string[] => [
  ...(cart.discounts?.length ? ['discounts'] : []),
  ...items.flatMap(({ discounts }, i) => (discounts?.length ? [`items.${i}.discounts`] : [])),
]

function orderLines(known: readonly Read[], { lines, totals }: PricedCart) {
  const { amount_minor: total_amount_minor, ...taxed } = totals
  return {
    lines: known.map(({ goods, unit_price_minor }, i) => {
      const { taxes, discounts, ...amounts } = lines[i]!
      return {
        line: i + 1,
        ...goods,
        unit_price_minor,
        ...amounts,
        taxes: [...taxes],
        discounts: [...discounts],
      }
    }),
    total_amount_minor,
    ...taxed,
  }
}

const NAMED_MAX = 20

function unknownProducts(items: readonly Item[], at: readonly number[]): Rejected {
  const errors = Object.fromEntries(
    at.slice(0, NAMED_MAX).map((i) => [`items.${i}.product_id`, 'is not a product that is sold']),
  )
  const ids = [...new Set(at.map((i) => items[i]!.product_id))].slice(0, NAMED_MAX)
  return reject('not_found', `There is no product ${ids.join(', ')}.`, { errors })
}

function cartCurrencyTrouble(
  items: readonly Item[],
  currency: string,
  given: Given,
  { settings }: Rules,
): Rejected | null {
  const notTaken = currencyTrouble(currency, settings)
  if (notTaken !== null) return invalid({ currency: notTaken })
  const other = items.findIndex(
    ({ product_id }) => given.state(product.seen(product_id))?.currency !== currency,
  )
  if (other < 0) return null
  return reject('currency_mismatch', `Not everything in the order is priced in ${currency}.`, {
    errors: { [`items.${other}.product_id`]: `is not priced in ${currency}` },
  })
}

type WrongPrice = { readonly item: number; readonly price: number; readonly given: number }
type Goods = Pick<
  Infer<typeof line>,
  'product_id' | 'code' | 'name' | 'department_id' | 'quantity' | 'quantity_scale'
>
type Read = ToPrice & { readonly goods: Goods; readonly wrong: WrongPrice | null }
type Reading = {
  readonly currency: string
  readonly country: string | null
  readonly given: Given
  readonly rules: Rules
}

/** null: something is wrong with it, and noted. */
function itemRead(
  item: Item,
  index: number,
  { currency, country, given, rules }: Reading,
  errors: Record<string, string>,
): Read | null {
  const at = `items.${index}`
  const no = (field: string, reason: string) => {
    errors[`${at}.${field}`] = reason
    return null
  }
  const state = given.state(product.seen(item.product_id))!
  const { code, name, department_id, tax_class, quantity_scale } = state
  const { sell_price_minor } = priceAt(state, rules.now)
  const quantity = scaled(item.quantity, quantity_scale)
  if (!quantity.ok) return no('quantity', quantity.reason)
  if (quantity.value <= 0) return no('quantity', 'must be more than 0')
  const exponent = exponentOf(currency)
  const told = item.price === undefined ? null : scaled(item.price, exponent)
  if (told !== null && !told.ok) return no('price', told.reason)
  const unit_price_minor = namesPrices(rules) && told !== null ? told.value : sell_price_minor
  const wrong =
    told === null || told.value === unit_price_minor
      ? null
      : {
          item: index,
          price: decimalNumber(sell_price_minor, exponent),
          given: decimalNumber(told.value, exponent),
        }
  const { rounding } = pricingRules(rules.settings)
  const listed = reckoned(() =>
    lineAmount(unit_price_minor, quantity.value, quantity_scale, rounding),
  )
  if (listed === null) return no('quantity', 'comes to more than can be paid')
  const counted = { quantity: quantity.value, quantity_scale }
  return {
    ...counted,
    unit_price_minor,
    rates: ratesFor(rules.settings, tax_class, country),
    discounts: discountsOf(item.discounts ?? [], exponent, `${at}.discounts`, errors),
    goods: { product_id: item.product_id, code, name, department_id, ...counted },
    wrong,
  }
}
