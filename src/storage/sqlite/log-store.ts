// The writing side of the SQLite log: a batch of appends is one transaction and one fsync.
// Synchronous; lives in the log's worker thread (or in the caller's, for tests and small programs).

import type {
  Judged,
  Packed,
  PackedCommand,
  PackedRow,
  PackedSnapshot,
  Restored,
} from '#storage/log-packing.ts'
import { checksumOf } from './checksums.ts'
import { openingFile, troubleOf } from './disk-errors.ts'
import { openDurable } from './durable.ts'
import { addChecksums, SCHEMA, SCHEMA_VERSION, statements, UNFINISHED } from './log-sql.ts'
import { inTransaction, judge, logWriter, recordOf, restoreRow, tick } from './log-writer.ts'

const CACHE_KIB = 16 * 1024
const CHECKPOINT_PAGES = 4_000

export type LogStore = ReturnType<typeof openLogStore>

/** Exactly one may be open on a file; the caller holds the lock that sees to it. */
export const openLogStore = (path: string) => openingFile(path, () => storeOn(path))

function storeOn(path: string) {
  const db = openDurable(path, 'events')
  const { user_version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  if (user_version > SCHEMA_VERSION) {
    db.close()
    throw new Error(`${path} was written by a newer Daybook (schema ${user_version}); use that one`)
  }
  db.exec(
    `PRAGMA cache_size = -${CACHE_KIB}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
     BEGIN IMMEDIATE; ${SCHEMA}`,
  )
  addChecksums(db)
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
  const sql = statements(db)
  const writer = logWriter(db, sql)

  const together = (batch: readonly Packed[]): Judged[] => {
    const now = tick(writer)
    const verdicts = inTransaction(writer, () => batch.map((append) => judge(writer, append, now)))
    writer.timestamp = now
    return verdicts
  }
  const alone = (append: Packed): Judged => {
    try {
      return together([append])[0]!
    } catch (error) {
      if (troubleOf(error) !== null) throw error
      return { error: String(error) }
    }
  }

  return {
    /**
     * One commit for all. If the database refuses the batch as a whole, its members go one by one.
     */
    apply(batch: readonly Packed[]): Judged[] {
      try {
        return together(batch)
      } catch (error) {
        if (troubleOf(error) !== null) throw error
        return batch.map(alone)
      }
    },
    saveSnapshots(snapshots: readonly PackedSnapshot[]): void {
      inTransaction(writer, () => {
        for (const snapshot of snapshots) sql.snapshot.run(...snapshot, checksumOf(snapshot))
      })
    },
    restore(
      rows: readonly PackedRow[],
      commands: readonly PackedCommand[],
      claims: Restored,
      unfinished: boolean,
    ): void {
      inTransaction(writer, () => {
        db.exec(`PRAGMA application_id = ${unfinished ? UNFINISHED : 0}`)
        for (const row of rows) restoreRow(writer, row, claims)
        for (const command of commands) {
          if (recordOf(writer, command[0]) !== null)
            throw new RangeError(`the command record ${command[0]} is there already`)
          sql.record.run(...command, checksumOf(command))
        }
      })
    },
    dropResponses(before: number): number {
      return inTransaction(writer, () => Number(sql.dropResponses.run(before).changes))
    },
    close(): void {
      db.close()
    },
  }
}
