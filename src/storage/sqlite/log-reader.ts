// The reading side of the SQLite log: a read-only connection, short pages, no locks on the writer.
import { DatabaseSync } from 'node:sqlite'
import type { Claim, Recorded } from '#kernel/message.ts'
import type { CommandRecord, Loaded, LoadRequest, Snapshot } from '#storage/event-log.ts'
import { type EventRow, recorder } from '#storage/stored-events.ts'
import { damaged, fits } from './checksums.ts'
import { troubleOf } from './disk-errors.ts'
import { type CommandRow, isWhole, toRecord, UNFINISHED } from './log-sql.ts'

type CheckedRow = EventRow & { readonly checksum?: number | null }
type SnapshotRow = {
  stream: string
  version: number
  state_version: number
  state: string
  checksum?: number | null
}

export type LogReader = ReturnType<typeof readerOf>

const PAGE = 1_000

/** The file must be there with its tables. What SQLite cannot read is told with the file's name. */
export function openLogReader(path: string): LogReader {
  const reader = readerOf(path)
  const named = (read: (...args: never[]) => unknown) =>
    function (this: unknown, ...args: never[]) {
      try {
        return read.apply(this, args)
      } catch (error) {
        if (troubleOf(error) !== 'broken') throw error
        throw damaged(path, `something in it (${String(error)})`, error)
      }
    }
  // The same functions under the same names.
  return Object.fromEntries(
    Object.entries(reader).map(([name, read]) => [name, named(read)]),
  ) as LogReader
}

function readerOf(path: string) {
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
  // A snapshot ahead of the log is a lie; the newest version is one look into the index.
  const snapshot = one(
    `SELECT * FROM snapshots WHERE stream = ?1
     AND version <= (SELECT max(version) FROM events WHERE stream = ?1)`,
  )
  const recorded = checkedRecorder(path)
  const events = (rows: unknown) => (rows as CheckedRow[]).map(recorded)
  /** An index that has lost an entry would hide an event. */
  const following = (rows: unknown, name: string, after: number) => {
    for (const [i, { version }] of (rows as CheckedRow[]).entries())
      if (version !== after + 1 + i) throw damaged(path, `version ${after + 1 + i} of ${name}`)
    return events(rows)
  }

  return {
    ...checking(db, path),
    readAll: (after: number, limit: number) =>
      events(rising<CheckedRow>(path, all.all(after, limit), after, ({ position }) => position)),
    readStream: (name: string, after: number, limit: number) =>
      following(stream.all(name, after, limit), name, after),
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
      if (row !== undefined && !isWhole(row)) throw damaged(path, `the record of command ${id}`)
      return row === undefined ? null : toRecord(row)
    },
    load(request: LoadRequest): Loaded {
      const found = usableSnapshot(request)
      const after = found?.version ?? request.after
      const rows = stream.all(request.stream, after, -1)
      return {
        snapshot:
          found === null ? null : { version: found.version, state: JSON.parse(found.state) },
        events: rows.length === 0 ? [] : following(rows, request.stream, after),
      }
    },
    close: () => db.close(),
  }

  function usableSnapshot({ stream: name, after, stateVersion }: LoadRequest): SnapshotRow | null {
    // A caller that knows the stream up to some version only wants what follows.
    if (stateVersion === undefined || after > 0) return null
    const row = snapshot.get(name) as SnapshotRow | undefined
    if (row === undefined || row.state_version !== stateVersion) return null
    const { stream: of, version, state_version, state } = row
    // A damaged one is left alone: the events are there.
    return fits(row.checksum, [of, version, state_version, state]) ? row : null
  }
}

/** What nobody asks who only serves: for `verify`, backups and restores. */
function checking(db: DatabaseSync, path: string) {
  const commandsOf = db.prepare(
    'SELECT * FROM commands WHERE id IN (SELECT value FROM json_each(?))',
  )
  const snapshots = db.prepare('SELECT * FROM snapshots WHERE stream > ? ORDER BY stream LIMIT ?')
  const commands = db.prepare('SELECT * FROM commands WHERE id > ? ORDER BY id LIMIT ?')
  const claims = db.prepare(
    `SELECT scope, value, owner FROM claims WHERE (scope, value) > (?, ?)
     ORDER BY scope, value LIMIT ?`,
  )
  const claimsOf = db.prepare(
    `SELECT scope, value, owner FROM claims WHERE (scope, value) IN
     (SELECT value ->> 'scope', value ->> 'value' FROM json_each(?))`,
  )
  const page = (after: string, limit: number) =>
    rising<CommandRow>(path, commands.all(after, limit), after, ({ id }) => bytesOf(id))
  const purpose = db.prepare('PRAGMA application_id')
  return {
    commandRecordsOf: (ids: readonly string[]) =>
      (commandsOf.all(JSON.stringify(ids)) as CommandRow[]).map(toRecord),
    snapshots: (afterStream: string, limit: number) =>
      (snapshots.all(afterStream, limit) as SnapshotRow[]).map(
        ({ state, checksum: _, ...kept }): Snapshot => ({ ...kept, state: JSON.parse(state) }),
      ),
    commandRecords: (afterId: string, limit: number) => page(afterId, limit).map(toRecord),
    claims: (scope: string, value: string, limit: number) =>
      rising<Claim>(path, claims.all(scope, value, limit), null, nameOf).map((claim) => ({
        ...claim,
      })),
    claimsOf: (names: readonly Pick<Claim, 'scope' | 'value'>[]) =>
      (claimsOf.all(JSON.stringify(names)) as Claim[]).map((claim) => ({ ...claim })),
    /** Damaged command records. */
    damagedRecords(): readonly CommandRecord[] {
      const found: CommandRecord[] = []
      for (let rows = page('', PAGE); rows.length > 0; rows = page(rows.at(-1)!.id, PAGE))
        for (const row of rows) if (!isWhole(row)) found.push(toRecord({ ...row, response: null }))
      return found
    },
    isUnfinished: () => (purpose.get() as { application_id: number }).application_id === UNFINISHED,
  }
}

function checkedRecorder(path: string): (row: CheckedRow) => Recorded {
  const recorded = recorder()
  return (row) => {
    const { position, event_id, stream, version, event_type, event_version } = row
    const begin = [position, event_id, stream, version, event_type, event_version]
    if (!fits(row.checksum, [...begin, row.data, row.metadata, row.occurred_at, row.timestamp]))
      throw damaged(path, `the event at position ${position}`)
    return recorded(row)
  }
}

/** Text compares bytewise in SQLite, and not so here. */
const bytesOf = (text: string) => Buffer.from(text).toString('hex')
const nameOf = ({ scope, value }: Claim) => `${bytesOf(scope)}-${bytesOf(value)}`

/** In a damaged tree the way may lead back: whoever reads on would never come to an end. */
function rising<Row>(
  path: string,
  rows: unknown,
  after: number | string | null,
  keyOf: (row: Row) => number | string,
): readonly Row[] {
  let last = typeof after === 'string' ? bytesOf(after) : after
  for (const row of rows as readonly Row[]) {
    const key = keyOf(row)
    if (last !== null && key <= last) throw damaged(path, 'the order of what is in it')
    last = key
  }
  return rows as readonly Row[]
}
