// What every kind of import and export is made of: columns, how a row becomes commands, and how
// rows are read out again.
import type { Named, Rejection } from '#kernel/decider.ts'
import type { Find, Projection } from '#kernel/projection.ts'
import type { JobKind, JobMode } from '#runtime/job-operations.ts'
import type { PersonalData } from '#runtime/personal.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { Column, Fields } from './columns.ts'

/** What came of a row; `updated` also where nothing was left to change. */
export type Brought = 'created' | 'updated'

export type RowTools = {
  readonly mode: JobMode
  /** Carries a command out. `name` tells it from the row's others. Throws RowRefused. */
  readonly send: (
    name: string,
    type: string,
    input: object,
  ) => Promise<Readonly<Record<string, unknown>>>
  /** Whether this row's command of that name was carried out, before the job was interrupted. */
  readonly wasSent: (name: string) => Promise<boolean>
  /** Makes a text unreadable, as unique e-mails are kept. */
  readonly blinder: PersonalData['blinder']
  /** The id of what holds a unique value; null: nothing does. */
  readonly owner: (name: Named) => Promise<string | null>
}

/** One page of an export; `next` null: it was the last. */
export type Page = { readonly rows: readonly Fields[]; readonly next: string | null }

export type Kind = {
  readonly name: JobKind
  readonly columns: readonly Column[]
  /** Two rows of one file with the same key contradict each other. */
  readonly keyOf: (fields: Fields) => string
  readonly bring: (fields: Fields, tools: RowTools) => Promise<Brought>
  readonly page: (reads: Pick<ReadModels, 'find'>, cursor: string | null) => Promise<Page>
}

export class RowRefused extends Error {
  override readonly name = 'RowRefused'
  readonly rejection: Rejection
  constructor(rejection: Rejection) {
    super(rejection.message)
    this.rejection = rejection
  }
}
export const refuseRow = (errors: Readonly<Record<string, string>>) =>
  new RowRefused({ code: 'validation_failed', message: 'Some cells are not acceptable.', errors })

const PAGE_ROWS = 500

/** The rows behind a cursor, in the order of the table's key unless another is asked for. */
export async function pageOf<R>(
  { table }: Projection,
  { reads, cursor }: { readonly reads: Pick<ReadModels, 'find'>; readonly cursor: string | null },
  more: Pick<Find, 'where' | 'sort'> = {},
): Promise<{ readonly rows: readonly R[]; readonly next: string | null }> {
  const from = cursor === null ? {} : { cursor }
  const { items, next_cursor } = await reads.find(table, { ...more, ...from, limit: PAGE_ROWS })
  // The table's rows are of this shape.
  return { rows: items as unknown as readonly R[], next: next_cursor }
}

/** Those of these fields that the row says something about. */
export function picked(fields: Fields, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]]),
  )
}
