// Changes of a product: its details, its price, or both in one append.
// The events hold what has really changed; a change of nothing writes nothing.
import {
  accept,
  type Command,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  noSuch,
  reject,
} from '#kernel/decider.ts'
import type { DataOf } from '#kernel/event-types.ts'
import { type Infer, id, object, optional } from '#kernel/schema.ts'
import { tidied } from '#kernel/tidied.ts'
import { type AmountReader, amountReader, hasErrors } from './amount-reader.ts'
import {
  codeClaim,
  codeField,
  costPriceField,
  currencyField,
  departmentOf,
  detailFields,
  placeRefs,
  sellPriceField,
  taxClassOf,
  textOf,
  unitNames,
  unitOf,
} from './create-product.ts'
import { type ProductState, product } from './product.ts'
import { answered, productAnswer } from './product-answer.ts'
import { settleDue } from './scheduled-price.ts'

export const prices = { sell_price: optional(sellPriceField), cost_price: optional(costPriceField) }
const whole = object({
  product_id: id({ aliases: ['id'] }),
  code: optional(codeField),
  ...detailFields,
  ...prices,
  currency: optional(currencyField),
})
type Wanted = Infer<typeof whole>

const route = { method: 'PATCH', tag: 'products' } as const
export const path = '/api/v1/products/:product_id'

const updateProduct = command({
  type: 'UpdateProduct',
  input: whole,
  reads: (input) => [product.at(input.product_id), ...placeRefs(input)],
  decide: change,
  answer: productAnswer,
  route: { ...route, path, summary: 'Change any fields of a product' },
})

const updateProductDetails = command({
  type: 'UpdateProductDetails',
  input: object({ product_id: id({ aliases: ['id'] }), ...detailFields }),
  reads: (input) => [product.at(input.product_id), ...placeRefs(input)],
  decide: change,
  answer: productAnswer,
  route: {
    ...route,
    path: `${path}/details`,
    summary: 'Change name, description, department, unit or low-stock threshold',
  },
})

const restoreProduct = command({
  type: 'RestoreProduct',
  input: object({ product_id: id({ aliases: ['id'] }) }),
  reads: ({ product_id }) => [product.at(product_id)],
  decide: ({ product_id }, given) => {
    const state = given.state(product.at(product_id))
    if (state === null) return noSuch('product', product_id)
    const response = answered(product_id, { ...state, is_active: true })
    if (state.is_active) return accept([], response)
    const restored = product.event('ProductRestored', { product_id })
    return accept([product.write(product_id, [restored])], response)
  },
  answer: productAnswer,
  route: {
    method: 'POST',
    path: `${path}/restore`,
    tag: 'products',
    summary: 'Bring an archived product back',
  },
})

/** Offered by the inventory: what they change may be news of stock. */
export const productUpdates: readonly Command[] = [
  updateProduct,
  updateProductDetails,
  restoreProduct,
]

export function change(input: Wanted, given: Given, moment: Moment): Decision {
  const { product_id } = input
  const stored = given.state(product.at(product_id))
  if (stored === null) return noSuch('product', product_id)
  const { events: due, after: state } = settleDue(product_id, stored, moment.now)
  const wanted = withoutSamePlaces(input, state)
  if (wanted.currency !== undefined && wanted.currency !== state.currency)
    return reject('currency_mismatch', `The product is priced in ${state.currency} for good.`)
  const reader = amountReader()
  const details = changedDetails(state, wanted, given, reader)
  const price = changedPrice(state, wanted, reader)
  if (hasErrors(reader.errors)) return invalid(reader.errors)
  const found = unitOf(wanted, given, reader)
  if (wanted.unit_id !== undefined && (found?.precision ?? 0) !== state.quantity_scale)
    return reject(
      'business_rule_violated',
      `The product is counted with ${state.quantity_scale} digits after the point for good.`,
      { details: { field: 'unit_id', quantity_scale: state.quantity_scale } },
    )
  const { department_name, unit_name, ...changed } = details
  const after: ProductState = { ...state, ...changed, ...price }
  const events = [
    ...due,
    ...(Object.keys(details).length === 0
      ? []
      : [product.event('ProductUpdated', { product_id, ...details }, moment.occurred_at)]),
    ...(price === null ? [] : [priceChanged(product_id, state, after, moment)]),
  ]
  if (events.length === 0) return accept([], answered(product_id, after))
  const write = product.write(product_id, events)
  // The old code stays claimed: it names this product for ever, on labels and in old documents.
  const claims = after.code === state.code ? [] : [codeClaim(after.code, write.stream)]
  return accept([write], answered(product_id, after), { claims })
}

/** A form sends back what it got: an archived department or unit that stays is no mistake. */
function withoutSamePlaces(
  { department_id, unit_id, ...others }: Wanted,
  state: ProductState,
): Wanted {
  return {
    ...others,
    ...(department_id === undefined || department_id === state.department_id
      ? {}
      : { department_id }),
    ...(unit_id === undefined || unit_id === state.unit_id ? {} : { unit_id }),
  }
}

type Details = Omit<DataOf<(typeof product)['events']>['ProductUpdated'], 'product_id'>

function changedDetails(
  state: ProductState,
  wanted: Wanted,
  given: Given,
  reader: AmountReader,
): Details {
  const text = (field: 'code' | 'name' | 'description') => {
    const value = wanted[field]
    // What is so already may stay, however it was given once.
    if (value === undefined || tidied(value) === state[field]) return {}
    return { [field]: textOf(field, value, reader) }
  }
  const department = wanted.department_id === undefined ? {} : departmentOf(wanted, given, reader)
  const unit = wanted.unit_id === undefined ? {} : unitNames(unitOf(wanted, given, reader))
  const min_stock =
    wanted.min_stock === undefined
      ? state.min_stock
      : reader.quantity('min_stock', wanted.min_stock, state.quantity_scale)
  const tax_class =
    wanted.tax_class === undefined ? state.tax_class : taxClassOf(wanted.tax_class, reader)
  return {
    ...text('code'),
    ...text('name'),
    ...text('description'),
    ...department,
    ...unit,
    ...(tax_class === state.tax_class ? {} : { tax_class }),
    ...(min_stock === state.min_stock ? {} : { min_stock }),
  }
}

type Prices = Pick<ProductState, 'sell_price_minor' | 'cost_price_minor' | 'price_number'>

/** null: the price stays. */
function changedPrice(state: ProductState, wanted: Wanted, reader: AmountReader): Prices | null {
  const read = (field: 'sell_price' | 'cost_price', decimal: string) =>
    reader.amount(field, decimal, state.currency)
  const { sell_price, cost_price } = wanted
  const sell_price_minor =
    sell_price === undefined ? state.sell_price_minor : read('sell_price', sell_price)
  const cost_price_minor =
    cost_price === undefined
      ? state.cost_price_minor
      : cost_price === null
        ? null
        : read('cost_price', cost_price)
  const same =
    sell_price_minor === state.sell_price_minor && cost_price_minor === state.cost_price_minor
  return same ? null : { sell_price_minor, cost_price_minor, price_number: state.price_number + 1 }
}

function priceChanged(
  product_id: string,
  before: ProductState,
  after: ProductState,
  moment: Moment,
) {
  return product.event(
    'ProductPriceChanged',
    {
      product_id,
      sell_price_minor: after.sell_price_minor,
      cost_price_minor: after.cost_price_minor,
      previous_sell_price_minor: before.sell_price_minor,
      currency: before.currency,
      price_number: after.price_number,
      changed_by: moment.user_id ?? null,
    },
    moment.occurred_at,
  )
}
