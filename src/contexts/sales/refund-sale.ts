// What comes back: against the line that it was sold on, never more than was sold less what came
// back before. A part of a line costs its share of it, so that the last part closes to zero.
import { QUANTITY_MAX } from '#contexts/catalog/public.ts'
import { partOfLine, totalsOf } from '#contexts/pricing/public.ts'
import { storeIdOf } from '#contexts/stores/public.ts'
import {
  accept,
  already,
  ask,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import { decimalNumber, exponentOf, scaled } from '#kernel/money.ts'
import {
  decimal,
  flag,
  type Infer,
  id,
  integer,
  list,
  nullable,
  object,
  optional,
  text,
  uuid,
} from '#kernel/schema.ts'
import { booked, registerTrouble } from './booking.ts'
import { occurredAt } from './process-sale.ts'
import { type Refunding, refundAnswer, refunded } from './refunding.ts'
import { looseRefund, onAccount, type SaleState, type Sold, sale } from './sale.ts'
import { LINES_MAX, REASON_MAX, type RefundedLine, TOTAL_MAX_MINOR } from './sale-fields.ts'
import type { When } from './sale-items.ts'
import { whenOf } from './sale-moment.ts'
import { saleIn } from './sale-steps.ts'
import { type Bill, givenBackBy, refundFields, type Settled, SPLIT } from './tendering.ts'

const refundInput = object({
  sale_id: id(),
  refund_id: optional(uuid()),
  lines: optional(
    list(
      object({
        line: integer({ min: 1 }),
        quantity: optional(decimal({ description: 'Default: all that is left.' })),
        restock: optional(flag()),
      }),
      { min: 1, max: LINES_MAX },
    ),
  ),
  restock: optional(flag({ description: 'Whether it can be sold again. Default: true.' })),
  ...refundFields,
  cause: optional(text({ max: REASON_MAX, aliases: ['reason'], example: 'broken' })),
  store_id: optional(id({ description: 'Where it comes back. Default: where it was sold.' })),
  register_id: optional(id()),
  device_id: optional(nullable(id())),
  occurred_at: occurredAt,
})
type Input = Infer<typeof refundInput>

export const refundSale = command({
  type: 'RefundSale',
  input: refundInput,
  creates: 'refund_id',
  reads: ({ sale_id }) => [sale.at(sale_id)],
  decide,
  answer: refundAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/sales/:sale_id/refund',
    status: 201,
    tag: 'sales',
    summary: 'Take back what was sold, in whole or in part',
  },
})

function decide(input: Input, given: Given, moment: Moment): Decision {
  const { sale_id } = input
  const state = saleIn(given, sale_id, 'COMPLETED')
  if ('rejected' in state) return state
  const sold = state.sold!
  const refund_id = input.refund_id!
  if (sold.refunds.includes(refund_id)) return already('a refund', refund_id)
  const when = whenOf(input.occurred_at, moment)
  if ('rejected' in when) return when
  const register_id = input.register_id ?? state.register_id
  const wrong = registerTrouble(register_id)
  if (wrong !== null) return wrong
  const wanted = linesBack(input, sold, when.isFact)
  if ('rejected' in wanted) return wanted
  return wanted.isBeyond
    ? beyond(input, state, wanted.lines, { given, moment, when })
    : fromSale(input, state, wanted.lines, { given, moment, when })
}

type Deciding = { readonly given: Given; readonly moment: Moment; readonly when: When }

/** What the refund of a sale is, wherever it is booked. */
function refundOf(input: Input, state: SaleState, lines: readonly RefundedLine[]) {
  const { customer_id, currency, country } = state
  const store_id = input.store_id === undefined ? state.store_id : storeIdOf(input.store_id)
  const register_id = input.register_id ?? state.register_id
  return {
    ...{ refund_id: input.refund_id!, store_id, register_id, customer_id, currency, country },
    ...{ device_id: input.device_id ?? null, cause: input.cause ?? 'return', lines },
    totals: totalsOf(lines),
  }
}

