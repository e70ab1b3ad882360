// The fields that a priced line has in events and answers, whoever priced it.
import { flag, list, money, object, text } from '#kernel/schema.ts'

/** On one line. */
export const TAXES_MAX = 10
const DISCOUNTS_MAX = 20
export const DISCOUNT_NAME_MAX = 200

export const taxLine = object({
  name: text({ max: 100 }),
  /** Percent. */
  rate: text({ max: 20 }),
  is_inclusive: flag(),
  amount_minor: money(),
})
export const discountLine = object({
  name: text({ max: DISCOUNT_NAME_MAX }),
  amount_minor: money(),
})

/** `amount_minor` is what it costs: net and tax, discounts off. */
export const amountFields = {
  amount_minor: money(),
  net_minor: money(),
  tax_minor: money(),
  discount_minor: money(),
}
export const pricedFields = {
  ...amountFields,
  taxes: list(taxLine, { max: TAXES_MAX }),
  discounts: list(discountLine, { max: DISCOUNTS_MAX }),
}
