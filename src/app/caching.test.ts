// The shop with its cache: every kept answer is what the rows say, whatever was sold, stocked and
// renamed meanwhile.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Projection } from '#kernel/projection.ts'
import type { Reader } from '#kernel/query.ts'
import { type Answer, queryGateway } from '#runtime/query-gateway.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { type App, compose } from './compose.ts'
import { readConfig } from './config.ts'
import { contextsOf } from './contexts.ts'
import { noProviders } from './no-providers.ts'

async function openApp(sets: readonly string[], tell = (_: string) => {}): Promise<App> {
  const argv = sets.flatMap((set) => ['--set', set])
  const read = readConfig({ argv, env: {}, file: null })
  ok(read.ok, JSON.stringify(read))
  // Nothing happens by itself: what is compared stands still.
  return await compose(read.config, { passive: true, tell })
}

async function done(app: App, type: string, input: object) {
  const outcome = await app.send(type, input)
  ok(outcome.ok, `${type}: ${JSON.stringify(outcome)}`)
  return outcome
}
const resultOf = (answer: Answer): unknown => {
  ok(answer.ok, JSON.stringify(answer))
  return answer.result
}
const fromOf = (answer: Answer) => (answer.ok ? answer.from : answer.rejection.code)

type Books = {
  readonly products: string[]
  readonly stores: string[]
  readonly orders: string[]
  readonly departments: string[]
}

async function openBooks(app: App): Promise<Books> {
  const books: Books = { products: [], stores: [], orders: [], departments: [] }
  for (const name of ['Kitchen', 'Garden'])
    books.departments.push(
      String((await done(app, 'CreateDepartment', { name })).response.department_id),
    )
  books.stores.push(String((await done(app, 'CreateStore', { name: 'Annex' })).response.store_id))
  for (const code of ['CUP', 'POT', 'PAN']) {
    const product = { code, name: code, sell_price: '5', department_id: books.departments[0] }
    const product_id = String((await done(app, 'CreateProduct', product)).response.product_id)
    books.products.push(product_id)
    for (const store_id of [undefined, books.stores[0]])
      await done(app, 'CreateInventory', { product_id, quantity: '100', store_id })
  }
  return books
}

/** Something that a shop does; it may be refused. */
async function trade(app: App, books: Books, random: Random): Promise<void> {
  const product_id = random.pick(books.products)
  const store_id = random.pick([undefined, ...books.stores])
  const department_id = random.pick(books.departments)
  const quantity = String(random.int(1, 5))
  const name = `name ${random.int(0, 999)}`
  const acts: readonly (() => Promise<unknown>)[] = [
    () => app.send('UpdateProductPrice', { product_id, sell_price: quantity }),
    () => app.send('UpdateProductDetails', { product_id, name, department_id }),
    () => app.send('RenameDepartment', { department_id, name }),
    () => app.send('AddStock', { product_id, store_id, quantity, reason: 'delivery' }),
    () => app.send('AdjustInventory', { product_id, store_id, adjustment: `-${quantity}` }),
    () => app.send('ReserveStock', { product_id, store_id, quantity }),
    async () => {
      const items = [{ product_id, quantity }]
      const outcome = await app.send('CreateOrder', { customer_id: 'c-1', items })
      if (outcome.ok) books.orders.push(String(outcome.response.order_id))
    },
    async () => {
      const order_id = books.orders.pop()
      if (order_id !== undefined) await app.send('CancelOrder', { order_id, reason: 'test' })
    },
    async () => {
      const product = { code: `P${books.products.length}`, name, sell_price: quantity }
      const outcome = await app.send('CreateProduct', product)
      if (outcome.ok) books.products.push(String(outcome.response.product_id))
    },
  ]
  await random.pick(acts)()
}

/** Every question whose answers are kept, in each of its shapes. */
function questions(books: Books, random: Random): readonly (readonly [string, object])[] {
  const product_id = random.pick(books.products)
  const [store_id] = books.stores
  const one = { product_id }
  return [
    ...['GetProduct', 'GetProductById', 'GetProductForEdit'].map((type) => [type, one] as const),
    ['GetProductForList', one],
    ['GetProductForSearch', one],
    ['GetInventory', one],
    ['GetInventory', { product_id, store_id }],
    ['GetStock', one],
    ['GetStock', { product_id, store_id }],
    ['ListProducts', {}],
    ['ListProducts', { limit: 2, sort: ['-name'] }],
    ['SearchProducts', { search_term: 'name', department_id: random.pick(books.departments) }],
    ['GetSalesAnalytics', {}],
    ['GetSalesAnalytics', { group_by: 'product' }],
    ['GetReturnsAnalytics', { group_by: 'country' }],
    ['GetDashboardSummary', {}],
    ['GetDashboardSummary', { store_id }],
    ['GetSalesReport', {}],
  ]
}

