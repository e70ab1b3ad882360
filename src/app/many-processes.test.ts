// Nine processes on one PostgreSQL, killed at random while they trade: the books are straight.
// Plays orders of the real shop's file where it lies beside (DAYBOOK_SAMPLE), made-up ones
// elsewhere. INVOICES=5000 plays them all; the seed is printed, SEED=… plays its choices again.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { v7 } from 'uuid'
import { openPaymentProvider } from '#providers/payment-simulator.ts'
import { atServer, type Client, type Fleet, fleetClient, openFleet } from '#testing/fleet.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { retailFile } from '#testing/retail-file.ts'
import { eachInFlight } from './import/in-flight.ts'
import { retailCommands } from './import/retail-commands.ts'
import { surveyed, surveyedInvoices } from './import/retail-survey.ts'

const SEED = seedOfRun()
const MAIN = join(import.meta.dirname, 'main.ts')
const INVOICES = Number(process.env.INVOICES ?? 120)
const BUYERS = 200
const UNITS = 50
const SETTLED_WITHIN_MS = 300_000
const MEMBERS = {
  'command-1': 'command',
  'command-2': 'command',
  'query-1': 'query',
  'query-2': 'query',
  'projection-1': 'projection',
  'projection-2': 'projection',
  'saga-1': 'saga',
  'saga-2': 'saga',
  admin: 'admin',
}

await onPostgres('many processes on one database', (fresh) => {
  it(`whoever is killed, the books are straight (SEED=${SEED})`, async (t) => {
    const random = seeded(SEED)
    const database = await fresh()
    const folder = mkdtempSync(join(tmpdir(), 'daybook-fleet-'))
    // The file's prices are of its day, not of a price list.
    const fleet = openFleet(MAIN, {
      folder,
      env: atServer(database.url),
      sets: ['orders.client_price=accept', 'money.default=GBP'],
    })
    try {
      for (const [name, roles] of Object.entries(MEMBERS)) await fleet.start(name, roles)
      const client = fleetClient(fleet, random)
      const last = await oneProduct(client, UNITS)
      const goods = await sampleGoods(client, folder)
      const chaos = killing(fleet, random)
      const [bought, ordered] = await Promise.all([buyEach(client, last), goods.order()])
      const kills = await chaos.stop()
      equal(bought.length, UNITS, 'units sold')
      await settled(client)
      await straight(client, last, bought, ordered)
      await ledgerAgrees(database.url, client, bought.length + ordered.length)
      await verified(database.url, folder)
      t.diagnostic(`${ordered.length} orders of the file, ${BUYERS} buyers of ${UNITS} units`)
      t.diagnostic(`killed: ${kills.join(', ')}; asked again ${client.repeats()} times`)
      equal(new Set(kills.map((name) => name.split('-')[0])).size, 5, 'one of each role')
    } catch (error) {
      t.diagnostic(fleet.complaints())
      throw error
    } finally {
      await fleet.end()
      rmSync(folder, { recursive: true, force: true })
      await database.remove()
    }
  })
})

/** One of each role, in random order, at random moments; each is back soon after. */
function killing(fleet: Fleet, random: Random) {
  const kills: string[] = []
  const names = random.shuffled([
    random.pick(['command-1', 'command-2']),
    random.pick(['query-1', 'query-2']),
    random.pick(['projection-1', 'projection-2']),
    random.pick(['saga-1', 'saga-2']),
    'admin',
  ])
  const going = (async () => {
    for (const name of names) {
      await sleep(random.int(200, 800))
      await fleet.kill(name)
      kills.push(name)
      await sleep(random.int(0, 500))
      await fleet.start(name, MEMBERS[name as keyof typeof MEMBERS])
    }
  })()
  // Heard at `stop`; until then another failure may be what ended it.
  going.catch(() => {})
  return {
    async stop(): Promise<readonly string[]> {
      await going
      return kills
    },
  }
}

async function oneProduct({ post }: Client, quantity: number): Promise<string> {
  const product_id = v7()
  const product = { product_id, code: 'LAST', name: 'The last ones', sell_price: 5 }
  const made = await post('/api/v1/products', product, v7())
  equal(made.status, 201, JSON.stringify(made.body))
  const stocked = await post('/api/v1/inventory', { product_id, quantity }, v7())
  equal(stocked.status, 201, JSON.stringify(stocked.body))
  return product_id
}

/**
 * Everybody wants one; order ids of those who got it. What was told is true at once, everywhere.
 */
async function buyEach(client: Client, product_id: string): Promise<readonly string[]> {
  const bought: string[] = []
  const buyer = async (customer: number) => {
    const order_id = v7()
    const order = {
      order_id,
      customer_id: `buyer-${customer}`,
      items: [{ product_id, quantity: 1 }],
    }
    const { status, body } = await client.post('/api/v1/orders', order, v7())
    if (status === 409) return equal(body.code, 'insufficient_stock')
    equal(status, 201, JSON.stringify(body))
    bought.push(order_id)
    const seen = await client.get(`/api/v1/orders/${order_id}?min_position=${body.position}`, {
      busyIsAnswer: true,
    })
    if (seen.status === 503) equal(seen.body.code, 'projection_lagging')
    else equal(seen.status, 200, 'its own order is there, or it is told to wait')
  }
  await Promise.all(Array.from({ length: BUYERS }, (_, i) => buyer(i)))
  return bought
}

type Goods = { readonly order: () => Promise<readonly string[]> }

