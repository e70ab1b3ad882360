// What the stock of each product is worth at its cost, in each store and in all. One row a product,
// from its creation on.
import type { Recorded } from '#kernel/message.ts'
import { lineAmount, reckoned } from '#kernel/money.ts'
import { type Handler, projection } from '#kernel/projection.ts'

export type InventoryValueRow = {
  readonly product_id: string
  readonly currency: string
  /** null: not known, and worth nothing here. */
  readonly cost_price_minor: number | null
  readonly quantity_scale: number
  readonly min_stock: number
  readonly is_active: boolean
  /** In all stores. */
  readonly quantity: number
  /** The sum of what it is worth in each store; null: more than an integer holds. */
  readonly value_minor: number | null
  readonly is_low_stock: boolean
  /** Quantity by store. */
  readonly stores: Readonly<Record<string, number>>
  /** When the newest of its events was recorded. */
  readonly updated_at: string
}

export const inventoryValue = projection<InventoryValueRow>({
  name: 'inventory_value',
  version: 2,
  table: {
    name: 'inventory_value',
    key: 'product_id',
    columns: {
      product_id: 'text',
      currency: 'text',
      cost_price_minor: { kind: 'money', nullable: true },
      quantity_scale: 'int',
      min_stock: 'quantity',
      is_active: 'bool',
      quantity: 'quantity',
      value_minor: { kind: 'money', nullable: true },
      is_low_stock: 'bool',
      stores: 'json',
      updated_at: 'instant',
    },
    totals: { by: ['currency', 'is_low_stock'], sums: ['value_minor'] },
  },
  on: {
    ProductCreated: {
      keys: productOf,
      apply: (_, { data, timestamp }) =>
        derived({
          product_id: data.product_id,
          currency: data.currency,
          cost_price_minor: data.cost_price_minor,
          quantity_scale: data.quantity_scale,
          min_stock: data.min_stock,
          is_active: true,
          stores: {},
          updated_at: timestamp,
        }),
    },
    ProductUpdated: changed(({ min_stock }) => (min_stock === undefined ? {} : { min_stock })),
    ProductPriceChanged: changed(({ cost_price_minor }) => ({ cost_price_minor })),
    ProductArchived: changed(() => ({ is_active: false })),
    ProductRestored: changed(() => ({ is_active: true })),
    InventoryCreated: moved(({ quantity }) => quantity),
    StockAdded: moved(({ quantity }) => quantity),
    InventoryAdjusted: moved(({ adjustment }) => adjustment),
    ReservationCommitted: moved(({ quantity }) => -quantity),
    StockTransferredOut: moved(({ quantity }) => -quantity),
    StockTransferredIn: moved(({ quantity }) => quantity),
    InventoryClosed: {
      keys: productOf,
      apply: (row, { data, timestamp }) => {
        const { [data.store_id]: _, ...stores } = known(row).stores
        return derived({ ...known(row), stores, updated_at: timestamp })
      },
    },
  },
  sources: (key) => [`product-${key}`, `stock-${key}:*`],
})

type Given = Omit<InventoryValueRow, 'quantity' | 'value_minor' | 'is_low_stock'>

/** What follows from the other columns. */
function derived(row: Given): InventoryValueRow {
  const quantities = Object.values(row.stores)
  const quantity = quantities.reduce((sum, one) => sum + one, 0)
  const values = quantities.map((one) => stockValue(row, one))
  const value = values.reduce<number>((sum, one) => sum + (one ?? Number.NaN), 0)
  return {
    ...row,
    quantity,
    value_minor: Number.isSafeInteger(value) ? value : null,
    is_low_stock: row.is_active && quantity < row.min_stock,
  }
}

/** null: more than an integer holds. */
export function stockValue(
  { cost_price_minor, quantity_scale }: Pick<Given, 'cost_price_minor' | 'quantity_scale'>,
  quantity: number,
): number | null {
  if (cost_price_minor === null) return 0
  return reckoned(() => lineAmount(cost_price_minor, quantity, quantity_scale))
}

function productOf({ data }: Recorded<{ product_id: string }>): readonly string[] {
  return [data.product_id]
}

// biome-ignore lint/suspicious/noExplicitAny: each use names the event it is for
type Data = any

function changed(changes: (data: Data) => Partial<Given>): Handler<InventoryValueRow> {
  return {
    keys: productOf,
    apply: (row, { data, timestamp }) =>
      derived({ ...known(row), ...changes(data), updated_at: timestamp }),
  }
}

function moved(by: (data: Data) => number): Handler<InventoryValueRow> {
  return {
    keys: productOf,
    apply: (before, { data, timestamp }) => {
      const row = known(before)
      const quantity = (row.stores[data.store_id] ?? 0) + by(data)
      const stores = { ...row.stores, [data.store_id]: quantity }
      return derived({ ...row, stores, updated_at: timestamp })
    },
  }
}

function known(row: InventoryValueRow | undefined): InventoryValueRow {
  if (row === undefined) throw new Error('something happened to a product that is not there')
  return row
}
