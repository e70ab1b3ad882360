// Opens SQLite files so that a commit that was answered is on the disk, and refuses when it would
// not be.
import { DatabaseSync } from 'node:sqlite'

/**
 * A SQLite with the WAL-reset bug can corrupt a database that two connections use; 3.51.3 mends it.
 */
const SQLITE_AT_LEAST = [3, 51, 3] as const

export function assertSoundSqlite(version: string): void {
  const parts = version.split('.').map(Number)
  for (let i = 0; i < SQLITE_AT_LEAST.length; i++) {
    const [have, need] = [parts[i] ?? 0, SQLITE_AT_LEAST[i] ?? 0]
    if (have > need) return
    if (have < need)
      throw new Error(
        `SQLite ${version} can lose data (WAL-reset bug); ${SQLITE_AT_LEAST.join('.')} or newer ` +
          'is needed: run on a newer Node',
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
