// Who logs in: name, e-mail, age. Stream: user-<user_id>. Active → deleted; either → erased.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { id, instant, integer, nullable, object, optional, text } from '#kernel/schema.ts'

export const NAME_MAX = 200
export const EMAIL_MAX = 320

export type UserState = {
  readonly is_active: boolean
  readonly is_erased: boolean
  readonly email_claim: string | null
}
/** null: no such user. */
export type User = UserState | null

/** Each may be missing where the shop's rules do not ask for it. */
const userFields = {
  name: nullable(text({ max: NAME_MAX })),
  email: nullable(text({ max: EMAIL_MAX })),
  age: nullable(integer()),
}
/** The e-mail, blinded: enough to give it free again, too little to read it. */
const email_claim = nullable(text({ max: 100 }))
const personal = {
  fields: ['name', 'email', 'age'],
  subject: ({ user_id }: { readonly user_id: string }) => user_id,
}

export const user = aggregate({
  type: 'user',
  state_version: 1,
  events: eventTypes({
    UserCreated: {
      data: object({ user_id: id(), ...userFields, email_claim, created_at: instant() }),
      personal,
    },
    UserUpdated: {
      data: object({
        user_id: id(),
        name: optional(userFields.name),
        email: optional(userFields.email),
        age: optional(userFields.age),
        email_claim: optional(email_claim),
      }),
      personal,
    },
    UserDeleted: { data: object({ user_id: id() }) },
    UserErased: {
      data: object({ user_id: id(), erased_at: instant() }),
      forgets: ({ user_id }: { readonly user_id: string }) => user_id,
    },
  }),
  initial: null as User,
  evolve: {
    UserCreated: (_, { email_claim }): User => ({
      is_active: true,
      is_erased: false,
      email_claim,
    }),
    UserUpdated: (state, { email_claim }): User =>
      state === null || email_claim === undefined ? state : { ...state, email_claim },
    UserDeleted: (): User => ({ is_active: false, is_erased: false, email_claim: null }),
    // Also of somebody who was never created: orders know ids that nobody registered.
    UserErased: (): User => ({ is_active: false, is_erased: true, email_claim: null }),
  },
})
