// How a projection's table lies in SQLite, and how a row's values go in and come back.
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import type { Row, Table, Totals, Value } from '#kernel/projection.ts'
import { ROWS } from '#storage/kept-totals.ts'
import { columnList, quoted } from '#storage/read-model-sql.ts'
import { jsonText, type Shape, type ShapeColumn, shapeOf } from '#storage/table-shape.ts'
import { createSearch, ROW_ID, removeSearch, renameSearch } from './read-model-search.ts'
import { isThere } from './read-model-session.ts'
import { partsOfSum, totalsTable, totalsTriggers } from './read-model-totals.ts'

/** `parked_keys` says the same as `parked.keys`, for asking whether a key waits. */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS projections (
    name TEXT PRIMARY KEY NOT NULL, table_name TEXT NOT NULL, version INTEGER NOT NULL,
    columns TEXT NOT NULL, shape TEXT NOT NULL, checkpoint INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS projections_table_name ON projections (table_name);
  CREATE TABLE IF NOT EXISTS parked (
    projection TEXT NOT NULL, position INTEGER NOT NULL, keys TEXT NOT NULL, error TEXT NOT NULL,
    PRIMARY KEY (projection, position)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS parked_keys (
    projection TEXT NOT NULL, key TEXT NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (projection, key, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS parked_keys_position ON parked_keys (projection, position);
  CREATE TABLE IF NOT EXISTS projection_generations (
    projection TEXT PRIMARY KEY NOT NULL, generation INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS projection_holds (
    projection TEXT PRIMARY KEY NOT NULL, for_ever INTEGER NOT NULL, until_ms INTEGER NOT NULL
  ) STRICT;
`

export function createTable(database: DatabaseSync, table: Table): void {
  const shape = shapeOf(table)
  const own = shape.searched ? ' UNIQUE' : ' PRIMARY KEY'
  const columns = shape.columns.map(
    (column) =>
      `${quoted(column.name)} ${sqlType(column)}${column.nullable ? '' : ' NOT NULL'}` +
      (column.name === shape.key ? own : ''),
  )
  // A search names rows by a number, which only stays the same where it is a column.
  if (shape.searched) columns.unshift(`${ROW_ID} INTEGER PRIMARY KEY`)
  // Short rows lie in the key's own tree: one look-up and fewer pages; documents would bloat it.
  const short = shape.columns.every(({ kind }) => kind !== 'json')
  const options = short && !shape.searched ? 'STRICT, WITHOUT ROWID' : 'STRICT'
  database.exec(`CREATE TABLE ${quoted(table.name)} (${columns.join(', ')}) ${options}`)
  if (shape.searched) createSearch(database, table.name)
  for (const names of table.unique ?? []) createIndex(database, table.name, 'UNIQUE INDEX', names)
  // With the key behind, the index also gives the order that pages follow.
  for (const names of table.indexes ?? [])
    createIndex(database, table.name, 'INDEX', [...new Set([...names, shape.key])])
  if (table.totals !== undefined) createTotals(database, shape, table.totals)
}

function createTotals(database: DatabaseSync, shape: Shape, totals: Totals): void {
  const by = totals.by.map((name) => `${quoted(name)} ${sqlType(shape.column.get(name)!)}`)
  const sums = totals.sums.flatMap(partsOfSum).map((part) => `${part} INTEGER NOT NULL`)
  const columns = [...by, `${ROWS} INTEGER NOT NULL`, ...sums]
  // A version of before there were totals removes their table's rows and leaves them.
  database.exec(`DROP TABLE IF EXISTS ${totalsTable(shape.table)}`)
  database.exec(`CREATE TABLE ${totalsTable(shape.table)} (${columns.join(', ')}) STRICT`)
  createIndex(database, `${shape.table}#totals`, 'INDEX', totals.by)
  for (const text of totalsTriggers(shape.table, totals, (base) => freeName(database, base)))
    database.exec(text)
}

const sqlType = ({ kind }: ShapeColumn) =>
  kind === 'int' || kind === 'bool' || kind === 'money' || kind === 'quantity' ? 'INTEGER' : 'TEXT'

function createIndex(
  database: DatabaseSync,
  table: string,
  kind: string,
  columns: readonly string[],
): void {
  const name = freeName(database, `${table}_by_${columns.join('_')}`)
  const list = columns.map(quoted).join(', ')
  database.exec(`CREATE ${kind} ${quoted(name)} ON ${quoted(table)} (${list})`)
}

/**
 * Indexes and triggers keep their names when their table is renamed, so a name may be taken by the
 * live table's.
 */
function freeName(database: DatabaseSync, base: string): string {
  let name = base
  for (let number = 2; isThere(database, name); number++) name = `${base}_${number}`
  return name
}

export function removeTable(database: DatabaseSync, table: string): void {
  for (const name of [quoted(table), totalsTable(table)])
    database.exec(`DROP TABLE IF EXISTS ${name}`)
  removeSearch(database, table)
}

export function renameTable(database: DatabaseSync, from: string, to: string): void {
  database.exec(`ALTER TABLE ${quoted(from)} RENAME TO ${quoted(to)}`)
  renameSearch(database, from, to)
  if (isThere(database, `${from}#totals`))
    database.exec(`ALTER TABLE ${totalsTable(from)} RENAME TO ${totalsTable(to)}`)
}

// ── rows ──────────────────────────────────────────────────────────────────────────────────────

type Texts = {
  readonly get: string
  readonly load: string
  readonly upsert: string
  /**
   * Leaves the columns of indexes alone and only finds a row that has them already; null without
   * indexes.
   */
  readonly update: string | null
  /** In the order in which `update` takes them. */
  readonly updated: readonly ShapeColumn[]
}
const texts = new WeakMap<Table, Texts>()

/** The statements of a table, made once. */
export function textsOf(table: Table): Texts {
  let known = texts.get(table)
  if (known === undefined) {
    known = textsFor(table)
    texts.set(table, known)
  }
  return known
}

function textsFor(table: Table): Texts {
  const { columns, column, key } = shapeOf(table)
  const [name, by] = [quoted(table.name), quoted(key)]
  const select = `SELECT ${columnList(columns)} FROM ${name} WHERE ${by}`
  const others = columns.filter(({ name }) => name !== key)
  const sets = others.map((one) => `${quoted(one.name)} = excluded.${quoted(one.name)}`)
  const indexed = new Set([...(table.indexes ?? []), ...(table.unique ?? [])].flat())
  const free = others.filter((one) => !indexed.has(one.name))
  const bound = others.filter((one) => indexed.has(one.name))
  const changed = free.map((one) => `${quoted(one.name)} = ?`).join(', ')
  const same = bound.map((one) => ` AND ${quoted(one.name)} IS ?`).join('')
  return {
    get: `${select} = ?`,
    load: `${select} IN (SELECT value FROM json_each(?))`,
    // Not INSERT OR REPLACE: that would silently remove other rows with the same unique value.
    upsert:
      `INSERT INTO ${name} (${columnList(columns)}) ` +
      `VALUES (${columns.map(() => '?').join(', ')}) ON CONFLICT (${by}) ` +
      (sets.length === 0 ? 'DO NOTHING' : `DO UPDATE SET ${sets.join(', ')}`),
    update:
      bound.length === 0 || free.length === 0
        ? null
        : `UPDATE ${name} SET ${changed} WHERE ${by} = ?${same}`,
    updated: [...free, column.get(key)!, ...bound],
  }
}

/** A row's values for these columns, as they are bound. The row is one that fits (`fittedRow`). */
export function valuesOf(columns: readonly ShapeColumn[], row: Row): SQLInputValue[] {
  const values: SQLInputValue[] = new Array(columns.length)
  for (let at = 0; at < columns.length; at++) {
    const { name, kind } = columns[at]!
    const value = row[name]!
    if (value === null) values[at] = null
    else if (kind === 'bool') values[at] = value === true ? 1 : 0
    // A row that fits holds a text or a number in all other columns.
    else values[at] = kind === 'json' ? jsonText(columns[at]!, value) : (value as string | number)
  }
  return values
}

export function rowFrom(shape: Shape, values: readonly SQLOutputValue[]): Row {
  const row: Record<string, Value> = {}
  for (let at = 0; at < shape.columns.length; at++) {
    const column = shape.columns[at]!
    row[column.name] = valueFrom(column, values[at]!)
  }
  return row
}

export function valueFrom({ kind }: ShapeColumn, value: SQLOutputValue): Value {
  if (value === null) return null
  if (kind === 'bool') return value === 1
  if (kind === 'json') return JSON.parse(value as string) as Value
  // STRICT tables hold nothing but texts and integers in these columns.
  return value as string | number
}
