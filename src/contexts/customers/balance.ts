// Moving a customer's balance, for the decisions of other contexts: a sale on credit, a refund.
import { type Given, type Moment, type Rejected, reject, type Write } from '#kernel/decider.ts'
import { decimalNumber, exponentOf } from '#kernel/money.ts'
import { type BalanceCause, type CustomerState, customer } from './customer.ts'

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
export type BalanceMoved = { readonly writes: readonly Write[]; readonly balance_minor: number }

/**
 * The customer (`customer.at`) must have been read. Refused: an unknown customer, another
 * currency, and a sale to one who is archived or erased or that goes beyond the credit limit. What
 * comes back (refund, payment) is always taken.
 */
export function moveBalance(
  given: Given,
  { customer_id, amount_minor, currency, cause, reference, reason, is_fact = false }: BalanceMove,
  moment: Pick<Moment, 'now' | 'occurred_at'>,
): BalanceMoved | Rejected {
  const state = given.state(customer.at(customer_id))
  if (state === null) return noCustomer(customer_id)
  // What somebody still owes can be paid or written off whatever became of him.
  const isRequest = cause === 'sale' && !is_fact
  if (isRequest && state.is_erased) return erasedCustomer(customer_id)
  if (isRequest && !state.is_active)
    return reject('invalid_state', `Customer ${customer_id} has been archived.`)
  if (state.currency !== currency)
    return reject(
      'currency_mismatch',
      `The balance of customer ${customer_id} is kept in ${state.currency}, not in ${currency}.`,
      { details: { currency: state.currency, given: currency } },
    )
  const balance_minor = state.balance_minor + amount_minor
  if (!Number.isSafeInteger(balance_minor))
    return reject('business_rule_violated', 'The balance would be too large to be kept.')
  if (isRequest && amount_minor > 0) {
    const beyond = limitTrouble(customer_id, state, balance_minor, amount_minor)
    if (beyond !== null) return beyond
  }
  if (amount_minor === 0) return { writes: [], balance_minor }
  const changed = customer.event(
    'CustomerBalanceChanged',
    {
      customer_id,
      change_minor: amount_minor,
      balance_minor,
      currency,
      cause,
      reference,
      reason,
      occurred_at: moment.occurred_at ?? moment.now,
    },
    moment.occurred_at,
  )
  return { writes: [customer.write(customer_id, [changed])], balance_minor }
}

function limitTrouble(
  customer_id: string,
  { credit_limit_minor, balance_minor: before, currency }: CustomerState,
  after: number,
  amount: number,
): Rejected | null {
  if (credit_limit_minor === null || after <= credit_limit_minor) return null
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

export const noCustomer = (customer_id: string): Rejected =>
  reject('not_found', `There is no customer ${customer_id}.`)
export const erasedCustomer = (customer_id: string): Rejected =>
  reject('invalid_state', `Customer ${customer_id} has been erased.`)
