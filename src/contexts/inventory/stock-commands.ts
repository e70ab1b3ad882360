// Stock comes in, is corrected, and is closed. Each command decides over one stock item.
import { amountReader, hasErrors, product, QUANTITY_MAX } from '#contexts/catalog/public.ts'
import {
  accept,
  type Command,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  reject,
} from '#kernel/decider.ts'
import { decimalNumber } from '#kernel/money.ts'
import { decimal, type Infer, object, optional, text } from '#kernel/schema.ts'
import { detected, foundIn } from './discrepancy.ts'
import {
  LOCATION_MAX,
  REASON_MAX,
  REFERENCE_MAX,
  type StockState,
  stockItem,
  stockKey,
} from './stock.ts'
import { stockChanged } from './stock-changes.ts'
import {
  EMPTY_ITEM,
  knownProduct,
  openedFor,
  opening,
  openPlace,
  placeFields,
  placeOf,
  placeRefs,
  shortage,
  stockAnswer,
  stockAnswered,
} from './stock-place.ts'
import { stockedProduct } from './stocked-product.ts'
import { isFact, occurredAt, toldLate } from './told-late.ts'

const causes = {
  reason: optional(text({ max: REASON_MAX })),
  reference: optional(text({ max: REFERENCE_MAX })),
}
// Decimals may be signed, so that a negative one is refused with a reason.
const decimals = decimal({ signed: true })
const tag = 'inventory'

const createInput = object({
  ...placeFields,
  quantity: optional(decimals),
  location: optional(text({ max: LOCATION_MAX })),
  min_stock: optional(decimals),
  backorder_limit: optional(decimals),
})

const createInventory = command({
  type: 'CreateInventory',
  input: createInput,
  reads: (input) => [...placeRefs(placeOf(input)), stockedProduct.at(input.product_id)],
  decide: decideCreate,
  answer: stockAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/inventory',
    aliases: ['/inventory'],
    status: 201,
    tag,
    summary: 'Open the stock of a product in a store',
  },
})

function decideCreate(input: Infer<typeof createInput>, given: Given, moment: Moment): Decision {
  const place = placeOf(input)
  const open = openPlace(given, moment, place)
  if ('rejected' in open) return open
  const key = stockKey(place.product_id, place.store_id)
  if (given.state(stockItem.at(key)) !== null)
    return reject('already_exists', 'The product is stocked in this store already.')
  const { quantity_scale } = open.product
  const reader = amountReader()
  const read = (field: 'quantity' | 'min_stock' | 'backorder_limit') =>
    input[field] === undefined ? null : reader.quantity(field, input[field], quantity_scale)
  const item = {
    quantity: read('quantity') ?? 0,
    backorder_limit: read('backorder_limit') ?? 0,
    location: input.location ?? null,
    min_stock: read('min_stock'),
  }
  if (hasErrors(reader.errors)) return invalid(reader.errors)
  const opened = opening(given, place, item, quantity_scale)
  if ('ask' in opened) return opened
  const { write, after } = stockChanged(given, place, opened.facts)
  return accept(
    [write, ...opened.writes, ...open.writes],
    stockAnswered(place, after, quantity_scale),
  )
}

const addInput = object({
  ...placeFields,
  quantity: decimals,
  ...causes,
  unit_cost: optional(decimals),
  occurred_at: occurredAt,
})

const addStock = command({
  type: 'AddStock',
  input: addInput,
  reads: (input) => placeRefs(placeOf(input)),
  decide: toldLate(decideAdd),
  answer: stockAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/inventory/stock',
    aliases: ['/inventory/stock'],
    status: 201,
    tag,
    summary: 'Add stock; the first of a product in a store opens it',
  },
})

