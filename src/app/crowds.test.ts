// Crowds: very many reservations that end at one moment, and very many orders whose sagas wait at
// the payment all at once. Each is handled, once, in pages, and commands are answered meanwhile.
// `CROWD=20000 node --test src/app/crowds.test.ts` is the long run; it prints its figures.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { v7 } from 'uuid'
import type { Recorded } from '#kernel/message.ts'
import { openCarrier } from '#providers/carrier-simulator.ts'
import { openPaymentProvider } from '#providers/payment-simulator.ts'
import { commandGateway } from '#runtime/gateway.ts'
import { numbersFrom } from '#runtime/number-series.ts'
import { eventsOfStreams } from '#runtime/past.ts'
import { personalData } from '#runtime/personal.ts'
import { projectionRunner } from '#runtime/run-projections.ts'
import { waitingRunner } from '#runtime/run-waiting.ts'
import { engines } from '#storage/engines.ts'
import { contextsOf, typesOf } from './contexts.ts'

const CROWD = Number(process.env.CROWD ?? 400)
/** Sagas take several steps each. */
const ORDERS = Math.ceil(CROWD / 10)
const PRODUCTS = 20
const HOUR_MS = 3_600_000
/** One page of rows and what is under way; the whole crowd is never in memory. */
const ROWS_READ_MAX = 256
const AT_ONCE = 64
/** A client's commands while the crowd is handled. */
const EACH_MS = 5

type Shop = Awaited<ReturnType<typeof openShop>>

async function openShop(engine: 'memory' | 'sqlite') {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-crowd-'))
  const at = (name: string) => ({ path: join(folder, `${name}.db`), url: '' })
  const stored = await engines[engine]()
  const log = await stored.openEventLog(at('log'))
  const keys = await stored.openKeyRing(at('keys'))
  const reads = await stored.openReadModels(at('views'))
  const provider = openPaymentProvider()
  const contexts = contextsOf({ provider, carrier: openCarrier() })
  const types = typesOf(contexts)
  const personal = personalData(types, keys)
  const projections = contexts.flatMap((context) => context.projections)
  let aheadMs = 0
  const now = () => new Date(Date.now() + aheadMs).toISOString()
  const { send } = commandGateway({
    ...{ log, types, personal, now, numbers: numbersFrom(log) },
    commands: contexts.flatMap(({ commands }) => commands),
    settings: { 'payments.default_method': 'credit_card' },
  })
  const trouble: string[] = []
  const onError = (error: unknown, where: string) => void trouble.push(`${where}: ${String(error)}`)
  const runner = projectionRunner({ log, reads, projections, types, open: personal.open, onError })
  let [rowsRead, acting] = [0, 0]
  const waits = waitingRunner({
    waitings: contexts.flatMap(({ waiting }) => waiting ?? []),
    reads: {
      checkpoints: reads.checkpoints,
      async find(...asked) {
        const found = await reads.find(...asked)
        rowsRead = Math.max(rowsRead, found.items.length)
        acting = Math.max(acting, ...Object.values(waits.status()).map((one) => one.acting))
        return found
      },
    },
    send,
    now,
    logEnd: async () => (await log.head()).position,
    events: (streams, limit) =>
      eventsOfStreams({ log, types, open: personal.open }, streams, limit),
    onError,
  })
  await runner.start()
  const deaf = [log.onAppended(() => runner.wake()), runner.onCommitted(() => waits.wake())]
  return {
    ...{ engine, log, reads, provider, send, runner, waits, trouble },
    most: () => ({ rowsRead, acting }),
    later: (ms: number) => {
      aheadMs += ms
    },
    async [Symbol.asyncDispose]() {
      for (const stop of deaf) stop()
      await waits.stop()
      await runner.stop()
      await Promise.all([reads.close(), log.close(), keys.close()])
      await rm(folder, { recursive: true })
    },
  }
}

async function stocked({ send }: Shop, quantity: number): Promise<readonly string[]> {
  const products = Array.from({ length: PRODUCTS }, () => v7())
  for (const [at, product_id] of products.entries()) {
    const product = { product_id, code: `P${at}`, name: 'Cup', sell_price: '5.00', currency: 'USD' }
    ok((await send('CreateProduct', product)).ok)
    ok((await send('CreateInventory', { product_id, quantity: String(quantity) })).ok)
  }
  return products
}

/** Some at once, as many clients would. */
async function each(count: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let at = next++; at < count; at = next++) await work(at)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

const counted = async ({ log }: Shop, type: string): Promise<readonly Recorded[]> => {
  const found: Recorded[] = []
  for (let after = 0; ; ) {
    const events = await log.readAll(after, 5_000)
    if (events.length === 0) return found
    for (const event of events) if (event.event_type === type) found.push(event)
    after = events.at(-1)!.position
  }
}

