// What operators may do with imports and exports, over the book of jobs.
import { randomUUIDv7 } from 'node:crypto'
import {
  type JobMove,
  type JobOperations,
  type JobView,
  type StartJob,
  TextRefused,
  TextTooLarge,
} from '#runtime/job-operations.ts'
import { derivedId } from '#runtime/run-waiting.ts'
import type { Job, JobBook, JobChange } from '#storage/job-book.ts'
import { FileBroken } from './columns.ts'
import { countsOf, ended, PIECE_BYTES, piecesOf, wantedOf } from './job-work.ts'
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
      const { job, isNew } = await begin('import', 'receiving', wanted)
      // Somebody's second try: what came of the first is what counts, unless nothing did.
      if (!isNew && job.status !== 'receiving') return viewOf(job)
      await book.dropText(job.job_id)
      const fail = (note: string) =>
        move(job.job_id, () => ({ ...ended(now()), status: 'failed', note }))
      const bytes = await received(book, job.job_id, text, bytesMax)
      if (bytes > bytesMax) {
        await book.dropText(job.job_id)
        const note = `The file is larger than ${bytesMax} bytes.`
        await fail(note)
        throw new TextTooLarge(note)
      }
      const broken = await brokenHead(job, book)
      if (broken !== null) {
        await fail(broken)
        throw new TextRefused(broken)
      }
      const moved = await move(job.job_id, ({ status }) =>
        status === 'receiving' ? { status: 'waiting' } : null,
      )
      wake()
      return moved!.job
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
      const moved = await move(jobId, ({ status }) =>
        status === 'stopped' || status === 'failed'
          ? { status: 'waiting', ended_at: null, note: null }
          : null,
      )
      wake()
      return moved
    },
    text: (jobId) => piecesOf(book, jobId),
  }
}

/** What is wrong with the file as a whole, as far as its first row tells. */
async function brokenHead(job: Job, book: JobBook): Promise<string | null> {
  const { kind, format } = wantedOf(job)
  try {
    for await (const _ of rowsOf(kind, format, piecesOf(book, job.job_id))) break
    return null
  } catch (error) {
    if (error instanceof FileBroken) return error.message
    throw error
  }
}

/** How many bytes came; of what is too much no more is kept. */
async function received(
  book: JobBook,
  jobId: string,
  text: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<number> {
  let bytes = 0
  let piece = 0
  let held: Uint8Array[] = []
  let size = 0
  const put = async () => {
    if (size > 0) await book.write(jobId, piece++, Buffer.concat(held))
    held = []
    size = 0
  }
  for await (const chunk of text) {
    bytes += chunk.length
    if (bytes > bytesMax) return bytes
    held.push(chunk)
    size += chunk.length
    if (size >= PIECE_BYTES) await put()
  }
  await put()
  return bytes
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
