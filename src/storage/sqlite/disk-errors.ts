// SQLite's errors in the words of whoever keeps the shop: which file, what is the matter with it,
// what to do.
import { statSync } from 'node:fs'
import { userInfo } from 'node:os'

/** SQLite's result codes, without their details. */
const [ERROR, BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB] = [
  1, 5, 6, 8, 10, 11, 13, 14, 26,
]

/**
 * `full`: nothing was written, later it may be. `busy`: another program holds the file, nothing was
 * written. `broken`: what a commit did is not known.
 */
export type DiskTrouble = 'full' | 'busy' | 'broken'

/** null: not the disk's fault. */
export function troubleOf(error: unknown): DiskTrouble | null {
  const code = codeOf(error)
  if (code === FULL) return 'full'
  if (code === BUSY || code === LOCKED) return 'busy'
  return [IOERR, CORRUPT, NOTADB, READONLY, CANTOPEN].includes(code) ? 'broken' : null
}

const codeOf = (error: unknown): number =>
  typeof error === 'object' && error !== null && 'errcode' in error
    ? Number(error.errcode) & 0xff
    : 0

const RESTORE = 'put back a backup of it (docs/operating.md), or name another with --data'

/** Runs what opens a file; its errors name the file and the way out, unless the caller knows it. */
export function openingFile<T>(path: string, open: () => T, way = RESTORE): T {
  try {
    return open()
  } catch (error) {
    const why = reasonOf(codeOf(error), path, error, way)
    throw why === null ? error : new Error(why, { cause: error })
  }
}

function reasonOf(code: number, path: string, error: unknown, way: string): string | null {
  const said = error instanceof Error ? error.message : String(error)
  const out = way === '' ? '' : `: ${way}`
  if (code === NOTADB)
    return `${path} is not a database, or its first page is damaged (${said})${out}`
  // A statement of ours that its tables do not fit.
  if (code === ERROR)
    return `${path} is damaged, or another program has changed its tables (${said})${out}`
  if (code === CORRUPT) return `${path} is damaged (${said})${out}`
  if (code === FULL) return `there is no room to open ${path}: make some, then start again`
  if (code === IOERR)
    return `the disk failed while ${path} was opened (${said}): see to the disk, then start again`
  if (code === BUSY || code === LOCKED)
    return `${path} is locked by another program: end that, then start again`
  if (code === CANTOPEN || code === READONLY)
    return isFolder(path)
      ? `${path} is a folder: name a file in it with --data`
      : `${path} cannot be ${code === READONLY ? 'written' : 'opened'}: ${user()} needs to read ` +
          'and write it and the folder that it lies in'
  return null
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function user(): string {
  try {
    return `the user ${userInfo().username}`
  } catch {
    // One that has no name on this machine.
    return 'the user of this process'
  }
}

/** What goes wrong with a file of read models while it is in use. */
export function rowsTrouble(error: unknown, path: string): Error | null {
  const trouble = troubleOf(error)
  if (trouble === null) return null
  const said = error instanceof Error ? error.message : String(error)
  const why = {
    full: `no room to write ${path} (${said}): rows follow when there is some`,
    busy: `another program holds ${path} (${said}): rows follow when it lets go`,
    broken:
      `${path} cannot be used (${said}): stop, delete it with the -wal and -shm beside it, and ` +
      'start: it is filled again from the log',
  }[trouble]
  return new Error(why, { cause: error })
}
