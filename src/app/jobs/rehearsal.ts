// A shop to try commands on: they are decided by the real rules over the real log, and nothing is
// written. What a rehearsed command would have claimed, and the departments and units that it would
// have made, count for those after it; of all else only as much as is remembered.
import { hash } from 'node:crypto'
import type { AnyAggregate, Command, ShopSettings } from '#kernel/decider.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import type { Claim, Recorded } from '#kernel/message.ts'
import { partsOf } from '#kernel/message.ts'
import type { Send } from '#kernel/waiting.ts'
import { commandGateway } from '#runtime/gateway.ts'
import type { PersonalData } from '#runtime/personal.ts'
import type { Append, EventLog, Verdict } from '#storage/event-log.ts'

export type RehearsalParts = {
  readonly log: EventLog
  readonly aggregates: readonly AnyAggregate[]
  readonly commands: readonly Command[]
  readonly types: EventTypes
  readonly personal: PersonalData
  readonly settings: ShopSettings
  readonly now: () => string
}
export type Rehearsal = {
  readonly send: Send
  readonly blinder: PersonalData['blinder']
  readonly log: Pick<EventLog, 'claimsOf' | 'commandRecord'>
}

/** Few, small, and named by many rows. */
const KEPT = new Set(['department', 'unit'])
const CLAIMS_MAX = 500_000

export function rehearsal(parts: RehearsalParts): Rehearsal {
  const log = rehearsedLog(parts)
  // No key is made for somebody who is not written down.
  const blinder = once(() => parts.personal.blinder())
  const personal = { ...parts.personal, blinder, seal: unsealed }
  const { send } = commandGateway({
    ...parts,
    log,
    personal,
    numbers: { next: async () => 1 },
  })
  return { send, log, blinder }
}

const unsealed: PersonalData['seal'] = async (events) => events

/** Where nothing was ever blinded there is no key for it yet, and nothing to be found by it. */
function once(blinder: PersonalData['blinder']): PersonalData['blinder'] {
  let known: ReturnType<PersonalData['blinder']> | null = null
  return () =>
    (known ??= blinder().catch(() => (scope, text) => hash('sha256', `${scope}\n${text}`)))
}

function rehearsedLog({ log, now }: RehearsalParts): EventLog {
  const claims = new Map<string, Claim>()
  const kept = new Map<string, Recorded[]>()
  const keyOf = ({ scope, value }: Pick<Claim, 'scope' | 'value'>) => `${scope}\n${value}`

  const claimsOf: EventLog['claimsOf'] = async (names) => {
    const mine = names.flatMap((name) => claims.get(keyOf(name)) ?? [])
    const others = names.filter((name) => !claims.has(keyOf(name)))
    return others.length === 0 ? mine : [...mine, ...(await log.claimsOf(others))]
  }
  const append = async ({ writes, claims: wanted = [] }: Append): Promise<Verdict> => {
    const held = wanted.length === 0 ? [] : await log.claimsOf(wanted)
    const { position } = await log.head()
    // From here on without waiting: rows are rehearsed side by side, and what is free stays free.
    for (const claim of wanted) {
      const key = keyOf(claim)
      const other = claims.get(key) ?? held.find((one) => keyOf(one) === key)
      if (other !== undefined && other.owner !== claim.owner)
        return { ok: false, reason: 'claimed', claim, owner: other.owner }
    }
    for (const claim of wanted) if (claims.size < CLAIMS_MAX) claims.set(keyOf(claim), claim)
    const timestamp = now()
    const versions = writes.map(({ stream, expected, events }) => {
      const before = typeof expected === 'number' ? expected : 0
      if (KEPT.has(partsOf(stream).aggregate_type))
        kept.set(stream, [
          ...(kept.get(stream) ?? []),
          ...events.map((event, i) => ({
            ...event,
            ...partsOf(stream),
            position: position + i + 1,
            version: before + i + 1,
            occurred_at: event.occurred_at ?? timestamp,
            timestamp,
          })),
        ])
      return before + events.length
    })
    return { ok: true, position, first: position + 1, versions, timestamp }
  }
  return {
    ...log,
    // What is remembered goes before what others write meanwhile: there is no second try here.
    capabilities: { ...log.capabilities, manyProcesses: false },
    append,
    claimsOf,
    commandRecord: async () => null,
    saveSnapshots: async () => {},
    async load(requests) {
      const loaded = await log.load(requests)
      return loaded.map(({ snapshot, events }, i) => {
        const { stream, after } = requests[i]!
        const more = (kept.get(stream) ?? []).filter(({ version }) => version > after)
        return { snapshot, events: [...events, ...more] }
      })
    },
  }
}
