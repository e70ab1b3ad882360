// Processes with different roles on one PostgreSQL, as they are started, told to stop and killed:
// what each offers, that they know of each other's work, and who takes over.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { LEASE_MS } from '#runtime/shares.ts'
import { openLeases } from '#storage/postgres/leases.ts'
import { onPostgres, type TestDatabase } from '#testing/postgres-server.ts'

const MAIN = join(import.meta.dirname, 'main.ts')
const PORTS = ['server.port', 'server.query_port', 'server.admin_port', 'server.health_port']
/** A process that has not started by then never will; the machine may be busy. */
const READY_WITHIN_MS = 180_000
/** Leases run out after seconds; a machine that is busy takes its time to see it. */
const SHARED_WITHIN_MS = 20 * LEASE_MS

type Running = {
  readonly child: ChildProcess
  readonly said: { out: string; err: string }
  /** Where its doors are, by what the start line calls them. */
  readonly at: Readonly<Record<string, string>>
  readonly ended: Promise<{ readonly code: number | null; out: string; err: string }>
}

/** The program in one folder with one database; everything it started is gone at the end. */
function program(url: string) {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-roles-'))
  const started: { readonly child: ChildProcess; readonly ended: Promise<unknown> }[] = []
  const { DATABASE_POSTGRES_URL: _, ...env } = process.env

  const run = (args: readonly string[], more: NodeJS.ProcessEnv = {}) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: folder,
      env: { ...env, DATABASE_POSTGRES_URL: url, ...more },
    })
    const said = { out: '', err: '' }
    child.stdout.on('data', (chunk) => (said.out += chunk))
    child.stderr.on('data', (chunk) => (said.err += chunk))
    const ended = once(child, 'close').then(([code]) => ({ code, ...said }))
    const running = { child, said, ended }
    started.push(running)
    return running
  }
  return {
    folder,
    run,
    async start(roles: string, ...more: string[]): Promise<Running> {
      const ports = PORTS.flatMap((key) => ['--set', `${key}=:0`])
      const running = run(['start', '--role', roles, ...ports, ...more])
      const until = Date.now() + READY_WITHIN_MS
      while (!/ready[^\n]*\n/.test(running.said.out)) {
        ok(running.child.exitCode === null && Date.now() < until, running.said.err)
        await sleep(10)
      }
      const at = [...running.said.out.matchAll(/(?<!docs )\b(\w+) (http:\S+)/g)].map(
        ([, name, origin]) => [name, origin],
      )
      return { ...running, at: Object.fromEntries(at) }
    },
    async end() {
      for (const { child } of started) child.kill('SIGKILL')
      await Promise.all(started.map(({ ended }) => ended))
      rmSync(folder, { recursive: true })
    },
  }
}
type Program = ReturnType<typeof program>

async function send(method: string, url: string, body?: object) {
  const answer = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  // Answers are read member by member below.
  return { status: answer.status, body: (await answer.json()) as Record<string, never> }
}

type Shares = Readonly<Record<string, readonly string[]>>

