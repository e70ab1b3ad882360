// Rows of read models and the checkpoints of their projections, stored together.
// Every engine must pass read-models.contract.ts.
import type { Find, Found, Group, Row, Table } from '#kernel/projection.ts'

export type ReadModels = {
  /**
   * Makes the tables of these projections and forgets none that are there. A projection whose
   * stored `version` or columns differ comes back in the list: it has to be rebuilt.
   */
  define(projections: readonly Definition[]): Promise<readonly string[]>
  /** Rows by key, in the order of the keys; undefined where there is none. */
  load(table: Table, keys: readonly string[]): Promise<readonly (Row | undefined)[]>
  find(table: Table, query: Find): Promise<Found>
  /** One row per group: the `by` columns, `count`, and the sums under their columns' names. */
  group(table: Table, query: Group): Promise<readonly Row[]>
  /** Keys of the rows whose columns have these values. */
  keysOf(
    table: Table,
    lookup: Readonly<Record<string, string | number>>,
  ): Promise<readonly string[]>
  checkpoints(): Promise<ReadonlyMap<string, number>>
  /**
   * Another number after everything that changes rows without moving the checkpoint: a swap, a
   * drop, a commit from a position to itself. What was remembered of the rows is void with it.
   */
  generations(): Promise<ReadonlyMap<string, number>>
  /**
   * Rows, parked events and checkpoints of several projections in one transaction; false and
   * nothing written when any checkpoint is not at `from` (another runner was faster), is held,
   * has another `generation` than the commit names, or a table of other columns by now.
   */
  commit(commits: readonly Commit[]): Promise<boolean>
  /** Events that wait, in order of position; of one projection or of all. */
  parked(projection?: string): Promise<readonly Parked[]>
  /**
   * Whether any event waits under one of these keys; one that ends with `*` stands for all that
   * begin so.
   */
  isParked(projection: string, keys: readonly string[]): Promise<boolean>
  /**
   * The table beside the live one takes its name, with its checkpoint; atomically. Whoever was
   * about to commit to the old one, in this process or another, gets false from `commit`. False and
   * nothing done when the live one has gone further: readers have seen it there.
   */
  swap(projection: string, shadow: string): Promise<boolean>
  /**
   * From its return on, nobody commits to this projection (`commit` answers false), in this process
   * or another, until `letGo` or the end of `forMs`; absent: for ever, also after opening again.
   * Held again: the longer time counts. Any name can be held, whether or not it is there.
   */
  hold(projection: string, forMs?: number): Promise<void>
  /** `timed`: only what was held for a time; what is held for ever stays so. */
  letGo(projection: string, timed?: 'timed'): Promise<void>
  /** What is held now; `true` for those held for ever (paused by an operator). */
  held(): Promise<ReadonlyMap<string, boolean>>
  /** Removes a projection's table, checkpoint and parked events; what holds it stays. */
  drop(projection: string): Promise<void>
  /** The same rows and checkpoints for as long as it is open, whatever is written meanwhile. */
  frozen(): Promise<ReadModels>
  close(): Promise<void>
}

/** `name` is the projection's, or `name` + a suffix for a table built beside it. */
export type Definition = { readonly name: string; readonly version: number; readonly table: Table }

export type Commit = {
  readonly projection: string
  readonly table: Table
  readonly from: number
  readonly to: number
  /** Of the rows that these were made from; absent: of whatever is there. */
  readonly generation?: number
  readonly upserts: readonly Row[]
  readonly deletes: readonly string[]
  readonly park: readonly Parked[]
  /** Positions of parked events that were taken after all. */
  readonly unpark: readonly number[]
}

/**
 * An event that a projection could not take, or one that waits behind it. The log keeps the event
 * itself.
 */
export type Parked = {
  readonly projection: string
  readonly position: number
  readonly keys: readonly string[]
  /** Why; empty for those that only wait. */
  readonly error: string
}

/**
 * What nobody can answer: an unknown column, a value of another kind, a cursor of another query.
 */
export class InvalidQuery extends Error {
  override readonly name = 'InvalidQuery'
  readonly field: string
  /** What is wrong with it, without its name. */
  readonly reason: string

  constructor(field: string, reason: string) {
    super(`${field} ${reason}`)
    this.field = field
    this.reason = reason
  }
}
/** The table is not there yet, or still has the columns of another version: it is being rebuilt. */
export class TableUnready extends Error {
  override readonly name = 'TableUnready'
}
/** These rows cannot be stored: a value of the wrong kind, a unique index. Nothing was written. */
export class RowsRefused extends Error {
  override readonly name = 'RowsRefused'
}
