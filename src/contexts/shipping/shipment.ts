// A parcel of an order. Stream: shipment-<shipment_id>. The first one has the order's own id and
// takes all that goes in no other; the others have lines of their own. PENDING (label asked for) →
// LABEL_CREATED → SHIPPED → DELIVERED; PENDING or LABEL_CREATED → CANCELLED.
import { postalFields } from '#contexts/customers/public.ts'
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import {
  flag,
  type Infer,
  id,
  instant,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  quantity,
  text,
} from '#kernel/schema.ts'

export const SHIPMENT_STATUSES = [
  'PENDING',
  'LABEL_CREATED',
  'SHIPPED',
  'DELIVERED',
  'CANCELLED',
] as const

/** Who repeats a call until it is settled: the order's saga, or the shipment's own row. */
const SHIPMENT_DRIVERS = ['saga', 'shipment'] as const
export type ShipmentOperation = {
  readonly kind: 'label' | 'cancel'
  readonly operation_id: string
  readonly driver: (typeof SHIPMENT_DRIVERS)[number]
  /** Tries whose outcome nobody knows. */
  readonly attempts: number
}
export const shipmentLine = object({
  line: integer({ min: 1 }),
  product_id: id(),
  code: text({ max: 100 }),
  quantity: quantity({ min: 1 }),
  quantity_scale: integer({ min: 0, max: 6 }),
})
export type ShipmentLine = Infer<typeof shipmentLine>

export type ShipmentState = {
  readonly status: (typeof SHIPMENT_STATUSES)[number]
  readonly order_id: string
  readonly store_id: string
  /** null: all of the order that goes in no other parcel. */
  readonly lines: readonly ShipmentLine[] | null
  readonly carrier: string | null
  readonly tracking_number: string | null
  /** The call to the carrier whose outcome is awaited. */
  readonly pending: ShipmentOperation | null
  /** How many calls there were: the next one's number follows. */
  readonly operations: number
}
/** null: no such shipment. */
export type Shipment = ShipmentState | null

export const CARRIER_MAX = 100
export const TRACKING_MAX = 200
export const REASON_MAX = 500
const LINES_MAX = 1_500
const whose = { shipment_id: id(), order_id: id() }
const parcel = { tracking_number: text({ max: TRACKING_MAX }), carrier: text({ max: CARRIER_MAX }) }

/** Absent: the saga. */
const driver = optional(oneOf(SHIPMENT_DRIVERS))
export const address = object({
  ...postalFields,
  email: optional(text({ max: 320 })),
})
type Whose = {
  readonly order_id: string
  readonly customer_id?: string | null
  readonly user_id?: string | null
}
/** As with the order's own address. */
const subject = ({ customer_id, user_id, order_id }: Whose) => customer_id ?? user_id ?? order_id

export const shipment = aggregate({
  type: 'shipment',
  state_version: 2,
  events: eventTypes({
    ShipmentCreated: {
      data: object({
        ...whose,
        store_id: id(),
        customer_id: optional(nullable(id())),
        user_id: optional(nullable(id())),
        lines: optional(list(shipmentLine, { min: 1, max: LINES_MAX })),
        carrier: optional(parcel.carrier),
        address: optional(address),
      }),
      personal: { fields: ['address'], subject },
    },
    ShippingLabelRequested: { data: object({ ...whose, operation_id: id(), driver }) },
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
    ShipmentCancelRequested: {
      data: object({
        ...whose,
        operation_id: id(),
        driver,
        // Of one that was refused before: how often, and when it is tried anew.
        attempts: optional(integer({ min: 1 })),
        due_at: optional(instant()),
      }),
    },
    /** Nobody knows what the carrier did: it is asked again. */
    ShipmentOutcomeUnknown: {
      data: object({
        ...whose,
        operation_id: id(),
        operation: oneOf(['label', 'cancel']),
        attempt: integer({ min: 1 }),
        error: text({ max: REASON_MAX }),
        next_attempt_at: instant(),
        needs_attention: flag(),
      }),
    },
    ShipmentCancelled: { data: object({ ...whose, reason: text({ max: REASON_MAX }) }) },
    ShipmentShipped: {
      data: object({
        ...whose,
        ...parcel,
        shipped_at: instant(),
        lines: optional(list(shipmentLine, { min: 1, max: LINES_MAX })),
      }),
    },
    ShipmentDelivered: { data: object({ ...whose, delivered_at: instant() }) },
  }),
  initial: null as Shipment,
  evolve: {
    ShipmentCreated: (_, { order_id, store_id, lines = null, carrier = null }): Shipment => ({
      status: 'PENDING',
      order_id,
      store_id,
      lines,
      carrier,
      tracking_number: null,
      pending: null,
      operations: 0,
    }),
    ShippingLabelRequested: (state, data) => begun(state, 'label', data),
    ShippingLabelCreated: (state, { tracking_number, carrier }): Shipment => ({
      ...existing(state),
      status: 'LABEL_CREATED',
      tracking_number,
      carrier,
      pending: null,
    }),
    ShipmentOperationFailed: (state) => ({ ...existing(state), pending: null }),
    ShipmentCancelRequested: (state, data) => begun(state, 'cancel', data),
    ShipmentOutcomeUnknown: (state, { attempt }): Shipment => {
      const known = existing(state)
      if (known.pending === null) return known
      return { ...known, pending: { ...known.pending, attempts: attempt } }
    },
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

type Begun = {
  readonly operation_id: string
  readonly driver?: ShipmentOperation['driver']
  readonly attempts?: number
}
function begun(
  state: Shipment,
  kind: ShipmentOperation['kind'],
  { operation_id, driver = 'saga', attempts = 0 }: Begun,
): Shipment {
  const known = existing(state)
  const pending = { kind, operation_id, driver, attempts }
  return { ...known, pending, operations: known.operations + 1 }
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
