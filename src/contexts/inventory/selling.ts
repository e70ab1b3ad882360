// Goods that leave or come back over a counter, as a pure piece of a larger decision: a sale rung
// up is a fact. Where the book disagrees, the fact stands and somebody gets a work item.
import { product, QUANTITY_MAX } from '#contexts/catalog/public.ts'
import {
  type Asked,
  ask,
  type Given,
  invalid,
  type Moment,
  type Rejected,
  reject,
  type Write,
} from '#kernel/decider.ts'
import { decimalNumber } from '#kernel/money.ts'
import { detected, type Found, foundIn } from './discrepancy.ts'
import { freeIn, type StockState, stockItem, stockKey } from './stock.ts'
import { type Place, stockChanged } from './stock-changes.ts'
import { openedFor } from './stock-place.ts'
import { stockedProduct } from './stocked-product.ts'

export type StockPolicy = 'allow' | 'warn' | 'block'
export type SoldLine = {
  readonly product_id: string
  readonly quantity: number
  /** Of a product that this very decision takes into the catalogue. */
  readonly quantity_scale?: number
}
export type ToSell = {
  readonly store_id: string
  /** In steps; positive: goes out, negative: comes back. */
  readonly lines: readonly SoldLine[]
  readonly reason: string
  readonly reference: string
  readonly policy: StockPolicy
}
export type StockWarning = Place & {
  /** In steps of the product. */
  readonly requested: number
  readonly available: number
  readonly quantity_scale: number
}
export type Sold = { readonly writes: readonly Write[]; readonly warnings: readonly StockWarning[] }

/**
 * `block` refuses what is not free; otherwise it is booked, and what it took that was promised or
 * not there becomes a discrepancy. Wants `stockRefs` and `product.seen` of its lines.
 */
export function sellStock(
  given: Given,
  { store_id, lines, reason, reference, policy }: ToSell,
  moment: Moment,
): Sold | Rejected | Asked {
  const wanted = netOf(lines)
  const unlisted = wanted.filter(({ product_id }) => itemIn(given, product_id, store_id) === null)
  const lacking = given.lacking(unlisted.map(({ product_id }) => stockedProduct.at(product_id)))
  if (lacking.length > 0) return ask(lacking)
  const short = wanted
    .map((line) => shortOf(given, { product_id: line.product_id, store_id }, line))
    .filter((each) => each !== null)
  if (policy === 'block' && short.length > 0) return blocked(short)

  const writes: Write[] = []
  const found: Found[] = []
  for (const line of wanted) {
    const { product_id, quantity } = line
    const place = { product_id, store_id }
    const quantity_scale = scaleOf(given, line)
    const opened = openedFor(given, place, quantity_scale)
    if ('ask' in opened) return opened
    const data = { ...place, adjustment: -quantity, reason, reference }
    const sold = stockItem.event('InventoryAdjusted', data, moment.occurred_at)
    const change = stockChanged(given, place, [...opened.facts, sold])
    if (Math.abs(change.after.quantity) > QUANTITY_MAX) return invalid({ quantity: 'is too large' })
    found.push(...foundIn(change, { kind: 'sale', quantity_scale, reason, reference }))
    writes.push(change.write, ...opened.writes)
  }
  const noted = detected(given, found, moment, moment.occurred_at)
  if ('ask' in noted) return noted
  return { writes: [...writes, ...noted.writes], warnings: policy === 'warn' ? short : [] }
}

/** Lines of one product draw on the same stock: they are judged together. */
function netOf(lines: readonly SoldLine[]): readonly SoldLine[] {
  const byProduct = new Map<string, SoldLine>()
  for (const line of lines) {
    const before = byProduct.get(line.product_id)?.quantity ?? 0
    byProduct.set(line.product_id, { ...line, quantity: before + line.quantity })
  }
  return [...byProduct.values()].filter(({ quantity }) => quantity !== 0)
}

const itemIn = (given: Given, product_id: string, store_id: string): StockState | null =>
  given.state(stockItem.at(stockKey(product_id, store_id)))
const scaleOf = (given: Given, { product_id, quantity_scale = 0 }: SoldLine): number =>
  given.state(product.seen(product_id))?.quantity_scale ?? quantity_scale

/** null: it is there, and promised to nobody. */
function shortOf(given: Given, place: Place, line: SoldLine): StockWarning | null {
  const { quantity: requested } = line
  const state = itemIn(given, place.product_id, place.store_id)
  const available = state === null ? 0 : Math.max(0, freeIn(state))
  if (requested <= available) return null
  return { ...place, requested, available, quantity_scale: scaleOf(given, line) }
}

function blocked(short: readonly StockWarning[]): Rejected {
  const lines = short.map(({ quantity_scale, requested, available, ...place }) => ({
    ...place,
    requested: decimalNumber(requested, quantity_scale),
    available: decimalNumber(available, quantity_scale),
  }))
  return reject('insufficient_stock', 'There is not enough stock.', { details: { lines } })
}
