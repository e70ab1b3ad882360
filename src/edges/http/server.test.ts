// The doors over real sockets and the real gateway, with a tiny bank behind them.
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type EventLog, OutcomeUnknown, StorageFull } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { type Bank, call, openBank, type Sent } from './door-fixture.ts'
import type { DoorParts } from './doors.ts'

const ID = '01939b5a-7c1e-7000-8000-000000000001'
const OTHER = '01939b5a-7c1e-7000-8000-000000000002'
const ACCOUNT = `/api/v1/accounts/${ID}`

let log: EventLog
let bank: Bank
/** What the log does instead of appending, when a test wants it to. */
let instead: (() => Promise<void>) | undefined

async function reopen(more: Partial<DoorParts> = {}) {
  await bank?.close()
  const memory = await openEventLog()
  log = {
    ...memory,
    async append(append) {
      await instead?.()
      return memory.append(append)
    },
  }
  bank = await openBank(log, await openKeyRing(), more)
}
beforeEach(() => {
  instead = undefined
  return reopen()
})
afterEach(() => bank.close())

const send = (method: string, path: string, sent?: Sent) =>
  call(bank.ports.public, method, path, sent)
const open = (more: object = {}, headers = {}) =>
  send('POST', '/api/v1/accounts', {
    body: { owner: 'ada', currency: 'USD', account_id: ID, ...more },
    headers,
  })
const deposit = (amount: unknown, more: object = {}, headers = {}) =>
  send('POST', `${ACCOUNT}/deposits`, { body: { amount, ...more }, headers })
const head = async () => (await log.head()).position

describe('commands', () => {
  test('are answered with what was decided, position, version, ETag, Location', async () => {
    const { status, headers, json } = await open()
    equal(status, 201)
    deepEqual(json, { account_id: ID, position: 1, version: 1 })
    equal(headers.location, ACCOUNT)
    equal(headers.etag, '"1"')
    equal(headers['content-type'], 'application/json')
    equal((await send('GET', headers.location!)).json.owner, 'ada')
  })

  test('make the id that the sender does not give', async () => {
    const { json, headers } = await open({ account_id: undefined })
    match(json.account_id, /^[0-9a-f-]{36}$/)
    equal(headers.location, `/api/v1/accounts/${json.account_id}`)
  })

  test('show money as decimals with all digits, read from the characters', async () => {
    await open({ currency: 'KWD' })
    const { text } = await send('POST', `${ACCOUNT}/deposits`, { body: '{"amount": 0.100}' })
    match(text, /"balance":0\.100,/)
    match((await deposit('90071992547.409')).text, /"balance":90071992547\.509,/)
    deepEqual((await deposit('1.2345')).json.errors, { amount: 'must have at most 3 decimals' })
  })

  test('have one effect and one answer for one Idempotency-Key, in header or body', async () => {
    await open()
    const first = await deposit(5, {}, { 'Idempotency-Key': 'k1' })
    const repeated = await deposit(5, {}, { 'Idempotency-Key': 'k1' })
    const inBody = await deposit(5, { command_id: 'k1' })
    equal(first.headers['idempotent-replayed'], undefined)
    for (const again of [repeated, inBody]) {
      equal(again.headers['idempotent-replayed'], 'true')
      equal(again.status, first.status)
      equal(again.text, first.text)
      equal(again.headers.etag, first.headers.etag)
    }
    equal(await head(), 2)
    equal((await deposit(6, {}, { 'Idempotency-Key': 'k1' })).json.code, 'idempotency_key_reused')
    const both = await deposit(5, { command_id: 'k2' }, { 'Idempotency-Key': 'k1' })
    deepEqual(both.json.errors, { command_id: 'differs from the header Idempotency-Key' })
    equal(await head(), 2)
  })

  test('heed the version the sender has seen, from If-Match or expected_version', async () => {
    await open()
    const stale = await deposit(1, {}, { 'If-Match': '"7"' })
    equal(stale.status, 409)
    equal(stale.json.code, 'concurrency_conflict')
    equal(stale.json.current_version, 1)
    equal((await deposit(1, { expected_version: 0 })).status, 409)
    equal((await deposit(1, {}, { 'If-Match': '"1"' })).headers.etag, '"2"')
    equal((await deposit(1, { expected_version: 2 })).status, 201)
    for (const value of ['3', '*', 'W/"3"', '"3", "4"', '"x"']) {
      const refused = await deposit(1, {}, { 'If-Match': value })
      equal(refused.status, 400, value)
      deepEqual(Object.keys(refused.json.errors), ['If-Match'])
    }
    const both = await deposit(1, { expected_version: 3 }, { 'If-Match': '"4"' })
    deepEqual(both.json.errors, { expected_version: 'differs from the header If-Match' })
  })

  test('keep who, why and the correlation with their events', async () => {
    const meta = { user_id: 'u1', causation_id: 'c1' }
    const { headers } = await open(meta, { 'X-Correlation-Id': 'corr 1' })
    equal(headers['x-correlation-id'], 'corr 1')
    const [event] = await log.readAll(0, 1)
    const { user_id, causation_id, correlation_id, source } = event!.metadata
    deepEqual([user_id, causation_id, correlation_id, source], ['u1', 'c1', 'corr 1', 'api'])
    const inBody = await deposit(1, { correlation_id: 'corr 2' })
    equal(inBody.headers['x-correlation-id'], 'corr 2')
    match((await send('GET', ACCOUNT)).headers['x-correlation-id']!, /^[0-9a-f-]{36}$/)
  })

  test('are reached by every alias, of paths and of fields', async () => {
    const { status } = await send('POST', '/accounts', {
      body: { owner: 'ada', currency: 'USD', sku: 'x' },
    })
    equal(status, 201)
    const [event] = await log.readAll(0, 1)
    equal((event!.data as { code: string }).code, 'x')
  })

  test('of deletion take their fields from the query string, without a body', async () => {
    await open()
    await deposit(1)
    equal((await send('DELETE', ACCOUNT)).json.code, 'invalid_state')
    equal((await send('DELETE', `${ACCOUNT}?force=maybe`)).status, 400)
    equal((await send('DELETE', `${ACCOUNT}?force=true`)).status, 200)
  })

  test('are refused with the status of their code; details never pose as members', async () => {
    await open()
    equal((await open()).status, 409)
    const { json, status } = await send('PATCH', '/api/v1/accounts/transfers', {
      body: { from: ID, lines: [{ to: OTHER, amount: 1 }] },
    })
    equal(status, 409)
    deepEqual(json.lines, [{ requested: 3, available: 1 }])
    deepEqual([json.status, json.current_status], [409, 'pretender'])
    equal((await call(bank.ports.admin, 'POST', '/api/v1/admin/accounts/x/freeze')).status, 422)
  })
})

