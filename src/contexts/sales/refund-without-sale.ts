// Goods that come back with nothing to hold them against: booked apart, under a cause, and only
// where the shop allows it.
import { type Amounts, priceLines, pricingRules, ratesFor } from '#contexts/pricing/public.ts'
import {
  accept,
  already,
  command,
  type Decision,
  type Given,
  type Moment,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import { flag, type Infer, list, object, optional, text, uuid } from '#kernel/schema.ts'
import { booked, bookingRefs, registerTrouble } from './booking.ts'
import { occurredAt, placeFields, placeOf } from './process-sale.ts'
import { refundAnswer, refunded } from './refunding.ts'
import { customerTrouble, pricedOf } from './ring-up.ts'
import { looseRefund } from './sale.ts'
import { type CartLine, LINES_MAX, REASON_MAX, type RefundedLine } from './sale-fields.ts'
import {
  cartLines,
  type FromTill,
  itemInput,
  itemNames,
  itemRefs,
  type When,
} from './sale-items.ts'
import { whenOf } from './sale-moment.ts'
import { givenBackBy, refundFields } from './tendering.ts'

const { product_id, product_code, name, quantity, price } = itemInput.properties

const looseInput = object({
  refund_id: optional(uuid()),
  ...placeFields,
  items: list(
    object({ product_id, product_code, name, quantity, price, restock: optional(flag()) }),
    {
      min: 1,
      max: LINES_MAX,
    },
  ),
  ...refundFields,
  cause: text({ max: REASON_MAX, aliases: ['reason'] }),
  occurred_at: occurredAt,
})
type Input = Infer<typeof looseInput>

export const refundWithoutSale = command({
  type: 'RefundWithoutSale',
  input: looseInput,
  creates: 'refund_id',
  names: ({ items }) => itemNames(items),
  reads: (input) => {
    const place = placeOf(input)
    return [
      looseRefund.at(input.refund_id!),
      ...itemRefs(input.items),
      ...bookingRefs(place, place.customer_id, []),
    ]
  },
  decide,
  answer: refundAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/sales/refunds',
    status: 201,
    tag: 'sales',
    summary: 'Take goods back without the sale that they came from',
  },
})

function decide(input: Input, given: Given, moment: Moment): Decision {
  const refund_id = input.refund_id!
  if (given.state(looseRefund.at(refund_id)) !== null) return already('a refund', refund_id)
  const when = whenOf(input.occurred_at, moment)
  if ('rejected' in when) return when
  const isAllowed = when.settings['pos.refund_without_original'] === 'allow'
  if (!isAllowed && !when.isFact)
    return reject(
      'business_rule_violated',
      'Refunds without their sale are not allowed here (pos.refund_without_original).',
    )
  const place = placeOf(input)
  const wrong =
    registerTrouble(place.register_id) ?? customerTrouble(given, when, place.customer_id)
  if (wrong !== null) return wrong
  const goods = goodsBack(input, given, when, moment, place.country)
  if (!('lines' in goods)) return goods
  const { lines, totals, currency, told } = goods
  const bill = { ...when, amount_minor: totals.amount_minor, currency }
  const back = givenBackBy(input.tenders, input.tender ?? null, bill)
  if ('rejected' in back) return back
  const refund = { ...place, refund_id, sale_id: null, currency, lines, totals, back }
  const done = booked(given, moment, when, {
    ...{ ...place, currency, tenders: back.tenders },
    entry: 'refund',
    document_id: refund_id,
    stream: looseRefund.at(refund_id).stream,
    goods: lines
      .filter(({ restocked }) => restocked)
      .map(({ product_id, quantity, quantity_scale }) => ({
        ...{ product_id, quantity: -quantity, quantity_scale },
      })),
    reason: input.cause,
    off_account: when.isFact,
  })
  if (!('writes' in done)) return done
  const doubts = [...told.doubts, ...(isAllowed ? [] : (['refund_not_allowed'] as const))]
  const whole = { ...refund, cause: input.cause, original_business_day: null, doubts }
  const { event, response } = refunded(whole, done, moment, when)
  const own = looseRefund.write(refund_id, [event])
  return accept([own, ...told.writes, ...done.writes], response, {
    claims: [...done.claims, ...told.claims],
  })
}

type Goods = {
  readonly currency: string
  readonly lines: readonly RefundedLine[]
  readonly totals: Amounts
  readonly told: FromTill
}

function goodsBack(
  { items, currency: told }: Input,
  given: Given,
  when: When,
  moment: Moment,
  country: string | null,
): Goods | Rejected | Extract<Decision, { ask: unknown }> {
  // What it cost then nobody can check: the price that is given back is whoever allows it's word.
  const trusted = { ...when, isFact: true }
  const wanted = told === undefined ? {} : { currency: told }
  const cart = cartLines(items, given, trusted, when.isFact ? { ...wanted, moment } : wanted)
  if (!('lines' in cart)) return cart
  const priced = pricedOf(() =>
    priceLines(
      cart.lines.map((line) => ({
        unit_price_minor: line.unit_price_minor,
        quantity: line.quantity,
        quantity_scale: line.quantity_scale,
        rates: ratesFor(when.settings, line.tax_class, country),
        discounts: [],
      })),
      pricingRules(when.settings),
    ),
  )
  if ('rejected' in priced) return priced
  const { lines, totals } = priced
  const back = cart.lines.map((line, i) => backOf(line, lines[i]!, items[i]!.restock ?? true))
  return { currency: cart.currency, lines: back, totals, told: cart.told }
}

function backOf(
  { product_id, code, department_id, quantity, quantity_scale }: CartLine,
  {
    amount_minor,
    net_minor,
    tax_minor,
    discount_minor,
    taxes,
  }: ReturnType<typeof priceLines>['lines'][number],
  restocked: boolean,
): RefundedLine {
  return {
    ...{ line: null, product_id, code, department_id, quantity, quantity_scale },
    ...{ amount_minor, net_minor, tax_minor, discount_minor, taxes: [...taxes], restocked },
  }
}
