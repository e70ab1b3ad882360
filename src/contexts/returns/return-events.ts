// What is stored of a return, for ever: goods that a customer sends back, and credits that another
// book tells of.
import { linePart, payerOf } from '#contexts/orders/public.ts'
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
/** Absent in events of before their words were sealed. */
const user_id = optional(nullable(id()))
/** Words that somebody typed may tell anything of whoever sends the goods back. */
const words = { fields: ['reason'], subject: payerOf, since: 2 }
const asItWas = <Data>(data: Data): Data => data
const old = {
  return_id: '01900000-0000-7000-8000-00000000d001',
  order_id: '01900000-0000-7000-8000-00000000a001',
  customer_id: '01900000-0000-7000-8000-00000000b001',
  country: 'Peru',
  currency: 'USD',
  store_id: '00000000-0000-7000-8000-000000000001',
}
const product_id = '01900000-0000-7000-8000-00000000c001'
/** Stored samples of version 1, with their words in clear. */
const oldRequested = {
  ...old,
  order_number: 'ORD-2026-001',
  lines: [{ line: 1, product_id, code: 'CUP', quantity: 1, quantity_scale: 0 }],
  reason: 'too small',
  requested_at: '2026-03-04T10:00:00.000Z',
}
const oldClosed = { ...old, reason: 'never came', closed_at: '2026-03-05T10:00:00.000Z' }
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
    version: 2,
    data: object({
      ...whose,
      user_id,
      order_number: text({ max: 100 }),
      lines: list(wanted, { min: 1, max: LINES_MAX }),
      reason: text({ max: REASON_MAX }),
      requested_at: instant(),
    }),
    upcast: { 1: asItWas },
    samples: { 1: oldRequested },
    personal: words,
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
    version: 2,
    data: object({ ...whose, user_id, reason: text({ max: REASON_MAX }), closed_at: instant() }),
    upcast: { 1: asItWas },
    samples: { 1: oldClosed },
    personal: words,
  },
})

export type ReturnRecorded = Infer<(typeof returnEvents)['ReturnRecorded']['data']>
export type ReturnReceived = Infer<(typeof returnEvents)['ReturnReceived']['data']>
