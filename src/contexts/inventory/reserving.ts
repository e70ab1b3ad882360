// Reserving, releasing and committing stock, as pure pieces of larger decisions: an order, its
// reservation and all its stock items are written in one append, or not at all.
import { product } from '#contexts/catalog/public.ts'
import {
  already,
  type Given,
  noSuch,
  type Ref,
  type Rejected,
  reject,
  type Write,
} from '#kernel/decider.ts'
import type { Instant } from '#kernel/message.ts'
import { decimalNumber } from '#kernel/money.ts'
import { type Line, type ReservationState, reservation, without } from './reservation.ts'
import {
  availableIn,
  BACKORDERS_MAX,
  backorderOf,
  freeIn,
  type Stock,
  stockItem,
  stockKey,
} from './stock.ts'
import { type Place, stockChanged } from './stock-changes.ts'
import { isCounted } from './told-late.ts'

export type Writes = { readonly writes: readonly Write[] }
/** `backordered`: how much of which lines was not here when it was promised. */
export type Reserved = Writes & { readonly backordered: readonly Line[] }
export type ToReserve = {
  readonly reservation_id: string
  readonly order_id: string | null
  readonly lines: readonly Line[]
  readonly expires_at: Instant | null
}

/** The stock items of these lines, each once, to be written. */
export const stockRefs = (lines: readonly Omit<Line, 'quantity'>[]): readonly Ref[] =>
  [...new Set(lines.map(({ product_id, store_id }) => stockKey(product_id, store_id)))].map((key) =>
    stockItem.at(key),
  )

/**
 * The stock items that a reservation holds something of; none when there is no such reservation.
 */
export const reservationRefs = (given: Given, reservationId: string): readonly Ref[] =>
  stockRefs(given.state(reservation.at(reservationId))?.lines ?? [])

/** All lines or none. Lines of one stock item are summed before they are judged. */
export function reserveLines(given: Given, wanted: ToReserve): Reserved | Rejected {
  const { reservation_id } = wanted
  if (given.state(reservation.at(reservation_id)) !== null)
    return already('a reservation', reservation_id)
  return reserved(given, wanted)
}

/** Holds these lines as well, all or none; the time limit stays. */
export function reserveMore(
  given: Given,
  reservation_id: string,
  lines: readonly Line[],
): Reserved | Rejected {
  const held = heldBy(given, reservation_id)
  if ('rejected' in held) return held
  const { order_id, expires_at } = held
  return reserved(given, { reservation_id, order_id, lines, expires_at })
}

function reserved(given: Given, wanted: ToReserve): Reserved | Rejected {
  const { reservation_id, order_id, expires_at } = wanted
  const lines = summed(wanted.lines)
  const short = lines.filter((line) => !isFree(given.state(itemOf(line)), line.quantity))
  if (short.length > 0) return insufficient(given, short)
  const made = reservation.event('InventoryReserved', {
    reservation_id,
    order_id,
    lines: [...lines],
    expires_at,
  })
  const taken = lines.map((line) => reserveLine(given, reservation_id, line))
  return {
    writes: [reservation.write(reservation_id, [made]), ...taken.map(({ write }) => write)],
    backordered: taken.map(({ backordered }) => backordered).filter((line) => line.quantity > 0),
  }
}

/** May be promised, though perhaps as a backorder; of those, only so many are remembered. */
function isFree(state: Stock, quantity: number): boolean {
  if (state === null || quantity > availableIn(state)) return false
  return quantity <= freeIn(state) || state.backorders.length < BACKORDERS_MAX
}

function reserveLine(given: Given, reservation_id: string, { quantity, ...place }: Line) {
  const { quantity: here, reserved } = given.state(itemOf(place))!
  const lacking = (promised: number) => Math.max(0, promised - here)
  const backordered = lacking(reserved + quantity) - lacking(reserved)
  const data = { ...place, quantity, reservation_id }
  const event = stockItem.event(
    'StockReserved',
    backordered === 0 ? data : { ...data, backordered },
  )
  const { write } = stockChanged(given, place, [event])
  return { write, backordered: { ...place, quantity: backordered } }
}

/** Gives back all that is still held. */
export function releaseLines(
  given: Given,
  reservationId: string,
  reason: string,
  as: 'released' | 'expired' = 'released',
): Writes | Rejected {
  const held = heldBy(given, reservationId)
  if ('rejected' in held) return held
  const { order_id, lines } = held
  const about = { reservation_id: reservationId, order_id, lines: [...lines] }
  const done =
    as === 'expired'
      ? reservation.event('ReservationExpired', about)
      : reservation.event('InventoryReleased', { ...about, reason })
  return {
    writes: [
      reservation.write(reservationId, [done]),
      ...stockWrites(given, 'StockReleased', reservationId, lines),
    ],
  }
}

/** Gives back a part; the rest stays reserved. */
export function releaseSome(
  given: Given,
  reservationId: string,
  lines: readonly Line[],
  reason: string,
): Writes | Rejected {
  const held = heldBy(given, reservationId)
  if ('rejected' in held) return held
  const part = partOf(held, lines)
  if (part === null) return notHeld(reservationId)
  const about = { reservation_id: reservationId, order_id: held.order_id, lines: [...part], reason }
  return {
    writes: [
      reservation.write(reservationId, [reservation.event('InventoryReleased', about)]),
      ...stockWrites(given, 'StockReleased', reservationId, part),
    ],
  }
}

