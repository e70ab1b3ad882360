// Questions of read models as SQL. Names come from the table's definition alone, values are always
// bound.
import type { SQLInputValue } from 'node:sqlite'
import type { Condition, Filter, Find, Group, Value } from '#kernel/projection.ts'
import { type Order, orderOf, placeOf } from '#storage/find-cursor.ts'
import { InvalidQuery } from '#storage/read-models.ts'
import type { Shape, ShapeColumn } from '#storage/table-shape.ts'

export type Sql = { readonly text: string; readonly values: readonly SQLInputValue[] }

export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
export const columnList = (columns: readonly ShapeColumn[]) =>
  columns.map(({ name }) => quoted(name)).join(', ')

export type FindSql = { readonly page: Sql; readonly count: Sql; readonly order: readonly Order[] }

/** One row more than asked for, so that the reader knows whether another page follows. */
export function findSql(shape: Shape, query: Find): FindSql {
  const order = orderOf(shape, query.sort)
  const from = `FROM ${quoted(shape.table)}`
  const values: SQLInputValue[] = []
  const matching = matchSql(shape, query.where, query.any, values)
  const count = { text: `SELECT count(*) ${from} WHERE ${matching}`, values: [...values] }
  const after =
    query.cursor === undefined
      ? ''
      : ` AND ${afterSql(order, placeOf(shape, order, query.cursor), values)}`
  const sorted = order.map(({ column, descending }) =>
    descending ? `${quoted(column.name)} DESC` : quoted(column.name),
  )
  values.push(counted('limit', query.limit) + 1, counted('offset', query.offset ?? 0))
  const text =
    `SELECT ${columnList(shape.columns)} ${from} WHERE ${matching}${after} ` +
    `ORDER BY ${sorted.join(', ')} LIMIT ? OFFSET ?`
  return { page: { text, values }, count, order }
}

const LIMIT_MAX = 2 ** 40
function counted(field: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > LIMIT_MAX)
    throw new InvalidQuery(field, 'must be a whole number that is not negative')
  return value
}

export type GroupSql = Sql & {
  readonly by: readonly ShapeColumn[]
  readonly sums: readonly string[]
}

export function groupSql(shape: Shape, query: Group): GroupSql {
  const values: SQLInputValue[] = []
  const by = query.by.map((part) => groupable(shape, part))
  const sums = query.sums.map((name) => numeric(shape, name).name)
  const names = [...by.map(({ name }) => name), 'count', ...sums]
  if (new Set(names).size !== names.length)
    throw new InvalidQuery('by', 'and sums name a column twice')
  const parts = query.by.map((part, at) => {
    const name = quoted(by[at]!.name)
    if (typeof part === 'string') return name
    values.push(counted('length', part.length))
    return `substr(${name}, 1, ?)`
  })
  const matching = matchSql(shape, query.where, undefined, values)
  const columns = [...parts, 'count(*)', ...sums.map((name) => `coalesce(sum(${quoted(name)}), 0)`)]
  // By number, since a shortened column is no longer the column of that name.
  const numbers = parts.map((_, at) => at + 1).join(', ')
  const grouping = parts.length === 0 ? '' : ` GROUP BY ${numbers} ORDER BY ${numbers}`
  const text = `SELECT ${columns.join(', ')} FROM ${quoted(shape.table)} WHERE ${matching}${grouping}`
  return { text, values, by, sums }
}

export function keysOfSql(shape: Shape, lookup: Readonly<Record<string, string | number>>): Sql {
  const values: SQLInputValue[] = []
  const key = quoted(shape.key)
  const matching = filterSql(shape, lookup, values)
  return {
    text: `SELECT ${key} FROM ${quoted(shape.table)} WHERE ${matching} ORDER BY ${key}`,
    values,
  }
}

// ── conditions ────────────────────────────────────────────────────────────────────────────────

function matchSql(
  shape: Shape,
  where: Filter | undefined,
  any: readonly Filter[] | undefined,
  values: SQLInputValue[],
): string {
  const all = filterSql(shape, where ?? {}, values)
  if (any === undefined) return all
  const one = any.map((filter) => `(${filterSql(shape, filter, values)})`)
  return `${all} AND (${one.length === 0 ? 'FALSE' : one.join(' OR ')})`
}

function filterSql(shape: Shape, filter: Filter, values: SQLInputValue[]): string {
  const parts: string[] = []
  for (const [name, condition] of Object.entries(filter)) {
    const column = columnOf(shape, name)
    if (condition === undefined) continue
    for (const [operator, value] of operatorsOf(condition))
      if (value !== undefined) parts.push(conditionSql(column, operator, value, values))
  }
  return parts.length === 0 ? 'TRUE' : parts.join(' AND ')
}

const operatorsOf = (condition: Condition): readonly [string, unknown][] =>
  typeof condition === 'object' && condition !== null
    ? Object.entries(condition)
    : [['eq', condition]]

const COMPARISONS: Readonly<Record<string, string>> = { gt: '>', gte: '>=', lt: '<', lte: '<=' }

