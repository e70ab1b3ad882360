// Everything that can be asked of read models on PostgreSQL, over one way to run statements: the
// pool, or the connection of a frozen view. Each question is one round trip.
import { LRUCache } from 'lru-cache'
import type { Find, Group, Row, Table } from '#kernel/projection.ts'
import { cursorAt } from '#storage/find-cursor.ts'
import { findSql, groupSql, keysOfSql } from '#storage/read-model-sql.ts'
import { type Parked, type ReadModels, TableUnready } from '#storage/read-models.ts'
import { found, type Page } from '#storage/search-steps.ts'
import { type Shape, shapeOf } from '#storage/table-shape.ts'
import type { Run, Statement, Values } from './connections.ts'
import { TOTAL } from './read-model-hits.ts'
import { searching } from './read-model-searching.ts'
import { postgresDialect } from './read-model-sql.ts'
import { fromTarget, loadSql, rowsFrom, summedFrom, type Target } from './read-model-tables.ts'

/** What is stored of a projection and its table. */
export type Stored = {
  readonly name: string
  readonly table_name: string
  readonly version: number
  readonly columns: string
  readonly shape: string
  readonly number: number
  readonly physical: string
}

export type Reading = Pick<
  ReadModels,
  | 'load'
  | 'find'
  | 'group'
  | 'keysOf'
  | 'checkpoints'
  | 'generations'
  | 'parked'
  | 'isParked'
  | 'held'
> & {
  /** What is stored now, also remembered for the questions that follow. */
  learn(run?: Run): Promise<readonly Stored[]>
  /** As it is remembered; asked for when it is not. Throws TableUnready. */
  target(table: Table): Promise<Target>
  forget(): void
}

const NAMES_MAX = 300
const names = new LRUCache<string, string>({ max: NAMES_MAX })
let named = 0
/** Named, so that each connection parses and plans it once. */
export function statement(text: string): Statement {
  let name = names.get(text)
  if (name === undefined) {
    name = `reads_${++named}`
    names.set(text, name)
  }
  return { name, text }
}

const LEARN = statement(
  `SELECT p.name, p.table_name, p.version, p.columns, p.shape, p.number, t.name AS physical
   FROM read_models.projections p JOIN read_models.projection_tables t ON t.number = p.number`,
)
const CHECKPOINTS = statement('SELECT name, checkpoint AS number FROM read_models.projections')
const GENERATIONS = statement('SELECT name, generation AS number FROM read_models.projections')
const HELD = statement(
  `SELECT projection, for_ever FROM read_models.projection_holds
   WHERE for_ever OR until > clock_timestamp()`,
)
const PARKED = 'SELECT projection, position, keys, error FROM read_models.parked'
const PARKED_ALL = statement(`${PARKED} ORDER BY position, projection`)
const PARKED_OF = statement(`${PARKED} WHERE projection = $1 ORDER BY position`)
const IS_PARKED = statement(
  `SELECT EXISTS (SELECT FROM read_models.parked_keys WHERE projection = $1 AND key = ANY($2))
    OR EXISTS (SELECT FROM unnest($3::text[]) AS beginning, LATERAL (
      SELECT k.key FROM read_models.parked_keys k
      WHERE k.projection = $1 AND k.key >= beginning ORDER BY k.key LIMIT 1
    ) next WHERE starts_with(next.key, beginning)) AS waits`,
)

type Numbered = { readonly name: string; readonly number: number }
const numbered = (rows: readonly Numbered[]) => new Map(rows.map((row) => [row.name, row.number]))