function fromSale(
  input: Input,
  state: SaleState,
  lines: readonly RefundedLine[],
  { given, moment, when }: Deciding,
): Decision {
  const { sale_id } = input
  const sold = state.sold!
  const refund = refundOf(input, state, lines)
  const share = differenceBack(sold, refund.totals.amount_minor)
  const amount_minor = refund.totals.amount_minor + share
  const back = givenBack(input, sold, { ...when, amount_minor, currency: state.currency })
  if ('rejected' in back) return back
  const no = moneyTrouble(sold, back, amount_minor + back.difference_minor, state.currency)
  if (no !== null && !when.isFact) return no
  const whole: Refunding = {
    ...{ ...refund, sale_id, original_business_day: sold.business_day },
    doubts: no === null ? [] : ['more_paid_out_than_paid'],
    back: {
      ...back,
      rounding_minor: back.rounding_minor + share,
      difference_minor: back.difference_minor + share,
    },
  }
  const done = bookedBack(whole, sale.at(sale_id).stream, input, { given, moment, when })
  if (!('writes' in done)) return done
  const { event, response } = refunded(whole, done, moment, when)
  return accept([sale.write(sale_id, [event]), ...done.writes], response, { claims: done.claims })
}

/** Goods that had come back already, and were taken back once more: booked apart from the sale. */
function beyond(
  input: Input,
  state: SaleState,
  lines: readonly RefundedLine[],
  deciding: Deciding,
): Decision {
  const { given, moment, when } = deciding
  const refund_id = input.refund_id!
  const lacking = given.lacking([looseRefund.at(refund_id)])
  if (lacking.length > 0) return ask(lacking)
  if (given.state(looseRefund.at(refund_id)) !== null) return already('a refund', refund_id)
  const refund = refundOf(input, state, lines)
  const { amount_minor } = refund.totals
  const back = givenBack(input, state.sold!, { ...when, amount_minor, currency: state.currency })
  if ('rejected' in back) return back
  const whole: Refunding = {
    ...{ ...refund, sale_id: null, original_business_day: null, against_sale_id: input.sale_id },
    ...{ back, doubts: ['came_back_already'] },
  }
  const { stream } = looseRefund.at(refund_id)
  const done = bookedBack(whole, stream, input, deciding)
  if (!('writes' in done)) return done
  const { event, response } = refunded(whole, done, moment, when)
  // The command's own stream is the sale's, and stays as it is.
  return accept([looseRefund.write(refund_id, [event]), ...done.writes], response, {
    claims: done.claims,
  })
}

function givenBack(input: Input, sold: Sold, bill: Bill): Settled | Rejected {
  const standard = input.tender ?? (sold.payment_type === SPLIT ? null : sold.payment_type)
  return givenBackBy(input.tenders, standard, bill, sold.refunded_cash_minor)
}

const bookedBack = (
  { store_id, register_id, customer_id, currency, refund_id, lines, back }: Refunding,
  stream: string,
  { sale_id, cause }: Input,
  { given, moment, when }: Deciding,
) =>
  booked(given, moment, when, {
    ...{ store_id, register_id, customer_id, currency, tenders: back.tenders, stream },
    entry: 'refund',
    document_id: refund_id,
    goods: lines
      .filter(({ restocked }) => restocked)
      .map(({ product_id, quantity }) => ({ product_id, quantity: -quantity })),
    reason: cause ?? null,
    // What no account took when it was sold, none gives back.
    off_account: when.isFact || given.state(sale.at(sale_id))?.sold?.off_account === true,
  })

/** Of what was taken beside what the sale comes to, as much as comes back of the sale. */
function differenceBack(sold: Sold, back: number): number {
  const { difference_minor, refunded_minor, amount_minor } = sold
  if (amount_minor === 0) return difference_minor - sold.refunded_difference_minor
  const upTo = (minor: number) =>
    Number((BigInt(difference_minor) * BigInt(minor)) / BigInt(amount_minor))
  return upTo(refunded_minor + back) - upTo(refunded_minor)
}

type LinesBack = { readonly lines: readonly RefundedLine[]; readonly isBeyond: boolean }

