// The users' door: who logs in, how an e-mail is kept unique, and the rules of fields.
export { emailChanged, emailClaim, emailClaims } from './email-claim.ts'
export type { User, UserState } from './user.ts'
export { user } from './user.ts'
export { USER_EMAIL } from './user-commands.ts'
export { users } from './user-list.ts'
export { STANDARD_RULES } from './user-rules.ts'
