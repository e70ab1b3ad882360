// A new product: checked whole, so that the sender hears of all mistakes at once.
import { currencyTrouble, standardCurrency } from '#contexts/pricing/public.ts'
import {
  accept,
  already,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  type Named,
  type Ref,
} from '#kernel/decider.ts'
import type { Claim } from '#kernel/message.ts'
import { decimal, type Infer, id, nullable, object, optional, text, uuid } from '#kernel/schema.ts'
import { beginningOf, hasUnseen, tidied } from '#kernel/tidied.ts'
import { type AmountReader, amountReader, hasErrors } from './amount-reader.ts'
import { department } from './department.ts'
import { nameTrouble } from './named.ts'
import {
  CODE_MAX,
  DESCRIPTION_MAX,
  NAME_MAX,
  type ProductState,
  product,
  TAX_CLASS_MAX,
} from './product.ts'
import { answered, productAnswer } from './product-answer.ts'
import { type UnitState, unit } from './unit.ts'

/** Fields that creating and updating share. Decimals may be signed, to be refused with a reason. */
export const detailFields = {
  name: optional(text({ max: NAME_MAX, example: 'Teapot' })),
  description: optional(text({ max: DESCRIPTION_MAX })),
  department_id: optional(nullable(id())),
  unit_id: optional(nullable(id())),
  tax_class: optional(
    nullable(text({ max: TAX_CLASS_MAX, description: 'A word of `money.taxes`; null: standard.' })),
  ),
  min_stock: optional(decimal({ signed: true, description: 'Stock below it is low.' })),
}
export const codeField = text({ max: CODE_MAX, aliases: ['sku'] })
export const sellPriceField = decimal({ signed: true, aliases: ['price', 'price_amount'] })
export const costPriceField = nullable(decimal({ signed: true }))
export const currencyField = text({ max: 3, aliases: ['price_currency'] })

const input = object({
  product_id: optional(uuid({ aliases: ['id'] })),
  code: optional(codeField),
  ...detailFields,
  sell_price: sellPriceField,
  cost_price: optional(costPriceField),
  currency: optional(currencyField),
})
type Input = Infer<typeof input>

export const createProduct = command({
  type: 'CreateProduct',
  input,
  creates: 'product_id',
  // A product without a code gets one of this series.
  numbered: 'product',
  reads: (input) => [product.at(input.product_id!), ...placeRefs(input)],
  decide,
  answer: productAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/products',
    status: 201,
    tag: 'products',
    summary: 'Create a product; without a code it gets one',
  },
})

/** The department and the unit that a product names; relied on, not written. */
export const placeRefs = ({
  department_id,
  unit_id,
}: Pick<Input, 'department_id' | 'unit_id'>): readonly Ref[] => [
  ...(department_id == null ? [] : [department.seen(department_id)]),
  ...(unit_id == null ? [] : [unit.seen(unit_id)]),
]

function decide(input: Input, given: Given, moment: Moment): Decision {
  const product_id = input.product_id!
  if (given.state(product.at(product_id)) !== null) return already('a product', product_id)
  const reader = amountReader()
  const state = stateFrom(input, given, moment, reader)
  if (hasErrors(reader.errors)) return invalid(reader.errors)
  const { is_active, price_number, scheduled, ...fields } = state
  const created = product.event(
    'ProductCreated',
    {
      product_id,
      ...fields,
      ...departmentOf(input, given, reader),
      ...unitNames(unitOf(input, given, reader)),
      user_id: moment.user_id ?? null,
    },
    moment.occurred_at,
  )
  const write = product.write(product_id, [created])
  return accept([write], answered(product_id, state), {
    claims: [codeClaim(state.code, write.stream)],
  })
}

