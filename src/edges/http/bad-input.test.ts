// Whatever is wrong with a request is refused, named, and leaves no trace in the log.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { commands } from './account-fixture.ts'
import { type Bank, call, openBank, type Reply, raw } from './door-fixture.ts'
import { shapeOf } from './schema-shape.ts'
import { BODY_BYTES_MAX } from './server.ts'
import { exampleOf } from './wire-schema.ts'

let log: EventLog
let bank: Bank
before(async () => {
  log = await openEventLog()
  bank = await openBank(log, await openKeyRing())
})
after(() => bank.close())

const OPEN = '/api/v1/accounts'
const DEPOSIT = `${OPEN}/01939b5a-7c1e-7000-8000-000000000001/deposits`
const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
  call(bank.ports.public, 'POST', path, { body, headers })
const get = (path: string) => call(bank.ports.public, 'GET', path)

function isProblem({ status, headers, json }: Reply, expected: number, code?: string) {
  equal(status, expected, JSON.stringify(json))
  equal(headers['content-type'], 'application/problem+json')
  equal(json.status, expected)
  if (code !== undefined) equal(json.code, code)
}

/** What every command refuses, whatever its fields; `{}` stands for the rest of a good body. */
const ROTTEN: readonly [name: string, body: (good: string) => string, field: RegExp][] = [
  ['an unknown field', (good) => `{"no_such_field":1,${good}`, /^no_such_field$/],
  ['an unknown field called like a privilege', (good) => `{"role":"admin",${good}`, /^role$/],
  ['a poisoned prototype', (good) => `{"__proto__":{"admin":true},${good}`, /^__proto__$/],
  ['a poisoned constructor', (good) => `{"constructor":{"prototype":{}},${good}`, /^constructor/],
  ['a field given twice', (good) => `{"x":1,"x":2,${good}`, /^x$/],
  [
    'a number beyond 2^53',
    (good) => `{"expected_version":9007199254740993,${good}`,
    /^expected_version$/,
  ],
  ['a number beyond all', (good) => `{"expected_version":1e400,${good}`, /^expected_version$/],
  ['NaN', (good) => `{"expected_version":NaN,${good}`, /^expected_version$/],
  ['a negative version', (good) => `{"expected_version":-1,${good}`, /^expected_version$/],
  ['an empty command id', (good) => `{"command_id":"",${good}`, /^command_id$/],
  [
    'a command id of 201 characters',
    (good) => `{"command_id":"${'x'.repeat(201)}",${good}`,
    /^command_id$/,
  ],
  ['a command id with a line break', (good) => `{"command_id":"a\\nb",${good}`, /^command_id$/],
  ['a number for a command id', (good) => `{"command_id":7,${good}`, /^command_id$/],
  ['a NUL', (good) => `{"user_id":"a\\u0000",${good}`, /^user_id$/],
  ['half of a surrogate pair', (good) => `{"user_id":"\\ud800",${good}`, /^user_id$/],
  ['too much depth', (good) => `{"x":${'['.repeat(40)}${']'.repeat(40)},${good}`, /^x\.0/],
  ['a list for a body', () => '[]', /^\(body\)$/],
  ['null for a body', () => 'null', /^\(body\)$/],
  ['half a body', (good) => `{${good.slice(0, -1)}`, /./],
  ['what is not JSON', () => 'owner=ada&currency=USD', /^\(body\)$/],
]

