// What the events and answers of the till have in common: lines, tenders, and their limits.
import { amountFields, pricedFields } from '#contexts/pricing/public.ts'
import {
  flag,
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

/** One event holds all lines with their taxes and discounts, and has a limit of its own. */
export const LINES_MAX = 300
export const TENDERS_MAX = 10
export const DISCOUNTS_MAX = 3
export const DISCOUNT_NAME_MAX = 100
export const NUMBER_MAX = 250
export const REASON_MAX = 500
export const TENDER_MAX = 50
export const REGISTER_MAX = 20
/** Minor units of one sale, and of one movement of cash: a session's sums stay exact integers. */
export const TOTAL_MAX_MINOR = 10 ** 12
export const CODE_MAX = 100
export const NAME_MAX = 300
export const PERSON_MAX = 200

/** Whoever the sender said it was: an id of theirs, in any characters that a header takes. */
export const cashier = nullable(text({ max: PERSON_MAX }))
export const currency = text({ min: 3, max: 3 })
export const reason = nullable(text({ max: REASON_MAX }))

const goods = {
  product_id: id(),
  code: text({ max: CODE_MAX }),
  department_id: nullable(id()),
  quantity: quantity({ min: 1 }),
  quantity_scale: integer({ min: 0, max: 6 }),
}

/** A discount as it was asked for: either a percentage or an amount. */
export const askedDiscount = object({
  name: text({ max: DISCOUNT_NAME_MAX }),
  percent: nullable(text({ max: 30 })),
  amount_minor: nullable(money()),
})

export type AskedDiscount = Infer<typeof askedDiscount>

/** A line while the sale goes on: what it will cost is reckoned over the whole cart, at its end. */
export const cartLine = object({
  line: integer({ min: 1 }),
  ...goods,
  name: text({ max: NAME_MAX }),
  tax_class: nullable(text({ max: 50 })),
  unit_price_minor: money(),
  discounts: list(askedDiscount, { max: DISCOUNTS_MAX }),
})
export type CartLine = Infer<typeof cartLine>

export const soldLine = object({
  line: integer({ min: 1 }),
  ...goods,
  name: text({ max: NAME_MAX }),
  unit_price_minor: money(),
  ...pricedFields,
})
export type SoldLine = Infer<typeof soldLine>

export const refundedLine = object({
  /** Of the sale; null: there was none. */
  line: nullable(integer({ min: 1 })),
  ...goods,
  amount_minor: amountFields.amount_minor,
  net_minor: amountFields.net_minor,
  tax_minor: amountFields.tax_minor,
  discount_minor: amountFields.discount_minor,
  taxes: pricedFields.taxes,
  restocked: flag(),
})
export type RefundedLine = Infer<typeof refundedLine>

/** How it was paid: cash less the change. */
export const tender = object({ type: text({ max: TENDER_MAX }), amount_minor: money() })
export type Tender = Infer<typeof tender>
