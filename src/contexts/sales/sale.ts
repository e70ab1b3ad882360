// A sale at the till. Stream: sale-<sale_id>.
// STARTED ⇄ SUSPENDED; STARTED → COMPLETED; STARTED or SUSPENDED → VOIDED. What a till tells late
// may complete any that is not. A completed sale never changes: what comes back is a refund beside
// it. Refunds without a sale have their own stream.
import { amountFields } from '#contexts/pricing/public.ts'
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import {
  day,
  id,
  instant,
  integer,
  list,
  money,
  nullable,
  object,
  optional,
  text,
} from '#kernel/schema.ts'
import { doubtsField, OFF_ACCOUNT } from './doubts.ts'
import {
  type CartLine,
  cartLine,
  cashier,
  currency,
  LINES_MAX,
  NUMBER_MAX,
  PERSON_MAX,
  REASON_MAX,
  reason,
  refundedLine,
  type SoldLine,
  soldLine,
  TENDER_MAX,
  TENDERS_MAX,
  tender,
} from './sale-fields.ts'

export const SALE_STATUSES = ['STARTED', 'SUSPENDED', 'COMPLETED', 'VOIDED'] as const

export type SaleState = {
  readonly status: (typeof SALE_STATUSES)[number]
  readonly store_id: string
  readonly register_id: string
  readonly customer_id: string | null
  readonly device_id: string | null
  readonly currency: string
  readonly country: string | null
  /** While it goes on; empty afterwards. */
  readonly cart: readonly CartLine[]
  /** The last line's number; numbers of removed lines are not given again. */
  readonly last_line: number
  readonly sold: Sold | null
  /** Somebody has to look: what was told of it contradicts the book. */
  readonly is_doubtful: boolean
}
/** What refunds are bound by. */
export type Sold = {
  readonly sale_number: string
  /** Each with the units that came back and what was given back for them. */
  readonly lines: readonly (SoldLine & {
    readonly refunded: number
    readonly refunded_minor: number
  })[]
  readonly business_day: string
  readonly payment_type: string
  /** Of `amount_minor`, what went on the customer's account. */
  readonly credit_minor: number
  /** No account took that: it stands in the sale alone. */
  readonly off_account: boolean
  /** Given back already, cash rounding aside: in all, and of it on the customer's account. */
  readonly refunded_minor: number
  readonly refunded_credit_minor: number
  /** And of it in cash, before it was rounded to a coin. */
  readonly refunded_cash_minor: number
  readonly amount_minor: number
  /** Taken more than it comes to, and nobody knows why; of that, given back. */
  readonly difference_minor: number
  readonly refunded_difference_minor: number
  /** The refunds by their ids. */
  readonly refunds: readonly string[]
}
/** null: no such sale. */
export type Sale = SaleState | null

