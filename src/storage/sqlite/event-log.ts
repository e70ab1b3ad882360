// The event log on one SQLite file: reads here, on a connection of its own; appends go to the
// writer.
import { checkShape, type EventLog, LogClosed, storable } from '#storage/event-log.ts'
import { claimsIn, pack, packCommand, packRow } from '#storage/log-packing.ts'
import { appendQueue } from './append-queue.ts'
import { openingFile } from './disk-errors.ts'
import { makeFolderOf } from './durable.ts'
import { type LogReader, openLogReader } from './log-reader.ts'
import { inlineLog, type LogThread, startLogThread } from './log-thread.ts'
import { assertWholeWal } from './wal-check.ts'
import { lockWriter } from './writer-lock.ts'

export type SqliteLogOptions = {
  readonly path: string
  /** `worker` (default): a thread of its own writes. `inline`: this thread does, and blocks. */
  readonly mode?: 'worker' | 'inline'
}

/**
 * Opens for writing. Throws LogLocked when another process has it, Error when SQLite is not safe.
 */
export async function openEventLog({ path, mode = 'worker' }: SqliteLogOptions): Promise<EventLog> {
  makeFolderOf(path)
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
  assertWholeWal(path)
  return eventLog(
    openingFile(path, () => openLogReader(path)),
    null,
    () => {},
  )
}

type Writing = Pick<
  EventLog,
  'append' | 'saveSnapshots' | 'restore' | 'dropResponses' | 'onAppended' | 'close'
>

function eventLog(reader: LogReader, thread: LogThread | null, unlock: () => void): EventLog {
  return {
    capabilities: { durable: true, manyProcesses: false },
    ...writing(reader, thread, unlock),
    readStream: async (stream, after = 0, limit = -1) => reader.readStream(stream, after, limit),
    readStreams: async (prefix, limit) => reader.readStreams(prefix, limit),
    readAll: async (after, limit) => reader.readAll(after, limit),
    load: async (requests) => requests.map((request) => reader.load(request)),
    head: async () => reader.head(),
    positionAt: async (time) => reader.positionAt(time),
    commandRecord: async (id) => reader.commandRecord(id),
    commandRecordsOf: async (ids) => reader.commandRecordsOf(ids),
    snapshots: async (afterStream, limit) => reader.snapshots(afterStream, limit),
    isUnfinished: async () => reader.isUnfinished(),
    inspect: async () =>
      reader.damagedRecords().map((stored) => ({
        what: `the record of command ${stored.id} is not what was written`,
        stored,
        counted: null,
      })),
    commandRecords: async (afterId, limit) => reader.commandRecords(afterId, limit),
    claimsOf: async (names) => reader.claimsOf(names),
    claims: async (after, limit) => reader.claims(after?.scope ?? '', after?.value ?? '', limit),
  }
}

function writing(reader: LogReader, thread: LogThread | null, unlock: () => void): Writing {
  const listeners = new Set<(position: number) => void>()
  let closed = false
  const wake = (position: number) => {
    for (const listener of listeners) listener(position)
  }
  const writer = (): LogThread => {
    if (closed || thread === null)
      throw new LogClosed(closed ? 'the log is closed' : 'this log is open for reading only')
    return thread
  }
  // Only appends that were let in reach the queue, so the thread is there.
  const queue = appendQueue((batch) => thread!.run('apply', batch), wake)

  return {
    async append(append) {
      writer()
      checkShape(append)
      return await queue.add(pack(append))
    },
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
    async restore(events, commands, unfinished = false) {
      await writer().run(
        'restore',
        events.map(packRow),
        commands.map(packCommand),
        claimsIn(events),
        unfinished,
      )
      wake(reader.head().position)
    },
    dropResponses: async (before) => await writer().run('dropResponses', before),
    onAppended(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      if (closed) return
      closed = true
      await queue.drained()
      reader.close()
      await thread?.close()
      unlock()
    },
  }
}
