// What a customer ordered. Stream: order-<order_id>; its reservation and its saga have the same id.
// PENDING → CONFIRMED → SHIPPED → DELIVERED; PENDING or CONFIRMED → CANCELLED.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import {
  flag,
  id,
  instant,
  integer,
  list,
  money,
  nullable,
  object,
  oneOf,
  optional,
  quantity,
  text,
} from '#kernel/schema.ts'

export const ORDER_STATUSES = ['PENDING', 'CONFIRMED', 'SHIPPED', 'DELIVERED', 'CANCELLED'] as const
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

export const LINES_MAX = 1_500
export const NOTES_MAX = 2_000
export const REASON_MAX = 500
const CODE_MAX = 100
const NAME_MAX = 300
const METHOD_MAX = 50

export const address = object({
  name: optional(text()),
  company: optional(text()),
  street: optional(text()),
  street2: optional(text({ aliases: ['line2'] })),
  city: optional(text()),
  state: optional(text()),
  zip: optional(text({ max: 50, aliases: ['postal_code', 'zip_code'] })),
  country: optional(text({ max: 100 })),
  phone: optional(text({ max: 50 })),
  email: optional(text({ max: 320 })),
})

/** What the order's state keeps of a line; `OrderCancelled` gives it back to whoever counted it. */
export type OrderLine = {
  readonly product_id: string
  readonly code: string
  readonly quantity: number
  readonly quantity_scale: number
  readonly amount_minor: number
}
const kept = {
  product_id: id(),
  code: text({ max: CODE_MAX }),
  quantity: quantity({ min: 1 }),
  quantity_scale: integer({ min: 0, max: 6 }),
  amount_minor: money(),
}
export const line = object({
  line: integer({ min: 1 }),
  ...kept,
  name: text({ max: NAME_MAX }),
  unit_price_minor: money(),
})

export type OrderState = {
  readonly status: (typeof ORDER_STATUSES)[number]
  readonly order_number: string
  readonly customer_id: string | null
  readonly user_id: string | null
  readonly store_id: string
  readonly currency: string
  readonly country: string | null
  readonly total_amount_minor: number
  readonly placed_at: string
  readonly payment_id: string | null
  readonly lines: readonly OrderLine[]
}
/** null: no such order. */
export type Order = OrderState | null

const whose = {
  customer_id: nullable(id()),
  user_id: nullable(id()),
}
type Whose = {
  readonly order_id: string
  readonly customer_id: string | null
  readonly user_id: string | null
}
/** Whose key seals what tells of a person; a guest's order stands for itself. */
const subject = ({ customer_id, user_id, order_id }: Whose) => customer_id ?? user_id ?? order_id
const personal = { fields: ['shipping_address', 'notes'], subject }

export const order = aggregate({
  type: 'order',
  state_version: 1,
  events: eventTypes({
    OrderCreated: {
      data: object({
        order_id: id(),
        order_number: text({ max: 100 }),
        ...whose,
        store_id: id(),
        channel: oneOf(['online']),
        currency: text({ min: 3, max: 3 }),
        lines: list(line, { min: 1, max: LINES_MAX }),
        total_amount_minor: money(),
        country: nullable(text({ max: 100 })),
        shipping_address: nullable(address),
        notes: nullable(text({ max: NOTES_MAX })),
        payment_method: nullable(text({ max: METHOD_MAX })),
        payment_id: nullable(id()),
        placed_at: instant(),
      }),
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
      }),
      personal,
    },
    OrderConfirmed: { data: object({ order_id: id(), confirmed_at: instant() }) },
    PaymentProcessed: {
      data: object({
        order_id: id(),
        payment_id: id(),
        amount_minor: money(),
        currency: text({ min: 3, max: 3 }),
        payment_method: text({ max: METHOD_MAX }),
      }),
    },
    OrderShipped: {
      data: object({
        order_id: id(),
        shipment_id: id(),
        tracking_number: text({ max: 200 }),
        carrier: text({ max: 100 }),
        shipped_at: instant(),
      }),
    },
    OrderDelivered: {
      data: object({ order_id: id(), shipment_id: id(), delivered_at: instant() }),
    },
    OrderCancelled: {
      data: object({
        order_id: id(),
        /** In the words of whoever cancelled; the cause where a machine did. */
        reason: text({ max: REASON_MAX }),
        cause: oneOf(CANCEL_CAUSES),
        cancelled_at: instant(),
        was_confirmed: flag(),
        customer_id: nullable(id()),
        currency: text({ min: 3, max: 3 }),
        country: nullable(text({ max: 100 })),
        placed_at: instant(),
        total_amount_minor: money(),
        lines: list(object(kept), { min: 1, max: LINES_MAX }),
      }),
    },
  }),
  initial: null as Order,
  evolve: {
    OrderCreated: (_, data): Order => ({
      status: 'PENDING',
      order_number: data.order_number,
      customer_id: data.customer_id,
      user_id: data.user_id,
      store_id: data.store_id,
      currency: data.currency,
      country: data.country,
      total_amount_minor: data.total_amount_minor,
      placed_at: data.placed_at,
      payment_id: data.payment_id,
      lines: data.lines.map(({ product_id, code, quantity, quantity_scale, amount_minor }) => ({
        product_id,
        code,
        quantity,
        quantity_scale,
        amount_minor,
      })),
    }),
    OrderUpdated: (state, { payment_id }): Order => {
      const known = existing(state)
      return payment_id === undefined ? known : { ...known, payment_id }
    },
    OrderConfirmed: (state): Order => ({ ...existing(state), status: 'CONFIRMED' }),
    PaymentProcessed: (state) => existing(state),
    OrderShipped: (state): Order => ({ ...existing(state), status: 'SHIPPED' }),
    OrderDelivered: (state): Order => ({ ...existing(state), status: 'DELIVERED' }),
    OrderCancelled: (state): Order => ({ ...existing(state), status: 'CANCELLED' }),
  },
})

function existing(state: Order): OrderState {
  if (state === null) throw new Error('an order that was never created has changed')
  return state
}
