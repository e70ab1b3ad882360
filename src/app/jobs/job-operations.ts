// What operators may do with imports and exports, over the book of jobs.
import { createHash, randomUUIDv7 } from 'node:crypto'
import {
  type JobMove,
  type JobOperations,
  type JobView,
  KeyReused,
  type StartImport,
  type StartJob,
  TextRefused,
  TextTooLarge,
  UploadTaken,
} from '#runtime/job-operations.ts'
import { derivedId } from '#runtime/run-waiting.ts'
import type { Job, JobBook, JobChange } from '#storage/job-book.ts'
import { FileBroken } from './columns.ts'
import { countsOf, ended, firstPiece, PIECE_BYTES, piecesOf, wantedOf } from './job-work.ts'
import { rowsOf } from './kinds.ts'

export type OperationsParts = {
  readonly book: JobBook
  readonly bytesMax: number
  readonly now: () => string
  /** There is something to do. */
  readonly wake: () => void
}

export function jobOperations({ book, bytesMax, now, wake }: OperationsParts): JobOperations {
  const begin = async (
    direction: Job['direction'],
    status: 'receiving' | 'waiting',
    { key, ...what }: StartJob,
  ): Promise<{ readonly job: Job; readonly isNew: boolean }> => {
    const job_id = key === null ? randomUUIDv7() : derivedId('job', direction, key)
    const isNew = await book.create({ job_id, direction, status, what, created_at: now() })
    const job = await book.get(job_id)
    if (job === null) throw new Error(`job ${job_id} was forgotten as soon as it was begun`)
    return { job, isNew }
  }
  /** Tried again where the runner was faster. */
  const move = async (
    jobId: string,
    changeOf: (job: Job) => Omit<JobChange, 'updated_at'> | null,
  ): Promise<JobMove | null> => {
    for (;;) {
      const job = await book.get(jobId)
      if (job === null) return null
      const change = changeOf(job)
      if (change === null) return { job: viewOf(job), done: false }
      const moved = await book.change(jobId, job.revision, { updated_at: now(), ...change })
      if (moved !== null) return { job: viewOf(moved), done: true }
    }
  }
  return {
    async startImport(wanted, text) {
      const begun = await begin('import', 'receiving', wanted)
      // Somebody's second try: what came of the first is what counts, unless nothing did.
      if (!begun.isNew && !cameToNothing(begun.job)) {
        await assertSame(begun.job, wanted, text, bytesMax)
        return viewOf(begun.job)
      }
      const mine = begun.isNew ? begun.job : await takenOver(begun.job, book, now())
      if (mine === null) throw new UploadTaken(TAKEN)
      const { job_id, revision, progress } = mine
      const { trouble, digest } = await storedText(mine, text, book, bytesMax)
      const change =
        trouble === null
          ? ({ status: 'waiting', updated_at: now(), progress: { ...progress, digest } } as const)
          : ({ ...ended(now()), status: 'failed', note: trouble.message } as const)
      const moved = await book.change(job_id, revision, change)
      if (moved === null) throw new UploadTaken(TAKEN)
      if (trouble !== null) {
        await book.dropText(job_id)
        throw trouble
      }
      wake()
      return viewOf(moved)
    },
    async startExport(wanted) {
      const { job } = await begin('export', 'waiting', wanted)
      wake()
      return viewOf(job)
    },
    async get(direction, jobId) {
      const job = await book.get(jobId)
      return job === null || job.direction !== direction ? null : viewOf(job)
    },
    async list(direction, { before, limit }) {
      const last = before === undefined ? null : await book.get(before)
      const jobs = await book.list({ direction, limit, ...(last === null ? {} : { before: last }) })
      return jobs.map(viewOf)
    },
    errors: (jobId, { after, limit }) => book.errors(jobId, after, limit),
    stop: (jobId) =>
      move(jobId, ({ status }) => {
        if (status === 'waiting') return { ...ended(now()), status: 'stopped' }
        return status === 'running' ? { status: 'stopping' } : null
      }),
    async resume(jobId) {
      const moved = await move(jobId, (job) =>
        job.status === 'stopped' || (job.status === 'failed' && !cameToNothing(job))
          ? { status: 'waiting', ended_at: null, note: null }
          : null,
      )
      wake()
      return moved
    },
    async *text(jobId) {
      const job = await book.get(jobId)
      if (job !== null) yield* piecesOf(book, job)
    },
  }
}

