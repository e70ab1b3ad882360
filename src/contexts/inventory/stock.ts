// Stock of one product in one store. Stream: stock-<product_id>:<store_id>.
// Totals: which reservation holds how much is decided, once, by the reservation's own stream. Only
// what waits for goods stands here by name, because who waits longest is served first.
import { aggregate, type EventFacts } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import {
  flag,
  id,
  instant,
  integer,
  list,
  money,
  nullable,
  object,
  optional,
  quantity,
  text,
} from '#kernel/schema.ts'
import { noMoves, noted, type RecentMoves } from './recent-moves.ts'

export type StockState = {
  readonly quantity: number
  readonly quantity_scale: number
  /**
   * Promised and still here. `reserved <= quantity + backorder_limit` for every accepted request.
   */
  readonly reserved: number
  /** On its way here from other stores; not to be promised before it has come. */
  readonly incoming: number
  /** How much may be promised beyond what is here. */
  readonly backorder_limit: number
  /** The shelf. */
  readonly location: string | null
  /** Threshold of this store; null: only the product's own counts. */
  readonly min_stock: number | null
  /** What was promised while it was not here, the oldest first: never more than is lacking. */
  readonly backorders: readonly Backorder[]
  /** The newest count: what happened before it is in its number, whenever it is recorded. */
  readonly counted: { readonly at: string; readonly count_id: string } | null
  readonly recent: RecentMoves
}
export type Backorder = { readonly reservation_id: string; readonly quantity: number }
/** null: the product is not stocked there. */
export type Stock = StockState | null

export const stockKey = (productId: string, storeId: string): string => `${productId}:${storeId}`

export const REASON_MAX = 200
export const REFERENCE_MAX = 200
export const LOCATION_MAX = 200
/** Reservations that wait for goods of one stock item at once; its state knows each of them. */
export const BACKORDERS_MAX = 2_000

const place = { product_id: id(), store_id: id() }
const cause = {
  reason: text({ max: REASON_MAX }),
  reference: nullable(text({ max: REFERENCE_MAX })),
}
const held = { ...place, quantity: quantity({ min: 1 }), reservation_id: id() }
const shipped = { ...place, transfer_id: id(), quantity: quantity({ min: 0 }) }

