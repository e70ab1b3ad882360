// Changing a product. What is changed is the catalogue's business; it stands here because of what
// may follow in the stores: by a threshold that is raised, or because it is sold again, their stock
// is low from that moment on.
import { product, productUpdates } from '#contexts/catalog/public.ts'
import { type Asked, ask, type Command, type Given, type Write } from '#kernel/decider.ts'
import { stateAfter } from '#kernel/state-after.ts'
import { stockItem, stockKey } from './stock.ts'
import { lowBy, thresholdIn } from './stock-changes.ts'
import { stockedProduct } from './stocked-product.ts'

export const updatingProducts: readonly Command[] = productUpdates.map((changing) => ({
  ...changing,
  decide: (input, given, moment) => {
    const decided = changing.decide(input, given, moment)
    if (!('accepted' in decided)) return decided
    const product_id = String(input.product_id)
    const low = lowAfter(given, product_id, decided.writes)
    return 'ask' in low ? low : { ...decided, writes: [...decided.writes, ...low.writes] }
  },
}))

function lowAfter(
  given: Given,
  product_id: string,
  writes: readonly Write[],
): { readonly writes: readonly Write[] } | Asked {
  const before = thresholdIn(given.state(product.at(product_id)))
  const after = thresholdIn(stateAfter(given, product.at(product_id), writes))
  if (after === null || (before !== null && after <= before)) return { writes: [] }
  const listed = given.lacking([stockedProduct.seen(product_id)])
  if (listed.length > 0) return ask(listed)
  const stores = given.state(stockedProduct.seen(product_id))
  const lacking = given.lacking(stores.map((id) => stockItem.at(stockKey(product_id, id))))
  if (lacking.length > 0) return ask(lacking)
  return {
    writes: stores.flatMap((store_id) => lowBy(given, { product_id, store_id }, { before, after })),
  }
}
