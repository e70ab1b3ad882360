// The writing side of the SQLite log: judges appends and writes a batch of them in one transaction.
// Synchronous; lives in the log's worker thread (or in the caller's, for tests and small programs).
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import type { Claim } from '#kernel/message.ts'
import type { CommandRecord, Expected, Verdict } from '#storage/event-log.ts'

/** An append as it crosses to the worker: texts only, cheap to copy. */
export type Packed = {
  readonly writes: readonly (readonly [stream: string, expected: Expected, events: PackedEvents])[]
  readonly claims: readonly Claim[]
  readonly releases: readonly Claim[]
  readonly command: readonly [id: string, fingerprint: string, response: string] | null
}
/** [event_id, event_type, event_version, data, metadata, occurred_at or null] */
export type PackedEvent = readonly [string, string, number, string, string, string | null]
type PackedEvents = readonly PackedEvent[]

/** All columns of an event, for restore. */
export type PackedRow = readonly [
  position: number,
  event_id: string,
  stream: string,
  version: number,
  event_type: string,
  event_version: number,
  data: string,
  metadata: string,
  occurred_at: string | null,
  timestamp: string,
]
export type PackedSnapshot = readonly [
  stream: string,
  version: number,
  stateVersion: number,
  state: string,
]
export type PackedCommand = readonly [
  id: string,
  fingerprint: string,
  position: number,
  version: number,
  response: string | null,
]

/** A verdict, or the text of an error that concerns this append alone. */
export type Judged = Verdict | { readonly error: string }

const SCHEMA = `
CREATE TABLE IF NOT EXISTS events (
  position INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL,
  stream TEXT NOT NULL,
  version INTEGER NOT NULL,
  event_type TEXT NOT NULL,
  event_version INTEGER NOT NULL,
  data TEXT NOT NULL,
  metadata TEXT NOT NULL,
  occurred_at TEXT,             -- NULL: when it was recorded
  timestamp TEXT NOT NULL,
  UNIQUE (stream, version)
) STRICT;
CREATE TABLE IF NOT EXISTS claims (
  scope TEXT NOT NULL, value TEXT NOT NULL, owner TEXT NOT NULL,
  PRIMARY KEY (scope, value)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (
  id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, position INTEGER NOT NULL,
  version INTEGER NOT NULL, response TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS snapshots (
  stream TEXT PRIMARY KEY, version INTEGER NOT NULL, state_version INTEGER NOT NULL, state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS events_stay BEFORE UPDATE ON events
  BEGIN SELECT raise(ABORT, 'events are never changed'); END;
CREATE TRIGGER IF NOT EXISTS events_remain BEFORE DELETE ON events
  BEGIN SELECT raise(ABORT, 'events are never deleted'); END;
`
const SCHEMA_VERSION = 1
const VERSIONS_KNOWN_MAX = 100_000
const CACHE_KIB = 32 * 1024
const CHECKPOINT_PAGES = 4_000

/** A SQLite with the WAL-reset bug can corrupt a database that two connections use; 3.51.3 mends it. */
const SQLITE_AT_LEAST = [3, 51, 3] as const

export function assertSoundSqlite(version: string): void {
  const parts = version.split('.').map(Number)
  for (let i = 0; i < SQLITE_AT_LEAST.length; i++) {
    const [have, need] = [parts[i] ?? 0, SQLITE_AT_LEAST[i] ?? 0]
    if (have > need) return
    if (have < need)
      throw new Error(
        `SQLite ${version} can lose data (WAL-reset bug); ${SQLITE_AT_LEAST.join('.')} or newer is needed: run on a newer Node`,
      )
  }
}

