// What comes back: against the line that it was sold on, never more than was sold less what came
// back before. A part of a line costs its share of it, so that the last part closes to zero.
import { partOfLine, totalsOf } from '#contexts/pricing/public.ts'
import { storeIdOf } from '#contexts/stores/public.ts'
import {
  accept,
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
import { onAccount, type Sold, sale } from './sale.ts'
import { LINES_MAX, REASON_MAX, type RefundedLine } from './sale-fields.ts'
import { whenOf } from './sale-moment.ts'
import { saleIn } from './sale-steps.ts'
import { givenBackBy, refundFields, type Settled, SPLIT } from './tendering.ts'

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
  cause: optional(text({ max: REASON_MAX, aliases: ['reason'] })),
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
  const when = whenOf(input.occurred_at, moment)
  if ('rejected' in when) return when
  const { customer_id, currency, country } = state
  const store_id = input.store_id === undefined ? state.store_id : storeIdOf(input.store_id)
  const register_id = input.register_id ?? state.register_id
  const wrong = registerTrouble(register_id)
  if (wrong !== null) return wrong
  const lines = linesBack(input, sold)
  if ('rejected' in lines) return lines
  const totals = totalsOf(lines)
  const { amount_minor } = totals
  const standard = input.tender ?? (sold.payment_type === SPLIT ? null : sold.payment_type)
  const bill = { amount_minor, currency, settings: when.settings }
  const back = givenBackBy(input.tenders, standard, bill, sold.refunded_cash_minor)
  if ('rejected' in back) return back
  const no = moneyTrouble(sold, back, amount_minor, currency)
  if (no !== null) return no

  const refund: Refunding = {
    ...{ refund_id: input.refund_id!, sale_id, store_id, register_id, customer_id, currency },
    ...{ country, device_id: input.device_id ?? null, cause: input.cause ?? 'return' },
    ...{ lines, totals, back, original_business_day: sold.business_day },
  }
  const done = booked(given, moment, when, {
    ...{ store_id, register_id, customer_id, currency, tenders: back.tenders },
    entry: 'refund',
    document_id: refund.refund_id,
    stream: sale.at(sale_id).stream,
    goods: lines
      .filter(({ restocked }) => restocked)
      .map(({ product_id, quantity }) => ({ product_id, quantity: -quantity })),
    reason: input.cause ?? null,
  })
  if (!('writes' in done)) return done
  const { event, response } = refunded(refund, done, moment, when)
  return accept([sale.write(sale_id, [event]), ...done.writes], response, { claims: done.claims })
}

type Back = RefundedLine & { readonly line: number }

function linesBack({ lines, restock = true }: Input, sold: Sold): readonly Back[] | Rejected {
  const left = sold.lines.filter(({ quantity, refunded }) => refunded < quantity)
  if (left.length === 0) return reject('invalid_state', 'All of this sale has come back already.')
  const errors: Record<string, string> = {}
  const short: object[] = []
  const wanted: Input['lines'] = lines ?? left.map(({ line }) => ({ line }))
  const back = wanted.map(({ line: number, quantity: told, restock: restocked = restock }, i) => {
    const line = sold.lines.find((each) => each.line === number)
    const field = `lines.${i}`
    if (line === undefined) errors[`${field}.line`] = 'is not a line of this sale'
    else if (wanted.findIndex((each) => each.line === number) < i)
      errors[`${field}.line`] = 'is named twice'
    if (line === undefined) return null
    const { refunded, quantity_scale } = line
    const read =
      told === undefined
        ? { ok: true as const, value: line.quantity - refunded }
        : scaled(told, quantity_scale)
    if (!read.ok || (read.value <= 0 && told !== undefined)) {
      errors[`${field}.quantity`] = read.ok ? 'must be more than 0' : read.reason
      return null
    }
    if (read.value === 0 || read.value > line.quantity - refunded) {
      const shown = (units: number) => decimalNumber(units, quantity_scale)
      short.push({
        line: number,
        requested: shown(read.value),
        left: shown(line.quantity - refunded),
      })
      return null
    }
    return backOf(line, read.value, restocked)
  })
  if (Object.keys(errors).length > 0) return invalid(errors)
  if (short.length > 0)
    return reject('business_rule_violated', 'More would come back than was sold.', {
      details: { lines: short },
    })
  return back.filter((each) => each !== null)
}

function backOf(line: Sold['lines'][number], quantity: number, restocked: boolean): Back {
  const { refunded, product_id, code, department_id, quantity_scale } = line
  const part = partOfLine(line, { from: refunded, to: refunded + quantity, of: line.quantity })
  const { amount_minor, net_minor, tax_minor, discount_minor, taxes } = part
  return {
    ...{ line: line.line, product_id, code, department_id, quantity, quantity_scale },
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
  const paid = sold.amount_minor - sold.credit_minor
  const paidOut = sold.refunded_minor - sold.refunded_credit_minor
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
