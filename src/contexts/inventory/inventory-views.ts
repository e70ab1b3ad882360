// Stock of each product over all stores. One row per product, from its creation on.
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'

export type InventoryRow = {
  readonly product_id: string
  readonly sku: string
  readonly quantity: number
  readonly available_quantity: number
  readonly reserved_quantity: number
  /** On its way between stores: in none of them. */
  readonly incoming_quantity: number
  readonly quantity_scale: number
  /** How many stores have a stock item of it. */
  readonly stores: number
  readonly updated_at: string
}

export const inventoryViews = projection<InventoryRow>({
  name: 'inventory_views',
  version: 2,
  table: {
    name: 'inventory_views',
    key: 'product_id',
    columns: {
      product_id: 'text',
      sku: 'text',
      quantity: 'quantity',
      available_quantity: 'quantity',
      reserved_quantity: 'quantity',
      incoming_quantity: 'quantity',
      quantity_scale: 'int',
      stores: 'int',
      updated_at: 'instant',
    },
    // A code never goes to another product, so rows may be written in any order.
    unique: [['sku']],
  },
  on: {
    ProductCreated: {
      keys: productOf,
      apply: (_, { data: { product_id, code, quantity_scale }, timestamp }) => ({
        product_id,
        sku: code,
        quantity: 0,
        available_quantity: 0,
        reserved_quantity: 0,
        incoming_quantity: 0,
        quantity_scale,
        stores: 0,
        updated_at: timestamp,
      }),
    },
    ProductUpdated: {
      keys: productOf,
      apply: (row, { data, timestamp }) =>
        row && data.code !== undefined ? { ...row, sku: data.code, updated_at: timestamp } : row,
    },
    InventoryCreated: moved(({ quantity }) => ({ quantity, stores: 1 })),
    InventoryClosed: moved(() => ({ stores: -1 })),
    StockAdded: moved(({ quantity }) => ({ quantity })),
    InventoryAdjusted: moved(({ adjustment }) => ({ quantity: adjustment })),
    StockReserved: moved(({ quantity }) => ({ reserved: quantity })),
    StockReleased: moved(({ quantity }) => ({ reserved: -quantity })),
    ReservationCommitted: moved(({ quantity }) => ({ quantity: -quantity, reserved: -quantity })),
    StockTransferredOut: moved(({ quantity }) => ({ quantity: -quantity })),
    StockTransferredIn: moved(({ quantity, settled }) => ({ quantity, incoming: -settled })),
    IncomingStockChanged: moved(({ change }) => ({ incoming: change })),
  },
  sources: (key) => [`product-${key}`, `stock-${key}:*`],
})

function productOf({ data }: Recorded<{ product_id: string }>): readonly string[] {
  return [data.product_id]
}

type Move = {
  readonly quantity?: number
  readonly reserved?: number
  readonly incoming?: number
  readonly stores?: number
}

// biome-ignore lint/suspicious/noExplicitAny: each use names the event it is for
function moved(by: (data: any) => Move): Handler<InventoryRow> {
  return {
    keys: productOf,
    apply: (row, { data, timestamp }) => {
      if (row === undefined) throw new Error('stock of a product that is not there has moved')
      const { quantity = 0, reserved = 0, incoming = 0, stores = 0 } = by(data)
      const after = {
        quantity: row.quantity + quantity,
        reserved_quantity: row.reserved_quantity + reserved,
      }
      return {
        ...row,
        ...after,
        available_quantity: after.quantity - after.reserved_quantity,
        incoming_quantity: row.incoming_quantity + incoming,
        stores: row.stores + stores,
        updated_at: timestamp,
      }
    },
  }
}
