// What is stored of a return, for ever: goods that a customer sends back, and credits that another
// book tells of.
import { linePart } from '#contexts/orders/public.ts'
import { eventTypes } from '#kernel/event-types.ts'
import {
  day,
  flag,
  type Infer,
  id,
  instant,
  integer,
  list,
  money,
  nullable,
  object,
  optional,
  quantity,
  text,
} from '#kernel/schema.ts'

const LINES_MAX = 1_500
export const REASON_MAX = 500
/**
 * Signed as on the credit note: what comes back is negative, so sales and returns add up to the
 * net.
 */
const creditLine = object({
  line: integer({ min: 1 }),
  product_id: nullable(id()),
  code: text(),
  quantity: quantity(),
  quantity_scale: integer({ min: 0, max: 9 }),
  unit_price_minor: money(),
  amount_minor: money(),
})

const whose = {
  return_id: id(),
  order_id: id(),
  customer_id: nullable(id()),
  country: nullable(text({ max: 100 })),
  currency: text({ min: 3, max: 3 }),
  store_id: id(),
}
const wanted = object({
  line: integer({ min: 1 }),
  product_id: id(),
  code: text({ max: 100 }),
  quantity: quantity({ min: 1 }),
  quantity_scale: integer({ min: 0, max: 6 }),
})
/** All positive: so much came back, and that is what it had cost. */
const arrived = object({
  ...linePart.properties,
  /** Back in stock. */
  restocked: flag(),
  damaged: flag(),
})

export const returnEvents = eventTypes({
  ReturnRecorded: {
    data: object({
      return_id: id(),
      reference: text({ description: 'The number of the credit note.' }),
      customer_id: nullable(id()),
      country: nullable(text()),
      currency: text({ min: 3, max: 3 }),
      lines: list(creditLine, { min: 1 }),
      total_amount_minor: money(),
      cause: text(),
      original_order_id: nullable(id({ description: 'null: a return without an original.' })),
      /** By the main store's calendar; absent in older ones: the day in UTC. */
      business_day: optional(day()),
    }),
  },
  ReturnRequested: {
    data: object({
      ...whose,
      order_number: text({ max: 100 }),
      lines: list(wanted, { min: 1, max: LINES_MAX }),
      reason: text({ max: REASON_MAX }),
      requested_at: instant(),
    }),
  },
  ReturnReceived: {
    data: object({
      ...whose,
      lines: list(arrived, { min: 1, max: LINES_MAX }),
      /** What came back had cost this much. */
      total_amount_minor: money(),
      net_minor: money(),
      tax_minor: money(),
      discount_minor: money(),
      /** What is given back for it: nothing where nothing was paid, or nothing is to be. */
      refund_minor: money(),
      payment_id: nullable(id()),
      /** Of the receipt. */
      business_day: day(),
      received_at: instant(),
    }),
  },
  /** Nothing more of it is expected; units that never came may be asked for again. */
  ReturnClosed: {
    data: object({ ...whose, reason: text({ max: REASON_MAX }), closed_at: instant() }),
  },
})

export type ReturnRecorded = Infer<(typeof returnEvents)['ReturnRecorded']['data']>
export type ReturnReceived = Infer<(typeof returnEvents)['ReturnReceived']['data']>
