// What docs/operating.md says is true: its commands bring a shop back, its queries run, its figures
// are those of the code and of processes that are counted.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { v7 } from 'uuid'
import { absent } from '#testing/absent.ts'
import { atServer, type Client, type Fleet, fleetClient, openFleet } from '#testing/fleet.ts'
import { type Cluster, startCluster, systemPostgres } from '#testing/postgres-cluster.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { compose } from './compose.ts'
import { readConfig } from './config.ts'
import { settingKeys } from './settings.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const MAIN = join(import.meta.dirname, 'main.ts')
const page = readFileSync(join(ROOT, 'docs', 'operating.md'), 'utf8')
const STREET = 'Kanalstrasse 7'
const ADDRESS = { street: STREET, city: 'Basel', country: 'CH' }
type Addressed = { readonly shipping_address?: { readonly street: string } | null }

/** The commands under `<!-- run: name -->`. */
function block(name: string): string {
  const found = new RegExp(`<!-- run: ${name} -->\n\`\`\`\\w+\n([^]*?)\n\`\`\``).exec(page)
  if (found === null) throw new Error(`docs/operating.md has no commands named ${name}`)
  return found[1]!
}

/** A table's rows, by the first cell; cells without their backticks. */
const rowsUnder = (heading: string): ReadonlyMap<string, readonly string[]> =>
  new Map(
    page
      .slice(page.indexOf(`## ${heading}`))
      .split('\n\n')
      .find((part) => part.startsWith('|'))!
      .split('\n')
      .slice(2)
      .map((line) => {
        const [first = '', ...cells] = line.slice(2, -2).replaceAll('`', '').split(' | ')
        return [first, cells.map((cell) => cell.trim())]
      }),
  )

type Shell = { readonly cwd: string; readonly env?: Record<string, string>; readonly bin?: string }

/** As it stands in the page; `daybook` is ours. */
async function run(commands: string, { cwd, env = {}, bin }: Shell): Promise<string> {
  const daybook = `daybook() { "${process.execPath}" "${MAIN}" "$@"; }`
  const path = [...(bin ? [bin] : []), dirname(process.execPath), process.env.PATH]
  const { stdout } = await promisify(execFile)('bash', ['-euc', `${daybook}\n${commands}`], {
    cwd,
    env: { ...process.env, PATH: path.join(delimiter), ...env },
  })
  return stdout
}

