// The reading side of the SQLite log: a read-only connection, short pages, no locks on the writer.
import { DatabaseSync } from 'node:sqlite'
import { type Claim, type Metadata, partsOf, type Recorded } from '#kernel/message.ts'
import type { CommandRecord, Loaded, LoadRequest, Snapshot } from '#storage/event-log.ts'
import { type CommandRow, toRecord, UNFINISHED } from './log-sql.ts'

type EventRow = {
  position: number
  event_id: string
  stream: string
  version: number
  event_type: string
  event_version: number
  data: string
  metadata: string
  occurred_at: string | null
  timestamp: string
}
type SnapshotRow = { version: number; state_version: number; state: string }

export type LogReader = ReturnType<typeof openLogReader>

/** The file must be there with its tables. */
export function openLogReader(path: string) {
  const db = new DatabaseSync(path, { readOnly: true })
  db.exec('PRAGMA busy_timeout = 5000; PRAGMA cache_size = -4096')
  const one = (text: string) => db.prepare(text)
  const all = one('SELECT * FROM events WHERE position > ? ORDER BY position LIMIT ?')
  const stream = one(
    'SELECT * FROM events WHERE stream = ? AND version > ? ORDER BY version LIMIT ?',
  )
  const streams = one(
    'SELECT * FROM events WHERE stream >= ? AND stream < ? ORDER BY position LIMIT ?',
  )
  const head = one('SELECT position, timestamp FROM events ORDER BY position DESC LIMIT 1')
  const timeOf = one('SELECT timestamp FROM events WHERE position = ?')
  const command = one('SELECT * FROM commands WHERE id = ?')
  const commands = one('SELECT * FROM commands WHERE id > ? ORDER BY id LIMIT ?')
  const claims = one(
    `SELECT scope, value, owner FROM claims WHERE (scope, value) > (?, ?)
     ORDER BY scope, value LIMIT ?`,
  )
  // A snapshot ahead of the log is a lie; the newest version is one look into the index.
  const snapshot = one(
    `SELECT version, state_version, state FROM snapshots WHERE stream = ?1
     AND version <= (SELECT max(version) FROM events WHERE stream = ?1)`,
  )
  const recorded = recorder()
  const events = (rows: unknown) => (rows as EventRow[]).map(recorded)

  return {
    ...checking(db),
    readAll: (after: number, limit: number) => events(all.all(after, limit)),
    readStream: (name: string, after: number, limit: number) =>
      events(stream.all(name, after, limit)),
    // Names of streams are ASCII, so everything that begins with the prefix lies below prefix +
    // DEL.
    readStreams: (prefix: string, limit: number) =>
      events(streams.all(prefix, `${prefix}\u007f`, limit)),
    head() {
      const row = head.get() as { position: number; timestamp: string } | undefined
      return row === undefined ? { position: 0, timestamp: new Date(0).toISOString() } : { ...row }
    },
    /** Times never fall along the log, so halving finds the place without an index. */
    positionAt(time: string): number {
      let low = 0
      let high = this.head().position
      while (low < high) {
        const middle = Math.ceil((low + high) / 2)
        const { timestamp } = timeOf.get(middle) as { timestamp: string }
        if (timestamp <= time) low = middle
        else high = middle - 1
      }
      return low
    },
    commandRecord(id: string): CommandRecord | null {
      const row = command.get(id) as CommandRow | undefined
      return row === undefined ? null : toRecord(row)
    },
    commandRecords: (afterId: string, limit: number) =>
      (commands.all(afterId, limit) as CommandRow[]).map(toRecord),
    claims: (scope: string, value: string, limit: number) =>
      (claims.all(scope, value, limit) as Claim[]).map((claim) => ({ ...claim })),
    load(request: LoadRequest): Loaded {
      const found = usableSnapshot(request)
      const after = found?.version ?? request.after
      const rows = stream.all(request.stream, after, -1)
      return {
        snapshot:
          found === null ? null : { version: found.version, state: JSON.parse(found.state) },
        events: rows.length === 0 ? [] : events(rows),
      }
    },
    close: () => db.close(),
  }

  function usableSnapshot({ stream: name, after, stateVersion }: LoadRequest): SnapshotRow | null {
    // A caller that knows the stream up to some version only wants what follows.
    if (stateVersion === undefined || after > 0) return null
    const row = snapshot.get(name) as SnapshotRow | undefined
    return row === undefined || row.state_version !== stateVersion ? null : row
  }
}

/** What nobody asks who only serves: for `verify`, backups and restores. */
function checking(db: DatabaseSync) {
  const commandsOf = db.prepare(
    'SELECT * FROM commands WHERE id IN (SELECT value FROM json_each(?))',
  )
  const snapshots = db.prepare('SELECT * FROM snapshots WHERE stream > ? ORDER BY stream LIMIT ?')
  const purpose = db.prepare('PRAGMA application_id')
  return {
    commandRecordsOf: (ids: readonly string[]) =>
      (commandsOf.all(JSON.stringify(ids)) as CommandRow[]).map(toRecord),
    snapshots: (afterStream: string, limit: number) =>
      (snapshots.all(afterStream, limit) as (SnapshotRow & { stream: string })[]).map(
        ({ state, ...kept }): Snapshot => ({ ...kept, state: JSON.parse(state) }),
      ),
    isUnfinished: () => (purpose.get() as { application_id: number }).application_id === UNFINISHED,
  }
}

/** Rows to events. Events of one append share their metadata's text, so it is parsed once. */
function recorder(): (row: EventRow) => Recorded {
  let lastText = ''
  let lastMetadata: Metadata = {}
  return ({ stream, data, metadata, occurred_at, ...row }) => {
    if (metadata !== lastText) {
      lastMetadata = JSON.parse(metadata)
      lastText = metadata
    }
    const { aggregate_type, aggregate_id } = partsOf(stream)
    return {
      position: row.position,
      event_id: row.event_id,
      aggregate_type,
      aggregate_id,
      version: row.version,
      event_type: row.event_type,
      event_version: row.event_version,
      data: JSON.parse(data),
      metadata: lastMetadata,
      occurred_at: occurred_at ?? row.timestamp,
      timestamp: row.timestamp,
    }
  }
}
