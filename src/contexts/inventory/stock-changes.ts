// What happens to a stock item, with all that follows from it in the same append: backorders that
// are filled, a threshold that is reached, a count that knew of it already.
import { type Product, product } from '#contexts/catalog/public.ts'
import type { Given, Write } from '#kernel/decider.ts'
import type { Fact } from '#kernel/message.ts'
import {
  type Backorder,
  freeIn,
  lackingIn,
  type Stock,
  type StockState,
  stockItem,
  stockKey,
} from './stock.ts'

export type Place = { readonly product_id: string; readonly store_id: string }
export type StockChange = {
  readonly place: Place
  readonly before: Stock
  readonly after: StockState
  readonly write: Write
}

/** The stock item must have been read; the product's threshold counts where it was read as well. */
export function stockChanged(given: Given, place: Place, facts: readonly Fact[]): StockChange {
  const key = stockKey(place.product_id, place.store_id)
  const before = given.state(stockItem.at(key))
  const known = before?.counted ?? null
  // A count of that very moment is another number for it, not something that it knew of.
  const isCount = facts.some(({ type }) => type === 'StockCounted')
  const undone = known === null || isCount ? [] : alreadyCounted(place, known, facts)
  // What came goes first: event by event there is never more here than before or after all of them,
  // or whoever follows them would take what is low for what no longer is.
  const cameBefore = undone.some((fact) => quantityBy(fact) < 0)
  const events: Fact[] = cameBefore ? [...undone, ...facts] : [...facts, ...undone]
  // What is written now is never older than what was written before it; only totals matter here.
  let after = afterAll(before, events)
  const add = (...more: readonly Fact[]) => {
    events.push(...more)
    after = afterAll(after, more)
  }
  const filled = filledNow(after)
  if (filled.length > 0) add(stockItem.event('BackordersFilled', { ...place, lines: [...filled] }))
  const threshold = thresholdOf(given, place.product_id)
  if (hasFallen(before, after, threshold)) add(lowStock(place, after, threshold))
  return { place, before, after, write: { stream: stockItem.at(key).stream, events } }
}

const steps = stockItem.evolve as Readonly<
  Record<string, (state: Stock, data: unknown, event: object) => Stock>
>
/** The end of time: a fact that names no moment of its own happens now. */
const NOW = '9999-12-31T23:59:59.999Z'

function afterAll(state: Stock, facts: readonly Fact[]): StockState {
  let after = state
  for (const { type, data, occurred_at = NOW } of facts)
    after = steps[type]!(after, data, { occurred_at, timestamp: NOW, position: 0 })
  if (after === null) throw new Error('a stock item that is closed has no changes')
  return after
}

/**
 * Goods that had come or gone before somebody counted are in the count's number: what is recorded
 * of them later changes nothing more.
 */
function alreadyCounted(
  place: Place,
  { at, count_id }: NonNullable<StockState['counted']>,
  facts: readonly Fact[],
): readonly Fact[] {
  const late = facts.filter(({ occurred_at }) => occurred_at !== undefined && occurred_at <= at)
  const adjustment = -late.reduce((sum, fact) => sum + quantityBy(fact), 0)
  if (adjustment === 0) return []
  const cause = { reason: COUNTED_BEFORE, reference: count_id }
  return [stockItem.event('InventoryAdjusted', { ...place, adjustment, ...cause }, at)]
}
const COUNTED_BEFORE = 'counted before'

function quantityBy({ type, data }: Fact): number {
  // Written by this context's own deciders, which give each event its data.
  const { quantity = 0, adjustment = 0 } = data as { quantity?: number; adjustment?: number }
  switch (type) {
    case 'StockAdded':
    case 'StockTransferredIn':
      return quantity
    case 'InventoryAdjusted':
      return adjustment
    case 'ReservationCommitted':
    case 'StockTransferredOut':
      return -quantity
    default:
      return 0
  }
}

/** The oldest first: the queue never holds more than what is lacking. */
function filledNow({ backorders, ...state }: StockState): readonly Backorder[] {
  if (backorders.length === 0) return []
  const waiting = backorders.reduce((sum, { quantity }) => sum + quantity, 0)
  let come = waiting - Math.max(0, state.reserved - state.quantity)
  const filled: Backorder[] = []
  for (const { reservation_id, quantity } of backorders) {
    if (come <= 0) break
    const part = Math.min(quantity, come)
    filled.push({ reservation_id, quantity: part })
    come -= part
  }
  return filled
}

/** Of a product, for stores that have none of their own; null: it is archived, nothing is low. */
type Threshold = number | null

export const thresholdIn = (state: Product): Threshold =>
  state === null || !state.is_active ? null : state.min_stock

/** 0: nobody asked to hear of it, or the product was not read. */
function thresholdOf(given: Given, productId: string): Threshold {
  const ref = product.seen(productId)
  return given.lacking([ref]).length > 0 ? 0 : thresholdIn(given.state(ref))
}

function isLow(state: StockState, ofProduct: Threshold): boolean {
  if (ofProduct === null) return false
  const threshold = state.min_stock ?? ofProduct
  return threshold > 0 && freeIn(state) <= threshold
}

function hasFallen(before: Stock, after: StockState, ofProduct: Threshold): boolean {
  if (!isLow(after, ofProduct)) return false
  // By the product's threshold instead of the store's own it is another thing to know.
  const isOther = before !== null && before.min_stock !== null && after.min_stock === null
  return before === null || isOther || !isLow(before, ofProduct)
}

function lowStock(place: Place, state: StockState, ofProduct: Threshold): Fact<'LowStockReached'> {
  const { quantity, quantity_scale, min_stock } = state
  const now = { quantity, available_quantity: freeIn(state), quantity_scale }
  const which = { threshold: min_stock ?? ofProduct ?? 0, is_of_product: min_stock === null }
  return stockItem.event('LowStockReached', { ...place, ...now, ...which })
}

/** The product has another threshold: news where it was not low by the one before. */
export function lowBy(
  given: Given,
  place: Place,
  ofProduct: { readonly before: Threshold; readonly after: Threshold },
): readonly Write[] {
  const key = stockKey(place.product_id, place.store_id)
  const state = given.state(stockItem.at(key))
  if (state === null || isLow(state, ofProduct.before) || !isLow(state, ofProduct.after)) return []
  return [stockItem.write(key, [lowStock(place, state, ofProduct.after)])]
}

/** How much more of what is promised is not here than before: what a fact took from somebody. */
export const missingBy = ({ before, after }: StockChange): number =>
  lackingIn(after) - lackingIn(before)
