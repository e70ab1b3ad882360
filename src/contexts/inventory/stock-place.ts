// Where a request wants stock to be: its product, its store and its stock item, as the book has
// them.
import { type ProductState, product } from '#contexts/catalog/public.ts'
import { openStore, store, storeIdOf, storeState } from '#contexts/stores/public.ts'
import {
  type Asked,
  ask,
  type Given,
  type Moment,
  type Ref,
  type Rejected,
  reject,
  type Write,
} from '#kernel/decider.ts'
import type { Fact } from '#kernel/message.ts'
import { decimalNumber } from '#kernel/money.ts'
import type { Infer } from '#kernel/schema.ts'
import { id, integer, nullable, object, optional, quantity, text } from '#kernel/schema.ts'
import { availableIn, LOCATION_MAX, type StockState, stockItem, stockKey } from './stock.ts'
import type { Place } from './stock-changes.ts'
import { stockedProduct } from './stocked-product.ts'
import { isCounted, isFact } from './told-late.ts'

export const placeFields = {
  product_id: id(),
  store_id: optional(id({ description: 'Default: the main store; main is its alias.' })),
}

export const placeOf = (input: {
  readonly product_id: string
  readonly store_id?: string
}): Place => ({ product_id: input.product_id, store_id: storeIdOf(input.store_id) })

/** The stock item first: its version is the one that a sender may expect. */
export const placeRefs = ({ product_id, store_id }: Place): readonly Ref[] => [
  stockItem.at(stockKey(product_id, store_id)),
  product.seen(product_id),
  store.seen(store_id),
]

export function knownProduct(given: Given, product_id: string): ProductState | Rejected {
  const state = given.state(product.seen(product_id))
  return (
    state ??
    reject('not_found', `There is no product ${product_id}.`, { details: { field: 'product_id' } })
  )
}

export type OpenStore = {
  /** The creation of a store that was not there, where that is allowed. */
  readonly writes: readonly Write[]
  /** Of what has happened already: why it cannot have been by the book. */
  readonly doubts: readonly string[]
}
export type OpenPlace = OpenStore & { readonly product: ProductState }

/**
 * A product that is sold and a store that is open: something new may come in or be promised there.
 * What has happened already came in, whatever became of both.
 */
export function openPlace(
  given: Given,
  moment: Moment,
  { product_id, store_id }: Place,
): OpenPlace | Rejected {
  const state = knownProduct(given, product_id)
  if ('rejected' in state) return state
  if (!state.is_active && !isFact(moment))
    return reject('invalid_state', `Product ${product_id} has been archived.`, {
      details: { product_id },
    })
  const opened = openedStore(given, moment, store_id)
  if ('rejected' in opened) return opened
  const archived = state.is_active ? [] : ['the product is archived']
  return { product: state, ...opened, doubts: [...archived, ...opened.doubts] }
}

/** The same of the store alone. */
export function openedStore(given: Given, moment: Moment, store_id: string): OpenStore | Rejected {
  const known = storeState(given, store_id)
  if (!isFact(moment)) {
    const opened = openStore(given, moment, store_id)
    return 'rejected' in opened ? opened : { ...opened, doubts: [] }
  }
  if (known !== null) return { writes: [], doubts: known.is_active ? [] : ['the store is closed'] }
  const creating = { settings: { ...moment.settings, 'stores.auto_create': true } }
  const opened = openStore(given, creating, store_id)
  return 'rejected' in opened ? opened : { ...opened, doubts: ['nobody knew of the store'] }
}

export type NewItem = Pick<StockState, 'quantity' | 'backorder_limit' | 'location' | 'min_stock'>
export const EMPTY_ITEM: NewItem = {
  quantity: 0,
  backorder_limit: 0,
  location: null,
  min_stock: null,
}

export type Opening = {
  /** The stock item's own. */
  readonly facts: readonly Fact[]
  /** The store in the product's list of stores, where it is new there. */
  readonly writes: readonly Write[]
}

/**
 * Opens a stock item; asks for the product's list of stores first, which nothing else has to hold,
 * and for the product, by whose threshold it may be low.
 */
export function opening(
  given: Given,
  place: Place,
  item: NewItem,
  quantity_scale: number,
): Opening | Asked {
  const { product_id, store_id } = place
  const lacking = given.lacking([stockedProduct.at(product_id), product.seen(product_id)])
  if (lacking.length > 0) return ask(lacking)
  const listed = given.state(stockedProduct.at(product_id)).includes(store_id)
  const data = { ...place, ...item, quantity_scale }
  const opened = listed ? data : { ...data, is_first: true }
  const created = stockItem.event('InventoryCreated', opened)
  const stocked = stockedProduct.event('ProductStocked', place)
  return { facts: [created], writes: listed ? [] : [stockedProduct.write(product_id, [stocked])] }
}

/** Nothing for an item that is open already. */
export const openedFor = (given: Given, place: Place, quantity_scale: number): Opening | Asked =>
  given.state(stockItem.at(stockKey(place.product_id, place.store_id))) === null
    ? opening(given, place, EMPTY_ITEM, quantity_scale)
    : { facts: [], writes: [] }

export const stockAnswer = object({
  product_id: id(),
  store_id: id(),
  quantity: quantity(),
  reserved_quantity: quantity(),
  available_quantity: quantity(),
  incoming_quantity: quantity(),
  /** Promised while it was not here; the first that comes is for these. */
  backordered_quantity: quantity(),
  quantity_scale: integer(),
  backorder_limit: quantity(),
  location: nullable(text({ max: LOCATION_MAX })),
  min_stock: nullable(quantity()),
})

/** The stock item as it is after a decision. */
export function stockAnswered(
  place: Place,
  state: StockState,
  quantity_scale: number,
): Infer<typeof stockAnswer> {
  const { quantity, reserved, incoming, backorder_limit, location, min_stock } = state
  return {
    ...place,
    quantity,
    reserved_quantity: reserved,
    available_quantity: quantity - reserved,
    incoming_quantity: incoming,
    backordered_quantity: state.backorders.reduce((sum, one) => sum + one.quantity, 0),
    quantity_scale,
    backorder_limit,
    location,
    min_stock,
  }
}

/**
 * Refused where it would take what is promised, or more than is there, and has not happened yet.
 * null: it may go.
 */
export function shortage(
  place: Place,
  state: StockState,
  change: number,
  quantity_scale: number,
  moment: Moment,
): Rejected | null {
  const { settings } = moment
  const { quantity, reserved, backorder_limit } = state
  const after = quantity + change
  const fits = after >= 0 && reserved <= after + backorder_limit
  if (change >= 0 || fits || settings['inventory.negative'] === true) return null
  if (isFact(moment) || isCounted(state, moment.occurred_at)) return null
  const available = Math.max(0, Math.min(quantity, availableIn(state)))
  const line = {
    ...place,
    requested: decimalNumber(-change, quantity_scale),
    available: decimalNumber(available, quantity_scale),
  }
  return reject('insufficient_stock', 'There is not enough stock.', { details: { lines: [line] } })
}
