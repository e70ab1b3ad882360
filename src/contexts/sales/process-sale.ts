// A whole sale at once, as a till sends it when everything is rung up: one append, or nothing.
import { amountReader, hasErrors } from '#contexts/catalog/public.ts'
import { storeIdOf } from '#contexts/stores/public.ts'
import {
  already,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
} from '#kernel/decider.ts'
import {
  type Infer,
  id,
  instant,
  list,
  nullable,
  object,
  optional,
  text,
  uuid,
} from '#kernel/schema.ts'
import { bookingRefs, MAIN_REGISTER } from './booking.ts'
import type { Doubt } from './doubts.ts'
import { completedAnswer, ringUp } from './ring-up.ts'
import { type Sale, sale } from './sale.ts'
import { LINES_MAX } from './sale-fields.ts'
import {
  cartLines,
  discountsInput,
  discountsOf,
  itemInput,
  itemNames,
  itemRefs,
} from './sale-items.ts'
import { whenOf } from './sale-moment.ts'
import { paymentFields } from './tendering.ts'

/** Where a sale is rung up, and for whom. */
export const placeFields = {
  store_id: optional(id({ description: 'Default: the main store; main is its alias.' })),
  register_id: optional(id({ description: 'Default: main.', example: 'main' })),
  customer_id: optional(nullable(id())),
  device_id: optional(nullable(id())),
  currency: optional(text({ min: 3, max: 3 })),
  country: optional(nullable(text({ max: 100, description: 'Whose taxes are due.' }))),
}
export const occurredAt = optional(
  instant({ description: 'When it was rung up, if that was before: a fact, which is recorded.' }),
)
type PlaceInput = {
  readonly store_id?: string
  readonly register_id?: string
  readonly customer_id?: string | null
  readonly device_id?: string | null
  readonly country?: string | null
}
export const placeOf = (input: PlaceInput) => ({
  store_id: storeIdOf(input.store_id),
  register_id: input.register_id ?? MAIN_REGISTER,
  customer_id: input.customer_id ?? null,
  device_id: input.device_id ?? null,
  country: input.country ?? null,
})

const input = object({
  sale_id: optional(uuid()),
  ...placeFields,
  items: list(itemInput, { min: 1, max: LINES_MAX }),
  discounts: discountsInput,
  ...paymentFields,
  occurred_at: occurredAt,
})
type Input = Infer<typeof input>

export const processSale = command({
  type: 'ProcessSale',
  input,
  creates: 'sale_id',
  names: ({ items }) => itemNames(items),
  reads: (input) => {
    const place = placeOf(input)
    const known = input.items.flatMap(({ product_id }) =>
      product_id === undefined ? [] : [{ product_id }],
    )
    return [
      sale.at(input.sale_id!),
      ...itemRefs(input.items),
      ...bookingRefs(place, place.customer_id, known),
    ]
  },
  decide,
  answer: completedAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/sales',
    status: 201,
    tag: 'sales',
    summary: 'Ring up a whole sale: goods, payment, number and account in one go',
  },
})

/** Set aside or given up here, and completed there while nobody could say so. */
export const standingDoubts = (state: Sale): readonly Doubt[] =>
  state?.status === 'SUSPENDED'
    ? ['sale_was_suspended']
    : state?.status === 'VOIDED'
      ? ['sale_was_voided']
      : []

function decide(input: Input, given: Given, moment: Moment): Decision {
  const sale_id = input.sale_id!
  const when = whenOf(input.occurred_at, moment)
  if ('rejected' in when) return when
  const state = given.state(sale.at(sale_id))
  if (state !== null && (state.status === 'COMPLETED' || !when.isFact))
    return already('a sale', sale_id)
  const wanted = input.currency === undefined ? {} : { currency: input.currency }
  const telling = when.isFact ? { ...wanted, moment } : wanted
  const cart = cartLines(input.items, given, when, telling)
  if (!('lines' in cart)) return cart
  const { currency, lines, told } = cart
  const reader = amountReader()
  const discounts = discountsOf(input.discounts, currency, reader, 'discounts')
  if (hasErrors(reader.errors)) return invalid(reader.errors)
  const at = when.isFact ? when.at : undefined
  const place = placeOf(input)
  const user_id = moment.user_id ?? null
  const started = { sale_id, ...place, user_id, currency, started_at: when.at }
  const begun =
    state === null
      ? [sale.event('SaleStarted', started, at)]
      : // It went on here and was completed there: what was rung up there is what was sold,
        // under the numbers that it has there.
        state.cart.map(({ line }) => sale.event('SaleItemRemoved', { sale_id, line }, at))
  const added = lines.map((line) => sale.event('SaleItemAdded', { sale_id, currency, ...line }, at))
  return ringUp(given, moment, when, {
    ...{ ...place, sale_id, currency, cart: lines, discounts, payment: input },
    told: { ...told, doubts: [...told.doubts, ...standingDoubts(state)] },
    before: [...begun, ...added],
  })
}
