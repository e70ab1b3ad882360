// Read models in PostgreSQL: tables with real columns in the schema `read_models`. Any number of
// processes read and write them; a commit is one round trip and decided by the server alone.
import {
  type Commit,
  type Definition,
  type Parked,
  type ReadModels,
  RowsRefused,
  TableUnready,
} from '#storage/read-models.ts'
import { shapeOf } from '#storage/table-shape.ts'
import { Unavailable } from '#storage/unavailable.ts'
import {
  type Connections,
  connect,
  isAway,
  type Run,
  type Session,
  type Statement,
  type Values,
} from './connections.ts'
import { migrate } from './migrate.ts'
import { type Reading, readingOver, type Stored, statement } from './read-model-reading.ts'
import { LOCKS, MIGRATIONS, SCHEMA } from './read-model-schema.ts'
import {
  besideOf,
  createSql,
  removalOf,
  targetOf,
  upsertOf,
  type Write,
} from './read-model-tables.ts'

/** `readOnly`: for processes that only ask; the URL may be a replica's. */
export type OpenReadModels = { readonly url: string; readonly readOnly?: boolean }

export async function openReadModels({
  url,
  readOnly = false,
}: OpenReadModels): Promise<ReadModels> {
  const connections = guarded(connect(url))
  try {
    if (!readOnly) await migrate(connections, SCHEMA, MIGRATIONS)
    return readModels(connections, readOnly)
  } catch (error) {
    await connections.close()
    throw error
  }
}

/** Refuses work after `close`, also while others in this process still use the pool. */
function guarded(connections: Connections): Connections {
  let closed = false
  const open = <A extends unknown[], T>(work: (...args: A) => Promise<T>) =>
    (async (...args: A) => {
      if (closed) throw new Error('these read models are closed')
      return await work(...args)
    }) as typeof work
  return {
    read: open(connections.read) as Run,
    write: open(connections.write) as Run,
    transaction: open(connections.transaction) as Connections['transaction'],
    reserve: open(connections.reserve),
    async close() {
      closed = true
      await connections.close()
    },
  }
}

function readModels(connections: Connections, readOnly: boolean): ReadModels {
  const reading = readingOver(connections.read)
  const { learn: _, target: __, forget: ___, ...asking } = reading
  const tidy = async () => {
    if (!readOnly) await connections.write(TIDY)
  }
  const port: ReadModels = {
    ...asking,
    define: (projections) => define(connections, reading, projections, tidy),
    commit: (commits) => commit(connections, reading, commits),
    async swap(projection, shadow) {
      const [row] = await connections.write<{ swapped: string }>(SWAP, [projection, shadow])
      if (row!.swapped === 'absent')
        throw new TableUnready(`${projection} or ${shadow} is not there`)
      if (row!.swapped !== 'done') return false
      reading.forget()
      await tidy()
      return true
    },
    async hold(projection, forMs) {
      await connections.write(HOLD, [projection, forMs ?? null])
    },
    async letGo(projection, timed) {
      await connections.write(timed === undefined ? LET_GO : LET_GO_TIMED, [projection])
    },
    async drop(projection) {
      await connections.write(FORGET, [projection])
      reading.forget()
      await tidy()
    },
    frozen: () => frozen(connections, port, tidy),
    close: () => connections.close(),
  }
  return readOnly ? forReading(port) : port
}

const TIDY = statement(`SELECT ${SCHEMA}.tidy()`)
const SWAP = statement(`SELECT ${SCHEMA}.swap($1, $2) AS swapped`)
const HOLD = statement(`SELECT ${SCHEMA}.hold($1, $2)`)
const LET_GO = statement(`DELETE FROM ${SCHEMA}.projection_holds WHERE projection = $1`)
const LET_GO_TIMED = statement(
  `UPDATE ${SCHEMA}.projection_holds SET until = NULL WHERE projection = $1`,
)
const FORGET = statement(`SELECT ${SCHEMA}.forget($1)`)

