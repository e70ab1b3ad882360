// Every route of every door against requests made from its own OpenAPI document: as it allows
// them, almost so, and hostile. No answer is a failure of ours, each is as documented, and in the
// end the shop is whole. SEED=… repeats a run; FUZZ=8 makes it eight times as long.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type App, compose } from '#app/compose.ts'
import { readConfig } from '#app/config.ts'
import { ask, canBeSent, memoryOf } from '#testing/fuzz-client.ts'
import type { Kind, Sample } from '#testing/hostile-requests.ts'
import { type Answered, answerJudge } from '#testing/openapi-answers.ts'
import { type Operation, operationsOf, samplesOf } from '#testing/openapi-samples.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { call } from './door-fixture.ts'
import { type Doors, httpDoors } from './doors.ts'
import { kindOf } from './problem.ts'

const SEED = seedOfRun()
const LENGTH = Number(process.env.FUZZ ?? 1)
/** Requests to each operation, by kind. */
const TIMES: Readonly<Record<Kind, number>> = { valid: 8, nearly: 10, hostile: 10 }
/** They read the whole log, so they come less often. */
const COSTLY = /^(RebuildProjection|ReplayEvents|Verify)$/
/** Allowed, but they make most requests come too late or ask for what is not yet there. */
const SELDOM = ['expected_version', 'command_id', 'min_position', 'order_number', 'country']
const PAGES = ['/openapi.json', '/docs', '/docs.css', '/docs.js']

const settings = [
  'event_store.driver=memory',
  'read_store.driver=memory',
  'payments.capture_on=ship',
  // Nobody is waited for: who asks for a far position learns at once that it is far.
  'consistency.wait_ms=30',
]

let app: App
let doors: Doors
let ports: Readonly<Record<keyof Doors, number>>
const complaints: string[] = []
const unhandled: unknown[] = []
const onUnhandled = (error: unknown) => unhandled.push(error)

before(async () => {
  process.on('unhandledRejection', onUnhandled)
  const config = readConfig({
    env: {},
    file: null,
    argv: settings.flatMap((set) => ['--set', set]),
  })
  ok(config.ok, JSON.stringify(config))
  app = await compose(config.config, { tell: (line) => complaints.push(line) })
  doors = httpDoors({
    ...app,
    commands: app.contexts.flatMap(({ commands }) => commands),
    queries: app.contexts.flatMap(({ queries }) => queries),
    settings: config.config,
    version: '1.2.3',
    log: (line) => complaints.push(line),
  })
  const listen = async (door: keyof Doors) => (await doors[door].listen('127.0.0.1', 0)).port
  ports = {
    public: await listen('public'),
    query: await listen('query'),
    admin: await listen('admin'),
    health: await listen('health'),
  }
})
after(async () => {
  await Promise.all(Object.values(doors).map((door) => door.close()))
  await app.close()
  process.off('unhandledRejection', onUnhandled)
})

