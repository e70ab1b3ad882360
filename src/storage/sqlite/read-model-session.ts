// One connection of read models: its prepared statements, its transactions, its errors in our
// words.
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import type { Table } from '#kernel/projection.ts'
import type { Sql as SqlOf } from '#storage/read-model-sql.ts'
import { RowsRefused, TableUnready } from '#storage/read-models.ts'
import { type Shape, shapeOf } from '#storage/table-shape.ts'
import { rowsTrouble } from './disk-errors.ts'

type Sql = SqlOf<SQLInputValue>
const STATEMENTS_MAX = 500

export type Session = ReturnType<typeof sessionOver>

export function sessionOver(database: DatabaseSync) {
  const path = database.location() ?? 'the read models'
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
      throw understood(error, path)
    }
  }
  const run = (text: string, ...values: SQLInputValue[]): number => {
    try {
      return Number(prepared(text).run(...values).changes)
    } catch (error) {
      throw understood(error, path)
    }
  }
  const transaction = <T>(work: () => T): T => {
    try {
      database.exec('BEGIN IMMEDIATE')
      const result = work()
      database.exec(result === false ? 'ROLLBACK' : 'COMMIT')
      return result
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw rowsTrouble(error, path) ?? error
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
  return { database, all, run, prepared, transaction, moment }
}

const CONSTRAINT = 19
const TOO_BIG = 18
export function understood(error: unknown, path = 'the read models'): unknown {
  const { errcode, message } = error as { errcode?: number; message?: string }
  const primary = (errcode ?? 0) & 0xff
  if (primary === CONSTRAINT || primary === TOO_BIG)
    return new RowsRefused(message ?? 'refused', { cause: error })
  if (/^no such (table|column)/.test(message ?? ''))
    return new TableUnready(message ?? 'not there', { cause: error })
  if (/integer overflow/.test(message ?? ''))
    return new RangeError('a sum is beyond 2^53 - 1', { cause: error })
  return rowsTrouble(error, path) ?? error
}

/** The shape of a table that is there with the same columns. */
export function readied({ all }: Session, table: Table): Shape {
  const shape = shapeOf(table)
  const [stored] = all({
    text: 'SELECT columns FROM projections WHERE table_name = ?',
    values: [table.name],
  })
  if (stored?.[0] !== shape.columnsHash)
    throw new TableUnready(`${table.name} is not there yet or still has other columns`)
  return shape
}

/** A table, index or trigger of this name. */
export const isThere = (database: DatabaseSync, name: string): boolean =>
  database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(name) !== undefined
