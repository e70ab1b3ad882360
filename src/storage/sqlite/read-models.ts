// Read models in a SQLite file of their own. Rows and checkpoint go in together, so the file may
// fall back after a power cut but never lies; it may be deleted at any time and is filled again.
import {
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementSync,
} from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import type { Find, Found, Group, Row, Table } from '#kernel/projection.ts'
import { cursorAt } from '#storage/find-cursor.ts'
import {
  type Commit,
  type Definition,
  type Parked,
  type ReadModels,
  RowsRefused,
  TableUnready,
} from '#storage/read-models.ts'
import { fittedRow, type Shape, shapeOf } from '#storage/table-shape.ts'
import { findSql, groupSql, keysOfSql, type Sql } from './read-model-sql.ts'
import {
  createTable,
  removeTable,
  renameTable,
  rowFrom,
  SCHEMA,
  textsOf,
  valueFrom,
  valuesOf,
} from './read-model-tables.ts'

export type OpenReadModels = { readonly path: string; readonly readOnly?: boolean }

const BUSY_MS = 5_000
/** What the write-ahead log may grow to; beyond it SQLite writes it back into the file. */
const WAL_BYTES = 64 * 1024 * 1024
const WAL_PAGES = WAL_BYTES / 4096
const STATEMENTS_MAX = 500
/** Keys in one statement; a JSON text of some 200 KB. */
const LOAD_MAX = 5_000

export async function openReadModels({
  path,
  readOnly = false,
}: OpenReadModels): Promise<ReadModels> {
  const database = new DatabaseSync(path, { readOnly, timeout: BUSY_MS })
  try {
    database.exec('PRAGMA cache_size = -12000; PRAGMA temp_store = MEMORY')
    if (!readOnly) {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
      // A page that many commits change is copied into the file once for all of them.
      database.exec(
        `PRAGMA wal_autocheckpoint = ${WAL_PAGES}; PRAGMA journal_size_limit = ${WAL_BYTES}`,
      )
      database.exec(SCHEMA)
    }
    return readModels(database, path)
  } catch (error) {
    database.close()
    throw error
  }
}

function readModels(database: DatabaseSync, path: string): ReadModels {
  const session = sessionOver(database)
  const { all, run, transaction } = session
  return {
    define: async (projections) => transaction(() => define(database, session, projections)),
    load: async (table, keys) => load(session, table, keys),
    find: async (table, query) => find(session, readied(session, table), query),
    group: async (table, query) => group(session, readied(session, table), query),
    keysOf: async (table, lookup) =>
      all(keysOfSql(readied(session, table), lookup)).map(([key]) => String(key)),
    checkpoints: async () =>
      new Map(
        all({ text: 'SELECT name, checkpoint FROM projections', values: [] }).map(
          ([name, checkpoint]) => [String(name), Number(checkpoint)],
        ),
      ),
    commit: async (commits) => transaction(() => commit(session, commits)),
    parked: async (projection) => parked(session, projection),
    isParked: async (projection, keys) => keys.some((key) => isParked(session, projection, key)),
    swap: async (projection, shadow) =>
      transaction(() => {
        const live = tableOf(session, projection)
        const beside = tableOf(session, shadow)
        if (live === undefined || beside === undefined)
          throw new TableUnready(`${projection} or ${shadow} is not there`)
        removeTable(database, live)
        forget(session, projection)
        renameTable(database, beside, live)
        run(
          'UPDATE projections SET name = ?, table_name = ? WHERE name = ?',
          projection,
          live,
          shadow,
        )
        for (const table of ['parked', 'parked_keys'])
          run(`UPDATE ${table} SET projection = ? WHERE projection = ?`, projection, shadow)
      }),
    drop: async (projection) =>
      transaction(() => {
        const table = tableOf(session, projection)
        if (table !== undefined) removeTable(database, table)
        forget(session, projection)
      }),
    frozen: async () => frozen(database, path),
    close: async () => database.close(),
  }
}

/**
 * A second connection inside one read transaction; in memory, where there is no second one, a copy.
 */
function frozen(database: DatabaseSync, path: string): ReadModels {
  const memory = database.location() === null
  const second = new DatabaseSync(path, memory ? {} : { readOnly: true, timeout: BUSY_MS })
  try {
    if (memory) second.deserialize(database.serialize())
    second.exec('BEGIN')
    // The transaction sees the moment of its first read, not that of BEGIN.
    second.prepare('SELECT count(*) FROM projections').get()
    return readModels(second, path)
  } catch (error) {
    second.close()
    throw error
  }
}

// ── statements ────────────────────────────────────────────────────────────────────────────────

type Session = ReturnType<typeof sessionOver>

