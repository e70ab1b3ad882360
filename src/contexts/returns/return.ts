// Goods that came back, or money given back without them. So far a return is only ever told to us
// after it happened: a fact, recorded as the other book has it. Stream: return-<return_id>.
import { accept, aggregate, command } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { lineAmount } from '#kernel/money.ts'
import {
  type Infer,
  id,
  integer,
  list,
  money,
  nullable,
  object,
  quantity,
  text,
} from '#kernel/schema.ts'

/**
 * Signed as on the credit note: what comes back is negative, so sales and returns add up to the
 * net.
 */
const line = object({
  line: integer({ min: 1 }),
  product_id: nullable(id()),
  code: text(),
  quantity: quantity(),
  quantity_scale: integer({ min: 0, max: 9 }),
  unit_price_minor: money(),
  amount_minor: money(),
})

export const returnEvents = eventTypes({
  ReturnRecorded: {
    data: object({
      return_id: id(),
      reference: text({ description: 'The number of the credit note.' }),
      customer_id: nullable(id()),
      country: nullable(text()),
      currency: text({ min: 3, max: 3 }),
      lines: list(line, { min: 1 }),
      total_amount_minor: money(),
      cause: text(),
      original_order_id: nullable(id({ description: 'null: a return without an original.' })),
    }),
  },
})
export type ReturnRecorded = Infer<(typeof returnEvents)['ReturnRecorded']['data']>

/** No rule reads more of a return than that it is there and what it came to. */
export type ReturnState = { readonly total_amount_minor: number } | null

export const returned = aggregate({
  type: 'return',
  state_version: 1,
  events: returnEvents,
  initial: null as ReturnState,
  evolve: {
    ReturnRecorded: (_, { total_amount_minor }) => ({ total_amount_minor }),
  },
})

/** A fact is never refused; told again under another command's id, it is still the same return. */
export const recordReturn = command({
  type: 'RecordReturn',
  input: object({
    return_id: id(),
    reference: text(),
    customer_id: nullable(id()),
    country: nullable(text()),
    currency: text({ min: 3, max: 3 }),
    lines: list(
      object({
        product_id: nullable(id()),
        code: text(),
        quantity: quantity(),
        quantity_scale: integer({ min: 0, max: 9 }),
        unit_price_minor: money(),
      }),
      { min: 1 },
    ),
    cause: text(),
    original_order_id: nullable(id()),
  }),
  creates: 'return_id',
  reads: ({ return_id }) => [returned.at(return_id)],
  decide: ({ lines, ...input }, given, { occurred_at }) => {
    const known = given.state(returned.at(input.return_id))
    const recorded = lines.map((each, index) => ({
      line: index + 1,
      ...each,
      amount_minor: lineAmount(each.unit_price_minor, each.quantity, each.quantity_scale),
    }))
    const total_amount_minor =
      known?.total_amount_minor ?? recorded.reduce((sum, { amount_minor }) => sum + amount_minor, 0)
    const { return_id, currency } = input
    const fact = returned.event(
      'ReturnRecorded',
      { ...input, lines: recorded, total_amount_minor },
      occurred_at,
    )
    return accept([returned.write(return_id, known === null ? [fact] : [])], {
      return_id,
      currency,
      total_amount_minor,
    })
  },
  answer: object({ return_id: id(), currency: text(), total_amount_minor: money() }),
})