function conditionSql(
  column: ShapeColumn,
  operator: string,
  value: unknown,
  values: SQLInputValue[],
): string {
  const name = quoted(column.name)
  const bind = (bound: unknown) => {
    values.push(comparable(column, bound))
    return '?'
  }
  switch (operator) {
    case 'eq':
      return value === null ? `${name} IS NULL` : `${name} = ${bind(value)}`
    case 'not':
      // Nothing is not the same as any value, so rows without one are among the answers.
      return value === null ? `${name} IS NOT NULL` : `${name} IS NOT ${bind(value)}`
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return `${name} ${COMPARISONS[operator]} ${bind(value)}`
    case 'in':
      return inSql(column, value, values)
    case 'contains':
      // No pattern, so nothing in the text is special. lower() of SQLite knows ASCII only.
      values.push(searched(column, operator, value))
      return `instr(lower(${name}), lower(?)) > 0`
    case 'starts':
      return startsSql(column, searched(column, operator, value), values)
    default:
      throw new InvalidQuery(column.name, `cannot be asked for ${operator}`)
  }
}

function inSql(column: ShapeColumn, list: unknown, values: SQLInputValue[]): string {
  if (!Array.isArray(list)) throw new InvalidQuery(column.name, 'takes a list for in')
  const given = list.filter((value) => value !== null).map((value) => comparable(column, value))
  // SQLite ends JSON text at a NUL; no row holds one, so such a value matches nothing anyway.
  const stored = given.filter((value) => !(typeof value === 'string' && value.includes('\0')))
  values.push(JSON.stringify(stored))
  const name = quoted(column.name)
  // One statement for lists of any length.
  const among = `${name} IN (SELECT value FROM json_each(?))`
  return list.includes(null) ? `(${among} OR ${name} IS NULL)` : among
}

/** As a range, so that an index helps: all that begin so lie between it and its successor. */
function startsSql(column: ShapeColumn, prefix: string, values: SQLInputValue[]): string {
  const name = quoted(column.name)
  values.push(prefix)
  const end = successor(prefix)
  if (end === null) return `${name} >= ?`
  values.push(end)
  return `${name} >= ? AND ${name} < ?`
}

/** The first text, bytewise, behind all that begin with the prefix; null when there is none. */
export function successor(prefix: string): string | null {
  const points = [...prefix.toWellFormed()].map((character) => character.codePointAt(0)!)
  while (points.length > 0) {
    const last = points.pop()!
    if (last === 0x10ffff) continue
    // Surrogates are no characters.
    return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1)
  }
  return null
}

function columnOf(shape: Shape, name: string): ShapeColumn {
  const column = shape.column.get(name)
  if (column === undefined) throw new InvalidQuery(name, `is not a column of ${shape.table}`)
  return column
}

function groupable(shape: Shape, part: Group['by'][number]): ShapeColumn {
  const column = columnOf(shape, typeof part === 'string' ? part : part.column)
  if (column.kind === 'json') throw new InvalidQuery(column.name, 'cannot be grouped by')
  if (typeof part !== 'string') searched(column, 'length', '')
  return column
}

function numeric(shape: Shape, name: string): ShapeColumn {
  const column = columnOf(shape, name)
  if (column.kind === 'int' || column.kind === 'money' || column.kind === 'quantity') return column
  throw new InvalidQuery(name, 'cannot be summed')
}

function searched(column: ShapeColumn, operator: string, value: unknown): string {
  const { kind, name } = column
  const searchable = kind === 'text' || kind === 'instant' || kind === 'day'
  if (!searchable && !(kind === 'json' && operator === 'contains'))
    throw new InvalidQuery(name, `is no text, so ${operator} means nothing`)
  if (typeof value !== 'string') throw new InvalidQuery(name, `takes a text for ${operator}`)
  return value
}

/** A value as it is stored; refused when the column could never hold it. */
function comparable({ name, kind }: ShapeColumn, value: unknown): string | number {
  switch (kind) {
    case 'bool':
      if (typeof value === 'boolean') return value ? 1 : 0
      break
    case 'int':
    case 'money':
    case 'quantity':
      if (Number.isSafeInteger(value)) return value as number
      break
    case 'json':
      throw new InvalidQuery(name, 'is a document and can only be compared with null')
    default:
      if (typeof value === 'string') return value
  }
  throw new InvalidQuery(name, `takes ${kind}`)
}

// ── the place of a cursor ─────────────────────────────────────────────────────────────────────

/** What follows this place in the order. */
function afterSql(
  order: readonly Order[],
  place: readonly Value[],
  values: SQLInputValue[],
): string {
  const descending = order[0]!.descending
  const bind = (at: number) => {
    values.push(comparable(order[at]!.column, place[at]))
    return '?'
  }
  if (order.every((one) => one.descending === descending && !one.column.nullable)) {
    // The form that walks an index from the place on.
    const names = order.map(({ column }) => quoted(column.name)).join(', ')
    const bound = order.map((_, at) => bind(at)).join(', ')
    return `(${names}) ${descending ? '<' : '>'} (${bound})`
  }
  const from = (at: number): string => {
    const one = order[at]!
    const name = quoted(one.column.name)
    const beyond =
      place[at] === null ? beyondNull(one, name) : beyondValue(one, name, () => bind(at))
    if (at === order.length - 1) return beyond
    const same = place[at] === null ? `${name} IS NULL` : `${name} = ${bind(at)}`
    return `(${beyond} OR (${same} AND ${from(at + 1)}))`
  }
  return from(0)
}

const beyondNull = ({ descending }: Order, name: string) =>
  descending ? 'FALSE' : `${name} IS NOT NULL`

function beyondValue({ descending, column }: Order, name: string, bind: () => string): string {
  if (!descending) return `${name} > ${bind()}`
  const below = `${name} < ${bind()}`
  return column.nullable ? `(${below} OR ${name} IS NULL)` : below
}
