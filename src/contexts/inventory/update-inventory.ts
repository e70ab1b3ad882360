// Changes how the stock of a product in a store is kept: its shelf, its threshold, and how much may
// be promised beyond what is there. Quantities have commands of their own.
import { amountReader, hasErrors } from '#contexts/catalog/public.ts'
import { accept, command, type Decision, type Given, invalid, reject } from '#kernel/decider.ts'
import { decimal, type Infer, nullable, object, optional, text } from '#kernel/schema.ts'
import { LOCATION_MAX, stockItem, stockKey } from './stock.ts'
import { stockChanged } from './stock-changes.ts'
import {
  knownProduct,
  placeFields,
  placeOf,
  placeRefs,
  stockAnswer,
  stockAnswered,
} from './stock-place.ts'

const signed = decimal({ signed: true })
const input = object({
  ...placeFields,
  location: optional(nullable(text({ max: LOCATION_MAX }))),
  min_stock: optional(nullable(signed)),
  backorder_limit: optional(decimal({ signed: true, example: 5 })),
})

export const updateInventory = command({
  type: 'UpdateInventory',
  input,
  reads: (input) => placeRefs(placeOf(input)),
  decide,
  answer: stockAnswer,
  route: {
    method: 'PATCH',
    path: '/api/v1/inventory/:product_id',
    aliases: ['/inventory/:product_id'],
    tag: 'inventory',
    summary: 'Change shelf, threshold or backorder limit of a product in a store',
  },
})

function decide(wanted: Infer<typeof input>, given: Given): Decision {
  const place = placeOf(wanted)
  const found = knownProduct(given, place.product_id)
  if ('rejected' in found) return found
  const state = given.state(stockItem.at(stockKey(place.product_id, place.store_id)))
  if (state === null) return reject('not_found', 'The product is not stocked in this store.')
  const { quantity_scale } = found
  const reader = amountReader()
  const read = (field: 'min_stock' | 'backorder_limit') => {
    const told = wanted[field]
    if (told === undefined) return state[field]
    return told === null ? null : reader.quantity(field, told, quantity_scale)
  }
  const { location = state.location } = wanted
  const min_stock = read('min_stock')
  const backorder_limit = read('backorder_limit') ?? state.backorder_limit
  if (hasErrors(reader.errors)) return invalid(reader.errors)
  const changed = {
    ...(location === state.location ? {} : { location }),
    ...(min_stock === state.min_stock ? {} : { min_stock }),
    ...(backorder_limit === state.backorder_limit ? {} : { backorder_limit }),
  }
  if (Object.keys(changed).length === 0)
    return accept([], stockAnswered(place, state, quantity_scale))
  const updated = stockItem.event('InventoryUpdated', { ...place, ...changed })
  const { write, after } = stockChanged(given, place, [updated])
  return accept([write], stockAnswered(place, after, quantity_scale))
}
