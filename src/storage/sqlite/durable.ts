// Opens SQLite files so that a commit that was answered is on the disk, and refuses when it would
// not be.
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openingFile } from './disk-errors.ts'
import { assertWholeWal } from './wal-check.ts'

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

/**
 * The folder that a file shall lie in, made so that it outlasts a power cut: a name is on the disk
 * when the folder above it is synced. SQLite does that for its files, not for where they lie.
 */
export function makeFolderOf(path: string): void {
  const folder = dirname(resolve(path))
  const first = mkdirSync(folder, { recursive: true })
  // Windows syncs no folders.
  if (first === undefined || process.platform === 'win32') return
  for (let made = folder; made !== dirname(first); made = dirname(made)) syncFolder(dirname(made))
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/**
 * Opens with the durability that the log promises, and refuses when SQLite did not take it, or when
 * the file holds tables and not this one.
 */
export const openDurable = (path: string, table?: string): DatabaseSync =>
  openingFile(path, () => durable(path, table))

function durable(path: string, table: string | undefined): DatabaseSync {
  assertWholeWal(path)
  const db = new DatabaseSync(path)
  try {
    const { version } = db.prepare('SELECT sqlite_version() AS version').get() as {
      version: string
    }
    assertSoundSqlite(version)
    if (table !== undefined) assertOurs(db, path, table)
    db.exec(`PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;`)
    const mode = db.prepare('PRAGMA journal_mode = WAL').get() as { journal_mode: string }
    if (mode.journal_mode !== 'wal')
      throw new Error(`${path}: SQLite keeps journal_mode=${mode.journal_mode}, WAL is needed`)
    assertFull(db, path)
    // A file that may only be read would say so at the first write, hours later.
    db.exec('BEGIN IMMEDIATE; ROLLBACK')
    writeAgain(db, `${path}-wal`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

export function assertOurs(db: DatabaseSync, path: string, table: string): void {
  const names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  if (names.length === 0 || names.some(({ name }) => name === table)) return
  throw new Error(
    `${path} is the database of another program (it has no table "${table}"): name another file`,
  )
}

const CHUNK_BYTES = 1024 * 1024

/**
 * Writes once more what a process that died left in the write-ahead log. If its last sync failed,
 * the system reads those pages from memory and calls them clean: the next sync covers nothing of
 * them, and whoever was told from them would be told what a power cut takes away.
 */
function writeAgain(db: DatabaseSync, wal: string): void {
  if (!existsSync(wal) || statSync(wal).size === 0) return
  // Nobody else writes in it meanwhile.
  db.exec('BEGIN IMMEDIATE')
  const file = openSync(wal, 'r+')
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    for (let at = 0, size = 1; size > 0; at += size) {
      size = readSync(file, chunk, 0, chunk.length, at)
      writeSync(file, chunk, 0, size, at)
    }
    fsyncSync(file)
  } finally {
    closeSync(file)
    db.exec('ROLLBACK')
  }
}

function assertFull(db: DatabaseSync, path: string): void {
  const { synchronous } = db.prepare('PRAGMA synchronous').get() as { synchronous: number }
  if (synchronous !== 2)
    throw new Error(
      `${path}: synchronous is ${synchronous}, not FULL; commits would not be durable`,
    )
}
