// The goods leave: what leaves is taken out of stock in the same append, and only that is due to be
// paid where money is captured when goods are shipped.
import { commitLines, reservation, reservationRefs } from '#contexts/inventory/public.ts'
import { capturable, paymentStatus, refundable } from '#contexts/payments/public.ts'
import { CARRIER_MAX, shipment, TRACKING_MAX } from '#contexts/shipping/public.ts'
import {
  accept,
  ask,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  noSuch,
  reject,
} from '#kernel/decider.ts'
import { inUtc } from '#kernel/instants.ts'
import type { Instant } from '#kernel/message.ts'
import { type Infer, id, instant, object, oneOf, optional, text } from '#kernel/schema.ts'
import { lineOf, ORDER_STATUSES, unplanned } from './order.ts'
import { bookRefs, closeBook, type OrderBook, openBook, orderOf, paymentOf } from './order-book.ts'
import type { LineUnits } from './order-line.ts'
import { settleMoney } from './order-money.ts'
import { giveUpFirst, type ParcelDraft, parcelDraft, shipmentLines } from './parcels.ts'

export const shipAnswer = object({
  order_id: id(),
  shipment_id: id(),
  status: oneOf(ORDER_STATUSES, { description: 'Of the order.' }),
  tracking_number: text(),
  carrier: text(),
})
const fields = {
  tracking_number: optional(text({ max: TRACKING_MAX })),
  carrier: optional(text({ max: CARRIER_MAX })),
  shipped_at: optional(instant()),
}
const told = object(fields)
type Told = Infer<typeof told>

export const shipOrder = command({
  type: 'ShipOrder',
  input: object({ order_id: id(), ...fields }),
  reads: ({ order_id }) => [...bookRefs(order_id), reservation.at(order_id)],
  decide: ({ order_id, ...told }, given, moment) => {
    const book = openBook(given, order_id, moment)
    if (!('order' in book)) return book
    const { status } = orderOf(book)
    if (status === 'SHIPPED' || status === 'DELIVERED')
      return accept([], shipAnswerOf(book, book.shipment))
    return shipped(book, book.shipment, unplanned(orderOf(book)), told)
  },
  answer: shipAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/orders/:order_id/ship',
    tag: 'shipping',
    summary: 'The goods have left: all that goes in no other shipment',
  },
})

export const markShipped = command({
  type: 'MarkShipped',
  input: object({ shipment_id: id(), ...fields }),
  reads: ({ shipment_id }) => [shipment.at(shipment_id)],
  decide: ({ shipment_id, ...told }, given, moment) => {
    const found = openParcel(given, shipment_id, moment)
    if (!('book' in found)) return found
    const { book, parcel } = found
    const order = orderOf(book)
    if (order.parcels.some((each) => each.shipment_id === shipment_id && each.has_left))
      return accept([], shipAnswerOf(book, parcel))
    const own = order.parcels.find((each) => each.shipment_id === shipment_id)
    const isFirst = shipment_id === book.order_id
    return shipped(book, parcel, isFirst ? unplanned(order) : (own?.lines ?? []), told)
  },
  answer: shipAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/shipments/:shipment_id/ship',
    tag: 'shipping',
    summary: 'The goods of a shipment have left',
  },
})

/** The shipment with the book of its order; 404 without one. */
export function openParcel(given: Given, shipmentId: string, moment: Moment) {
  const state = given.state(shipment.at(shipmentId))
  if (state === null) return noSuch('shipment', shipmentId)
  const book = openBook(given, state.order_id, moment)
  if (!('order' in book)) return book
  if (shipmentId === book.order_id) return { book, parcel: book.shipment }
  return { book, parcel: parcelDraft(given, shipmentId, moment.now) }
}

