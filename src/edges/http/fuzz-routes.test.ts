// Every route of every door against requests made from its own OpenAPI document: as it allows
// them, almost so, and hostile. No answer is a failure of ours, each is as documented, and in the
// end the shop is whole. SEED=… repeats a run; FUZZ=8 makes it eight times as long.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { Agent } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { type App, compose } from '#app/compose.ts'
import { readConfig } from '#app/config.ts'
import { ask, canBeSent, memoryOf } from '#testing/fuzz-client.ts'
import type { Kind, Sample } from '#testing/hostile-requests.ts'
import { type Answered, answerJudge } from '#testing/openapi-answers.ts'
import { type Operation, operationsOf, samplesOf } from '#testing/openapi-samples.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { call } from './door-fixture.ts'
import { type Doors, httpDoors } from './doors.ts'
import { type FuzzShop, fuzzShop } from './fuzz-shop-fixture.ts'
import { kindOf } from './problem.ts'

const SEED = seedOfRun()
const LENGTH = Number(process.env.FUZZ ?? 1)
/** Requests to each operation, by kind. */
const TIMES: Readonly<Record<Kind, number>> = { valid: 8, nearly: 8, hostile: 8 }
/** They read the whole log, so they come less often. */
const COSTLY = /^(RebuildProjection|ReplayEvents|Verify)$/
/** Allowed, but they make most requests come too late or ask for what is not yet there. */
const SELDOM =
  'expected_version command_id min_position order_number country price discounts occurred_at'.split(
    ' ',
  )
/** Needed, though the document cannot say so: one of two, or as the shop's own rules have it. */
const OFTEN = [
  'customer_id',
  'payment_type',
  'product_id',
  'name',
  'email',
  'age',
  'by',
  'tender',
  'counted',
]
/** The shop trades again after so many requests. */
const TRADE_EVERY = 600
/** So often is tried again what was never accepted. */
const AGAIN = 12
const PAGES = ['/openapi.json', '/docs', '/docs.css', '/docs.js']

const settings = [
  'event_store.driver=memory',
  'read_store.driver=memory',
  'payments.capture_on=ship',
  // Who names no method pays later.
  'payments.default_method=',
  'pos.refund_without_original=allow',
  // Nobody is waited for: who asks for a far position learns at once that it is far.
  'consistency.wait_ms=30',
]

let app: App
let doors: Doors
let ports: Readonly<Record<keyof Doors, number>>
/** What is hostile may end its connection, so it has one of its own. */
const lasting = new Agent({ keepAlive: true, maxSockets: 1 })
const agents: Readonly<Record<Kind, Agent | undefined>> = {
  ...{ valid: lasting, nearly: lasting, hostile: undefined },
}
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
  lasting.destroy()
  await Promise.all(Object.values(doors).map((door) => door.close()))
  await app.close()
  process.off('unhandledRejection', onUnhandled)
})

const json = async (door: keyof Doors, method: string, path: string, body?: object) => {
  const answer = await call(ports[door], method, path, { body })
  ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`)
  return answer.json
}

type Shot = { readonly door: keyof Doors; readonly operation: Operation; readonly kind: Kind }

describe(`every route, made requests (SEED=${SEED})`, () => {
  const random = seeded(SEED)
  const memory = memoryOf(random)
  const makers = samplesOf(random, memory, { seldom: SELDOM, often: OFTEN })
  let shop: FuzzShop
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
    for (const fault of judged(
      operation.operationId,
      door,
      sample,
      await ask(ports[door], sample, agents[kind]),
    ))
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

  const post = async (path: string, body: object, method = 'POST') => {
    const answer = await call(ports.public, method, `/api/v1/${path}`, { body })
    ok(answer.status < 300, `${path}: ${answer.text}`)
    memory.learn(`/api/v1/${path}`, answer)
    return answer.json
  }
  /** Goods, places and open orders, so that what is asked for can be there. */
  const openShop = async () => {
    for (let i = 0; i < 4; i++) {
      await post('departments', { name: `Department ${i}` })
      await post('units', { name: `Unit ${i}`, precision: 0 })
      await post('stores', { name: `Store ${i}` })
    }
    shop = fuzzShop(post, memory.add)
    for (let i = 0; i < 3; i++) await shop.trade()
    // More than is there: somebody's work.
    const { product_id } = await post('products', { name: 'Gone', sell_price: 5 })
    await post('sales', { items: [{ product_id, quantity: 950 }], payment_type: 'cash' })
    await openAround()
    for (const name of ['method', 'payment_method']) memory.add(name, 'upi')
    for (const name of ['payment_type', 'type', 'tender']) memory.add(name, 'cash')
    memory.add('currency', 'USD')
    memory.add('line', '1')
    memory.add('age', '40')
    memory.add('provider', 'simulator')
  }
  /** What listens to the shop, what comes as a file, and what there is to look into. */
  const openAround = async () => {
    await app.projected((await app.log.head()).position)
    const work = '/api/v1/inventory/discrepancies'
    memory.learn(work, await call(ports.public, 'GET', work))
    await openOutside()
  }
  const openOutside = async () => {
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
    for (const [nth, shot] of random.shuffled(shots).entries()) {
      if (nth % TRADE_EVERY === 0) await shop.trade()
      await shoot(shot)
      ok(faults.length < 20, faults.join('\n'))
    }
    for (let round = 0; round < AGAIN; round++) {
      // What made requests have ended or removed by now is there again.
      if (round % 4 === 0) await shop.trade()
      if (round % 4 === 0) await openOutside()
      for (const { door, operation } of operations)
        if (!accepted.has(operation.operationId)) await shoot({ door, operation, kind: 'valid' })
    }
    deepEqual(faults, [], faults.join('\n'))
  })

  test('pages of documents answer whatever they are asked with', async () => {
    for (const door of ['public', 'query', 'admin', 'health'] as const)
      for (const path of PAGES) {
        const nothing = { parameters: [], responses: {}, body: null, files: [] }
        const page = { operationId: path, method: 'GET', path, ...nothing }
        for (let i = 0; i < 20; i++) {
          const sample = makers.hostile(page)
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
    // What needs several things at once, or a process in trouble, is hardly met by chance.
    ok(never.length < names.size / 10, `never accepted: ${never.join(', ')}`)
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
