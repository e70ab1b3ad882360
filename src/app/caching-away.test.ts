// Two processes of a shop on a real PostgreSQL and a real Redis, each of which goes away: slower,
// never wrong, and when nobody can be asked, the last answer or for how long to wait.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from '#runtime/query-gateway.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { type OwnRedis, onOwnRedis } from '#testing/redis-server.ts'
import { type TcpProxy, tcpProxy } from '#testing/tcp-proxy.ts'
import { type App, compose } from './compose.ts'
import { readConfig } from './config.ts'

type Shop = {
  /** Takes commands and projects; answers too. */
  readonly all: App
  /** Answers only, over a way that can be cut. */
  readonly query: App
  readonly way: TcpProxy
  readonly redis: OwnRedis
  readonly lines: readonly string[]
}

const OPEN_FOR_MS = 400

async function openApp(sets: readonly string[], tell: (line: string) => void): Promise<App> {
  const read = readConfig({ argv: sets.flatMap((set) => ['--set', set]), env: {}, file: null })
  ok(read.ok, JSON.stringify(read))
  return await compose(read.config, { tell })
}

async function openShop(database: string, redis: OwnRedis, sets: readonly string[]): Promise<Shop> {
  const way = await tcpProxy(database)
  const lines: string[] = []
  const open = (url: string, roles: string, more: readonly string[] = []) =>
    openApp(
      [
        `database.postgres.url=${url}`,
        `redis.url=${redis.url}`,
        `process.roles=${roles}`,
        `breaker.open_for=${OPEN_FOR_MS}ms`,
        // No answer becomes old by itself while a test waits.
        'cache.ttl.stock=1h',
        ...more,
      ],
      (line) => void lines.push(line),
    )
  const all = await open(database, 'command,projection,query', sets)
  return { all, query: await open(way.url, 'command,query'), way, redis, lines }
}

async function done(app: App, type: string, input: object) {
  const outcome = await app.send(type, input)
  ok(outcome.ok, `${type}: ${JSON.stringify(outcome)}`)
  return outcome
}
async function stocked(app: App, code: string): Promise<string> {
  const product = { code, name: code, sell_price: '5' }
  const product_id = String((await done(app, 'CreateProduct', product)).response.product_id)
  await done(app, 'CreateInventory', { product_id, quantity: '100' })
  return product_id
}
const fromOf = (answer: Answer) => (answer.ok ? answer.from : answer.rejection.code)
const quantityOf = (answer: Answer) => {
  ok(answer.ok, JSON.stringify(answer))
  return (answer.result as { quantity: number }).quantity
}
async function until(is: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  for (const end = performance.now() + withinMs; !(await is()); await sleep(10))
    ok(performance.now() < end, `not within ${withinMs} ms: ${is}`)
}

