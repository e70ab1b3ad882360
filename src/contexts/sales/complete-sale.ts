// The end of a sale that went on line by line: from here on it is booked like any other.
import { amountReader, hasErrors } from '#contexts/catalog/public.ts'
import { command, type Decision, type Given, invalid, type Moment } from '#kernel/decider.ts'
import { type Infer, id, nullable, object, optional } from '#kernel/schema.ts'
import { occurredAt, standingDoubts } from './process-sale.ts'
import { completedAnswer, ringUp } from './ring-up.ts'
import { sale } from './sale.ts'
import { discountsInput, discountsOf, NOTHING_NEW } from './sale-items.ts'
import { whenOf } from './sale-moment.ts'
import { saleIn } from './sale-steps.ts'
import { paymentFields } from './tendering.ts'

const completeInput = object({
  sale_id: id(),
  customer_id: optional(nullable(id({ description: 'Default: whom it was started for.' }))),
  discounts: discountsInput,
  ...paymentFields,
  occurred_at: occurredAt,
})

export const completeSale = command({
  type: 'CompleteSale',
  input: completeInput,
  // What else it needs, the sale's state tells.
  reads: ({ sale_id }) => [sale.at(sale_id)],
  decide,
  answer: completedAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/sales/:sale_id/complete',
    tag: 'sales',
    summary: 'Take the payment and complete a sale',
  },
})

function decide(input: Infer<typeof completeInput>, given: Given, moment: Moment): Decision {
  const { sale_id } = input
  const when = whenOf(input.occurred_at, moment)
  if ('rejected' in when) return when
  const state = saleIn(given, sale_id, 'STARTED', ...(when.isFact ? (['SUSPENDED'] as const) : []))
  if ('rejected' in state) return state
  if (state.cart.length === 0) return invalid({ sale_id: 'is a sale without any line' })
  const doubts = standingDoubts(state)
  const { currency, cart, store_id, register_id, device_id, country } = state
  const reader = amountReader()
  const discounts = discountsOf(input.discounts, currency, reader, 'discounts')
  if (hasErrors(reader.errors)) return invalid(reader.errors)
  const customer_id = input.customer_id === undefined ? state.customer_id : input.customer_id
  return ringUp(given, moment, when, {
    ...{ sale_id, store_id, register_id, customer_id, device_id, country, currency },
    ...{ cart, discounts, payment: input, told: { ...NOTHING_NEW, doubts }, before: [] },
  })
}
