// Questions to read models. A query answers null or [] for "nothing there", never an exception.
import type { Route } from '#kernel/decider.ts'
import type { Recorded } from '#kernel/message.ts'
import type { Find, Found, Group, Projection, Row } from '#kernel/projection.ts'
import type { FieldErrors, Infer, ObjectSchema, Schema } from '#kernel/schema.ts'

/** A moment in the past: a time of recording, a position, or a version of the thing itself. */
export type AsOf =
  | { readonly time: string }
  | { readonly position: number }
  | { readonly version: number }

/** What a query may read with. Answers from a parked key carry `stale: true`. */
export type Reader = {
  get(projection: Projection, key: string): Promise<Row | null>
  find(projection: Projection, query: Find): Promise<Found>
  group(projection: Projection, query: Group): Promise<readonly Row[]>
  /** The row as it was known then, folded from the log. */
  past(projection: Projection, key: string, asOf: AsOf): Promise<Row | null>
  /**
   * Events of these streams in order of position, those after one if it is named, personal fields
   * opened; for histories.
   */
  events(streams: readonly string[], limit: number, after?: number): Promise<readonly Recorded[]>
}

/** All rows that are meant, page by page. */
export async function* everyRow(
  reader: Pick<Reader, 'find'>,
  projection: Projection,
  find: Omit<Find, 'limit' | 'cursor'>,
): AsyncGenerator<Row> {
  let cursor: string | null = null
  do {
    const page: Found = await reader.find(projection, {
      ...find,
      limit: PAGE_ROWS,
      ...(cursor === null ? {} : { cursor }),
    })
    yield* page.items
    cursor = page.next_cursor
  } while (cursor !== null)
}
const PAGE_ROWS = 500

export type Query<S extends ObjectSchema = ObjectSchema> = {
  readonly type: string
  /** With `asOfFields` it offers a past, which `run` heeds. */
  readonly input: S
  /** Fields that are right by themselves and cannot be asked together, and why; null: none. */
  readonly refuses?: (input: Infer<S>) => FieldErrors | null
  readonly run: (input: Infer<S>, reader: Reader) => Promise<unknown>
  /** Shape of the answer; kinds money and quantity are shown as decimals. */
  readonly answer: Schema
  readonly route?: Route
  /** Absent: it reads each time. Never where a person is in the answer. */
  readonly keeping?: Keeping<S>
}
export const query = <S extends ObjectSchema>(definition: Query<S>): Query =>
  // `run` only ever gets what has passed `input`.
  definition as unknown as Query

/** An answer may be kept until a row that it was made of changes, and no longer than its `ttl`. */
export type Keeping<S extends ObjectSchema> = {
  /** null: not this one. Queries with the same key give the same answer. */
  readonly key: (input: Infer<S>) => string | null
  readonly ttl: TimeToLive
  /** All projections that it reads, and which names a changed row of theirs makes old. */
  readonly of: readonly Source[]
}
export type TimeToLive = 'product' | 'stock' | 'dashboard'
export type Source = {
  readonly projection: Projection
  readonly names: (rowKey: string) => readonly string[]
}

/** The key of one of many answers under a name, all of which go when the name is made old. */
export const variantKey = (name: string, type: string, input: object): string =>
  `${name}#${type}${JSON.stringify(Object.entries(input).sort(([a], [b]) => (a < b ? -1 : 1)))}`
