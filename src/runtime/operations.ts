// What operators may do to a running system, as one port: the admin API and the command line speak
// it.
import type { Recorded } from '#kernel/message.ts'
import type { Parked } from '#storage/read-models.ts'
import type { JobOperations } from './job-operations.ts'

export type Operations = {
  /**
   * Events of one stream, or of all streams with this aggregate id; `raw`: as stored, not lifted.
   */
  events(query: EventsQuery): Promise<readonly Recorded[]>
  projections(): Promise<readonly ProjectionStatus[]>
  /** Built beside the live table, compared, swapped (not when `dryRun`). */
  rebuild(name: string, options: { readonly dryRun: boolean }): Promise<RebuildReport>
  pause(name: string): Promise<void>
  resume(name: string): Promise<void>
  parked(): Promise<readonly Parked[]>
  /** Tries the parked events of a projection again, in order; the number taken. */
  retryParked(projection: string): Promise<number>
  verify(onProgress?: (progress: Progress) => void): Promise<VerifyReport>
  health(): Promise<Health>
  /** Imports and exports; absent where the process has not the role for them. */
  readonly jobs?: JobOperations
}

export type EventsQuery = {
  readonly aggregateId: string
  readonly after?: number
  readonly limit: number
  readonly upTo?: number
  readonly raw?: boolean
}
export type ProjectionStatus = {
  readonly name: string
  readonly version: number
  readonly status: 'running' | 'paused' | 'rebuilding' | 'faulted'
  readonly checkpoint: number
  /** Events behind the end of the log, read at this moment. */
  readonly lag_events: number
  /** Age of the oldest event not yet taken; 0 when none. */
  readonly lag_seconds: number
  readonly parked: number
}
export type Difference = {
  readonly key: string
  readonly live: object | null
  readonly rebuilt: object | null
}
export type RebuildReport = {
  readonly projection: string
  readonly events: number
  readonly rows: number
  /** Rows that differ; the first 100 are named. */
  readonly differing: number
  readonly differences: readonly Difference[]
  readonly swapped: boolean
}
export type VerifyReport = {
  readonly position: number
  readonly checks: readonly {
    /** `read model order_views`, `claims`, `command records`, `seals`. */
    readonly name: string
    readonly compared: number
    readonly differing: number
    readonly differences: readonly Difference[]
  }[]
  readonly differences: number
}
export type Progress = { readonly what: string; readonly done: number; readonly of: number }
export type Health = {
  readonly status: 'ok' | 'degraded' | 'failing'
  readonly warnings: readonly string[]
  readonly components: Readonly<Record<string, unknown>>
}
