// Whether stock is there to be promised. An answer for now: only a reservation holds anything.
import { storeIdOf } from '#contexts/stores/public.ts'
import { scaled } from '#kernel/money.ts'
import type { Row } from '#kernel/projection.ts'
import { query, type Reader } from '#kernel/query.ts'
import {
  decimal,
  flag,
  type Infer,
  id,
  integer,
  list,
  nullable,
  object,
  optional,
  quantity,
  text,
} from '#kernel/schema.ts'
import { allRows, productRows } from './product-rows.ts'
import { stockByStore } from './stock-by-store.ts'

const LINES_MAX = 100
const line = { product_id: id(), quantity: decimal() }

const input = object({
  lines: optional(list(object(line), { min: 1, max: LINES_MAX })),
  product_id: optional(line.product_id),
  quantity: optional(decimal({ description: 'Default 1.' })),
  store_id: optional(id({ description: 'Absent: any store.' })),
})
type Input = Infer<typeof input>

export const checkAvailability = query({
  type: 'CheckAvailability',
  input,
  refuses: ({ lines, product_id }) =>
    lines === undefined && product_id === undefined
      ? { product_id: 'is required, or lines' }
      : null,
  run: answered,
  answer: object({
    /** All lines are. */
    available: flag(),
    lines: list(
      object({
        product_id: id(),
        quantity_scale: integer(),
        requested: quantity(),
        /** Some one store can promise all of it. */
        available: flag(),
        available_quantity: quantity(),
        reason: nullable(text()),
        stores: list(object({ store_id: id(), available_quantity: quantity() })),
      }),
    ),
  }),
  route: {
    method: 'GET',
    path: '/api/v1/inventory/availability',
    aliases: ['/inventory/availability'],
    tag: 'inventory',
    summary: 'Whether a quantity of a product can be promised, and where',
  },
})

async function answered(asked: Input, reader: Reader) {
  const wanted = linesOf(asked)
  const ids = [...wanted.keys()]
  const products = await productRows(reader, ids)
  const where = { product_id: { in: ids }, store_id: asked.store_id && storeIdOf(asked.store_id) }
  const stock = Map.groupBy(await allRows(reader, stockByStore, { where }), (row) =>
    String(row.product_id),
  )
  const lines = ids.map((product_id) =>
    judged(product_id, wanted.get(product_id)!, products.get(product_id), stock.get(product_id)),
  )
  return { available: lines.every(({ available }) => available), lines }
}

/** Quantities by product. Lines of one product are judged together: they draw on the same stock. */
function linesOf({ lines, product_id, quantity = '1' }: Input): Map<string, readonly string[]> {
  const single = product_id === undefined ? [] : [{ product_id, quantity }]
  const wanted = new Map<string, readonly string[]>()
  for (const line of lines ?? single)
    wanted.set(line.product_id, [...(wanted.get(line.product_id) ?? []), line.quantity])
  return wanted
}

function judged(
  product_id: string,
  quantities: readonly string[],
  product: Row | undefined,
  rows: readonly Row[] = [],
) {
  const quantity_scale = Number(product?.quantity_scale ?? 0)
  const stores = rows
    .map(({ store_id, available_quantity, backorder_limit }) => ({
      store_id: String(store_id),
      available_quantity: Math.max(0, Number(available_quantity) + Number(backorder_limit)),
    }))
    .filter(({ available_quantity }) => available_quantity > 0)
  const read = quantities.map((decimal) => scaled(decimal, quantity_scale))
  const wrong = read.find(({ ok }) => !ok)
  const requested = read.reduce((sum, one) => sum + (one.ok ? one.value : 0), 0)
  const reason =
    product === undefined
      ? 'is not a product'
      : product.is_active !== true
        ? 'has been archived'
        : wrong !== undefined && !wrong.ok
          ? wrong.reason
          : null
  return {
    product_id,
    quantity_scale,
    requested,
    available: reason === null && stores.some((one) => one.available_quantity >= requested),
    available_quantity: stores.reduce((sum, one) => sum + one.available_quantity, 0),
    reason,
    stores,
  }
}