const where = { store_id: id(), register_id: id() }
const FIVE = { amount_minor: 500, net_minor: 500, tax_minor: 0, discount_minor: 0 }
/** As it was stored while its cause was in clear. */
const oldRefunded = {
  refund_id: '01900000-0000-7000-8000-00000000e001',
  refund_number: 'R1-2026-000001',
  sale_id: null,
  store_id: '00000000-0000-7000-8000-000000000001',
  register_id: '01900000-0000-7000-8000-00000000f001',
  customer_id: '01900000-0000-7000-8000-00000000b001',
  ...{ user_id: null, device_id: null, currency: 'USD', rounding_minor: 0 },
  lines: [
    {
      ...{ line: null, product_id: '01900000-0000-7000-8000-00000000c001', code: 'CUP' },
      ...{ department_id: null, quantity: 1, quantity_scale: 0, ...FIVE, taxes: [] },
      restocked: true,
    },
  ],
  ...FIVE,
  total_amount_minor: 500,
  tenders: [{ type: 'cash', amount_minor: 500 }],
  cause: 'did not like it',
  ...{ business_day: '2026-03-02', original_business_day: null },
  refunded_at: '2026-03-02T10:00:00.000Z',
}
/** Of what had happened already when it was told. */
const differing = {
  /** Of the rounding, what was taken or given more than it comes to, and nobody knows why. */
  difference_minor: optional(money()),
  doubts: doubtsField,
}
/** Words that somebody typed may tell anything of the customer; without one they are nobody's. */
const theirs = {
  subject: ({ customer_id }: { readonly customer_id: string | null }) => customer_id,
  since: 2,
}
/** Somebody has looked into what was doubtful, and says what was done. */
const doubtsSettled = {
  version: 2,
  data: object({
    /** null: of a refund without a sale. */
    sale_id: nullable(id()),
    refund_id: nullable(id()),
    customer_id: nullable(id()),
    note: text({ max: REASON_MAX }),
    settled_by: nullable(text({ max: PERSON_MAX })),
  }),
  // Nobody said whose it was.
  upcast: { 1: (data: object) => ({ customer_id: null, ...data }) },
  samples: {
    1: {
      ...{ sale_id: '01900000-0000-7000-8000-00000000d001', refund_id: null },
      ...{ note: 'the price was wrong', settled_by: null },
    },
  },
  personal: { fields: ['note'], ...theirs },
}
const saleRefunded = {
  version: 2,
  data: object({
    refund_id: id(),
    refund_number: text({ max: NUMBER_MAX }),
    /** null: a refund without a sale. */
    sale_id: nullable(id()),
    ...where,
    customer_id: nullable(id()),
    user_id: cashier,
    device_id: nullable(id()),
    currency,
    /** All amounts are what is given back: positive. */
    lines: list(refundedLine, { min: 1, max: LINES_MAX }),
    ...amountFields,
    rounding_minor: money(),
    /** amount_minor and the cash rounding. */
    total_amount_minor: money(),
    tenders: list(tender, { max: TENDERS_MAX }),
    ...differing,
    /** Goods of that sale that had come back before: booked apart from it. */
    against_sale_id: optional(id()),
    cause: text(),
    /** Of the sale: what comes back is taken off where it was counted. Older ones do not tell. */
    country: optional(nullable(text({ max: 100 }))),
    business_day: day(),
    original_business_day: nullable(day()),
    refunded_at: instant(),
  }),
  upcast: { 1: (data: object) => data },
  samples: { 1: oldRefunded },
  personal: { fields: ['cause'], ...theirs },
}

const saleEvents = eventTypes({
  SaleStarted: {
    data: object({
      sale_id: id(),
      ...where,
      customer_id: nullable(id()),
      user_id: cashier,
      device_id: nullable(id()),
      currency,
      country: nullable(text({ max: 100 })),
      started_at: instant(),
    }),
  },
  SaleItemAdded: { data: object({ sale_id: id(), currency, ...cartLine.properties }) },
  SaleItemRemoved: { data: object({ sale_id: id(), line: integer({ min: 1 }) }) },
  SaleSuspended: { data: object({ sale_id: id(), reason }) },
  /** At whichever register of the store it goes on. */
  SaleResumed: { data: object({ sale_id: id(), register_id: id() }) },
  SaleCompleted: {
    data: object({
      sale_id: id(),
      sale_number: text({ max: NUMBER_MAX }),
      ...where,
      customer_id: nullable(id()),
      user_id: cashier,
      device_id: nullable(id()),
      currency,
      lines: list(soldLine, { min: 1, max: LINES_MAX }),
      ...amountFields,
      rounding_minor: money(),
      /** amount_minor and the cash rounding; what the tenders come to. */
      total_amount_minor: money(),
      tenders: list(tender, { max: TENDERS_MAX }),
      change_minor: money(),
      ...differing,
      /** The tender's type, or `split`. */
      payment_type: text({ max: TENDER_MAX }),
      country: nullable(text({ max: 100 })),
      business_day: day(),
      completed_at: instant(),
    }),
  },
  SaleVoided: { data: object({ sale_id: id(), reason, user_id: cashier, voided_at: instant() }) },
  SaleRefunded: saleRefunded,
  SaleDoubtsSettled: doubtsSettled,
})