function forReading(port: ReadModels): ReadModels {
  const refuse = async (): Promise<never> => {
    throw new Error('these read models are readonly')
  }
  const { define, commit, swap, hold, letGo, drop, ...asking } = port
  return {
    ...asking,
    define: refuse,
    commit: refuse,
    swap: refuse,
    hold: refuse,
    letGo: refuse,
    drop: refuse,
  }
}

// ── tables ────────────────────────────────────────────────────────────────────────────────────

/** Processes that start together make each table once. */
async function define(
  { transaction }: Connections,
  reading: Reading,
  projections: readonly Definition[],
  tidy: () => Promise<void>,
): Promise<readonly string[]> {
  for (const { table } of projections) shapeOf(table)
  let stored = await reading.learn()
  const isMissing = ({ name }: Definition) => !stored.some((one) => one.name === name)
  if (projections.some(isMissing)) {
    stored = await transaction(async (run) => {
      await run({ name: '', text: 'SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0' })
      await run({ name: '', text: 'SELECT pg_advisory_xact_lock($1)' }, [LOCKS.define])
      stored = await reading.learn(run)
      for (const one of projections) if (isMissing(one)) await create(run, one)
      return reading.learn(run)
    })
    await tidy()
  }
  return projections.filter((one) => hasChanged(one, stored)).map(({ name }) => name)
}

function hasChanged({ name, version, table }: Definition, stored: readonly Stored[]): boolean {
  const found = stored.find((one) => one.name === name)
  return (
    found?.version !== version ||
    found.shape !== shapeOf(table).hash ||
    found.table_name !== table.name
  )
}

async function create(run: Run, { name, version, table }: Definition): Promise<void> {
  const next = `SELECT nextval('${SCHEMA}.projection_numbers') AS number`
  const [row] = await run<{ number: number }>({ name: '', text: next })
  const target = targetOf(table, row!.number)
  await run({ name: '', text: createSql(table, target) })
  await run(
    { name: '', text: `INSERT INTO ${SCHEMA}.projection_tables (number, name) VALUES ($1, $2)` },
    [target.number, target.name],
  )
  const { columnsHash, hash } = shapeOf(table)
  await run(
    {
      name: '',
      text: `INSERT INTO ${SCHEMA}.projections (name, table_name, version, columns, shape, number,
        generation, checkpoint) VALUES ($1, $2, $3, $4, $5, $6, $6, 0)`,
    },
    [name, table.name, version, columnsHash, hash, target.number],
  )
}

// ── writing ───────────────────────────────────────────────────────────────────────────────────

async function commit(
  { write }: Connections,
  reading: Reading,
  commits: readonly Commit[],
): Promise<boolean> {
  // In the order of their names, as they are locked.
  const sorted = commits.toSorted((a, b) => (a.projection < b.projection ? -1 : 1))
  const once = async () => {
    const targets = await Promise.all(sorted.map(({ table }) => reading.target(table)))
    const writes = sorted.flatMap((one, at) => writesOf(one, targets[at]!))
    const documents = writes.map((_, at) => `$${at + 7}::json`)
    const text = `SELECT ${SCHEMA}.commit($1, $2, $3, $4, $5, $6, ARRAY[${documents}]::json[]) AS done`
    const [row] = await write<{ done: string }>(statement(text), [
      sorted.map(({ projection }) => projection),
      sorted.map(({ from }) => from),
      sorted.map(({ to }) => to),
      targets.map(({ number }) => number),
      sorted.map(({ generation }) => generation ?? null),
      writes.map(({ text }) => text),
      ...writes.map(({ document }) => document),
    ])
    return row!.done
  }
  try {
    let done = await once()
    if (done === 'renumbered') {
      reading.forget()
      done = await once()
    }
    return done === 'done'
  } catch (error) {
    if (error instanceof TableUnready) return false
    throw refused(error, commits)
  }
}