/** Beyond: of a fact, more than the sale has left. */
function linesBack(
  { lines, restock = true }: Input,
  sold: Sold,
  isFact: boolean,
): LinesBack | Rejected {
  const left = sold.lines.filter(({ quantity, refunded }) => refunded < quantity)
  if (left.length === 0 && !isFact)
    return reject('invalid_state', 'All of this sale has come back already.')
  const errors: Record<string, string> = {}
  const short: object[] = []
  const all = left.length === 0 ? sold.lines : left
  const wanted: Input['lines'] = lines ?? all.map(({ line }) => ({ line }))
  const read = wanted.map(({ line: number, quantity: told, restock: restocked = restock }, i) => {
    const line = sold.lines.find((each) => each.line === number)
    const field = `lines.${i}`
    if (line === undefined) errors[`${field}.line`] = 'is not a line of this sale'
    else if (wanted.findIndex((each) => each.line === number) < i)
      errors[`${field}.line`] = 'is named twice'
    if (line === undefined) return null
    const { quantity_scale } = line
    const open = line.quantity - line.refunded
    // Nothing of it is left: it was all of it once more.
    const standard = open === 0 && isFact ? line.quantity : open
    const quantity =
      told === undefined ? { ok: true as const, value: standard } : scaled(told, quantity_scale)
    if (!quantity.ok || (quantity.value <= 0 && told !== undefined)) {
      errors[`${field}.quantity`] = quantity.ok ? 'must be more than 0' : quantity.reason
      return null
    }
    const { value } = quantity
    if (value > QUANTITY_MAX) errors[`${field}.quantity`] = 'is too large'
    const shown = (units: number) => decimalNumber(units, quantity_scale)
    if (value === 0 || value > open)
      short.push({ line: number, requested: shown(value), left: shown(open) })
    return { line, quantity: value, restocked }
  })
  if (Object.keys(errors).length > 0) return invalid(errors)
  const isBeyond = short.length > 0
  if (isBeyond && !isFact)
    return reject('business_rule_violated', 'More would come back than was sold.', {
      details: { lines: short },
    })
  const back = read.filter((each) => each !== null).map(isBeyond ? apartFrom : backOf)
  if (totalsOf(back).amount_minor > TOTAL_MAX_MINOR)
    return invalid({ lines: 'come to more than can be paid' })
  return { lines: back, isBeyond }
}

type ToTake = {
  readonly line: Sold['lines'][number]
  readonly quantity: number
  readonly restocked: boolean
}

function backOf({ line, quantity, restocked }: ToTake): RefundedLine {
  const { refunded, quantity: of } = line
  const to = refunded + quantity
  const part = partOfLine(line, { from: refunded, to, of })
  // What came back while parts were rounded otherwise has left more, or less, for the last one.
  const left = to < of ? part.amount_minor : line.amount_minor - line.refunded_minor
  const net_minor = Math.max(0, left - part.tax_minor)
  const amount_minor = net_minor + part.tax_minor
  return refundedLine(
    { line, quantity, restocked },
    { ...part, amount_minor, net_minor },
    line.line,
  )
}

/** What so many of its units cost, however many had come back before. */
function apartFrom({ line, quantity, restocked }: ToTake): RefundedLine {
  const of = line.quantity
  const times = Math.floor(quantity / of)
  const rest = partOfLine(line, { from: 0, to: quantity % of, of })
  const sum = (whole: number, part: number) => whole * times + part
  const part = {
    amount_minor: sum(line.amount_minor, rest.amount_minor),
    net_minor: sum(line.net_minor, rest.net_minor),
    tax_minor: sum(line.tax_minor, rest.tax_minor),
    discount_minor: sum(line.discount_minor, rest.discount_minor),
    taxes: line.taxes.map((tax, i) => ({
      ...tax,
      amount_minor: sum(tax.amount_minor, rest.taxes[i]!.amount_minor),
    })),
  }
  return refundedLine({ line, quantity, restocked }, part, null)
}

function refundedLine(
  { line: { product_id, code, department_id, quantity_scale }, quantity, restocked }: ToTake,
  part: Omit<ReturnType<typeof partOfLine>, 'discounts'>,
  line: number | null,
): RefundedLine {
  const { amount_minor, net_minor, tax_minor, discount_minor, taxes } = part
  return {
    ...{ line, product_id, code, department_id, quantity, quantity_scale },
    ...{ amount_minor, net_minor, tax_minor, discount_minor, taxes: [...taxes], restocked },
  }
}

/** What was never paid is not paid out: it only comes off the account. Rounding aside. */
function moneyTrouble(
  sold: Sold,
  { tenders }: Settled,
  amount: number,
  currency: string,
): Rejected | null {
  const paid = sold.amount_minor + sold.difference_minor - sold.credit_minor
  const paidOut = sold.refunded_minor + sold.refunded_difference_minor - sold.refunded_credit_minor
  const left = paid - paidOut
  const out = amount - onAccount(tenders)
  if (out <= left) return null
  const exponent = exponentOf(currency)
  return reject(
    'business_rule_violated',
    'More would be paid out than was paid; the rest was on credit and comes off the account.',
    {
      details: {
        currency,
        left: decimalNumber(left, exponent),
        given: decimalNumber(out, exponent),
      },
    },
  )
}
