// One row per order, as customers and the shop see it: what was ordered, where it stands, whether
// it is paid and sent. Filled by the order's own events and by those of its payment and its
// shipment.
import { whenErased } from '#contexts/customers/public.ts'
import { stockKey } from '#contexts/inventory/public.ts'
import { type Payment, payment, paymentStatus } from '#contexts/payments/public.ts'
import { totalsOf } from '#contexts/pricing/public.ts'
import type { shipment } from '#contexts/shipping/public.ts'
import { evolve } from '#kernel/decider.ts'
import type { DataOf } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import type { orderEvents } from './order-events.ts'
import {
  allUnsent,
  counted,
  type LinePart,
  type OrderLine,
  ordered,
  unsent,
  type WaitingUnits,
  withheld,
} from './order-line.ts'

type Data = DataOf<typeof orderEvents> &
  DataOf<typeof payment.events> &
  DataOf<typeof shipment.events>

export type OrderRow = {
  readonly order_id: string
  readonly order_number: string
  readonly customer_id: string | null
  readonly user_id: string | null
  readonly store_id: string
  readonly status: string
  readonly payment_status: string
  readonly fulfillment_status: string
  readonly return_status: string
  /** Of what was not cancelled, as are net, tax and discount. */
  readonly total_amount_minor: number
  readonly net_minor: number
  readonly tax_minor: number
  readonly discount_minor: number
  /** Paid elsewhere: what a person has to give back there. */
  readonly owed_back_minor: number
  readonly currency: string
  readonly items: readonly OrderLine[]
  /** Reserved while it was not here, and not come yet. */
  readonly backordered: readonly WaitingUnits[]
  readonly country: string | null
  readonly shipping_address: Data['OrderCreated']['shipping_address']
  readonly notes: string | null
  readonly payment_id: string | null
  readonly payment_info: PaymentInfo
  readonly shipment_id: string | null
  readonly tracking_number: string | null
  readonly carrier: string | null
  readonly cancel_reason: string | null
  readonly cancel_cause: string | null
  readonly placed_at: string
  readonly business_day: string
  readonly confirmed_at: string | null
  readonly shipped_at: string | null
  readonly delivered_at: string | null
  readonly cancelled_at: string | null
  readonly created_at: string
  readonly updated_at: string
  /** Of the order's own stream. */
  readonly version: number
}
export const FULFILLMENT_STATUSES = [
  'none',
  'reserved',
  'backordered',
  'label_created',
  'partially_shipped',
  'shipped',
  'delivered',
] as const

export const ORDER_PAYMENT_STATUSES = [
  'none',
  'authorized',
  'partially_captured',
  'captured',
  'partially_refunded',
  'refunded',
  'voided',
  'failed',
] as const

/** The payment's fold, so that its status is judged by the same rule everywhere. */
type PaymentInfo = { readonly payment_method: string | null; readonly payment: Payment }

