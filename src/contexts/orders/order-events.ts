// What is stored of an order, for ever: its events, and how those of older versions are read.
import { amountFields } from '#contexts/pricing/public.ts'
import { address } from '#contexts/shipping/public.ts'
import { eventTypes } from '#kernel/event-types.ts'
import {
  day,
  flag,
  id,
  instant,
  list,
  money,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '#kernel/schema.ts'
import { line, linePart, lineRefund, lineUnits, waitingUnits } from './order-line.ts'
import {
  asItWas,
  clearCancelled,
  liftCancelled,
  liftCreated,
  oldCancelled,
  oldCreated,
  oldGranted,
  oldLinesCancelled,
} from './order-versions.ts'

/** Why an order was cancelled, for machines. */
export const CANCEL_CAUSES = [
  'requested',
  'operator',
  'reservation_expired',
  'payment_declined',
  'payment_timeout',
  'payment_voided',
  'label_refused',
  'label_timeout',
] as const
export type CancelCause = (typeof CANCEL_CAUSES)[number]
export const RETURN_STATUSES = ['none', 'requested', 'partially_returned', 'returned'] as const

export const LINES_MAX = 1_500
export const NOTES_MAX = 2_000
export const REASON_MAX = 500
const METHOD_MAX = 50

const whose = {
  customer_id: nullable(id()),
  user_id: nullable(id()),
}
type Whose = {
  readonly order_id: string
  readonly customer_id?: string | null
  readonly user_id?: string | null
}
/** Whose key seals what tells of a person; a guest's order stands for itself. */
export const payerOf = ({ customer_id, user_id, order_id }: Whose): string =>
  customer_id ?? user_id ?? order_id
const personal = { fields: ['shipping_address', 'notes'], subject: payerOf }
/** Words that somebody typed may tell anything of whoever ordered. */
const words = { fields: ['reason'], subject: payerOf }
/** Absent in events of before their words were sealed. */
const user_id = optional(nullable(id()))

const currency = text({ min: 3, max: 3 })
const country = nullable(text({ max: 100 }))
/** In which rows of a report the order was counted; whoever takes from it finds them again. */
const counted = {
  customer_id: nullable(id()),
  country,
  currency,
  store_id: id(),
  placed_at: instant(),
  business_day: day(),
}
const parts = (least = 1) => list(linePart, { min: least, max: LINES_MAX })
const units = list(lineUnits, { min: 1, max: LINES_MAX })
/** What waits for goods after the event; absent: that has not changed. */
const backordered = optional(list(waitingUnits, { max: LINES_MAX }))
const { amount_minor: _, ...taxed } = amountFields
const parcel = {
  order_id: id(),
  shipment_id: id(),
  tracking_number: text({ max: 200 }),
  carrier: text({ max: 100 }),
  shipped_at: instant(),
}

export const orderEvents = eventTypes({
  OrderCreated: {
    version: 2,
    data: object({
      order_id: id(),
      order_number: text({ max: 100 }),
      ...whose,
      ...counted,
      channel: oneOf(['online']),
      lines: list(line, { min: 1, max: LINES_MAX }),
      /** The sum of the lines, as are the other three. */
      total_amount_minor: money(),
      ...taxed,
      shipping_address: nullable(address),
      notes: nullable(text({ max: NOTES_MAX })),
      payment_method: nullable(text({ max: METHOD_MAX })),
      payment_id: nullable(id()),
      backordered,
    }),
    upcast: { 1: liftCreated },
    samples: { 1: oldCreated },
    personal,
  },
  OrderUpdated: {
    data: object({
      order_id: id(),
      ...whose,
      shipping_address: optional(nullable(address)),
      notes: optional(nullable(text({ max: NOTES_MAX }))),
      payment_id: optional(id()),
      payment_method: optional(text({ max: METHOD_MAX })),
      // All of these, where the items have changed.
      lines: optional(list(line, { min: 1, max: LINES_MAX })),
      previous_lines: optional(parts(0)),
      backordered,
      total_amount_minor: optional(money()),
      previous_total_amount_minor: optional(money()),
      net_minor: optional(money()),
      tax_minor: optional(money()),
      discount_minor: optional(money()),
      country: optional(country),
      /** Where the previous lines were counted; absent: in the same one. */
      previous_country: optional(country),
      currency: optional(currency),
      store_id: optional(id()),
      placed_at: optional(instant()),
      business_day: optional(day()),
    }),
    personal,
  },
  OrderConfirmed: { data: object({ order_id: id(), confirmed_at: instant() }) },
  PaymentProcessed: {
    data: object({
      order_id: id(),
      payment_id: id(),
      amount_minor: money(),
      currency,
      payment_method: text({ max: METHOD_MAX }),
    }),
  },
  /** Some of the units will not be sent; the order goes on with the others. */
  OrderLinesCancelled: {
    version: 2,
    data: object({
      order_id: id(),
      ...counted,
      user_id,
      lines: parts(),
      /** Goods that the order still has afterwards: for them it counts on in reports. */
      left: optional(
        list(object({ product_id: id(), code: text(), department_id: nullable(id()) }), {
          max: LINES_MAX,
        }),
      ),
      /** What they came to. */
      amount_minor: money(),
      total_amount_minor: money(),
      reason: text({ max: REASON_MAX }),
      cancelled_at: instant(),
      backordered,
    }),
    upcast: { 1: asItWas },
    samples: { 1: oldLinesCancelled },
    personal: { ...words, since: 2 },
  },
  /** These units go in a parcel of their own; nobody else may plan them. */
  OrderShipmentPlanned: { data: object({ order_id: id(), shipment_id: id(), lines: units }) },
  OrderShipmentDropped: { data: object({ order_id: id(), shipment_id: id() }) },
  OrderPartiallyShipped: { data: object({ ...parcel, lines: units }) },
  /** Nothing is left to be sent. `lines` absent: all of them, in this one parcel. */
  OrderShipped: { data: object({ ...parcel, lines: optional(units) }) },
  OrderDelivered: {
    data: object({ order_id: id(), shipment_id: id(), delivered_at: instant() }),
  },
  /** What a return means for its order: units on their way back, arrived, or not coming. */
  OrderReturnChanged: {
    data: object({
      order_id: id(),
      customer_id: nullable(id()),
      currency,
      return_id: id(),
      change: oneOf(['requested', 'received', 'closed']),
      lines: list(lineUnits, { max: LINES_MAX }),
      /** What the payer no longer owes by it. */
      amount_minor: money(),
      return_status: oneOf(RETURN_STATUSES),
      /** Came back, and is not to be paid back for the time being. */
      withheld: optional(list(lineRefund, { max: LINES_MAX })),
    }),
  },
  /** What was withheld of goods that came back is paid back after all. */
  OrderRefundGranted: {
    version: 2,
    data: object({
      order_id: id(),
      customer_id: nullable(id()),
      user_id,
      currency,
      payment_id: id(),
      lines: list(lineRefund, { min: 1, max: LINES_MAX }),
      amount_minor: money(),
      reason: optional(text({ max: REASON_MAX })),
    }),
    upcast: { 1: asItWas },
    samples: { 1: oldGranted },
    personal: { ...words, since: 2 },
  },
  OrderCancelled: {
    version: 3,
    data: object({
      order_id: id(),
      /** In the words of whoever cancelled; the cause where a machine did. */
      reason: text({ max: REASON_MAX }),
      cause: oneOf(CANCEL_CAUSES),
      cancelled_at: instant(),
      was_confirmed: flag(),
      ...counted,
      user_id,
      /** null: stored before it was written down. */
      store_id: nullable(id()),
      total_amount_minor: money(),
      ...taxed,
      /** What was not cancelled before. */
      lines: parts(0),
    }),
    upcast: { 1: liftCancelled, 2: asItWas },
    samples: { 1: oldCancelled, 2: clearCancelled },
    personal: { ...words, since: 3 },
  },
})
