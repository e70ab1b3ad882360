// Shipments that somebody makes by hand, for some of an order's lines: planned, labelled, given up.
// They leave and arrive by the commands in ship-order.ts and deliver-order.ts.
import {
  address,
  CARRIER_MAX,
  labelOperationId,
  SHIPMENT_STATUSES,
  shipment,
} from '#contexts/shipping/public.ts'
import {
  accept,
  already,
  command,
  type Decision,
  type Given,
  noSuch,
  reject,
} from '#kernel/decider.ts'
import { type Infer, id, nullable, object, oneOf, optional, text, uuid } from '#kernel/schema.ts'
import { order, unplanned } from './order.ts'
import { closeBook } from './order-book.ts'
import { REASON_MAX } from './order-events.ts'
import { giveUpParcel, parcelDraft, shipmentLines } from './parcels.ts'
import { openParcel } from './ship-order.ts'
import { toldLines, unitsTold } from './told-lines.ts'

const answer = object({
  shipment_id: id(),
  order_id: id(),
  status: oneOf(SHIPMENT_STATUSES),
  pending: nullable(oneOf(['label', 'cancel'])),
})

const createInput = object({
  order_id: id(),
  shipment_id: optional(uuid()),
  lines: toldLines,
  carrier: optional(text({ max: CARRIER_MAX })),
  address: optional(address),
})

export const createShipment = command({
  type: 'CreateShipment',
  input: createInput,
  creates: 'shipment_id',
  reads: ({ order_id, shipment_id = '' }) => [shipment.at(shipment_id), order.at(order_id)],
  decide: create,
  answer,
  route: {
    method: 'POST',
    path: '/api/v1/shipments',
    status: 201,
    tag: 'shipping',
    summary: 'Plans a shipment of its own for some of an order’s lines',
  },
})

function create(
  { order_id, shipment_id = '', lines, carrier, address }: Infer<typeof createInput>,
  given: Given,
): Decision {
  const state = given.state(order.at(order_id))
  if (state === null) return noSuch('order', order_id)
  if (given.state(shipment.at(shipment_id)) !== null) return already('a shipment', shipment_id)
  const { status, store_id, customer_id, user_id } = state
  if (status !== 'CONFIRMED' && status !== 'PARTIALLY_SHIPPED')
    return reject('invalid_state', `An order that is ${status} has no more shipments.`, {
      details: { status },
    })
  const units = unitsTold(state, lines, unplanned(state))
  if ('rejected' in units) return units
  const created = shipment.event('ShipmentCreated', {
    ...{ shipment_id, order_id, store_id, customer_id, user_id },
    lines: [...shipmentLines(state, units)],
    ...(carrier === undefined ? {} : { carrier }),
    ...(address === undefined ? {} : { address }),
  })
  const planned = { order_id, shipment_id, lines: [...units] }
  return accept(
    [
      shipment.write(shipment_id, [created]),
      order.write(order_id, [order.event('OrderShipmentPlanned', planned)]),
    ],
    { shipment_id, order_id, status: 'PENDING', pending: null },
  )
}

export const createShippingLabel = command({
  type: 'CreateShippingLabel',
  input: object({ shipment_id: id() }),
  reads: ({ shipment_id }) => [shipment.at(shipment_id)],
  decide: ({ shipment_id }, given, { now }) => {
    const parcel = parcelDraft(given, shipment_id, now)
    const state = parcel.state()
    if (state === null) return noSuch('shipment', shipment_id)
    const { order_id, status, pending, operations } = state
    const isAsked = status === 'LABEL_CREATED' || pending?.kind === 'label'
    if (!isAsked) {
      if (status !== 'PENDING')
        return reject('invalid_state', `A shipment that is ${status} needs no label.`, {
          details: { status },
        })
      const operation_id = labelOperationId(shipment_id, 'label', operations + 1)
      const asked = { shipment_id, order_id, operation_id, driver: 'shipment' } as const
      parcel.emit('ShippingLabelRequested', asked)
    }
    const kind = parcel.state()?.pending?.kind ?? null
    return accept([parcel.write()], { shipment_id, order_id, status, pending: kind })
  },
  answer,
  route: {
    method: 'POST',
    path: '/api/v1/shipments/:shipment_id/label',
    statusOf: ({ status }) => (status === 'PENDING' ? 202 : 200),
    tag: 'shipping',
    summary: 'Asks the carrier for a label: 200 when it is there, 202 while that is under way',
  },
})

export const cancelShipment = command({
  type: 'CancelShipment',
  input: object({ shipment_id: id(), reason: optional(text({ max: REASON_MAX })) }),
  reads: ({ shipment_id }) => [shipment.at(shipment_id)],
  decide: ({ shipment_id, reason = 'requested' }, given, moment) => {
    const found = openParcel(given, shipment_id, moment)
    if (!('book' in found)) return found
    const { book, parcel } = found
    const { status, pending } = parcel.state()!
    const { order_id } = book
    const done = () => ({
      ...{ shipment_id, order_id },
      status: parcel.state()?.status,
      pending: parcel.state()?.pending?.kind ?? null,
    })
    // Asked twice, done once.
    if (status === 'CANCELLED' || pending?.kind === 'cancel') return accept([], done())
    if (parcel === book.shipment)
      return reject('invalid_state', 'It goes with its order: cancel the order, or its lines.', {
        details: { status },
      })
    if ((status !== 'PENDING' && status !== 'LABEL_CREATED') || pending !== null)
      return reject('invalid_state', 'It has left, or its label is being made.', {
        details: { status, pending: pending?.kind ?? null },
      })
    giveUpParcel(parcel, book, reason)
    book.order.emit('OrderShipmentDropped', { order_id, shipment_id })
    const closed = closeBook(book, done())
    return { ...closed, writes: [parcel.write(), ...closed.writes] }
  },
  answer,
  route: {
    method: 'POST',
    path: '/api/v1/shipments/:shipment_id/cancel',
    statusOf: ({ status }) => (status === 'CANCELLED' ? 200 : 202),
    tag: 'shipping',
    summary: 'Gives up a shipment that has not left; its lines may go in another',
  },
})
