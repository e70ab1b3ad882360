// What lists and rows look like from outside: fields for paging and for the past, and answers
// derived from a table's columns. Filters and sorts that a list offers: kernel/list-of.ts.
import { inUtc } from '#kernel/instants.ts'
import type {
  Column,
  ColumnKind,
  Condition,
  Find,
  Found,
  Projection,
  Row,
  Table,
} from '#kernel/projection.ts'
import type { AsOf, Reader } from '#kernel/query.ts'
import {
  day,
  flag,
  instant,
  integer,
  json,
  list,
  money,
  nullable,
  object,
  optional,
  quantity,
  type Schema,
  text,
} from '#kernel/schema.ts'

export const PAGE_STANDARD = 50
export const PAGE_MAX = 1_000

/** Input fields of a query that answers pages. */
export const paging = {
  limit: optional(integer({ min: 1, max: PAGE_MAX, description: 'Default 50.' })),
  offset: optional(integer({ min: 0 })),
  cursor: optional(text({ max: 2_000, description: '`next_cursor` of the page before.' })),
}
type Paging = {
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  readonly cursor?: string | undefined
}

export const pageOf = ({ limit = PAGE_STANDARD, offset, cursor }: Paging): Find => ({
  limit,
  total: true,
  ...(offset === undefined ? {} : { offset }),
  ...(cursor === undefined ? {} : { cursor }),
})

export const pageAnswer = (item: Schema) =>
  object({
    items: list(item),
    total: nullable(integer()),
    limit: integer(),
    offset: integer(),
    next_cursor: nullable(text({ max: 2_000 })),
  })

export const paged = <R>(
  { items, total, next_cursor }: Found<R>,
  { limit = PAGE_STANDARD, offset = 0 }: Paging,
) => ({ items, total, limit, offset, next_cursor })

/** From and to, both included, as far as they are told. */
export const between = (from: string | undefined, to: string | undefined): Condition | undefined =>
  from === undefined && to === undefined ? undefined : { gte: from, lte: to }

/** Input fields of a query that can be asked for a moment in the past. */
export const asOfFields = {
  as_of: optional(instant({ description: 'As it was known at this time.' })),
  as_of_position: optional(
    integer({ min: 0, description: 'As it was at this position of the log.' }),
  ),
  as_of_version: optional(
    integer({ min: 1, description: 'As it was when it had come to this version of its own.' }),
  ),
}
type AskedPast = {
  readonly as_of?: string
  readonly as_of_position?: number
  readonly as_of_version?: number
}

/** The row as it is, or as it was when the input asks for that with its `asOfFields`. */
export async function nowOrThen(
  reader: Reader,
  projection: Projection,
  key: string,
  input: AskedPast,
): Promise<Row | null> {
  const asOf = asOfIn(input)
  return asOf === null
    ? await reader.get(projection, key)
    : await reader.past(projection, key, asOf)
}

/**
 * The moment that is asked for, for what stands beside the row: a version of its own stream is the
 * position of that event. null: now.
 */
export async function askedMoment(
  reader: Reader,
  stream: string,
  input: AskedPast,
): Promise<Exclude<AsOf, { readonly version: number }> | null> {
  const asOf = asOfIn(input)
  if (asOf === null || !('version' in asOf)) return asOf
  const events = await reader.events([stream], asOf.version)
  return { position: events.at(-1)?.position ?? 0 }
}

/** Asked for what is, not for what was: only that changes with the rows. */
export const asksNow = (input: AskedPast): boolean => asOfIn(input) === null

function asOfIn(input: AskedPast): AsOf | null {
  if (input.as_of_position !== undefined) return { position: input.as_of_position }
  if (input.as_of_version !== undefined) return { version: input.as_of_version }
  // Events are compared with it as text.
  return input.as_of === undefined ? null : { time: inUtc(input.as_of) }
}

const SCHEMAS: Readonly<Record<ColumnKind, () => Schema>> = {
  text: () => text({ min: 0, max: 100_000 }),
  int: () => integer(),
  bool: () => flag(),
  instant: () => instant(),
  day: () => day(),
  json: () => json(),
  money: () => money(),
  quantity: () => quantity(),
}

/**
 * The answer's shape of a row: its columns, less those in `without`; `json` columns have the shapes
 * in `shapes`, so that money and quantities inside them are known.
 */
export function rowAnswer(
  { columns }: Table,
  { without = [], shapes = {} }: { without?: string[]; shapes?: Record<string, Schema> } = {},
) {
  const fields = Object.entries(columns)
    .filter(([name]) => !without.includes(name))
    .map(([name, column]) => {
      const { kind, nullable: mayBeNull }: Column =
        typeof column === 'string' ? { kind: column } : column
      const schema = shapes[name] ?? SCHEMAS[kind]()
      return [name, mayBeNull === true ? nullable(schema) : schema] as const
    })
  return object({ ...Object.fromEntries(fields), stale: optional(flag()) })
}
