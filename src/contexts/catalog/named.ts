// Names that must be unique: how they are written, and the claim that keeps them so.
import type { Named } from '#kernel/decider.ts'
import type { Claim } from '#kernel/message.ts'
import { lengthTrouble } from '#kernel/tidied.ts'

/** What is wrong with a tidied name; null: nothing. */
export const nameTrouble = (name: string, most: number): string | null =>
  name === '' ? 'must not be blank' : lengthTrouble(name, most)

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
