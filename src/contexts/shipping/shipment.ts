// A parcel of an order. Stream: shipment-<shipment_id>; an order that ships whole has one, under
// the order's own id. PENDING (label asked for) → LABEL_CREATED → SHIPPED → DELIVERED; PENDING or
// LABEL_CREATED → CANCELLED.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { id, instant, object, oneOf, text } from '#kernel/schema.ts'

export const SHIPMENT_STATUSES = [
  'PENDING',
  'LABEL_CREATED',
  'SHIPPED',
  'DELIVERED',
  'CANCELLED',
] as const

export type ShipmentState = {
  readonly status: (typeof SHIPMENT_STATUSES)[number]
  readonly order_id: string
  readonly store_id: string
  readonly carrier: string | null
  readonly tracking_number: string | null
  /** The call to the carrier whose outcome is awaited. */
  readonly pending: { readonly kind: 'label' | 'cancel'; readonly operation_id: string } | null
  /** How many calls there were: the next one's number follows. */
  readonly operations: number
}
/** null: no such shipment. */
export type Shipment = ShipmentState | null

export const CARRIER_MAX = 100
export const TRACKING_MAX = 200
const REASON_MAX = 500
const whose = { shipment_id: id(), order_id: id() }
const parcel = { tracking_number: text({ max: TRACKING_MAX }), carrier: text({ max: CARRIER_MAX }) }

export const shipment = aggregate({
  type: 'shipment',
  state_version: 1,
  events: eventTypes({
    ShipmentCreated: { data: object({ ...whose, store_id: id() }) },
    ShippingLabelRequested: { data: object({ ...whose, operation_id: id() }) },
    ShippingLabelCreated: { data: object({ ...whose, operation_id: id(), ...parcel }) },
    /** The carrier said no, or the cancelling was refused. */
    ShipmentOperationFailed: {
      data: object({
        ...whose,
        operation_id: id(),
        operation: oneOf(['label', 'cancel']),
        reason: text({ max: REASON_MAX }),
      }),
    },
    ShipmentCancelRequested: { data: object({ ...whose, operation_id: id() }) },
    ShipmentCancelled: { data: object({ ...whose, reason: text({ max: REASON_MAX }) }) },
    ShipmentShipped: { data: object({ ...whose, ...parcel, shipped_at: instant() }) },
    ShipmentDelivered: { data: object({ ...whose, delivered_at: instant() }) },
  }),
  initial: null as Shipment,
  evolve: {
    ShipmentCreated: (_, { order_id, store_id }): Shipment => ({
      status: 'PENDING',
      order_id,
      store_id,
      carrier: null,
      tracking_number: null,
      pending: null,
      operations: 0,
    }),
    ShippingLabelRequested: (state, { operation_id }) => begun(state, 'label', operation_id),
    ShippingLabelCreated: (state, { tracking_number, carrier }): Shipment => ({
      ...existing(state),
      status: 'LABEL_CREATED',
      tracking_number,
      carrier,
      pending: null,
    }),
    ShipmentOperationFailed: (state) => ({ ...existing(state), pending: null }),
    ShipmentCancelRequested: (state, { operation_id }) => begun(state, 'cancel', operation_id),
    ShipmentCancelled: (state): Shipment => ({
      ...existing(state),
      status: 'CANCELLED',
      pending: null,
    }),
    ShipmentShipped: (state, { tracking_number, carrier }): Shipment => ({
      ...existing(state),
      status: 'SHIPPED',
      tracking_number,
      carrier,
    }),
    ShipmentDelivered: (state): Shipment => ({ ...existing(state), status: 'DELIVERED' }),
  },
})

function begun(state: Shipment, kind: 'label' | 'cancel', operation_id: string): Shipment {
  const known = existing(state)
  return { ...known, pending: { kind, operation_id }, operations: known.operations + 1 }
}

function existing(state: Shipment): ShipmentState {
  if (state === null) throw new Error('a shipment that was never created has changed')
  return state
}

export const labelOperationId = (
  shipmentId: string,
  kind: 'label' | 'cancel',
  number: number,
): string => `${shipmentId}:${kind}:${number}`
