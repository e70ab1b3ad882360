// An e-mail belongs to one: the claim that keeps it so. It is blinded, since claims and the events
// that carry them are there for ever.
import type { Moment } from '#kernel/decider.ts'
import type { Claim } from '#kernel/message.ts'
import { tidied } from '#kernel/tidied.ts'

/** The same for two spellings of one address; null where there is none. */
export const emailClaim = (
  { blind }: Pick<Moment, 'blind'>,
  scope: string,
  email: string | null | undefined,
): string | null => (email == null ? null : blind(scope, tidied(email).toLowerCase()))

/**
 * A change of what is known of somebody: the claim for the event, and what goes with its append.
 * Nothing of either where the e-mail is not among what has changed.
 */
export function emailChanged(
  moment: Pick<Moment, 'blind'>,
  { scope, owner, before }: { scope: string; owner: string; before: string | null },
  email: string | null | undefined,
) {
  if (email === undefined) return { fields: {}, more: {} }
  const email_claim = emailClaim(moment, scope, email)
  return { fields: { email_claim }, more: emailClaims(scope, owner, before, email_claim) }
}

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
