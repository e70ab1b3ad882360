// How a sale is paid and a refund is given: which tenders, how much of each, the change, and the
// rounding of what is paid in cash. All in minor units of one currency.
import { amountReader, hasErrors } from '#contexts/catalog/public.ts'
import { cashRounded, cashStep } from '#contexts/pricing/public.ts'
import { invalid, type Moment, type Rejected, reject } from '#kernel/decider.ts'
import { decimalNumber, exponentOf } from '#kernel/money.ts'
import { decimal, type Infer, list, object, optional, text } from '#kernel/schema.ts'
import type { Doubt } from './doubts.ts'
import { CASH, ON_ACCOUNT } from './sale.ts'
import { TENDER_MAX, TENDERS_MAX, type Tender } from './sale-fields.ts'

const tendersInput = optional(
  list(
    object({
      type: text({ max: TENDER_MAX }),
      amount: optional(decimal({ description: 'One may leave it out: it takes the rest.' })),
    }),
    { min: 1, max: TENDERS_MAX },
  ),
)
export const paymentFields = {
  payment_type: optional(text({ max: TENDER_MAX, description: 'Or `tenders`.', example: 'cash' })),
  paid_amount: optional(
    decimal({ description: 'Cash that was given; with credit, what is paid at once.' }),
  ),
  tenders: tendersInput,
}
export const refundFields = {
  tender: optional(
    text({
      max: TENDER_MAX,
      description: 'Default: as it was paid, where that was in one way.',
      example: 'cash',
    }),
  ),
  tenders: tendersInput,
}

export type Settled = {
  readonly tenders: Tender[]
  readonly rounding_minor: number
  /** What the tenders come to. */
  readonly total_amount_minor: number
  readonly change_minor: number
  readonly payment_type: string
  /** Of the rounding, what was taken or given more than it comes to, and nobody knows why. */
  readonly difference_minor: number
  readonly doubts: readonly Doubt[]
}
/** An amount of null takes the rest. `field` names it in errors. */
type Asked = { readonly type: string; readonly amount: number | null; readonly field: string }
export type Bill = {
  readonly amount_minor: number
  readonly currency: string
  readonly settings: Moment['settings']
  /** Money that has changed hands is told as it did, whatever it should have come to. */
  readonly isFact: boolean
}

export const TENDERS = ['cash', 'credit', 'card', 'voucher']
export const SPLIT = 'split'

export type Payment = {
  readonly payment_type?: string
  readonly paid_amount?: string
  readonly tenders?: Infer<typeof tendersInput>
}

/** `paid + credit = total`, exactly; only cash may be more, and the change is given back. */
export function paidBy(payment: Payment, bill: Bill): Settled | Rejected {
  const asked = askedFor(payment, bill)
  if ('rejected' in asked) return asked
  const no = tenderTrouble(asked.tenders, bill)
  if (no !== null) return no
  const others = asked.tenders.filter(({ type }) => type !== CASH)
  const cash = asked.tenders.find(({ type }) => type === CASH)
  const fixed = sum(others)
  const open = others.find(({ amount }) => amount === null)
  if (open !== undefined) {
    // Somebody else takes the rest, so that the cash is what was given.
    const given = cash?.amount ?? 0
    const rest = bill.amount_minor - fixed - given
    if (rest < 0 || (rest === 0 && bill.amount_minor > 0))
      return bill.isFact ? asTold(asked.tenders, given, bill) : mismatch(fixed + given, bill)
    return settled(asked.tenders, { [CASH]: given, rest, rounding: 0, change: 0 }, bill)
  }
  const rest = bill.amount_minor - fixed
  if (cash === undefined) {
    if (rest === 0) return settled(asked.tenders, { ...EXACT, [CASH]: 0, rest: 0 }, bill)
    return bill.isFact ? asTold(asked.tenders, 0, bill) : mismatch(fixed, bill)
  }
  const isOver = rest < 0 || (rest === 0 && fixed > 0)
  if (isOver && !bill.isFact) return mismatch(fixed, bill)
  const { payable_minor, rounding_minor } = cashRounded(Math.max(0, rest), coinOf(bill))
  const given = cash.amount ?? payable_minor
  if (isOver || given < payable_minor)
    return bill.isFact ? asTold(asked.tenders, given, bill) : mismatch(fixed + given, bill)
  const parts = { rest: 0, rounding: rounding_minor, change: given - payable_minor }
  return settled(asked.tenders, { ...parts, [CASH]: payable_minor }, bill)
}
const EXACT = { rounding: 0, change: 0 }

/** Each tender as it was told; nothing is left for one that takes the rest. */
function asTold(asked: readonly Asked[], cash: number, bill: Bill): Settled {
  const others = sum(asked.filter(({ type }) => type !== CASH))
  const difference = others + cash - bill.amount_minor
  return settled(
    asked,
    { [CASH]: cash, rest: 0, rounding: difference, change: 0 },
    bill,
    difference,
  )
}

/**
 * Amounts of a refund's tenders are those before the cash among them is rounded. That is rounded as
 * a running sum over the refunds of a sale (`before`: what cash they gave back so far, unrounded),
 * so that a sale which comes back piece by piece never gives back more than was taken for it.
 */
