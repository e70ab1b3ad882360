// Read models in a SQLite file of their own. Rows and checkpoint go in together, so the file may
// fall back after a power cut but never lies; it may be deleted at any time and is filled again.
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import type { Group, Row, Table } from '#kernel/projection.ts'
import { isKept } from '#storage/kept-totals.ts'
import { groupSql, keysOfSql, ofRows } from '#storage/read-model-sql.ts'
import type { Commit, Definition, Parked, ReadModels } from '#storage/read-models.ts'
import { found } from '#storage/search-steps.ts'
import { fittedRow, type Shape, shapeOf } from '#storage/table-shape.ts'
import { openingFile } from './disk-errors.ts'
import { assertOurs } from './durable.ts'
import {
  drop,
  generationOf,
  generations,
  held,
  hold,
  letGo,
  renew,
  swap,
} from './read-model-marks.ts'
import { searchKeeper } from './read-model-search.ts'
import { searching } from './read-model-searching.ts'
import { readied, type Session, sessionOver, understood } from './read-model-session.ts'
import { fromTable, sqliteDialect } from './read-model-sql.ts'
import { createTable, rowFrom, SCHEMA, textsOf, valueFrom, valuesOf } from './read-model-tables.ts'
import { fromTotals } from './read-model-totals.ts'

export type OpenReadModels = {
  readonly path: string
  readonly readOnly?: boolean
  /** How often what was overwritten is taken out of the write-ahead log, too. */
  readonly emptiedEachMs?: number
}

const BUSY_MS = 5_000
const EMPTIED_EACH_MS = 60_000
/** What the write-ahead log may grow to; beyond it SQLite writes it back into the file. */
const WAL_BYTES = 64 * 1024 * 1024
const WAL_PAGES = WAL_BYTES / 4096
/** Keys in one statement; a JSON text of some 200 KB. */
const LOAD_MAX = 5_000

export async function openReadModels({
  path,
  readOnly = false,
  emptiedEachMs = EMPTIED_EACH_MS,
}: OpenReadModels): Promise<ReadModels> {
  return openingFile(path, () => opened(path, readOnly, emptiedEachMs), '')
}

function opened(path: string, readOnly: boolean, emptiedEachMs: number): ReadModels {
  const database = new DatabaseSync(path, { readOnly, timeout: BUSY_MS })
  try {
    database.exec('PRAGMA cache_size = -12000; PRAGMA temp_store = MEMORY')
    assertOurs(database, path, 'projections')
    if (!readOnly) {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
      // Rows tell of persons: what is forgotten is not left lying in a free page.
      database.exec('PRAGMA secure_delete = ON')
      // A page that many commits change is copied into the file once for all of them.
      database.exec(
        `PRAGMA wal_autocheckpoint = ${WAL_PAGES}; PRAGMA journal_size_limit = ${WAL_BYTES}`,
      )
      database.exec(SCHEMA)
    }
    const one = readModels(database, path)
    if (readOnly || database.location() === null) return one
    const stop = emptying(database, emptiedEachMs)
    const close = async () => {
      stop()
      await one.close()
    }
    return { ...one, close }
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Whoever was forgotten still stands in the write-ahead log, which is used again only when it has
 * grown to its size. Now and then it is emptied; while somebody reads an older state, later.
 */
function emptying(database: DatabaseSync, eachMs: number): () => void {
  const checkpoint = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)')
  const timer = setInterval(() => {
    try {
      // Nobody waits meanwhile: this thread is the one that writes.
      database.exec('PRAGMA busy_timeout = 0')
      checkpoint.get()
    } catch {
      // A disk that is full or broken: the next to write meets it too, and tells.
    } finally {
      database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`)
    }
  }, eachMs)
  timer.unref()
  return () => clearInterval(timer)
}

function readModels(database: DatabaseSync, path: string): ReadModels {
  const session = sessionOver(database)
  const { all, transaction } = session
  return {
    define: async (projections) => transaction(() => define(session, projections)),
    load: async (table, keys) => load(session, table, keys),
    find: async (table, query) => {
      const shape = readied(session, table)
      return found(shape, query, searching(session, shape))
    },
    group: async (table, query) => group(session, readied(session, table), query),
    async keysOf(table, lookup) {
      const shape = readied(session, table)
      return all(keysOfSql(sqliteDialect, fromTable(shape), shape, lookup)).map(([key]) =>
        String(key),
      )
    },
    checkpoints: async () =>
      new Map(
        all({ text: 'SELECT name, checkpoint FROM projections', values: [] }).map(
          ([name, checkpoint]) => [String(name), Number(checkpoint)],
        ),
      ),
    generations: async () => generations(session),
    commit: async (commits) => transaction(() => commit(session, commits)),
    parked: async (projection) => parked(session, projection),
    isParked: async (projection, keys) => keys.some((key) => isParked(session, projection, key)),
    swap: async (projection, shadow) => transaction(() => swap(session, projection, shadow)),
    hold: async (projection, forMs) => transaction(() => hold(session, projection, forMs)),
    letGo: async (projection, timed) => transaction(() => letGo(session, projection, timed)),
    held: async () => held(session),
    drop: async (projection) => transaction(() => drop(session, projection)),
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

function define(
  { database, all, run }: Session,
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

function group({ all }: Session, shape: Shape, query: Group): Row[] {
  const from = isKept(shape, query) ? fromTotals(shape) : ofRows(fromTable(shape))
  const sql = groupSql(sqliteDialect, from, shape, query)
  return all(sql, true).map((values) => {
    const row: Record<string, Row[string]> = {}
    sql.by.forEach((column, at) => {
      const value = values[at]!
      row[column.name] = valueFrom(column, typeof value === 'bigint' ? Number(value) : value)
    })
    row.count = Number(values[sql.by.length])
    sql.sums.forEach((name, at) => {
      row[name] = exact(shape, name, values[sql.by.length + 1 + at])
    })
    return row
  })
}

function exact({ table }: Shape, name: string, sum: SQLOutputValue | undefined): number {
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
  const still = held(session)
  for (const { projection, table, from, to, generation } of commits) {
    if (still.has(projection)) return false
    if (generation !== undefined && generation !== generationOf(session, projection)) return false
    const text =
      'UPDATE projections SET checkpoint = ? WHERE name = ? AND checkpoint = ? AND columns = ?'
    if (run(text, to, projection, from, shapeOf(table).columnsHash) !== 1) return false
    if (from === to) renew(session, projection)
  }
  for (const { projection, table, upserts, deletes, park, unpark } of commits) {
    const shape = shapeOf(table)
    const keeper = shape.searched ? searchKeeper(session, table) : null
    if (keeper !== null) for (const key of deletes) keeper.remove(key)
    // Deletes first: a row that goes may hold a unique value that another takes over.
    if (deletes.length > 0) remove(session, shape, deletes)
    if (upserts.length > 0) upsert(session, table, upserts, keeper?.put)
    keeper?.done()
    for (const position of unpark) unparkOne(session, projection, position)
    for (const event of park) parkOne(session, projection, event)
  }
  return true
}

/** Tries before it shows whether rows are mostly new. */
const TRIES = 32

function upsert(
  { prepared }: Session,
  table: Table,
  rows: readonly Row[],
  onWritten: (row: Row) => void = () => {},
): void {
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
          onWritten(row)
          continue
        }
        misses++
      }
      put.run(...valuesOf(shape.columns, row))
      onWritten(row)
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
