// Creating, changing and deleting users. What their fields must be like is said by the shop's own
// rules (`cqrs.validation_rules`).
import {
  accept,
  already,
  type Command,
  command,
  type Given,
  invalid,
  type Moment,
  noSuch,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import {
  type FieldErrors,
  flag,
  id,
  integer,
  nullable,
  object,
  optional,
  text,
} from '#kernel/schema.ts'
import { lengthTrouble, tidied } from '#kernel/tidied.ts'
import { brokenRules, type ValidationRules } from '#kernel/validation-rules.ts'
import { emailChanged, emailClaim, emailClaims } from './email-claim.ts'
import { EMAIL_MAX, NAME_MAX, type UserState, user } from './user.ts'
import { STANDARD_RULES } from './user-rules.ts'

export const USER_EMAIL = 'user_email'
const path = '/api/v1/users'
const tag = 'users'

// Whether a field may be missing is the rules' business.
const fields = {
  name: optional(nullable(text({ min: 0, max: NAME_MAX, example: 'Ada Lovelace' }))),
  email: optional(nullable(text({ min: 0, max: EMAIL_MAX, example: 'ada@example.org' }))),
  age: optional(nullable(integer({ example: 36 }))),
}
type Fields = { name?: string | null; email?: string | null; age?: number | null }
const answer = object({ user_id: id(), is_active: flag() })

const rulesIn = ({ settings }: Moment): ValidationRules =>
  // The setting's kind has checked it.
  (settings['cqrs.validation_rules'] as ValidationRules | undefined) ?? STANDARD_RULES

const createUser = command({
  type: 'CreateUser',
  input: object({ user_id: optional(id({ aliases: ['id'] })), ...fields }),
  creates: 'user_id',
  blinds: true,
  reads: ({ user_id }) => [user.at(user_id!)],
  decide: (input, given, moment) => {
    const user_id = input.user_id!
    if (given.state(user.at(user_id)) !== null) return already('a user', user_id)
    const errors = { ...tooLong(input), ...brokenRules(rulesIn(moment), 'user', input) }
    if (Object.keys(errors).length > 0) return invalid(errors)
    const { name = null, email = null, age = null } = written(input)
    const email_claim = emailClaim(moment, USER_EMAIL, email)
    const created = { user_id, name, email, age, email_claim, created_at: moment.now }
    const write = user.write(user_id, [user.event('UserCreated', created)])
    return accept(
      [write],
      { user_id, is_active: true },
      emailClaims(USER_EMAIL, write.stream, null, email_claim),
    )
  },
  answer,
  route: { method: 'POST', path, status: 201, tag, summary: 'Create a user' },
})

const updateUser = command({
  type: 'UpdateUser',
  input: object({ user_id: id(), ...fields }),
  blinds: true,
  reads: ({ user_id }) => [user.at(user_id)],
  decide: (input, given, moment) => {
    const { user_id } = input
    const state = activeUser(given, user_id)
    if ('rejected' in state) return state
    const errors = { ...tooLong(input), ...brokenByChange(rulesIn(moment), input) }
    if (Object.keys(errors).length > 0) return invalid(errors)
    const changed = written(input)
    const response = { user_id, is_active: true }
    if (Object.keys(changed).length === 0) return accept([], response)
    const owner = user.at(user_id).stream
    const claimed = { scope: USER_EMAIL, owner, before: state.email_claim }
    const { fields, more } = emailChanged(moment, claimed, changed.email)
    const updated = user.event('UserUpdated', { user_id, ...changed, ...fields })
    return accept([user.write(user_id, [updated])], response, more)
  },
  answer,
  route: { method: 'PATCH', path: `${path}/:user_id`, tag, summary: 'Change a user' },
})

const deleteUser = command({
  type: 'DeleteUser',
  input: object({ user_id: id() }),
  reads: ({ user_id }) => [user.at(user_id)],
  decide: ({ user_id }, given) => {
    const state = given.state(user.at(user_id))
    if (state === null) return noSuch('user', user_id)
    const response = { user_id, is_active: false }
    if (!state.is_active) return accept([], response)
    const write = user.write(user_id, [user.event('UserDeleted', { user_id })])
    // A deleted user never comes back, so the address is free.
    return accept([write], response, emailClaims(USER_EMAIL, write.stream, state.email_claim, null))
  },
  answer,
  route: {
    method: 'DELETE',
    path: `${path}/:user_id`,
    tag,
    summary: 'Delete a user: hidden from lists, the e-mail is free again',
  },
})

export const userCommands: readonly Command[] = [createUser, updateUser, deleteUser]

function activeUser(given: Given, user_id: string): UserState | Rejected {
  const state = given.state(user.at(user_id))
  if (state === null) return noSuch('user', user_id)
  const what = state.is_erased ? 'erased' : 'deleted'
  return state.is_active ? state : reject('invalid_state', `User ${user_id} has been ${what}.`)
}

/** A field that is not given stays as it is, and so breaks nothing. */
function brokenByChange(rules: ValidationRules, input: Fields): FieldErrors {
  const broken = brokenRules(rules, 'user', input)
  const given = Object.entries(broken).filter(
    ([field]) => Object.hasOwn(input, field) && input[field as keyof Fields] !== undefined,
  )
  return Object.fromEntries(given)
}

/** As they are stored they may be longer than as they were given. */
function tooLong({ name, email }: Fields): FieldErrors {
  const all = { name: [name, NAME_MAX], email: [email, EMAIL_MAX] } as const
  const troubles = Object.entries(all).flatMap(([field, [value, most]]) => {
    const trouble = value == null ? null : lengthTrouble(tidied(value), most)
    return trouble === null ? [] : [[field, trouble]]
  })
  return Object.fromEntries(troubles)
}

/** As they are stored; blank is nothing. */
function written({ name, email, age }: Fields): Fields {
  const text = (value: string | null) => (value === null ? null : tidied(value) || null)
  return {
    ...(name === undefined ? {} : { name: text(name) }),
    ...(email === undefined ? {} : { email: text(email) }),
    ...(age === undefined ? {} : { age }),
  }
}
