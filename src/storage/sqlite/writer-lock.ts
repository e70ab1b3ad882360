// One process writes a log. The lock is an open transaction on a small file of its own: the
// operating system lets go of it when the process dies, however it dies. The holder's pid stands
// beside it.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { openingFile, troubleOf } from './disk-errors.ts'

class LogLocked extends Error {
  override readonly name = 'LogLocked'
}

/** Throws LogLocked, naming the holder, when another writer has this log open. */
export function lockWriter(path: string): () => void {
  const lock = `${path}.lock`
  const db = openingFile(lock, () => new DatabaseSync(lock))
  try {
    db.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
  } catch (cause) {
    db.close()
    if (troubleOf(cause) !== 'busy') openingFile(lock, () => raise(cause))
    throw new LogLocked(
      `${path} is being written by ${holder(path)}; stop it first, or use its admin API`,
      { cause },
    )
  }
  writeFileSync(`${path}.pid`, String(process.pid))
  return () => {
    rmSync(`${path}.pid`, { force: true })
    db.exec('ROLLBACK')
    db.close()
  }
}

function raise(error: unknown): never {
  throw error
}

function holder(path: string): string {
  try {
    return `process ${readFileSync(`${path}.pid`, 'utf8')}`
  } catch {
    return 'another process'
  }
}
