// Stock of each product in each store, as it is shown. One row per stock item that is open.
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { stockKey } from './stock.ts'
import type { Place } from './stock-changes.ts'

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
  /** On its way here from other stores. */
  readonly incoming_quantity: number
  /** Promised while it was not here, and not come since. */
  readonly backordered_quantity: number
  readonly backorder_limit: number
  /** Of this store alone. */
  readonly min_stock: number | null
  readonly is_low_stock: boolean
  readonly quantity_scale: number
  readonly updated_at: string
  readonly version: number
}

export const stockByStore = projection<StockRow>({
  name: 'stock_by_store',
  version: 2,
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
      incoming_quantity: 'quantity',
      backordered_quantity: 'quantity',
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
      apply: (_, { data: { is_first, ...data }, timestamp, version }, stock_id) => {
        const nothing = { reserved_quantity: 0, incoming_quantity: 0, backordered_quantity: 0 }
        return derived({ ...data, ...nothing, stock_id, updated_at: timestamp, version })
      },
    },
    InventoryClosed: { keys: itemOf, apply: () => null },
    InventoryUpdated: changed((_, { product_id, store_id, ...data }) => data),
    StockAdded: moved(({ quantity }) => ({ quantity })),
    InventoryAdjusted: moved(({ adjustment }) => ({ quantity: adjustment })),
    StockReserved: moved(({ quantity, backordered = 0 }) => ({ reserved: quantity, backordered })),
    StockReleased: moved(({ quantity, backordered = 0 }) => ({
      reserved: -quantity,
      backordered: -backordered,
    })),
    ReservationCommitted: moved(({ quantity }) => ({ quantity: -quantity, reserved: -quantity })),
    BackordersFilled: moved(({ lines }) => ({ backordered: -sumOf(lines) })),
    StockTransferredOut: moved(({ quantity }) => ({ quantity: -quantity })),
    StockTransferredIn: moved(({ quantity, settled }) => ({ quantity, incoming: -settled })),
    IncomingStockChanged: moved(({ change }) => ({ incoming: change })),
    // They change nothing that is shown, but the stream's version, which a sender may expect.
    StockCounted: changed(() => ({})),
    LowStockReached: changed(() => ({})),
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

const sumOf = (lines: readonly { readonly quantity: number }[]) =>
  lines.reduce((sum, { quantity }) => sum + quantity, 0)

// biome-ignore lint/suspicious/noExplicitAny: each use names the event it is for
type Data = any

function changed(change: (row: StockRow, data: Data) => Partial<StockRow>): Handler<StockRow> {
  return {
    keys: itemOf,
    apply: (row, { data, timestamp, version }) => {
      if (row === undefined) throw new Error('stock has moved where none was opened')
      return derived({ ...row, ...change(row, data), updated_at: timestamp, version })
    },
  }
}

type Move = {
  readonly quantity?: number
  readonly reserved?: number
  readonly incoming?: number
  readonly backordered?: number
}

/** How much more is here, is promised, is on its way, and is promised without being here. */
function moved(by: (data: Data) => Move): Handler<StockRow> {
  return changed((row, data) => {
    const { quantity = 0, reserved = 0, incoming = 0, backordered = 0 } = by(data)
    return {
      quantity: row.quantity + quantity,
      reserved_quantity: row.reserved_quantity + reserved,
      incoming_quantity: row.incoming_quantity + incoming,
      backordered_quantity: row.backordered_quantity + backordered,
    }
  })
}