await onPostgres('roles', (fresh) => {
  describe('one process for each', () => {
    let database: TestDatabase
    let shop: Program
    let command: Running
    let query: Running
    let projection: Running
    let saga: Running
    let admin: Running
    before(async () => {
      database = await fresh()
      shop = program(database.url)
      ;[command, query, projection, saga, admin] = (await Promise.all(
        ['command', 'query', 'projection', 'saga', 'admin'].map((role) => shop.start(role)),
      )) as [Running, Running, Running, Running, Running]
    })
    after(async () => {
      await shop.end()
      await database.remove()
    })

    it('says in one line what it is there for and where', () => {
      match(command.said.out, /^Daybook is ready as command: commands http\S+ \(docs at \S+\)$/m)
      deepEqual(Object.keys(query.at), ['queries'])
      deepEqual(Object.keys(saga.at), ['health'])
      deepEqual(Object.keys(admin.at), ['admin'])
    })

    it('offers what its roles need and nothing else', async () => {
      const status = async (origin: string, method: string, path: string) =>
        (await send(method, `${origin}/api/v1/${path}`, method === 'POST' ? {} : undefined)).status
      const of = async (origin: string) => [
        await status(origin, 'POST', 'products'),
        await status(origin, 'GET', 'products'),
        await status(origin, 'GET', 'admin/projections'),
      ]
      deepEqual(await of(command.at.commands!), [400, 405, 404])
      deepEqual(await of(query.at.queries!), [405, 200, 404])
      deepEqual(await of(admin.at.admin!), [404, 404, 200])
      deepEqual(await of(saga.at.health!), [404, 404, 404])
    })

    it('has its health on every port', async () => {
      const origins = [command, query, projection, saga, admin].flatMap(({ at }) =>
        Object.values(at),
      )
      equal(origins.length, 5)
      for (const origin of origins)
        for (const path of ['/health', '/health/live', '/health/ready']) {
          const { status, body } = await send('GET', `${origin}${path}`)
          deepEqual([status, body], [200, { status: 'ok' }], `${origin}${path}`)
        }
    })

    it('sees what another process has written, or is told to wait, but nothing older', async () => {
      const product = { code: 'CUP', name: 'Cup', sell_price: 5 }
      const made = await send('POST', `${command.at.commands}/api/v1/products`, product)
      equal(made.status, 201)
      const url = `${query.at.queries}/api/v1/products/${made.body.id}`
      let answers = 0
      // A machine that is busy may tell to wait many times.
      for (let price = 6; price < 26 || answers === 0; price++) {
        const path = `${command.at.commands}/api/v1/products/${made.body.id}`
        const changed = await send('PATCH', path, { sell_price: price })
        equal(changed.status, 200, JSON.stringify(changed.body))
        const seen = await send('GET', `${url}?min_position=${changed.body.position}`)
        if (seen.status === 503) equal(seen.body.code, 'projection_lagging')
        else {
          equal(seen.status, 200)
          equal(seen.body.sell_price, price)
          answers++
        }
      }
    })

    it('carries an order to its end, each process its part', async () => {
      const { body: product } = await send('POST', `${command.at.commands}/api/v1/products`, {
        code: 'MUG',
        name: 'Mug',
        sell_price: 5,
      })
      const stock = { product_id: product.id, quantity: 10 }
      await send('POST', `${command.at.commands}/api/v1/inventory/stock`, stock)
      const placed = await send('POST', `${command.at.commands}/api/v1/orders`, {
        customer_id: '0190a6ae-0000-7000-8000-000000000001',
        items: [{ product_id: product.id, quantity: 1 }],
      })
      equal(placed.status, 201, JSON.stringify(placed.body))
      const url = `${query.at.queries}/api/v1/orders/${placed.body.order_id}`
      while ((await send('GET', url)).body.status !== 'CONFIRMED') await sleep(10)
    })

    it('is operated by a process that does not do the work itself', async () => {
      const at = `${admin.at.admin}/api/v1/admin`
      const verified = await send('POST', `${at}/verify`, {})
      deepEqual([verified.status, verified.body.differences], [200, 0])
      const rebuilt = await send('POST', `${at}/projections/rebuild`, { name: 'order_views' })
      equal(rebuilt.status, 200, JSON.stringify(rebuilt.body))
      const health = await send('GET', `${at}/health`)
      const { components } = health.body as unknown as {
        components: { roles: string; server: string; projections: readonly object[] }
      }
      equal(components.roles, 'admin')
      match(components.server, /^PostgreSQL \d+/)
      ok(components.projections.length > 10)
    })

    it('is paused and resumed from there, wherever it runs', async () => {
      const pause = `${admin.at.admin}/api/v1/admin/projections/units/pause`
      equal((await send('POST', pause, {})).status, 200)
      const unit = { name: 'Box' }
      const made = await send('POST', `${command.at.commands}/api/v1/units`, unit)
      equal(made.status, 201, JSON.stringify(made.body))
      const url = `${query.at.queries}/api/v1/units?min_position=${made.body.position}`
      const lagging = await send('GET', url)
      deepEqual([lagging.status, lagging.body.code], [503, 'projection_lagging'])
      const resume = `${admin.at.admin}/api/v1/admin/projections/units/resume`
      equal((await send('POST', resume, {})).status, 200)
      while ((await send('GET', url)).status !== 200) await sleep(10)
    })

    it('never tells the password, whatever is asked', async () => {
      const { password } = new URL(database.url)
      if (password === '') return
      const health = await send('GET', `${admin.at.admin}/api/v1/admin/health`)
      const told = [command, query, projection, saga, admin].map(({ said }) => said.out + said.err)
      ok(![JSON.stringify(health.body), ...told].join().includes(password))
    })

    it('may be verified, exported and rebuilt by commands beside them', async () => {
      const verified = await shop.run(['verify']).ended
      match(verified.out, / 0 differences/, verified.err)
      const rebuilt = await shop.run(['rebuild', 'order_views', '--dry-run']).ended
      match(rebuilt.out, /order_views: .* no difference, not swapped/, rebuilt.err)
      const exported = await shop.run(['export', join(shop.folder, 'log.jsonl')]).ended
      match(exported.out, /keys stay in the schema key_ring of the database/, exported.err)
    })
  })

  describe('work that is shared', () => {
    let database: TestDatabase
    let shop: Program
    before(async () => {
      database = await fresh()
      shop = program(database.url)
    })
    after(async () => {
      await shop.end()
      await database.remove()
    })
    const ALSO = 'projection,saga,admin'
    const sharesOf = async ({ at }: Running): Promise<Shares> => {
      const { body } = await send('GET', `${at.admin}/api/v1/admin/health`)
      return (body as unknown as { components: { shares: Shares } }).components.shares
    }
    const sizes = async (one: Running) => {
      const { projection = [], saga = [] } = await sharesOf(one)
      return [projection.length, saga.length]
    }
    const until = async (what: string, holds: () => Promise<boolean>) => {
      const from = Date.now()
      while (!(await holds())) {
        ok(Date.now() - from < SHARED_WITHIN_MS, `${what}: not within ${SHARED_WITHIN_MS} ms`)
        await sleep(20)
      }
      return Date.now() - from
    }
    /** Who holds any of the work, or says that he would. */
    const holders = async () => {
      const leases = await openLeases({ url: database.url })
      const all = await Promise.all(['projection/', 'saga/'].map((group) => leases.held(group)))
      await leases.close()
      return new Set(all.flat().map(({ holder }) => holder))
    }

    it('is halved when a second comes, and whole again when it goes, stands still or dies', async (t) => {
      const first = await shop.start(ALSO)
      const [all = 0, waitings = 0] = await sizes(first)
      ok(all > 10 && waitings > 2)
      const second = await shop.start(ALSO)
      const isHalved = async () => {
        const [a, b] = [await sharesOf(first), await sharesOf(second)]
        const names = [...a.projection!, ...b.projection!]
        const acts = [...a.saga!, ...b.saga!]
        return (
          new Set(names).size === all &&
          new Set(acts).size === waitings &&
          Math.abs(a.projection!.length - b.projection!.length) <= 1
        )
      }
      await until('halved', isHalved)
      // One that the machine holds up for a moment is no holder in that moment.
      await until('both hold some', async () => (await holders()).size === 2)
      const isWhole = async () => (await sizes(first)).join() === [all, waitings].join()

      second.child.kill('SIGTERM')
      const { code } = await second.ended
      equal(code, 0)
      // What it had need not run out first.
      ok((await holders()).size < 2, 'it has left nothing behind')
      t.diagnostic(`told to stop: taken over in ${await until('whole', isWhole)} ms`)

      const third = await shop.start(ALSO)
      const isLess = async () => (await sizes(first))[0]! < all
      await until('halved again', isLess)
      third.child.kill('SIGSTOP')
      t.diagnostic(`paused: taken over in ${await until('whole', isWhole)} ms`)
      third.child.kill('SIGCONT')
      await until('halved when it wakes', isLess)
      third.child.kill('SIGKILL')
      await third.ended
      t.diagnostic(`killed: taken over in ${await until('whole', isWhole)} ms`)
    })
  })

  it('one that only reads waits quietly for another to fill the tables', async () => {
    const database = await fresh()
    const shop = program(database.url)
    try {
      const early = await shop.start('query,saga')
      const list = await send('GET', `${early.at.queries}/api/v1/products`)
      deepEqual([list.status, list.body.code], [503, 'projection_lagging'])
      await shop.start('projection')
      while ((await send('GET', `${early.at.queries}/api/v1/products`)).status !== 200)
        await sleep(20)
      equal(early.said.err, '')
    } finally {
      await shop.end()
      await database.remove()
    }
  })

  it('a wrong password is told without it', async () => {
    const database = await fresh()
    const url = new URL(database.url)
    // A server that trusts everybody takes any password; then it must not be shown either.
    url.password = 'hunter2'
    url.pathname = '/there_is_no_such_database'
    const shop = program(url.href)
    try {
      const { code, out, err } = await shop.run([
        'start',
        ...PORTS.flatMap((key) => ['--set', `${key}=:0`]),
      ]).ended
      equal(code, 1)
      ok(err.startsWith('daybook: '), err)
      ok(!(out + err).includes('hunter2'), err)
    } finally {
      await shop.end()
      await database.remove()
    }
  })

  it('a server that is not there is told, with where it was looked for', async () => {
    const shop = program('postgres://shop:hunter2@127.0.0.1:1/shop')
    try {
      const { code, err } = await shop.run(['start']).ended
      equal(code, 1)
      match(err, /PostgreSQL at 127\.0\.0\.1:1\/shop cannot be reached/)
      ok(!err.includes('hunter2'))
    } finally {
      await shop.end()
    }
  })
})
