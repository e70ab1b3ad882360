// Every snapshot is the fold of its stream's events. One of another shape than the program's is
// never used, and not looked at.
import canonicalize from 'canonicalize'
import { type AnyAggregate, evolve } from '#kernel/decider.ts'
import { type EventTypes, lift } from '#kernel/event-types.ts'
import { partsOf } from '#kernel/message.ts'
import type { EventLog, Snapshot } from '#storage/event-log.ts'
import type { Progress } from './operations.ts'
import { type Check, tally } from './tally.ts'

export type Folding = { readonly aggregates: readonly AnyAggregate[]; readonly types: EventTypes }
const SNAPSHOTS = 100
const EVENTS = 1_000

export async function verifySnapshots(
  log: EventLog,
  { aggregates, types }: Folding,
  onProgress: (progress: Progress) => void,
): Promise<Check> {
  const found = tally('snapshots')
  const byType = new Map(aggregates.map((one) => [one.type, one]))
  for (let after = ''; ; ) {
    const page = await log.snapshots(after, SNAPSHOTS)
    for (const snapshot of page) {
      const aggregate = byType.get(partsOf(snapshot.stream).aggregate_type)
      if (aggregate?.state_version !== snapshot.state_version) continue
      found.compared++
      const rebuilt = await folded(log, types, aggregate, snapshot)
      if (rebuilt === null || canonicalize(rebuilt.state) !== canonicalize(snapshot.state))
        found.differ(snapshot.stream, snapshot, rebuilt)
    }
    onProgress({ what: 'snapshots', done: found.compared, of: found.compared })
    const last = page.at(-1)
    if (last === undefined) return found.check()
    after = last.stream
  }
}

/** null: there are no such events, or they cannot be folded. */
async function folded(
  log: EventLog,
  types: EventTypes,
  aggregate: AnyAggregate,
  { stream, version }: Snapshot,
): Promise<{ readonly version: number; readonly state: unknown } | null> {
  let state = aggregate.initial
  let at = 0
  try {
    while (at < version) {
      const events = await log.readStream(stream, at, Math.min(EVENTS, version - at))
      if (events.length === 0) return null
      for (const event of events) {
        const data = lift(types, event.event_type, event.event_version, event.data)
        state = evolve(aggregate, state, { ...event, data })
        at = event.version
      }
    }
  } catch {
    // The event that cannot be read or folded is named where all events are read.
    return null
  }
  return { version: at, state }
}
