// Goods that a customer sent back go on the shelf again, as a pure piece of a larger decision. They
// are as good as new ones: who waits longest for them gets them.
import { product } from '#contexts/catalog/public.ts'
import { type Asked, ask, type Given, type Write } from '#kernel/decider.ts'
import type { Instant } from '#kernel/message.ts'
import type { Line } from './reservation.ts'
import { summed } from './reserving.ts'
import { stockItem, stockKey } from './stock.ts'
import { stockChanged } from './stock-changes.ts'
import { openedFor } from './stock-place.ts'

export type TakenBack = {
  /** In steps, each above 0. */
  readonly lines: readonly Line[]
  readonly reference: string
}

/** Opens what the store no longer stocks. Wants `stockRefs` and `product.seen` of its lines. */
export function takeBack(
  given: Given,
  { lines, reference }: TakenBack,
  at?: Instant,
): { readonly writes: readonly Write[] } | Asked {
  const writes: Write[] = []
  const lacking: Asked['ask'][number][] = []
  for (const { quantity, ...place } of summed(lines)) {
    const scale = given.state(product.seen(place.product_id))?.quantity_scale ?? 0
    const isOpen = given.state(stockItem.at(stockKey(place.product_id, place.store_id))) !== null
    const opened = isOpen ? { facts: [], writes: [] } : openedFor(given, place, scale)
    if ('ask' in opened) {
      lacking.push(...opened.ask)
      continue
    }
    const cause = { reason: 'return', reference, unit_cost_minor: null }
    const added = stockItem.event('StockAdded', { ...place, quantity, ...cause }, at)
    writes.push(stockChanged(given, place, [...opened.facts, added]).write, ...opened.writes)
  }
  return lacking.length > 0 ? ask(lacking) : { writes }
}
