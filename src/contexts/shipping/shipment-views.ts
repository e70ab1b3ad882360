// One row per parcel, and the questions about parcels.
import type { DataOf } from '#kernel/event-types.ts'
import {
  asOfFields,
  nowOrThen,
  pageAnswer,
  paged,
  pageOf,
  paging,
  rowAnswer,
} from '#kernel/listing.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Filter, type Handler, projection } from '#kernel/projection.ts'
import { query } from '#kernel/query.ts'
import { id, nullable, object, oneOf, optional } from '#kernel/schema.ts'
import { SHIPMENT_STATUSES, type shipment } from './shipment.ts'

export type ShipmentRow = {
  readonly shipment_id: string
  readonly order_id: string
  readonly store_id: string
  readonly status: string
  readonly carrier: string | null
  readonly tracking_number: string | null
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
  version: 1,
  table: {
    name: 'shipments',
    key: 'shipment_id',
    columns: {
      shipment_id: 'text',
      order_id: 'text',
      store_id: 'text',
      status: 'text',
      carrier: { kind: 'text', nullable: true },
      tracking_number: { kind: 'text', nullable: true },
      last_error: { kind: 'text', nullable: true },
      shipped_at: { kind: 'instant', nullable: true },
      delivered_at: { kind: 'instant', nullable: true },
      created_at: 'instant',
      updated_at: 'instant',
      version: 'int',
    },
    indexes: [['order_id'], ['status', 'created_at'], ['created_at'], ['tracking_number']],
  },
  sources: (key) => [`shipment-${key}`],
  on: {
    ShipmentCreated: {
      keys: ({ aggregate_id }) => [aggregate_id],
      apply: (_, { data, timestamp, version }: Recorded<Data['ShipmentCreated']>) => ({
        ...data,
        status: 'PENDING',
        carrier: null,
        tracking_number: null,
        last_error: null,
        shipped_at: null,
        delivered_at: null,
        created_at: timestamp,
        updated_at: timestamp,
        version,
      }),
    },
    ShippingLabelRequested: changing<Data['ShippingLabelRequested']>(() => ({})),
    ShippingLabelCreated: changing<Data['ShippingLabelCreated']>(
      ({ tracking_number, carrier }) => ({ status: 'LABEL_CREATED', tracking_number, carrier }),
    ),
    ShipmentOperationFailed: changing<Data['ShipmentOperationFailed']>(({ reason }) => ({
      last_error: reason,
    })),
    ShipmentCancelRequested: changing<Data['ShipmentCancelRequested']>(() => ({})),
    ShipmentCancelled: changing<Data['ShipmentCancelled']>(() => ({ status: 'CANCELLED' })),
    ShipmentShipped: changing<Data['ShipmentShipped']>(
      ({ tracking_number, carrier, shipped_at }) => ({
        status: 'SHIPPED',
        tracking_number,
        carrier,
        shipped_at,
      }),
    ),
    ShipmentDelivered: changing<Data['ShipmentDelivered']>(({ delivered_at }) => ({
      status: 'DELIVERED',
      delivered_at,
    })),
  },
})

function changing<D>(change: (data: D) => Partial<ShipmentRow>): Handler<ShipmentRow, D> {
  return {
    keys: ({ aggregate_id }) => [aggregate_id],
    apply: (row, { data, timestamp, version }) => {
      if (row === undefined) throw new Error('a shipment that was never created has changed')
      return { ...row, ...change(data), updated_at: timestamp, version }
    },
  }
}

const answer = rowAnswer(shipments.table)

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

export const listShipments = query({
  type: 'ListShipments',
  input: object({
    order_id: optional(id()),
    status: optional(oneOf(SHIPMENT_STATUSES)),
    ...paging,
  }),
  run: async ({ order_id, status, ...page }, reader) => {
    const where: Filter = {
      ...(order_id === undefined ? {} : { order_id }),
      ...(status === undefined ? {} : { status }),
    }
    const sort = [{ column: 'created_at', descending: true }]
    return paged(await reader.find(shipments, { where, sort, ...pageOf(page) }), page)
  },
  answer: pageAnswer(answer),
  route: { method: 'GET', path: '/api/v1/shipments', tag: 'shipping', summary: 'Shipments' },
})
