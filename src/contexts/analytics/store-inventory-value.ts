// What the stock in each store is worth at its cost: one row a stock item, and one a product, from
// which a new item learns what it costs.
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { stockValue } from './inventory-value.ts'

export type StoreValueRow = {
  /** `<product_id>`, or `<product_id>:<store_id>` of a stock item. */
  readonly value_key: string
  readonly product_id: string
  /** null: the product itself, in no store. */
  readonly store_id: string | null
  readonly currency: string
  /** null: not known, and worth nothing here. */
  readonly cost_price_minor: number | null
  readonly quantity_scale: number
  readonly quantity: number
  /** null: more than an integer holds. */
  readonly value_minor: number | null
}

type Place = { readonly product_id: string; readonly store_id: string }
const itemOf = ({ product_id, store_id }: Place) => `${product_id}:${store_id}`

export const storeInventoryValue = projection<StoreValueRow>({
  name: 'inventory_value_by_store',
  version: 2,
  table: {
    name: 'inventory_value_by_store',
    key: 'value_key',
    columns: {
      value_key: 'text',
      product_id: 'text',
      store_id: { kind: 'text', nullable: true },
      currency: 'text',
      cost_price_minor: { kind: 'money', nullable: true },
      quantity_scale: 'int',
      quantity: 'quantity',
      value_minor: { kind: 'money', nullable: true },
    },
    indexes: [['product_id']],
    totals: { by: ['store_id', 'currency'], sums: ['value_minor'] },
  },
  on: {
    ProductCreated: {
      keys: ({ data }) => [data.product_id],
      apply: (_, { data }, value_key) => ({
        ...{ value_key, product_id: data.product_id, store_id: null },
        ...{ currency: data.currency, cost_price_minor: data.cost_price_minor },
        ...{ quantity_scale: data.quantity_scale, quantity: 0, value_minor: 0 },
      }),
    },
    ProductPriceChanged: {
      keys: ({ data: { product_id } }) => ({ lookup: { product_id } }),
      apply: (row, { data: { cost_price_minor } }) =>
        row && valued({ ...row, cost_price_minor }, row.quantity),
    },
    InventoryCreated: {
      keys: ({ data }) => [itemOf(data), data.product_id],
      apply(row, { data }, value_key, beside) {
        if (value_key === data.product_id) return row
        const product = beside?.(data.product_id)
        if (product === undefined) throw new Error('stock was opened of no product')
        return valued({ ...product, value_key, store_id: data.store_id }, data.quantity)
      },
    },
    InventoryClosed: { keys: ({ data }) => [itemOf(data)], apply: () => null },
    StockAdded: moved(({ quantity }) => quantity),
    InventoryAdjusted: moved(({ adjustment }) => adjustment),
    ReservationCommitted: moved(({ quantity }) => -quantity),
    StockTransferredOut: moved(({ quantity }) => -quantity),
    StockTransferredIn: moved(({ quantity }) => quantity),
  },
})

const valued = (row: StoreValueRow, quantity: number): StoreValueRow => ({
  ...row,
  quantity,
  value_minor: stockValue(row, quantity),
})

// biome-ignore lint/suspicious/noExplicitAny: each use names the event it is for
function moved(by: (data: any) => number): Handler<StoreValueRow> {
  return {
    keys: ({ data }: Recorded<Place>) => [itemOf(data)],
    apply(row, { data }) {
      if (row === undefined) throw new Error('stock has moved where none was opened')
      return valued(row, row.quantity + by(data))
    },
  }
}