/** Starts what waits, and sends a command every few milliseconds until nothing is left to do. */
async function handled(
  t: TestContext,
  shop: Shop,
  what: string,
  count: number,
  left: () => Promise<number>,
) {
  const { send, waits, runner, trouble, most } = shop
  const [product_id] = await stockedForCommands(shop)
  const before = process.memoryUsage().rss
  const started = performance.now()
  const took: number[] = []
  let [rss, turns] = [0, 0]
  let isOver = false
  const turning = () => {
    turns++
    if (!isOver) setImmediate(turning)
  }
  setImmediate(turning)
  waits.start()
  for (let [looked, due] = [started, started]; ; due = performance.now() + EACH_MS) {
    // From when it was to be sent: a loop that is busy makes clients wait as well.
    await sleep(Math.max(0, due - performance.now()))
    ok((await send('AddStock', { product_id, quantity: '1' })).ok)
    took.push(performance.now() - due)
    rss = Math.max(rss, process.memoryUsage().rss)
    if (performance.now() - looked > 50) {
      if ((await left()) === 0) break
      looked = performance.now()
    }
  }
  isOver = true
  const seconds = (performance.now() - started) / 1_000
  await runner.catchUp()
  deepEqual(trouble, [])
  const { rowsRead, acting } = most()
  ok(rowsRead <= ROWS_READ_MAX && acting <= AT_ONCE, `${rowsRead} rows read, ${acting} at once`)
  ok(turns >= count / AT_ONCE, `the loop turned ${turns} times for ${count} ${what}`)
  const p99 = took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)]!
  const mb = (bytes: number) => Math.round(bytes / 2 ** 20)
  t.diagnostic(
    `${count} ${what} on ${shop.engine}: ${seconds.toFixed(1)} s, ${Math.round(count / seconds)}/s; ` +
      `${took.length} commands meanwhile, p99 ${p99.toFixed(0)} ms; ` +
      `RSS ${mb(before)} to at most ${mb(rss)} MB; ${rowsRead} rows in a page at most`,
  )
}

async function stockedForCommands({ send }: Shop): Promise<readonly string[]> {
  const product_id = v7()
  const product = { product_id, code: 'X', name: 'Pot', sell_price: '5.00', currency: 'USD' }
  ok((await send('CreateProduct', product)).ok)
  ok((await send('CreateInventory', { product_id, quantity: '1' })).ok)
  return [product_id]
}

for (const engine of ['memory', 'sqlite'] as const)
  describe(`a crowd in ${engine}`, () => {
    it('of reservations that end at one moment: each expires once', async (t) => {
      await using shop = await openShop(engine)
      const products = await stocked(shop, CROWD)
      await each(CROWD, async (at) => {
        const line = { product_id: products[at % PRODUCTS], quantity: '1', ttl_seconds: 3_600 }
        ok((await shop.send('ReserveStock', line)).ok)
      })
      await shop.runner.catchUp()
      shop.later(2 * HOUR_MS)
      const active = { where: { status: 'ACTIVE' }, limit: 0, total: true }
      const table = tableNamed('reservations_open')
      const left = async () => (await shop.reads.find(table, active)).total!
      equal(await left(), CROWD)
      await handled(t, shop, 'reservations', CROWD, left)
      const expired = await counted(shop, 'ReservationExpired')
      equal(expired.length, CROWD)
      equal(new Set(expired.map(({ aggregate_id }) => aggregate_id)).size, CROWD)
    })

    it('of sagas that wait at the payment: each pays once and comes to its end', async (t) => {
      await using shop = await openShop(engine)
      const products = await stocked(shop, ORDERS)
      await each(ORDERS, async (at) => {
        const items = [{ product_id: products[at % PRODUCTS], quantity: '1' }]
        const placed = await shop.send('CreateOrder', { customer_id: `c${at}`, items })
        ok(placed.ok, JSON.stringify(placed))
      })
      await shop.runner.catchUp()
      const table = tableNamed('saga_instances')
      const open = { where: { status: 'RUNNING' }, limit: 0, total: true }
      const left = async () => (await shop.reads.find(table, open)).total!
      equal(await left(), ORDERS)
      await handled(t, shop, 'sagas', ORDERS, left)
      const { total } = await shop.reads.find(table, {
        where: { status: 'COMPLETED', outcome: 'completed' },
        limit: 0,
        total: true,
      })
      equal(total, ORDERS)
      const paid = (await shop.provider.ledger()).filter(({ kind }) => kind === 'authorize')
      equal(paid.length, ORDERS)
      equal((await counted(shop, 'SagaCompleted')).length, ORDERS)
    })
  })

function tableNamed(name: string) {
  const contexts = contextsOf({ provider: openPaymentProvider(), carrier: openCarrier() })
  return contexts.flatMap(({ projections }) => projections).find((one) => one.name === name)!.table
}
