// Who owns which value, recomputed from the events, against what the log keeps of it. In memory: a
// claim takes some 300 bytes there.
import type { Claim, Recorded } from '#kernel/message.ts'
import type { EventLog } from '#storage/event-log.ts'
import { type Check, tally } from './tally.ts'

const PAGE = 2_000
const keyOf = ({ scope, value }: Pick<Claim, 'scope' | 'value'>) => JSON.stringify([scope, value])

type Owned = { readonly claim: Claim; readonly position: number }
type Suspect = readonly [key: string, live: Claim | null, rebuilt: Owned | null]

export function claimCheck(log: EventLog) {
  const expected = new Map<string, Owned>()

  return {
    take({ position, metadata }: Recorded): void {
      for (const claim of metadata.releases ?? [])
        if (expected.get(keyOf(claim))?.claim.owner === claim.owner) expected.delete(keyOf(claim))
      for (const claim of metadata.claims ?? []) expected.set(keyOf(claim), { claim, position })
    },
    async check(end: number): Promise<Check> {
      const found = tally('claims')
      let suspects: Suspect[] = []
      for (let after: Claim | null = null; ; ) {
        const page: readonly Claim[] = await log.claims(after, PAGE)
        for (const claim of page) {
          found.compared++
          const key = keyOf(claim)
          const rebuilt = expected.get(key) ?? null
          if (rebuilt?.claim.owner !== claim.owner) suspects.push([key, claim, rebuilt])
          expected.delete(key)
        }
        // Kept whole they would grow with the damage; sorted out now and then.
        if (suspects.length > PAGE) suspects = await quiet(log, suspects, end)
        after = page.at(-1) ?? null
        if (after === null) break
      }
      for (const [key, rebuilt] of expected) suspects.push([key, null, rebuilt])
      for (const [key, live, rebuilt] of await quiet(log, suspects, end))
        found.differ(
          rebuilt === null ? key : `${rebuilt.position} (${key})`,
          live,
          rebuilt?.claim ?? null,
        )
      return found.check()
    },
  }
}

/** Without those that moved while we looked. */
async function quiet(log: EventLog, suspects: Suspect[], end: number): Promise<Suspect[]> {
  if (suspects.length === 0) return suspects
  const stirred = new Set<string>()
  const { position: head } = await log.head()
  for (let position = end; position < head; ) {
    const page = await log.readAll(position, PAGE)
    if (page.length === 0) break
    for (const { metadata } of page)
      for (const claim of [...(metadata.releases ?? []), ...(metadata.claims ?? [])])
        stirred.add(keyOf(claim))
    position = page.at(-1)!.position
  }
  return suspects.filter(([key]) => !stirred.has(key))
}