export const sale = aggregate({
  type: 'sale',
  state_version: 4,
  events: saleEvents,
  initial: null as Sale,
  evolve: {
    SaleStarted: (_, { sale_id, user_id, started_at, ...started }): Sale => ({
      ...started,
      status: 'STARTED',
      cart: [],
      last_line: 0,
      sold: null,
      is_doubtful: false,
    }),
    SaleItemAdded: (state, { sale_id, currency, ...line }): Sale => {
      const known = existing(state)
      return { ...known, cart: [...known.cart, line], last_line: line.line }
    },
    SaleItemRemoved: (state, { line }): Sale => {
      const known = existing(state)
      return { ...known, cart: known.cart.filter((each) => each.line !== line) }
    },
    SaleSuspended: (state): Sale => ({ ...existing(state), status: 'SUSPENDED' }),
    SaleResumed: (state, { register_id }): Sale => ({
      ...existing(state),
      status: 'STARTED',
      register_id,
    }),
    SaleCompleted: (state, data): Sale => ({
      ...existing(state),
      status: 'COMPLETED',
      store_id: data.store_id,
      register_id: data.register_id,
      customer_id: data.customer_id,
      device_id: data.device_id,
      currency: data.currency,
      country: data.country,
      cart: [],
      sold: {
        sale_number: data.sale_number,
        lines: data.lines.map((line) => ({ ...line, refunded: 0, refunded_minor: 0 })),
        business_day: data.business_day,
        payment_type: data.payment_type,
        credit_minor: onAccount(data.tenders),
        off_account: data.doubts?.some((doubt) => OFF_ACCOUNT.includes(doubt)) ?? false,
        refunded_minor: 0,
        refunded_credit_minor: 0,
        refunded_cash_minor: 0,
        amount_minor: data.amount_minor,
        difference_minor: data.difference_minor ?? 0,
        refunded_difference_minor: 0,
        refunds: [],
      },
      is_doubtful: data.doubts !== undefined,
    }),
    SaleVoided: (state): Sale => ({ ...existing(state), status: 'VOIDED', cart: [] }),
    SaleRefunded: (state, data): Sale => {
      const known = existing(state)
      const sold = known.sold!
      const back = new Map(data.lines.map((each) => [each.line, each]))
      const { difference_minor = 0 } = data
      return {
        ...known,
        is_doubtful: known.is_doubtful || data.doubts !== undefined,
        sold: {
          ...sold,
          lines: sold.lines.map((line) => ({
            ...line,
            refunded: line.refunded + (back.get(line.line)?.quantity ?? 0),
            refunded_minor: line.refunded_minor + (back.get(line.line)?.amount_minor ?? 0),
          })),
          refunded_minor: sold.refunded_minor + data.amount_minor,
          refunded_credit_minor: sold.refunded_credit_minor + onAccount(data.tenders),
          refunded_cash_minor:
            sold.refunded_cash_minor +
            inCash(data.tenders) -
            (data.rounding_minor - difference_minor),
          refunded_difference_minor: sold.refunded_difference_minor + difference_minor,
          refunds: [...sold.refunds, data.refund_id],
        },
      }
    },
    SaleDoubtsSettled: (state): Sale => ({ ...existing(state), is_doubtful: false }),
  },
})

/** Goods that came back without a sale to hold them against. Stream: sale_refund-<refund_id>. */
export const looseRefund = aggregate({
  type: 'sale_refund',
  state_version: 3,
  events: eventTypes({ SaleRefunded: saleRefunded, SaleDoubtsSettled: doubtsSettled }),
  /** null: no such refund. */
  initial: null as Pick<SaleState, 'customer_id' | 'is_doubtful'> | null,
  evolve: {
    SaleRefunded: (_, { customer_id, doubts }) => ({
      customer_id,
      is_doubtful: doubts !== undefined,
    }),
    SaleDoubtsSettled: (state) => state && { ...state, is_doubtful: false },
  },
})

/** The tender that goes on the customer's account. */
export const ON_ACCOUNT = 'credit'
export const CASH = 'cash'

type Tenders = readonly { readonly type: string; readonly amount_minor: number }[]

const sumOf = (tenders: Tenders, wanted: string): number =>
  tenders.reduce((sum, { type, amount_minor }) => (type === wanted ? sum + amount_minor : sum), 0)

/** What of these goes on the customer's account. */
export const onAccount = (tenders: Tenders): number => sumOf(tenders, ON_ACCOUNT)
/** What of these moves in the drawer. */
export const inCash = (tenders: Tenders): number => sumOf(tenders, CASH)

function existing(state: Sale): SaleState {
  if (state === null) throw new Error('a sale that was never started has changed')
  return state
}
