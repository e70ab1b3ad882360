// A product and its stock as events, for tests of rules: what a test does not care for is plain.
import { product } from '#contexts/catalog/public.ts'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Write } from '#kernel/decider.ts'
import { stockItem, stockKey } from './stock.ts'

/** At 5.00 USD by the piece, named by its id. */
export const productCreated = (product_id: string, more: object = {}): Write =>
  product.write(product_id, [
    product.event('ProductCreated', {
      product_id,
      code: product_id.toUpperCase(),
      name: product_id,
      description: product_id,
      sell_price_minor: 500,
      currency: 'USD',
      cost_price_minor: null,
      department_id: null,
      department_name: null,
      unit_id: null,
      unit_name: null,
      quantity_scale: 0,
      min_stock: 0,
      user_id: null,
      ...more,
    }),
  ])

export const stockOpened = (
  product_id: string,
  quantity: number,
  more: object = {},
  store_id: string = MAIN_STORE_ID,
): Write =>
  stockItem.write(stockKey(product_id, store_id), [
    stockItem.event('InventoryCreated', {
      ...{ product_id, store_id, quantity, quantity_scale: 0 },
      ...{ location: null, min_stock: null, backorder_limit: 0 },
      ...more,
    }),
  ])