export const orderViews = projection<OrderRow>({
  name: 'order_views',
  version: 3,
  table: {
    name: 'order_views',
    key: 'order_id',
    columns: {
      order_id: 'text',
      order_number: 'text',
      customer_id: { kind: 'text', nullable: true },
      user_id: { kind: 'text', nullable: true },
      store_id: 'text',
      status: 'text',
      payment_status: 'text',
      fulfillment_status: 'text',
      return_status: 'text',
      total_amount_minor: 'money',
      net_minor: 'money',
      tax_minor: 'money',
      discount_minor: 'money',
      owed_back_minor: 'money',
      currency: 'text',
      items: 'json',
      backordered: 'json',
      country: { kind: 'text', nullable: true },
      shipping_address: { kind: 'json', nullable: true, personal: true },
      notes: { kind: 'text', nullable: true, personal: true },
      payment_id: { kind: 'text', nullable: true },
      payment_info: 'json',
      shipment_id: { kind: 'text', nullable: true },
      tracking_number: { kind: 'text', nullable: true },
      carrier: { kind: 'text', nullable: true },
      cancel_reason: { kind: 'text', nullable: true, personal: true },
      cancel_cause: { kind: 'text', nullable: true },
      placed_at: 'instant',
      business_day: 'day',
      confirmed_at: { kind: 'instant', nullable: true },
      shipped_at: { kind: 'instant', nullable: true },
      delivered_at: { kind: 'instant', nullable: true },
      cancelled_at: { kind: 'instant', nullable: true },
      created_at: 'instant',
      updated_at: 'instant',
      version: 'int',
    },
    indexes: [
      ['customer_id', 'placed_at'],
      ['user_id', 'placed_at'],
      ['status', 'placed_at'],
      ['placed_at'],
      ['owed_back_minor'],
    ],
    unique: [['order_number']],
  },
  sources: (key, row) => [
    `order-${key}`,
    `shipment-${key}`,
    ...(row?.payment_id ? [`payment-${row.payment_id}`] : []),
    ...(row?.backordered ?? []).map(
      ({ product_id }) => `stock-${stockKey(product_id, row!.store_id)}`,
    ),
  ],
  on: {
    OrderCreated: {
      keys: ({ data }) => [data.order_id],
      apply: (_, event: Recorded<Data['OrderCreated']>) => created(event),
    },
    ...whenErased<OrderRow>((row) => ({
      ...row,
      ...{ shipping_address: null, notes: null, cancel_reason: null },
    })),
    OrderUpdated: own<Data['OrderUpdated']>((data, row) => updated(data, row)),
    OrderConfirmed: own<Data['OrderConfirmed']>(({ confirmed_at }) => ({
      status: 'CONFIRMED',
      confirmed_at,
    })),
    PaymentProcessed: own<Data['PaymentProcessed']>(() => ({})),
    OrderLinesCancelled: own<Data['OrderLinesCancelled']>((data, row) => {
      const { lines, total_amount_minor, backordered } = data
      const items = counted(row.items, 'cancelled_quantity', lines)
      const isAll = row.status === 'PARTIALLY_SHIPPED' && items.every((each) => unsent(each) === 0)
      return {
        items,
        total_amount_minor,
        ...lessTaxed(row, lines),
        ...waiting(row, backordered),
        ...(isAll ? { status: 'SHIPPED', fulfillment_status: 'shipped' } : {}),
      }
    }),
    OrderShipmentPlanned: own<Data['OrderShipmentPlanned']>(() => ({})),
    OrderShipmentDropped: own<Data['OrderShipmentDropped']>(() => ({})),
    OrderPartiallyShipped: own<Data['OrderPartiallyShipped']>(
      ({ order_id: _, lines, ...parcel }, row) => ({
        ...parcel,
        items: counted(row.items, 'shipped_quantity', lines),
        status: 'PARTIALLY_SHIPPED',
        fulfillment_status: 'partially_shipped',
      }),
    ),
    OrderShipped: own<Data['OrderShipped']>(({ order_id: _, lines, ...parcel }, row) => ({
      ...parcel,
      items: counted(row.items, 'shipped_quantity', lines ?? allUnsent(row.items)),
      status: 'SHIPPED',
      fulfillment_status: 'shipped',
    })),
    OrderDelivered: own<Data['OrderDelivered']>(({ delivered_at }) => ({
      status: 'DELIVERED',
      fulfillment_status: 'delivered',
      delivered_at,
    })),
    OrderReturnChanged: own<Data['OrderReturnChanged']>(
      ({ change, lines, return_status, withheld: kept = [] }, { items }) => ({
        return_status,
        ...(change === 'received'
          ? { items: withheld(counted(items, 'returned_quantity', lines), kept, 1) }
          : {}),
      }),
    ),
    OrderRefundGranted: own<Data['OrderRefundGranted']>(({ lines }, { items }) => ({
      items: withheld(items, lines, -1),
    })),
    OrderCancelled: own<Data['OrderCancelled']>(({ reason, cause, cancelled_at }) => ({
      status: 'CANCELLED',
      fulfillment_status: 'none',
      backordered: [],
      cancel_reason: reason,
      cancel_cause: cause,
      cancelled_at,
    })),
    ShippingLabelCreated: {
      ...others<Data['ShippingLabelCreated']>(({ shipment_id, tracking_number, carrier }, row) => ({
        shipment_id,
        tracking_number,
        carrier,
        // A label that came after the order was cancelled is on its way back already.
        ...(row.status === 'CANCELLED' || row.fulfillment_status === 'backordered'
          ? {}
          : { fulfillment_status: 'label_created' }),
      })),
      // A parcel beside the order's first shows in the order when it leaves.
      keys: ({ data }) => (data.shipment_id === data.order_id ? [data.order_id] : []),
    },
    BackordersFilled: { keys: filledKeys, apply: filled },
    ...Object.fromEntries(
      Object.keys(payment.events).map((type) => [type, paymentChange()] as const),
    ),
  },
})

function created({ data, timestamp, version }: Recorded<Data['OrderCreated']>): OrderRow {
  const { lines, channel, payment_method, backordered = [], ...rest } = data
  return {
    ...rest,
    status: 'PENDING',
    payment_status: 'none',
    fulfillment_status: backordered.length > 0 ? 'backordered' : 'reserved',
    backordered,
    return_status: 'none',
    owed_back_minor: 0,
    items: ordered(lines),
    payment_info: { payment_method, payment: null },
    shipment_id: null,
    tracking_number: null,
    carrier: null,
    cancel_reason: null,
    cancel_cause: null,
    confirmed_at: null,
    shipped_at: null,
    delivered_at: null,
    cancelled_at: null,
    created_at: timestamp,
    updated_at: timestamp,
    version,
  }
}