describe('bad input', () => {
  const writing = commands.filter(
    ({ route }) => route!.method === 'POST' || route!.method === 'PATCH',
  )
  for (const { type, route, input } of writing) {
    const { method, path } = route!
    const port = () => (path.includes('/admin/') ? bank.ports.admin : bank.ports.public)
    const url = path.replaceAll(/:[a-z_]+/g, '01939b5a-7c1e-7000-8000-000000000001')
    const inPath = (name: string) => path.includes(`:${name}`)
    const good = Object.fromEntries(
      Object.entries(input.properties)
        .filter(([name]) => !inPath(name))
        .map(([name, schema]) => [name, exampleOf(schema, name)]),
    )

    for (const [name, rotten, field] of ROTTEN)
      test(`${type} refuses ${name}`, async () => {
        const before = await log.head()
        const body = rotten(JSON.stringify({ ...good, causation_id: 'c' }).slice(1))
        const reply = await call(port(), method, url, { body })
        isProblem(reply, 400)
        const names = Object.keys(reply.json.errors)
        ok(
          names.some((one) => field.test(one)),
          `${names} for ${body.slice(0, 80)}`,
        )
        deepEqual(await log.head(), before)
      })

    for (const name of Object.keys(input.properties).filter((one) => !inPath(one)))
      test(`${type} names ${name} when it is of the wrong kind`, async () => {
        const before = await log.head()
        for (const wrong of [[[[]]], { a: { b: [] } }, true, '', null]) {
          const isObject = shapeOf(input.properties[name]!).type === 'object'
          if (isObject && wrong !== null && typeof wrong === 'object' && !Array.isArray(wrong))
            continue
          const reply = await call(port(), method, url, { body: { ...good, [name]: wrong } })
          isProblem(reply, 400, 'validation_failed')
          ok(
            Object.keys(reply.json.errors).some(
              (one) => one === name || one.startsWith(`${name}.`),
            ),
            JSON.stringify(reply.json.errors),
          )
        }
        deepEqual(await log.head(), before)
      })

    const required: readonly string[] = (input.required ?? []).filter((one) => !inPath(one))
    if (required.length > 0)
      test(`${type} names every required field that is missing`, async () => {
        const reply = await call(port(), method, url, { body: {} })
        isProblem(reply, 400, 'validation_failed')
        deepEqual(Object.keys(reply.json.errors).sort(), [...required].sort())
        for (const name of required) equal(reply.json.errors[name], 'is required')
      })
  }

  test('an order without lines, or with too many, is refused', async () => {
    const path = `${OPEN}/transfers`
    const lines = Array(51).fill({ to: '01939b5a-7c1e-7000-8000-000000000002', amount: 1 })
    for (const body of [{ lines: [] }, { lines }]) {
      const sent = { ...body, from: '01939b5a-7c1e-7000-8000-000000000001' }
      const reply = await call(bank.ports.public, 'PATCH', path, { body: sent })
      isProblem(reply, 400, 'validation_failed')
      deepEqual(Object.keys(reply.json.errors), ['lines'])
    }
  })

  test('a field deep inside is named by its path', async () => {
    const body = { from: 'x', lines: [{ to: 'y', amount: -1, extra: 1 }] }
    const reply = await call(bank.ports.public, 'PATCH', `${OPEN}/transfers`, { body })
    deepEqual(Object.keys(reply.json.errors).sort(), [
      'from',
      'lines.0.amount',
      'lines.0.extra',
      'lines.0.to',
    ])
  })
})

