// The event log on PostgreSQL, for as many processes as one likes: positions come from one counter
// row that each batch holds until its commit, so readers need nothing but `position > after`.
import {
  checkShape,
  type EventLog,
  LogClosed,
  type Snapshot,
  storable,
} from '#storage/event-log.ts'
import { pack } from '#storage/log-packing.ts'
import { appendQueue } from './append-queue.ts'
import { type Connections, connect, type Statement } from './connections.ts'
import { logListener } from './log-listener.ts'
import { logReader } from './log-reader.ts'
import { restoreEvents } from './log-restore.ts'
import { MIGRATIONS, SCHEMA } from './log-schema.ts'
import { batchWriter, type Patience } from './log-writer.ts'
import { migrate } from './migrate.ts'
import { checkServer } from './server-check.ts'

export type PostgresLogOptions = {
  /** `postgres://user:password@host:5432/database`; see `connections.ts` for parameters. */
  readonly url: string
  readonly patience?: Patience
}

/**
 * Makes or brings up the schema `event_store`. Throws Unavailable when the server cannot be
 * reached, Error when it is too old, not UTF-8 or not durable.
 */
export async function openEventLog({ url, patience }: PostgresLogOptions): Promise<EventLog> {
  const connections = connect(url)
  try {
    await checkServer(connections)
    await migrate(connections, SCHEMA, MIGRATIONS)
  } catch (error) {
    await connections.close()
    throw error
  }
  return eventLog(connections, patience)
}

const SNAPSHOTS: Statement = {
  name: 'log_snapshots',
  // Sorted, so that two processes that save the same ones do not wait for each other in a ring.
  text: `INSERT INTO event_store.snapshots AS k (stream, version, state_version, state)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::int[], $4::text[]) ORDER BY 1
    ON CONFLICT (stream) DO UPDATE SET version = excluded.version, state = excluded.state,
      state_version = excluded.state_version, created_at = excluded.created_at
    WHERE excluded.version >= k.version OR excluded.state_version > k.state_version`,
}
// What was dropped before is not looked through again: an hour's work does not grow with the log.
const DROPPED_TO: Statement = {
  name: 'log_dropped_to',
  text: 'SELECT responses_dropped_to AS position FROM event_store.housekeeping FOR UPDATE',
}
const DROP_RESPONSES: Statement = {
  name: 'log_drop_responses',
  text: `WITH old AS (UPDATE event_store.commands SET response = NULL
      WHERE position >= $1 AND position < $2 AND response IS NOT NULL RETURNING 1),
    mark AS (UPDATE event_store.housekeeping SET responses_dropped_to = $2 WHERE $1 < $2)
    SELECT count(*) AS dropped FROM old`,
}

function eventLog(connections: Connections, patience: Patience | undefined): EventLog {
  let closed = false
  const opened = (): void => {
    if (closed) throw new LogClosed('the log is closed')
  }
  const guarded: Connections = {
    ...connections,
    async read(statement, values) {
      opened()
      return connections.read(statement, values)
    },
  }
  const reader = logReader(guarded)
  const listener = logListener(connections, reader.head)
  const apply = batchWriter(connections, patience)
  const queue = appendQueue(async (batch) => {
    const judged = await apply(batch)
    const last = judged.findLast((one) => 'ok' in one && one.ok)
    if (last !== undefined && 'ok' in last && last.ok) listener.appended(last.position)
    return judged
  })

  return {
    capabilities: { durable: true, manyProcesses: true },
    ...reader,
    async append(append) {
      opened()
      checkShape(append)
      return await queue.add(pack(append))
    },
    async saveSnapshots(snapshots) {
      opened()
      await connections.write(SNAPSHOTS, snapshotColumns(newest(snapshots)))
    },
    async restore(events, commands, unfinished = false) {
      opened()
      await restoreEvents(connections, events, commands, unfinished)
      listener.appended((await reader.head()).position)
    },
    async dropResponses(before) {
      opened()
      return connections.transaction(async (run) => {
        const [mark] = await run<{ position: number }>(DROPPED_TO)
        const [row] = await run<{ dropped: number }>(DROP_RESPONSES, [mark!.position, before])
        return row!.dropped
      })
    },
    onAppended: listener.onAppended,
    async close() {
      if (closed) return
      closed = true
      await queue.drained()
      await listener.close()
      await connections.close()
    },
  }
}

/**
 * A statement may touch a row once: of two snapshots of one stream the later counts if it is newer.
 */
function newest(snapshots: readonly Snapshot[]): readonly Snapshot[] {
  const byStream = new Map<string, Snapshot>()
  for (const one of snapshots) {
    const before = byStream.get(one.stream)
    const isNewer =
      before === undefined ||
      one.version >= before.version ||
      one.state_version > before.state_version
    if (isNewer) byStream.set(one.stream, one)
  }
  return [...byStream.values()]
}

const snapshotColumns = (snapshots: readonly Snapshot[]) => [
  snapshots.map(({ stream }) => stream),
  snapshots.map(({ version }) => version),
  snapshots.map(({ state_version }) => state_version),
  snapshots.map(({ stream, state }) => storable(state, `snapshot of ${stream}`)),
]
