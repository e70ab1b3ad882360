// Names that must be unique: how they are written, and the claim that keeps them so.
import type { Named } from '#kernel/decider.ts'
import type { Claim } from '#kernel/message.ts'

/** Without blanks around it, and in one spelling of Unicode; empty when there is nothing in it. */
export const tidied = (name: string): string => name.normalize('NFC').trim()

/** Case does not make another name. */
export const nameOf = (scope: string, name: string): Named => ({
  scope,
  value: name.toLowerCase(),
})
export const nameClaim = (scope: string, name: string, owner: string): Claim => ({
  ...nameOf(scope, name),
  owner,
})

/** What a change of name claims and gives back; nothing when it stays the same name. */
export function renaming(scope: string, before: string, after: string, owner: string) {
  const claimed = nameClaim(scope, after, owner)
  const released = nameClaim(scope, before, owner)
  return {
    claims: [claimed],
    releases: released.value === claimed.value ? [] : [released],
  }
}
