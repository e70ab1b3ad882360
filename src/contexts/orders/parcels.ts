// The parcels of an order beside its first: each a shipment with lines of its own, planned in the
// order's stream, so that no unit is sent twice.
import {
  labelOperationId,
  type Shipment,
  type ShipmentLine,
  shipment,
} from '#contexts/shipping/public.ts'
import type { Given, Ref } from '#kernel/decider.ts'
import { nextAttemptAt } from '#kernel/saga.ts'
import { type Draft, draft } from './draft.ts'
import { lineOf, type OrderState } from './order.ts'
import { type OrderBook, orderOf } from './order-book.ts'
import type { LineUnits } from './order-line.ts'

export type ParcelDraft = Draft<Shipment, typeof shipment.events>

export const parcelDraft = (given: Given, shipmentId: string, now: string): ParcelDraft =>
  draft(shipment, shipmentId, given.state(shipment.at(shipmentId)), now)

/** All shipments that the order knows of; its own first one stands in its book. */
export const parcelRefs = ({ parcels }: OrderState, orderId: string): readonly Ref[] =>
  parcels
    .filter((each) => each.shipment_id !== orderId)
    .map((each) => shipment.at(each.shipment_id))

export const shipmentLines = (
  order: OrderState,
  units: readonly LineUnits[],
): readonly ShipmentLine[] =>
  units.map(({ line, quantity }) => {
    const { product_id, code, quantity_scale } = lineOf(order, line)!
    return { line, product_id, code, quantity, quantity_scale }
  })

/**
 * It will not leave: a label that there is, is cancelled at the carrier, again and again until that
 * is done. A label that is being made is cancelled when its outcome is known.
 */
export function giveUpParcel(
  parcel: ParcelDraft,
  { order_id, moment }: Pick<OrderBook, 'order_id' | 'moment'>,
  reason: string,
  attempts = 0,
): void {
  const state = parcel.state()
  if (state === null || state.pending !== null) return
  const about = { shipment_id: parcel.id, order_id }
  if (state.status === 'PENDING') parcel.emit('ShipmentCancelled', { ...about, reason })
  if (state.status !== 'LABEL_CREATED') return
  parcel.emit('ShipmentCancelRequested', {
    ...about,
    operation_id: labelOperationId(parcel.id, 'cancel', state.operations + 1),
    driver: 'shipment',
    ...(attempts === 0 ? {} : { attempts, due_at: nextAttemptAt(moment, attempts) }),
  })
}

/** Everything has left in other parcels, or was cancelled: the order's first one is not needed. */
export function giveUpFirst(book: OrderBook): void {
  const { status, parcels } = orderOf(book)
  if (status !== 'SHIPPED' || parcels.some((each) => each.shipment_id === book.shipment.id)) return
  giveUpParcel(book.shipment, book, 'nothing is left to be sent')
}
