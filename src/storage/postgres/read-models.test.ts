// What the contract of read models cannot ask of every engine: plans, round trips, connections that
// die, processes that start together, and what people see with SQL.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, it } from 'node:test'
import pg from 'pg'
import type { Row, Table } from '#kernel/projection.ts'
import type { Commit, ReadModels } from '#storage/read-models.ts'
import { onPostgres, type TestDatabase } from '#testing/postgres-server.ts'
import { tcpProxy } from '#testing/tcp-proxy.ts'
import { openReadModels } from './read-models.ts'

const orders: Table = {
  name: 'orders',
  key: 'id',
  columns: {
    id: 'text',
    customer: 'text',
    total_minor: 'money',
    due_at: { kind: 'instant', nullable: true },
    day: 'day',
    paid: 'bool',
    lines: { kind: 'json', nullable: true },
  },
  indexes: [['due_at'], ['customer'], ['day', 'total_minor']],
}
const SHADOW = { ...orders, name: 'orders__rebuild' }
const ROWS = 20_000
const DAY_MS = 86_400_000

const order = (i: number, more: Row = {}): Row => ({
  id: `order-${i}`,
  customer: `customer-${i % 1_000}`,
  total_minor: i,
  due_at: i % 20 === 0 ? new Date(Date.UTC(2010, 0, 1) + i * 60_000).toISOString() : null,
  day: new Date(Date.UTC(2010, 0, 1) + (i % 300) * DAY_MS).toISOString().slice(0, 10),
  paid: i % 2 === 0,
  lines: [{ sku: `sku-${i % 9}` }],
  ...more,
})
const change = (from: number, to: number, more: Partial<Commit> = {}): Commit => ({
  projection: 'orders',
  table: orders,
  from,
  to,
  upserts: [],
  deletes: [],
  park: [],
  unpark: [],
  ...more,
})
const parked = (position: number) => ({
  projection: 'orders',
  position,
  keys: [`order-${position}`, `stream:order-${position}`],
  error: '',
})

