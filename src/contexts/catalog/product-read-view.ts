// Products as they are shown: their own fields, the names of their department and unit, and the
// sums of their stock over all stores. One row per product.
import type { Recorded } from '#kernel/message.ts'
import { lineAmount, reckoned } from '#kernel/money.ts'
import { type Handler, projection } from '#kernel/projection.ts'

export type ProductRow = {
  readonly product_id: string
  readonly code: string
  readonly name: string
  readonly description: string
  readonly sell_price_minor: number
  readonly cost_price_minor: number | null
  readonly currency: string
  readonly department_id: string | null
  readonly department_name: string | null
  readonly unit_id: string | null
  readonly unit_name: string | null
  readonly tax_class: string | null
  readonly quantity_scale: number
  readonly min_stock: number
  readonly quantity_in_stock: number
  readonly reserved_quantity: number
  readonly available_quantity: number
  /** In how many stores it has stock, or had and may have again. */
  readonly stocked_stores: number
  readonly has_inventory: boolean
  readonly in_stock: boolean
  readonly is_low_stock: boolean
  /** null: the cost is not known. */
  readonly stock_value_minor: number | null
  readonly is_active: boolean
  readonly created_at: string
  readonly updated_at: string
  /** Of the product itself; its stock has versions of its own. */
  readonly version: number
}

export const productReadView = projection<ProductRow>({
  name: 'product_read_view',
  version: 3,
  table: {
    name: 'product_read_view',
    key: 'product_id',
    columns: {
      product_id: 'text',
      code: 'text',
      name: 'text',
      description: 'text',
      sell_price_minor: 'money',
      cost_price_minor: { kind: 'money', nullable: true },
      currency: 'text',
      department_id: { kind: 'text', nullable: true },
      department_name: { kind: 'text', nullable: true },
      unit_id: { kind: 'text', nullable: true },
      unit_name: { kind: 'text', nullable: true },
      tax_class: { kind: 'text', nullable: true },
      quantity_scale: 'int',
      min_stock: 'quantity',
      quantity_in_stock: 'quantity',
      reserved_quantity: 'quantity',
      available_quantity: 'quantity',
      stocked_stores: 'int',
      has_inventory: 'bool',
      in_stock: 'bool',
      is_low_stock: 'bool',
      stock_value_minor: { kind: 'money', nullable: true },
      is_active: 'bool',
      created_at: 'instant',
      updated_at: 'instant',
      version: 'int',
    },
    // A code never goes to another product, so rows may be written in any order.
    unique: [['code']],
    // None over what changes with every sale: a flag turns seldom.
    indexes: [
      ['is_active', 'code'],
      ['is_active', 'name'],
      ['department_id', 'is_active', 'code'],
      ['is_low_stock', 'is_active', 'code'],
      ['unit_id'],
    ],
    search: { code: 'code', name: 'name', description: 'text' },
  },
  on: {
    ProductCreated: {
      keys: productOf,
      apply: (_, { data: { user_id, ...fields }, timestamp, version }) =>
        derived({
          ...fields,
          tax_class: fields.tax_class ?? null,
          ...NO_STOCK,
          is_active: true,
          created_at: timestamp,
          updated_at: timestamp,
          version,
        }),
    },
    ProductUpdated: changed(({ data }) => data),
    ProductPriceChanged: changed(({ data: { sell_price_minor, cost_price_minor } }) => ({
      sell_price_minor,
      cost_price_minor,
    })),
    // They change nothing that is shown, but the stream's version, which a sender may expect.
    ProductPriceScheduled: changed(() => ({})),
    ScheduledPriceCancelled: changed(() => ({})),
    ProductArchived: changed(() => ({ is_active: false })),
    ProductRestored: changed(() => ({ is_active: true })),
    DepartmentRenamed: {
      keys: ({ data: { department_id } }) => ({ lookup: { department_id } }),
      apply: (row, { data }) => row && { ...row, department_name: data.name },
    },
    UnitUpdated: {
      keys: ({ data: { unit_id } }) => ({ lookup: { unit_id } }),
      apply: (row, { data }) => row && { ...row, unit_name: data.name ?? row.unit_name },
    },
    InventoryCreated: stocked(({ quantity }) => ({ quantity, stores: 1 })),
    InventoryClosed: stocked(() => ({ stores: -1 })),
    StockAdded: stocked(({ quantity }) => ({ quantity })),
    InventoryAdjusted: stocked(({ adjustment }) => ({ quantity: adjustment })),
    StockReserved: stocked(({ quantity }) => ({ reserved: quantity })),
    StockReleased: stocked(({ quantity }) => ({ reserved: -quantity })),
    ReservationCommitted: stocked(({ quantity }) => ({ quantity: -quantity, reserved: -quantity })),
    StockTransferredOut: stocked(({ quantity }) => ({ quantity: -quantity })),
    StockTransferredIn: stocked(({ quantity }) => ({ quantity })),
  },
  sources: (key, row) => [
    `product-${key}`,
    `stock-${key}:*`,
    ...(row?.department_id == null ? [] : [`department-${row.department_id}`]),
    ...(row?.unit_id == null ? [] : [`unit-${row.unit_id}`]),
  ],
})

const NO_STOCK = {
  quantity_in_stock: 0,
  reserved_quantity: 0,
  stocked_stores: 0,
}

type Counted = Omit<
  ProductRow,
  'available_quantity' | 'has_inventory' | 'in_stock' | 'is_low_stock' | 'stock_value_minor'
>

/** What follows from the other columns. */
function derived(row: Counted): ProductRow {
  const { quantity_in_stock, reserved_quantity, min_stock, cost_price_minor } = row
  return {
    ...row,
    available_quantity: quantity_in_stock - reserved_quantity,
    has_inventory: row.stocked_stores > 0,
    in_stock: quantity_in_stock > 0,
    is_low_stock: quantity_in_stock < min_stock,
    stock_value_minor:
      cost_price_minor === null
        ? null
        : // null also where it is more than a number holds.
          reckoned(() => lineAmount(cost_price_minor, quantity_in_stock, row.quantity_scale)),
  }
}

function productOf({ data }: Recorded<{ product_id: string }>): readonly string[] {
  return [data.product_id]
}

// biome-ignore lint/suspicious/noExplicitAny: each use names the event it is for
function changed(changes: (event: Recorded<any>) => Partial<ProductRow>): Handler<ProductRow> {
  return {
    keys: productOf,
    apply: (row, event) => ({
      ...derived({ ...known(row), ...changes(event) }),
      updated_at: event.timestamp,
      version: event.version,
    }),
  }
}

type Move = { readonly quantity?: number; readonly reserved?: number; readonly stores?: number }

/** An event of one of the product's stock items. */
// biome-ignore lint/suspicious/noExplicitAny: each use names the event it is for
function stocked(move: (data: any) => Move): Handler<ProductRow> {
  return {
    keys: productOf,
    apply: (before, { data }) => {
      const row = known(before)
      const { quantity = 0, reserved = 0, stores = 0 } = move(data)
      return derived({
        ...row,
        quantity_in_stock: row.quantity_in_stock + quantity,
        reserved_quantity: row.reserved_quantity + reserved,
        stocked_stores: row.stocked_stores + stores,
      })
    },
  }
}

function known(row: ProductRow | undefined): ProductRow {
  if (row === undefined) throw new Error('something happened to a product that is not there')
  return row
}
