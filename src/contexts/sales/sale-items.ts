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
import {
  currencyTrouble,
  type Discount,
  percentTrouble,
  standardCurrency,
} from '#contexts/pricing/public.ts'
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
  type Write,
} from '#kernel/decider.ts'
import type { Claim } from '#kernel/message.ts'
import { decimalNumber, exponentOf } from '#kernel/money.ts'
import { decimal, type Infer, id, list, object, optional, text } from '#kernel/schema.ts'
import { lengthTrouble } from '#kernel/tidied.ts'
import type { Doubt } from './doubts.ts'
import {
  type AskedDiscount,
  type CartLine,
  CODE_MAX,
  DISCOUNT_NAME_MAX,
  DISCOUNTS_MAX,
  NAME_MAX,
} from './sale-fields.ts'
import { openedProducts, type ToldItem } from './told-products.ts'

export const discountInput = object({
  name: text({ max: DISCOUNT_NAME_MAX }),
  percent: optional(decimal({ description: 'Of what is left by then; or `amount`.', example: 10 })),
  amount: optional(decimal()),
})
export const discountsInput = optional(list(discountInput, { max: DISCOUNTS_MAX }))

export const itemInput = object({
  product_id: optional(id()),
  product_code: optional(text({ max: 100, aliases: ['code', 'sku'], example: 'TEA-1' })),
  name: optional(
    text({ max: NAME_MAX, description: 'As on the receipt, where the catalogue may not know it.' }),
  ),
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

/** What a cart takes into the catalogue, and what in it contradicts the book. */
export type FromTill = {
  readonly writes: readonly Write[]
  readonly claims: readonly Claim[]
  readonly doubts: readonly Doubt[]
}
export const NOTHING_NEW: FromTill = { writes: [], claims: [], doubts: [] }
export type Cart = {
  readonly currency: string
  readonly lines: readonly CartLine[]
  readonly told: FromTill
}
type CartOptions = {
  readonly currency?: string
  readonly after?: number
  readonly at?: string
  /** Of a fact: what the catalogue does not know is taken into it. */
  readonly moment?: Moment
}

/** `currency`: what the sale is in; absent: what its first product is priced in. */
export function cartLines(
  items: readonly Item[],
  given: Given,
  when: When,
  { currency: wanted, after = 0, at = 'items.', moment }: CartOptions,
): Cart | Rejected | Asked {
  const found = productsOf(items, given, when, at, moment !== undefined)
  if (!('products' in found)) return found
  const first = found.products.find((one) => one !== null)
  const currency = wanted ?? first?.state.currency ?? standardCurrency(when.settings)
  const no = cartCurrencyTrouble(found.products, currency, when, at, moment !== undefined)
  if (no !== null) return no

  const reader = amountReader()
  const prices = items.map(({ price }, i) => {
    const known = found.products[i]?.state
    if (price !== undefined) return reader.amount(fieldAt(at, i, 'price'), price, currency)
    if (known?.currency === currency) return priceAt(known, when.at).sell_price_minor
    reader.note(fieldAt(at, i, 'price'), 'is required: the catalogue has none for it')
    return 0
  })
  const { products, told } = withTold(items, found.products, prices, {
    given,
    currency,
    when,
    moment,
  })
  const wrong: object[] = []
  const lines = items.map((item, i): CartLine => {
    const { product_id, state } = products[i]!
    const field = (name: string) => fieldAt(at, i, name)
    const list_minor = priceAt(state, when.at).sell_price_minor
    if (prices[i] !== list_minor && !mayOverride(when))
      wrong.push({
        item: i,
        price: decimalNumber(list_minor, exponentOf(currency)),
        given: decimalNumber(prices[i]!, exponentOf(currency)),
      })
    const { code, name, department_id, tax_class, quantity_scale } = state
    return {
      line: after + i + 1,
      ...{ product_id, code, name, department_id, tax_class, quantity_scale },
      quantity: reader.positive(field('quantity'), item.quantity, quantity_scale),
      unit_price_minor: prices[i]!,
      discounts: discountsOf(item.discounts, currency, reader, field('discounts')),
    }
  })
  if (hasErrors(reader.errors)) return invalid(reader.errors)
  if (wrong.length > 0)
    return reject(
      'price_mismatch',
      'These are the prices in force; the till may not change them.',
      {
        details: { currency, items: wrong.slice(0, NAMED_MAX) },
      },
    )
  return { currency, lines, told }
}

type Telling = {
  readonly given: Given
  readonly currency: string
  readonly when: When
  readonly moment: Moment | undefined
}

/** With the products that a late sale brings into the catalogue; all it needs is in the book. */
function withTold(
  items: readonly Item[],
  found: readonly (Found | null)[],
  prices: readonly number[],
  { given, currency, when, moment }: Telling,
): { readonly products: readonly Found[]; readonly told: FromTill } {
  const known = found.filter((one) => one !== null)
  if (moment === undefined) return { products: known, told: NOTHING_NEW }
  const told = items.map(({ product_id = null, product_code, name, quantity }, i): ToldItem => {
    const code = product_code === undefined ? null : codeName(product_code).value
    return { product_id, code, name, quantity, price_minor: prices[i]! }
  })
  const unknown = told.filter((_, i) => found[i] === null)
  const opened = openedProducts(unknown, currency, moment, when.at)
  const isNew = new Map(unknown.map((item, i) => [item, opened[i]!]))
  const products = told.map((item, i) => found[i] ?? isNew.get(item)!)
  const differs = items.some(({ product_id, product_code }, i) => {
    const id = found[i]?.product_id
    if (id === undefined) return false
    const isCoded = product_code === undefined || productIdOf(given, product_code) === id
    return !isCoded || (product_id ?? id) !== id
  })
  return {
    products,
    told: {
      writes: [...new Set(opened)].map(({ write }) => write),
      claims: [...new Set(opened)].map(({ claim }) => claim),
      doubts: [
        ...(opened.length > 0 ? (['product_unknown'] as const) : []),
        ...(known.some(({ state }) => !state.is_active) ? (['product_archived'] as const) : []),
        ...(differs ? (['product_code_differs'] as const) : []),
        ...(known.some(({ state }) => state.currency !== currency)
          ? (['product_currency_differs'] as const)
          : []),
        ...(currencyTrouble(currency, when.settings) === null
          ? []
          : (['currency_not_taken'] as const)),
      ],
    },
  }
}

const NAMED_MAX = 20
/** `items.` names a list's members; '' the one item that the command is itself. */
const fieldAt = (at: string, index: number, name: string) =>
  at === '' ? name : `${at}${index}.${name}`

/** What somebody has paid already is what it cost. */
const mayOverride = ({ isFact, settings }: When) =>
  isFact || settings['pos.price_override'] === 'allow'

type Found = { readonly product_id: string; readonly state: ProductState }

const NEW_ID_MAX = 100

/** null: not in the catalogue, which only a fact may tell of. */
function productsOf(
  items: readonly Item[],
  given: Given,
  { isFact }: When,
  at: string,
  isTold: boolean,
): { readonly products: readonly (Found | null)[] } | Rejected | Asked {
  const errors: Record<string, string> = {}
  const ids = items.map(({ product_id = null, product_code }, i) => {
    const coded = product_code === undefined ? null : productIdOf(given, product_code)
    if (product_id === null && product_code === undefined)
      errors[fieldAt(at, i, 'product_code')] = 'is required, or product_id'
    else if (product_code !== undefined && codeName(product_code).value === '')
      errors[fieldAt(at, i, 'product_code')] = 'must not be blank'
    else if (!isTold && product_id !== null && product_code !== undefined && coded !== product_id)
      errors[fieldAt(at, i, 'product_code')] = 'is not the code of that product'
    return [product_id, coded].filter((one) => one !== null)
  })
  if (hasErrors(errors)) return invalid(errors)
  const lacking = given.lacking(ids.flat().map((one) => product.seen(one)))
  if (lacking.length > 0) return ask(lacking)
  const products = ids.map((either): Found | null => {
    for (const product_id of either) {
      const state = given.state(product.seen(product_id))
      if (state !== null && (state.is_active || isFact)) return { product_id, state }
    }
    return null
  })
  const unknown = products.flatMap((found, i) => (found === null ? [i] : [])).slice(0, NAMED_MAX)
  if (unknown.length === 0) return { products }
  if (isTold) {
    for (const [i, item] of items.entries())
      if (products[i] === null)
        for (const [name, why] of newTroubles(item)) errors[fieldAt(at, i, name)] = why
    return hasErrors(errors) ? invalid(errors) : { products }
  }
  const field = (i: number) => (items[i]!.product_id === undefined ? 'product_code' : 'product_id')
  return reject('not_found', 'Not everything in the sale is a product that is sold.', {
    errors: Object.fromEntries(
      unknown.map((i) => [fieldAt(at, i, field(i)), 'is not a product that is sold']),
    ),
  })
}

/** Why the catalogue cannot take it under that id or code. */
function newTroubles({ product_id = '', product_code = '' }: Item) {
  const code = lengthTrouble(codeName(product_code).value, CODE_MAX)
  // It will be the first part of its stock items' ids, which have a limit of their own.
  const product =
    product_id.length > NEW_ID_MAX
      ? `must have at most ${NEW_ID_MAX} characters`
      : product_id.includes(':')
        ? 'must not hold a colon'
        : null
  const found = { product_code: code, product_id: product }
  return Object.entries(found).flatMap(([name, why]) =>
    why === null ? [] : [[name, why] as const],
  )
}

export const CURRENCY = /^[A-Z]{3}$/

/** What was taken in any currency is told in it. */
function cartCurrencyTrouble(
  products: readonly (Found | null)[],
  currency: string,
  { settings }: When,
  at: string,
  isTold: boolean,
): Rejected | null {
  if (isTold)
    return CURRENCY.test(currency)
      ? null
      : invalid({ currency: 'must be a code of three capital letters' })
  const notTaken = currencyTrouble(currency, settings)
  if (notTaken !== null) return invalid({ currency: notTaken })
  const other = products.findIndex((one) => one !== null && one.state.currency !== currency)
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
