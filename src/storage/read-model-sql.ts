// Questions of read models as SQL, for all engines that speak it; what they say differently is a
// dialect. Names come from the table's definition alone, values are always bound.
import type { Filter, Find, Group, Specification, Value } from '#kernel/projection.ts'
import { nodeOf, operatorsOf, specificationTrouble } from '#kernel/specification.ts'
import { type Order, orderOf, placeOf, RANK, signatureOf } from './find-cursor.ts'
import { InvalidQuery } from './read-models.ts'
import { isNumeric, type Shape, type ShapeColumn } from './table-shape.ts'

/** A value that the column could hold. */
export type Plain = string | number | boolean
export type Comparison = '=' | '>' | '>=' | '<' | '<='
/** Keeps a value for the statement and returns what stands for it in the text. */
export type Bind = (value: Plain | readonly Plain[]) => string

export type Dialect<V> = {
  bind(values: V[]): Bind
  compare(column: ShapeColumn, operator: Comparison, value: Plain, bind: Bind): string
  /** Also true where there is no value. */
  differs(column: ShapeColumn, value: Plain, bind: Bind): string
  among(column: ShapeColumn, list: readonly Plain[], bind: Bind): string
  contains(column: ShapeColumn, text: string, bind: Bind): string
  starts(column: ShapeColumn, prefix: string, bind: Bind): string
  /** The first characters of a text, an instant or a day. */
  prefix(column: ShapeColumn, length: number, bind: Bind): string
  /** A place in ORDER BY: nulls first ascending, last descending. */
  sorted(order: Order): string
  /** Sorts a column of the answer by its number, nulls first. */
  sortedBy(number: number): string
}

/** Where the rows are, as it stands behind FROM, and what else must hold. */
export type From = { readonly table: string; readonly when: string }
/** How rows of a search rank: each by an expression, all the same, or not at all. */
export type Ranking = { readonly each: string } | number | null
export type Source = From & { readonly ranking?: Ranking }
export type Sql<V> = { readonly text: string; readonly values: V[] }

export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
export const columnList = (columns: readonly ShapeColumn[]) =>
  columns.map(({ name }) => quoted(name)).join(', ')

export type FindSql<V> = {
  /** What to select, and all that follows; the values are for both. */
  readonly columns: string
  readonly rest: string
  readonly values: V[]
  /** Its values are the first ones of `values`. */
  readonly count: Sql<V>
  /** Where it is of each row, the rank is selected behind the columns. */
  readonly ranking: Ranking
} & Pick<PageSql, 'signature' | 'order'>

/** `from` may bind values of its own; they come first. */
export function findSql<V>(
  dialect: Dialect<V>,
  from: (bind: Bind) => Source,
  shape: Shape,
  query: Find,
): FindSql<V> {
  const values: V[] = []
  const bind = dialect.bind(values)
  const { table, when, ranking = null } = from(bind)
  const matching = `${table} WHERE ${when} AND ${whereSql(dialect, shape, query.where, bind)}`
  const count = { text: `SELECT count(*) FROM ${matching}`, values: [...values] }
  const ranked = isOfEach(ranking)
  const columns = columnList(ranked ? [...shape.columns, RANK] : shape.columns)
  const source = ranked
    ? `(SELECT ${columnList(shape.columns)}, ${ranking.each} AS ${quoted(RANK.name)} ` +
      `FROM ${matching}) AS hits WHERE TRUE`
    : matching
  const { after, sorted, cut, ...place } = pageSql(dialect, shape, query, ranking, bind)
  const rest = `FROM ${source}${after} ${sorted} ${cut}`
  return { columns, rest, values, count, ranking, ...place }
}

export const isOfEach = (ranking: Ranking) => typeof ranking === 'object' && ranking !== null

export type PageSql = {
  /** What a cursor says of the question, and the columns of its place. */
  readonly signature: string
  readonly order: readonly Order[]
  /** One more condition: behind the cursor. */
  readonly after: string
  /** ORDER BY, and LIMIT with OFFSET. */
  readonly sorted: string
  readonly cut: string
}

