// Numbered migrations of one schema, applied once however many processes start at the same time.
// Each must leave the tables usable by the version before it, so that it can run while that serves.
import type { Connections, Run } from './connections.ts'

export type Migration = {
  /** From 1, without a gap; never changed once released. */
  readonly number: number
  readonly name: string
  readonly sql: string
  /** The oldest migration that a program must know to go on working after this one. */
  readonly needs?: number
}

/** All of it is one transaction: a process that dies in the middle leaves nothing half done. */
export async function migrate(
  connections: Connections,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  if (await isCurrent(connections, schema, migrations)) return
  try {
    await applyAll(connections, schema, migrations)
  } catch (error) {
    if ((error as { code?: string }).code !== NOT_PERMITTED) throw error
    throw new Error(
      `the schema ${schema} cannot be made or changed: ${(error as Error).message}; ` +
        'the role has to own the database, or to be granted CREATE on it and own the schema',
      { cause: error },
    )
  }
}

const NOT_PERMITTED = '42501'

async function applyAll(
  connections: Connections,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  await connections.transaction(async (run) => {
    // Others wait here, then find nothing left to do.
    await run({ name: '', text: 'SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0' })
    await run({ name: '', text: 'SELECT pg_advisory_xact_lock(hashtext($1))' }, [
      `daybook:${schema}`,
    ])
    // Looked up, or the session goes by what it remembers of before the wait: no such schema.
    await run({ name: '', text: 'SELECT FROM pg_namespace WHERE nspname = $1' }, [schema])
    await run({ name: '', text: `CREATE SCHEMA IF NOT EXISTS ${schema}` })
    await run({ name: '', text: tableOf(schema) })
    const done = await applied(run, schema)
    for (const { number, name, sql, needs = 1 } of migrations) {
      if (done.some((one) => one.number === number)) continue
      await run({ name: '', text: sql })
      await run(
        {
          name: '',
          text: `INSERT INTO ${schema}.migrations (number, name, needs) VALUES ($1, $2, $3)`,
        },
        [number, name, needs],
      )
    }
    refuseNewer(done, schema, migrations)
  })
}

const tableOf = (schema: string) => `CREATE TABLE IF NOT EXISTS ${schema}.migrations (
  number int PRIMARY KEY, name text NOT NULL, needs int NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now())`

type Applied = { readonly number: number; readonly needs: number }
const applied = (run: Run, schema: string) =>
  run<Applied>({ name: '', text: `SELECT number, needs FROM ${schema}.migrations` })

/** Nothing to do: the usual case, and it takes no lock. */
async function isCurrent(
  { read }: Connections,
  schema: string,
  migrations: readonly Migration[],
): Promise<boolean> {
  const [found] = await read<{ there: string | null }>(
    { name: '', text: 'SELECT to_regclass($1)::text AS there' },
    [`${schema}.migrations`],
  )
  if (found?.there == null) return false
  const done = await applied(read, schema)
  refuseNewer(done, schema, migrations)
  return migrations.every(({ number }) => done.some((one) => one.number === number))
}

function refuseNewer(
  done: readonly Applied[],
  schema: string,
  migrations: readonly Migration[],
): void {
  const known = migrations.at(-1)?.number ?? 0
  const newer = done.find(({ needs }) => needs > known)
  if (newer !== undefined)
    throw new Error(
      `the schema ${schema} was changed by a newer Daybook (migration ${newer.number}); use that one`,
    )
}
