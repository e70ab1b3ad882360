// Some of an order will not be sent: these units go back in stock, and are not paid for, in one
// append, so that nobody ships what somebody cancelled.
import {
  keepReservation,
  type Line,
  releaseSome,
  reservation,
  reservationRefs,
  stillWaiting,
} from '#contexts/inventory/public.ts'
import { totalsOf } from '#contexts/pricing/public.ts'
import { ask, command, type Decision, type Given, type Moment, reject } from '#kernel/decider.ts'
import { type Infer, id, object, optional, text } from '#kernel/schema.ts'
import { startCompensation } from './compensation.ts'
import { orderAnswerSchema } from './create-order.ts'
import { leftParcels } from './deliver-order.ts'
import { FOR_PAYMENT, requestLabel } from './fulfilment.ts'
import { countedIn, lineOf, type OrderState, unplanned } from './order.ts'
import {
  bookRefs,
  closeBook,
  type OrderBook,
  openBook,
  orderAnswer,
  orderOf,
  sagaOf,
} from './order-book.ts'
import { REASON_MAX } from './order-events.ts'
import { counted, type LineUnits, nextPart, waitingOf } from './order-line.ts'
import { settleMoney } from './order-money.ts'
import { giveUpFirst, parcelRefs } from './parcels.ts'
import { toldLines, unitsTold } from './told-lines.ts'

const input = object({
  order_id: id(),
  lines: toldLines,
  reason: optional(text({ max: REASON_MAX })),
})

export const cancelOrderLines = command({
  type: 'CancelOrderLines',
  input,
  reads: ({ order_id }) => [...bookRefs(order_id), reservation.at(order_id)],
  decide,
  answer: orderAnswerSchema,
  route: {
    method: 'POST',
    path: '/api/v1/orders/:order_id/cancel-lines',
    tag: 'orders',
    summary: 'Cancels some units of an order that have not been sent; with the last one, the order',
  },
})

const OPEN = ['PENDING', 'CONFIRMED', 'PARTIALLY_SHIPPED']

function decide(
  { order_id, lines, reason = 'requested' }: Infer<typeof input>,
  given: Given,
  moment: Moment,
): Decision {
  const book = openBook(given, order_id, moment)
  if (!('order' in book)) return book
  const before = orderOf(book)
  const { status } = before
  if (!OPEN.includes(status))
    return reject('invalid_state', `Lines of an order that is ${status} cannot be cancelled.`, {
      details: { status },
    })
  const units = unitsTold(before, lines, unplanned(before))
  if ('rejected' in units) return units
  const lacking = given.lacking([
    ...reservationRefs(given, order_id),
    ...parcelRefs(before, order_id),
  ])
  if (lacking.length > 0) return ask(lacking)
  // Nothing is left of it, and nothing has left: that is no order any more.
  if (isWhole(before, units))
    return (
      startCompensation(book, { cause: 'requested', reason }) ?? closeBook(book, orderAnswer(book))
    )
  const held = units.map(({ line, quantity }) => ({
    product_id: lineOf(before, line)!.product_id,
    store_id: before.store_id,
    quantity,
  }))
  const released = releaseSome(given, order_id, held, 'lines_cancelled')
  if ('rejected' in released) return released
  book.beside.push(...released.writes)
  const all = given.state(reservation.at(order_id))?.lines ?? []
  const waiting = stillWaiting(given, order_id, all, released.writes)
  cancelLines(book, units, { reason, waiting })
  settleMoney(book)
  giveUpFirst(book)
  deliveredNow(book)
  goOnUnpaid(book)
  return closeBook(book, orderAnswer(book))
}

const isWhole = ({ lines }: OrderState, units: readonly LineUnits[]): boolean => {
  const cancelled = new Map(units.map(({ line, quantity }) => [line, quantity]))
  return lines.every(
    (each) => each.quantity - each.cancelled_quantity === (cancelled.get(each.line) ?? 0),
  )
}

type Cancelled = { readonly reason: string; readonly waiting: readonly Line[] | null }

function cancelLines(
  book: OrderBook,
  units: readonly LineUnits[],
  { reason, waiting }: Cancelled,
): void {
  const before = orderOf(book)
  const parts = units.map(({ line, quantity }) => nextPart(lineOf(before, line)!, quantity))
  const { amount_minor } = totalsOf(parts)
  book.order.emit('OrderLinesCancelled', {
    order_id: book.order_id,
    ...countedIn(before),
    user_id: before.user_id,
    lines: parts,
    left: counted(before.lines, 'cancelled_quantity', parts)
      .filter(({ quantity, cancelled_quantity }) => quantity > cancelled_quantity)
      .map(({ product_id, code, department_id }) => ({ product_id, code, department_id })),
    amount_minor,
    total_amount_minor: before.total_amount_minor - amount_minor,
    reason,
    cancelled_at: book.moment.now,
    ...(waiting === null ? {} : { backordered: waitingOf(before.lines, waiting) }),
  })
}

/** What has left has all arrived already. */
function deliveredNow(book: OrderBook): void {
  const { order, order_id, moment } = book
  if (orderOf(book).status !== 'SHIPPED') return
  const parcels = leftParcels(book)
  const last = parcels.at(-1)
  if (last === undefined || parcels.some((each) => each.state()?.status !== 'DELIVERED')) return
  order.emit('OrderDelivered', { order_id, shipment_id: last.id, delivered_at: moment.now })
}

/** Nobody has to pay any more for what is left: it goes on. */
export function goOnUnpaid(book: OrderBook): void {
  const { status, waiting_for } = sagaOf(book)
  const { total_amount_minor } = orderOf(book)
  if (status !== 'RUNNING' || waiting_for !== FOR_PAYMENT || total_amount_minor > 0) return
  book.beside.push(...keepReservation(book.given, book.order_id).writes)
  requestLabel(book)
}