export function readingOver(run: Run): Reading {
  let known: ReadonlyMap<string, Stored> = new Map()
  const learn = async (through = run) => {
    const stored = await orNothing(through<Stored>(LEARN))
    known = new Map(stored.map((one) => [one.table_name, one]))
    return stored
  }
  const target = async (table: Table): Promise<Target> => {
    const { columnsHash } = shapeOf(table)
    const isReady = () => known.get(table.name)?.columns === columnsHash
    if (!isReady()) await learn()
    const found = known.get(table.name)
    if (found === undefined || !isReady())
      throw new TableUnready(`${table.name} is not there yet or still has other columns`)
    return { number: found.number, name: found.physical }
  }
  const forget = () => {
    known = new Map()
  }
  /** Again when another table has taken the place of the one that was asked. */
  const onTable = async <T>(table: Table, ask: (at: Target) => Promise<T>): Promise<T> => {
    try {
      return await ask(await target(table))
    } catch (error) {
      if (!isReplaced(error)) throw error
    }
    forget()
    return ask(await target(table))
  }

  return {
    learn,
    target,
    forget,
    load: (table, keys) => onTable(table, (at) => load(run, shapeOf(table), at, keys)),
    find: (table, query) =>
      onTable(table, (at) => {
        const shape = shapeOf(table)
        const ask = ({ text, values }: { text: string; values: Values }) =>
          run<Row>(statement(text), values)
        return found(shape, query, {
          list: (asked) => page(run, shape, at, asked),
          ...searching(ask, shape, at),
        })
      }),
    group: (table, query) => onTable(table, (at) => group(run, shapeOf(table), at, query)),
    keysOf: (table, lookup) =>
      onTable(table, async (at) => {
        const shape = shapeOf(table)
        const { text, values } = keysOfSql(postgresDialect, fromTarget(at), shape, lookup)
        return (await run<Row>(statement(text), values)).map((row) => String(row[shape.key]))
      }),
    checkpoints: async () => numbered(await orNothing(run<Numbered>(CHECKPOINTS))),
    generations: async () => numbered(await orNothing(run<Numbered>(GENERATIONS))),
    parked: (projection) =>
      orNothing(
        projection === undefined ? run<Parked>(PARKED_ALL) : run<Parked>(PARKED_OF, [projection]),
      ),
    isParked: (projection, keys) => isParked(run, projection, keys),
    async held() {
      const rows = await orNothing(run<{ projection: string; for_ever: boolean }>(HELD))
      return new Map(rows.map(({ projection, for_ever }) => [projection, for_ever]))
    },
  }
}

const UNDEFINED_TABLE = '42P01'
/** Who only reads makes no tables; before somebody has, there is nothing in them. */
const orNothing = <R>(rows: Promise<readonly R[]>): Promise<readonly R[]> =>
  rows.catch((error) => {
    if ((error as { code?: string }).code === UNDEFINED_TABLE) return []
    throw error
  })
const REPLACED = 'DB001'
const isReplaced = (error: unknown) => {
  const { code } = error as { code?: string }
  return code === REPLACED || code === UNDEFINED_TABLE
}

async function load(
  run: Run,
  shape: Shape,
  at: Target,
  keys: readonly string[],
): Promise<readonly (Row | undefined)[]> {
  // No row's key holds a NUL, and the server cannot be asked for one.
  const asked = keys.filter((key) => !key.includes('\0'))
  const rows = await run<Row>(statement(loadSql(shape, fromTarget(at))), [asked])
  const byKey = new Map(rowsFrom(shape, rows).map((row) => [row[shape.key], row]))
  return keys.map((key) => byKey.get(key))
}

async function page(run: Run, shape: Shape, at: Target, query: Find): Promise<Page> {
  const sql = findSql(postgresDialect, () => fromTarget(at), shape, query)
  const { columns, rest, values, count, order, signature } = sql
  const counting = query.total === true
  const total = counting ? `, (${count.text}) AS "${TOTAL}"` : ''
  const given = await run<Row>(statement(`SELECT ${columns}${total} ${rest}`), values)
  const rows = rowsFrom(shape, counting ? given.map(withoutOurs) : given)
  return {
    rows,
    total: counting ? await totalOf(run, count, given, query) : null,
    cursorBehind: (row) => cursorAt(signature, order, rows[row]!),
  }
}

const withoutOurs = ({ [TOTAL]: _, ...row }: Row): Row => row

/** A page without rows cannot say how many there are before it; before the first there are none. */
async function totalOf(
  run: Run,
  { text, values }: ReturnType<typeof findSql>['count'],
  [first]: readonly Row[],
  { cursor, offset = 0 }: Find,
): Promise<number> {
  if (first !== undefined) return Number(first[TOTAL])
  if (cursor === undefined && offset === 0) return 0
  const [row] = await run<{ count: number }>(statement(text), values as never)
  return row!.count
}

async function group(run: Run, shape: Shape, at: Target, query: Group): Promise<readonly Row[]> {
  const { text, values } = groupSql(postgresDialect, summedFrom(shape, at, query), shape, query)
  return run<Row>(statement(text), values)
}

async function isParked(run: Run, projection: string, keys: readonly string[]): Promise<boolean> {
  const asked = keys.filter((key) => !key.includes('\0'))
  if (asked.length === 0) return false
  const values = [
    projection,
    asked.filter((key) => !key.endsWith('*')),
    asked.filter((key) => key.endsWith('*')).map((key) => key.slice(0, -1)),
  ]
  const [row] = await orNothing(run<{ waits: boolean }>(IS_PARKED, values))
  return row?.waits ?? false
}
