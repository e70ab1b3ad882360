// Stock of each product in each store, as it is shown. One row per stock item that is open.
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { stockKey } from './stock.ts'

export type StockRow = {
  /** `<product_id>:<store_id>` */
  readonly stock_id: string
  readonly product_id: string
  readonly store_id: string
  readonly location: string | null
  readonly quantity: number
  readonly reserved_quantity: number
  /** Quantity less reserved; below zero where more is promised than is here. */
  readonly available_quantity: number
  readonly backorder_limit: number
  /** Of this store alone. */
  readonly min_stock: number | null
  readonly is_low_stock: boolean
  readonly quantity_scale: number
  readonly updated_at: string
  readonly version: number
}

type Place = { readonly product_id: string; readonly store_id: string }

export const stockByStore = projection<StockRow>({
  name: 'stock_by_store',
  version: 1,
  table: {
    name: 'stock_by_store',
    key: 'stock_id',
    columns: {
      stock_id: 'text',
      product_id: 'text',
      store_id: 'text',
      location: { kind: 'text', nullable: true },
      quantity: 'quantity',
      reserved_quantity: 'quantity',
      available_quantity: 'quantity',
      backorder_limit: 'quantity',
      min_stock: { kind: 'quantity', nullable: true },
      is_low_stock: 'bool',
      quantity_scale: 'int',
      updated_at: 'instant',
      version: 'int',
    },
    indexes: [['product_id'], ['store_id', 'is_low_stock']],
  },
  on: {
    InventoryCreated: {
      keys: itemOf,
      apply: (_, { data, timestamp, version }, stock_id) =>
        derived({ ...data, stock_id, reserved_quantity: 0, updated_at: timestamp, version }),
    },
    InventoryClosed: { keys: itemOf, apply: () => null },
    StockAdded: moved(({ quantity }) => [quantity, 0]),
    InventoryAdjusted: moved(({ adjustment }) => [adjustment, 0]),
    StockReserved: moved(({ quantity }) => [0, quantity]),
    StockReleased: moved(({ quantity }) => [0, -quantity]),
    ReservationCommitted: moved(({ quantity }) => [-quantity, -quantity]),
  },
  sources: (key) => [`stock-${key}`],
})

function itemOf({ data }: Recorded<Place>): readonly string[] {
  return [stockKey(data.product_id, data.store_id)]
}

function derived(row: Omit<StockRow, 'available_quantity' | 'is_low_stock'>): StockRow {
  return {
    ...row,
    available_quantity: row.quantity - row.reserved_quantity,
    is_low_stock: row.min_stock !== null && row.quantity < row.min_stock,
  }
}

/** How much more is here, and how much more of it is promised. */
// biome-ignore lint/suspicious/noExplicitAny: each use names the event it is for
function moved(by: (data: any) => readonly [number, number]): Handler<StockRow> {
  return {
    keys: itemOf,
    apply: (row, { data, timestamp, version }) => {
      if (row === undefined) throw new Error('stock has moved where none was opened')
      const [quantity, reserved] = by(data)
      return derived({
        ...row,
        quantity: row.quantity + quantity,
        reserved_quantity: row.reserved_quantity + reserved,
        updated_at: timestamp,
        version,
      })
    },
  }
}
