// The drawer of a register: opened with its float, counted when it is closed. What sales and
// refunds in cash, and movements by hand, should have left in it is in the register's state.
import { amountReader, hasErrors } from '#contexts/catalog/public.ts'
import { customer, moveBalance } from '#contexts/customers/public.ts'
import { currencyTrouble, standardCurrency } from '#contexts/pricing/public.ts'
import { store, storeIdOf } from '#contexts/stores/public.ts'
import {
  accept,
  type Command,
  command,
  type Given,
  invalid,
  type Moment,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import {
  decimal,
  id,
  instant,
  money,
  nullable,
  object,
  oneOf,
  optional,
  text,
  uuid,
} from '#kernel/schema.ts'
import { MAIN_REGISTER, openedAt, registerTrouble } from './booking.ts'
import { register, registerKey, type Session } from './register.ts'
import { currency, REASON_MAX, TOTAL_MAX_MINOR } from './sale-fields.ts'
import { CURRENCY } from './sale-items.ts'
import { whenOf } from './sale-moment.ts'

const MOVEMENTS_MAX = 1_000
const tag = 'cash sessions'
const path = '/api/v1/registers/:register_id/session'

const registerInput = {
  register_id: id(),
  store_id: optional(id({ description: 'Default: the main store; main is its alias.' })),
}
type RegisterInput = { readonly register_id?: string; readonly store_id?: string }

export const tillOf = ({ register_id = MAIN_REGISTER, store_id }: RegisterInput) => {
  const where = { store_id: storeIdOf(store_id), register_id }
  return { where, key: registerKey(where.store_id, register_id) }
}

const sessionAnswer = object({
  session_id: id(),
  store_id: id(),
  register_id: id(),
  currency,
  expected_minor: money(),
})
const amountField = decimal({ signed: true })

/** The session that is open at the register. */
function openSession(given: Given, key: string, register_id: string): Session | Rejected {
  const { session } = given.state(register.at(key))
  if (session !== null) return session
  return reject('invalid_state', `No cash session is open at register ${register_id}.`)
}

const openCashSession = command({
  type: 'OpenCashSession',
  input: object({
    ...registerInput,
    session_id: optional(uuid()),
    currency: optional(currency),
    float: optional(decimal({ signed: true, description: 'What is in the drawer. Default: 0.' })),
    occurred_at: optional(
      instant({ description: 'When it was opened, if that was before: sales since are in it.' }),
    ),
  }),
  creates: 'session_id',
  reads: (input) => {
    const { key, where } = tillOf(input)
    return [register.at(key), store.seen(where.store_id)]
  },
  decide: (input, given, moment) => {
    const { where, key } = tillOf(input)
    const session_id = input.session_id!
    const wrong = registerTrouble(where.register_id)
    if (wrong !== null) return wrong
    const when = whenOf(input.occurred_at, moment)
    if ('rejected' in when) return when
    const opened = openedAt(given, moment, when, where.store_id)
    if ('rejected' in opened) return opened
    const { session } = given.state(register.at(key))
    if (session !== null)
      return reject('invalid_state', `A cash session is open at register ${where.register_id}.`, {
        details: { session_id: session.session_id },
      })
    const { settings, user_id = null } = moment
    const currency = input.currency ?? standardCurrency(settings)
    const notTaken = when.isFact ? null : currencyTrouble(currency, settings)
    const reader = amountReader()
    if (!CURRENCY.test(currency)) reader.note('currency', 'must be a code of three capital letters')
    else if (notTaken !== null) reader.note('currency', notTaken)
    const float_minor =
      input.float === undefined ? 0 : reader.amount('float', input.float, currency)
    if (hasErrors(reader.errors)) return invalid(reader.errors)
    const about = { session_id, ...where, currency }
    const event = register.event(
      'CashSessionOpened',
      { ...about, float_minor, user_id, opened_at: when.at },
      when.isFact ? when.at : undefined,
    )
    return accept([register.write(key, [event]), ...opened.writes], {
      ...about,
      expected_minor: float_minor,
    })
  },
  answer: sessionAnswer,
  route: { method: 'POST', path, status: 201, tag, summary: 'Open a cash session at a register' },
})

const moveCash = command({
  type: 'MoveCash',
  input: object({
    ...registerInput,
    direction: oneOf(['in', 'out']),
    amount: amountField,
    reason: text({ max: REASON_MAX }),
    customer_id: optional(
      id({ description: 'Who pays what is owed, or is given what was paid too much.' }),
    ),
  }),
  reads: (input) => [
    register.at(tillOf(input).key),
    ...(input.customer_id === undefined ? [] : [customer.at(input.customer_id)]),
  ],
  decide: (input, given, moment) => {
    const { where, key } = tillOf(input)
    const session = openSession(given, key, where.register_id)
    if ('rejected' in session) return session
    if (session.movements >= MOVEMENTS_MAX)
      return reject('business_rule_violated', `A session has at most ${MOVEMENTS_MAX} movements.`)
    const { session_id, currency, expected_minor } = session
    const reader = amountReader()
    const amount = reader.amount('amount', input.amount, currency)
    if (amount === 0) reader.note('amount', 'must be more than zero')
    if (amount > TOTAL_MAX_MINOR) reader.note('amount', 'is too large')
    if (input.reason.trim() === '') reader.note('reason', 'must not be blank')
    if (hasErrors(reader.errors)) return invalid(reader.errors)
    const { customer_id = null } = input
    const amount_minor = input.direction === 'in' ? amount : -amount
    const about = { session_id, ...where, currency }
    const account = accountMoved(given, { ...about, customer_id, amount_minor }, moment)
    if ('rejected' in account) return account
    const { now, user_id = null } = moment
    const moved = register.event('CashMoved', {
      ...{ ...about, amount_minor, reason: input.reason.trim(), user_id, moved_at: now },
      ...(customer_id === null ? {} : { customer_id }),
    })
    return accept([register.write(key, [moved]), ...account.writes], {
      ...{ ...about, expected_minor: expected_minor + amount_minor },
      balance_minor: account.balance_minor,
    })
  },
  answer: object({ ...sessionAnswer.properties, balance_minor: optional(nullable(money())) }),
  route: {
    method: 'POST',
    path: `${path}/movements`,
    status: 201,
    tag,
    summary: 'Put cash into the drawer, or take it out, with a reason; a customer may pay with it',
  },
})

type AccountMove = {
  readonly customer_id: string | null
  readonly session_id: string
  readonly amount_minor: number
  readonly currency: string
}

/** What a customer pays into the drawer is owed no more. */
function accountMoved(given: Given, move: AccountMove, moment: Moment) {
  const { customer_id, session_id, amount_minor, currency } = move
  if (customer_id === null) return { writes: [], balance_minor: null }
  const moved = moveBalance(
    given,
    {
      ...{ customer_id, amount_minor: -amount_minor, currency },
      ...{ cause: 'payment', reference: session_id, reason: null },
    },
    moment,
  )
  // The drawer lends nothing: out of it goes what was paid too much.
  if ('writes' in moved && amount_minor < 0 && moved.balance_minor > 0)
    return reject('business_rule_violated', 'More would be paid out than was paid too much.')
  return moved
}

const closeCashSession = command({
  type: 'CloseCashSession',
  input: object({
    ...registerInput,
    counted: amountField,
    reason: optional(nullable(text({ max: REASON_MAX }))),
  }),
  reads: (input) => [register.at(tillOf(input).key)],
  decide: (input, given, { now, user_id = null }) => {
    const { where, key } = tillOf(input)
    const session = openSession(given, key, where.register_id)
    if ('rejected' in session) return session
    const { session_id, currency, expected_minor } = session
    const reader = amountReader()
    const counted_minor = reader.amount('counted', input.counted, currency)
    if (hasErrors(reader.errors)) return invalid(reader.errors)
    const difference_minor = counted_minor - expected_minor
    const about = { session_id, ...where, currency }
    const closed = register.event('CashSessionClosed', {
      ...{ ...about, expected_minor, counted_minor, difference_minor },
      ...{ reason: input.reason ?? null, user_id, closed_at: now },
    })
    const found = register.event('CashDifferenceFound', {
      ...{ ...about, difference_minor, is_short: difference_minor < 0, user_id },
    })
    const events = difference_minor === 0 ? [closed] : [closed, found]
    return accept([register.write(key, events)], {
      ...{ ...about, expected_minor, counted_minor, difference_minor },
    })
  },
  answer: object({
    ...sessionAnswer.properties,
    counted_minor: money(),
    difference_minor: money(),
  }),
  route: {
    method: 'POST',
    path: `${path}/close`,
    tag,
    summary: 'Count the drawer and close the cash session',
  },
})

export const cashSessionCommands: readonly Command[] = [openCashSession, moveCash, closeCashSession]
