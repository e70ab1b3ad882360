// Jobs in the schema `jobs`, for all processes on the database.
import {
  begun,
  type Job,
  type JobBook,
  type JobChange,
  type JobError,
  type NewJob,
} from '#storage/job-book.ts'
import { connect, type Run, type Statement } from './connections.ts'
import { type Migration, migrate } from './migrate.ts'

const TABLES: Migration = {
  number: 1,
  name: 'jobs',
  sql: `CREATE TABLE jobs.jobs (
      job_id text COLLATE "C" PRIMARY KEY, direction text COLLATE "C" NOT NULL,
      status text COLLATE "C" NOT NULL, what text COLLATE "C" NOT NULL,
      progress text COLLATE "C" NOT NULL, note text COLLATE "C", revision bigint NOT NULL,
      created_at text COLLATE "C" NOT NULL, updated_at text COLLATE "C" NOT NULL,
      ended_at text COLLATE "C"
    ) WITH (fillfactor = 50);
    CREATE INDEX jobs_by_time ON jobs.jobs (created_at, job_id);
    CREATE TABLE jobs.errors (
      job_id text COLLATE "C" NOT NULL REFERENCES jobs.jobs ON DELETE CASCADE,
      line bigint NOT NULL, field text COLLATE "C" NOT NULL, reason text COLLATE "C" NOT NULL,
      PRIMARY KEY (job_id, line, field)
    );
    CREATE TABLE jobs.pieces (
      job_id text COLLATE "C" NOT NULL REFERENCES jobs.jobs ON DELETE CASCADE,
      piece int NOT NULL, bytes bytea NOT NULL,
      PRIMARY KEY (job_id, piece)
    );
    ALTER TABLE jobs.pieces ALTER COLUMN bytes SET STORAGE EXTERNAL;`,
}

const COLUMNS =
  'job_id, direction, status, what, progress, note, revision, created_at, updated_at, ended_at'
const statement = (name: string, text: string): Statement => ({ name: `jobs_${name}`, text })

const CREATE = statement(
  'create',
  `INSERT INTO jobs.jobs (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT DO NOTHING RETURNING job_id`,
)
const GET = statement('get', `SELECT ${COLUMNS} FROM jobs.jobs WHERE job_id = $1`)
const HOLD = statement('hold', `SELECT ${COLUMNS} FROM jobs.jobs WHERE job_id = $1 FOR UPDATE`)
const PUT = statement(
  'put',
  `UPDATE jobs.jobs SET status = $2, progress = $3, note = $4, revision = $5, updated_at = $6,
      ended_at = $7 WHERE job_id = $1`,
)
const LIST = statement(
  'list',
  `SELECT ${COLUMNS} FROM jobs.jobs
    WHERE ($1::text IS NULL OR direction = $1) AND ($2::text[] IS NULL OR status = ANY($2))
      AND ($3::text IS NULL OR (created_at, job_id) < ($3, $4))
    ORDER BY created_at DESC, job_id DESC LIMIT $5`,
)
const WRONG = statement(
  'wrong',
  `INSERT INTO jobs.errors (job_id, line, field, reason)
    SELECT $1, e.* FROM unnest($2::bigint[], $3::text[], $4::text[]) AS e
    ON CONFLICT (job_id, line, field) DO UPDATE SET reason = excluded.reason`,
)
const ERRORS = statement(
  'errors',
  `SELECT line, field, reason FROM jobs.errors
    WHERE job_id = $1 AND (line, field) > ($2::bigint, $3::text) ORDER BY line, field LIMIT $4`,
)
const WRITE = statement(
  'write',
  `INSERT INTO jobs.pieces (job_id, piece, bytes)
    SELECT job_id, $2::int, $3::bytea FROM jobs.jobs WHERE job_id = $1
    ON CONFLICT (job_id, piece) DO UPDATE SET bytes = excluded.bytes`,
)
const READ = statement('read', 'SELECT bytes FROM jobs.pieces WHERE job_id = $1 AND piece = $2')
const DROP_PIECES = statement('drop_pieces', 'DELETE FROM jobs.pieces WHERE job_id = $1')
const PRUNE = statement(
  'prune',
  `WITH old AS (DELETE FROM jobs.jobs
      WHERE CASE status WHEN 'receiving' THEN updated_at ELSE ended_at END < $1 RETURNING 1)
    SELECT count(*) AS removed FROM old`,
)

/** Throws Unavailable when the server cannot be reached, as every method does. */
export async function openJobBook({ url }: { readonly url: string }): Promise<JobBook> {
  const connections = connect(url)
  const { read, write, transaction, close } = connections
  try {
    await migrate(connections, 'jobs', [TABLES])
  } catch (error) {
    await close()
    throw error
  }
  const one = (rows: readonly Stored[]): Job | null => (rows[0] ? jobOf(rows[0]) : null)
  return {
    create: async (job) => (await write(CREATE, valuesOf(job))).length > 0,
    get: async (jobId) => one(await read<Stored>(GET, [jobId])),
    async list({ direction = null, statuses = null, before, limit }) {
      const { created_at = null, job_id = null } = before ?? {}
      const rows = await read<Stored>(LIST, [direction, statuses, created_at, job_id, limit])
      return rows.map(jobOf)
    },
    change: (jobId, revision, change, errors = []) =>
      transaction((run) => changed(run, { jobId, revision, change, errors })),
    async errors(jobId, after, limit) {
      const { line, field } = after ?? { line: -1, field: '' }
      return await read<JobError>(ERRORS, [jobId, line, field, limit])
    },
    async write(jobId, piece, bytes) {
      await write(WRITE, [jobId, piece, Buffer.from(bytes)])
    },
    async read(jobId, piece) {
      const [row] = await read<{ bytes: Buffer }>(READ, [jobId, piece])
      return row?.bytes ?? null
    },
    async dropText(jobId) {
      await write(DROP_PIECES, [jobId])
    },
    async prune(before) {
      const [row] = await write<{ removed: number }>(PRUNE, [before])
      return row!.removed
    },
    close,
  }
}

type Stored = Omit<Job, 'what' | 'progress'> & { readonly what: string; readonly progress: string }

const jobOf = (row: Stored): Job => ({
  ...row,
  what: JSON.parse(row.what),
  progress: JSON.parse(row.progress),
})

function valuesOf(job: NewJob) {
  const { job_id, direction, status, what, progress, note, revision, ...times } = begun(job)
  return [
    ...[job_id, direction, status, JSON.stringify(what), JSON.stringify(progress), note, revision],
    ...[times.created_at, times.updated_at, times.ended_at],
  ]
}

type Changing = {
  readonly jobId: string
  readonly revision: number
  readonly change: JobChange
  readonly errors: readonly JobError[]
}

async function changed(run: Run, wanted: Changing): Promise<Job | null> {
  const { jobId, revision, change, errors } = wanted
  const [row] = await run<Stored>(HOLD, [jobId])
  if (row === undefined || row.revision !== revision) return null
  const after: Job = { ...jobOf(row), ...change, revision: revision + 1 }
  const { status, progress, note, updated_at, ended_at } = after
  const put = [jobId, status, JSON.stringify(progress), note, after.revision, updated_at, ended_at]
  await run(PUT, put)
  if (errors.length > 0)
    await run(WRONG, [
      jobId,
      errors.map(({ line }) => line),
      errors.map(({ field }) => field),
      errors.map(({ reason }) => reason),
    ])
  return after
}
