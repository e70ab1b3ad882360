// One row per parcel, and the questions about parcels.
import type { DataOf } from '#kernel/event-types.ts'
import { listOf } from '#kernel/list-of.ts'
import { asOfFields, nowOrThen, pageAnswer, rowAnswer } from '#kernel/listing.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { query } from '#kernel/query.ts'
import { id, list, nullable, object, oneOf, optional } from '#kernel/schema.ts'
import { CAUSE_COLUMNS, type Cause, causeOf } from '#kernel/waiting.ts'
import { SHIPMENT_STATUSES, type ShipmentLine, type shipment, shipmentLine } from './shipment.ts'

export type ShipmentRow = Cause & {
  readonly shipment_id: string
  readonly order_id: string
  readonly store_id: string
  readonly status: string
  /** null: all of the order that goes in no other shipment. */
  readonly lines: readonly ShipmentLine[] | null
  readonly carrier: string | null
  readonly tracking_number: string | null
  readonly pending_operation: string | null
  readonly operation_id: string | null
  readonly attempts: number
  /** Of its own call to the carrier; what an order's saga drives is due by the saga's row. */
  readonly next_attempt_at: string | null
  readonly needs_attention: boolean
  readonly last_error: string | null
  readonly shipped_at: string | null
  readonly delivered_at: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly version: number
}
type Data = DataOf<typeof shipment.events>

export const shipments = projection<ShipmentRow>({
  name: 'shipments',
  version: 3,
  table: {
    name: 'shipments',
    key: 'shipment_id',
    columns: {
      shipment_id: 'text',
      order_id: 'text',
      store_id: 'text',
      status: 'text',
      lines: { kind: 'json', nullable: true },
      carrier: { kind: 'text', nullable: true },
      tracking_number: { kind: 'text', nullable: true },
      pending_operation: { kind: 'text', nullable: true },
      operation_id: { kind: 'text', nullable: true },
      attempts: 'int',
      next_attempt_at: { kind: 'instant', nullable: true },
      needs_attention: 'bool',
      last_error: { kind: 'text', nullable: true },
      shipped_at: { kind: 'instant', nullable: true },
      delivered_at: { kind: 'instant', nullable: true },
      created_at: 'instant',
      updated_at: 'instant',
      version: 'int',
      ...CAUSE_COLUMNS,
    },
    indexes: [
      ['next_attempt_at'],
      ['order_id'],
      ['status', 'created_at'],
      ['created_at'],
      ['tracking_number'],
    ],
  },
  sources: (key) => [`shipment-${key}`],
  on: {
    ShipmentCreated: {
      keys: ({ aggregate_id }) => [aggregate_id],
      apply(_, event: Recorded<Data['ShipmentCreated']>) {
        const { data, timestamp, version } = event
        return {
          shipment_id: data.shipment_id,
          order_id: data.order_id,
          store_id: data.store_id,
          status: 'PENDING',
          lines: data.lines ?? null,
          carrier: data.carrier ?? null,
          tracking_number: null,
          ...SETTLED,
          last_error: null,
          shipped_at: null,
          delivered_at: null,
          created_at: timestamp,
          updated_at: timestamp,
          version,
          ...causeOf(event),
        }
      },
    },
    ShippingLabelRequested: changing<Data['ShippingLabelRequested']>(({ data, timestamp }) =>
      begun('label', data, timestamp),
    ),
    ShippingLabelCreated: changing<Data['ShippingLabelCreated']>(({ data }) => ({
      ...SETTLED,
      status: 'LABEL_CREATED',
      tracking_number: data.tracking_number,
      carrier: data.carrier,
      last_error: null,
    })),
    ShipmentOperationFailed: changing<Data['ShipmentOperationFailed']>(({ data }) => ({
      ...SETTLED,
      last_error: data.reason,
      needs_attention: true,
    })),
    ShipmentOutcomeUnknown: changing<Data['ShipmentOutcomeUnknown']>(({ data }) => ({
      attempts: data.attempt,
      last_error: data.error,
      next_attempt_at: data.next_attempt_at,
      needs_attention: data.needs_attention,
    })),
    ShipmentCancelRequested: changing<Data['ShipmentCancelRequested']>(({ data, timestamp }) => ({
      ...begun('cancel', data, timestamp),
      ...(data.due_at === undefined ? {} : { next_attempt_at: data.due_at }),
    })),
    ShipmentCancelled: changing<Data['ShipmentCancelled']>(() => ({
      ...SETTLED,
      status: 'CANCELLED',
    })),
    ShipmentShipped: changing<Data['ShipmentShipped']>(
      ({ data: { tracking_number, carrier, shipped_at, lines } }, row) => ({
        status: 'SHIPPED',
        lines: lines ?? row.lines,
        tracking_number,
        carrier,
        shipped_at,
      }),
    ),
    ShipmentDelivered: changing<Data['ShipmentDelivered']>(({ data: { delivered_at } }) => ({
      status: 'DELIVERED',
      delivered_at,
    })),
  },
})

const SETTLED = {
  pending_operation: null,
  operation_id: null,
  attempts: 0,
  next_attempt_at: null,
  needs_attention: false,
} as const

type Begun = {
  readonly operation_id: string
  readonly driver?: string
  readonly attempts?: number
}
const begun = (kind: string, { operation_id, driver, attempts = 0 }: Begun, now: string) => ({
  pending_operation: kind,
  operation_id,
  attempts,
  next_attempt_at: driver === 'shipment' ? now : null,
})

type Change<D> = (event: Recorded<D>, row: ShipmentRow) => Partial<ShipmentRow>

function changing<D>(change: Change<D>): Handler<ShipmentRow, D> {
  return {
    keys: ({ aggregate_id }) => [aggregate_id],
    apply: (row, event) => {
      if (row === undefined) throw new Error('a shipment that was never created has changed')
      const { timestamp, version } = event
      return { ...row, ...change(event, row), updated_at: timestamp, version, ...causeOf(event) }
    },
  }
}

const answer = rowAnswer(shipments.table, {
  shapes: { status: oneOf(SHIPMENT_STATUSES), lines: list(shipmentLine) },
})

export const getShipment = query({
  type: 'GetShipment',
  input: object({ shipment_id: id(), ...asOfFields }),
  run: (input, reader) => nowOrThen(reader, shipments, input.shipment_id, input),
  answer: nullable(answer),
  route: {
    method: 'GET',
    path: '/api/v1/shipments/:shipment_id',
    tag: 'shipping',
    summary: 'One shipment, now or as it was',
  },
})

const offered = listOf(shipments, {
  filters: ['status', 'tracking_number', 'created_at', 'shipped_at', 'delivered_at'],
  sort: ['created_at', 'shipped_at', 'delivered_at', 'status'],
  standard: ['-created_at'],
})

export const listShipments = query({
  type: 'ListShipments',
  input: object({
    order_id: optional(id()),
    status: optional(oneOf(SHIPMENT_STATUSES)),
    ...offered.fields,
  }),
  run: ({ order_id, status, ...input }, reader) =>
    offered.page(reader, input, { order_id, status }),
  answer: pageAnswer(answer),
  route: { method: 'GET', path: '/api/v1/shipments', tag: 'shipping', summary: 'Shipments' },
})