function writesOf(commit: Commit, target: ReturnType<typeof targetOf>): readonly Write[] {
  const { projection, table, upserts, deletes, park, unpark } = commit
  const moved = [...unpark, ...park.map(({ position }) => position)]
  return [
    ...besideOf(table, target, upserts, deletes),
    // Deletes first: a row that goes may hold a unique value that another takes over.
    ...(deletes.length > 0 ? [removalOf(table, target, deletes)] : []),
    ...(upserts.length > 0 ? [upsertOf(table, target, upserts)] : []),
    // Parked again under other keys: the old ones go.
    ...(moved.length > 0 ? unparkingOf(projection, moved) : []),
    ...(park.length > 0 ? parkingOf(projection, park) : []),
  ]
}

function unparkingOf(projection: string, positions: readonly number[]): readonly Write[] {
  const document = JSON.stringify({ projection, positions })
  return ['parked', 'parked_keys'].map((table) => ({
    text:
      `DELETE FROM ${SCHEMA}.${table} WHERE projection = $1->>'projection' AND position = ` +
      `ANY(ARRAY(SELECT value::bigint FROM json_array_elements_text($1->'positions')))`,
    document,
  }))
}

function parkingOf(projection: string, parked: readonly Parked[]): readonly Write[] {
  const document = JSON.stringify(
    parked.map(({ position, keys, error }) => ({
      projection,
      position,
      keys: keys.map(storable),
      error: storable(error),
    })),
  )
  const given =
    'FROM json_to_recordset($1) AS given ' +
    '(projection text, position bigint, keys json, error text)'
  return [
    {
      text:
        `INSERT INTO ${SCHEMA}.parked SELECT projection, position, ` +
        `ARRAY(SELECT json_array_elements_text(keys)), error ${given}`,
      document,
    },
    {
      text:
        `INSERT INTO ${SCHEMA}.parked_keys SELECT DISTINCT projection, key, position ` +
        `${given}, json_array_elements_text(keys) AS key`,
      document,
    },
  ]
}

/** Why an event waits may be told in any characters; it must not stop the projection. */
const storable = (text: string) => text.toWellFormed().replaceAll('\0', '\ufffd')

const PROGRAM_LIMIT = '54000'
/** A row that the server cannot store; its message is ours, since the server's may name values. */
function refused(error: unknown, commits: readonly Commit[]): unknown {
  const { code = '', constraint } = error as { code?: string; constraint?: string }
  if (!code.startsWith('22') && !code.startsWith('23') && code !== PROGRAM_LIMIT) return error
  const tables = commits.map(({ table }) => table.name).join(', ')
  const which = constraint === undefined ? '' : `, by ${constraint}`
  return new RowsRefused(`rows of ${tables} were refused (${code}${which})`, { cause: error })
}

// ── a frozen view ─────────────────────────────────────────────────────────────────────────────

const FREEZE = [
  // It may stand for as long as its reader likes.
  'SET idle_in_transaction_session_timeout = 0',
  // Before the moment is chosen, so that no table of that moment is removed.
  `SELECT pg_advisory_lock_shared(${LOCKS.frozen})`,
  'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
]
const THAW = ['ROLLBACK', `SELECT pg_advisory_unlock_shared(${LOCKS.frozen})`]

async function frozen(
  { reserve }: Connections,
  live: ReadModels,
  tidy: () => Promise<void>,
): Promise<ReadModels> {
  const client = await reserve()
  const run = runOn(client)
  const reading = readingOver(run)
  try {
    for (const text of FREEZE) await run({ name: '', text })
    // The moment is that of the first look.
    await reading.learn()
  } catch (error) {
    await client.end()
    throw error
  }
  const { learn: _, target: __, forget: ___, ...asking } = reading
  return forReading({
    ...live,
    ...asking,
    async close() {
      // Let go before the connection ends, which the server hears of later.
      for (const text of THAW) await run({ name: '', text }).catch(() => {})
      await client.end()
      await tidy().catch(() => {})
    },
  })
}

const runOn =
  (client: Session): Run =>
  async <R>({ name, text }: Statement, values: Values = []) => {
    try {
      const { rows } = await client.query({ name, text, values: values as unknown[] })
      // The statement says what its rows are.
      return rows as R[]
    } catch (error) {
      if (!isAway(error)) throw error
      throw new Unavailable('the connection of a frozen view has ended', { cause: error })
    }
  }