export function givenBackBy(
  tenders: Infer<typeof tendersInput> | undefined,
  standard: string | null,
  bill: Bill,
  before = 0,
): Settled | Rejected {
  if (tenders === undefined && standard === null)
    return invalid({ tender: 'is required, or tenders: it was not paid in one way that is known' })
  const told = tenders === undefined ? [{ type: standard! }] : tenders
  const asked = readTenders(told, bill, tenders === undefined ? 'tender' : 'tenders')
  if ('rejected' in asked) return asked
  const no = tenderTrouble(asked.tenders, bill)
  if (no !== null) return no
  const fixed = sum(asked.tenders)
  const isOpen = asked.tenders.some(({ amount }) => amount === null)
  const rest = bill.amount_minor - fixed
  const cash = asked.tenders.find(({ type }) => type === CASH)
  if (rest < 0 || (rest > 0 && !isOpen)) {
    if (!bill.isFact) return mismatch(fixed, bill)
    const given = cash === undefined ? 0 : (cash.amount ?? Math.max(0, rest))
    return asTold(asked.tenders, given, bill)
  }
  const wanted = cash === undefined ? 0 : (cash.amount ?? rest)
  const rounded = (minor: number) => cashRounded(minor, coinOf(bill)).payable_minor
  const payable = rounded(before + wanted) - rounded(before)
  const parts = { [CASH]: payable, rest, rounding: payable - wanted, change: 0 }
  return settled(asked.tenders, parts, bill)
}

function askedFor(
  { payment_type, paid_amount, tenders }: Payment,
  bill: Bill,
): { readonly tenders: readonly Asked[] } | Rejected {
  if (payment_type === undefined && tenders === undefined)
    return invalid({ payment_type: 'is required, or tenders' })
  if (payment_type !== undefined && tenders !== undefined)
    return invalid({ tenders: 'are given beside payment_type; one of them is enough' })
  if (tenders !== undefined) {
    if (paid_amount !== undefined)
      return invalid({ paid_amount: 'goes with payment_type; tenders have amounts of their own' })
    return readTenders(tenders, bill, 'tenders')
  }
  const reader = amountReader()
  const field = 'paid_amount'
  const paid = paid_amount === undefined ? null : reader.amount(field, paid_amount, bill.currency)
  if (hasErrors(reader.errors)) return invalid(reader.errors)
  const type = payment_type!
  if (type !== ON_ACCOUNT) return { tenders: [{ type, amount: paid, field: 'payment_type' }] }
  const rest = { type, amount: null, field: 'payment_type' }
  if (paid === null || paid === 0) return { tenders: [rest] }
  if (paid >= bill.amount_minor && !bill.isFact)
    return invalid({ paid_amount: 'is all of it; then nothing is on credit' })
  return { tenders: [{ type: CASH, amount: paid, field }, rest] }
}

function readTenders(
  tenders: readonly { readonly type: string; readonly amount?: string }[],
  { currency }: Bill,
  at: string,
): { readonly tenders: readonly Asked[] } | Rejected {
  const reader = amountReader()
  const read = tenders.map(({ type, amount }, i): Asked => {
    const field = at === 'tender' ? at : `${at}.${i}`
    return {
      type,
      amount: amount === undefined ? null : reader.amount(`${field}.amount`, amount, currency),
      field,
    }
  })
  return hasErrors(reader.errors) ? invalid(reader.errors) : { tenders: read }
}

function allowedBy({ settings }: Bill): readonly unknown[] {
  const listed = settings['pos.tenders']
  return Array.isArray(listed) ? listed : TENDERS
}

function tenderTrouble(tenders: readonly Asked[], bill: Bill): Rejected | null {
  const allowed = allowedBy(bill)
  const errors: Record<string, string> = {}
  for (const [i, { type, amount, field }] of tenders.entries()) {
    const name = field.startsWith('tenders.') ? `${field}.type` : field
    const earlier = tenders.slice(0, i)
    if (!allowed.includes(type) && !bill.isFact)
      errors[name] = `must be one of ${allowed.join(', ')}`
    else if ([CASH, ON_ACCOUNT].includes(type) && earlier.some((other) => other.type === type))
      errors[name] = 'is named twice'
    if (amount === null && earlier.some((other) => other.amount === null))
      errors[`${field}.amount`] = 'is required: another tender takes the rest already'
  }
  return Object.keys(errors).length > 0 ? invalid(errors) : null
}

type Parts = {
  readonly cash: number
  readonly rest: number
  readonly rounding: number
  readonly change: number
}

function settled(
  asked: readonly Asked[],
  { cash, rest, rounding, change }: Parts,
  bill: Bill,
  difference = 0,
): Settled {
  const all = asked.map(({ type, amount }) => ({
    type,
    amount_minor: type === CASH ? cash : (amount ?? rest),
  }))
  // What takes nothing is no tender: a gift is paid by none.
  const tenders = all.filter(({ amount_minor }) => amount_minor !== 0)
  const types = new Set(tenders.map(({ type }) => type))
  return {
    tenders,
    rounding_minor: rounding,
    total_amount_minor: sum(tenders.map(({ amount_minor }) => ({ amount: amount_minor }))),
    change_minor: change,
    payment_type: types.size > 1 ? SPLIT : ([...types][0] ?? asked[0]!.type),
    difference_minor: difference,
    doubts: [
      ...(asked.every(({ type }) => allowedBy(bill).includes(type))
        ? []
        : (['tender_unknown'] as const)),
      ...(difference === 0 ? [] : (['paid_otherwise'] as const)),
    ],
  }
}

const sum = (parts: readonly { readonly amount: number | null }[]) =>
  parts.reduce((all, { amount }) => all + (amount ?? 0), 0)

const coinOf = ({ settings, currency }: Bill): number => cashStep(settings, currency)

function mismatch(told: number, { amount_minor, currency }: Bill): Rejected {
  const exponent = exponentOf(currency)
  const words = told < amount_minor ? 'less' : 'not exactly'
  return reject('business_rule_violated', `What is paid is ${words} what it comes to.`, {
    details: {
      currency,
      total_amount: decimalNumber(amount_minor, exponent),
      paid_amount: decimalNumber(told, exponent),
    },
  })
}
