// The door of pricing: what a cart comes to, and what a part of it comes to when it comes back.
export { apportion } from './apportion.ts'
export { type CashAmount, type Coin, cashRounded, cashStep, coinIn } from './cash.ts'
export { currencyTrouble, standardCurrency } from './currencies.ts'
export { partOfLine, type Units } from './part-of-line.ts'
export {
  type Amounts,
  type Discount,
  type DiscountLine,
  type PricedCart,
  type PricedLine,
  type PricingRules,
  percentTrouble,
  priceLines,
  type Rate,
  type TaxLine,
  type ToPrice,
  totalsOf,
} from './price-lines.ts'
export {
  amountFields,
  DISCOUNT_NAME_MAX,
  discountLine,
  pricedFields,
  TAXES_MAX,
  taxLine,
} from './priced-fields.ts'
export { pricingRules, ratesFor, STANDARD_TAX_CLASS, TAX_ENTRY } from './rates.ts'