function shipped(
  book: OrderBook,
  parcel: ParcelDraft,
  units: readonly LineUnits[],
  told: Told,
): Decision {
  const { given, order_id, moment } = book
  const no = shipTrouble(book, parcel, units)
  if (no !== null) return no
  const held = given.lacking([reservation.at(order_id)])
  if (held.length > 0) return ask(held)
  const items = given.lacking(reservationRefs(given, order_id))
  if (items.length > 0) return ask(items)
  const shipped_at = happenedAt(told.shipped_at, moment)
  if (shipped_at > moment.now) return invalid({ shipped_at: 'is in the future' })
  const label = parcel.state()
  const tracking_number = told.tracking_number ?? label?.tracking_number
  const carrier = told.carrier ?? label?.carrier
  if (!tracking_number || !carrier)
    return invalid({
      ...(tracking_number ? {} : { tracking_number: 'is required: the shipment has no label' }),
      ...(carrier ? {} : { carrier: 'is required: the shipment has no label' }),
    })
  const order = orderOf(book)
  const lines = units.map(({ line, quantity }) => ({
    product_id: lineOf(order, line)!.product_id,
    store_id: order.store_id,
    quantity,
  }))
  // Now is after all that is in the book, whatever this clock says; only what is earlier is told.
  const left_at = shipped_at < moment.now ? shipped_at : undefined
  const committed = commitLines(given, order_id, left_at, lines)
  if ('rejected' in committed) return committed
  book.beside.push(...committed.writes)
  ship(book, parcel, units, { tracking_number, carrier, shipped_at })
  settleMoney(book)
  giveUpFirst(book)
  if (parcel !== book.shipment) book.beside.push(parcel.write())
  return closeBook(book, shipAnswerOf(book, parcel))
}

export const happenedAt = (told: Instant | undefined, { occurred_at, now }: Moment): Instant =>
  told === undefined ? (occurred_at ?? now) : inUtc(told)

function shipTrouble(
  book: OrderBook,
  parcel: ParcelDraft,
  units: readonly LineUnits[],
): Decision | null {
  const { status, total_amount_minor } = orderOf(book)
  const payment = paymentOf(book)
  if (status !== 'CONFIRMED' && status !== 'PARTIALLY_SHIPPED')
    return reject('invalid_state', `An order that is ${status} cannot be shipped.`, {
      details: { status },
    })
  const state = parcel.state()
  if (state !== null && (state.status === 'CANCELLED' || state.pending !== null))
    return reject('invalid_state', 'The shipment was given up, or its label is under way.', {
      details: { shipment_status: state.status, pending: state.pending?.kind ?? null },
    })
  if (units.length === 0 || parcel.state()?.status === 'SHIPPED')
    return reject('invalid_state', 'All that is left goes in other shipments.', {
      details: { status },
    })
  const isVoiding = payment?.pending?.kind === 'void'
  const hasMoney = payment !== null && (refundable(payment) > 0 || capturable(payment) > 0)
  if (total_amount_minor === 0 || (hasMoney && !isVoiding)) return null
  return reject('invalid_state', 'The order is not paid for.', {
    details: { status, payment_status: payment === null ? null : paymentStatus(payment) },
  })
}

function ship(
  { order, order_id, ...book }: OrderBook,
  parcel: ParcelDraft,
  units: readonly LineUnits[],
  told: { tracking_number: string; carrier: string; shipped_at: string },
): void {
  const shipped = { shipment_id: parcel.id, order_id, ...told }
  const before = orderOf({ order, order_id, ...book })
  const lines = [...units]
  parcel.emit(
    'ShipmentShipped',
    { ...shipped, lines: [...shipmentLines(before, units)] },
    told.shipped_at,
  )
  const sum = (some: readonly LineUnits[]) => some.reduce((all, { quantity }) => all + quantity, 0)
  const left = before.lines.reduce(
    (all, each) => all + each.quantity - each.cancelled_quantity - each.shipped_quantity,
    0,
  )
  const type = left === sum(units) ? 'OrderShipped' : 'OrderPartiallyShipped'
  order.emit(type, { ...shipped, lines }, told.shipped_at)
}

export const shipAnswerOf = (book: OrderBook, parcel: ParcelDraft) => {
  const label = parcel.state()
  return {
    order_id: book.order_id,
    shipment_id: parcel.id,
    status: orderOf(book).status,
    tracking_number: label?.tracking_number ?? '',
    carrier: label?.carrier ?? '',
  }
}
