// From what a customer asks for to an order's lines: products that are there, quantities in their
// steps, the prices in force, amounts rounded line by line. The total is their sum.
import { product } from '#contexts/catalog/public.ts'
import { type Given, invalid, type Moment, type Rejected, reject } from '#kernel/decider.ts'
import { decimalNumber, exponentOf, lineAmount, scaled } from '#kernel/money.ts'
import type { FieldErrors, Infer } from '#kernel/schema.ts'
import type { line } from './order.ts'

export type Item = {
  readonly product_id: string
  readonly quantity: string
  readonly price?: string
}
export type Priced = {
  readonly currency: string
  readonly lines: Infer<typeof line>[]
  readonly total_amount_minor: number
}
type Rules = Pick<Moment, 'settings' | 'source'>

export function pricedLines(
  items: readonly Item[],
  wantedCurrency: string | undefined,
  given: Given,
  rules: Rules,
): Priced | Rejected {
  const unknown = items.flatMap(({ product_id }, i) => {
    const state = given.state(product.seen(product_id))
    return state === null || !state.is_active ? [i] : []
  })
  if (unknown.length > 0) return unknownProducts(items, unknown)

  const first = given.state(product.seen(items[0]!.product_id))!
  const currency = wantedCurrency ?? first.currency
  const no = currencyTrouble(items, currency, given, rules)
  if (no !== null) return no

  const errors: Record<string, string> = {}
  const wrongPrices: WrongPrice[] = []
  const lines = items.map((item, i) => {
    const read = lineOf(item, i, currency, given, rules)
    if ('error' in read) {
      errors[`items.${i}.${read.field}`] = read.error
      return null
    }
    if (read.wrong !== null) wrongPrices.push(read.wrong)
    return read.line
  })
  if (Object.keys(errors).length > 0) return invalid(firstOf(errors))
  if (wrongPrices.length > 0)
    return reject('price_mismatch', 'The price has changed; these are the prices in force.', {
      details: { currency, items: wrongPrices.slice(0, NAMED_MAX) },
    })
  const known = lines.filter((each) => each !== null)
  const total_amount_minor = known.reduce((sum, { amount_minor }) => sum + amount_minor, 0)
  if (!Number.isSafeInteger(total_amount_minor))
    return invalid({ items: 'come to more than can be paid' })
  return { currency, lines: known, total_amount_minor }
}

const NAMED_MAX = 20
const firstOf = (errors: FieldErrors): FieldErrors =>
  Object.fromEntries(Object.entries(errors).slice(0, NAMED_MAX))

function unknownProducts(items: readonly Item[], at: readonly number[]): Rejected {
  const errors = Object.fromEntries(
    at.slice(0, NAMED_MAX).map((i) => [`items.${i}.product_id`, 'is not a product that is sold']),
  )
  const ids = [...new Set(at.map((i) => items[i]!.product_id))].slice(0, NAMED_MAX)
  return reject('not_found', `There is no product ${ids.join(', ')}.`, { errors })
}

function currencyTrouble(
  items: readonly Item[],
  currency: string,
  given: Given,
  { settings }: Rules,
): Rejected | null {
  const allowed = settings['money.currencies']
  if (Array.isArray(allowed) && !allowed.includes(currency))
    return invalid({ currency: `must be one of ${allowed.join(', ')}` })
  const other = items.findIndex(
    ({ product_id }) => given.state(product.seen(product_id))?.currency !== currency,
  )
  if (other < 0) return null
  return reject('currency_mismatch', `Not everything in the order is priced in ${currency}.`, {
    errors: { [`items.${other}.product_id`]: `is not priced in ${currency}` },
  })
}

type WrongPrice = { readonly item: number; readonly price: number; readonly given: number }
type Read =
  | { readonly line: Infer<typeof line>; readonly wrong: WrongPrice | null }
  | { readonly field: string; readonly error: string }

function lineOf(
  item: Item,
  index: number,
  currency: string,
  given: Given,
  { settings, source }: Rules,
): Read {
  const { code, name, quantity_scale, sell_price_minor } = given.state(
    product.seen(item.product_id),
  )!
  const quantity = scaled(item.quantity, quantity_scale)
  if (!quantity.ok) return { field: 'quantity', error: quantity.reason }
  if (quantity.value <= 0) return { field: 'quantity', error: 'must be more than 0' }
  const exponent = exponentOf(currency)
  const told = item.price === undefined ? null : scaled(item.price, exponent)
  if (told !== null && !told.ok) return { field: 'price', error: told.reason }
  const isTaken = source === 'import' || settings['orders.client_price'] === 'accept'
  const unit_price_minor = isTaken && told !== null ? told.value : sell_price_minor
  const isWrong = told !== null && told.value !== unit_price_minor
  const wrong = isWrong
    ? {
        item: index,
        price: decimalNumber(sell_price_minor, exponent),
        given: decimalNumber(told.value, exponent),
      }
    : null
  const amount = amountOf(unit_price_minor, quantity.value, quantity_scale, settings)
  if (amount === null) return { field: 'quantity', error: 'comes to more than can be paid' }
  return {
    line: {
      line: index + 1,
      product_id: item.product_id,
      code,
      name,
      quantity: quantity.value,
      quantity_scale,
      unit_price_minor,
      amount_minor: amount,
    },
    wrong,
  }
}

/** null: beyond what an amount can be. */
function amountOf(
  price: number,
  quantity: number,
  scale: number,
  settings: Rules['settings'],
): number | null {
  const rounding = settings['money.rounding'] === 'half_even' ? 'half_even' : 'half_up'
  try {
    return lineAmount(price, quantity, scale, rounding)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
