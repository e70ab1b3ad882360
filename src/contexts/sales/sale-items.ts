// From what is laid on the counter to lines of a sale: products by id or code, quantities in their
// steps, prices in force.
import {
  amountReader,
  codeName,
  hasErrors,
  type ProductState,
  priceAt,
  product,
  productIdOf,
} from '#contexts/catalog/public.ts'
import { type Discount, percentTrouble } from '#contexts/pricing/public.ts'
import {
  type Asked,
  ask,
  type Given,
  invalid,
  type Moment,
  type Named,
  type Ref,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import { decimalNumber, exponentOf } from '#kernel/money.ts'
import {
  decimal,
  type FieldErrors,
  type Infer,
  id,
  list,
  object,
  optional,
  text,
} from '#kernel/schema.ts'
import {
  type AskedDiscount,
  type CartLine,
  DISCOUNT_NAME_MAX,
  DISCOUNTS_MAX,
} from './sale-fields.ts'

export const discountInput = object({
  name: text({ max: DISCOUNT_NAME_MAX }),
  percent: optional(decimal({ description: 'Of what is left by then; or `amount`.' })),
  amount: optional(decimal()),
})
export const discountsInput = optional(list(discountInput, { max: DISCOUNTS_MAX }))

export const itemInput = object({
  product_id: optional(id()),
  product_code: optional(text({ max: 100, aliases: ['code', 'sku'] })),
  quantity: decimal(),
  price: optional(decimal({ aliases: ['unit_price'] })),
  discounts: discountsInput,
})
export type Item = Infer<typeof itemInput>

/** The moment of a sale: `at` is when it happened; a fact has happened already. */
export type When = {
  readonly at: string
  readonly isFact: boolean
  readonly settings: Moment['settings']
}

export const itemNames = (items: readonly Item[]): readonly Named[] =>
  items.flatMap(({ product_code }) => (product_code === undefined ? [] : [codeName(product_code)]))

/** The products that are named by their ids; those named by codes are asked for. */
export const itemRefs = (items: readonly Item[]): readonly Ref[] =>
  items.flatMap(({ product_id }) => (product_id === undefined ? [] : [product.seen(product_id)]))

export type Cart = { readonly currency: string; readonly lines: readonly CartLine[] }

/** `currency`: what the sale is in; absent: what its first product is priced in. */
export function cartLines(
  items: readonly Item[],
  given: Given,
  when: When,
  {
    currency: wanted,
    after = 0,
    at = 'items.',
  }: { currency?: string; after?: number; at?: string },
): Cart | Rejected | Asked {
  const found = productsOf(items, given, when, at)
  if (!('products' in found)) return found
  const { products } = found
  const currency = wanted ?? products[0]!.state.currency
  const no = currencyTrouble(products, currency, when, at)
  if (no !== null) return no

  const reader = amountReader()
  const wrong: object[] = []
  const lines = items.map((item, i): CartLine => {
    const { product_id, state } = products[i]!
    const field = (name: string) => fieldAt(at, i, name)
    const list_minor = priceAt(state, when.at).sell_price_minor
    const told =
      item.price === undefined ? list_minor : reader.amount(field('price'), item.price, currency)
    if (told !== list_minor && !mayOverride(when))
      wrong.push({
        item: i,
        price: decimalNumber(list_minor, exponentOf(currency)),
        given: decimalNumber(told, exponentOf(currency)),
      })
    const { code, name, department_id, tax_class, quantity_scale } = state
    return {
      line: after + i + 1,
      ...{ product_id, code, name, department_id, tax_class, quantity_scale },
      quantity: reader.positive(field('quantity'), item.quantity, quantity_scale),
      unit_price_minor: told,
      discounts: discountsOf(item.discounts, currency, reader, field('discounts')),
    }
  })
  if (hasErrors(reader.errors)) return invalid(firstOf(reader.errors))
  if (wrong.length > 0)
    return reject(
      'price_mismatch',
      'These are the prices in force; the till may not change them.',
      {
        details: { currency, items: wrong.slice(0, NAMED_MAX) },
      },
    )
  return { currency, lines }
}

const NAMED_MAX = 20
const firstOf = (errors: FieldErrors): FieldErrors =>
  Object.fromEntries(Object.entries(errors).slice(0, NAMED_MAX))
/** `items.` names a list's members; '' the one item that the command is itself. */
const fieldAt = (at: string, index: number, name: string) =>
  at === '' ? name : `${at}${index}.${name}`

/** What somebody has paid already is what it cost. */
const mayOverride = ({ isFact, settings }: When) =>
  isFact || settings['pos.price_override'] === 'allow'

type Found = { readonly product_id: string; readonly state: ProductState }

function productsOf(
  items: readonly Item[],
  given: Given,
  { isFact }: When,
  at: string,
): { readonly products: readonly Found[] } | Rejected | Asked {
  const errors: Record<string, string> = {}
  const ids = items.map(({ product_id, product_code }, i) => {
    const known = product_code === undefined ? null : productIdOf(given, product_code)
    if (product_id === undefined && product_code === undefined)
      errors[fieldAt(at, i, 'product_code')] = 'is required, or product_id'
    else if (product_id !== undefined && product_code !== undefined && known !== product_id)
      errors[fieldAt(at, i, 'product_code')] = 'is not the code of that product'
    return product_id ?? known
  })
  if (Object.keys(errors).length > 0) return invalid(firstOf(errors))
  const lacking = given.lacking(ids.flatMap((one) => (one === null ? [] : [product.seen(one)])))
  if (lacking.length > 0) return ask(lacking)
  const products = ids.map((product_id) => {
    const state = product_id === null ? null : given.state(product.seen(product_id))
    return product_id === null || state === null || !(state.is_active || isFact)
      ? null
      : { product_id, state }
  })
  const unknown = products.flatMap((found, i) => (found === null ? [i] : [])).slice(0, NAMED_MAX)
  if (unknown.length === 0) return { products: products.filter((found) => found !== null) }
  const field = (i: number) => (items[i]!.product_id === undefined ? 'product_code' : 'product_id')
  return reject('not_found', 'Not everything in the sale is a product that is sold.', {
    errors: Object.fromEntries(
      unknown.map((i) => [fieldAt(at, i, field(i)), 'is not a product that is sold']),
    ),
  })
}

function currencyTrouble(
  products: readonly Found[],
  currency: string,
  { settings }: When,
  at: string,
): Rejected | null {
  const allowed = settings['money.currencies']
  if (Array.isArray(allowed) && !allowed.includes(currency))
    return invalid({ currency: `must be one of ${allowed.join(', ')}` })
  const other = products.findIndex(({ state }) => state.currency !== currency)
  if (other < 0) return null
  return reject('currency_mismatch', `Not everything in the sale is priced in ${currency}.`, {
    errors: { [fieldAt(at, other, 'product_id')]: `is not priced in ${currency}` },
  })
}

export function discountsOf(
  discounts: readonly Infer<typeof discountInput>[] | undefined,
  currency: string,
  { amount: readAmount, note }: ReturnType<typeof amountReader>,
  at: string,
): AskedDiscount[] {
  return (discounts ?? []).map(({ name, percent = null, amount }, i) => {
    const amount_minor =
      amount === undefined ? null : readAmount(`${at}.${i}.amount`, amount, currency)
    if ((percent === null) === (amount_minor === null))
      note(`${at}.${i}.percent`, 'is required, or amount; not both')
    const trouble = percent === null ? null : percentTrouble(percent)
    if (trouble !== null) note(`${at}.${i}.percent`, trouble)
    return { name, percent, amount_minor }
  })
}

/** As the money engine wants it. */
export const asDiscount = ({ name, percent, amount_minor }: AskedDiscount): Discount =>
  percent === null ? { name, amount_minor: amount_minor ?? 0 } : { name, percent }