describe('the page on operating', () => {
  it('gives a role what sessions ask for, all of it', () => {
    const source = readFileSync(join(ROOT, 'src/storage/postgres/connections.ts'), 'utf8')
    const [, list = ''] = /const SESSION = \[([^\]]*)\]/.exec(source) ?? []
    const asked = [...list.matchAll(/'(\w+)=(\w+)'/g)].map(([, name, value]) => `${name} ${value}`)
    const given = [...page.matchAll(/ALTER ROLE daybook SET (\w+) = '(\w+)';/g)]
    ok(asked.length >= 7)
    deepEqual(given.map(([, name, value]) => `${name} ${value}`).sort(), asked.sort())
  })

  it('tells the time-outs that the code has', () => {
    const source = (path: string) => readFileSync(join(ROOT, path), 'utf8').replaceAll('_', '')
    const told = rowsUnder('Time-outs')
    const has = (what: string, path: string, text: string) => {
      match(source(path), new RegExp(text.replaceAll('_', '')), what)
      const [, count] = /= ?'?(\d+)/.exec(text) ?? []
      const seconds = Number(count) >= 1_000 ? Number(count) / 1_000 : Number(count)
      equal(told.get(what)?.[0], `${seconds} s`, what)
    }
    const connections = 'src/storage/postgres/connections.ts'
    has('to get a connection', connections, 'CONNECT_WITHIN_MS = 5000')
    has('lock_timeout', connections, 'lock_timeout=5s')
    has(
      'idle_in_transaction_session_timeout',
      connections,
      'idle_in_transaction_session_timeout=10s',
    )
    has('statement_timeout', connections, 'statement_timeout=60s')
    has('an answer of a store', 'src/app/circuits.ts', 'ANSWER_WITHIN_MS = 10000')
    has('a lease', 'src/runtime/shares.ts', 'LEASE_MS = 5000')
    has('to stop after SIGTERM', 'src/app/start.ts', 'LEAVE_AFTER_MS = 20000')
  })

  it('names settings that there are', () => {
    const groups = new Set(settingKeys.map((key) => key.split('.')[0]))
    const named = [...page.matchAll(/`([a-z]+(?:\.[a-z_]+)+)/g)].map(([, key]) => key!)
    const ours = named.filter((key) => groups.has(key.split('.')[0]!))
    ok(ours.length > 2)
    for (const key of ours) ok((settingKeys as readonly string[]).includes(key), key)
  })
})

// ── SQLite ────────────────────────────────────────────────────────────────────────────────────

describe('a shop in files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-operating-'))
  after(() => rmSync(folder, { recursive: true }))

  const openOn = async (path: string) => {
    const found = readConfig({ argv: ['--data', join(folder, path)], env: {}, file: null })
    if (!found.ok) throw new Error(found.problems.join('\n'))
    const app = await compose(found.config)
    return { ...app, [Symbol.asyncDispose]: () => app.close() }
  }

  it('comes back from a backup that was taken while it was at work', async () => {
    const order_id = v7()
    {
      await using app = await openOn('data/daybook.db')
      const product_id = v7()
      const goods = { product_id, name: 'Cup', code: 'CUP', sell_price: '5.00', currency: 'USD' }
      const order = {
        order_id,
        customer_id: 'ada',
        items: [{ product_id, quantity: '1' }],
        shipping_address: ADDRESS,
      }
      for (const [type, input] of [
        ['CreateProduct', goods],
        ['CreateInventory', { product_id, quantity: '5' }],
        ['CreateOrder', order],
      ] as const) {
        const done = await app.send(type, input)
        ok(done.ok, JSON.stringify(done))
      }
      match(await run(block('backup'), { cwd: folder }), /Seal: \d+:[\w-]{43} /)
    }
    const started = await run(block('back').replace(/^daybook start/m, 'echo start'), {
      cwd: folder,
    })
    match(started, /, 0 differences\.[^$]*\nstart --data restored\/daybook\.db\n$/)
    equal(existsSync(join(folder, 'restored', 'daybook-views.db')), false)

    {
      await using app = await openOn('restored/daybook.db')
      await app.projected((await app.log.head()).position)
      const answer = await app.ask('GetOrder', { order_id })
      const found = answer.ok ? (answer.result as Addressed) : null
      equal(found?.shipping_address?.street, STREET)
    }
    match(
      await run('daybook verify --data restored/daybook.db', { cwd: folder }),
      /, 0 differences/,
    )
  })
})

// ── PostgreSQL ────────────────────────────────────────────────────────────────────────────────

const bin = systemPostgres().find((folder) => existsSync(join(folder, 'pg_dump')))
const name = 'a shop on PostgreSQL'
if (bin === undefined) absent('postgres', 'no pg_dump in /usr/lib/postgresql/*/bin', name)
else describe(name, () => onServer(bin))

const SETTLED_WITHIN_MS = 300_000

function onServer(bin: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-operating-'))
  const order_id = v7()
  let cluster: Cluster
  let fleet: Fleet
  let client: Client
  const urlOf = (database: string) => cluster.url.replace(/\/postgres$/, `/${database}`)
  const psql = async (sql: string, database = 'shop') =>
    (await promisify(execFile)(join(bin, 'psql'), ['-AtXqc', sql, urlOf(database)])).stdout.trim()
  const openShop = async (database: string, roles: readonly string[]) => {
    fleet = openFleet(MAIN, { folder, env: atServer(urlOf(database)) })
    client = fleetClient(fleet, seeded(seedOfRun()))
    for (const one of roles) await fleet.start(one, one)
  }

  before(async () => {
    cluster = await startCluster(bin)
    for (const database of ['shop', 'restored', 'forgetful'])
      await psql(`CREATE DATABASE ${database}`, 'postgres')
    await openShop('shop', ['command', 'query', 'projection', 'saga', 'admin'])
    const id = v7()
    const done = [
      await client.post('/api/v1/products', { id, name: 'Cup', code: 'CUP', sell_price: 5 }, 'p'),
      await client.post('/api/v1/inventory/stock', { product_id: id, quantity: 5 }, 's'),
      await client.post(
        '/api/v1/orders',
        {
          order_id,
          customer_id: 'ada',
          items: [{ product_id: id, quantity: 1 }],
          shipping_address: ADDRESS,
        },
        'o',
      ),
    ]
    for (const { status, body } of done) equal(status, 201, JSON.stringify(body))
    // It is at rest from here on: what would come behind the dump is not in the other database.
    await until(async () => (await order()).payment_status === 'captured')
    await caughtUp()
    equal((await order()).status, 'CONFIRMED')
  })
  after(async () => {
    await fleet?.end()
    await cluster?.stop()
    rmSync(folder, { recursive: true })
  })

  const until = async (isSo: () => Promise<boolean>) => {
    const end = Date.now() + SETTLED_WITHIN_MS
    while (!(await isSo())) {
      ok(Date.now() < end, `not settled: ${fleet.complaints()}`)
      await sleep(100)
    }
  }
  const order = async () => (await client.get(`/api/v1/orders/${order_id}`)).body
  const street = async () => ((await order()) as Addressed).shipping_address?.street
  const caughtUp = () =>
    until(async () => {
      const { body } = await client.get('/api/v1/admin/projections', { admin: true })
      return (body.items as { lag_events: number }[]).every(({ lag_events }) => lag_events === 0)
    })

  it('has no more connections than the page says, by role', async () => {
    const told = rowsUnder('Connections')
    const counted = await psql(
      `SELECT application_name || '=' || count(*) FROM pg_stat_activity
       WHERE application_name LIKE 'daybook %' GROUP BY application_name`,
    )
    const roles = counted.split('\n').map((line) => line.split(/[ =]/).slice(1))
    equal(roles.length, 5, counted)
    for (const [role, count] of roles)
      ok(Number(count) <= Number(told.get(role!)?.[0]), `${role}: ${count}`)
    const most = ['command', 'query', 'saga', 'projection', 'admin'].map((role) =>
      Number(told.get(role)?.[0]),
    )
    const sum = most.reduce((total, one) => total + one, 0)
    ok(page.includes(`one of each is ${sum}.`), `the sum is ${sum}`)
  })

  it('is seen by the queries of the page', async () => {
    match(await psql(block('sessions')), /daybook projection/)
    match(await psql(block('shares')), /order_views\|\d+\|0\n[\s\S]*projection\/\S*order_views\|/)
  })

  it('is dumped at work, its keys apart and nobody in clear', async () => {
    const { url } = { url: urlOf('shop') }
    await run(block('dump'), { cwd: folder, bin, env: { DATABASE_POSTGRES_URL: url } })
    const text = (file: string) => run(`pg_restore --file=- ${file}`, { cwd: folder, bin })
    const [book, keys] = [await text('book.dump'), await text('keys.dump')]
    ok(book.includes(order_id), 'the order is in it')
    ok(!book.includes(STREET) && !book.includes('key_ring'))
    match(keys, /COPY key_ring\.keys/)
    await fleet.end()
  })

  it('comes back in another database, with everything that it knew', async () => {
    const env = { RESTORED_URL: urlOf('restored') }
    await run(block('restore'), { cwd: folder, bin, env })
    await openShop('restored', ['projection,admin'])
    await caughtUp()
    await fleet.start('query', 'query')
    equal(await street(), STREET)
    const said = await run('daybook verify', {
      cwd: folder,
      env: { DATABASE_POSTGRES_URL: urlOf('restored') },
    })
    match(said, /, 0 differences/)
    const count = (database: string) => psql('SELECT max(position) FROM event_store.log', database)
    equal(await count('restored'), await count('shop'))
    await fleet.end()
  })

  it('works without its keys, and has forgotten everybody', async () => {
    const [, book = ''] = block('restore').split('\n')
    match(book, /book\.dump$/)
    await run(book, { cwd: folder, bin, env: { RESTORED_URL: urlOf('forgetful') } })
    await openShop('forgetful', ['projection,admin,query'])
    await caughtUp()
    const found = await order()
    deepEqual([found.status, found.shipping_address], ['CONFIRMED', null])
    await fleet.end()
  })
}
