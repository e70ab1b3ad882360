// A provider's book in a file beside the log. It outlives kill -9 but not a power cut: commits
// reach the operating system at once, the disk later (synchronous=NORMAL). A real provider's books
// are not lost with our power; a simulated one that waited for the disk would only slow down what
// it is there to show.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { BookName, Kept, ProviderBook } from '#providers/book.ts'
import { assertSoundSqlite } from '#storage/sqlite/durable.ts'

type Known = { asked: number; entry: string | null }
type Call = {
  readonly work: () => unknown
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
}

export async function openBook<Entry>(
  { path }: { readonly path: string },
  book: BookName,
): Promise<ProviderBook<Entry>> {
  assertSoundSqlite(process.versions.sqlite ?? '0')
  mkdirSync(dirname(path), { recursive: true })
  const db = new DatabaseSync(path)
  db.exec(TABLE)
  const { known, ask, hold, put, all, page, restore } = statements<Entry>(db, book)
  const { commit, flush } = inOneCommit(db)

  return {
    async carryOut({ operation_id, account }, judge, onTheWay) {
      const { asked } = known(operation_id)
      await onTheWay?.()
      return await commit<Entry | null>(() => {
        const arrived = known(operation_id)
        if (arrived.entry !== null) return JSON.parse(arrived.entry)
        if (arrived.asked !== asked) return null
        const held = hold(account)
        const entry = judge(held)
        put(operation_id, account, held.length, entry)
        return entry
      })
    },
    find: (operationId) =>
      commit<Entry | null>(() => {
        const { entry } = known(operationId)
        if (entry === null) ask(operationId)
        return entry === null ? null : JSON.parse(entry)
      }),
    entries: async (account) => (account === undefined ? all() : hold(account)),
    page: async (after, limit) => page(after, limit),
    restore: (operations) => commit<void>(() => operations.forEach(restore)),
    async close() {
      if (!db.isOpen) return
      flush()
      db.close()
    },
  }
}

// An operation that was only asked for has a row without an entry. Checkpoints, which wait for the
// disk, come each 32 MB: at SQLite's 4 MB they take more time than all the rest.
const TABLE = `PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
  PRAGMA wal_autocheckpoint = 8000;
  CREATE TABLE IF NOT EXISTS operations (
    book TEXT NOT NULL, operation_id TEXT NOT NULL,
    asked INTEGER NOT NULL,  -- how often somebody was told that it is not there
    account TEXT, number INTEGER, entry TEXT,
    PRIMARY KEY (book, operation_id), UNIQUE (book, account, number)
  ) STRICT, WITHOUT ROWID;`

function statements<Entry>(db: DatabaseSync, book: BookName) {
  const get = db.prepare('SELECT asked, entry FROM operations WHERE book = ? AND operation_id = ?')
  const ask = db.prepare(
    `INSERT INTO operations (book, operation_id, asked) VALUES (?, ?, 1)
     ON CONFLICT (book, operation_id) DO UPDATE SET asked = asked + 1`,
  )
  const hold = db.prepare(
    'SELECT entry FROM operations WHERE book = ? AND account = ? ORDER BY number',
  )
  const put = db.prepare(
    `INSERT INTO operations (book, operation_id, asked, account, number, entry)
     VALUES (?, ?, 0, ?, ?, ?) ON CONFLICT (book, operation_id) DO UPDATE
     SET account = excluded.account, number = excluded.number, entry = excluded.entry`,
  )
  const all = db.prepare(
    'SELECT entry FROM operations WHERE book = ? AND account IS NOT NULL ORDER BY account, number',
  )
  const after = db.prepare(
    `SELECT operation_id, account, number, entry FROM operations
     WHERE book = ? AND operation_id > ? AND account IS NOT NULL ORDER BY operation_id LIMIT ?`,
  )
  const back = db.prepare(
    `INSERT INTO operations (book, operation_id, asked, account, number, entry)
     VALUES (?, ?, 0, ?, ?, ?) ON CONFLICT DO NOTHING`,
  )
  const parsed = (rows: readonly unknown[]): readonly Entry[] =>
    (rows as { entry: string }[]).map(({ entry }) => JSON.parse(entry))
  return {
    known: (operationId: string) =>
      (get.get(book, operationId) as Known | undefined) ?? { asked: 0, entry: null },
    ask: (operationId: string) => ask.run(book, operationId),
    hold: (account: string) => parsed(hold.all(book, account)),
    put: (operationId: string, account: string, number: number, entry: Entry) =>
      put.run(book, operationId, account, number, JSON.stringify(entry)),
    all: () => parsed(all.all(book)),
    page: (operationId: string, limit: number) =>
      (after.all(book, operationId, limit) as (Kept<Entry> & { entry: string })[]).map((row) => ({
        ...row,
        entry: JSON.parse(row.entry) as Entry,
      })),
    restore: ({ operation_id, account, number, entry }: Kept<Entry>) => {
      back.run(book, operation_id, account, number, JSON.stringify(entry))
    },
  }
}

/** Calls of one moment share a commit, and its failure. */
function inOneCommit(db: DatabaseSync) {
  let waiting: Call[] = []
  const flush = () => {
    const calls = waiting
    waiting = []
    if (calls.length === 0) return
    try {
      // Taken before anything is read: another process must not write in between.
      db.exec('BEGIN IMMEDIATE')
      const answers = calls.map((call) => call.work())
      db.exec('COMMIT')
      for (const [i, { resolve }] of calls.entries()) resolve(answers[i])
    } catch (error) {
      if (db.isOpen && db.isTransaction) db.exec('ROLLBACK')
      for (const { reject } of calls) reject(error)
    }
  }
  const commit = <T>(work: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush)
      // What comes out of the work is what its caller waits for.
      waiting.push({ work, resolve: resolve as (answer: unknown) => void, reject })
    })
  return { commit, flush }
}
