// What runs low: products over all stores together, or in one store what is not free any more.
import { productReadView } from '#contexts/catalog/public.ts'
import { storeIdOf } from '#contexts/stores/public.ts'
import { pageAnswer, paged, pageOf, paging } from '#kernel/listing.ts'
import { query, type Reader } from '#kernel/query.ts'
import {
  type Infer,
  id,
  instant,
  integer,
  nullable,
  object,
  optional,
  quantity,
  text,
} from '#kernel/schema.ts'
import { lowStock } from './low-stock.ts'
import { withProducts } from './product-rows.ts'

const lowInput = object({
  store_id: optional(
    id({ description: 'What is free there and no more than its threshold, or the product’s.' }),
  ),
  ...paging,
})

export const listLowStock = query({
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
      low_since: nullable(instant()),
      quantity_scale: integer(),
    }),
  ),
  route: {
    method: 'GET',
    path: '/api/v1/inventory/low-stock',
    aliases: ['/inventory/low-stock'],
    tag: 'inventory',
    summary: 'What has come to its threshold: products over all stores, or in one store',
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
    low_since: null,
  }))
  return paged({ ...found, items }, input)
}

async function lowItems(input: Infer<typeof lowInput>, reader: Reader) {
  const found = await reader.find(lowStock, {
    where: { store_id: storeIdOf(input.store_id) },
    sort: [{ column: 'low_since', descending: true }],
    ...pageOf(input),
  })
  const rows = found.items.map((row) => ({ ...row, min_stock: row.threshold! }))
  const items = await withProducts(reader, rows, ({ code, name }) => ({
    code: code!,
    sku: code!,
    name: name!,
  }))
  return paged({ ...found, items }, input)
}
