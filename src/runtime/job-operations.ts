// Imports and exports as operators see them: begun, watched, stopped, taken up again. The admin API
// speaks it.
export const JOB_KINDS = ['products', 'stock', 'customers'] as const
export const JOB_FORMATS = ['csv', 'ndjson'] as const
/** `add`: quantities come on top of what is there. */
export const JOB_MODES = ['set', 'add'] as const

export type JobKind = (typeof JOB_KINDS)[number]
export type JobFormat = (typeof JOB_FORMATS)[number]
export type JobMode = (typeof JOB_MODES)[number]

export type JobView = {
  readonly job_id: string
  readonly direction: 'import' | 'export'
  readonly kind: JobKind
  readonly format: JobFormat
  readonly mode: JobMode
  readonly dry_run: boolean
  readonly status: string
  readonly note: string | null
  /** Rows that are dealt with. */
  readonly rows: number
  readonly created: number
  readonly updated: number
  readonly failed: number
  readonly started_by: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly ended_at: string | null
}
export type JobRowError = { readonly line: number; readonly field: string; readonly reason: string }

export type StartJob = {
  readonly kind: JobKind
  readonly format: JobFormat
  readonly user_id: string | null
  /** The same key once more: the same job, if it is the same file. null: a new one each time. */
  readonly key: string | null
}
export type StartImport = StartJob & { readonly mode: JobMode; readonly dry_run: boolean }

/** `done`: false where the job is in no state for that. */
export type JobMove = { readonly job: JobView; readonly done: boolean }

export type JobOperations = {
  /** Takes the whole text, then queues it. Throws the four errors below. */
  startImport(wanted: StartImport, text: AsyncIterable<Uint8Array>): Promise<JobView>
  startExport(wanted: StartJob): Promise<JobView>
  /** null: there is none, or it is of the other direction. */
  get(direction: JobView['direction'], jobId: string): Promise<JobView | null>
  list(
    direction: JobView['direction'],
    page: { readonly before?: string; readonly limit: number },
  ): Promise<readonly JobView[]>
  errors(
    jobId: string,
    page: { readonly after: Pick<JobRowError, 'line' | 'field'> | null; readonly limit: number },
  ): Promise<readonly JobRowError[]>
  stop(jobId: string): Promise<JobMove | null>
  resume(jobId: string): Promise<JobMove | null>
  /** What an export has written, once it is done. */
  text(jobId: string): AsyncIterable<Uint8Array>
}

/** The text is no such file; the message tells why. */
export class TextRefused extends Error {
  override readonly name = 'TextRefused'
}
/** The key of an earlier import that was told something else. */
export class KeyReused extends Error {
  override readonly name = 'KeyReused'
}
/** Two uploads with one key at a time: the later one counts. */
export class UploadTaken extends Error {
  override readonly name = 'UploadTaken'
}
export class TextTooLarge extends Error {
  override readonly name = 'TextTooLarge'
}