describe('bodies', () => {
  const body = '{"owner":"ada","currency":"USD"}'

  test('are JSON and say so exactly; nothing else is ever read', async () => {
    for (const type of [
      'application/json',
      'application/json; charset=utf-8',
      'APPLICATION/JSON',
      'application/json;charset="UTF-8"',
    ])
      equal((await post(OPEN, body, { 'content-type': type })).status, 201, type)
    const before = await log.head()
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/json; charset=utf-16',
      'application/json; charset=utf-8; x=y',
      'application/json\ta',
      'application/jsonp',
      'application/merge-patch+json',
      'text/json',
      'json',
      '',
    ]) {
      isProblem(await post(OPEN, body, { 'content-type': type }), 415, 'unsupported_media_type')
      isProblem(await post(OPEN, '', { 'content-type': type }), 415, 'unsupported_media_type')
    }
    isProblem(await post(OPEN, body, { 'content-encoding': 'gzip' }), 415)
    deepEqual(await log.head(), before)
  })

  test('are UTF-8', async () => {
    const latin1 = Buffer.from('{"owner":"\xe9","currency":"USD"}', 'latin1')
    isProblem(await post(OPEN, latin1), 400, 'malformed_request')
    equal((await post(OPEN, '{"owner":"é\ufffd","currency":"USD"}')).status, 201)
  })

  test('of more than a mebibyte are refused before they are read, told or chunked', async () => {
    const fits = `{"owner":"ada","currency":"USD"}${' '.repeat(BODY_BYTES_MAX - 32)}`
    equal((await post(OPEN, fits)).status, 201)
    const before = await log.head()
    isProblem(await post(OPEN, `${fits} `), 413, 'payload_too_large')
    isProblem(await post(OPEN, `${fits} `, { 'transfer-encoding': 'chunked' }), 413)
    deepEqual(await log.head(), before)
    equal((await post(OPEN, body)).status, 201)
  })

  test('announced as too large are not waited for', async () => {
    const head = `POST ${OPEN} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json`
    const answer = await raw(bank.ports.public, `${head}\r\nContent-Length: 2097152\r\n\r\n{`)
    match(answer, /^HTTP\/1.1 413 /)
  })

  test('may be absent where no field is required', async () => {
    const { status } = await call(bank.ports.admin, 'POST', '/api/v1/admin/accounts/x/freeze')
    equal(status, 422)
    isProblem(await post(OPEN), 400, 'validation_failed')
  })

  test('may hold any text that is text, and it comes back the same', async () => {
    const owner = `${'‮‏'.slice(0, 2)}a';--😀`
    const { headers } = await post(OPEN, { owner, currency: 'USD' })
    equal((await get(headers.location!)).json.owner, owner)
  })

  test('may not hold fields in the query string', async () => {
    const reply = await post(`${OPEN}?owner=eve`, body)
    isProblem(reply, 400, 'validation_failed')
    deepEqual(reply.json.errors, { owner: 'belongs into the body' })
  })
})

describe('query strings', () => {
  const cases: Record<string, string> = {
    'limit=-1': 'limit',
    'limit=0': 'limit',
    'limit=1001': 'limit',
    'limit=1e9': 'limit',
    'limit=abc': 'limit',
    'limit=': 'limit',
    'limit=1.5': 'limit',
    'limit=9007199254740993': 'limit',
    'offset=-1': 'offset',
    'offset=1e15x': 'offset',
    'closed=yes': 'closed',
    'since=2010-13-01': 'since',
    'sizes=1,x': 'sizes.1',
    'unknown=1': 'unknown',
    'LIMIT=1': 'LIMIT',
    'limit=1&limit=1': 'limit',
    'limit=1&limi%74=2': 'limit',
    'owner=%00': 'owner',
    '__proto__=1': '__proto__',
    'constructor=1': 'constructor',
    'toString=1': 'toString',
    'owner=%zz': '(query string)',
    'owner=%ff': '(query string)',
  }
  for (const [query, field] of Object.entries(cases))
    test(`?${query} is refused and named`, async () => {
      const reply = await get(`${OPEN}?${query}`)
      isProblem(reply, 400)
      deepEqual(Object.keys(reply.json.errors), [field])
    })

  test('are taken by the type of their fields', async () => {
    const reply = await get(`${OPEN}?limit=5&closed=false&since=2010-12-01&sizes=1,2&owner=a%20b+c`)
    equal(reply.status, 200)
    equal(reply.json.limit, 5)
  })
})

describe('headers', () => {
  test('that mean something are one line of printable characters', async () => {
    for (const name of ['Idempotency-Key', 'X-Correlation-Id'])
      for (const value of ['x'.repeat(201), 'é', 'a\tb']) {
        const reply = await post(DEPOSIT, { amount: 1 }, { [name]: value })
        isProblem(reply, 400, 'validation_failed')
        match(Object.keys(reply.json.errors)[0]!, new RegExp(name, 'i'))
      }
  })
})
