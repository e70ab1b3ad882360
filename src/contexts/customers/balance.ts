// Moving a customer's balance, for the decisions of other contexts: a sale on credit, a refund.
import {
  type Given,
  type Moment,
  noSuch,
  type Rejected,
  reject,
  type Write,
} from '#kernel/decider.ts'
import { decimalNumber, exponentOf } from '#kernel/money.ts'
import {
  type BalanceCause,
  type CustomerState,
  customer,
  hasAccount,
  withAccount,
} from './customer.ts'

/** What would have refused a request; of a fact it is told. */
export const ACCOUNT_WARNINGS = [
  'customer_erased',
  'customer_not_registered',
  'customer_archived',
  'credit_limit_exceeded',
] as const
export type AccountWarning = (typeof ACCOUNT_WARNINGS)[number]

export type BalanceMove = {
  readonly customer_id: string
  /** Positive: owes more. 0 moves nothing. */
  readonly amount_minor: number
  readonly currency: string
  readonly cause: BalanceCause
  readonly reference: string | null
  readonly reason: string | null
  /** It has happened already: neither the limit nor what became of the customer can refuse it. */
  readonly is_fact?: boolean
}
export type BalanceMoved = {
  readonly writes: readonly Write[]
  readonly balance_minor: number
  readonly warnings: readonly AccountWarning[]
}

/**
 * The customer (`customer.at`) must have been read. Refused: an unknown customer, another
 * currency, and a sale to one who is archived or erased or that goes beyond the credit limit. What
 * comes back (refund, payment) is always taken. A fact opens the account of somebody unknown: the
 * debt is there, whoever it turns out to be.
 */
export function moveBalance(
  given: Given,
  { customer_id, amount_minor, currency, cause, reference, reason, is_fact = false }: BalanceMove,
  moment: Pick<Moment, 'now' | 'occurred_at'>,
): BalanceMoved | Rejected {
  const known = given.state(customer.at(customer_id))
  const occurred_at = moment.occurred_at ?? moment.now
  const opened = { customer_id, currency, is_erased: known !== null, opened_at: occurred_at }
  const opens = is_fact && !hasAccount(known)
  const state = opens ? withAccount(known, currency) : known
  if (!hasAccount(state)) return noSuch('customer', customer_id)
  if (state.currency !== currency)
    return reject(
      'currency_mismatch',
      `The balance of customer ${customer_id} is kept in ${state.currency}, not in ${currency}.`,
      { details: { currency: state.currency, given: currency } },
    )
  const balance_minor = state.balance_minor + amount_minor
  if (!Number.isSafeInteger(balance_minor))
    return reject('business_rule_violated', 'The balance would be too large to be kept.')
  // What somebody still owes can be paid or written off whatever became of him.
  const doubts = cause === 'sale' ? doubtsOf(customer_id, state, balance_minor, amount_minor) : []
  if (doubts.length > 0 && !is_fact) return doubts[0]!.rejected
  const warnings = doubts.map(({ warning }) => warning)
  if (amount_minor === 0) return { writes: [], balance_minor, warnings }
  const changed = customer.event(
    'CustomerBalanceChanged',
    {
      ...{ customer_id, change_minor: amount_minor, balance_minor, currency },
      ...{ cause, reference, reason, occurred_at },
    },
    moment.occurred_at,
  )
  const opening = customer.event('CustomerAccountOpened', opened, moment.occurred_at)
  const events = opens ? [opening, changed] : [changed]
  return { writes: [customer.write(customer_id, events)], balance_minor, warnings }
}

type Doubt = { readonly warning: AccountWarning; readonly rejected: Rejected }

/** Why nobody would sell to this customer on account now. */
function doubtsOf(
  customer_id: string,
  state: CustomerState,
  after: number,
  amount: number,
): readonly Doubt[] {
  const { is_registered, is_erased, is_active } = state
  const archived = reject('invalid_state', `Customer ${customer_id} has been archived.`)
  const found: Readonly<Record<AccountWarning, Rejected | null>> = {
    customer_erased: is_erased ? erasedCustomer(customer_id) : null,
    customer_not_registered: is_registered || is_erased ? null : unregistered(customer_id),
    customer_archived: is_active || is_erased ? null : archived,
    // Of somebody who is not registered nobody has set a limit.
    credit_limit_exceeded: is_registered ? limitTrouble(customer_id, state, after, amount) : null,
  }
  return ACCOUNT_WARNINGS.flatMap((warning) => {
    const rejected = found[warning]
    return rejected === null ? [] : [{ warning, rejected }]
  })
}

function limitTrouble(
  customer_id: string,
  { credit_limit_minor, balance_minor: before, currency }: CustomerState,
  after: number,
  amount: number,
): Rejected | null {
  if (amount <= 0 || credit_limit_minor === null || after <= credit_limit_minor) return null
  const told = (minor: number) => decimalNumber(minor, exponentOf(currency))
  return reject(
    'credit_limit_exceeded',
    `Customer ${customer_id} would owe more than the credit limit allows.`,
    {
      details: {
        currency,
        credit_limit: told(credit_limit_minor),
        balance: told(before),
        available_credit: told(Math.max(0, credit_limit_minor - before)),
        requested: told(amount),
      },
    },
  )
}

export const unregistered = (customer_id: string): Rejected =>
  reject('not_found', `Customer ${customer_id} is not registered: there is only an account.`)
export const erasedCustomer = (customer_id: string): Rejected =>
  reject('invalid_state', `Customer ${customer_id} has been erased.`)