/** The goods leave: what was reserved is no longer in stock. `lines`: only these; absent: all. */
export function commitLines(
  given: Given,
  reservationId: string,
  at?: Instant,
  lines?: readonly Line[],
): Writes | Rejected {
  const held = heldBy(given, reservationId)
  if ('rejected' in held) return held
  const part = lines === undefined ? held.lines : partOf(held, lines)
  if (part === null) return notHeld(reservationId)
  // Promised beyond what is here (a backorder): it cannot leave before it has come, nor take what
  // came for those who have waited longer.
  const here = (line: Line) => servedIn(given.state(itemOf(line)), held, line, reservationId, at)
  const absent = part.filter((line) => line.quantity > here(line))
  if (absent.length > 0) return insufficient(given, absent, here)
  const about = { reservation_id: reservationId, order_id: held.order_id, lines: [...part] }
  return {
    writes: [
      reservation.write(reservationId, [reservation.event('InventoryCommitted', about, at)]),
      ...stockWrites(given, 'ReservationCommitted', reservationId, part, at),
    ],
  }
}

/** No time limit any more: somebody has begun to pay. Nothing to write when there is none. */
export function keepReservation(given: Given, reservationId: string): Writes {
  const state = given.state(reservation.at(reservationId))
  if (state?.status !== 'ACTIVE' || state.expires_at === null) return { writes: [] }
  const kept = { reservation_id: reservationId, expires_at: null }
  return {
    writes: [reservation.write(reservationId, [reservation.event('ReservationExtended', kept)])],
  }
}

/** One line per stock item, in the order they first appear. */
export function summed(lines: readonly Line[]): readonly Line[] {
  const byItem = new Map<string, Line>()
  for (const { product_id, store_id, quantity } of lines) {
    const key = stockKey(product_id, store_id)
    byItem.set(key, {
      product_id,
      store_id,
      quantity: quantity + (byItem.get(key)?.quantity ?? 0),
    })
  }
  return [...byItem.values()]
}

const itemOf = ({ product_id, store_id }: Place) => stockItem.at(stockKey(product_id, store_id))

/** How much of a line that is held can leave, or had left before somebody counted the rest. */
function servedIn(
  state: Stock,
  { lines }: ReservationState,
  { product_id, store_id }: Line,
  reservationId: string,
  at?: Instant,
): number {
  if (state === null) return 0
  const held = lines.find((one) => one.product_id === product_id && one.store_id === store_id)
  const come = (held?.quantity ?? 0) - backorderOf(state, reservationId)
  return Math.max(0, isCounted(state, at) ? come : Math.min(state.quantity, come))
}

function stockWrites(
  given: Given,
  type: 'StockReleased' | 'ReservationCommitted',
  reservation_id: string,
  lines: readonly Line[],
  at?: Instant,
): readonly Write[] {
  return lines.map(({ quantity, ...place }) => {
    const data = { ...place, quantity, reservation_id }
    const waits =
      type === 'StockReleased' ? backorderOf(given.state(itemOf(place))!, reservation_id) : 0
    const event =
      waits === 0
        ? stockItem.event(type, data, at)
        : stockItem.event('StockReleased', { ...data, backordered: Math.min(waits, quantity) })
    return stockChanged(given, place, [event]).write
  })
}

function heldBy(given: Given, reservationId: string): ReservationState | Rejected {
  const state = given.state(reservation.at(reservationId))
  if (state === null) return noSuch('reservation', reservationId)
  if (state.status !== 'ACTIVE')
    return reject('invalid_state', `Reservation ${reservationId} is ${state.status}.`, {
      details: { status: state.status },
    })
  return state
}

/** The lines, summed, if the reservation still holds that much of each; otherwise null. */
function partOf(held: ReservationState, lines: readonly Line[]): readonly Line[] | null {
  const part = summed(lines)
  const total = (some: readonly Line[]) => some.reduce((sum, { quantity }) => sum + quantity, 0)
  const exact = total(held.lines) - total(without(held.lines, part)) === total(part)
  return exact ? part : null
}

const notHeld = (reservationId: string): Rejected =>
  reject('invalid_state', `Reservation ${reservationId} does not hold that much of it.`)

function insufficient(
  given: Given,
  lines: readonly Line[],
  leftOf = (line: Line) => availableIn(given.state(itemOf(line))),
): Rejected {
  const short = lines.map((line) => {
    const { product_id, store_id, quantity } = line
    const scale = scaleOf(given, line)
    const requested = decimalNumber(quantity, scale)
    return { product_id, store_id, requested, available: decimalNumber(leftOf(line), scale) }
  })
  return reject('insufficient_stock', 'There is not enough stock.', { details: { lines: short } })
}

/** The item's own, because who ships reads no products; where nothing is stocked, the product's. */
function scaleOf(given: Given, line: Line): number {
  const state = given.state(itemOf(line))
  if (state !== null) return state.quantity_scale
  const ref = product.seen(line.product_id)
  return given.lacking([ref]).length > 0 ? 0 : (given.state(ref)?.quantity_scale ?? 0)
}