/** One row more than asked for, so that the reader knows whether another page follows. */
export function pageSql<V>(
  dialect: Dialect<V>,
  shape: Shape,
  query: Find,
  ranking: Ranking,
  bind: Bind,
): PageSql {
  const own = orderOf(shape, query.sort)
  const order = ranking === null ? own : [{ column: RANK, descending: false }, ...own]
  const signature = signatureOf(shape, order, query)
  const place = query.cursor === undefined ? null : placeOf(signature, order, query.cursor)
  const after =
    place === null
      ? ''
      : typeof ranking === 'number'
        ? afterInTierSql(own, ranking, place, bind)
        : ` AND ${afterSql(order, place, bind)}`
  const sorted = (typeof ranking === 'number' ? own : order).map((one) => dialect.sorted(one))
  const limit = bind(counted('limit', query.limit) + 1)
  const offset = bind(counted('offset', query.offset ?? 0))
  const cut = `LIMIT ${limit} OFFSET ${offset}`
  return { signature, order, after, sorted: `ORDER BY ${sorted.join(', ')}`, cut }
}

/** Of one tier: all of it behind an earlier one, none of it before a later one. */
function afterInTierSql(
  own: readonly Order[],
  rank: number,
  [first, ...place]: readonly Value[],
  bind: Bind,
): string {
  if (first === rank) return ` AND ${afterSql(own, place, bind)}`
  return Number(first) < rank ? '' : ' AND FALSE'
}

const LIMIT_MAX = 2 ** 40
function counted(field: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > LIMIT_MAX)
    throw new InvalidQuery(field, 'must be a whole number that is not negative')
  return value
}

/** What a group counts and adds up: rows, or the totals that are kept of them. */
export type Summed = From & { readonly count: string; readonly sum: (column: string) => string }
export const ofRows = (from: From): Summed => ({
  ...from,
  count: 'count(*)',
  sum: (column) => `coalesce(sum(${quoted(column)}), 0)`,
})

export type GroupSql<V> = Sql<V> & {
  readonly by: readonly ShapeColumn[]
  readonly sums: readonly string[]
}

export function groupSql<V>(
  dialect: Dialect<V>,
  { table, when, count, sum }: Summed,
  shape: Shape,
  query: Group,
): GroupSql<V> {
  const values: V[] = []
  const bind = dialect.bind(values)
  const by = query.by.map((part) => groupable(shape, part))
  const sums = query.sums.map((name) => numeric(shape, name).name)
  const names = [...by.map(({ name }) => name), 'count', ...sums]
  if (new Set(names).size !== names.length)
    throw new InvalidQuery('by', 'and sums name a column twice')
  const parts = query.by.map((part, at) =>
    typeof part === 'string'
      ? quoted(by[at]!.name)
      : dialect.prefix(by[at]!, counted('length', part.length), bind),
  )
  const columns = [...parts, count, ...sums.map(sum)]
  const matching = `${when} AND ${whereSql(dialect, shape, query.where, bind)}`
  const select = columns.map((column, at) => `${column} AS ${quoted(names[at]!)}`).join(', ')
  // By number, since a shortened column is no longer the column of that name.
  const numbers = parts.map((_, at) => at + 1)
  const sorted = numbers.map((number) => dialect.sortedBy(number)).join(', ')
  const grouping = parts.length === 0 ? '' : ` GROUP BY ${numbers.join(', ')} ORDER BY ${sorted}`
  return { text: `SELECT ${select} FROM ${table} WHERE ${matching}${grouping}`, values, by, sums }
}

export function keysOfSql<V>(
  dialect: Dialect<V>,
  { table, when }: From,
  shape: Shape,
  lookup: Readonly<Record<string, string | number>>,
): Sql<V> {
  const values: V[] = []
  const key = quoted(shape.key)
  const matching = `${when} AND ${whereSql(dialect, shape, lookup, dialect.bind(values))}`
  return { text: `SELECT ${key} FROM ${table} WHERE ${matching} ORDER BY ${key}`, values }
}

// ── conditions ────────────────────────────────────────────────────────────────────────────────

export function whereSql<V>(
  dialect: Dialect<V>,
  shape: Shape,
  where: Specification | undefined,
  bind: Bind,
): string {
  if (where === undefined) return 'TRUE'
  const trouble = specificationTrouble(shape.definition, where)
  if (trouble !== null) throw new InvalidQuery(trouble.field, trouble.message)
  // Other conditions stand beside it.
  return `(${specificationSql(dialect, shape, where, bind)})`
}

function specificationSql<V>(
  dialect: Dialect<V>,
  shape: Shape,
  specification: Specification,
  bind: Bind,
): string {
  const node = nodeOf(specification)
  if (node.joint === null) return filterSql(dialect, shape, node.filter, bind)
  // What is not known to be true is false, also below.
  if (node.joint === 'not')
    return `(${specificationSql(dialect, shape, node.part, bind)}) IS NOT TRUE`
  const parts = node.parts.map((part) => `(${specificationSql(dialect, shape, part, bind)})`)
  if (parts.length === 0) return node.joint === 'and' ? 'TRUE' : 'FALSE'
  return parts.join(node.joint === 'and' ? ' AND ' : ' OR ')
}

