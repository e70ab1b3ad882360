// States of streams for deciding: from memory when it is known, from snapshot and events otherwise.
// Bounded; what is in memory only ever comes from what the log has acknowledged.
import { LRUCache } from 'lru-cache'
import { type AnyAggregate, evolve, type Ref } from '#kernel/decider.ts'
import { type EventTypes, lift } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import type { EventLog, Snapshot } from '#storage/event-log.ts'

export type Known = { readonly state: unknown; readonly version: number }

export type StreamStates = {
  /**
   * The states of these streams, as they were at some moment. Remembered ones may be old where
   * other processes write too; `fresh` asks the log for what came since.
   */
  load(refs: readonly Ref[], fresh?: boolean): Promise<LoadedStates>
  /** Takes what was appended to a stream whose state before it is given. */
  advance(ref: Ref, before: Known, events: readonly Recorded[]): void
  /** Somebody else wrote there: the next load asks the log. */
  doubt(streams: Iterable<string>): void
}
export type LoadedStates = {
  readonly states: ReadonlyMap<string, Known>
  /** Some came from memory alone. */
  readonly remembered: boolean
}

/** In members of states, so that a few huge ones do not take the room of many small ones twice. */
const STATES_MAX = 100_000

/** Members one level down: cheap, and near enough to what a state takes. */
function weightOf(state: unknown): number {
  if (typeof state !== 'object' || state === null) return 1
  let weight = 1
  for (const member of Object.values(state))
    weight += typeof member === 'object' && member !== null ? 1 + 4 * Object.keys(member).length : 1
  return weight
}

export function streamStates(
  log: EventLog,
  types: EventTypes,
  {
    statesMax = STATES_MAX,
    snapshotEvery = 100,
  }: { statesMax?: number; snapshotEvery?: number } = {},
): StreamStates {
  const doubted = new Set<string>()
  const known = new LRUCache<string, Known>({
    maxSize: statesMax,
    sizeCalculation: ({ state }) => weightOf(state),
    dispose: (_, stream, reason) => {
      if (reason !== 'set') doubted.delete(stream)
    },
  })
  const snapshots = new Map<string, Snapshot>()
  let saving = false

  const fold = (aggregate: AnyAggregate, from: Known, events: readonly Recorded[]): Known => {
    let { state, version } = from
    for (const event of events) {
      const data = lift(types, event.event_type, event.event_version, event.data)
      state = evolve(aggregate, state, data === event.data ? event : { ...event, data })
      version = event.version
    }
    return { state, version }
  }

  const remember = (ref: Ref, before: number, now: Known) => {
    known.set(ref.stream, now)
    if (Math.floor(now.version / snapshotEvery) === Math.floor(before / snapshotEvery)) return
    snapshots.set(ref.stream, {
      stream: ref.stream,
      version: now.version,
      state_version: ref.aggregate.state_version,
      state: now.state,
    })
    if (!saving) void save()
  }

  /** Snapshots only save work: a failure is left to the next one. */
  const save = async () => {
    saving = true
    try {
      while (snapshots.size > 0) {
        const batch = [...snapshots.values()]
        snapshots.clear()
        await log.saveSnapshots(batch)
      }
    } catch {
      snapshots.clear()
    } finally {
      saving = false
    }
  }

  return {
    async load(refs, fresh = false) {
      const found = new Map<string, Known>()
      const asked = new Map<string, { readonly ref: Ref; readonly from: Known | undefined }>()
      for (const ref of refs) {
        if (found.has(ref.stream) || asked.has(ref.stream)) continue
        const from = known.get(ref.stream)
        if (from === undefined || fresh || doubted.has(ref.stream))
          asked.set(ref.stream, { ref, from })
        else found.set(ref.stream, from)
      }
      const remembered = found.size > 0
      if (asked.size === 0) return { states: found, remembered }
      // What is known already is not read again, only what came since.
      const loaded = await log.load(
        [...asked.values()].map(({ ref: { stream, aggregate }, from }) => ({
          stream,
          after: from?.version ?? 0,
          stateVersion: aggregate.state_version,
        })),
      )
      for (const [i, { ref, from }] of [...asked.values()].entries()) {
        const { snapshot, events } = loaded[i]!
        const start = from ?? snapshot ?? { state: ref.aggregate.initial, version: 0 }
        const state = fold(ref.aggregate, snapshot ?? start, events)
        found.set(ref.stream, state)
        doubted.delete(ref.stream)
        remember(ref, start.version, state)
      }
      return { states: found, remembered }
    },
    advance(ref, before, events) {
      remember(ref, before.version, fold(ref.aggregate, before, events))
    },
    doubt(streams) {
      for (const stream of streams) if (known.has(stream)) doubted.add(stream)
    },
  }
}
