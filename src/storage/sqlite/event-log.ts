// The event log on one SQLite file: appends queue here and go to the writer in batches, one fsync each.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Metadata, type Recorded, streamOf } from '#kernel/message.ts'
import {
  type Append,
  type CommandRecord,
  checkShape,
  type EventLog,
  encoded,
  LogClosed,
  type NewEvent,
  storable,
  type Verdict,
} from '#storage/event-log.ts'
import { openLogReader } from './log-reader.ts'
import type {
  Judged,
  Packed,
  PackedCommand,
  PackedEvent,
  PackedRow,
  Restored,
} from './log-store.ts'
import { inlineLog, startLogThread } from './log-thread.ts'
import { lockWriter } from './writer-lock.ts'

/** A batch ends here; a larger append goes alone. */
const BATCH_EVENTS_MAX = 2_000
/** While one batch is being written, the next is already with the writer. */
const BATCHES_IN_FLIGHT_MAX = 2

export type SqliteLogOptions = {
  readonly path: string
  /** `worker` (default): a thread of its own writes. `inline`: this thread does, and blocks. */
  readonly mode?: 'worker' | 'inline'
}

/** Opens for writing. Throws LogLocked when another process has it, Error when SQLite is not safe. */
export async function openEventLog({ path, mode = 'worker' }: SqliteLogOptions): Promise<EventLog> {
  mkdirSync(dirname(path), { recursive: true })
  const unlock = lockWriter(path)
  try {
    const thread = mode === 'worker' ? await startLogThread(path) : inlineLog(path)
    return eventLog(openLogReader(path), thread, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

/** Opens beside a running writer; appending throws LogClosed. */
export async function openEventLogReadOnly({ path }: { path: string }): Promise<EventLog> {
  return eventLog(openLogReader(path), null, () => {})
}

type Waiter = {
  readonly packed: Packed
  readonly events: number
  readonly resolve: (verdict: Verdict) => void
  readonly reject: (error: Error) => void
}

function eventLog(
  reader: ReturnType<typeof openLogReader>,
  thread: Awaited<ReturnType<typeof startLogThread>> | null,
  unlock: () => void,
): EventLog {
  const queue: Waiter[] = []
  const listeners = new Set<(position: number) => void>()
  let inFlight = 0
  let scheduled = false
  let closed = false

  const writer = () => {
    if (closed || thread === null)
      throw new LogClosed(closed ? 'the log is closed' : 'this log is open for reading only')
    return thread
  }

  const flush = () => {
    scheduled = false
    while (queue.length > 0 && inFlight < BATCHES_IN_FLIGHT_MAX) {
      const batch = nextBatch(queue)
      inFlight++
      void commit(batch).finally(() => {
        inFlight--
        flush()
      })
    }
  }

  const commit = async (batch: readonly Waiter[]) => {
    try {
      // Closing waits for the queue, so the thread is there.
      const verdicts = await thread!.run(
        'apply',
        batch.map(({ packed }) => packed),
      )
      settle(batch, verdicts)
      const last = verdicts.findLast((verdict) => 'ok' in verdict && verdict.ok)
      if (last !== undefined && 'ok' in last && last.ok)
        for (const wake of listeners) wake(last.position)
    } catch (error) {
      for (const { reject } of batch) reject(error as Error)
    }
  }

  return {
    capabilities: { durable: true, manyProcesses: false },
    async append(append) {
      writer()
      checkShape(append)
      const packed = pack(append)
      const events = packed.writes.reduce((sum, [, , list]) => sum + list.length, 0)
      return await new Promise<Verdict>((resolve, reject) => {
        queue.push({ packed, events, resolve, reject })
        if (scheduled || inFlight >= BATCHES_IN_FLIGHT_MAX) return
        scheduled = true
        setImmediate(flush)
      })
    },
    readStream: async (stream, after = 0, limit = -1) => reader.readStream(stream, after, limit),
    readStreams: async (prefix, limit) => reader.readStreams(prefix, limit),
    readAll: async (after, limit) => reader.readAll(after, limit),
    load: async (requests) => requests.map((request) => reader.load(request)),
    head: async () => reader.head(),
    positionAt: async (time) => reader.positionAt(time),
    commandRecord: async (id) => reader.commandRecord(id),
    commandRecords: async (afterId, limit) => reader.commandRecords(afterId, limit),
    claims: async (after, limit) => reader.claims(after?.scope ?? '', after?.value ?? '', limit),
    async saveSnapshots(snapshots) {
      await writer().run(
        'saveSnapshots',
        snapshots.map(({ stream, version, state_version, state }) => [
          stream,
          version,
          state_version,
          storable(state, `snapshot of ${stream}`),
        ]),
      )
    },
    async restore(events, commands) {
      await writer().run(
        'restore',
        events.map(packRow),
        commands.map(packCommand),
        claimsIn(events),
      )
      const { position } = reader.head()
      for (const wake of listeners) wake(position)
    },
    dropResponses: async (before) => await writer().run('dropResponses', before),
    onAppended(wake) {
      listeners.add(wake)
      return () => listeners.delete(wake)
    },
    async close() {
      if (closed) return
      closed = true
      while (queue.length > 0 || inFlight > 0) await new Promise(setImmediate)
      reader.close()
      await thread?.close()
      unlock()
    },
  }
}

function nextBatch(queue: Waiter[]): Waiter[] {
  let events = 0
  let count = 0
  for (const waiter of queue) {
    events += waiter.events
    if (count > 0 && events > BATCH_EVENTS_MAX) break
    count++
  }
  return queue.splice(0, count)
}

function settle(batch: readonly Waiter[], verdicts: readonly Judged[]): void {
  batch.forEach(({ resolve, reject }, i) => {
    const verdict = verdicts[i]!
    if ('error' in verdict) reject(new Error(`the log refused the append: ${verdict.error}`))
    else resolve(verdict)
  })
}

function pack({ writes, claims = [], releases = [], command }: Append): Packed {
  const noted = claims.length + releases.length === 0 ? null : { claims, releases }
  const packEvent = packer(noted)
  return {
    writes: writes.map(({ stream, expected, events }) => [stream, expected, events.map(packEvent)]),
    claims,
    releases,
    command:
      command === undefined
        ? null
        : [command.id, command.fingerprint, storable(command.response, 'the command’s response')],
  }
}

/** Claims go into the first event's metadata; one metadata object for all events is written out once. */
function packer(noted: Pick<Metadata, 'claims' | 'releases'> | null) {
  let first = noted !== null
  let last: Metadata | undefined
  let lastText = ''
  return (event: NewEvent): PackedEvent => {
    let text = lastText
    let data: string
    if (first || event.metadata !== last) {
      const metadata = first ? { ...event.metadata, ...noted } : event.metadata
      const texts = encoded({ ...event, metadata })
      data = texts.data
      text = texts.metadata
      last = first ? undefined : event.metadata
      lastText = text
      first = false
    } else data = storable(event.data, event.event_type)
    const { event_id, event_type, event_version, occurred_at } = event
    return [event_id, event_type, event_version, data, text, occurred_at ?? null]
  }
}

const packRow = (event: Recorded): PackedRow => [
  event.position,
  event.event_id,
  streamOf(event.aggregate_type, event.aggregate_id),
  event.version,
  event.event_type,
  event.event_version,
  storable(event.data, event.event_type),
  storable(event.metadata, 'metadata'),
  event.occurred_at === event.timestamp ? null : event.occurred_at,
  event.timestamp,
]

const packCommand = (record: CommandRecord): PackedCommand => [
  record.id,
  record.fingerprint,
  record.position,
  record.version,
  record.response === null ? null : JSON.stringify(record.response),
]

const claimsIn = (events: readonly Recorded[]): Restored =>
  new Map(
    events
      .filter(({ metadata }) => metadata.claims !== undefined || metadata.releases !== undefined)
      .map(({ position, metadata: { claims = [], releases = [] } }) => [
        position,
        { claims, releases },
      ]),
  )