function filterSql<V>(dialect: Dialect<V>, shape: Shape, filter: Filter, bind: Bind): string {
  const parts = Object.entries(filter).flatMap(([name, condition]) =>
    operatorsOf(condition).map(([operator, value]) =>
      conditionSql(dialect, columnOf(shape, name), operator, value, bind),
    ),
  )
  return parts.length === 0 ? 'TRUE' : parts.join(' AND ')
}

const COMPARISONS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const

/** The value is one that `specificationTrouble` has let through. */
function conditionSql<V>(
  dialect: Dialect<V>,
  column: ShapeColumn,
  operator: string,
  value: Value,
  bind: Bind,
): string {
  const name = quoted(column.name)
  switch (operator) {
    case 'eq':
      if (value === null) return `${name} IS NULL`
      return dialect.compare(column, '=', value as Plain, bind)
    case 'not':
      // Nothing is not the same as any value, so rows without one are among the answers.
      if (value === null) return `${name} IS NOT NULL`
      return dialect.differs(column, value as Plain, bind)
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return dialect.compare(column, COMPARISONS[operator], value as Plain, bind)
    case 'in':
      return inSql(dialect, column, value as readonly (Plain | null)[], bind)
    case 'contains':
      return dialect.contains(column, value as string, bind)
    case 'starts':
      return dialect.starts(column, value as string, bind)
    default:
      throw new InvalidQuery(column.name, `cannot be asked for ${operator}`)
  }
}

function inSql<V>(
  dialect: Dialect<V>,
  column: ShapeColumn,
  list: readonly (Plain | null)[],
  bind: Bind,
): string {
  // No row holds a NUL, and not every engine can be asked for one.
  const stored = list.filter(
    (value) => value !== null && !(typeof value === 'string' && value.includes('\0')),
  )
  // The filter has left no nulls.
  const among = dialect.among(column, stored as readonly Plain[], bind)
  return list.includes(null) ? `(${among} OR ${quoted(column.name)} IS NULL)` : among
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
  if (typeof part !== 'string' && !['text', 'instant', 'day'].includes(column.kind))
    throw new InvalidQuery(column.name, 'is no text, so length means nothing')
  return column
}

function numeric(shape: Shape, name: string): ShapeColumn {
  const column = columnOf(shape, name)
  if (isNumeric(column.kind)) return column
  throw new InvalidQuery(name, 'cannot be summed')
}

// ── the place of a cursor ─────────────────────────────────────────────────────────────────────

/** What follows this place in the order. */
function afterSql(order: readonly Order[], place: readonly Value[], bind: Bind): string {
  const first = order[0]!
  // A cursor's values fit their columns.
  const bound = (at: number) => bind(place[at] as Plain)
  if (order.every((one) => one.descending === first.descending && !one.column.nullable)) {
    // The form that walks an index from the place on.
    const names = order.map(({ column }) => quoted(column.name)).join(', ')
    const values = order.map((_, at) => bound(at)).join(', ')
    return `(${names}) ${first.descending ? '<' : '>'} (${values})`
  }
  const from = (at: number): string => {
    const one = order[at]!
    const name = quoted(one.column.name)
    const beyond =
      place[at] === null ? beyondNull(one, name) : beyondValue(one, name, () => bound(at))
    if (at === order.length - 1) return beyond
    const same = place[at] === null ? `${name} IS NULL` : `${name} = ${bound(at)}`
    return `(${beyond} OR (${same} AND ${from(at + 1)}))`
  }
  // Said once more in the form that an index can begin at.
  const name = quoted(first.column.name)
  if (place[0] === null || (first.descending && first.column.nullable)) return from(0)
  return `${name} ${first.descending ? '<=' : '>='} ${bound(0)} AND ${from(0)}`
}

const beyondNull = ({ descending }: Order, name: string) =>
  descending ? 'FALSE' : `${name} IS NOT NULL`

function beyondValue({ descending, column }: Order, name: string, bind: () => string): string {
  if (!descending) return `${name} > ${bind()}`
  const below = `${name} < ${bind()}`
  return column.nullable ? `(${below} OR ${name} IS NULL)` : below
}
