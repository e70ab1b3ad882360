// What the dashboard tells of stock: what it is worth at cost, and how many products are low.
import { lowStock, stockByStore, stockKey } from '#contexts/inventory/public.ts'
import type { Filter, Projection, Row } from '#kernel/projection.ts'
import { everyRow, type Reader } from '#kernel/query.ts'
import type { DashboardAsked } from './dashboard-sales.ts'
import { type InventoryValueRow, inventoryValue, stockValue } from './inventory-value.ts'
import { storeInventoryValue } from './store-inventory-value.ts'

export type Stock = {
  /** null: nobody knows any more. */
  readonly low: number | null
  /** By currency, in minor units; null: more than an integer holds. */
  readonly values: ReadonlyMap<string, number | null>
}

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
  const worth = await worthBy(['currency', 'is_low_stock'], inventoryValue, {}, reader)
  const low = worth.filter(({ is_low_stock }) => is_low_stock === true)
  return { low: low.reduce((sum, { count }) => sum + Number(count), 0), values: valuesOf(worth) }
}

/** Groups of rows and what each is worth; null where they come to more than an integer holds. */
async function worthBy(
  by: readonly string[],
  projection: Projection,
  where: Filter,
  reader: Reader,
): Promise<readonly Row[]> {
  try {
    return await reader.group(projection, { where, by, sums: ['value_minor'] })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // Somebody has told a cost or a quantity that cannot be: all the rest can be answered still.
    const known = await reader.group(projection, { where, by, sums: [] })
    return known.map((row) => ({ ...row, value_minor: null }))
  }
}

async function stockIn(storeId: string, reader: Reader): Promise<Stock> {
  const where = { store_id: storeId }
  const [worth, [low]] = await Promise.all([
    worthBy(['currency'], storeInventoryValue, where, reader),
    // As the store's own list has it: by what is free there, and by the store's own thresholds.
    reader.group(lowStock, { where, by: [], sums: [] }),
  ])
  return { low: Number(low!.count), values: valuesOf(worth) }
}

function valuesOf(worth: readonly Row[]): Stock['values'] {
  const values = new Map<string, number>()
  for (const { currency, value_minor } of worth) {
    const value = value_minor === null ? Number.NaN : Number(value_minor)
    values.set(String(currency), (values.get(String(currency)) ?? 0) + value)
  }
  return safely(values)
}

/** What has not changed since is as it was; the rest is folded from the log. */
async function stockThen(
  storeId: string | null,
  reader: Reader,
  knownAt: string,
): Promise<Stock | null> {
  const low = storeId === null ? lowOverall : await lowIn(storeId, reader, knownAt)
  const values = new Map<string, number>()
  let lowCount = 0
  const add = async (row: InventoryValueRow, isAsNow: boolean) => {
    // What the store never had adds no currency to it.
    if (storeId !== null && !Object.hasOwn(row.stores, storeId)) return
    const value = storeId === null ? row.value_minor : stockValue(row, row.stores[storeId]!)
    values.set(row.currency, (values.get(row.currency) ?? 0) + (value ?? 0))
    if (await low.was(row, isAsNow)) lowCount++
  }
  const changed: string[] = []
  for await (const row of allOf<InventoryValueRow>(inventoryValue, {}, reader))
    if (row.updated_at > knownAt) changed.push(row.product_id)
    else await add(row, true)
  if (changed.length + low.moved > FOLDED_MAX) return null
  for (const productId of changed) {
    const row = await reader.past(inventoryValue, productId, { time: knownAt })
    if (row !== null) await add(row as unknown as InventoryValueRow, false)
  }
  return { low: lowCount, values: safely(values) }
}

const safely = (values: ReadonlyMap<string, number>) =>
  new Map([...values].map(([name, sum]) => [name, Number.isSafeInteger(sum) ? sum : null]))

/** Whether a product was low; what has `moved` since is to be folded for it. */
type Low = {
  readonly moved: number
  readonly was: (row: InventoryValueRow, isAsNow: boolean) => Promise<boolean>
}
const lowOverall: Low = { moved: 0, was: async ({ is_low_stock }) => is_low_stock }

/** By what was free there and the store's own thresholds; a product's row has neither. */
async function lowIn(storeId: string, reader: Reader, knownAt: string): Promise<Low> {
  const where = { store_id: storeId }
  const moved = new Set<string>()
  const since = { ...where, updated_at: { gt: knownAt } }
  for await (const { product_id } of allOf<Item>(stockByStore, since, reader)) moved.add(product_id)
  const now = new Set<string>()
  for await (const { product_id } of allOf<Item>(lowStock, where, reader)) now.add(product_id)
  return {
    moved: moved.size,
    async was({ product_id }, isAsNow) {
      if (isAsNow && !moved.has(product_id)) return now.has(product_id)
      const key = stockKey(product_id, storeId)
      return (await reader.past(lowStock, key, { time: knownAt })) !== null
    },
  }
}

// Rows are what their table's columns say.
const allOf = <R>(projection: Projection, where: Filter, reader: Reader) =>
  everyRow(reader, projection, { where }) as AsyncGenerator<R>
type Item = { readonly product_id: string }
