// Completes a sale: prices the cart, takes the payment, and books all of it in one append, however
// its lines came together.
import { ACCOUNT_WARNINGS, customer } from '#contexts/customers/public.ts'
import {
  amountFields,
  type PricedCart,
  priceLines,
  pricingRules,
  ratesFor,
} from '#contexts/pricing/public.ts'
import {
  accept,
  type Decision,
  type Given,
  invalid,
  type Moment,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import type { Fact } from '#kernel/message.ts'
import { reckoned } from '#kernel/money.ts'
import {
  day,
  type Infer,
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
import {
  type Booked,
  booked,
  bookingRefs,
  lackingOf,
  type Place,
  registerTrouble,
} from './booking.ts'
import { doubtful, doubtsField } from './doubts.ts'
import { sale } from './sale.ts'
import {
  type AskedDiscount,
  type CartLine,
  currency,
  NUMBER_MAX,
  type SoldLine,
  TENDER_MAX,
  TOTAL_MAX_MINOR,
  tender,
} from './sale-fields.ts'
import { asDiscount, type FromTill, type When } from './sale-items.ts'
import { type Payment, paidBy, type Settled } from './tendering.ts'

export const warning = object({
  product_id: id(),
  store_id: id(),
  requested: quantity(),
  available: quantity(),
  quantity_scale: integer(),
})

export const completedAnswer = object({
  sale_id: id(),
  sale_number: text({ max: NUMBER_MAX }),
  status: text(),
  store_id: id(),
  register_id: id(),
  customer_id: nullable(id()),
  currency,
  ...amountFields,
  rounding_minor: money(),
  total_amount_minor: money(),
  tenders: list(tender),
  change_minor: money(),
  payment_type: text({ max: TENDER_MAX }),
  balance_minor: nullable(money()),
  business_day: day(),
  completed_at: instant(),
  /** What was sold that the book does not have, or has promised. */
  warnings: list(warning),
  /** Why it would not have been sold on account, had it not happened already. */
  account_warnings: optional(list(oneOf(ACCOUNT_WARNINGS))),
  /** What in it contradicts the book, and is left to somebody to look into. */
  doubts: doubtsField,
})

export type ToRing = Place & {
  readonly sale_id: string
  readonly customer_id: string | null
  readonly device_id: string | null
  readonly country: string | null
  readonly currency: string
  readonly cart: readonly CartLine[]
  readonly discounts: readonly AskedDiscount[]
  readonly payment: Payment
  /** What the till knows and the catalogue did not. */
  readonly told: FromTill
  /** What goes before in the sale's stream. */
  readonly before: readonly Fact<keyof typeof sale.events>[]
}

export function ringUp(given: Given, moment: Moment, when: When, wanted: ToRing): Decision {
  const { cart, customer_id } = wanted
  const asked = lackingOf(given, bookingRefs(wanted, customer_id, cart))
  if (asked !== null) return asked
  const wrong = registerTrouble(wanted.register_id) ?? customerTrouble(given, when, customer_id)
  if (wrong !== null) return wrong
  const priced = pricedCart(wanted, when)
  if ('rejected' in priced) return priced
  const { amount_minor } = priced.totals
  const bill = { ...when, amount_minor, currency: wanted.currency }
  const paid = paidBy(wanted.payment, bill)
  if ('rejected' in paid) return paid
  const done = booked(given, moment, when, {
    ...wanted,
    entry: 'sale',
    document_id: wanted.sale_id,
    stream: sale.at(wanted.sale_id).stream,
    goods: cart,
    tenders: paid.tenders,
    reason: null,
    off_account: when.isFact,
  })
  return 'writes' in done ? completed(wanted, priced, paid, done, moment, when) : done
}

/** One who bought before the till could ask is taken at his word. */
export function customerTrouble(given: Given, { isFact }: When, customer_id: string | null) {
  if (customer_id === null || isFact) return null
  const state = given.state(customer.at(customer_id))
  if (state?.is_registered && !state.is_erased) return null
  return reject('not_found', `There is no customer ${customer_id}.`, {
    errors: { customer_id: 'is not a customer' },
  })
}

function pricedCart(
  { cart, discounts, country }: ToRing,
  { settings }: When,
): PricedCart | Rejected {
  const items = cart.map((line) => ({
    unit_price_minor: line.unit_price_minor,
    quantity: line.quantity,
    quantity_scale: line.quantity_scale,
    rates: ratesFor(settings, line.tax_class, country),
    discounts: line.discounts.map(asDiscount),
  }))
  return pricedOf(() => priceLines(items, pricingRules(settings), discounts.map(asDiscount)))
}

/** What the money engine says, unless it is more than a till takes. */
export function pricedOf(price: () => PricedCart): PricedCart | Rejected {
  const tooMuch = invalid({ items: 'come to more than can be paid' })
  const priced = reckoned(price)
  return priced === null || priced.totals.amount_minor > TOTAL_MAX_MINOR ? tooMuch : priced
}

function completed(
  wanted: ToRing,
  { lines, totals }: PricedCart,
  paid: Settled,
  booked: Booked,
  moment: Moment,
  { at, isFact }: When,
): Decision {
  const { document_number, business_day, writes, claims, warnings, balance_minor } = booked
  const { sale_id, store_id, register_id, customer_id, device_id, country, currency } = wanted
  const where = { sale_id, sale_number: document_number, store_id, register_id, customer_id }
  const amounts = {
    ...totals,
    rounding_minor: paid.rounding_minor,
    total_amount_minor: paid.total_amount_minor,
    tenders: paid.tenders,
    change_minor: paid.change_minor,
    payment_type: paid.payment_type,
    ...doubtful(wanted.told.doubts, paid.doubts, booked.doubts),
  }
  const { difference_minor } = paid
  const differing = difference_minor === 0 ? {} : { difference_minor }
  const sold = wanted.cart.map(
    ({ tax_class, discounts, ...line }, i): SoldLine => ({ ...line, ...copied(lines[i]!) }),
  )
  const event = sale.event(
    'SaleCompleted',
    {
      ...{ ...where, user_id: moment.user_id ?? null, device_id, currency, lines: sold },
      ...{ ...amounts, ...differing, country, business_day, completed_at: at },
    },
    isFact ? at : undefined,
  )
  const response: Infer<typeof completedAnswer> = {
    ...{ ...where, status: 'COMPLETED', currency, ...amounts },
    ...{ balance_minor, business_day, completed_at: at, warnings: [...warnings] },
    account_warnings: [...booked.account_warnings],
  }
  const own = sale.write(sale_id, [...wanted.before, event])
  // Goods that are new stand in the catalogue before anything happens to their stock.
  return accept([own, ...wanted.told.writes, ...writes], response, {
    claims: [...claims, ...wanted.told.claims],
  })
}

const copied = ({ taxes, discounts, ...amounts }: PricedCart['lines'][number]) => ({
  ...amounts,
  taxes: [...taxes],
  discounts: [...discounts],
})
