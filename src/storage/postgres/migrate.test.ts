// Migrations run once, however many start at the same time, while others serve, and whole or not at
// all.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { onPostgres, type TestDatabase } from '#testing/postgres-server.ts'
import { append } from '#testing/sample-appends.ts'
import { type Connections, connect } from './connections.ts'
import { openEventLog } from './event-log.ts'
import { MIGRATIONS, SCHEMA } from './log-schema.ts'
import { type Migration, migrate } from './migrate.ts'

const PROCESSES = 10

/** Opens every store of the engine when told to, and says what came of it. */
const OPENER = `
  const { engines } = await import('${join(import.meta.dirname, '..', 'engines.ts')}')
  const engine = await engines.postgres()
  console.log('here')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  const place = { path: '', url: process.env.URL_TO_OPEN }
  const open = [engine.openEventLog, engine.openReadModels, engine.openLeases, engine.openKeyRing]
  try {
    for (const port of await Promise.all(open.map((open) => open(place)))) await port.close()
    console.log('opened')
  } catch (error) {
    console.log(String(error))
  }
  process.exit()`

const made: readonly Migration[] = [
  {
    number: 1,
    name: 'runs',
    sql: 'CREATE TABLE made.runs (number int); INSERT INTO made.runs VALUES (1)',
  },
  { number: 2, name: 'second', sql: 'INSERT INTO made.runs VALUES (2)' },
]
const third = (more: Partial<Migration> = {}): Migration => ({
  number: 3,
  name: 'third',
  sql: 'INSERT INTO made.runs VALUES (3)',
  ...more,
})

