// Read models: typed tables kept up to date by events. Pure; rows and checkpoint are stored by the
// runtime.
import type { Recorded } from '#kernel/message.ts'

/**
 * Stored as text, integer or JSON. `money` and `quantity` are integers that the edge shows as
 * decimals.
 */
export type ColumnKind = 'text' | 'int' | 'bool' | 'instant' | 'day' | 'json' | 'money' | 'quantity'
export type Column = {
  readonly kind: ColumnKind
  readonly nullable?: boolean
  /** Tells of a person: reports of what differs name the column, never its value. */
  readonly personal?: true
}
export type Value = string | number | boolean | null | object
export type Row = { readonly [column: string]: Value }

export type Table = {
  readonly name: string
  /** The key column; text. Composed keys are joined with `:`. */
  readonly key: string
  readonly columns: Readonly<Record<string, ColumnKind | Column>>
  /** Each an index over these columns, in order. */
  readonly indexes?: readonly (readonly string[])[]
  readonly unique?: readonly (readonly string[])[]
  /**
   * Text columns whose words can be searched, by what a match in them counts: `code` is also
   * compared as a whole and found by its beginning, before anything else; `name` comes before
   * `text`. The index leaves with the row.
   */
  readonly search?: Readonly<Record<string, SearchWeight>>
  readonly totals?: Totals
}
/**
 * Kept with every change of a row: how many rows have the same values in `by`, and what their
 * `sums` come to. A `group` that names nothing else is as quick for a million rows as for ten. For
 * columns of few values.
 */
export type Totals = { readonly by: readonly string[]; readonly sums: readonly string[] }
export type SearchWeight = 'code' | 'name' | 'text'

/** All rows whose column has this value: for events that touch rows they cannot name. */
export type Lookup = { readonly lookup: Readonly<Record<string, string | number>> }

// biome-ignore lint/suspicious/noExplicitAny: each handler names its data; see `projection`
export type Handler<R, Data = any> = {
  /** The rows this event touches. */
  readonly keys: (event: Recorded<Data>) => readonly string[] | Lookup
  /**
   * The row after the event; null removes it. Never changes its argument. `beside` knows the other
   * rows that `keys` names, as they were before the event; a row that is made of one has no past.
   */
  readonly apply: (
    row: R | undefined,
    event: Recorded<Data>,
    key: string,
    beside?: (key: string) => R | undefined,
  ) => R | null | undefined
}

/** A stream, or of a long one the part after a version, through another; null: to its end. */
export type RowSource =
  | string
  | { readonly stream: string; readonly after: number; readonly through: number | null }

/** One table and the events that fill it. No side effects, no clock. */
export type Projection<R = Row> = {
  readonly name: string
  /** Raise it when handlers or columns change: the table is rebuilt beside the old one at start. */
  readonly version: number
  readonly table: Table
  readonly on: Readonly<Record<string, Handler<R>>>
  /**
   * Which streams can have touched a row, for `as_of`; asked first without, then with the folded
   * row. A stream that ends with `*` stands for all that begin so. Absent: no `as_of` for this
   * table. The first is the row's own: a column `version` counts that stream's events.
   */
  readonly sources?: (key: string, row: R | undefined) => readonly RowSource[]
}
export const projection = <R extends object>(definition: Projection<R>): Projection =>
  // Rows go in and out through the table's columns; R is the same thing, spelled as a type.
  definition as unknown as Projection

// ── asking ────────────────────────────────────────────────────────────────────────────────────

export type Condition =
  | Value
  | {
      readonly eq?: Value | undefined
      readonly not?: Value | undefined
      readonly gt?: Value | undefined
      readonly gte?: Value | undefined
      readonly lt?: Value | undefined
      readonly lte?: Value | undefined
      readonly in?: readonly Value[] | undefined
      /** Substring, ASCII letters of either case. */
      readonly contains?: string | undefined
      /** Prefix, bytewise. */
      readonly starts?: string | undefined
    }
/** Rows that fulfil all of its conditions; `undefined`, here and in them, is none. */
export type Filter = {
  readonly [column: string]: Condition | undefined
}
/**
 * A filter, or several joined by a word; see kernel/specification.ts. No column is called `and`,
 * `or` or `not`.
 */
export type Specification =
  | Filter
  | { readonly and: readonly Specification[] }
  | { readonly or: readonly Specification[] }
  | { readonly not: Specification }
export type Sort = { readonly column: string; readonly descending?: boolean }
export type Find = {
  readonly where?: Specification
  /**
   * Only rows of a table with a search that have all the words; see kernel/search.ts. The best
   * match comes first, then `sort` decides; with `ranked: false` the sort alone does.
   */
  readonly search?: { readonly text: string; readonly ranked?: boolean }
  /** The key is always added last, so the order is total. */
  readonly sort?: readonly Sort[]
  readonly limit: number
  readonly offset?: number
  /** Opaque, from an earlier page of the same query, `where` and sort: what follows it. */
  readonly cursor?: string
  /** Also count all that match. */
  readonly total?: boolean
}
export type Found<R = Row> = {
  readonly items: readonly R[]
  readonly total: number | null
  readonly next_cursor: string | null
}
export type Group = {
  readonly where?: Specification
  /** Columns, or the first characters of one: `{ column: 'day', length: 7 }` groups by month. */
  readonly by: readonly (string | { readonly column: string; readonly length: number })[]
  readonly sums: readonly string[]
}
