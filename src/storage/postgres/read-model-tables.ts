// How a projection's table lies in PostgreSQL, and how a row's values go in and come back.
import type { Group, Row, Table, Value } from '#kernel/projection.ts'
import { isKept } from '#storage/kept-totals.ts'
import { columnList, type From, ofRows, quoted, type Summed } from '#storage/read-model-sql.ts'
import { fittedRow, jsonText, type Shape, type ShapeColumn, shapeOf } from '#storage/table-shape.ts'
import { SCHEMA } from './read-model-schema.ts'
import { SEARCH_COLUMN, searchIndexSql, searchText, wordWrites } from './read-model-search.ts'
import { nulls } from './read-model-sql.ts'
import { totalsFrom, totalsSql, totalWrites } from './read-model-totals.ts'

/** Where the rows are now: the table that carries this number. */
export type Target = { readonly number: number; readonly name: string }

const NAME_MAX = 63
const tableNamed = ({ name }: Target) => `${SCHEMA}.${quoted(name)}`

/** Cut to fit; the number alone makes it unique, and no table of ours has a `#` in its name. */
export const targetOf = (table: Table, number: number): Target => ({
  number,
  name: `${table.name.slice(0, NAME_MAX - `#${number}`.length)}#${number}`,
})

export const fromTarget = (target: Target): From => ({
  table: tableNamed(target),
  // Asked once for a statement, not for a row.
  when: `${SCHEMA}.current(${target.number})`,
})

export function summedFrom(shape: Shape, target: Target, query: Group): Summed {
  const from = fromTarget(target)
  return isKept(shape, query) ? totalsFrom(target.number, from.when) : ofRows(from)
}

export function createSql(table: Table, target: Target): string {
  const shape = shapeOf(table)
  const name = tableNamed(target)
  const columns = shape.columns.map(
    (column) =>
      `${quoted(column.name)} ${TYPES[column.kind]}${column.nullable ? '' : ' NOT NULL'}` +
      (column.name === shape.key ? ' PRIMARY KEY' : ''),
  )
  const unique = (table.unique ?? []).map(
    (names) => `CREATE UNIQUE INDEX ON ${name} (${names.map(quoted).join(', ')})`,
  )
  // With the key behind, the index also gives the order that pages follow.
  const indexes = (table.indexes ?? []).map((names) => {
    const parts = [...new Set([...names, shape.key])].map(
      (part) => quoted(part) + nulls(shape.column.get(part)!),
    )
    return `CREATE INDEX ON ${name} (${parts.join(', ')})`
  })
  if (shape.searched) {
    columns.push(`${SEARCH_COLUMN} tsvector NOT NULL`)
    indexes.push(searchIndexSql(name))
  }
  const { totals } = table
  const kept = totals === undefined ? [] : [totalsSql(shape, totals, target.number, TYPES)]
  return [`CREATE TABLE ${name} (${columns.join(', ')})`, ...unique, ...indexes, ...kept].join('; ')
}

const TYPES = {
  text: 'text COLLATE "C"',
  int: 'bigint',
  money: 'bigint',
  quantity: 'bigint',
  bool: 'boolean',
  instant: 'timestamptz',
  day: 'date',
  json: 'json',
} as const

// ── reading ───────────────────────────────────────────────────────────────────────────────────

export const loadSql = ({ columns, key }: Shape, from: From) =>
  `SELECT ${columnList(columns)} FROM ${from.table} WHERE ${from.when} AND ${quoted(key)} = ANY($1)`

/** Numbers, flags and times come as they are; documents as their text. */
export function rowsFrom({ columns }: Shape, rows: readonly Row[]): readonly Row[] {
  const documents = columns.filter(({ kind }) => kind === 'json')
  if (documents.length === 0) return rows
  return rows.map((row) => {
    const parsed: Record<string, Value> = { ...row }
    for (const { name } of documents) {
      const text = row[name]
      if (typeof text === 'string') parsed[name] = JSON.parse(text) as Value
    }
    return parsed
  })
}

// ── writing: a statement that takes one JSON document ───────────────────────────────────────────

export type Write = { readonly text: string; readonly document: string }

export function upsertOf(table: Table, target: Target, rows: readonly Row[]): Write {
  const shape = shapeOf(table)
  const { columns, key, searched } = shape
  const search = searched ? [SEARCH_COLUMN] : []
  const given = [
    ...columns.map((one) => `${quoted(one.name)} ${GIVEN[one.kind]}`),
    ...search.map((name) => `${name} text`),
  ]
  const values = [
    ...columns.map((one) => quoted(one.name) + (one.kind === 'json' ? '::json' : '')),
    ...search.map((name) => `${name}::tsvector`),
  ]
  const names = [...columns.map(({ name }) => quoted(name)), ...search]
  const sets = names
    .filter((name) => name !== quoted(key))
    .map((name) => `${name} = excluded.${name}`)
  const text =
    `INSERT INTO ${tableNamed(target)} (${names.join(', ')}) SELECT ${values.join(', ')} ` +
    `FROM json_to_recordset($1) AS given (${given.join(', ')}) ON CONFLICT (${quoted(key)}) DO ` +
    (sets.length === 0 ? 'NOTHING' : `UPDATE SET ${sets.join(', ')}`)
  const fitted = givenRows(shape, rows)
  const document = searched
    ? fitted.map((row) => ({ ...row, '#search': searchText(table, row) }))
    : fitted
  return { text, document: JSON.stringify(document) }
}

/** What lies beside the rows and changes before they do: the words of a search, totals. */
export function besideOf(
  table: Table,
  target: Target,
  upserts: readonly Row[],
  deletes: readonly string[],
): readonly Write[] {
  if (upserts.length + deletes.length === 0) return []
  const shape = shapeOf(table)
  const rows = { name: tableNamed(target), number: target.number }
  const { totals } = table
  return [
    ...(shape.searched ? wordWrites(table, rows, upserts, deletes) : []),
    ...(totals === undefined
      ? []
      : totalWrites(shape, totals, rows, { upserts, deletes, types: TYPES })),
  ]
}

/** A document goes in as text, since inside of JSON some of its characters would be refused. */
const GIVEN = { ...TYPES, text: 'text', json: 'text' } as const

function givenRows(shape: Shape, rows: readonly Row[]): readonly Row[] {
  const documents = shape.columns.filter(({ kind }) => kind === 'json')
  const fitted = rows.map((row) => fittedRow(shape, row))
  if (documents.length === 0) return lastOfEach(shape, fitted)
  return lastOfEach(
    shape,
    fitted.map((row) => ({ ...row, ...Object.fromEntries(documents.map(textIn(row))) })),
  )
}
const textIn =
  (row: Row) =>
  (column: ShapeColumn): [string, Value] => {
    const value = row[column.name]!
    return [column.name, value === null ? null : jsonText(column, value)]
  }

/** One statement cannot put the same row twice. */
function lastOfEach({ key }: Shape, rows: readonly Row[]): readonly Row[] {
  const byKey = new Map(rows.map((row) => [row[key], row]))
  return byKey.size === rows.length ? rows : [...byKey.values()]
}

export const removalOf = (table: Table, target: Target, keys: readonly string[]): Write => ({
  text:
    `DELETE FROM ${tableNamed(target)} ` +
    `WHERE ${quoted(table.key)} = ANY(ARRAY(SELECT json_array_elements_text($1)))`,
  document: JSON.stringify(keys),
})
