// The goods have arrived: a parcel, or all of an order. An order is delivered with its last one.
import { shipment } from '#contexts/shipping/public.ts'
import { accept, ask, command, type Decision, invalid, reject } from '#kernel/decider.ts'
import { id, instant, object, optional } from '#kernel/schema.ts'
import { bookRefs, closeBook, type OrderBook, openBook, orderOf } from './order-book.ts'
import { type ParcelDraft, parcelDraft, parcelRefs } from './parcels.ts'
import { happenedAt, openParcel, shipAnswer, shipAnswerOf } from './ship-order.ts'

export const deliverOrder = command({
  type: 'DeliverOrder',
  input: object({ order_id: id(), delivered_at: optional(instant()) }),
  reads: ({ order_id }) => bookRefs(order_id),
  decide: ({ order_id, ...told }, given, moment) => {
    const book = openBook(given, order_id, moment)
    if (!('order' in book)) return book
    const { status } = orderOf(book)
    if (status === 'DELIVERED') return accept([], shipAnswerOf(book, book.shipment))
    if (status !== 'SHIPPED')
      return reject('invalid_state', `An order that is ${status} cannot be delivered.`, {
        details: { status },
      })
    const delivered_at = happenedAt(told.delivered_at, moment)
    if (delivered_at > moment.now) return invalid({ delivered_at: 'is in the future' })
    const lacking = given.lacking(parcelRefs(orderOf(book), order_id))
    if (lacking.length > 0) return ask(lacking)
    const parcels = leftParcels(book)
    for (const parcel of parcels) arrive(book, parcel, delivered_at)
    return delivered(book, parcels.at(-1) ?? book.shipment, delivered_at)
  },
  answer: shipAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/orders/:order_id/deliver',
    tag: 'shipping',
    summary: 'The goods have arrived, in all their shipments',
  },
})

export const markDelivered = command({
  type: 'MarkDelivered',
  input: object({ shipment_id: id(), delivered_at: optional(instant()) }),
  reads: ({ shipment_id }) => [shipment.at(shipment_id)],
  decide: ({ shipment_id, ...told }, given, moment) => {
    const found = openParcel(given, shipment_id, moment)
    if (!('book' in found)) return found
    const { book } = found
    const status = found.parcel.state()?.status
    if (status === 'DELIVERED') return accept([], shipAnswerOf(book, found.parcel))
    if (status !== 'SHIPPED')
      return reject('invalid_state', `A shipment that is ${status} cannot be delivered.`, {
        details: { status },
      })
    const delivered_at = happenedAt(told.delivered_at, moment)
    if (delivered_at > moment.now) return invalid({ delivered_at: 'is in the future' })
    const lacking = given.lacking(parcelRefs(orderOf(book), book.order_id))
    if (lacking.length > 0) return ask(lacking)
    const parcels = leftParcels(book)
    const parcel = parcels.find((each) => each.id === shipment_id)!
    arrive(book, parcel, delivered_at)
    const isLast = parcels.every((each) => each.state()?.status === 'DELIVERED')
    if (isLast && orderOf(book).status === 'SHIPPED') return delivered(book, parcel, delivered_at)
    return close(book, parcel)
  },
  answer: shipAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/shipments/:shipment_id/deliver',
    tag: 'shipping',
    summary: 'A shipment has arrived',
  },
})

/** Those that have left; their shipments must have been read. */
export const leftParcels = (book: OrderBook): readonly ParcelDraft[] =>
  orderOf(book)
    .parcels.filter(({ has_left }) => has_left)
    .map(({ shipment_id }) =>
      shipment_id === book.order_id
        ? book.shipment
        : parcelDraft(book.given, shipment_id, book.moment.now),
    )

function arrive({ order_id, beside, shipment }: OrderBook, parcel: ParcelDraft, at: string): void {
  if (parcel.state()?.status !== 'SHIPPED') return
  const arrived = { shipment_id: parcel.id, order_id, delivered_at: at }
  parcel.emit('ShipmentDelivered', arrived, at)
  if (parcel !== shipment) beside.push(parcel.write())
}

function delivered(book: OrderBook, parcel: ParcelDraft, delivered_at: string): Decision {
  const about = { shipment_id: parcel.id, order_id: book.order_id, delivered_at }
  book.order.emit('OrderDelivered', about, delivered_at)
  return close(book, parcel)
}

const close = (book: OrderBook, parcel: ParcelDraft): Decision =>
  closeBook(book, shipAnswerOf(book, parcel))
