// One import or export of the book, from where it stands to its end: what each step came to is in
// the book before the next begins, so that anybody can go on after any interruption.
import type { Send } from '#kernel/waiting.ts'
import { JOB_FORMATS, JOB_MODES, type JobFormat, type JobMode } from '#runtime/job-operations.ts'
import type { PersonalData } from '#runtime/personal.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { Job, JobBook, JobChange, JobError } from '#storage/job-book.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { bringRows, type Counts, NONE } from './bring-rows.ts'
import { headOf, textOf } from './file-text.ts'
import type { Kind } from './kind.ts'
import { isKind, kinds, rowsOf } from './kinds.ts'
import type { Rehearsal } from './rehearsal.ts'

export type JobParts = {
  readonly book: JobBook
  readonly send: Send
  readonly log: Pick<EventLog, 'claimsOf' | 'commandRecord'>
  readonly blinder: PersonalData['blinder']
  readonly reads: Pick<ReadModels, 'find'>
  readonly rehearsal: () => Rehearsal
  readonly now: () => string
  readonly tell: (line: string) => void
}

/** What a job is to do, as its `what` holds it. */
export type Wanted = {
  readonly kind: Kind
  readonly format: JobFormat
  readonly mode: JobMode
  readonly dry_run: boolean
  readonly user_id: string | null
}

/** What `what` of a job says; it was put there by this program, perhaps by a newer version. */
export function wantedOf({ job_id, what }: Job): Wanted {
  const { kind, format, mode = 'set', dry_run, user_id } = what
  const known = JOB_FORMATS.find((one) => one === format)
  const how = JOB_MODES.find((one) => one === mode)
  if (typeof kind !== 'string' || !isKind(kind) || known === undefined || how === undefined)
    throw new Error(`job ${job_id} is of a kind that this version does not know`)
  return {
    ...{ kind: kinds[kind], format: known, mode: how, dry_run: dry_run === true },
    user_id: typeof user_id === 'string' ? user_id : null,
  }
}

/** More are counted, not kept. */
const ERRORS_KEPT_MAX = 10_000

type ImportProgress = Counts & {
  /** Somebody has begun, and may have got further than this says. */
  readonly begun: boolean
  readonly kept: number
  /** Which upload's text counts: one that broke off leaves pieces behind. */
  readonly attempt: number
  /** Of the upload; null: it has not come to its end. */
  readonly digest: string | null
}
export const countsOf = ({ progress }: Job): ImportProgress => ({
  ...{ ...NONE, begun: false, kept: 0, attempt: 0, digest: null },
  ...progress,
})

/** The job moved on; null: somebody else has it now, or it was stopped. */
type Stepped = Job | null

/** Ends when the job has ended, was stopped, or `signal` says so. Throws what the stores throw. */
export async function importJob(job: Job, parts: JobParts, signal: AbortSignal): Promise<void> {
  const { book, now } = parts
  const wanted = wantedOf(job)
  const { begun, attempt, digest, ...from } = countsOf(job)
  let kept = from.kept
  const known = { begun: true, attempt, digest }
  let at: Stepped = await step(parts, job, { progress: { ...from, ...known } })
  if (at === null) return
  const onBatch = async (counts: Counts, errors: readonly JobError[]): Promise<boolean> => {
    const keep = errors.slice(0, Math.max(0, ERRORS_KEPT_MAX - kept))
    kept += keep.length
    if (at !== null) at = await step(parts, at, { progress: { ...counts, ...known, kept } }, keep)
    return at !== null
  }
  const door = wanted.dry_run ? parts.rehearsal() : parts
  const bring = {
    ...{ kind: wanted.kind, mode: wanted.mode, run: job.job_id, user_id: wanted.user_id },
    ...{ send: door.send, log: door.log, blinder: door.blinder, tell: parts.tell },
  }
  const rows = rowsOf(wanted.kind, wanted.format, piecesOf(book, job))
  const options = { from, again: begun, signal, onBatch }
  const { finished } = await bringRows(bring, rows, options)
  if (!finished || at === null) return
  await book.change(at.job_id, at.revision, { ...ended(now()), status: 'done', note: null })
  await book.dropText(job.job_id)
}

type ExportProgress = {
  readonly rows: number
  readonly pieces: number
  readonly cursor: string | null
}

export async function exportJob(job: Job, parts: JobParts, signal: AbortSignal): Promise<void> {
  const { book, reads, now } = parts
  const { kind, format } = wantedOf(job)
  const stood = job.progress as Partial<ExportProgress>
  let { rows = 0, pieces = 0, cursor = null } = stood
  let at: Stepped = job
  const write = async (text: string) => {
    const bytes = Buffer.from(text)
    for (let from = 0; from < bytes.length; from += PIECE_BYTES)
      await book.write(job.job_id, pieces++, bytes.subarray(from, from + PIECE_BYTES))
  }
  for (let isFirst = pieces === 0; isFirst || cursor !== null; isFirst = false) {
    if (signal.aborted) return
    const page = await kind.page(reads, cursor)
    await write(
      (isFirst ? headOf(format, kind.columns) : '') + textOf(format, kind.columns, page.rows),
    )
    rows += page.rows.length
    cursor = page.next
    at = await step(parts, at, { progress: { rows, pieces, cursor } satisfies ExportProgress })
    if (at === null) return
  }
  await book.change(at.job_id, at.revision, { ...ended(now()), status: 'done', note: null })
}

export const PIECE_BYTES = 256 * 1024

const PIECES_MAX = 1_000_000
export const firstPiece = (job: Job): number => countsOf(job).attempt * PIECES_MAX

export async function* piecesOf(book: JobBook, job: Job): AsyncGenerator<Uint8Array> {
  for (let piece = firstPiece(job); ; piece++) {
    const bytes = await book.read(job.job_id, piece)
    if (bytes === null) return
    yield bytes
  }
}

export const ended = (now: string) => ({ updated_at: now, ended_at: now })

/** A change of a running job. Whom an operator stopped meanwhile is stopped by it. */
async function step(
  { book, now }: JobParts,
  job: Job,
  change: Omit<JobChange, 'updated_at'>,
  errors: readonly JobError[] = [],
): Promise<Stepped> {
  const { job_id, revision } = job
  const moved = await book.change(job_id, revision, { ...change, updated_at: now() }, errors)
  if (moved !== null) return moved
  const found = await book.get(job_id)
  if (found?.status === 'stopping' && found.revision === revision + 1)
    await book.change(
      job_id,
      found.revision,
      { ...change, ...ended(now()), status: 'stopped' },
      errors,
    )
  return null
}
