// Registering and changing customers, archiving them and bringing them back.
import { currencyTrouble, standardCurrency } from '#contexts/pricing/public.ts'
import { emailChanged, emailClaim, emailClaims } from '#contexts/users/public.ts'
import {
  accept,
  already,
  type Command,
  command,
  type Given,
  invalid,
  noSuch,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import { exponentOf, scaled } from '#kernel/money.ts'
import {
  decimal,
  type FieldErrors,
  flag,
  type Infer,
  id,
  money,
  nullable,
  object,
  optional,
  text,
} from '#kernel/schema.ts'
import { lengthTrouble, tidied } from '#kernel/tidied.ts'
import { isEmail } from '#kernel/validation-rules.ts'
import { erasedCustomer, unregistered } from './balance.ts'
import { type CustomerState, customer, NAME_MAX, profileFields } from './customer.ts'

export const CUSTOMER_EMAIL = 'customer_email'
const customersPath = '/api/v1/customers'
export const ownPath = `${customersPath}/:customer_id`
export const tag = 'customers'
/** A sum of a thousand such amounts is still an exact integer. */
const LIMIT_MAX_MINOR = 10 ** 13

export const standingAnswer = object({
  customer_id: id(),
  is_active: flag(),
  currency: text(),
  balance_minor: money(),
  credit_limit_minor: nullable(money()),
  available_credit_minor: nullable(money()),
})
/** No personal data: the answer is kept with the command's record. */
export const standing = (
  customer_id: string,
  state: Pick<CustomerState, 'is_active' | 'currency' | 'balance_minor' | 'credit_limit_minor'>,
) => ({
  customer_id,
  is_active: state.is_active,
  currency: state.currency,
  balance_minor: state.balance_minor,
  credit_limit_minor: state.credit_limit_minor,
  available_credit_minor: availableCredit(state),
})
/** null: no limit is set. */
export const availableCredit = ({
  credit_limit_minor,
  balance_minor,
}: Pick<CustomerState, 'credit_limit_minor' | 'balance_minor'>): number | null =>
  credit_limit_minor === null ? null : Math.max(0, credit_limit_minor - balance_minor)

const changes = object({
  name: optional(profileFields.name),
  email: optional(profileFields.email),
  phone: optional(profileFields.phone),
  addresses: optional(profileFields.addresses),
  notes: optional(profileFields.notes),
})
type Profile = Infer<typeof changes>

const registerCustomer = command({
  type: 'RegisterCustomer',
  input: object({
    customer_id: optional(id({ aliases: ['id'] })),
    ...changes.properties,
    name: profileFields.name,
    currency: optional(text({ min: 3, max: 3, description: 'Of the balance, for ever.' })),
    credit_limit: optional(nullable(decimal())),
  }),
  creates: 'customer_id',
  blinds: true,
  reads: ({ customer_id }) => [customer.at(customer_id!)],
  decide: (input, given, moment) => {
    const customer_id = input.customer_id!
    const known = given.state(customer.at(customer_id))
    if (known?.is_erased) return erasedCustomer(customer_id)
    if (known?.is_registered) return already('a customer', customer_id)
    const { currency = known?.currency ?? standardCurrency(moment.settings) } = input
    const limit = limitOf(input.credit_limit ?? null, currency)
    const trouble = currencyTrouble(currency, moment.settings)
    const errors = {
      ...profileErrors(input),
      ...(trouble === null ? {} : { currency: trouble }),
      // What is owed already cannot be told in another one.
      ...(known === null || known.currency === currency
        ? {}
        : { currency: `must be ${known.currency}, which the account was opened in` }),
      ...(typeof limit === 'string' ? { credit_limit: limit } : {}),
    }
    if (typeof limit === 'string' || Object.keys(errors).length > 0) return invalid(errors)
    const profile = {
      email: null,
      phone: null,
      addresses: [],
      notes: null,
      ...written(input),
      name: tidied(input.name),
    }
    const email_claim = emailClaim(moment, CUSTOMER_EMAIL, profile.email)
    const registered = customer.event(
      'CustomerRegistered',
      {
        customer_id,
        ...profile,
        email_claim,
        currency,
        credit_limit_minor: limit,
        registered_at: moment.occurred_at ?? moment.now,
      },
      moment.occurred_at,
    )
    const write = customer.write(customer_id, [registered])
    const balance_minor = known?.balance_minor ?? 0
    return accept(
      [write],
      standing(customer_id, {
        is_active: true,
        currency,
        balance_minor,
        credit_limit_minor: limit,
      }),
      emailClaims(CUSTOMER_EMAIL, write.stream, null, email_claim),
    )
  },
  answer: standingAnswer,
  route: {
    method: 'POST',
    path: customersPath,
    status: 201,
    tag,
    summary: 'Register a customer',
  },
})

const updateCustomer = command({
  type: 'UpdateCustomer',
  input: object({ customer_id: id(), ...changes.properties }),
  blinds: true,
  reads: ({ customer_id }) => [customer.at(customer_id)],
  decide: ({ customer_id, ...input }, given, moment) => {
    const state = activeCustomer(given, customer_id)
    if ('rejected' in state) return state
    const errors = profileErrors(input)
    if (Object.keys(errors).length > 0) return invalid(errors)
    const changed = written(input)
    const response = standing(customer_id, state)
    if (Object.keys(changed).length === 0) return accept([], response)
    const owner = customer.at(customer_id).stream
    const claimed = { scope: CUSTOMER_EMAIL, owner, before: state.email_claim }
    const { fields, more } = emailChanged(moment, claimed, changed.email)
    const updated = customer.event('CustomerUpdated', { customer_id, ...changed, ...fields })
    return accept([customer.write(customer_id, [updated])], response, more)
  },
  answer: standingAnswer,
  route: { method: 'PATCH', path: ownPath, tag, summary: 'Change what is known of a customer' },
})

const archiveCustomer = command({
  type: 'ArchiveCustomer',
  input: object({ customer_id: id(), force: optional(flag()) }),
  reads: ({ customer_id }) => [customer.at(customer_id)],
  decide: ({ customer_id, force = false }, given) => {
    const state = given.state(customer.at(customer_id))
    if (state === null) return noSuch('customer', customer_id)
    const response = { ...standing(customer_id, state), is_active: false }
    if (!state.is_active) return accept([], response)
    if (!force && state.balance_minor !== 0) return owing(customer_id)
    const archived = customer.event('CustomerArchived', { customer_id })
    return accept([customer.write(customer_id, [archived])], response)
  },
  answer: standingAnswer,
  route: {
    method: 'DELETE',
    path: ownPath,
    tag,
    summary: 'Archive a customer: no new business; to forget the person, erase it',
  },
})

const restoreCustomer = command({
  type: 'RestoreCustomer',
  input: object({ customer_id: id() }),
  reads: ({ customer_id }) => [customer.at(customer_id)],
  decide: ({ customer_id }, given) => {
    const state = given.state(customer.at(customer_id))
    if (state === null) return noSuch('customer', customer_id)
    if (state.is_erased) return erasedCustomer(customer_id)
    const response = { ...standing(customer_id, state), is_active: true }
    if (state.is_active) return accept([], response)
    const restored = customer.event('CustomerRestored', { customer_id })
    return accept([customer.write(customer_id, [restored])], response)
  },
  answer: standingAnswer,
  route: { method: 'POST', path: `${ownPath}/restore`, tag, summary: 'Bring a customer back' },
})

export const customerCommands: readonly Command[] = [
  registerCustomer,
  updateCustomer,
  archiveCustomer,
  restoreCustomer,
]

export const owing = (customer_id: string): Rejected =>
  reject('invalid_state', `The balance of customer ${customer_id} is not 0; settle it, or force.`)

/** One who is there to be dealt with, or why not. */
export function activeCustomer(given: Given, customer_id: string): CustomerState | Rejected {
  const state = given.state(customer.at(customer_id))
  if (state === null) return noSuch('customer', customer_id)
  if (state.is_erased) return erasedCustomer(customer_id)
  if (!state.is_registered) return unregistered(customer_id)
  return state.is_active
    ? state
    : reject('invalid_state', `Customer ${customer_id} has been archived.`)
}

/** In minor units, or what is wrong with it. */
export function limitOf(limit: string | null, currency: string): number | null | string {
  if (limit === null) return null
  const read = scaled(limit, exponentOf(currency))
  if (!read.ok) return read.reason
  return read.value > LIMIT_MAX_MINOR ? 'is too large' : read.value
}

function profileErrors({ name, email }: Profile): FieldErrors {
  const tidy = name === undefined ? null : tidied(name)
  const why = tidy === '' ? 'must not be blank' : tidy && lengthTrouble(tidy, NAME_MAX)
  return {
    ...(why === null ? {} : { name: why }),
    ...(email != null && !isEmail(tidied(email)) ? { email: 'must be an e-mail address' } : {}),
  }
}

/** As they are stored. */
function written({ name, email, phone, addresses, notes }: Profile): Profile {
  return {
    ...(name === undefined ? {} : { name: tidied(name) }),
    ...(email === undefined ? {} : { email: email === null ? null : tidied(email) }),
    ...(phone === undefined ? {} : { phone: phone === null ? null : phone.trim() || null }),
    ...(addresses === undefined ? {} : { addresses }),
    ...(notes === undefined ? {} : { notes }),
  }
}
