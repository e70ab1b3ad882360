// The log's tables and the statements of its writer.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { CommandRecord } from '#storage/event-log.ts'
import { addChecksum, fits } from './checksums.ts'

export const SCHEMA = `
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
export const SCHEMA_VERSION = 2

/** Version 2 knows the checksum of each row; rows of before have none. */
export function addChecksums(db: DatabaseSync): void {
  for (const table of ['events', 'commands', 'snapshots']) addChecksum(db, table)
}

/** The file's application_id while a restore has not come to its end: "part". */
export const UNFINISHED = 0x70617274

export type CommandRow = {
  id: string
  fingerprint: string
  position: number
  version: number
  response: string | null
  checksum?: number | null
}
export const toRecord = ({ response, checksum: _, ...row }: CommandRow): CommandRecord => ({
  ...row,
  response: response === null ? null : JSON.parse(response),
})
export const isWhole = ({ checksum, id, fingerprint, position, version, response }: CommandRow) =>
  fits(checksum, [id, fingerprint, position, version, response])

export type LogStatements = Record<StatementName, StatementSync>

export function statements(db: DatabaseSync): LogStatements {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    head: db.prepare('SELECT position, timestamp FROM events ORDER BY position DESC LIMIT 1'),
    version: db.prepare('SELECT max(version) AS version FROM events WHERE stream = ?'),
    insert: db.prepare(
      `INSERT INTO events (position, event_id, stream, version, event_type, event_version, data,
       metadata, occurred_at, timestamp, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    owner: db.prepare('SELECT owner FROM claims WHERE scope = ? AND value = ?'),
    claim: db.prepare('INSERT OR REPLACE INTO claims (scope, value, owner) VALUES (?, ?, ?)'),
    release: db.prepare('DELETE FROM claims WHERE scope = ? AND value = ? AND owner = ?'),
    command: db.prepare('SELECT * FROM commands WHERE id = ?'),
    record: db.prepare(
      `INSERT INTO commands (id, fingerprint, position, version, response, checksum)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    dropResponses: db.prepare(
      `UPDATE commands SET response = NULL, checksum = NULL
       WHERE position < ? AND response IS NOT NULL`,
    ),
    snapshot: db.prepare(
      `INSERT INTO snapshots (stream, version, state_version, state, checksum) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (stream) DO UPDATE SET version = excluded.version,
         state_version = excluded.state_version, state = excluded.state,
         checksum = excluded.checksum
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