describe('queries', () => {
  test('answer null with 404 and nothing found with an empty list', async () => {
    for (const id of [ID, 'user-123', 'x'.repeat(300)]) {
      const { status, json } = await send('GET', `/api/v1/accounts/${id}`)
      equal(status, 404, id)
      equal(json.code, 'not_found')
    }
    const { status, json } = await send('GET', '/api/v1/accounts/status/open')
    equal(status, 200)
    deepEqual(json, [])
    const wrong = await send('GET', '/api/v1/accounts/status/ajar')
    deepEqual(wrong.json.errors, { status: 'must be one of open, closed' })
  })

  test('give the version as ETag, and only what their answer names', async () => {
    await open()
    await deposit('29.90')
    const { headers, text, json } = await send('GET', ACCOUNT)
    equal(headers.etag, '"2"')
    match(text, /"balance":29\.90,/)
    deepEqual(Object.keys(json), [
      'account_id',
      'owner',
      'currency',
      'balance',
      'closed',
      'version',
    ])
  })

  test('wait for a position, from parameter or header, or say that it is not reached', async () => {
    await open()
    equal((await send('GET', `${ACCOUNT}?min_position=1`)).status, 200)
    for (const [path, headers] of [
      [`${ACCOUNT}?min_position=9`, {}],
      [ACCOUNT, { 'X-Min-Position': '9' }],
    ] as const) {
      const { status, json, headers: got } = await send('GET', path, { headers })
      equal(status, 503)
      equal(json.code, 'projection_lagging')
      equal(json.retryable, true)
      equal(got['retry-after'], '1')
    }
    for (const wrong of ['-1', 'x', '1.5', '99999999999999999999', ''])
      equal((await send('GET', `${ACCOUNT}?min_position=${wrong}`)).status, 400, wrong)
    const both = await send('GET', `${ACCOUNT}?min_position=1`, {
      headers: { 'X-Min-Position': '2' },
    })
    equal(both.status, 400)
  })

  test('link to the next page as long as there is one', async () => {
    for (let i = 0; i < 3; i++) await open({ account_id: undefined })
    const first = await send('GET', '/api/v1/accounts?limit=2&closed=false')
    equal(first.json.items.length, 2)
    const link = /^<(.*)>; rel="next"$/.exec(first.headers.link ?? '')?.[1]
    equal(link, '/api/v1/accounts?limit=2&closed=false&offset=2')
    const second = await send('GET', link!)
    equal(second.json.items.length, 1)
    equal(second.headers.link, undefined)
  })

  test('mark rows that wait for an operator, and scale quantities', async () => {
    await open()
    const { text } = await send('GET', '/api/v1/accounts')
    match(text, /"lines":\[\{"quantity":1\.500,"price":19\.90\}\],"stale":true/)
  })

  test('are answered for HEAD without a body', async () => {
    await open()
    const { status, text, headers } = await send('HEAD', ACCOUNT)
    deepEqual([status, text, headers.etag], [200, '', '"1"'])
  })
})

