// Stock of one product in one store. Stream: stock-<product_id>:<store_id>.
// Only totals: which reservation holds how much is decided, once, by the reservation's own stream.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { id, integer, money, nullable, object, quantity, text } from '#kernel/schema.ts'

export type StockState = {
  readonly quantity: number
  /**
   * Promised and still here. `reserved <= quantity + backorder_limit` for every accepted request.
   */
  readonly reserved: number
  /** How much may be promised beyond what is here. */
  readonly backorder_limit: number
  /** The shelf. */
  readonly location: string | null
  /** Threshold of this store; null: only the product's own counts. */
  readonly min_stock: number | null
}
/** null: the product is not stocked there. */
export type Stock = StockState | null

export const stockKey = (productId: string, storeId: string): string => `${productId}:${storeId}`

export const REASON_MAX = 200
export const REFERENCE_MAX = 200
export const LOCATION_MAX = 200

const place = { product_id: id(), store_id: id() }
const cause = {
  reason: text({ max: REASON_MAX }),
  reference: nullable(text({ max: REFERENCE_MAX })),
}
const held = object({ ...place, quantity: quantity({ min: 1 }), reservation_id: id() })

const stockEvents = eventTypes({
  InventoryCreated: {
    data: object({
      ...place,
      quantity: quantity({ min: 0 }),
      quantity_scale: integer({ min: 0, max: 6 }),
      location: nullable(text({ max: LOCATION_MAX })),
      min_stock: nullable(quantity({ min: 0 })),
      backorder_limit: quantity({ min: 0 }),
    }),
  },
  StockAdded: {
    data: object({
      ...place,
      quantity: quantity({ min: 1 }),
      ...cause,
      unit_cost_minor: nullable(money()),
    }),
    aliases: ['StockReplenished'],
  },
  InventoryAdjusted: { data: object({ ...place, adjustment: quantity(), ...cause }) },
  StockReserved: { data: held },
  StockReleased: { data: held },
  ReservationCommitted: { data: held },
  InventoryClosed: { data: object(place) },
})

export const stockItem = aggregate({
  type: 'stock',
  state_version: 1,
  events: stockEvents,
  initial: null as Stock,
  evolve: {
    InventoryCreated: (_, { quantity, location, min_stock, backorder_limit }) => ({
      quantity,
      reserved: 0,
      backorder_limit,
      location,
      min_stock,
    }),
    StockAdded: (state, { quantity }) => moved(state, quantity, 0),
    InventoryAdjusted: (state, { adjustment }) => moved(state, adjustment, 0),
    StockReserved: (state, { quantity }) => moved(state, 0, quantity),
    StockReleased: (state, { quantity }) => moved(state, 0, -quantity),
    ReservationCommitted: (state, { quantity }) => moved(state, -quantity, -quantity),
    InventoryClosed: () => null,
  },
})

function moved(state: Stock, quantity: number, reserved: number): StockState {
  if (state === null) throw new Error('stock has moved where none was opened')
  return { ...state, quantity: state.quantity + quantity, reserved: state.reserved + reserved }
}

/**
 * What may still be promised. Never negative, also where a recorded fact took more than was free.
 */
export const availableIn = (state: Stock): number =>
  state === null ? 0 : Math.max(0, state.quantity + state.backorder_limit - state.reserved)
