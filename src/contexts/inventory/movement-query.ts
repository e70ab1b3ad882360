// The ledger of stock: what moved, why, by whom, and, for one stock item, what was there after it.
import { storeIdOf } from '#contexts/stores/public.ts'
import { inUtc } from '#kernel/instants.ts'
import { between, pageAnswer, paged, pageOf, paging } from '#kernel/listing.ts'
import type { Filter, Row } from '#kernel/projection.ts'
import { query, type Reader } from '#kernel/query.ts'
import {
  type Infer,
  id,
  instant,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  quantity,
  text,
} from '#kernel/schema.ts'
import { allRows, withProducts } from './product-rows.ts'
import { stockKey } from './stock.ts'
import { stockByStore } from './stock-by-store.ts'
import { stockMovements } from './stock-movements.ts'

const KINDS = Object.keys(stockMovements.on)

const movesInput = object({
  product_id: optional(id()),
  store_id: optional(id()),
  reservation_id: optional(id()),
  event_type: optional(
    list(oneOf(KINDS), { min: 1, max: KINDS.length, description: 'Only these kinds.' }),
  ),
  from: optional(instant({ description: 'First moment, by when it happened.' })),
  to: optional(instant({ description: 'Last moment.' })),
  ...paging,
})
type Input = Infer<typeof movesInput>

export const getStockMovements = query({
  type: 'GetStockMovements',
  input: movesInput,
  run: async (input, reader) => {
    const found = await reader.find(stockMovements, {
      where: filterOf(input),
      sort: [{ column: 'position', descending: true }],
      ...pageOf(input),
    })
    const rows = await withProducts(reader, found.items, ({ quantity_scale }) => ({
      quantity_scale: quantity_scale!,
    }))
    return paged({ ...found, items: await withQuantities(reader, rows, input) }, input)
  },
  answer: pageAnswer(
    object({
      position: integer(),
      product_id: id(),
      store_id: id(),
      event_type: text(),
      quantity_change: quantity(),
      reserved_change: quantity(),
      incoming_change: quantity(),
      /** Only where the question names a product and a store. */
      quantity_after: nullable(quantity()),
      quantity_scale: integer(),
      reason: nullable(text()),
      reference: nullable(text()),
      reservation_id: nullable(id()),
      transfer_id: nullable(id()),
      user_id: nullable(text({ max: 200 })),
      occurred_at: instant(),
      recorded_at: instant(),
    }),
  ),
  route: {
    method: 'GET',
    path: '/api/v1/inventory/movements',
    aliases: ['/inventory/movements'],
    tag: 'inventory',
    summary: 'What changed stock, the newest first',
  },
})

function filterOf({ product_id, store_id, reservation_id, event_type, from, to }: Input): Filter {
  return {
    product_id,
    store_id: store_id && storeIdOf(store_id),
    reservation_id,
    event_type: { in: event_type },
    occurred_at: between(from && inUtc(from), to && inUtc(to)),
  }
}

/**
 * What was there after each: what is there now, less what came after it. Rows of one stock item
 * only; those that the question left out count as well.
 */
async function withQuantities(
  reader: Reader,
  rows: readonly Row[],
  { product_id, store_id }: Input,
): Promise<readonly Row[]> {
  const [newest, oldest] = [rows[0], rows.at(-1)]
  if (product_id === undefined || store_id === undefined || !newest || !oldest)
    return rows.map((row) => ({ ...row, quantity_after: null }))
  const item = { product_id, store_id: storeIdOf(store_id) }
  const now = await reader.get(stockByStore, stockKey(product_id, item.store_id))
  const [later] = await reader.group(stockMovements, {
    where: { ...item, position: { gt: Number(newest.position) } },
    by: ['product_id'],
    sums: ['quantity_change'],
  })
  const between = await allRows(reader, stockMovements, {
    where: { ...item, position: { gte: Number(oldest.position), lte: Number(newest.position) } },
    sort: [{ column: 'position', descending: true }],
  })
  let left = Number(now?.quantity ?? 0) - Number(later?.quantity_change ?? 0)
  const after = new Map<unknown, number>()
  for (const { position, quantity_change } of between) {
    after.set(position, left)
    left -= Number(quantity_change)
  }
  return rows.map((row) => ({ ...row, quantity_after: after.get(row.position) ?? null }))
}
