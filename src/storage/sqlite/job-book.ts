// Jobs in a file of their own beside the log. Its last moments may be lost by a power cut: then a
// job goes on a little earlier, which has no second effect.
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { begun, type Job, type JobBook, type JobError } from '#storage/job-book.ts'
import { makeFolderOf } from './durable.ts'
import { wholeIn } from './whole.ts'

const TABLES = `
  CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT PRIMARY KEY, direction TEXT NOT NULL, status TEXT NOT NULL, what TEXT NOT NULL,
    progress TEXT NOT NULL, note TEXT, revision INTEGER NOT NULL, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, ended_at TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS jobs_by_time ON jobs (created_at, job_id);
  CREATE TABLE IF NOT EXISTS job_errors (
    job_id TEXT NOT NULL, line INTEGER NOT NULL, field TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (job_id, line, field)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS job_pieces (
    job_id TEXT NOT NULL, piece INTEGER NOT NULL, bytes BLOB NOT NULL,
    UNIQUE (job_id, piece)
  ) STRICT;`

const COLUMNS =
  'job_id, direction, status, what, progress, note, revision, created_at, updated_at, ended_at'

const BUSY_MS = 5_000

export async function openJobBook({ path }: { readonly path: string }): Promise<JobBook> {
  makeFolderOf(path)
  const db = new DatabaseSync(path)
  db.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL`)
  db.exec('PRAGMA synchronous = NORMAL')
  // What is forgotten is overwritten: it may tell of persons.
  db.exec('PRAGMA secure_delete = ON')
  db.exec(TABLES)
  const statements = statementsOf(db)
  const whole = wholeIn(db)
  /** What was overwritten goes from the write-ahead log too; not now, if somebody reads. */
  const empty = () => {
    db.exec('PRAGMA busy_timeout = 0')
    db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`)
  }
  const put = (job: Job) => {
    const { what, progress, ...rest } = job
    const values = { ...rest, what: JSON.stringify(what), progress: JSON.stringify(progress) }
    statements.put.run(values as Record<string, SQLInputValue>)
  }
  const get = (jobId: string): Job | null => {
    const row = statements.get.get(jobId)
    return row === undefined ? null : jobOf(row)
  }
  return {
    create: async (job) =>
      whole(() => {
        if (get(job.job_id) !== null) return false
        put(begun(job))
        return true
      }),
    get: async (jobId) => get(jobId),
    async list({ direction = null, statuses, before, limit }) {
      const wanted = statuses === undefined ? null : JSON.stringify(statuses)
      const { created_at = null, job_id = null } = before ?? {}
      return statements.list.all(direction, wanted, created_at, job_id, limit).map(jobOf)
    },
    change: async (jobId, revision, change, errors = []) =>
      whole(() => {
        const job = get(jobId)
        if (job === null || job.revision !== revision) return null
        const after = { ...job, ...change, revision: revision + 1 }
        put(after)
        for (const { line, field, reason } of errors)
          statements.wrong.run(jobId, line, field, reason)
        return after
      }),
    async errors(jobId, after, limit) {
      const { line, field } = after ?? { line: -1, field: '' }
      // Just selected.
      const rows = statements.errors.all(jobId, line, field, limit) as unknown as JobError[]
      return rows.map((row) => ({ ...row }))
    },
    write: async (jobId, piece, bytes) => void statements.write.run(jobId, piece, bytes),
    async read(jobId, piece) {
      const row = statements.read.get(jobId, piece) as { bytes: Uint8Array } | undefined
      return row?.bytes ?? null
    },
    async dropText(jobId) {
      await dropped(() => statements.dropPieces.run(jobId))
      empty()
    },
    async prune(before) {
      // The jobs first: one that goes on meanwhile is kept with all of its text, or not at all.
      const pruned = whole(() => {
        const old = statements.old.all(before) as { job_id: string }[]
        for (const { job_id } of old) {
          statements.dropErrors.run(job_id)
          statements.drop.run(job_id)
        }
        return old.length
      })
      const pieces = await dropped(() => statements.dropLostPieces.run())
      if (pruned + pieces > 0) empty()
      return pruned
    },
    async close() {
      if (db.isOpen) db.close()
    },
  }
}

/** Some at a time, others in between: all of a large file would take a second. */
async function dropped(drop: () => { readonly changes: number | bigint }): Promise<number> {
  let pieces = 0
  for (let some = drop(); Number(some.changes) > 0; some = drop()) {
    pieces += Number(some.changes)
    await turn()
  }
  return pieces
}

function statementsOf(db: DatabaseSync) {
  return {
    get: db.prepare(`SELECT ${COLUMNS} FROM jobs WHERE job_id = ?`),
    put: db.prepare(`INSERT OR REPLACE INTO jobs (${COLUMNS}) VALUES (:job_id, :direction, :status,
      :what, :progress, :note, :revision, :created_at, :updated_at, :ended_at)`),
    list: db.prepare(`SELECT ${COLUMNS} FROM jobs
      WHERE (?1 IS NULL OR direction = ?1)
        AND (?2 IS NULL OR status IN (SELECT value FROM json_each(?2)))
        AND (?3 IS NULL OR (created_at, job_id) < (?3, ?4))
      ORDER BY created_at DESC, job_id DESC LIMIT ?5`),
    wrong: db.prepare(
      'INSERT OR REPLACE INTO job_errors (job_id, line, field, reason) VALUES (?, ?, ?, ?)',
    ),
    errors: db.prepare(`SELECT line, field, reason FROM job_errors
      WHERE job_id = ? AND (line, field) > (?, ?) ORDER BY line, field LIMIT ?`),
    // Pieces of unknown jobs would never be forgotten.
    write: db.prepare(`INSERT OR REPLACE INTO job_pieces (job_id, piece, bytes)
      SELECT job_id, ?2, ?3 FROM jobs WHERE job_id = ?1`),
    read: db.prepare('SELECT bytes FROM job_pieces WHERE job_id = ? AND piece = ?'),
    dropPieces: db.prepare(`DELETE FROM job_pieces WHERE rowid IN
      (SELECT rowid FROM job_pieces WHERE job_id = ? LIMIT 8)`),
    // Of jobs that are forgotten; also what a crash has left of them.
    dropLostPieces: db.prepare(`DELETE FROM job_pieces WHERE rowid IN
      (SELECT rowid FROM job_pieces WHERE job_id NOT IN (SELECT job_id FROM jobs) LIMIT 8)`),
    dropErrors: db.prepare('DELETE FROM job_errors WHERE job_id = ?'),
    drop: db.prepare('DELETE FROM jobs WHERE job_id = ?'),
    old: db.prepare(`SELECT job_id FROM jobs
      WHERE CASE status WHEN 'receiving' THEN updated_at ELSE ended_at END < ?`),
  }
}

const jobOf = (row: object): Job => {
  // Just selected, as it was put in.
  const { what, progress, ...rest } = row as Record<string, string>
  return { ...rest, what: JSON.parse(what!), progress: JSON.parse(progress!) } as unknown as Job
}