/** Opens with the durability that the log promises, and refuses when SQLite did not take it. */
export function openDurable(path: string): DatabaseSync {
  const db = new DatabaseSync(path)
  try {
    const { version } = db.prepare('SELECT sqlite_version() AS version').get() as {
      version: string
    }
    assertSoundSqlite(version)
    db.exec(`PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;`)
    const mode = db.prepare('PRAGMA journal_mode = WAL').get() as { journal_mode: string }
    if (mode.journal_mode !== 'wal')
      throw new Error(`${path}: SQLite keeps journal_mode=${mode.journal_mode}, WAL is needed`)
    assertFull(db, path)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function assertFull(db: DatabaseSync, path: string): void {
  const { synchronous } = db.prepare('PRAGMA synchronous').get() as { synchronous: number }
  if (synchronous !== 2)
    throw new Error(
      `${path}: synchronous is ${synchronous}, not FULL; commits would not be durable`,
    )
}

export type LogStore = ReturnType<typeof openLogStore>

/** The writer. Exactly one may be open on a file; the caller holds the lock that sees to it. */
export function openLogStore(path: string) {
  const db = openDurable(path)
  const { user_version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  if (user_version > SCHEMA_VERSION) {
    db.close()
    throw new Error(`${path} was written by a newer Daybook (schema ${user_version}); use that one`)
  }
  db.exec(
    `PRAGMA cache_size = -${CACHE_KIB}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
     ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION};`,
  )
  const sql = statements(db)
  const versions = new LRUCache<string, number>({ max: VERSIONS_KNOWN_MAX })
  let head = sql.head.get() as { position: number; timestamp: string } | undefined
  let position = head?.position ?? 0
  let timestamp = head?.timestamp ?? new Date(0).toISOString()

  const versionOf = (stream: string): number => {
    const known = versions.get(stream)
    if (known !== undefined) return known
    const version = (sql.version.get(stream) as { version: number | null }).version ?? 0
    versions.set(stream, version)
    return version
  }

  /** Everything kept beside the file is read again; after a rollback it may be ahead of it. */
  const forget = () => {
    versions.clear()
    head = sql.head.get() as typeof head
    position = head?.position ?? 0
    timestamp = head?.timestamp ?? new Date(0).toISOString()
  }

  const recordOf = (id: string): CommandRecord | null => {
    const row = sql.command.get(id) as CommandRow | undefined
    return row === undefined ? null : toRecord(row)
  }

  /** Says no, or null when the append may be written. Changes nothing. */
  const refusal = ({ writes, claims, releases, command }: Packed): Verdict | null => {
    if (command !== null) {
      const record = recordOf(command[0])
      if (record !== null)
        return {
          ok: false,
          reason: record.fingerprint === command[1] ? 'repeated' : 'reused',
          record,
        }
    }
    for (const [stream, expected] of writes) {
      const actual = versionOf(stream)
      if (!fits(expected, actual)) return { ok: false, reason: 'conflict', stream, actual }
    }
    for (const claim of claims) {
      const owner = ownerOf(claim)
      if (owner === null || owner === claim.owner) continue
      const freed = releases.some(
        ({ scope, value, owner: by }) =>
          scope === claim.scope && value === claim.value && by === owner,
      )
      if (!freed) return { ok: false, reason: 'claimed', claim, owner }
    }
    return null
  }

  const ownerOf = ({ scope, value }: Claim): string | null =>
    (sql.owner.get(scope, value) as { owner: string } | undefined)?.owner ?? null

  const write = ({ writes, claims, releases, command }: Packed, now: string): Verdict => {
    const first = position + 1
    const after: number[] = []
    for (const [stream, , events] of writes) {
      let version = versionOf(stream)
      for (const [id, type, typeVersion, data, metadata, occurred] of events)
        sql.insert.run(
          ++position,
          id,
          stream,
          ++version,
          type,
          typeVersion,
          data,
          metadata,
          occurred,
          now,
        )
      if (events.length > 0) versions.set(stream, version)
      after.push(version)
    }
    for (const { scope, value, owner } of releases) sql.release.run(scope, value, owner)
    for (const { scope, value, owner } of claims) sql.claim.run(scope, value, owner)
    if (command !== null) {
      const [id, fingerprint, response] = command
      sql.record.run(id, fingerprint, position, after[0] ?? 0, response)
    }
    return { ok: true, position, first, versions: after, timestamp: now }
  }

  const judge = (append: Packed, now: string): Verdict => refusal(append) ?? write(append, now)

  const transaction = <T>(work: () => T): T => {
    sql.begin.run()
    try {
      const result = work()
      sql.commit.run()
      return result
    } catch (error) {
      if (db.isTransaction) sql.rollback.run()
      forget()
      throw error
    }
  }

  const tick = (): string => {
    const now = new Date().toISOString()
    return now > timestamp ? now : timestamp
  }

  return {
    /** One commit for all. If the database refuses the batch as a whole, its members go one by one. */
    apply(batch: readonly Packed[]): Judged[] {
      const now = tick()
      try {
        const verdicts = transaction(() => batch.map((append) => judge(append, now)))
        timestamp = now
        return verdicts
      } catch (error) {
        if (isDiskTrouble(error) || batch.length === 0) throw error
        return batch.map((append) => this.alone(append))
      }
    },
    alone(append: Packed): Judged {
      const now = tick()
      try {
        const verdict = transaction(() => judge(append, now))
        timestamp = now
        return verdict
      } catch (error) {
        if (isDiskTrouble(error)) throw error
        return { error: String(error) }
      }
    },
    saveSnapshots(snapshots: readonly PackedSnapshot[]): void {
      transaction(() => {
        for (const snapshot of snapshots) sql.snapshot.run(...snapshot)
      })
    },
    restore(
      rows: readonly PackedRow[],
      commands: readonly PackedCommand[],
      claims: Restored,
    ): void {
      transaction(() => {
        for (const row of rows) {
          if (row[0] !== position + 1)
            throw new RangeError(`position ${row[0]} does not follow ${position}`)
          if (row[3] !== versionOf(row[2]) + 1)
            throw new RangeError(
              `version ${row[3]} of ${row[2]} does not follow ${versionOf(row[2])}`,
            )
          if (row[9] < timestamp)
            throw new RangeError(`position ${row[0]} lies before its predecessor`)
          sql.insert.run(...row)
          position = row[0]
          timestamp = row[9]
          versions.set(row[2], row[3])
          const moved = claims.get(row[0])
          for (const { scope, value, owner } of moved?.releases ?? [])
            sql.release.run(scope, value, owner)
          for (const { scope, value, owner } of moved?.claims ?? [])
            sql.claim.run(scope, value, owner)
        }
        for (const command of commands) sql.record.run(...command)
      })
    },
    dropResponses(before: number): number {
      return transaction(() => Number(sql.dropResponses.run(before).changes))
    },
    close(): void {
      db.close()
    },
  }
}

/** Claims and releases of restored events, by position. */
export type Restored = ReadonlyMap<
  number,
  { readonly claims: readonly Claim[]; readonly releases: readonly Claim[] }
>

function fits(expected: Expected, actual: number): boolean {
  if (expected === 'any') return true
  if (expected === 'none') return actual === 0
  if (expected === 'exists') return actual > 0
  return expected === actual
}

export type CommandRow = {
  id: string
  fingerprint: string
  position: number
  version: number
  response: string | null
}
export const toRecord = ({ response, ...row }: CommandRow): CommandRecord => ({
  ...row,
  response: response === null ? null : JSON.parse(response),
})

/** SQLITE_FULL: nothing was written and later appends may succeed. */
export const isFull = (error: unknown): boolean => primaryCode(error) === 13
/** The disk's fault, not this batch's: its members are not tried again. */
const isDiskTrouble = (error: unknown): boolean => {
  const code = primaryCode(error)
  return code === 13 || code === 10 || code === 11 || code === 26 || code === 8 || code === 14
}
const primaryCode = (error: unknown): number =>
  typeof error === 'object' && error !== null && 'errcode' in error
    ? Number(error.errcode) & 0xff
    : 0

function statements(db: DatabaseSync): Record<StatementName, StatementSync> {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    head: db.prepare('SELECT position, timestamp FROM events ORDER BY position DESC LIMIT 1'),
    version: db.prepare('SELECT max(version) AS version FROM events WHERE stream = ?'),
    insert: db.prepare(
      `INSERT INTO events (position, event_id, stream, version, event_type, event_version, data,
       metadata, occurred_at, timestamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    owner: db.prepare('SELECT owner FROM claims WHERE scope = ? AND value = ?'),
    claim: db.prepare('INSERT OR REPLACE INTO claims (scope, value, owner) VALUES (?, ?, ?)'),
    release: db.prepare('DELETE FROM claims WHERE scope = ? AND value = ? AND owner = ?'),
    command: db.prepare('SELECT * FROM commands WHERE id = ?'),
    record: db.prepare(
      'INSERT INTO commands (id, fingerprint, position, version, response) VALUES (?, ?, ?, ?, ?)',
    ),
    dropResponses: db.prepare(
      'UPDATE commands SET response = NULL WHERE position < ? AND response IS NOT NULL',
    ),
    snapshot: db.prepare(
      `INSERT INTO snapshots (stream, version, state_version, state) VALUES (?, ?, ?, ?)
       ON CONFLICT (stream) DO UPDATE SET version = excluded.version,
         state_version = excluded.state_version, state = excluded.state
       WHERE excluded.version >= snapshots.version OR excluded.state_version > snapshots.state_version`,
    ),
  }
}
type StatementName =
  | 'begin'
  | 'commit'
  | 'rollback'
  | 'head'
  | 'version'
  | 'insert'
  | 'owner'
  | 'claim'
  | 'release'
  | 'command'
  | 'record'
  | 'dropResponses'
  | 'snapshot'
