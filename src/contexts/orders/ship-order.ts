// The goods leave and arrive. Leaving takes them out of stock in the same append.
import { commitLines, reservation, reservationRefs } from '#contexts/inventory/public.ts'
import { capturable, paymentStatus, refundable } from '#contexts/payments/public.ts'
import { CARRIER_MAX, TRACKING_MAX } from '#contexts/shipping/public.ts'
import {
  accept,
  ask,
  command,
  type Decision,
  invalid,
  type Moment,
  reject,
} from '#kernel/decider.ts'
import type { Instant } from '#kernel/message.ts'
import { id, instant, object, optional, text } from '#kernel/schema.ts'
import { bookRefs, closeBook, type OrderBook, openBook, orderOf, paymentOf } from './order-book.ts'
import { settleMoney } from './order-money.ts'

const shipAnswer = object({
  order_id: id(),
  shipment_id: id(),
  status: text(),
  tracking_number: text(),
  carrier: text(),
})

export const shipOrder = command({
  type: 'ShipOrder',
  input: object({
    order_id: id(),
    tracking_number: optional(text({ max: TRACKING_MAX })),
    carrier: optional(text({ max: CARRIER_MAX })),
    shipped_at: optional(instant()),
  }),
  reads: ({ order_id }) => [...bookRefs(order_id), reservation.at(order_id)],
  decide: (input, given, moment) => {
    const book = openBook(given, input.order_id, moment)
    if (!('order' in book)) return book
    const { status } = orderOf(book)
    if (status === 'SHIPPED' || status === 'DELIVERED') return accept([], answerOf(book))
    const no = shipTrouble(book)
    if (no !== null) return no
    const items = given.lacking(reservationRefs(given, input.order_id))
    if (items.length > 0) return ask(items)
    const shipped_at = happenedAt(input.shipped_at, moment)
    if (shipped_at > moment.now) return invalid({ shipped_at: 'is in the future' })
    const committed = commitLines(given, input.order_id, shipped_at)
    if ('rejected' in committed) return committed
    book.beside.push(...committed.writes)
    ship(book, { ...input, shipped_at })
    settleMoney(book)
    return closeBook(book, answerOf(book))
  },
  answer: shipAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/orders/:order_id/ship',
    // An order ships whole: its shipment has its id.
    aliases: ['/api/v1/shipments/:order_id/ship'],
    tag: 'shipping',
    summary: 'The goods have left',
  },
})

/** In UTC with milliseconds, whatever offset it was told in: instants compare as text. */
const happenedAt = (told: Instant | undefined, { occurred_at, now }: Moment): Instant =>
  told === undefined ? (occurred_at ?? now) : new Date(told).toISOString()

function shipTrouble(book: OrderBook): Decision | null {
  const { status, total_amount_minor } = orderOf(book)
  const payment = paymentOf(book)
  if (status !== 'CONFIRMED')
    return reject('invalid_state', `An order that is ${status} cannot be shipped.`, {
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
  book: OrderBook,
  told: { tracking_number?: string; carrier?: string; shipped_at: string },
): void {
  const { order, shipment, order_id } = book
  const label = shipment.state()
  const shipped = {
    shipment_id: shipment.id,
    order_id,
    tracking_number: told.tracking_number ?? label?.tracking_number ?? '',
    carrier: told.carrier ?? label?.carrier ?? '',
    shipped_at: told.shipped_at,
  }
  shipment.emit('ShipmentShipped', shipped, told.shipped_at)
  order.emit('OrderShipped', shipped, told.shipped_at)
}

const answerOf = (book: OrderBook) => {
  const parcel = book.shipment.state()
  return {
    order_id: book.order_id,
    shipment_id: book.shipment.id,
    status: orderOf(book).status,
    tracking_number: parcel?.tracking_number,
    carrier: parcel?.carrier,
  }
}

export const deliverOrder = command({
  type: 'DeliverOrder',
  input: object({ order_id: id(), delivered_at: optional(instant()) }),
  reads: ({ order_id }) => bookRefs(order_id),
  decide: ({ order_id, ...input }, given, moment) => {
    const book = openBook(given, order_id, moment)
    if (!('order' in book)) return book
    const { status } = orderOf(book)
    if (status === 'DELIVERED') return accept([], answerOf(book))
    if (status !== 'SHIPPED')
      return reject('invalid_state', `An order that is ${status} cannot be delivered.`, {
        details: { status },
      })
    const delivered_at = happenedAt(input.delivered_at, moment)
    if (delivered_at > moment.now) return invalid({ delivered_at: 'is in the future' })
    const delivered = { shipment_id: book.shipment.id, order_id, delivered_at }
    book.shipment.emit('ShipmentDelivered', delivered, delivered_at)
    book.order.emit('OrderDelivered', delivered, delivered_at)
    return closeBook(book, answerOf(book))
  },
  answer: shipAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/orders/:order_id/deliver',
    aliases: ['/api/v1/shipments/:order_id/deliver'],
    tag: 'shipping',
    summary: 'The goods have arrived',
  },
})
