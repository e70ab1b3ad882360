// The bare table: the log's columns, the log's durability, and nothing else.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { RawRow } from './sample-event.ts'

export type RawTable = {
  readonly db: DatabaseSync
  insert(stream: string, version: number, row: RawRow): void
}

export function openRawTable(folder: string): RawTable {
  const db = new DatabaseSync(join(folder, 'raw.db'))
  // The log's own settings: with others the baseline would be another machine's.
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768;
    PRAGMA wal_autocheckpoint = 4000;
    CREATE TABLE events (position INTEGER PRIMARY KEY, event_id TEXT NOT NULL, stream TEXT NOT NULL,
      version INTEGER NOT NULL, event_type TEXT NOT NULL, event_version INTEGER NOT NULL,
      data TEXT NOT NULL, metadata TEXT NOT NULL, occurred_at TEXT, timestamp TEXT NOT NULL,
      UNIQUE (stream, version)) STRICT`)
  const statement = db.prepare(
    `INSERT INTO events (event_id, stream, version, event_type, event_version, data, metadata,
     occurred_at, timestamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  return {
    db,
    insert(stream, version, [event_id, type, typeVersion, ...rest]) {
      statement.run(event_id, stream, version, type, typeVersion, ...rest)
    },
  }
}
