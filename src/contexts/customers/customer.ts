// Who buys: profile, credit limit, balance. Stream: customer-<customer_id>. Active ⇄ archived;
// either → erased, for ever. What was bought on account before somebody was registered here opens
// the account alone; registering completes it. The balance is what the customer owes; it moves only
// with a cause, and the limit is judged here, so that two sales cannot both spend what is left.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import {
  flag,
  id,
  instant,
  list,
  money,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '#kernel/schema.ts'

export const BALANCE_CAUSES = ['sale', 'refund', 'payment', 'adjustment'] as const
export type BalanceCause = (typeof BALANCE_CAUSES)[number]

export const NAME_MAX = 200
export const EMAIL_MAX = 320
const PHONE_MAX = 50
export const NOTES_MAX = 2_000
export const REASON_MAX = 500
const ADDRESSES_MAX = 10
const CLAIM_MAX = 100

export const postalFields = {
  name: optional(text()),
  company: optional(text()),
  street: optional(text()),
  street2: optional(text({ aliases: ['line2'] })),
  city: optional(text()),
  state: optional(text()),
  zip: optional(text({ max: 50, aliases: ['postal_code', 'zip_code'] })),
  country: optional(text({ max: 100 })),
  phone: optional(text({ max: PHONE_MAX })),
}
export const customerAddress = object({
  label: optional(text({ max: 50, description: 'What it is for: shipping, billing, home.' })),
  ...postalFields,
})

export const profileFields = {
  name: text({ max: NAME_MAX }),
  email: nullable(text({ max: EMAIL_MAX })),
  phone: nullable(text({ max: PHONE_MAX })),
  addresses: list(customerAddress, { max: ADDRESSES_MAX }),
  notes: nullable(text({ max: NOTES_MAX })),
}
const currency = text({ min: 3, max: 3 })
const reason = nullable(text({ max: REASON_MAX }))
/** The e-mail, blinded: enough to give it free again, too little to read it. */
const email_claim = nullable(text({ max: CLAIM_MAX }))

export type CustomerState = {
  /** false: all there is of it is an account, or that it was erased. */
  readonly is_registered: boolean
  readonly is_active: boolean
  readonly is_erased: boolean
  readonly currency: string
  /** null: none is set. */
  readonly credit_limit_minor: number | null
  readonly balance_minor: number
  readonly email_claim: string | null
}
/** null: no such customer. */
export type Customer = CustomerState | null

const NO_ACCOUNT = 'ZZZ'
const NOBODY: CustomerState = {
  ...{ is_registered: false, is_active: true, is_erased: false, email_claim: null },
  ...{ currency: NO_ACCOUNT, credit_limit_minor: 0, balance_minor: 0 },
}

export const withAccount = (state: Customer, currency: string): CustomerState => ({
  ...(state ?? NOBODY),
  currency,
})
/** One who was erased without ever being registered has none. */
export const hasAccount = (state: Customer): state is CustomerState =>
  state !== null && state.currency !== NO_ACCOUNT

const subject = ({ customer_id }: { readonly customer_id: string }) => customer_id

export const customer = aggregate({
  type: 'customer',
  state_version: 2,
  events: eventTypes({
    CustomerRegistered: {
      data: object({
        customer_id: id(),
        ...profileFields,
        email_claim,
        currency,
        credit_limit_minor: nullable(money()),
        registered_at: instant(),
      }),
      personal: { fields: Object.keys(profileFields), subject },
    },
    /** Somebody who is not registered owes something, or is owed: a fact that a till told late. */
    CustomerAccountOpened: {
      data: object({
        customer_id: id(),
        currency,
        /** Forgotten before: nobody is to be asked who it is. */
        is_erased: flag(),
        opened_at: instant(),
      }),
    },
    CustomerUpdated: {
      data: object({
        customer_id: id(),
        name: optional(profileFields.name),
        email: optional(profileFields.email),
        phone: optional(profileFields.phone),
        addresses: optional(profileFields.addresses),
        notes: optional(profileFields.notes),
        email_claim: optional(email_claim),
      }),
      personal: { fields: Object.keys(profileFields), subject },
    },
    CreditLimitChanged: {
      data: object({
        customer_id: id(),
        currency,
        credit_limit_minor: nullable(money()),
        previous_limit_minor: nullable(money()),
        reason,
      }),
      personal: { fields: ['reason'], subject },
    },
    CustomerBalanceChanged: {
      data: object({
        customer_id: id(),
        /** Positive: owes more. */
        change_minor: money(),
        balance_minor: money(),
        currency,
        cause: oneOf(BALANCE_CAUSES),
        /** The number of the sale, refund or receipt. */
        reference: nullable(text({ max: 200 })),
        reason,
        occurred_at: instant(),
      }),
      // Words that somebody typed may tell anything.
      personal: { fields: ['reason'], subject },
    },
    CustomerArchived: { data: object({ customer_id: id() }) },
    CustomerRestored: { data: object({ customer_id: id() }) },
    CustomerErased: {
      data: object({ customer_id: id(), erased_at: instant() }),
      forgets: subject,
    },
  }),
  initial: null as Customer,
  evolve: {
    CustomerRegistered: (state, { currency, credit_limit_minor, email_claim }): Customer => ({
      is_registered: true,
      is_active: true,
      is_erased: false,
      currency,
      credit_limit_minor,
      balance_minor: state?.balance_minor ?? 0,
      email_claim,
    }),
    CustomerAccountOpened: (state, { currency }): Customer => withAccount(state, currency),
    CustomerUpdated: (state, { email_claim }): Customer =>
      email_claim === undefined ? state : { ...known(state), email_claim },
    CreditLimitChanged: (state, { credit_limit_minor }): Customer => ({
      ...known(state),
      credit_limit_minor,
    }),
    CustomerBalanceChanged: (state, { balance_minor }): Customer => ({
      ...known(state),
      balance_minor,
    }),
    CustomerArchived: (state): Customer => ({ ...known(state), is_active: false }),
    CustomerRestored: (state): Customer => ({ ...known(state), is_active: true }),
    // Also of somebody who was never registered: orders know ids that nobody registered.
    CustomerErased: (state): Customer => ({
      ...(state ?? NOBODY),
      is_active: false,
      is_erased: true,
      email_claim: null,
    }),
  },
})

function known(state: Customer): CustomerState {
  if (state === null) throw new Error('a customer who was never registered has changed')
  return state
}
