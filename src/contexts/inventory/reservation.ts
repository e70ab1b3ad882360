// A promise of stock, over one item or many. Stream: reservation-<reservation_id>.
// ACTIVE → COMMITTED (the goods left) | RELEASED | EXPIRED, once.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { id, instant, list, nullable, object, quantity, text } from '#kernel/schema.ts'
import { REASON_MAX, stockKey } from './stock.ts'

export type Line = {
  readonly product_id: string
  readonly store_id: string
  readonly quantity: number
}
export const RESERVATION_STATUSES = ['ACTIVE', 'COMMITTED', 'RELEASED', 'EXPIRED'] as const

export type ReservationState = {
  readonly status: (typeof RESERVATION_STATUSES)[number]
  /** The order it was made for; such a reservation is the order's alone. */
  readonly order_id: string | null
  /** What is still held; empty when it is no longer ACTIVE. One line per stock item. */
  readonly lines: readonly Line[]
  /** null: no time limit. */
  readonly expires_at: string | null
  /** Some of it has left already, so that what is released later does not make it RELEASED. */
  readonly has_committed: boolean
}
export type Reservation = ReservationState | null

const LINES_MAX = 2_000
const lines = list(object({ product_id: id(), store_id: id(), quantity: quantity({ min: 1 }) }), {
  min: 1,
  max: LINES_MAX,
})
const whose = { reservation_id: id(), order_id: nullable(id()) }

export const reservation = aggregate({
  type: 'reservation',
  state_version: 1,
  events: eventTypes({
    InventoryReserved: { data: object({ ...whose, lines, expires_at: nullable(instant()) }) },
    InventoryReleased: { data: object({ ...whose, lines, reason: text({ max: REASON_MAX }) }) },
    InventoryCommitted: { data: object({ ...whose, lines }) },
    ReservationExtended: {
      data: object({ reservation_id: id(), expires_at: nullable(instant()) }),
    },
    ReservationExpired: { data: object({ ...whose, lines }) },
  }),
  initial: null as Reservation,
  evolve: {
    // Again under the same id: these lines as well.
    InventoryReserved: (state, { order_id, lines, expires_at }): Reservation => ({
      status: 'ACTIVE',
      order_id,
      lines: state === null ? lines : withMore(state.lines, lines),
      expires_at,
      has_committed: state?.has_committed ?? false,
    }),
    InventoryReleased: (state, { lines }) => lessened(active(state), lines, false),
    InventoryCommitted: (state, { lines }) => lessened(active(state), lines, true),
    ReservationExtended: (state, { expires_at }) => ({ ...active(state), expires_at }),
    ReservationExpired: (state): Reservation => ({
      ...active(state),
      status: 'EXPIRED',
      lines: [],
    }),
  },
})

function active(state: Reservation): ReservationState {
  if (state === null) throw new Error('a reservation that was never made has changed')
  return state
}

function lessened(
  state: ReservationState,
  gone: readonly Line[],
  committed: boolean,
): ReservationState {
  const left = without(state.lines, gone)
  const has_committed = state.has_committed || committed
  if (left.length > 0) return { ...state, lines: left, has_committed }
  return { ...state, status: has_committed ? 'COMMITTED' : 'RELEASED', lines: left, has_committed }
}

/** One line per stock item still. */
export function withMore(lines: readonly Line[], more: readonly Line[]): readonly Line[] {
  const keyOf = ({ product_id, store_id }: Line) => stockKey(product_id, store_id)
  const added = new Map(more.map((line) => [keyOf(line), line.quantity]))
  const known = new Set(lines.map(keyOf))
  return [
    ...lines.map((line) => ({ ...line, quantity: line.quantity + (added.get(keyOf(line)) ?? 0) })),
    ...more.filter((line) => !known.has(keyOf(line))),
  ]
}

/** Lines less what is gone; used up ones go. */
export function without(lines: readonly Line[], gone: readonly Line[]): readonly Line[] {
  const less = new Map<string, number>()
  for (const { product_id, store_id, quantity } of gone) {
    const key = stockKey(product_id, store_id)
    less.set(key, (less.get(key) ?? 0) + quantity)
  }
  return lines
    .map((line) => ({
      ...line,
      quantity: line.quantity - (less.get(stockKey(line.product_id, line.store_id)) ?? 0),
    }))
    .filter(({ quantity }) => quantity > 0)
}
