// Questions about stock: of a product, in a store, now or then; what runs low; what moved.
import { productReadView } from '#contexts/catalog/public.ts'
import { storeIdOf } from '#contexts/stores/public.ts'
import {
  asksNow,
  asOfFields,
  nowOrThen,
  pageAnswer,
  paged,
  pageOf,
  paging,
} from '#kernel/listing.ts'
import type { Filter, Row } from '#kernel/projection.ts'
import { type Query, query, type Reader } from '#kernel/query.ts'
import {
  flag,
  type Infer,
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
import { allRows, withProducts } from './product-rows.ts'
import { stockKey } from './stock.ts'
import { stockByStore } from './stock-by-store.ts'
import { stockMovements } from './stock-movements.ts'

const tag = 'inventory'
const path = '/api/v1/inventory'
const sums = {
  product_id: id(),
  quantity: quantity(),
  reserved_quantity: quantity(),
  available_quantity: quantity(),
  quantity_scale: integer(),
  updated_at: instant(),
  stale: optional(flag()),
}
const perStore = {
  store_id: id(),
  location: nullable(text()),
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
  input: object(ofProduct),
  keeping: {
    key: ({ product_id, store_id }) =>
      `inventory:${product_id}${store_id === undefined ? '' : `#${storeIdOf(store_id)}`}`,
    ttl: 'stock',
    of: [
      // A product's id is a UUID, without a colon.
      { projection: stockByStore, names: (key) => [`inventory:${key.split(':')[0]}`] },
      { projection: inventoryViews, names: (id) => [`inventory:${id}`] },
      { projection: productReadView, names: (id) => [`inventory:${id}`] },
    ],
  },
  run: async ({ product_id, store_id }, reader) => {
    const where = {
      product_id,
      ...(store_id === undefined ? {} : { store_id: storeIdOf(store_id) }),
    }
    const stores = await allRows(reader, stockByStore, { where, sort: [{ column: 'store_id' }] })
    const sums = await reader.get(inventoryViews, product_id)
    if (sums === null || stores.length === 0) return null
    const row = await reader.get(productReadView, product_id)
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
    summary: 'Stock of a product: sums, and one entry per store',
  },
})

const getStock = query({
  type: 'GetStock',
  input: object({ ...ofProduct, ...asOfFields }),
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
  answer: object({ ...sums, store_id: optional(id()), version: optional(integer()) }),
  route: {
    method: 'GET',
    path: `${path}/products/:product_id`,
    aliases: ['/inventory/products/:product_id'],
    tag,
    summary: 'Quantities of a product, in one store or over all; also as they were at some time',
  },
})

const lowInput = object({
  store_id: optional(id({ description: 'Where the store has a threshold of its own.' })),
  ...paging,
})

const listLowStock = query({
  type: 'ListLowStock',
  input: lowInput,
  run: (input, reader) => (input.store_id === undefined ? lowProducts : lowItems)(input, reader),
  answer: pageAnswer(
    object({
      product_id: id(),
      store_id: nullable(id()),
      code: text(),
      sku: text(),
      name: text(),
      quantity: quantity(),
      available_quantity: quantity(),
      min_stock: quantity(),
      quantity_scale: integer(),
    }),
  ),
  route: {
    method: 'GET',
    path: `${path}/low-stock`,
    aliases: ['/inventory/low-stock'],
    tag,
    summary: 'Products with less stock than their threshold',
  },
})

async function lowProducts(input: Infer<typeof lowInput>, reader: Reader) {
  const found = await reader.find(productReadView, {
    where: { is_low_stock: true, is_active: true },
    sort: [{ column: 'code' }],
    ...pageOf(input),
  })
  const items = found.items.map((row) => ({
    ...row,
    sku: row.code,
    store_id: null,
    quantity: row.quantity_in_stock,
  }))
  return paged({ ...found, items }, input)
}

async function lowItems(input: Infer<typeof lowInput>, reader: Reader) {
  const found = await reader.find(stockByStore, {
    where: { store_id: storeIdOf(input.store_id), is_low_stock: true },
    sort: [{ column: 'product_id' }],
    ...pageOf(input),
  })
  const items = await withProducts(reader, found.items, ({ code, name }) => ({
    code: code!,
    sku: code!,
    name: name!,
  }))
  return paged({ ...found, items }, input)
}

const movesInput = object({
  product_id: optional(id()),
  store_id: optional(id()),
  reservation_id: optional(id()),
  from: optional(instant({ description: 'First moment, by when it happened.' })),
  to: optional(instant({ description: 'Last moment.' })),
  ...paging,
})

const getStockMovements = query({
  type: 'GetStockMovements',
  input: movesInput,
  run: async (input, reader) => {
    const found = await reader.find(stockMovements, {
      where: movesFilter(input),
      sort: [{ column: 'position', descending: true }],
      ...pageOf(input),
    })
    const items = await withProducts(reader, found.items, ({ quantity_scale }) => ({
      quantity_scale: quantity_scale!,
    }))
    return paged({ ...found, items }, input)
  },
  answer: pageAnswer(
    object({
      position: integer(),
      product_id: id(),
      store_id: id(),
      event_type: text(),
      quantity_change: quantity(),
      reserved_change: quantity(),
      quantity_scale: integer(),
      reason: nullable(text()),
      reference: nullable(text()),
      reservation_id: nullable(id()),
      user_id: nullable(text({ max: 200 })),
      occurred_at: instant(),
      recorded_at: instant(),
    }),
  ),
  route: {
    method: 'GET',
    path: `${path}/movements`,
    aliases: ['/inventory/movements'],
    tag,
    summary: 'What changed stock, the newest first',
  },
})

function movesFilter(input: Infer<typeof movesInput>): Filter {
  const { product_id, store_id, reservation_id, from, to } = input
  const utc = (time: string) => new Date(time).toISOString()
  const span = {
    ...(from === undefined ? {} : { gte: utc(from) }),
    ...(to === undefined ? {} : { lte: utc(to) }),
  }
  return {
    ...(product_id === undefined ? {} : { product_id }),
    ...(store_id === undefined ? {} : { store_id: storeIdOf(store_id) }),
    ...(reservation_id === undefined ? {} : { reservation_id }),
    ...(Object.keys(span).length === 0 ? {} : { occurred_at: span }),
  } satisfies Row
}

export const stockQueries: readonly Query[] = [
  getInventory,
  getStock,
  listLowStock,
  getStockMovements,
]
