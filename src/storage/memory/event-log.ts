// The reference event log: what the port says, in plain maps and arrays, nothing kept on a disk.
// The other engines are held to the same contract; when they differ from this one, they are wrong.
import { bytewise } from '#kernel/bytewise.ts'
import type { Instant } from '#kernel/message.ts'
import { type EventLog, LogClosed, storable } from '#storage/event-log.ts'
import {
  byScopeAndValue,
  EPOCH,
  load,
  prepared,
  recorded,
  refusal,
  restore,
  type Store,
  toRecord,
  write,
} from './log-state.ts'

export type MemoryLogOptions = {
  /** The time of recording; a simulation brings its own. */
  readonly now?: () => Instant
  /** Engines are opened alike; nothing lies there. */
  readonly path?: string
}

export async function openEventLog(options: MemoryLogOptions = {}): Promise<EventLog> {
  const { now = () => new Date().toISOString() } = options
  const store: Store = {
    rows: [],
    streams: new Map(),
    claims: new Map(),
    commands: new Map(),
    snapshots: new Map(),
  }
  let closed = false
  let isPart = false
  const opened = (): Store => {
    if (closed) throw new LogClosed('the log is closed')
    return store
  }
  const { onAppended, wakeAll } = wakers(() => store.rows.length)
  return {
    capabilities: { durable: false, manyProcesses: false },
    async append(append) {
      opened()
      const ready = prepared(append)
      const verdict = refusal(store, append) ?? write(store, ready, now())
      if (verdict.ok) wakeAll()
      return verdict
    },
    async restore(events, commands, unfinished = false) {
      restore(opened(), events, commands)
      isPart = unfinished
      wakeAll()
    },
    isUnfinished: async () => isPart,
    // Nothing is counted twice here.
    inspect: async () => [],
    onAppended,
    async close() {
      closed = true
    },
    ...reading(opened),
    ...keeping(opened),
  }
}

/** Calls back out of the append's own turn: a listener that throws is no failure of the append. */
function wakers(position: () => number) {
  const listeners = new Set<(position: number) => void>()
  let woken = false
  const onAppended: EventLog['onAppended'] = (wake) => {
    listeners.add(wake)
    return () => listeners.delete(wake)
  }
  const wakeAll = () => {
    if (woken) return
    woken = true
    setImmediate(() => {
      woken = false
      for (const wake of listeners) wake(position())
    })
  }
  return { onAppended, wakeAll }
}

type Reading = Pick<
  EventLog,
  'readStream' | 'readStreams' | 'readAll' | 'load' | 'head' | 'positionAt'
>

function reading(opened: () => Store): Reading {
  return {
    readStream: async (stream, after = 0, limit = Number.POSITIVE_INFINITY) =>
      (opened().streams.get(stream) ?? []).slice(after, after + limit).map(recorded),
    readStreams: async (prefix, limit) =>
      [...opened().streams]
        .flatMap(([stream, rows]) => (stream.startsWith(prefix) ? rows : []))
        .sort((a, b) => a.position - b.position)
        .slice(0, limit)
        .map(recorded),
    readAll: async (after, limit) =>
      opened()
        .rows.slice(after, after + limit)
        .map(recorded),
    load: async (requests) => requests.map((request) => load(opened(), request)),
    async head() {
      const { position, timestamp } = opened().rows.at(-1) ?? { position: 0, timestamp: EPOCH }
      return { position, timestamp }
    },
    positionAt: async (time) =>
      opened().rows.findLast(({ timestamp }) => timestamp <= time)?.position ?? 0,
  }
}

type Keeping = Pick<
  EventLog,
  | 'commandRecord'
  | 'commandRecords'
  | 'commandRecordsOf'
  | 'claims'
  | 'claimsOf'
  | 'saveSnapshots'
  | 'snapshots'
  | 'dropResponses'
>

function keeping(opened: () => Store): Keeping {
  return {
    async commandRecord(id) {
      const command = opened().commands.get(id)
      return command === undefined ? null : toRecord(command)
    },
    commandRecords: async (afterId, limit) =>
      [...opened().commands.values()]
        .filter(({ id }) => bytewise(id, afterId) > 0)
        .sort((a, b) => bytewise(a.id, b.id))
        .slice(0, limit)
        .map(toRecord),
    async commandRecordsOf(ids) {
      const { commands } = opened()
      return [...new Set(ids)].flatMap((id) => {
        const command = commands.get(id)
        return command === undefined ? [] : [toRecord(command)]
      })
    },
    claims: async (after, limit) =>
      [...opened().claims.values()]
        .filter((claim) => after === null || byScopeAndValue(claim, after) > 0)
        .sort(byScopeAndValue)
        .slice(0, limit)
        .map((claim) => ({ ...claim })),
    claimsOf: async (names) =>
      [...opened().claims.values()]
        .filter((claim) => names.some((name) => byScopeAndValue(claim, name) === 0))
        .map((claim) => ({ ...claim })),
    async saveSnapshots(snapshots) {
      const kept = opened().snapshots
      const texts = snapshots.map(({ stream, state }) => storable(state, `snapshot of ${stream}`))
      snapshots.forEach(({ stream, version, state_version }, i) => {
        const old = kept.get(stream)
        const newer =
          old === undefined || version >= old.version || state_version > old.state_version
        if (newer) kept.set(stream, { version, state_version, state: texts[i]! })
      })
    },
    snapshots: async (afterStream, limit) =>
      [...opened().snapshots]
        .filter(([stream]) => bytewise(stream, afterStream) > 0)
        .sort(([a], [b]) => bytewise(a, b))
        .slice(0, limit)
        .map(([stream, { state, ...kept }]) => ({ stream, ...kept, state: JSON.parse(state) })),
    async dropResponses(beforePosition) {
      const { commands } = opened()
      let dropped = 0
      for (const command of commands.values()) {
        if (command.position >= beforePosition || command.response === null) continue
        commands.set(command.id, { ...command, response: null })
        dropped++
      }
      return dropped
    },
  }
}