function decideAdd(input: Infer<typeof addInput>, given: Given, moment: Moment): Decision {
  const place = placeOf(input)
  const open = openPlace(given, moment, place)
  if ('rejected' in open) return open
  const { quantity_scale, currency } = open.product
  const key = stockKey(place.product_id, place.store_id)
  const before = given.state(stockItem.at(key))
  const reader = amountReader()
  const quantity = reader.positive('quantity', input.quantity, quantity_scale)
  if ((before?.quantity ?? 0) + quantity > QUANTITY_MAX) reader.note('quantity', 'is too large')
  const unit_cost_minor =
    input.unit_cost === undefined ? null : reader.amount('unit_cost', input.unit_cost, currency)
  if (hasErrors(reader.errors)) return invalid(reader.errors)
  const opened = openedFor(given, place, quantity_scale)
  if ('ask' in opened) return opened
  const { reason = 'receipt', reference = null } = input
  const added = stockItem.event(
    'StockAdded',
    { ...place, quantity, reason, reference, unit_cost_minor },
    moment.occurred_at,
  )
  const change = stockChanged(given, place, [...opened.facts, added])
  const about = { kind: 'delivery', quantity_scale, reason, reference } as const
  const found = open.doubts.length === 0 ? [] : foundIn(change, about, open.doubts)
  const noted = detected(given, found, moment, moment.occurred_at)
  if ('ask' in noted) return noted
  return accept(
    [change.write, ...opened.writes, ...open.writes, ...noted.writes],
    stockAnswered(place, change.after, quantity_scale),
  )
}

const adjustInput = object({
  ...placeFields,
  adjustment: decimal({ signed: true, example: -2 }),
  ...causes,
  occurred_at: occurredAt,
})

const adjustInventory = command({
  type: 'AdjustInventory',
  input: adjustInput,
  reads: (input) => placeRefs(placeOf(input)),
  decide: toldLate(decideAdjust),
  answer: stockAnswer,
  route: {
    method: 'PATCH',
    path: '/api/v1/inventory/adjust',
    aliases: ['/inventory/adjust'],
    tag,
    summary: 'Correct stock by a difference, up or down',
  },
})

function decideAdjust(input: Infer<typeof adjustInput>, given: Given, moment: Moment): Decision {
  const place = placeOf(input)
  const found = knownProduct(given, place.product_id)
  if ('rejected' in found) return found
  const before = given.state(stockItem.at(stockKey(place.product_id, place.store_id)))
  if (before === null && !isFact(moment)) return notStocked()
  const reader = amountReader()
  const adjustment = reader.change('adjustment', input.adjustment, found.quantity_scale)
  if (adjustment === 0) reader.note('adjustment', 'must not be zero')
  if (hasErrors(reader.errors)) return invalid(reader.errors)
  const scale = found.quantity_scale
  if (before !== null)
    return adjusted(given, { ...input, place, before, adjustment, scale }, moment)
  return adjustedUnlisted(given, { ...input, place, adjustment, scale }, moment)
}

/** What was never in stock here, as far as the book knows, and broke or was found all the same. */
function adjustedUnlisted(
  given: Given,
  wanted: Omit<Adjustment, 'before'>,
  moment: Moment,
): Decision {
  const { place, adjustment, scale, reason = 'correction', reference = null } = wanted
  const open = openPlace(given, moment, place)
  if ('rejected' in open) return open
  const opened = opening(given, place, EMPTY_ITEM, scale)
  if ('ask' in opened) return opened
  const data = { ...place, adjustment, reason, reference }
  const event = stockItem.event('InventoryAdjusted', data, moment.occurred_at)
  const change = stockChanged(given, place, [...opened.facts, event])
  const about = { kind: 'adjustment', quantity_scale: scale, reason, reference } as const
  const doubts = ['the product was not stocked in this store', ...open.doubts]
  const noted = detected(given, foundIn(change, about, doubts), moment, moment.occurred_at)
  if ('ask' in noted) return noted
  return accept(
    [change.write, ...opened.writes, ...open.writes, ...noted.writes],
    stockAnswered(place, change.after, scale),
  )
}

const setInput = object({
  ...placeFields,
  quantity: decimals,
  expected_quantity: optional(decimals),
  ...causes,
})

const updateProductStock = command({
  type: 'UpdateProductStock',
  input: setInput,
  reads: (input) => placeRefs(placeOf(input)),
  decide: decideSet,
  answer: stockAnswer,
  route: {
    method: 'PUT',
    path: '/api/v1/products/:product_id/stock',
    tag: 'products',
    summary: 'Set the stock of a product in a store to what is there',
  },
})

