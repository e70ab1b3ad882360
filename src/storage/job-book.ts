// Imports and exports under way: what each is, how far it has come, the text of its file, and what
// was wrong with which row. Apart from the log, since a file may tell of persons: what is here goes
// when it is old. Every engine must pass job-book.contract.ts.

const JOB_STATUSES = [
  /** Its file is not whole yet. */
  'receiving',
  'waiting',
  'running',
  /** To be stopped by whoever runs it. */
  'stopping',
  'stopped',
  'done',
  'failed',
] as const
export type JobStatus = (typeof JOB_STATUSES)[number]

export type Job = {
  readonly job_id: string
  readonly direction: 'import' | 'export'
  readonly status: JobStatus
  /** Kind, format, mode, who asked: never changed. Plain JSON. */
  readonly what: Readonly<Record<string, unknown>>
  /** How far it is; whoever runs it knows its meaning. Plain JSON. */
  readonly progress: Readonly<Record<string, unknown>>
  /** Why it waits, or has failed. */
  readonly note: string | null
  /** 1 at first, and one more with every change. */
  readonly revision: number
  readonly created_at: string
  readonly updated_at: string
  /** Done, stopped or failed; null: not yet, or not any more. */
  readonly ended_at: string | null
}
export type NewJob = Pick<Job, 'job_id' | 'direction' | 'status' | 'what' | 'created_at'>
export type JobChange = Partial<Pick<Job, 'status' | 'progress' | 'note' | 'ended_at'>> & {
  readonly updated_at: string
}
/** `field`: what is wrong in the row that begins in this line of the file. */
export type JobError = { readonly line: number; readonly field: string; readonly reason: string }

export type JobBook = {
  /** False: there is one with this id already, and nothing has changed. */
  create(job: NewJob): Promise<boolean>
  get(jobId: string): Promise<Job | null>
  /** The newest first, those of one moment by id; absent: any direction, any status. */
  list(query: JobQuery): Promise<readonly Job[]>
  /**
   * Changes a job that is at `revision`, and keeps what was wrong, in one go; the job after it.
   * null and nothing changed when it is at another one, or not there. The same error once more:
   * kept once.
   */
  change(
    jobId: string,
    revision: number,
    change: JobChange,
    errors?: readonly JobError[],
  ): Promise<Job | null>
  /** By line, then field, bytewise; those behind `after`. */
  errors(
    jobId: string,
    after: Pick<JobError, 'line' | 'field'> | null,
    limit: number,
  ): Promise<readonly JobError[]>
  /** A piece of the file, numbered from 0. Written again: the last word counts. */
  write(jobId: string, piece: number, bytes: Uint8Array): Promise<void>
  /** null: there is no such piece. */
  read(jobId: string, piece: number): Promise<Uint8Array | null>
  /** Forgets the file's text; of unknown jobs: nothing. */
  dropText(jobId: string): Promise<void>
  /** Forgets jobs that ended, and never-finished uploads that were last touched, before this. */
  prune(before: string): Promise<number>
  close(): Promise<void>
}
export type JobQuery = {
  readonly direction?: Job['direction']
  readonly statuses?: readonly JobStatus[]
  /** Only those created before, or at the same time with a smaller id. */
  readonly before?: Pick<Job, 'created_at' | 'job_id'>
  readonly limit: number
}

/** A job as every engine begins it. */
export const begun = (job: NewJob): Job => ({
  ...job,
  progress: {},
  note: null,
  revision: 1,
  updated_at: job.created_at,
  ended_at: null,
})
