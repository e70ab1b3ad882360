// An e-mail belongs to one: the claim that keeps it so. It is blinded, since claims and the events
// that carry them are there for ever.
import type { Moment } from '#kernel/decider.ts'
import type { Claim } from '#kernel/message.ts'

/** Without blanks around it, and in one spelling of Unicode. */
export const tidied = (text: string): string => text.normalize('NFC').trim()

/** The same for two spellings of one address; null where there is none. */
export const emailClaim = (
  { blind }: Pick<Moment, 'blind'>,
  scope: string,
  email: string | null | undefined,
): string | null => (email == null ? null : blind(scope, tidied(email).toLowerCase()))

/** What a change of e-mail claims and gives back. */
export function emailClaims(
  scope: string,
  owner: string,
  before: string | null,
  after: string | null,
): { readonly claims?: readonly Claim[]; readonly releases?: readonly Claim[] } {
  const claim = (value: string): Claim => ({ scope, value, owner })
  return {
    ...(after === null ? {} : { claims: [claim(after)] }),
    ...(before === null || before === after ? {} : { releases: [claim(before)] }),
  }
}