function decideSet(input: Infer<typeof setInput>, given: Given, moment: Moment): Decision {
  const place = placeOf(input)
  const found = knownProduct(given, place.product_id)
  if ('rejected' in found) return found
  const scale = found.quantity_scale
  const before = given.state(stockItem.at(stockKey(place.product_id, place.store_id)))
  const current = before?.quantity ?? 0
  const reader = amountReader()
  const wanted = reader.quantity('quantity', input.quantity, scale)
  const expected =
    input.expected_quantity === undefined
      ? current
      : reader.change('expected_quantity', input.expected_quantity, scale)
  if (hasErrors(reader.errors)) return invalid(reader.errors)
  if (expected !== current)
    return reject('concurrency_conflict', 'The stock is not what you expected.', {
      details: { current_quantity: decimalNumber(current, scale) },
    })
  if (before !== null) {
    const adjustment = wanted - current
    if (adjustment === 0) return accept([], stockAnswered(place, before, scale))
    return adjusted(given, { ...input, place, before, adjustment, scale }, moment)
  }
  const open = openPlace(given, moment, place)
  if ('rejected' in open) return open
  const item = { ...EMPTY_ITEM, quantity: wanted }
  const opened = opening(given, place, item, scale)
  if ('ask' in opened) return opened
  const { write, after } = stockChanged(given, place, opened.facts)
  return accept([write, ...opened.writes, ...open.writes], stockAnswered(place, after, scale))
}

type Adjustment = {
  readonly place: ReturnType<typeof placeOf>
  readonly before: StockState
  readonly adjustment: number
  readonly scale: number
  readonly reason?: string
  readonly reference?: string
}

function adjusted(given: Given, wanted: Adjustment, moment: Moment): Decision {
  const { place, before, adjustment, scale, reason = 'correction', reference = null } = wanted
  const short = shortage(place, before, adjustment, scale, moment)
  if (short !== null) return short
  if (Math.abs(before.quantity + adjustment) > QUANTITY_MAX)
    return invalid({ adjustment: 'is too large' })
  const data = { ...place, adjustment, reason, reference }
  const event = stockItem.event('InventoryAdjusted', data, moment.occurred_at)
  const change = stockChanged(given, place, [event])
  const about = { kind: 'adjustment', quantity_scale: scale, reason, reference } as const
  const noted = detected(given, foundIn(change, about), moment, moment.occurred_at)
  if ('ask' in noted) return noted
  return accept([change.write, ...noted.writes], stockAnswered(place, change.after, scale))
}

const closeInput = object(placeFields)

const closeInventory = command({
  type: 'CloseInventory',
  input: closeInput,
  reads: (input) => {
    const { product_id, store_id } = placeOf(input)
    return [stockItem.at(stockKey(product_id, store_id)), product.seen(product_id)]
  },
  decide: (input, given) => {
    const place = placeOf(input)
    const ref = stockItem.at(stockKey(place.product_id, place.store_id))
    const state = given.state(ref)
    if (state === null) return given.version(ref) === 0 ? notStocked() : accept([], place)
    if (state.quantity !== 0 || state.reserved !== 0 || state.incoming !== 0) {
      const scale = given.state(product.seen(place.product_id))?.quantity_scale ?? 0
      return reject('invalid_state', 'There is stock, or stock is promised or on its way.', {
        details: {
          quantity: decimalNumber(state.quantity, scale),
          reserved_quantity: decimalNumber(state.reserved, scale),
          incoming_quantity: decimalNumber(state.incoming, scale),
        },
      })
    }
    const closed = stockItem.event('InventoryClosed', place)
    return accept([{ stream: ref.stream, events: [closed] }], place)
  },
  answer: object({
    product_id: stockAnswer.properties.product_id,
    store_id: placeFields.product_id,
  }),
  route: {
    method: 'DELETE',
    path: '/api/v1/inventory/:product_id',
    aliases: ['/inventory/:product_id'],
    tag,
    summary: 'Close the empty stock of a product in a store',
  },
})

const notStocked = () => reject('not_found', 'The product is not stocked in this store.')

export const stockCommands: readonly Command[] = [
  createInventory,
  addStock,
  adjustInventory,
  updateProductStock,
  closeInventory,
]