describe('doors', () => {
  test('show commands on the public one, queries on two, admin on its own', async () => {
    const { public: main, query, admin } = bank.ports
    const statuses = async (method: string, path: string, body?: object) =>
      Promise.all(
        [main, query, admin].map(async (port) => (await call(port, method, path, { body })).status),
      )
    deepEqual(await statuses('POST', '/accounts', { owner: 'a', currency: 'USD' }), [201, 404, 404])
    deepEqual(await statuses('GET', '/api/v1/accounts'), [200, 200, 404])
    deepEqual(await statuses('POST', '/api/v1/accounts', {}), [400, 405, 404])
    deepEqual(await statuses('GET', '/api/v1/admin/health'), [404, 404, 200])
    deepEqual(await statuses('POST', '/api/v1/admin/accounts/x/freeze'), [404, 404, 422])
    deepEqual(await statuses('GET', '/health'), [200, 200, 200])
    deepEqual(await statuses('GET', '/health/ready'), [200, 200, 200])
  })

  test('show commands alone where other processes answer queries, and health wherever it is', async () => {
    await reopen({ offers: 'commands' })
    const { public: main, query, health } = bank.ports
    const made = await call(main, 'POST', '/accounts', { body: { owner: 'a', currency: 'USD' } })
    equal(made.status, 201)
    equal((await call(main, 'GET', '/api/v1/accounts')).status, 405)
    equal((await call(query, 'GET', '/api/v1/accounts')).status, 200)
    equal((await call(health, 'GET', '/api/v1/accounts')).status, 404)
    for (const port of Object.values(bank.ports))
      for (const path of ['/health', '/health/live', '/health/ready'])
        deepEqual((await call(port, 'GET', path)).json, { status: 'ok' })
  })

  test('show admin paths on the public one only when the settings say so', async () => {
    await reopen({ settings: { 'admin.expose_on_main': true } })
    equal((await send('GET', '/api/v1/admin/projections')).status, 200)
    equal((await call(bank.ports.query, 'GET', '/api/v1/admin/projections')).status, 404)
  })

  test('are alive though a part has failed, but not ready', async () => {
    const failing = { status: 'failing', warnings: ['disk'], components: {} } as const
    // biome-ignore lint/suspicious/noExplicitAny: only health is asked for here
    await reopen({ operations: { health: async () => failing } as any })
    equal((await send('GET', '/health')).status, 200)
    const ready = await send('GET', '/health/ready')
    equal(ready.status, 503)
    deepEqual(ready.json, { status: 'failing' })
    equal((await call(bank.ports.admin, 'GET', '/api/v1/admin/health')).status, 503)
  })

  test('finish what they accepted and keep no idle connection, then are closed', async () => {
    await open()
    const agent = new Agent({ keepAlive: true })
    const { port } = { port: bank.ports.public }
    await new Promise((resolve) =>
      request({ host: '127.0.0.1', port, agent, path: '/health' }, (answer) =>
        answer.resume().on('end', resolve),
      ).end(),
    )
    const arrived = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    instead = () => {
      arrived.resolve()
      return gate.promise
    }
    const body = JSON.stringify({ amount: 5 })
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const slow = new Promise<IncomingMessage>((resolve) =>
      request(
        { host: '127.0.0.1', port, agent, method: 'POST', path: `${ACCOUNT}/deposits`, headers },
        resolve,
      ).end(body),
    )
    await arrived.promise
    let closed = false
    const closing = bank.doors.public.close().then(() => {
      closed = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    equal(closed, false)
    await call(port, 'GET', '/health').then(
      () => ok(false, 'a new connection was taken'),
      (error) => equal(error.code, 'ECONNREFUSED'),
    )
    gate.resolve()
    const answer = await slow
    deepEqual([answer.statusCode, answer.headers.connection], [201, 'close'])
    answer.resume()
    await closing
    equal(await head(), 2)
  })

  test('wait for no client that never ends its request', async () => {
    const socket = connect(bank.ports.public, '127.0.0.1')
    const gone = once(socket, 'close')
    const seen = once(bank.doors.public.server, 'connection')
    socket.on('error', () => {})
    const type = 'Content-Type: application/json\r\nContent-Length: 100'
    socket.write(`POST ${ACCOUNT}/deposits HTTP/1.1\r\nHost: localhost\r\n${type}\r\n\r\n{`)
    await seen
    const failing = setTimeout(() => socket.destroy(new Error('it was waited for')), 20_000)
    await bank.doors.public.close()
    await gone
    clearTimeout(failing)
    equal(socket.errored?.message, undefined)
  })
})

describe('failures', () => {
  const cases: [string, () => Error, number, string][] = [
    [
      'an unknown outcome',
      () => new OutcomeUnknown('fsync of /data failed'),
      503,
      'outcome_unknown',
    ],
    ['a full disk', () => new StorageFull('/data is full'), 503, 'storage_full'],
    ['a bug', () => new TypeError('undefined at /srv/app.ts, SELECT 1'), 500, 'internal_error'],
  ]
  for (const [name, error, status, code] of cases)
    test(`${name} is told without a word about the inside, and logged once`, async () => {
      await open()
      instead = () => Promise.reject(error())
      const reply = await deposit(1, {}, { 'X-Correlation-Id': 'find-me' })
      equal(reply.status, status)
      equal(reply.json.code, code)
      equal(reply.json.category, 'infrastructure')
      equal(reply.json.correlation_id, 'find-me')
      ok(!/SELECT|\/data|\/srv|\.ts/.test(reply.text), reply.text)
      equal(bank.lines.length, 1)
      const line = JSON.parse(bank.lines[0]!)
      equal(line.correlation_id, 'find-me')
      equal(line.message, 'POST /api/v1/accounts/:account_id/deposits failed')
      match(line.error, /data|SELECT/)
      instead = undefined
      equal((await deposit(1)).status, 201)
    })

  test('a decider that throws is a bug of ours: 500, and nothing was appended', async () => {
    await open()
    equal((await deposit(1, { note: 'break' })).status, 500)
    equal(await head(), 1)
  })

  test('a request that takes too long is answered, and may be repeated with its key', async () => {
    await reopen({ settings: { 'server.write_timeout': 3_000 } })
    await open()
    const gate = Promise.withResolvers<void>()
    instead = () => gate.promise
    const { status, json } = await deposit(5, {}, { 'Idempotency-Key': 'k' })
    deepEqual([status, json.code, json.category], [504, 'timeout', 'timeout'])
    match(json.detail, /Idempotency-Key/)
    gate.resolve()
    instead = undefined
    const again = await deposit(5, {}, { 'Idempotency-Key': 'k' })
    deepEqual([again.status, again.headers['idempotent-replayed']], [201, 'true'])
    equal(await head(), 2)
  })

  test('what is not there is told as a problem, whatever the path', async () => {
    for (const path of [
      '/nope',
      '/api/v1/accounts/',
      '/api//v1/accounts',
      '/API/v1/accounts',
      '/%zz',
    ]) {
      const { status, headers, json } = await send('GET', path)
      ok(status === 404 || status === 400, `${path} ${status}`)
      equal(headers['content-type'], 'application/problem+json')
      equal(json.status, status)
    }
  })

  test('a known path with another method says what it takes', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'TRACE']) {
      const { status, headers, json } = await send(method, '/api/v1/accounts')
      deepEqual(
        [status, headers.allow, json.code],
        [405, 'GET, HEAD, OPTIONS, POST', 'method_not_allowed'],
      )
    }
    const { status, headers } = await send('OPTIONS', `${ACCOUNT}/deposits`)
    deepEqual([status, headers.allow], [204, 'OPTIONS, POST'])
    equal(
      (await send('POST', '/api/v1/accounts', { headers: { 'X-HTTP-Method-Override': 'GET' } }))
        .status,
      400,
    )
  })

  test('every correlation id that the server makes is another one', async () => {
    const [a, b] = await Promise.all([send('GET', '/nope'), send('GET', '/nope')])
    notEqual(a.json.correlation_id, b.json.correlation_id)
    equal(a.headers['x-correlation-id'], a.json.correlation_id)
  })
})