function updated(data: Data['OrderUpdated'], row: OrderRow): Partial<OrderRow> {
  const { shipping_address, notes, payment_id, payment_method, lines, country, ...rest } = data
  const { total_amount_minor, net_minor, tax_minor, discount_minor } = rest
  const told = { shipping_address, notes, payment_id, country }
  const totals = { total_amount_minor, net_minor, tax_minor, discount_minor }
  // After one that came to nothing another one is a fold of its own.
  const isOther = payment_id !== undefined && payment_id !== row.payment_id
  const payment_info = {
    payment_method: payment_method ?? row.payment_info.payment_method,
    payment: isOther ? null : row.payment_info.payment,
  }
  return {
    payment_info,
    ...known(told),
    ...known(totals),
    ...waiting(row, data.backordered),
    ...(lines === undefined ? {} : { items: ordered(lines) }),
  }
}

/** An order with goods to come cannot leave as a whole, whether its label is made or not. */
function waiting(row: OrderRow, backordered = row.backordered): Partial<OrderRow> {
  const { fulfillment_status, tracking_number } = row
  if (!['reserved', 'backordered', 'label_created'].includes(fulfillment_status))
    return { backordered }
  const here = tracking_number === null ? 'reserved' : 'label_created'
  return { backordered, fulfillment_status: backordered.length > 0 ? 'backordered' : here }
}

type Filled = {
  readonly product_id: string
  readonly store_id: string
  readonly lines: readonly { readonly reservation_id: string; readonly quantity: number }[]
}
/** An order's reservation has its id; others have no row here. */
function filledKeys({ data: { lines } }: Recorded<Filled>): readonly string[] {
  return [...new Set(lines.map(({ reservation_id }) => reservation_id))]
}

function filled(row: OrderRow | undefined, { data, timestamp }: Recorded<Filled>) {
  // What it does not wait for, or no longer, is no news of it.
  const isHere = row?.store_id === data.store_id
  if (!isHere || !row.backordered.some((each) => each.product_id === data.product_id))
    return undefined
  const come = data.lines
    .filter(({ reservation_id }) => reservation_id === row.order_id)
    .reduce((sum, { quantity }) => sum + quantity, 0)
  const left = row.backordered
    .map((each) =>
      each.product_id === data.product_id ? { ...each, quantity: each.quantity - come } : each,
    )
    .filter(({ quantity }) => quantity > 0)
  return { ...row, ...waiting(row, left), updated_at: timestamp }
}

function lessTaxed(row: OrderRow, gone: readonly LinePart[]): Partial<OrderRow> {
  const { net_minor, tax_minor, discount_minor } = totalsOf(gone)
  return {
    net_minor: row.net_minor - net_minor,
    tax_minor: row.tax_minor - tax_minor,
    discount_minor: row.discount_minor - discount_minor,
  }
}

/** Only what was told. */
const known = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

type Change<D> = (data: D, row: OrderRow) => Partial<OrderRow>

/** An event of the order's own stream. */
function own<D>(change: Change<D>): Handler<OrderRow, D> {
  return {
    keys: ({ aggregate_id }) => [aggregate_id],
    apply: (row, { data, timestamp, version }) => ({
      ...existing(row),
      ...change(data, existing(row)),
      updated_at: timestamp,
      version,
    }),
  }
}

/** An event of a stream beside, which names its order. */
function others<D extends { readonly order_id: string }>(
  change: (data: D, row: OrderRow, event: Recorded<D>) => Partial<OrderRow>,
): Handler<OrderRow, D> {
  return {
    keys: ({ data }) => [data.order_id],
    apply: (row, event) => ({
      ...existing(row),
      ...change(event.data, existing(row), event),
      updated_at: event.timestamp,
    }),
  }
}

const STATUSES: Readonly<Record<string, (typeof ORDER_PAYMENT_STATUSES)[number]>> = {
  AUTHORIZED: 'authorized',
  PARTIALLY_CAPTURED: 'partially_captured',
  CAPTURED: 'captured',
  PARTIALLY_REFUNDED: 'partially_refunded',
  REFUNDED: 'refunded',
  VOIDED: 'voided',
  FAILED: 'failed',
}

function paymentChange() {
  return others<{ readonly order_id: string; readonly payment_id: string }>(
    ({ payment_id }, { payment_info, payment_status }, event) => {
      const state = evolve(payment, payment_info.payment, event)
      if (state === null) return {}
      return {
        payment_id,
        owed_back_minor: state.owed_back_minor,
        payment_info: { ...payment_info, payment: state },
        // What is only under way does not change how it stands.
        payment_status: STATUSES[paymentStatus(state)] ?? payment_status,
      }
    },
  )
}

function existing(row: OrderRow | undefined): OrderRow {
  if (row === undefined) throw new Error('an order that was never created has changed')
  return row
}