function sessionOver(database: DatabaseSync) {
  const statements = new LRUCache<string, StatementSync>({ max: STATEMENTS_MAX })
  const prepared = (text: string): StatementSync => {
    let statement = statements.get(text)
    if (statement === undefined) {
      statement = database.prepare(text)
      statement.setReturnArrays(true)
      statements.set(text, statement)
    }
    return statement
  }
  /** All rows as arrays of values; bigints only where asked for. */
  const all = ({ text, values }: Sql, bigints = false): SQLOutputValue[][] => {
    try {
      const statement = prepared(text)
      statement.setReadBigInts(bigints)
      // With setReturnArrays every row is an array, which the library's types cannot say.
      return statement.all(...values) as unknown as SQLOutputValue[][]
    } catch (error) {
      throw understood(error)
    }
  }
  const run = (text: string, ...values: SQLInputValue[]): number => {
    try {
      return Number(prepared(text).run(...values).changes)
    } catch (error) {
      throw understood(error)
    }
  }
  const transaction = <T>(work: () => T): T => {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      database.exec(result === false ? 'ROLLBACK' : 'COMMIT')
      return result
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
  /** What several statements see together; a frozen view is inside such a moment already. */
  const moment = <T>(work: () => T): T => {
    if (database.isTransaction) return work()
    database.exec('BEGIN')
    try {
      return work()
    } finally {
      database.exec('COMMIT')
    }
  }
  return { all, run, prepared, transaction, moment }
}

const CONSTRAINT = 19
const TOO_BIG = 18
function understood(error: unknown): unknown {
  const { errcode, message } = error as { errcode?: number; message?: string }
  const primary = (errcode ?? 0) & 0xff
  if (primary === CONSTRAINT || primary === TOO_BIG)
    return new RowsRefused(message ?? 'refused', { cause: error })
  if (/^no such (table|column)/.test(message ?? ''))
    return new TableUnready(message ?? 'not there', { cause: error })
  if (/integer overflow/.test(message ?? ''))
    return new RangeError('a sum is beyond 2^53 - 1', { cause: error })
  return error
}

/** The shape of a table that is there with the same columns. */
function readied({ all }: Session, table: Table): Shape {
  const shape = shapeOf(table)
  const [stored] = all({
    text: 'SELECT columns FROM projections WHERE table_name = ?',
    values: [table.name],
  })
  if (stored?.[0] !== shape.columnsHash)
    throw new TableUnready(`${table.name} is not there yet or still has other columns`)
  return shape
}

const tableOf = ({ all }: Session, projection: string): string | undefined => {
  const text = 'SELECT table_name FROM projections WHERE name = ?'
  return all({ text, values: [projection] })[0]?.[0] as string | undefined
}

function forget({ run }: Session, projection: string): void {
  run('DELETE FROM projections WHERE name = ?', projection)
  run('DELETE FROM parked WHERE projection = ?', projection)
  run('DELETE FROM parked_keys WHERE projection = ?', projection)
}

function define(
  database: DatabaseSync,
  { all, run }: Session,
  projections: readonly Definition[],
): readonly string[] {
  const changed: string[] = []
  for (const { name, version, table } of projections) {
    const { hash, columnsHash } = shapeOf(table)
    const text = 'SELECT version, shape, table_name FROM projections WHERE name = ?'
    const [stored] = all({ text, values: [name] })
    if (stored === undefined) {
      createTable(database, table)
      const insert =
        'INSERT INTO projections (name, table_name, version, columns, shape, checkpoint) ' +
        'VALUES (?, ?, ?, ?, ?, 0)'
      run(insert, name, table.name, version, columnsHash, hash)
    } else if (stored[0] !== version || stored[1] !== hash || stored[2] !== table.name)
      changed.push(name)
  }
  return changed
}

// ── reading ───────────────────────────────────────────────────────────────────────────────────

function load(session: Session, table: Table, keys: readonly string[]): (Row | undefined)[] {
  const shape = readied(session, table)
  const { all } = session
  if (keys.length === 1) {
    const [values] = all({ text: textsOf(table).get, values: [keys[0]!] })
    return [values === undefined ? undefined : rowFrom(shape, values)]
  }
  const at = shape.columns.findIndex(({ name }) => name === shape.key)
  const rows = new Map<string, Row>()
  for (let from = 0; from < keys.length; from += LOAD_MAX) {
    const chunk = JSON.stringify(keys.slice(from, from + LOAD_MAX))
    for (const values of all({ text: textsOf(table).load, values: [chunk] }))
      rows.set(values[at] as string, rowFrom(shape, values))
  }
  return keys.map((key) => rows.get(key))
}

function find({ all, moment }: Session, shape: Shape, query: Find): Found {
  const { page, count, order } = findSql(shape, query)
  const read = () => ({
    rows: all(page).map((values) => rowFrom(shape, values)),
    total: query.total === true ? Number(all(count)[0]![0]) : null,
  })
  const { rows, total } = query.total === true ? moment(read) : read()
  const items = rows.slice(0, query.limit)
  const last = items.at(-1)
  const more = rows.length > query.limit && last !== undefined
  return { items, total, next_cursor: more ? cursorAt(shape, order, last) : null }
}

function group({ all }: Session, shape: Shape, query: Group): Row[] {
  const sql = groupSql(shape, query)
  return all(sql, true).map((values) => {
    const row: Record<string, Row[string]> = {}
    sql.by.forEach((column, at) => {
      const value = values[at]!
      row[column.name] = valueFrom(column, typeof value === 'bigint' ? Number(value) : value)
    })
    row.count = Number(values[sql.by.length])
    sql.sums.forEach((name, at) => {
      row[name] = exact(shape, name, values[sql.by.length + 1 + at] as bigint)
    })
    return row
  })
}

function exact({ table }: Shape, name: string, sum: bigint): number {
  const value = Number(sum)
  if (!Number.isSafeInteger(value))
    throw new RangeError(`the sum of ${table}.${name} is beyond 2^53 - 1`)
  return value
}

function parked({ all }: Session, projection: string | undefined): Parked[] {
  const which = projection === undefined ? '' : 'WHERE projection = ?'
  const text = `SELECT projection, position, keys, error FROM parked ${which} ORDER BY position, projection`
  return all({ text, values: projection === undefined ? [] : [projection] }).map(
    ([name, position, keys, error]) => ({
      projection: String(name),
      position: Number(position),
      keys: JSON.parse(String(keys)) as string[],
      error: String(error),
    }),
  )
}

function isParked({ all }: Session, projection: string, key: string): boolean {
  const begins = key.endsWith('*')
  const which = begins ? 'substr(key, 1, length(?)) = ?' : 'key = ?'
  const text = `SELECT 1 FROM parked_keys WHERE projection = ? AND ${which} LIMIT 1`
  const sought = begins ? [key.slice(0, -1), key.slice(0, -1)] : [key]
  return all({ text, values: [projection, ...sought] }).length > 0
}

// ── writing ───────────────────────────────────────────────────────────────────────────────────

function commit(session: Session, commits: readonly Commit[]): boolean {
  const { run } = session
  for (const { projection, from, to } of commits) {
    const text = 'UPDATE projections SET checkpoint = ? WHERE name = ? AND checkpoint = ?'
    if (run(text, to, projection, from) !== 1) return false
  }
  for (const { projection, table, upserts, deletes, park, unpark } of commits) {
    const shape = shapeOf(table)
    // Deletes first: a row that goes may hold a unique value that another takes over.
    if (deletes.length > 0) remove(session, shape, deletes)
    if (upserts.length > 0) upsert(session, table, upserts)
    for (const position of unpark) unparkOne(session, projection, position)
    for (const event of park) parkOne(session, projection, event)
  }
  return true
}

/** Tries before it shows whether rows are mostly new. */
const TRIES = 32

function upsert({ prepared }: Session, table: Table, rows: readonly Row[]): void {
  const shape = shapeOf(table)
  const texts = textsOf(table)
  try {
    const put = prepared(texts.upsert)
    const update = texts.update === null ? null : prepared(texts.update)
    let [hits, misses] = [0, 0]
    for (const one of rows) {
      const row = fittedRow(shape, one)
      // An update that names no indexed column leaves the indexes alone, which halves the pages
      // written.
      if (update !== null && misses <= hits + TRIES) {
        if (update.run(...valuesOf(texts.updated, row)).changes === 1) {
          hits++
          continue
        }
        misses++
      }
      put.run(...valuesOf(shape.columns, row))
    }
  } catch (error) {
    throw understood(error)
  }
}

function remove({ run }: Session, { table, key }: Shape, keys: readonly string[]): void {
  run(
    `DELETE FROM "${table}" WHERE "${key}" IN (SELECT value FROM json_each(?))`,
    JSON.stringify(keys),
  )
}

function unparkOne({ run }: Session, projection: string, position: number): void {
  run('DELETE FROM parked WHERE projection = ? AND position = ?', projection, position)
  run('DELETE FROM parked_keys WHERE projection = ? AND position = ?', projection, position)
}

function parkOne(session: Session, projection: string, { position, keys, error }: Parked): void {
  // Parked again under other keys: the old ones go.
  unparkOne(session, projection, position)
  const text = 'INSERT INTO parked (projection, position, keys, error) VALUES (?, ?, ?, ?)'
  session.run(text, projection, position, JSON.stringify(keys), error)
  for (const key of new Set(keys))
    session.run('INSERT INTO parked_keys VALUES (?, ?, ?)', projection, key, position)
}