await onPostgres('read models on PostgreSQL', (fresh) => {
  let database: TestDatabase
  let reads: ReadModels
  let admin: pg.Client
  beforeEach(async () => {
    database = await fresh()
    reads = await openReadModels({ url: database.url })
    await reads.define([{ name: 'orders', version: 1, table: orders }])
    admin = new pg.Client({ connectionString: database.url })
    admin.on('error', () => {})
    await admin.connect()
  })
  afterEach(async () => {
    await admin.end()
    await reads.close()
    await database.remove()
  })
  const asked = async (text: string) => (await admin.query(text)).rows
  const swapIn = async (to: number, upserts: Row[], table = SHADOW) => {
    await reads.define([{ name: SHADOW.name, version: 2, table }])
    const beside = change(0, to, { projection: SHADOW.name, table, upserts })
    equal(await reads.commit([beside]), true)
    equal(await reads.swap('orders', SHADOW.name), true)
  }

  /** Every statement that is sent, with its values. */
  type Sent = { name?: string; text: string; values?: unknown[] }
  const listening = (t: { mock: typeof it.mock }) => {
    const sent: Sent[] = []
    const { query } = pg.Client.prototype
    t.mock.method(pg.Client.prototype, 'query', function (this: pg.Client, ...args: unknown[]) {
      sent.push(args[0] as Sent)
      return Reflect.apply(query, this, args)
    })
    return sent
  }

  const hot: [string, () => Promise<unknown>][] = [
    ['load', () => reads.load(orders, ['order-7', 'order-9'])],
    ['a single row', () => reads.find(orders, { where: { id: 'order-7' }, limit: 1 })],
    ['keysOf', () => reads.keysOf(orders, { customer: 'customer-7' })],
    ['checkpoints', () => reads.checkpoints()],
    ['generations', () => reads.generations()],
    ['held', () => reads.held()],
    ['isParked', () => reads.isParked('orders', ['order-7', 'stream:order-8*'])],
    [
      'rows that are due',
      () =>
        reads.find(orders, {
          where: { due_at: { lte: '2010-01-02T00:00:00.000Z' } },
          sort: [{ column: 'due_at' }],
          limit: 100,
        }),
    ],
    [
      'a prefix of a key',
      () => reads.find(orders, { where: { id: { starts: 'order-199' } }, limit: 5 }),
    ],
    [
      'a commit',
      () => {
        const rest = { park: [parked(9)], unpark: [7] }
        return reads.commit([change(1, 2, { upserts: [order(7)], deletes: ['order-9'], ...rest })])
      },
    ],
  ]

  it('walks an index in every statement that runs all the time', async (t) => {
    await fill()
    const sent = listening(t)
    for (const [what, ask] of [...hot, ...pages]) {
      sent.length = 0
      await ask()
      ok(sent.length > 0, what)
      for (const statement of sent.flatMap(withinCommit)) {
        const plan = await planOf(statement)
        const said = `${what}: ${statement.text}\n${plan}`
        ok(!/Seq Scan on (?!projection)|Sort/.test(plan), said)
        if (what.startsWith('a later page')) ok(plan.includes('Index Cond'), said)
      }
    }
  })

  it('asks the server once per load, commit and page, also for many projections', async (t) => {
    const others = Array.from({ length: 12 }, (_, i) => ({ ...orders, name: `others_${i}` }))
    await reads.define(others.map((table) => ({ name: table.name, version: 1, table })))
    await fill()
    const sent = listening(t)
    const trips = async (work: () => Promise<unknown>) => {
      sent.length = 0
      await work()
      return sent.length
    }
    for (const [what, ask] of [...hot, ...pages]) equal(await trips(ask), 1, what)
    const rest = { upserts: [order(1)], deletes: ['order-2'], park: [parked(3)] }
    const commits = others.map((table) =>
      change(0, 1, { projection: table.name, table, ...rest, park: [] }),
    )
    equal(await trips(() => reads.commit(commits)), 1)
    const counted = { where: { paid: true }, limit: 10, total: true }
    equal(await trips(() => reads.find(orders, counted)), 1)
    equal(await trips(() => reads.group(orders, { by: ['day'], sums: ['total_minor'] })), 1)
  })

  const sorts = [
    [{ column: 'id' }],
    [{ column: 'id', descending: true }],
    [{ column: 'due_at' }],
    [{ column: 'day' }, { column: 'total_minor' }],
  ]
  /** A first page, one from the middle, and one near the end: behind all that have no value. */
  const places = [undefined, ROWS / 2, ROWS - 500]
  let pages: [string, () => Promise<unknown>][] = []

  async function fill(): Promise<void> {
    const upserts = Array.from({ length: ROWS }, (_, i) => order(i))
    const park = Array.from({ length: 5_000 }, (_, i) => parked(i))
    equal(await reads.commit([change(0, 1, { upserts, park })]), true)
    await admin.query('VACUUM ANALYZE')
    pages = []
    for (const sort of sorts)
      for (const offset of places) {
        const from = { sort, limit: 1, offset: offset ?? 0 }
        const cursor = offset === undefined ? null : (await reads.find(orders, from)).next_cursor
        const page = { sort, limit: 50, ...(cursor === null ? {} : { cursor }) }
        const { column } = sort[0]!
        // Behind a place without a value there is nothing to begin at.
        const begins = cursor !== null && (column !== 'due_at' || offset! > ROWS * 0.95)
        const what = `${begins ? 'a later page' : 'a page'} ${JSON.stringify(from)}`
        pages.push([what, () => reads.find(orders, page)])
      }
  }

  /** What the function of a commit runs, with its documents. */
  function withinCommit({ text, values = [] }: Sent): readonly Sent[] {
    if (!text.includes('.commit(')) return [{ text, values }]
    const texts = values[5] as string[]
    return texts.map((inner, at) => ({ text: inner, values: [values[6 + at]] }))
  }

  async function planOf({ text, values = [] }: Sent): Promise<string> {
    // As a named statement is planned once for all values to come.
    await admin.query('BEGIN')
    try {
      await admin.query('SET LOCAL plan_cache_mode = force_generic_plan')
      const takesJson = text.includes('json') ? '(json)' : ''
      await admin.query(`PREPARE hot ${takesJson} AS ${text}`)
      const given = values.map((value) => admin.escapeLiteral(literalOf(value)))
      const call = given.length === 0 ? 'hot' : `hot(${given.join(', ')})`
      const { rows } = await admin.query(`EXPLAIN EXECUTE ${call}`)
      return rows.map((row) => row['QUERY PLAN']).join('\n')
    } finally {
      await admin.query('ROLLBACK')
      await admin.query('DEALLOCATE ALL')
    }
  }
  const literalOf = (value: unknown) =>
    Array.isArray(value) ? `{${value.map((one) => JSON.stringify(one))}}` : String(value)

  it('shows people its tables under their names, with real columns', async () => {
    await reads.commit([change(0, 7, { upserts: [order(20)] })])
    deepEqual(
      await asked(
        `SELECT id, total_minor, due_at AT TIME ZONE 'UTC' = '2010-01-01 00:20' AS due,
           day - 1 = '2010-01-20' AS "after", paid, lines->0->>'sku' AS sku
         FROM read_models.orders`,
      ),
      [{ id: 'order-20', total_minor: '20', due: true, after: true, paid: true, sku: 'sku-2' }],
    )
    deepEqual(await asked('SELECT name, checkpoint FROM read_models.projections'), [
      { name: 'orders', checkpoint: '7' },
    ])
    await swapIn(7, [order(1, { id: 'new' })])
    deepEqual(await asked('SELECT id FROM read_models.orders'), [{ id: 'new' }])
    const wider = { ...SHADOW, columns: { ...orders.columns, more: 'int' as const } }
    await swapIn(8, [order(1, { id: 'wider', more: 1 })], wider)
    deepEqual(await asked('SELECT id, more FROM read_models.orders'), [{ id: 'wider', more: '1' }])
  })

  const physical = async () =>
    (
      await asked(
        `SELECT relname FROM pg_class WHERE relnamespace = 'read_models'::regnamespace
           AND relkind IN ('r', 'v') AND relname LIKE 'orders%' ORDER BY oid`,
      )
    ).map(({ relname }) => relname as string)

  it('removes the tables that nobody reads any more, and no others', async () => {
    const [first] = await physical()
    await swapIn(1, [])
    const after = await physical()
    equal(after.length, 2)
    ok(!after.includes(first!))
    const view = await reads.frozen()
    await swapIn(2, [])
    equal((await physical()).length, 3)
    await reads.drop('orders')
    equal((await view.load(orders, ['x'])).length, 1)
    ok((await physical()).includes(after.find((one) => one.includes('#'))!))
    await view.close()
    deepEqual(await physical(), [])
  })

  it('removes the totals of a table with it', async () => {
    const kept = (name: string): Table => ({ ...orders, name, totals: { by: ['day'], sums: [] } })
    const there = async () =>
      (await asked("SELECT FROM pg_class WHERE relname ~ '^totals#\\d+$'")).length
    await reads.define([{ name: 'kept', version: 1, table: kept('kept') }])
    equal(await there(), 1)
    await reads.define([{ name: 'kept__rebuild', version: 2, table: kept('kept__rebuild') }])
    equal(await there(), 2)
    equal(await reads.swap('kept', 'kept__rebuild'), true)
    equal(await there(), 1)
    await reads.drop('kept')
    equal(await there(), 0)
  })

  it('swaps and drops while somebody looks at a table for long', async () => {
    await reads.commit([change(0, 1, { upserts: [order(1)] })])
    await admin.query('BEGIN')
    await asked('SELECT * FROM read_models.orders')
    const begun = performance.now()
    await swapIn(2, [order(2)])
    // Who waited for the one that looks would wait for ever.
    ok(performance.now() - begun < 30_000)
    deepEqual(await reads.load(orders, ['order-2']), [order(2)])
    equal((await asked('SELECT id FROM read_models.orders'))[0]?.id, 'order-1')
    await admin.query('COMMIT')
    await swapIn(3, [order(3)])
    equal((await asked('SELECT id FROM read_models.orders'))[0]?.id, 'order-3')
    equal((await physical()).length, 2)
  })

  it('is made once by processes that start at the same time', async () => {
    const { url, remove } = await fresh()
    const tables = Array.from({ length: 5 }, (_, i) => ({ ...orders, name: `orders_${i}` }))
    const all = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const named = new URL(url)
        named.searchParams.set('application_name', `daybook ${i}`)
        const one = await openReadModels({ url: named.href })
        deepEqual(
          await one.define(tables.map((table) => ({ name: table.name, version: 1, table }))),
          [],
        )
        return one
      }),
    )
    for (const one of all) equal((await one.checkpoints()).size, 5)
    await Promise.all(all.map((one) => one.close()))
    await remove()
  })

  it('lets a handle for reading read, and nothing else', async () => {
    const reader = await openReadModels({ url: database.url, readOnly: true })
    await reads.commit([change(0, 1, { upserts: [order(1)] })])
    deepEqual(await reader.load(orders, ['order-1']), [order(1)])
    const view = await reader.frozen()
    await swapIn(2, [order(2)])
    deepEqual(await view.load(orders, ['order-1']), [order(1)])
    deepEqual(await reader.load(orders, ['order-2']), [order(2)])
    for (const refused of [
      () => reader.commit([change(2, 3)]),
      () => reader.define([]),
      () => reader.swap('orders', SHADOW.name),
      () => reader.drop('orders'),
      () => reader.hold('orders'),
      () => reader.letGo('orders'),
      () => view.commit([change(2, 3)]),
    ])
      await rejects(refused(), /readonly/)
    await view.close()
    await reader.close()
    // Another user of the same pool goes on.
    await rejects(reader.checkpoints(), /closed/)
    equal((await reads.checkpoints()).get('orders'), 2)
  })

  it('says that there is nothing yet to a handle for reading that comes first', async () => {
    const { url, remove } = await fresh()
    const reader = await openReadModels({ url, readOnly: true })
    await rejects(reader.load(orders, ['a']), { name: 'TableUnready' })
    deepEqual([(await reader.checkpoints()).size, (await reader.held()).size], [0, 0])
    deepEqual([await reader.parked(), await reader.isParked('orders', ['a', '*'])], [[], false])
    const writer = await openReadModels({ url })
    await writer.define([{ name: 'orders', version: 1, table: orders }])
    deepEqual(await reader.load(orders, ['a']), [undefined])
    await Promise.all([reader.close(), writer.close()])
    await remove()
  })

  it('throws when nobody knows whether a commit was stored, and is right afterwards', async () => {
    const proxy = await tcpProxy(database.url)
    const far = await openReadModels({ url: proxy.url })
    await far.checkpoints()
    let [unknown, done] = [0, 0]
    for (let i = 0; i < 30; i++) {
      const position = (await reads.checkpoints()).get('orders')!
      const commit = far.commit([change(position, position + 1, { upserts: [order(position)] })])
      if (i % 2 === 1) setTimeout(() => proxy.cut(), i % 5)
      try {
        // The server may still be at the one before, whose answer was lost.
        if (await commit) done++
      } catch (error) {
        unknown++
        match(String(error), /Interrupted|Unavailable/)
      }
      proxy.open()
      const view = await reads.frozen()
      const { total } = await view.find(orders, { limit: 0, total: true })
      equal(total, (await view.checkpoints()).get('orders'))
      await view.close()
    }
    ok(done > 0)
    ok(unknown > 0)
    await far.close()
    await proxy.close()
  })

  it('says so when the connection of a frozen view ends, and opens another', async () => {
    const view = await reads.frozen()
    await asked(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    )
    await rejects(view.checkpoints(), { name: 'Unavailable' })
    await view.close()
    const next = await reads.frozen()
    equal((await next.checkpoints()).get('orders'), 0)
    await next.close()
  })

  it('keeps a frozen view for longer than a transaction may idle, and writes nothing', async (t) => {
    const clients = new Set<pg.Client>()
    const { query } = pg.Client.prototype
    t.mock.method(pg.Client.prototype, 'query', function (this: pg.Client, ...args: unknown[]) {
      if ((args[0] as Sent).text?.startsWith('BEGIN ISOLATION')) clients.add(this)
      return Reflect.apply(query, this, args)
    })
    const view = await reads.frozen()
    const [client] = clients
    const setting = async (name: string) =>
      (await client!.query('SELECT current_setting($1) AS is', [name])).rows[0].is
    equal(await setting('idle_in_transaction_session_timeout'), '0')
    equal(await setting('transaction_isolation'), 'repeatable read')
    equal(await setting('transaction_read_only'), 'on')
    await view.close()
  })

  it('never tells values in an error', async () => {
    const codes: Table = {
      name: 'codes',
      key: 'id',
      columns: { id: 'text', code: 'text' },
      unique: [['code']],
      indexes: [['code']],
    }
    await reads.define([{ name: 'codes', version: 1, table: codes }])
    const put = (from: number, rows: Row[]) =>
      reads.commit([change(from, from + 1, { projection: 'codes', table: codes, upserts: rows })])
    equal(await put(0, [{ id: 'a', code: 'secret@example.org' }]), true)
    const refusal = await put(1, [{ id: 'b', code: 'secret@example.org' }]).catch((error) => error)
    equal(refusal.name, 'RowsRefused')
    ok(!refusal.message.includes('secret'), refusal.message)
    match(refusal.message, /codes/)
    // Longer than an index takes here: this row's fault alone.
    const long = Array.from({ length: 20_000 }, (_, i) =>
      String.fromCodePoint(256 + ((i * 7919) % 40_000)),
    )
    await rejects(put(1, [{ id: 'long', code: long.join('').toWellFormed() }]), {
      name: 'RowsRefused',
    })
    equal(await put(1, [{ id: 'c', code: 'x' }]), true)
  })
})