const stockEvents = eventTypes({
  InventoryCreated: {
    data: object({
      ...place,
      quantity: quantity({ min: 0 }),
      quantity_scale: integer({ min: 0, max: 6 }),
      location: nullable(text({ max: LOCATION_MAX })),
      min_stock: nullable(quantity({ min: 0 })),
      backorder_limit: quantity({ min: 0 }),
      /** It was never stocked here before: nothing is unknown that came or went earlier. */
      is_first: optional(flag()),
    }),
  },
  InventoryUpdated: {
    data: object({
      ...place,
      location: optional(nullable(text({ max: LOCATION_MAX }))),
      min_stock: optional(nullable(quantity({ min: 0 }))),
      backorder_limit: optional(quantity({ min: 0 })),
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
  /** `backordered`: how much of it was not here when it was promised. */
  StockReserved: { data: object({ ...held, backordered: optional(quantity({ min: 0 })) }) },
  /** `backordered`: how much of it still was not here; that is given up first. */
  StockReleased: { data: object({ ...held, backordered: optional(quantity({ min: 0 })) }) },
  ReservationCommitted: { data: object(held) },
  /** Goods have come, or became free, for those who have waited longest. */
  BackordersFilled: {
    data: object({
      ...place,
      lines: list(object({ reservation_id: id(), quantity: quantity({ min: 1 }) }), {
        min: 1,
        max: BACKORDERS_MAX,
      }),
    }),
  },
  StockTransferredOut: { data: object({ ...shipped, to_store_id: id() }) },
  /** `settled`: how much of what was on its way here it was; 0 where it came back to its sender. */
  StockTransferredIn: {
    data: object({
      ...shipped,
      from_store_id: id(),
      damaged: quantity({ min: 0 }),
      settled: quantity({ min: 0 }),
    }),
  },
  /** More is on its way here, or less: it was sent, was lost, or went back. */
  IncomingStockChanged: {
    data: object({ ...place, transfer_id: id(), from_store_id: id(), change: quantity() }),
  },
  /** Somebody counted; where the book said otherwise, an InventoryAdjusted follows. */
  StockCounted: {
    data: object({
      ...place,
      count_id: id(),
      counted: quantity({ min: 0 }),
      /** What the book said lay there when it was counted; null: too long ago to be known. */
      expected: nullable(quantity()),
      adjustment: quantity(),
      /** A count of a later moment was recorded before: this one changes nothing. */
      is_superseded: flag(),
      counted_at: instant(),
      quantity_scale: integer({ min: 0, max: 6 }),
    }),
  },
  /** Once for each time that it falls to the threshold, or the threshold is raised to it. */
  LowStockReached: {
    data: object({
      ...place,
      quantity: quantity(),
      available_quantity: quantity(),
      threshold: quantity({ min: 1 }),
      /** The product's threshold, because the store has none of its own. */
      is_of_product: flag(),
      quantity_scale: integer({ min: 0, max: 6 }),
    }),
  },
  InventoryClosed: { data: object(place) },
})

export const stockItem = aggregate({
  type: 'stock',
  state_version: 3,
  events: stockEvents,
  initial: null as Stock,
  evolve: {
    InventoryCreated: (_, { product_id, store_id, is_first, ...opened }, { occurred_at }) => ({
      ...opened,
      reserved: 0,
      incoming: 0,
      backorders: [],
      counted: null,
      // What lay there before it was opened with something, or anew, nobody knows.
      recent: noMoves(is_first === true && opened.quantity === 0 ? EVER : occurred_at),
    }),
    InventoryUpdated: (state, { product_id, store_id, ...changed }) => ({
      ...open(state),
      ...changed,
    }),
    StockAdded: (state, { quantity }, event) => moved(state, quantity, event),
    InventoryAdjusted: (state, { adjustment }, event) => moved(state, adjustment, event),
    StockReserved: (state, { quantity, reservation_id, backordered = 0 }) => {
      const before = open(state)
      const reserved = before.reserved + quantity
      if (backordered === 0) return { ...before, reserved }
      const backorder = { reservation_id, quantity: backordered }
      return { ...before, reserved, backorders: [...before.backorders, backorder] }
    },
    StockReleased: (state, { quantity, reservation_id, backordered = 0 }) => {
      const before = open(state)
      const after =
        backordered === 0
          ? before
          : less(before, [{ reservation_id, quantity: backordered }], 'newest first')
      return { ...after, reserved: before.reserved - quantity }
    },
    ReservationCommitted: (state, { quantity }, event) => {
      const after = moved(state, -quantity, event)
      return { ...after, reserved: after.reserved - quantity }
    },
    BackordersFilled: (state, { lines }) => less(open(state), lines),
    StockTransferredOut: (state, { quantity }, event) => moved(state, -quantity, event),
    StockTransferredIn: (state, { quantity, settled }, event) => {
      const after = moved(state, quantity, event)
      return { ...after, incoming: after.incoming - settled }
    },
    IncomingStockChanged: (state, { change }) => {
      const before = open(state)
      return { ...before, incoming: before.incoming + change }
    },
    StockCounted: (state, { count_id, counted_at, is_superseded }) =>
      is_superseded ? open(state) : { ...open(state), counted: { at: counted_at, count_id } },
    // What is low follows from what is free: it is told, not remembered.
    LowStockReached: open,
    InventoryClosed: () => null,
  },
})

const EVER = '1970-01-01T00:00:00.000Z'

function open(state: Stock): StockState {
  if (state === null) throw new Error('stock has moved where none was opened')
  return state
}

function moved(state: Stock, change: number, { occurred_at }: EventFacts): StockState {
  const before = open(state)
  const recent = noted(before.recent, occurred_at, change)
  return { ...before, quantity: before.quantity + change, recent }
}

/** A reservation that was added to stands in line more than once. */
function less(
  state: StockState,
  gone: readonly Backorder[],
  order: 'oldest first' | 'newest first' = 'oldest first',
): StockState {
  const by = new Map<string, number>()
  for (const { reservation_id, quantity } of gone)
    by.set(reservation_id, (by.get(reservation_id) ?? 0) + quantity)
  const take = (one: Backorder): Backorder => {
    const left = by.get(one.reservation_id) ?? 0
    const part = Math.min(one.quantity, left)
    by.set(one.reservation_id, left - part)
    return { ...one, quantity: one.quantity - part }
  }
  const { backorders } = state
  const taken =
    order === 'oldest first' ? backorders.map(take) : backorders.toReversed().map(take).toReversed()
  return { ...state, backorders: taken.filter(({ quantity }) => quantity > 0) }
}

/** How much of what this reservation holds is not here yet. */
export const backorderOf = ({ backorders }: StockState, reservationId: string): number =>
  backorders.reduce(
    (sum, { reservation_id, quantity }) =>
      reservation_id === reservationId ? sum + quantity : sum,
    0,
  )

/**
 * What may still be promised. Never negative, also where a recorded fact took more than was free.
 */
export const availableIn = (state: Stock): number =>
  state === null ? 0 : Math.max(0, state.quantity + state.backorder_limit - state.reserved)

/** What is here and promised to nobody; below zero where more is promised than is here. */
export const freeIn = ({ quantity, reserved }: StockState): number => quantity - reserved

/** How much of what is promised is not here. */
export const lackingIn = (state: Stock): number =>
  state === null ? 0 : Math.max(0, -freeIn(state))
