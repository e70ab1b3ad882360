// What every refund writes and answers, whether there was a sale or not.
import { type Amounts, amountFields } from '#contexts/pricing/public.ts'
import type { Moment } from '#kernel/decider.ts'
import {
  day,
  type Infer,
  id,
  instant,
  list,
  money,
  nullable,
  object,
  optional,
  text,
} from '#kernel/schema.ts'
import type { Booked, Place } from './booking.ts'
import { type Doubt, doubtful, doubtsField } from './doubts.ts'
import { sale } from './sale.ts'
import { currency, NUMBER_MAX, type RefundedLine, refundedLine, tender } from './sale-fields.ts'
import type { When } from './sale-items.ts'
import type { Settled } from './tendering.ts'

export const refundAnswer = object({
  refund_id: id(),
  refund_number: text({ max: NUMBER_MAX }),
  sale_id: nullable(id()),
  store_id: id(),
  register_id: id(),
  customer_id: nullable(id()),
  currency,
  country: optional(nullable(text({ max: 100 }))),
  lines: list(refundedLine),
  ...amountFields,
  rounding_minor: money(),
  total_amount_minor: money(),
  tenders: list(tender),
  balance_minor: nullable(money()),
  business_day: day(),
  refunded_at: instant(),
  doubts: doubtsField,
  against_sale_id: optional(id()),
})

export type Refunding = Place & {
  readonly refund_id: string
  readonly sale_id: string | null
  readonly customer_id: string | null
  readonly device_id: string | null
  readonly currency: string
  readonly country: string | null
  readonly lines: readonly RefundedLine[]
  readonly totals: Amounts
  readonly back: Settled
  readonly cause: string
  readonly original_business_day: string | null
  readonly doubts: readonly Doubt[]
  readonly against_sale_id?: string
}

/** The same event in the sale's stream or in the refund's own. */
export function refunded(refund: Refunding, booked: Booked, moment: Moment, when: When) {
  const { refund_id, sale_id, store_id, register_id, customer_id, device_id, currency } = refund
  const { totals, back, cause, country, original_business_day } = refund
  const { document_number, business_day, balance_minor } = booked
  const told = {
    ...{ refund_id, refund_number: document_number, sale_id, store_id, register_id, customer_id },
    ...{ currency, country, lines: [...refund.lines], ...totals },
    rounding_minor: back.rounding_minor,
    total_amount_minor: back.total_amount_minor,
    tenders: back.tenders,
    business_day,
    refunded_at: when.at,
    ...doubtful(refund.doubts, back.doubts, booked.doubts),
    ...(refund.against_sale_id === undefined ? {} : { against_sale_id: refund.against_sale_id }),
  }
  const { difference_minor } = back
  const differing = difference_minor === 0 ? {} : { difference_minor }
  const event = sale.event(
    'SaleRefunded',
    {
      ...told,
      ...differing,
      user_id: moment.user_id ?? null,
      device_id,
      cause,
      original_business_day,
    },
    when.isFact ? when.at : undefined,
  )
  const response: Infer<typeof refundAnswer> = { ...told, balance_minor }
  return { event, response }
}