await onPostgres('PostgreSQL migrations', (fresh) => {
  let database: TestDatabase
  let url: string
  let connections: Connections
  beforeEach(async () => {
    database = await fresh()
    url = database.url
    connections = connect(url)
  })
  afterEach(async () => {
    await connections.close()
    await database.remove()
  })
  const ask = <R>(text: string) => connections.read<R>({ name: '', text })
  const runs = async () =>
    (await ask<{ number: number }>('SELECT number FROM made.runs')).map(({ number }) => number)
  const migrations = (schema: string) =>
    ask<{ number: number }>(`SELECT number FROM ${schema}.migrations ORDER BY number`)

  it(`run once when ${PROCESSES} processes start at once on an empty database`, async () => {
    const openers = Array.from({ length: PROCESSES }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', OPENER], {
        env: { ...process.env, URL_TO_OPEN: url },
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      return { child, here: nextLine(child) }
    })
    for (const { here } of openers) equal(await here, 'here')
    const answers = openers.map(({ child }) => nextLine(child))
    for (const { child } of openers) child.stdin?.end('go')
    deepEqual(await Promise.all(answers), Array(PROCESSES).fill('opened'))
    for (const schema of ['event_store', 'read_models', 'leases', 'key_ring']) {
      const numbers = (await migrations(schema)).map(({ number }) => number)
      ok(numbers.length > 0, schema)
      deepEqual(
        numbers,
        numbers.map((_, i) => i + 1),
      )
    }
  })

  it('run once, in order, for many that come at the same moment and later', async () => {
    await Promise.all(Array.from({ length: 30 }, () => migrate(connections, 'made', made)))
    deepEqual(await runs(), [1, 2])
    await Promise.all([
      ...Array.from({ length: 5 }, () => migrate(connections, 'made', [...made, third()])),
      ...Array.from({ length: 5 }, () => migrate(connections, 'made', made)),
    ])
    deepEqual(await runs(), [1, 2, 3])
  })

  it('are whole or not at all: one that fails leaves nothing of those before it', async () => {
    const broken = third({ sql: 'INSERT INTO made.runs VALUES (3); SELECT 1/0' })
    await rejects(migrate(connections, 'made', [...made, broken]), /division by zero/)
    deepEqual(await ask("SELECT 1 FROM pg_namespace WHERE nspname = 'made'"), [])
    await migrate(connections, 'made', [...made, third()])
    deepEqual(await runs(), [1, 2, 3])
  })

  it('say what a role lacks that may not run them', async () => {
    const role = `daybook_test_${randomBytes(4).toString('hex')}`
    await ask(`CREATE ROLE ${role} LOGIN PASSWORD 'none'`)
    try {
      const theirs = new URL(url)
      theirs.username = role
      theirs.password = 'none'
      const limited = connect(theirs.href)
      await rejects(migrate(limited, 'made', made), /schema made cannot .* granted CREATE/)
      await limited.close()
    } finally {
      await ask(`DROP ROLE ${role}`)
    }
  })

  it('go on in another process when one is killed in the middle', async () => {
    const gate = new pg.Client({ connectionString: url })
    gate.on('error', () => {})
    await gate.connect()
    await gate.query('SELECT pg_advisory_lock(4242)')
    const slow = third({
      sql: 'INSERT INTO made.runs VALUES (3); SELECT pg_advisory_xact_lock(4242)',
    })
    const script = `
      const { connect } = await import('${join(import.meta.dirname, 'connections.ts')}')
      const { migrate } = await import('${join(import.meta.dirname, 'migrate.ts')}')
      await migrate(connect(process.env.URL_TO_OPEN), 'made', ${JSON.stringify([...made, slow])})`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, URL_TO_OPEN: url },
      stdio: 'inherit',
    })
    const waiting = `SELECT FROM pg_stat_activity
      WHERE query LIKE 'INSERT INTO made.runs%' AND wait_event_type = 'Lock'`
    while ((await ask(waiting)).length === 0) await wait(5)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await gate.end()
    await migrate(connections, 'made', [...made, third()])
    deepEqual(await runs(), [1, 2, 3])
  })

  it('are not waited for by those who have nothing to do', async () => {
    await migrate(connections, 'made', made)
    await connections.transaction(async (run) => {
      await run({ name: '', text: "SELECT pg_advisory_xact_lock(hashtext('daybook:made'))" })
      // It would wait for us, and we for it.
      await migrate(connections, 'made', made)
    })
  })

  it('of a newer version run while the older one goes on appending (traps 1.13)', async () => {
    const log = await openEventLog({ url })
    let appended = 0
    let going = true
    const writer = async (name: string) => {
      while (going) {
        const verdict = await log.append(append(name))
        ok(verdict.ok)
        appended++
      }
    }
    const writing = ['note-1', 'note-2', 'note-3'].map(writer)
    while (appended < 20) await wait(1)
    const next = MIGRATIONS.length + 1
    await migrate(connections, SCHEMA, [
      ...MIGRATIONS,
      {
        number: next,
        name: 'more',
        sql: `ALTER TABLE event_store.log ADD COLUMN more text;
          ALTER TABLE event_store.commands ADD COLUMN more text NOT NULL DEFAULT 'none';
          CREATE TABLE event_store.more (n int)`,
      },
    ])
    const during = appended
    while (appended < during + 20) await wait(1)
    going = false
    await Promise.all(writing)
    equal((await log.head()).position, appended)
    deepEqual(
      (await log.readAll(0, 1_000)).map(({ position }) => position),
      Array.from({ length: Math.min(appended, 1_000) }, (_, i) => i + 1),
    )
    await log.close()
    // The older version may also start again.
    const again = await openEventLog({ url })
    equal((await again.append(append('note-4'))).ok, true)
    await again.close()
    equal((await migrations(SCHEMA)).length, next)
  })

  it('of a newer version may say that the older one must not go on', async () => {
    await migrate(connections, 'made', [...made, third({ needs: 3 })])
    await rejects(migrate(connections, 'made', made), /made was changed by a newer Daybook.*3/)
    await migrate(connections, 'made', [...made, third({ needs: 3 })])
    deepEqual(await runs(), [1, 2, 3])
  })
})

async function nextLine(child: ChildProcess): Promise<string> {
  const [text] = (await once(child.stdout!, 'data')) as [Buffer]
  return text.toString().trim()
}
