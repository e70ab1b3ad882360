// Values that very many rows have in common. SQLite does not know how many, and would look such
// rows up one at a time by an index on them: ten times as long as reading all rows, and a process
// answers nobody meanwhile. Where rows have to be gone through anyway, that index is left alone.
import type { SQLInputValue } from 'node:sqlite'
import type { Find, Specification, Value } from '#kernel/projection.ts'
import { nodeOf, operatorsOf } from '#kernel/specification.ts'
import { indexesInOrder } from '#storage/indexed-order.ts'
import { columnsIn } from '#storage/kept-totals.ts'
import { type Dialect, quoted } from '#storage/read-model-sql.ts'
import type { Shape } from '#storage/table-shape.ts'
import type { Session } from './read-model-session.ts'
import { fromTable, sqliteDialect } from './read-model-sql.ts'

/** So few rows are looked up one at a time in no time. */
const FEW = 10_000
/** From this part of all rows on, reading all of them is sooner. */
const SHARE = 1 / 10

export type Ways = {
  /** How to ask for the rows of a page, and how to count all of them; null: as always. */
  readonly page: Dialect<SQLInputValue> | null
  readonly count: Dialect<SQLInputValue> | null
}

export function waysFor(session: Session, shape: Shape, query: Find): Ways {
  const { where = {}, total } = query
  // An index that has the order asked for is walked no further than the page.
  const ordered = indexesInOrder(shape, query).flat()
  const counts = total === true && !isCovered(shape, where)
  const common = equalIn(where)
    .filter(([name]) => counts || !ordered.includes(name))
    .filter(([name]) => indexesOf(shape).some(([first]) => first === name))
    .filter(([name, value]) => isCommon(session, shape, name, value))
    .map(([name]) => name)
  const leftOut = common.filter((name) => !ordered.includes(name))
  return {
    page: leftOut.length === 0 ? null : leaving(leftOut),
    count: counts && common.length > 0 ? leaving(common) : null,
  }
}

/** A sign before a column keeps its value and hides it from indexes. */
const leaving = (columns: readonly string[]): Dialect<SQLInputValue> => ({
  ...sqliteDialect,
  compare: (column, operator, value, bind) =>
    (operator === '=' && columns.includes(column.name) ? '+' : '') +
    sqliteDialect.compare(column, operator, value, bind),
})

function isCommon({ all }: Session, shape: Shape, column: string, value: Value): boolean {
  const { table } = fromTable(shape)
  const matching = `SELECT 1 FROM ${table} WHERE ${quoted(column)} = ?1 LIMIT ?2`
  const given = typeof value === 'boolean' ? Number(value) : (value as SQLInputValue)
  const upTo = (most: number) =>
    Number(all({ text: `SELECT count(*) FROM (${matching})`, values: [given, most] })[0]![0])
  if (upTo(FEW) < FEW) return false
  const size = Number(all({ text: `SELECT count(*) FROM ${table}`, values: [] })[0]![0])
  const many = Math.ceil(size * SHARE)
  return upTo(many) >= many
}

const indexesOf = ({ definition }: Shape) => [
  ...(definition.indexes ?? []),
  ...(definition.unique ?? []),
]

/** Whether one index has all that the conditions ask for, so that no row is looked up. */
function isCovered(shape: Shape, where: Specification): boolean {
  const asked = columnsIn(where)
  return [...indexesOf(shape), []].some((names) =>
    asked.every((name) => names.includes(name) || name === shape.key),
  )
}

/** Columns that must have one value. */
function equalIn(where: Specification): readonly (readonly [string, Value])[] {
  const node = nodeOf(where)
  if (node.joint === 'and') return node.parts.flatMap(equalIn)
  if (node.joint !== null) return []
  return Object.entries(node.filter).flatMap(([name, condition]) =>
    operatorsOf(condition)
      .filter(([operator, value]) => operator === 'eq' && value !== null)
      .map(([, value]) => [name, value] as const),
  )
}