const TAKEN = 'Another upload with the same Idempotency-Key has taken its place.'

/** An upload that broke off, or seems to; or one that was refused before a row was looked at. */
function cameToNothing(job: Job): boolean {
  if (job.direction === 'export') return false
  const { begun, digest } = countsOf(job)
  return job.status === 'receiving' || (job.status === 'failed' && !begun && digest === null)
}

/** Throws KeyReused: another file in silence would be none at all. */
async function assertSame(
  { what, ...job }: Job,
  wanted: StartImport,
  text: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<void> {
  const names = ['kind', 'format', 'mode', 'dry_run'] as const
  const differing = names.find((name) => what[name] !== wanted[name])
  if (differing !== undefined) throw new KeyReused(`${REUSED}: its ${differing} was another.`)
  const { digest } = countsOf({ what, ...job })
  const again = createHash('sha256')
  let bytes = 0
  for await (const chunk of text) {
    bytes += chunk.length
    if (bytes > bytesMax) break
    again.update(chunk)
  }
  if (digest !== again.digest('hex')) throw new KeyReused(`${REUSED}: its file was another.`)
}
const REUSED = 'The Idempotency-Key belongs to another import; take a new one'

/** From now on this upload counts, in pieces of its own. */
const takenOver = (job: Job, book: JobBook, now: string): Promise<Job | null> =>
  book.change(job.job_id, job.revision, {
    ...{ status: 'receiving', note: null, ended_at: null, updated_at: now },
    progress: { ...job.progress, attempt: countsOf(job).attempt + 1 },
  })

type StoredText = {
  readonly trouble: TextTooLarge | TextRefused | null
  readonly digest: string
}

/** Keeps the text; `trouble`: with it as a whole, as far as its first row tells. */
async function storedText(
  job: Job,
  text: AsyncIterable<Uint8Array>,
  book: JobBook,
  bytesMax: number,
): Promise<StoredText> {
  const { bytes, digest } = await received(book, job, text, bytesMax)
  if (bytes > bytesMax)
    return { digest, trouble: new TextTooLarge(`The file is larger than ${bytesMax} bytes.`) }
  const { kind, format } = wantedOf(job)
  try {
    for await (const _ of rowsOf(kind, format, piecesOf(book, job))) break
    return { digest, trouble: null }
  } catch (error) {
    if (error instanceof FileBroken) return { digest, trouble: new TextRefused(error.message) }
    throw error
  }
}

/** How many bytes came, and what they were; of what is too much no more is kept. */
async function received(
  book: JobBook,
  job: Job,
  text: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<{ readonly bytes: number; readonly digest: string }> {
  const digest = createHash('sha256')
  let bytes = 0
  let piece = firstPiece(job)
  let held: Uint8Array[] = []
  let size = 0
  const put = async () => {
    if (size > 0) await book.write(job.job_id, piece++, Buffer.concat(held))
    held = []
    size = 0
  }
  for await (const chunk of text) {
    bytes += chunk.length
    if (bytes > bytesMax) break
    digest.update(chunk)
    held.push(chunk)
    size += chunk.length
    if (size >= PIECE_BYTES) await put()
  }
  if (bytes <= bytesMax) await put()
  return { bytes, digest: digest.digest('hex') }
}

function viewOf(job: Job): JobView {
  const { job_id, direction, status, note, created_at, updated_at, ended_at } = job
  const { rows, created, updated, failed } = countsOf(job)
  const { kind, format, mode = 'set', dry_run = false, user_id } = job.what
  // As `begin` has put it there.
  return {
    ...{ job_id, direction, kind, format, mode, dry_run, status, note },
    ...{ rows, created, updated, failed, started_by: user_id },
    ...{ created_at, updated_at, ended_at },
  } as JobView
}
