// What a customer owes: the limit, payments, and adjustments that say why.
import {
  accept,
  type Command,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  noSuch,
} from '#kernel/decider.ts'
import { exponentOf, scaled } from '#kernel/money.ts'
import { decimal, id, money, nullable, object, optional, text } from '#kernel/schema.ts'
import { type BalanceMove, erasedCustomer, moveBalance } from './balance.ts'
import { customer, hasAccount, REASON_MAX } from './customer.ts'
import {
  activeCustomer,
  availableCredit,
  limitOf,
  ownPath,
  standing,
  standingAnswer,
  tag,
} from './register-customer.ts'

const AMOUNT_MAX_MINOR = 10 ** 13
const reason = text({ max: REASON_MAX })
const reference = optional(nullable(text({ max: 200 })))
const answer = object({
  customer_id: id(),
  currency: text(),
  change_minor: money(),
  balance_minor: money(),
  credit_limit_minor: nullable(money()),
  available_credit_minor: nullable(money()),
})

const setCreditLimit = command({
  type: 'SetCreditLimit',
  input: object({
    customer_id: id(),
    credit_limit: nullable(decimal({ description: 'null: none is set.' })),
    reason: optional(nullable(reason)),
  }),
  reads: ({ customer_id }) => [customer.at(customer_id)],
  decide: ({ customer_id, credit_limit, reason = null }, given) => {
    const state = activeCustomer(given, customer_id)
    if ('rejected' in state) return state
    const limit = limitOf(credit_limit, state.currency)
    if (typeof limit === 'string') return invalid({ credit_limit: limit })
    // Below what is owed: nothing new on credit until it is paid.
    const response = standing(customer_id, { ...state, credit_limit_minor: limit })
    if (limit === state.credit_limit_minor) return accept([], response)
    const changed = customer.event('CreditLimitChanged', {
      customer_id,
      currency: state.currency,
      credit_limit_minor: limit,
      previous_limit_minor: state.credit_limit_minor,
      reason,
    })
    return accept([customer.write(customer_id, [changed])], response)
  },
  answer: standingAnswer,
  route: {
    method: 'PUT',
    path: `${ownPath}/credit-limit`,
    tag,
    summary: 'Set how much a customer may owe; null: no limit',
  },
})

const adjustCustomerBalance = command({
  type: 'AdjustCustomerBalance',
  input: object({
    customer_id: id(),
    amount: decimal({ signed: true, description: 'Positive: the customer owes more.' }),
    currency: optional(text({ min: 3, max: 3 })),
    reason,
    reference,
  }),
  reads: ({ customer_id }) => [customer.at(customer_id)],
  decide: ({ amount, ...input }, given, moment) =>
    moved(given, { ...input, cause: 'adjustment' }, amount, moment),
  answer,
  route: {
    method: 'POST',
    path: `${ownPath}/balance/adjustments`,
    aliases: [`${ownPath}/balance/adjust`],
    status: 201,
    tag,
    summary: 'Put a balance right, and say why',
  },
})

const receiveCustomerPayment = command({
  type: 'ReceiveCustomerPayment',
  input: object({
    customer_id: id(),
    amount: decimal(),
    currency: optional(text({ min: 3, max: 3 })),
    reason: optional(nullable(reason)),
    reference,
  }),
  reads: ({ customer_id }) => [customer.at(customer_id)],
  decide: ({ amount, ...input }, given, moment) =>
    moved(given, { ...input, cause: 'payment' }, amount, moment),
  answer,
  route: {
    method: 'POST',
    path: `${ownPath}/payments`,
    status: 201,
    tag,
    summary: 'A customer pays what is owed, or ahead',
  },
})

export const balanceCommands: readonly Command[] = [
  setCreditLimit,
  adjustCustomerBalance,
  receiveCustomerPayment,
]

type Asked = Pick<BalanceMove, 'customer_id' | 'cause'> & {
  readonly currency?: string
  readonly reason?: string | null
  readonly reference?: string | null
}

/** What is paid lowers what is owed. */
function moved(
  given: Given,
  { customer_id, cause, reason = null, reference = null, ...asked }: Asked,
  amount: string,
  moment: Moment,
): Decision {
  const state = given.state(customer.at(customer_id))
  if (!hasAccount(state)) return noSuch('customer', customer_id)
  const { currency = state.currency } = asked
  const read = scaled(amount, exponentOf(currency))
  if (!read.ok) return invalid({ amount: read.reason })
  if (Math.abs(read.value) > AMOUNT_MAX_MINOR) return invalid({ amount: 'is too large' })
  if (read.value === 0) return invalid({ amount: 'must not be 0' })
  // An erased customer's debt may be paid or written off; nobody puts new debt on nobody.
  if (state.is_erased && cause === 'adjustment' && read.value > 0)
    return erasedCustomer(customer_id)
  const change = cause === 'payment' ? -read.value : read.value
  const done = moveBalance(
    given,
    { customer_id, amount_minor: change, currency, cause, reference, reason },
    moment,
  )
  if ('rejected' in done) return done
  const { balance_minor } = done
  return accept(done.writes, {
    customer_id,
    currency,
    change_minor: change,
    balance_minor,
    credit_limit_minor: state.credit_limit_minor,
    available_credit_minor: availableCredit({ ...state, balance_minor }),
  })
}