/** Products and stock of the file's first invoices, and the customers who order them. */
async function sampleGoods({ post }: Client, folder: string): Promise<Goods> {
  const file = sampleFile(folder)
  const survey = await surveyed(file, INVOICES)
  const commands = retailCommands(survey.opened_at, 'credit_card')
  const sent = async (path: string, { input, meta }: { input: object; meta: Meta }) => {
    const { status, body } = await post(path, input, meta.command_id)
    ok(status < 300, `${path}: ${status} ${JSON.stringify(body)}`)
    return body
  }
  await eachInFlight(survey.products, 16, async (product) => {
    await sent('/api/v1/products', commands.createProduct(product))
    for (const stock of commands.openStock(product)) await sent('/api/v1/inventory/stock', stock)
  })
  return {
    async order() {
      const placed: string[] = []
      await eachInFlight(surveyedInvoices(file, survey), 16, async ({ invoice }) => {
        if (invoice?.kind !== 'sale') return
        const { input, meta } = commands.createOrder(invoice)
        // Orders of today get their numbers from the shop.
        const { order_number: _, ...order } = input as { order_number: string; order_id: string }
        await sent('/api/v1/orders', { input: { customer_id: 'guest', ...order }, meta })
        placed.push(order.order_id)
      })
      return placed
    },
  }
}
type Meta = { readonly command_id: string }

function sampleFile(folder: string): string {
  const { DAYBOOK_SAMPLE: sample, REQUIRE_SAMPLE: required } = process.env
  if (sample !== undefined) return join(sample, 'online-retail-sample.csv.gz')
  ok(required !== '1', 'DAYBOOK_SAMPLE names no folder')
  const path = join(folder, 'retail.csv')
  writeFileSync(path, retailFile(SEED, INVOICES).csv)
  return path
}

/** Until no saga and no payment has anything left to do, and every table knows. */
async function settled(client: Client): Promise<void> {
  const until = Date.now() + SETTLED_WITHIN_MS
  const caughtUp = async () => {
    for (let lag = 1; lag > 0; ) {
      const { body } = await client.get('/api/v1/admin/projections', { admin: true })
      const items = body.items as readonly { readonly lag_events: number }[]
      lag = Math.max(...items.map(({ lag_events }) => lag_events))
      ok(Date.now() < until, `the tables are ${lag} events behind`)
      if (lag > 0) await sleep(200)
    }
  }
  for (;;) {
    // The last orders' sagas are not in their table before.
    await caughtUp()
    const open: unknown[] = []
    for (const status of ['RUNNING', 'COMPENSATING'])
      open.push(...(await everyPage(client, `/api/v1/admin/sagas?status=${status}`, true)))
    const payments = await everyPage(client, '/api/v1/payments')
    open.push(...payments.filter(({ pending_operation }) => pending_operation !== null))
    if (open.length === 0) return await caughtUp()
    ok(Date.now() < until, `${open.length} do not end: ${JSON.stringify(open[0])}`)
    await sleep(200)
  }
}

async function everyPage(client: Client, path: string, admin = false) {
  const rows: Record<string, unknown>[] = []
  let cursor = ''
  for (;;) {
    const page = `${path}${path.includes('?') ? '&' : '?'}limit=100${cursor}`
    const { status, body } = await client.get(page, { admin })
    equal(status, 200, JSON.stringify(body))
    rows.push(...(body.items as Record<string, unknown>[]))
    if (typeof body.next_cursor !== 'string') return rows
    cursor = `&cursor=${encodeURIComponent(body.next_cursor)}`
  }
}

/** Every order that was acknowledged is there once and confirmed; no unit was promised twice. */
async function straight(
  client: Client,
  last: string,
  bought: readonly string[],
  ordered: readonly string[],
): Promise<void> {
  const orders = await everyPage(client, '/api/v1/orders')
  const confirmed = orders.filter(({ status }) => status === 'CONFIRMED')
  deepEqual(
    confirmed.map(({ order_id }) => order_id).sort(),
    [...bought, ...ordered].sort(),
    'confirmed are those that were acknowledged, no other and none twice',
  )
  equal(orders.length, confirmed.length)
  const { body } = await client.get(`/api/v1/inventory/${last}`)
  deepEqual([body.quantity, body.reserved_quantity], [UNITS, UNITS])
}

/** What the provider was asked to do and did, order by order. */
async function ledgerAgrees(url: string, client: Client, orders: number): Promise<void> {
  const { openBook } = await import('#providers/books/postgres.ts')
  const book = await openBook<never>({ url }, 'payments')
  const provider = openPaymentProvider({ book })
  const payments = await everyPage(client, '/api/v1/payments')
  equal(payments.length, orders)
  const ledger = await provider.ledger()
  equal(new Set(ledger.map(({ operation_id }) => operation_id)).size, ledger.length)
  for (const { order_id, captured } of payments) {
    const charged = ledger.filter(
      (one) => one.kind === 'capture' && one.authorization.startsWith(String(order_id)),
    )
    equal(charged.length, 1, `captures of ${order_id}`)
    equal(charged[0]?.amount_minor, Math.round(Number(captured) * 100))
  }
  await book.close()
}

/** The command that users run: everything recomputed from the log. */
async function verified(url: string, folder: string): Promise<void> {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'verify'], {
    cwd: folder,
    env: { ...process.env, DATABASE_DRIVER: 'postgres', DATABASE_POSTGRES_URL: url },
  })
  match(stdout, /, 0 differences\./)
}