await onPostgres('a shop of two processes, its PostgreSQL and its Redis', (freshDatabase) => {
  onOwnRedis('with a Redis', (freshRedis) => {
    /** `sets`: of the one that projects. */
    const inShop =
      (run: (shop: Shop) => Promise<void>, sets: readonly string[] = []) =>
      async () => {
        const [database, redis] = [await freshDatabase(), await freshRedis()]
        const shop = await openShop(database.url, redis, sets)
        try {
          await run(shop)
        } finally {
          shop.way.open()
          await shop.query.close()
          await shop.all.close()
          await shop.way.close()
          await redis.remove()
          await database.remove()
        }
      }

    test(
      'one process keeps what another has read, and drops what a third has changed',
      inShop(async ({ all, query }) => {
        const product_id = await stocked(all, 'CUP')
        const stock = () => query.ask('GetStock', { product_id })
        await until(async () => fromOf(await stock()) === 'hit')
        equal(quantityOf(await stock()), 100)
        await until(async () => fromOf(await all.ask('GetStock', { product_id })) === 'hit')
        const added = await done(all, 'AddStock', { product_id, quantity: '5', reason: 'x' })
        // At once for who says what has to be seen, soon for all others.
        const mine = await query.ask('GetStock', { product_id }, { minPosition: added.position })
        equal(quantityOf(mine), 105)
        await until(async () => quantityOf(await stock()) === 105)
        await until(async () => fromOf(await stock()) === 'hit')
        equal(quantityOf(await stock()), 105)
      }),
    )

    test(
      'what nobody tells of is seen by a look at the tables all the same',
      inShop(
        async ({ all, query }) => {
          const product_id = await stocked(all, 'CUP')
          const stock = () => query.ask('GetStock', { product_id })
          for (let added = 1; added <= 2; added++) {
            await until(async () => fromOf(await stock()) === 'hit')
            await done(all, 'AddStock', { product_id, quantity: '5', reason: 'x' })
            await until(async () => quantityOf(await stock()) === 100 + 5 * added)
          }
        },
        ['cache.driver=none'],
      ),
    )

    test(
      'a Redis that is killed under load makes no answer wrong',
      inShop(async ({ all, query, redis, lines }) => {
        const product_id = await stocked(all, 'CUP')
        let stop = false
        let answers = 0
        const from = new Set<unknown>()
        let expected = { quantity: 100, position: 0 }
        const asking = Array.from({ length: 8 }, async (_, at) => {
          const app = at % 2 === 0 ? all : query
          while (!stop) {
            // Requests come one by one; an answer from memory alone would leave no turn to others.
            await new Promise((resolve) => setImmediate(resolve))
            const { quantity, position } = expected
            const options = position === 0 ? {} : { minPosition: position }
            const answer = await app.ask('GetStock', { product_id }, options)
            if (!answer.ok && answer.rejection.code === 'projection_lagging') continue
            if (position > 0) ok(quantityOf(answer) >= quantity, `${quantityOf(answer)}`)
            from.add(fromOf(answer))
            answers++
          }
        })
        let added = 0
        const isEnough = () => from.has('hit') && from.has('miss') && answers > 200
        const adding = (async () => {
          while (added < 60 || !isEnough()) {
            added++
            const input = { product_id, quantity: '1', reason: 'x' }
            const { position } = await done(all, 'AddStock', input)
            expected = { quantity: 100 + added, position }
            if (added === 15) redis.signal('SIGKILL')
            if (added === 30) await redis.restart()
            if (added === 40) redis.signal('SIGSTOP')
            if (added === 50) redis.signal('SIGCONT')
            await sleep(30)
          }
        })()
        await adding.finally(() => {
          stop = true
        })
        await Promise.all(asking)
        equal(
          quantityOf(
            await query.ask('GetStock', { product_id }, { minPosition: expected.position }),
          ),
          100 + added,
        )
        // Without asking for a position, too, soon after.
        for (const app of [all, query])
          await until(
            async () => quantityOf(await app.ask('GetStock', { product_id })) === 100 + added,
          )
        const told = lines.filter((line) => line.includes('Redis'))
        ok(told.length < answers / 10, `${answers} answers\n${told.join('\n')}`)
      }),
    )

    test(
      'a PostgreSQL that is away: the last answer, as stale, or how long to wait; then as before',
      inShop(async ({ all, query, way, lines }) => {
        const [kept, other] = [await stocked(all, 'CUP'), await stocked(all, 'POT')]
        const stock = (product_id: string) => query.ask('GetStock', { product_id })
        await until(async () => fromOf(await stock(kept)) === 'hit')
        way.cut()
        await done(all, 'AddStock', { product_id: kept, quantity: '5', reason: 'x' })
        await until(async () => fromOf(await stock(kept)) === 'stale')
        const stale = await stock(kept)
        equal(quantityOf(stale), 100)
        ok(stale.ok && stale.ageMs !== undefined && stale.ageMs > 0)

        let refused = await stock(other)
        await until(async () => {
          refused = await stock(other)
          return fromOf(refused) === 'circuit_open'
        })
        ok(!refused.ok)
        ok(Number(refused.rejection.details?.retry_after_s) >= 1)
        const add = () => query.send('AddStock', { product_id: other, quantity: '5', reason: 'x' })
        await rejects(add, (error: Error) => ['Unavailable', 'CircuitOpen'].includes(error.name))
        // Now and then one is tried, which takes its time.
        await until(() =>
          add().then(
            () => false,
            ({ name }: Error) => name === 'CircuitOpen',
          ),
        )

        way.open()
        await until(
          async () => fromOf(await stock(other)) === 'miss' || fromOf(await stock(other)) === 'hit',
        )
        await until(async () => quantityOf(await stock(kept)) === 105)
        await until(async () => (await add().catch(() => null))?.ok === true)
        await until(async () => quantityOf(await stock(other)) === 105)
        match(lines.join('\n'), /circuit open: read models failed too often/)
        match(lines.join('\n'), /circuit closed: read models answered again/)
        for (const line of lines) ok(!/postgres(ql)?:\/\//.test(line), line)
      }),
    )

    test(
      'a PostgreSQL that says nothing at all holds nobody up whose answer is kept',
      inShop(async ({ all, query, way }) => {
        const product_id = await stocked(all, 'CUP')
        await until(async () => fromOf(await query.ask('GetStock', { product_id })) === 'hit')
        way.clog()
        // What is kept holds for a moment, then it is stale.
        const started = performance.now()
        const answer = await query.ask('GetStock', { product_id })
        ok(['hit', 'stale'].includes(String(fromOf(answer))))
        ok(performance.now() - started < 5_000, 'it waited for PostgreSQL')
        way.open()
        deepEqual(quantityOf(await query.ask('GetStock', { product_id })), 100)
      }),
    )
  })
})