describe('the kept answers of a shop', () => {
  const seed = seedOfRun()
  test(`are what the rows say, whatever happened (SEED=${seed})`, async () => {
    const random = seeded(seed)
    const folder = mkdtempSync(join(tmpdir(), 'daybook-caching-'))
    // No answer becomes old by itself, however long the rounds take.
    const ttls = ['stock', 'dashboard'].map((kind) => `cache.ttl.${kind}=1h`)
    const app = await openApp([`database.sqlite.path=${join(folder, 'shop.db')}`, ...ttls])
    const { ask: askRows } = directly(app)
    const from: Record<string, number> = {}
    const asked = new Set<string>()
    try {
      const books = await openBooks(app)
      // Until the cache knows where all projections stand; what it cannot keep it does not count.
      for (let isKnown = false; !isKnown; await sleep(10)) {
        isKnown = true
        for (const [type, input] of questions(books, seeded(seed))) {
          const how = fromOf(await app.ask(type, input))
          if (how === undefined) isKnown = false
          else from[how] = (from[how] ?? 0) + 1
        }
      }
      for (let round = 0; round < 80; round++) {
        if (random.chance(0.7)) await trade(app, books, random)
        await app.projected((await app.log.head()).position)
        for (const [type, input] of questions(books, random)) {
          const [kept, rows] = [await app.ask(type, input), await askRows(type, input)]
          deepEqual(resultOf(kept), resultOf(rows), `${type} ${JSON.stringify(input)}`)
          const how = String(fromOf(kept))
          from[how] = (from[how] ?? 0) + 1
          asked.add(type)
        }
      }
      ok(from.hit! > 300 && from.miss! > 100, JSON.stringify(from))
      const kept = app.contexts.flatMap(({ queries }) => queries).filter(({ keeping }) => keeping)
      deepEqual([...asked].sort(), kept.map(({ type }) => type).sort())
      deepEqual((await app.operations.health()).components.cache, { ...from, stale: 0 })
    } finally {
      await app.close()
      rmSync(folder, { recursive: true })
    }
  })

  test('are made of nothing but what they say they are made of', async () => {
    for (const query of contextsOf(noProviders).flatMap(({ queries }) => queries)) {
      const { keeping } = query
      if (keeping === undefined) continue
      const read = new Set<string>()
      const row = {
        product_id: 'p',
        stores: 1,
        quantity: 1,
        dimension: 'all',
        day: '2026-01-01',
        timezone: 'UTC',
      }
      const spy = async (projection: Projection) => {
        read.add(projection.name)
        return row
      }
      const reader = {
        get: spy,
        find: async (projection: Projection) => {
          const items = [await spy(projection)]
          return { items, total: 1, next_cursor: null }
        },
        group: async (projection: Projection) => [await spy(projection)],
      } as unknown as Reader
      const said = new Set(keeping.of.map(({ projection }) => projection.name))
      for (const input of [{ product_id: 'p' }, { product_id: 'p', store_id: 's' }])
        await query.run(input as never, reader)
      ok(read.size > 0, query.type)
      deepEqual(
        [...read].filter((name) => !said.has(name)),
        [],
        query.type,
      )
    }
  })

  test('are made of rows without persons: who adds a table here has looked', () => {
    const queries = contextsOf(noProviders).flatMap((context) => context.queries)
    const of = queries.flatMap(({ keeping }) => keeping?.of ?? [])
    deepEqual([...new Set(of.map(({ projection }) => projection.name))].sort(), [
      // It tells a customer's id, and nothing else of whoever it is.
      'customer_purchase_history',
      'inventory_value',
      'inventory_value_by_store',
      'inventory_views',
      'low_stock',
      'product_read_view',
      'sales_analytics',
      'sales_summary_by_day',
      'stock_by_store',
      'stores',
    ])
  })

  test('are none where the past is asked for', () => {
    for (const { type, input, keeping } of contextsOf(noProviders).flatMap(
      ({ queries }) => queries,
    ))
      for (const past of ['as_of', 'as_of_position', 'as_of_version'])
        if (keeping !== undefined && past in input.properties)
          equal(keeping.key({ product_id: 'p', [past]: 1 } as never), null, `${type} ${past}`)
  })

  test('are none where the settings say so, and nobody keeps a Redis waiting', async () => {
    const app = await openApp(['database.driver=memory', 'cache.driver=none'])
    const books = await openBooks(app)
    await app.projected((await app.log.head()).position)
    const answer = await app.ask('GetProduct', { product_id: books.products[0] })
    ok(answer.ok && !('from' in answer))
    await app.close()
  })
})

/** The same questions, asked of the rows. */
const directly = (app: App) =>
  queryGateway({
    queries: app.contexts.flatMap(({ queries }) => queries),
    projections: app.contexts.flatMap(({ projections }) => projections),
    reads: app.reads,
    log: app.log,
    types: app.types,
    open: async (events) => events,
  })
