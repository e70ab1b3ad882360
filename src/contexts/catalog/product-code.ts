// From a code to its product. A code, once given, stays with its product for ever, so that whoever
// holds it can be relied on.
import type { Given, Named } from '#kernel/decider.ts'
import { partsOf } from '#kernel/message.ts'
import { tidied } from '#kernel/tidied.ts'

/** What a command names to have a code looked up. */
export const codeName = (code: string): Named => ({ scope: 'product_code', value: tidied(code) })

/** null: no product ever had this code. The command must have named it. */
export function productIdOf(given: Given, code: string): string | null {
  const owner = given.owner(codeName(code))
  return owner === null ? null : partsOf(owner).aggregate_id
}