function stateFrom(input: Input, given: Given, moment: Moment, reader: AmountReader): ProductState {
  const currency = currencyOf(input.currency, moment, reader)
  const names = namesFrom(input, reader)
  const code =
    input.code === undefined ? numberedCode(moment.number) : textOf('code', input.code, reader)
  const found = unitOf(input, given, reader)
  const quantity_scale = found?.precision ?? 0
  const { department_id } = departmentOf(input, given, reader)
  return {
    code,
    ...names,
    sell_price_minor: reader.amount('sell_price', input.sell_price, currency),
    cost_price_minor:
      input.cost_price == null ? null : reader.amount('cost_price', input.cost_price, currency),
    currency,
    quantity_scale,
    department_id,
    unit_id: input.unit_id ?? null,
    tax_class: taxClassOf(input.tax_class ?? null, reader),
    min_stock:
      input.min_stock === undefined
        ? 0
        : reader.quantity('min_stock', input.min_stock, quantity_scale),
    is_active: true,
    price_number: 1,
    scheduled: [],
  }
}

const CODE_DIGITS = 6
const numberedCode = (number: number) => `P-${String(number).padStart(CODE_DIGITS, '0')}`

/** Case counts: `ab1` and `AB1` are two codes, as they are on labels. */
export const productCoded = (code: string): Named => ({
  scope: 'product_code',
  value: tidied(code),
})
export const codeClaim = (code: string, owner: string): Claim => ({ ...productCoded(code), owner })

const TEXTS_MAX = { code: CODE_MAX, name: NAME_MAX, description: DESCRIPTION_MAX }

/** As it is kept. */
export function textOf(field: keyof typeof TEXTS_MAX, value: string, reader: AmountReader): string {
  const tidy = tidied(value)
  const trouble = nameTrouble(tidy, TEXTS_MAX[field])
  if (trouble !== null) reader.note(field, trouble)
  // Two labels that look the same are the same.
  else if (field === 'code' && hasUnseen(tidy)) reader.note(field, 'holds what cannot be seen')
  return tidy
}

const TAX_CLASS = /^[a-z][a-z0-9_]*$/

/** Any such word: a class without an entry in the settings bears no tax. */
export function taxClassOf(wanted: string | null, { note }: AmountReader): string | null {
  if (wanted !== null && !TAX_CLASS.test(wanted))
    note('tax_class', 'must be a word of a-z, 0-9 and _')
  return wanted
}

/** Either stands for the other where only one is given. */
function namesFrom(
  { name, description }: Input,
  reader: AmountReader,
): { readonly name: string; readonly description: string } {
  const first = name ?? (description && beginningOf(description, NAME_MAX))
  if (first === undefined) {
    reader.note('name', 'is required, unless there is a description')
    return { name: '', description: '' }
  }
  const field = name === undefined ? 'description' : 'name'
  const known = textOf(field, first, reader)
  return {
    name: known,
    description: description === undefined ? known : textOf('description', description, reader),
  }
}

const CURRENCY = /^[A-Z]{3}$/

function currencyOf(
  wanted: string | undefined,
  { settings }: Moment,
  { note }: AmountReader,
): string {
  const currency = wanted ?? standardCurrency(settings)
  const notTaken = wanted === undefined ? null : currencyTrouble(wanted, settings)
  if (!CURRENCY.test(currency)) note('currency', 'must be a code of three capital letters')
  else if (notTaken !== null) note('currency', notTaken)
  return currency
}

export function departmentOf(
  { department_id }: Pick<Input, 'department_id'>,
  given: Given,
  { note }: AmountReader,
): { readonly department_id: string | null; readonly department_name: string | null } {
  if (department_id == null) return { department_id: null, department_name: null }
  const state = given.state(department.seen(department_id))
  if (state === null || !state.is_active) note('department_id', 'is not a department')
  return { department_id, department_name: state?.name ?? null }
}

export function unitOf(
  { unit_id }: Pick<Input, 'unit_id'>,
  given: Given,
  { note }: AmountReader,
): (UnitState & { readonly unit_id: string }) | null {
  if (unit_id == null) return null
  const state = given.state(unit.seen(unit_id))
  if (state?.is_active) return { ...state, unit_id }
  note('unit_id', 'is not a unit')
  return null
}

export const unitNames = (found: ReturnType<typeof unitOf>) => ({
  unit_id: found?.unit_id ?? null,
  unit_name: found?.name ?? null,
})