const json = async (door: keyof Doors, method: string, path: string, body?: object) => {
  const answer = await call(ports[door], method, path, { body })
  ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`)
  return answer.json
}

// biome-ignore lint/suspicious/noExplicitAny: an answer, read for its ids
type Ids = any
type Shot = { readonly door: keyof Doors; readonly operation: Operation; readonly kind: Kind }

describe(`every route, made requests (SEED=${SEED})`, () => {
  const random = seeded(SEED)
  const memory = memoryOf(random)
  const makers = samplesOf(random, memory.known, SELDOM)
  const sent = new Map<string, number>()
  const statuses = new Map<string, Map<number, number>>()
  const judges = new Map<keyof Doors, ReturnType<typeof answerJudge>>()
  const operations: { door: keyof Doors; operation: Operation }[] = []
  const accepted = new Set<string>()
  const faults: string[] = []

  const count = (kind: string, status: number) => {
    const of = statuses.get(kind) ?? new Map<number, number>()
    statuses.set(kind, of.set(status, (of.get(status) ?? 0) + 1))
  }
  const judged = (name: string, door: keyof Doors, sample: Sample, answer: Answered | null) => {
    // Who sends more than is read may be cut off before it has read why.
    if (answer === null) {
      count(sample.kind, 0)
      const large = (sample.body?.length ?? 0) > 64 * 1024
      return large ? [] : ['closed without an answer']
    }
    count(sample.kind, answer.status)
    if (answer.status < 300) accepted.add(name)
    memory.learn(sample.path, answer)
    return [...judges.get(door)!(sample, answer), ...codeFaults(answer)]
  }
  const shoot = async ({ door, operation, kind }: Shot) => {
    const sample = makers[kind](operation)
    if (!canBeSent(sample)) return
    const id = `${door} ${operation.method} ${operation.path}`
    sent.set(id, (sent.get(id) ?? 0) + 1)
    for (const fault of judged(operation.operationId, door, sample, await ask(ports[door], sample)))
      faults.push(`${fault}\n  ${told(door, sample)}`)
  }

  before(async () => {
    for (const door of ['public', 'query', 'admin', 'health'] as const) {
      const document = await json(door, 'GET', '/openapi.json')
      judges.set(door, answerJudge(document))
      for (const operation of operationsOf(document)) operations.push({ door, operation })
    }
    await openShop()
    const { items } = await json('admin', 'GET', '/api/v1/admin/projections')
    for (const { name } of items) memory.add('projection', name)
  })

  /** Goods, places and open orders, so that what is asked for can be there. */
  const openShop = async () => {
    const post = async (path: string, body: object) => {
      const answer = await call(ports.public, 'POST', `/api/v1/${path}`, { body })
      ok(answer.status < 300, answer.text)
      memory.learn(`/api/v1/${path}`, answer)
      return answer.json
    }
    for (let i = 0; i < 8; i++) {
      await post('departments', { name: `Department ${i}` })
      await post('units', { name: `Unit ${i}`, precision: 0 })
      await post('stores', { name: `Store ${i}` })
      const product = { name: `Cup ${i}`, sell_price: 5, currency: 'USD' }
      const { product_id } = await post('products', product)
      await post('inventory/stock', { product_id, quantity: 5_000 })
      const lines = [{ product_id, quantity: 2 }]
      await post('inventory/reservations', { lines, ttl_seconds: 3_600 })
      const payment = i % 2 === 0 ? {} : { payment: { method: 'upi' } }
      await post('orders', { customer_id: `c-${i}`, items: lines, ...payment })
    }
    await openTrade(post)
    await openAround()
    for (const name of ['method', 'payment_method']) memory.add(name, 'upi')
    for (const name of ['payment_type', 'type']) memory.add(name, 'cash')
    memory.add('currency', 'USD')
    memory.add('line', '1')
    memory.add('age', '40')
  }

  /** People, tills, work in the stock room, and goods that have left. */
  const openTrade = async (post: (path: string, body: object) => Promise<Ids>) => {
    const [from, to] = [
      await post('stores', { name: 'Here' }),
      await post('stores', { name: 'There' }),
    ]
    for (let i = 0; i < 4; i++) {
      const person = { name: `Person ${i}`, email: `person.${i}@example.org` }
      const { customer_id } = await post('customers', { ...person, credit_limit: 5_000 })
      await post('users', { ...person, age: 40 })
      const { product_id } = await post('products', {
        name: `Pot ${i}`,
        sell_price: 7,
        currency: 'USD',
      })
      for (const { store_id } of [{ store_id: 'main' }, from])
        await post('inventory/stock', { product_id, store_id, quantity: 900 })
      const items = [{ product_id, quantity: 3 }]
      const { sale_id } = await post('sales', { items, payment_type: 'cash' })
      // More than is there: somebody's work.
      await post('sales', { items: [{ product_id, quantity: 950 }], payment_type: 'cash' })
      await post('inventory/stock', { product_id, quantity: 900 })
      await post(`registers/till${i}/session`, { float: 50 })
      await post(`sales/${sale_id}/refund`, { lines: [{ line: 1, quantity: 1 }] })
      await post('sales/start', {})
      await post('transfers', {
        from_store_id: from.store_id,
        to_store_id: to.store_id,
        lines: [{ product_id, quantity: 9 }],
      })
      await post('stock-counts', { product_ids: [product_id] })
      const { order_id } = await post('orders', { customer_id, items })
      await confirmed(order_id)
      if (i % 2 === 0) await post(`orders/${order_id}/ship`, {})
      if (i % 2 === 0)
        await post(`orders/${order_id}/returns`, {
          reason: 'too big',
          lines: [{ line: 1, quantity: 1 }],
        })
    }
  }
  /** What listens to the shop, what comes as a file, and what there is to look into. */
  const openAround = async () => {
    await app.projected((await app.log.head()).position)
    const work = '/api/v1/inventory/discrepancies'
    memory.learn(work, await call(ports.public, 'GET', work))
    const hook = { url: 'https://hooks.example.org/in', event_types: ['Order*'] }
    const registered = await call(ports.admin, 'POST', '/api/v1/admin/webhooks', { body: hook })
    ok(registered.status < 300, registered.text)
    memory.learn('/api/v1/admin/webhooks', registered)
    const file = await ask(ports.admin, {
      ...{ kind: 'valid', about: '', method: 'POST', path: '/api/v1/admin/imports?kind=products' },
      headers: { 'content-type': 'text/csv' },
      body: 'code,name,sell_price\nFILE-1,Out of a file,5\nFILE-2,,5\n',
    })
    ok(file !== null && file.status < 300, file?.text)
    memory.learn('/api/v1/admin/imports', file)
    for (let i = 0; i < 9; i++) memory.add('email', `somebody.${i}@example.org`)
  }
  const confirmed = async (order_id: string) => {
    for (let tries = 0; tries < 200; tries++) {
      const { status } = await json('public', 'GET', `/api/v1/orders/${order_id}`).catch(() => ({}))
      if (status === 'CONFIRMED') return
      await sleep(25)
    }
    throw new Error(`order ${order_id} was not confirmed within 5 s`)
  }

  test('none was left out: each command and query with a path, and each alias of it', () => {
    const documented = new Set(operations.map(({ operation: { method, path } }) => method + path))
    const routes = app.contexts
      .flatMap(({ commands, queries }) => [...commands, ...queries])
      .flatMap(({ route }) =>
        route === undefined
          ? []
          : [route.path, ...(route.aliases ?? [])].map(
              (path) => route.method + path.replaceAll(/:([A-Za-z_]+)/g, '{$1}'),
            ),
      )
    ok(routes.length > 90, `${routes.length} routes`)
    deepEqual(
      routes.filter((route) => !documented.has(route)),
      [],
    )
  })

  test('each answer is as documented, and none is a failure of ours', async () => {
    const shots = operations.flatMap(({ door, operation }) =>
      Object.entries(TIMES).flatMap(([kind, times]) => {
        const often = LENGTH * (COSTLY.test(operation.operationId) ? Math.ceil(times / 3) : times)
        return Array.from({ length: often }, (): Shot => ({ door, operation, kind: kind as Kind }))
      }),
    )
    for (const shot of random.shuffled(shots)) {
      await shoot(shot)
      ok(faults.length < 20, faults.join('\n'))
    }
    deepEqual(faults, [], faults.join('\n'))
  })

  test('pages of documents answer whatever they are asked with', async () => {
    for (const door of ['public', 'query', 'admin', 'health'] as const)
      for (const path of PAGES) {
        const page = { operationId: path, method: 'GET', path, parameters: [], responses: {} }
        for (let i = 0; i < 20; i++) {
          const sample = makers.hostile({ ...page, body: null })
          if (!canBeSent(sample)) continue
          sent.set(`${door} ${path}`, 1 + (sent.get(`${door} ${path}`) ?? 0))
          const found = judged(path, door, sample, await ask(ports[door], sample))
          deepEqual(found, [], told(door, sample))
        }
        equal((await call(ports[door], 'GET', path)).status, 200)
      }
  })

  test('every operation was asked, and all kinds of requests came to something', (t) => {
    const unasked = operations.filter(
      ({ door, operation: { method, path } }) => !sent.has(`${door} ${method} ${path}`),
    )
    equal(unasked.length, 0, unasked.map(({ operation: { path } }) => path).join(' '))
    const all = (kind: Kind) => [...statuses.get(kind)!].sort(([a], [b]) => a - b)
    for (const kind of ['valid', 'nearly', 'hostile'] as const)
      t.diagnostic(
        `${kind}: ${all(kind)
          .map(([status, times]) => `${status}×${times}`)
          .join(' ')}`,
      )
    const names = new Set(operations.map(({ operation }) => operation.operationId))
    const never = [...names].filter((name) => !accepted.has(name))
    t.diagnostic(`of ${names.size} operations never accepted: ${never.join(', ')}`)
    // What needs several things to be right at once is hardly met by chance.
    ok(never.length < names.size / 4, `never accepted: ${never.join(', ')}`)
    t.diagnostic(`${[...sent.values()].reduce((a, b) => a + b)} requests, ${sent.size} routes`)
    const share = (kind: Kind, of: (status: number) => boolean) => {
      const counted = all(kind)
      const sum = (some: typeof counted) => some.reduce((total, [, times]) => total + times, 0)
      return sum(counted.filter(([status]) => of(status))) / sum(counted)
    }
    ok(share('valid', (status) => status < 300) > 0.35, 'the shop was really used')
    ok(share('nearly', (status) => status === 400) > 0.4, 'what is wrong was found')
    ok(share('hostile', (status) => status >= 400) > 0.5, 'what is hostile was refused')
  })

  test('afterwards nothing is broken: no complaint, no difference, and the shop sells', async () => {
    deepEqual(unhandled, [])
    deepEqual(
      complaints.filter((line) => line.includes('internal_error') || line.includes('parked')),
      [],
    )
    const { items } = await json('admin', 'GET', '/api/v1/admin/projections')
    for (const { name } of items)
      await json('admin', 'POST', `/api/v1/admin/projections/${name}/resume`)
    const { differences, checks } = await json('admin', 'POST', '/api/v1/admin/verify')
    equal(differences, 0, JSON.stringify(checks))
    deepEqual((await json('admin', 'GET', '/api/v1/admin/dead-letters')).items, [])
    const { product_id } = await json('public', 'POST', '/api/v1/products', {
      name: 'The last cup',
      sell_price: 5,
      currency: 'USD',
    })
    await json('public', 'POST', '/api/v1/inventory/stock', { product_id, quantity: 2 })
    const order = { customer_id: 'who-comes-last', items: [{ product_id, quantity: 2 }] }
    const { position } = await json('public', 'POST', '/api/v1/orders', order)
    await app.projected(position)
    const held = await json('public', 'GET', `/api/v1/inventory/${product_id}`)
    deepEqual([held.quantity, held.reserved_quantity], [2, 2])
  })
})

const codeFaults = ({ status, headers, text }: Answered): readonly string[] => {
  if (headers['content-type'] !== 'application/problem+json' || text === '') return []
  const { code } = JSON.parse(text) as { code: string }
  return kindOf(code).status === status ? [] : [`${code} has not the status ${status}`]
}

const told = (door: string, { kind, about, method, path, headers, body }: Sample) =>
  `${kind} (${about}) ${door}: ${method} ${path.slice(0, 300)} ` +
  `${JSON.stringify(headers).slice(0, 200)} ${String(body).slice(0, 300)}`
