// Questions about stock: of a product, in a store, now or then; what runs low; what moved.
import { productReadView } from '#contexts/catalog/public.ts'
import { storeIdOf } from '#contexts/stores/public.ts'
import { asksNow, asOfFields, nowOrThen } from '#kernel/listing.ts'
import { streamOf } from '#kernel/message.ts'
import type { Row } from '#kernel/projection.ts'
import { type Query, query, type Reader } from '#kernel/query.ts'
import {
  flag,
  id,
  instant,
  integer,
  list,
  nullable,
  object,
  optional,
  quantity,
  text,
} from '#kernel/schema.ts'
import { inventoryViews } from './inventory-views.ts'
import { allRows, productRow } from './product-rows.ts'
import { stockKey } from './stock.ts'
import { stockByStore } from './stock-by-store.ts'

const tag = 'inventory'
const STORES_MAX = 10_000
const path = '/api/v1/inventory'
const sums = {
  product_id: id(),
  quantity: quantity(),
  reserved_quantity: quantity(),
  available_quantity: quantity(),
  incoming_quantity: quantity(),
  quantity_scale: integer(),
  updated_at: instant(),
  stale: optional(flag()),
}
const perStore = {
  store_id: id(),
  location: nullable(text()),
  backordered_quantity: quantity(),
  backorder_limit: quantity(),
  min_stock: nullable(quantity()),
  is_low_stock: flag(),
  version: integer(),
}
const ofProduct = { product_id: id(), store_id: optional(id({ description: 'Absent: all.' })) }

const storeKey = (product_id: string, store_id?: string) =>
  store_id === undefined ? product_id : stockKey(product_id, storeIdOf(store_id))

const getInventory = query({
  type: 'GetInventory',
  input: object({
    ...ofProduct,
    as_of: asOfFields.as_of,
    as_of_position: asOfFields.as_of_position,
  }),
  keeping: {
    key: ({ product_id, store_id, ...past }) =>
      asksNow(past)
        ? `inventory:${product_id}${store_id === undefined ? '' : `#${storeIdOf(store_id)}`}`
        : null,
    ttl: 'stock',
    of: [
      // A product's id is a UUID, without a colon.
      { projection: stockByStore, names: (key) => [`inventory:${key.split(':')[0]}`] },
      { projection: inventoryViews, names: (id) => [`inventory:${id}`] },
      { projection: productReadView, names: (id) => [`inventory:${id}`] },
    ],
  },
  run: async ({ product_id, store_id, ...past }, reader) => {
    const place = store_id === undefined ? undefined : storeIdOf(store_id)
    const stores = asksNow(past)
      ? await storesNow(reader, product_id, place)
      : await storesThen(reader, product_id, place, past)
    const sums = await nowOrThen(reader, inventoryViews, product_id, past)
    if (sums === null || stores.length === 0) return null
    const row = asksNow(past)
      ? await productRow(reader, product_id)
      : await nowOrThen(reader, productReadView, product_id, past)
    const { code, name, sell_price_minor, currency, min_stock, is_low_stock } = row ?? {}
    return { ...sums, code, name, sell_price_minor, currency, min_stock, is_low_stock, stores }
  },
  answer: object({
    ...sums,
    sku: text(),
    code: text(),
    name: text(),
    min_stock: quantity(),
    is_low_stock: flag(),
    stores: list(object({ ...sums, ...perStore })),
  }),
  route: {
    method: 'GET',
    path: `${path}/:product_id`,
    aliases: ['/inventory/:product_id'],
    tag,
    summary: 'Stock of a product: sums, and one entry per store; also as it was at some time',
  },
})

const storesNow = (reader: Reader, product_id: string, store_id?: string) =>
  allRows(reader, stockByStore, {
    where: { product_id, store_id },
    sort: [{ column: 'store_id' }],
  })

/** Of all stores that ever stocked it: one that has closed its stock since had some then. */
async function storesThen(
  reader: Reader,
  product_id: string,
  store_id: string | undefined,
  past: Parameters<typeof asksNow>[0],
): Promise<readonly Row[]> {
  const stocked = await reader.events([streamOf('product_stock', product_id)], STORES_MAX)
  const ever = stocked.map(({ data }) => (data as { readonly store_id: string }).store_id)
  const asked = [...new Set(ever)].filter((one) => store_id === undefined || one === store_id)
  const rows = await Promise.all(
    asked.sort().map((one) => nowOrThen(reader, stockByStore, stockKey(product_id, one), past)),
  )
  return rows.filter((row) => row !== null)
}

const getStock = query({
  type: 'GetStock',
  input: object({
    ...ofProduct,
    ...asOfFields,
    as_of_version: optional(
      integer({
        min: 1,
        description: 'As it was at this version of its own; only with store_id: sums have none.',
      }),
    ),
  }),
  keeping: {
    key: (input) => (asksNow(input) ? `stock:${storeKey(input.product_id, input.store_id)}` : null),
    ttl: 'stock',
    of: [
      { projection: inventoryViews, names: (id) => [`stock:${id}`] },
      { projection: stockByStore, names: (key) => [`stock:${key}`] },
    ],
  },
  run: async (input, reader) => {
    const projection = input.store_id === undefined ? inventoryViews : stockByStore
    const key = storeKey(input.product_id, input.store_id)
    const row = await nowOrThen(reader, projection, key, input)
    // A product that was never stocked has a row of zeros; that is not stock.
    return row === null || row.stores === 0 ? null : row
  },
  answer: object({
    ...sums,
    store_id: optional(id()),
    backordered_quantity: optional(quantity()),
    version: optional(integer()),
  }),
  route: {
    method: 'GET',
    path: `${path}/products/:product_id`,
    aliases: ['/inventory/products/:product_id'],
    tag,
    summary: 'Quantities of a product, in one store or over all; also as they were at some time',
  },
})

export const stockQueries: readonly Query[] = [getInventory, getStock]
