// What the dashboard tells of stock: what it is worth at cost, and how many products are low.
import { lowStock } from '#contexts/inventory/public.ts'
import type { Filter, Projection } from '#kernel/projection.ts'
import type { Reader } from '#kernel/query.ts'
import type { DashboardAsked } from './dashboard-sales.ts'
import { type InventoryValueRow, inventoryValue, stockValue } from './inventory-value.ts'
import { storeInventoryValue } from './store-inventory-value.ts'

export type Stock = {
  /** null: nobody knows any more. */
  readonly low: number | null
  /** By currency, in minor units; null: more than an integer holds. */
  readonly values: ReadonlyMap<string, number | null>
}

const PAGE = 1_000
/** Products whose past is folded from the log for one answer. */
const FOLDED_MAX = 1_000

/** null: too many products have changed since then. */
export const stockOf = (
  { store_id, knownAt }: DashboardAsked,
  reader: Reader,
): Promise<Stock | null> => {
  if (knownAt !== null) return stockThen(store_id, reader, knownAt)
  return store_id === null ? stockNow(reader) : stockIn(store_id, reader)
}

async function stockNow(reader: Reader): Promise<Stock> {
  const where = { is_low_stock: true }
  const [values, low] = await Promise.all([
    worthOf(inventoryValue, {}, reader),
    reader.find(inventoryValue, { where, limit: 0, total: true }),
  ])
  return { low: low.total ?? 0, values }
}

async function worthOf(projection: Projection, where: Filter, reader: Reader) {
  const by = ['currency']
  try {
    const worth = await reader.group(projection, { where, by, sums: ['value_minor'] })
    return new Map(worth.map((row) => [String(row.currency), Number(row.value_minor)] as const))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // Somebody has told a cost or a quantity that cannot be: all the rest can be answered still.
    const known = await reader.group(projection, { where, by, sums: [] })
    return new Map(known.map(({ currency }) => [String(currency), null] as const))
  }
}

async function stockIn(storeId: string, reader: Reader): Promise<Stock> {
  const where = { store_id: storeId }
  const [values, low] = await Promise.all([
    worthOf(storeInventoryValue, where, reader),
    // As the store's own list has it: by what is free there, and by the store's own thresholds.
    reader.find(lowStock, { where, limit: 0, total: true }),
  ])
  return { low: low.total ?? 0, values }
}

/** What has not changed since is as it was; the rest is folded from the log. */
async function stockThen(
  storeId: string | null,
  reader: Reader,
  knownAt: string,
): Promise<Stock | null> {
  const sum = summing(storeId)
  const changed: string[] = []
  await eachRow(reader, (row) => {
    if (row.updated_at > knownAt) changed.push(row.product_id)
    else sum.add(row)
  })
  if (changed.length > FOLDED_MAX) return null
  for (const productId of changed) {
    const row = await reader.past(inventoryValue, productId, { time: knownAt })
    if (row !== null) sum.add(row as unknown as InventoryValueRow)
  }
  return sum.stock()
}

function summing(storeId: string | null) {
  const values = new Map<string, number>()
  let low = 0
  return {
    add(row: InventoryValueRow) {
      // What the store has never had adds no currency to it.
      if (storeId !== null && !Object.hasOwn(row.stores, storeId)) return
      const value = storeId === null ? row.value_minor : stockValue(row, row.stores[storeId] ?? 0)
      values.set(row.currency, (values.get(row.currency) ?? 0) + (value ?? 0))
      if (row.is_low_stock) low++
    },
    stock: (): Stock => ({
      low: storeId === null ? low : null,
      values: new Map(
        [...values].map(([currency, value]) => [
          currency,
          Number.isSafeInteger(value) ? value : null,
        ]),
      ),
    }),
  }
}

async function eachRow(reader: Reader, visit: (row: InventoryValueRow) => void): Promise<void> {
  let cursor: string | null = null
  do {
    const page = await reader.find(inventoryValue, {
      limit: PAGE,
      ...(cursor === null ? {} : { cursor }),
    })
    for (const row of page.items) visit(row as unknown as InventoryValueRow)
    cursor = page.next_cursor
  } while (cursor !== null)
}
