// What runs low, and since when: stock items with no more free than their threshold.
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { stockKey } from './stock.ts'

export type LowStockRow = {
  /** `<product_id>:<store_id>` */
  readonly stock_id: string
  readonly product_id: string
  readonly store_id: string
  readonly quantity: number
  readonly available_quantity: number
  readonly threshold: number
  /** The product's threshold counts, because the store has none of its own. */
  readonly is_of_product: boolean
  readonly quantity_scale: number
  readonly low_since: string
}

export const lowStock = projection<LowStockRow>({
  name: 'low_stock',
  version: 3,
  table: {
    name: 'low_stock',
    key: 'stock_id',
    columns: {
      stock_id: 'text',
      product_id: 'text',
      store_id: 'text',
      quantity: 'quantity',
      available_quantity: 'quantity',
      threshold: 'quantity',
      is_of_product: 'bool',
      quantity_scale: 'int',
      low_since: 'instant',
    },
    indexes: [['product_id'], ['store_id', 'low_since'], ['low_since']],
    totals: { by: ['store_id'], sums: [] },
  },
  on: {
    LowStockReached: {
      keys: itemOf,
      apply: (row, { data, occurred_at }, stock_id) => ({
        ...data,
        stock_id,
        low_since: row?.low_since ?? occurred_at,
      }),
    },
    InventoryUpdated: {
      keys: itemOf,
      apply: (row, { data: { min_stock } }) =>
        row === undefined || min_stock === undefined
          ? row
          : // The product's own, if it is lower still, has an event of its own beside this one.
            min_stock === null
            ? null
            : still({ ...row, threshold: min_stock, is_of_product: false }),
    },
    ProductUpdated: {
      keys: ({ data: { product_id } }) => ({ lookup: { product_id } }),
      apply: (row, { data: { min_stock } }) =>
        row === undefined || !row.is_of_product || min_stock === undefined
          ? row
          : still({ ...row, threshold: min_stock }),
    },
    // Nobody orders more of it. What is low when it is sold again is told then.
    ProductArchived: {
      keys: ({ data: { product_id } }) => ({ lookup: { product_id } }),
      apply: (row) => row && null,
    },
    InventoryClosed: { keys: itemOf, apply: (row) => row && null },
    StockAdded: moved(({ quantity }) => [quantity, 0]),
    InventoryAdjusted: moved(({ adjustment }) => [adjustment, 0]),
    StockReserved: moved(({ quantity }) => [0, quantity]),
    StockReleased: moved(({ quantity }) => [0, -quantity]),
    ReservationCommitted: moved(({ quantity }) => [-quantity, -quantity]),
    StockTransferredOut: moved(({ quantity }) => [-quantity, 0]),
    StockTransferredIn: moved(({ quantity }) => [quantity, 0]),
  },
  sources: (key) => [`stock-${key}`, `product-${key.split(':')[0]}`],
})

function itemOf({ data }: Recorded<{ product_id: string; store_id: string }>): readonly string[] {
  return [stockKey(data.product_id, data.store_id)]
}

/** A threshold of nothing is none. */
const still = (row: LowStockRow): LowStockRow | null =>
  row.threshold > 0 && row.available_quantity <= row.threshold ? row : null

/** How much more is here, and how much more of it is promised. */
// biome-ignore lint/suspicious/noExplicitAny: each use names the event it is for
function moved(by: (data: any) => readonly [number, number]): Handler<LowStockRow> {
  return {
    keys: itemOf,
    apply: (row, { data }) => {
      if (row === undefined) return row
      const [quantity, reserved] = by(data)
      return still({
        ...row,
        quantity: row.quantity + quantity,
        available_quantity: row.available_quantity + quantity - reserved,
      })
    },
  }
}
