// Who may talk to a door from a browser, and what every answer says to it.
import { deepEqual, equal, match, ok, throws } from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { type Bank, call, openBank, raw } from './door-fixture.ts'
import { guard } from './guard.ts'

let bank: Bank
const settings = {
  'server.allowed_hosts': ['shop.example.org', '192.0.2.7'],
  'cors.origins': ['https://admin.example.org'],
}
beforeEach(async () => {
  bank = await openBank(await openEventLog(), await openKeyRing(), { settings })
})
afterEach(() => bank.close())

const get = (headers: Record<string, string>, path = '/health', method = 'GET') =>
  call(bank.ports.public, method, path, { headers })

describe('hosts', () => {
  test('of the loopback and of the list are answered, with any port', async () => {
    for (const host of [
      'localhost',
      'LOCALHOST:1',
      '127.0.0.1:8080',
      '[::1]',
      '[::1]:65535',
      'shop.example.org',
      'Shop.Example.Org:443',
      '192.0.2.7',
    ])
      equal((await get({ host })).status, 200, host)
  })
  test('of anybody else are misdirected, on every door and path', async () => {
    for (const host of [
      'evil.com',
      'localhost.evil.com',
      'evil.com:8080',
      'localhost.',
      '127.0.0.1.nip.io',
      'xlocalhost',
      'localhost:80:80',
      'localhost:x',
      '[::2]',
      '0.0.0.0',
      '127.1',
      ' ',
      'localhost@evil.com',
      'localhost/evil',
    ])
      equal((await get({ host })).status, 421, host)
    for (const port of Object.values(bank.ports))
      for (const path of [
        '/health',
        '/docs',
        '/openapi.json',
        '/api/v1/admin/health',
        '/api/v1/accounts',
        '/nope',
      ]) {
        const { status, headers, json } = await call(port, 'GET', path, {
          headers: { host: 'evil.com' },
        })
        deepEqual([status, json.code], [421, 'misdirected_request'])
        equal(headers['content-type'], 'application/problem+json')
      }
  })
})

describe('origins', () => {
  test('that are ours or listed may call; only the listed may read from elsewhere', async () => {
    for (const origin of [
      'http://localhost:3000',
      'http://127.0.0.1',
      'https://shop.example.org',
      'http://[::1]:8080',
    ]) {
      const { status, headers } = await get({ origin })
      deepEqual([status, headers['access-control-allow-origin']], [200, undefined], origin)
    }
    const { status, headers } = await get({ origin: 'https://admin.example.org' })
    deepEqual(
      [status, headers['access-control-allow-origin'], headers.vary],
      [200, 'https://admin.example.org', 'Origin'],
    )
    equal(headers['access-control-allow-credentials'], undefined)
    match(headers['access-control-expose-headers']!, /ETag.*Retry-After, X-Cache, Age/)
  })
  test('of other sites are refused, for every method and also for reading', async () => {
    for (const origin of [
      'null',
      'https://evil.com',
      'https://admin.example.org.evil.com',
      'https://evil-admin.example.org',
      'http://admin.example.org',
      'https://admin.example.org:444',
      'http://localhost.evil.com',
      'file://',
      'javascript:1',
      'http://localhost:3000/x',
      '',
      'chrome-extension://abc',
    ])
      for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE']) {
        const { status, headers, json } = await get({ origin }, '/api/v1/accounts', method)
        equal(status, 403, `${method} ${origin}`)
        equal(json.code, 'origin_not_allowed')
        equal(headers['access-control-allow-origin'], undefined)
      }
  })
  test('that are listed get an answer to their preflight', async () => {
    const { status, headers } = await get(
      { origin: 'https://admin.example.org', 'access-control-request-method': 'POST' },
      '/api/v1/accounts',
      'OPTIONS',
    )
    equal(status, 204)
    match(headers['access-control-allow-methods']!, /POST/)
    match(headers['access-control-allow-headers']!, /Idempotency-Key/)
  })
  test('are listed one by one: no star, no path', () => {
    for (const origin of ['*', 'null', 'https://a.example/', 'https://a.example/x', 'a.example'])
      throws(() => guard({ allowedHosts: [], corsOrigins: [origin] }), /cors\.origins/)
  })
})

describe('headers', () => {
  test('that protect are on every answer, whatever it is', async () => {
    const { public: port } = bank.ports
    const replies = await Promise.all([
      call(port, 'GET', '/health'),
      call(port, 'GET', '/nope'),
      call(port, 'GET', '/%zz'),
      call(port, 'PUT', '/health'),
      call(port, 'OPTIONS', '/health'),
      call(port, 'POST', '/api/v1/accounts', { body: '{' }),
      call(port, 'POST', '/api/v1/accounts', { body: 'x'.repeat(2 ** 21) }),
      call(port, 'POST', '/api/v1/accounts', { body: { owner: 'a', currency: 'USD' } }),
      call(port, 'GET', '/docs'),
      call(port, 'GET', '/docs.js'),
      get({ host: 'evil.com' }),
      get({ origin: 'null' }),
    ])
    for (const { status, headers, text } of replies) {
      equal(headers['x-content-type-options'], 'nosniff')
      equal(headers['referrer-policy'], 'no-referrer')
      equal(headers['cache-control'], 'no-store')
      match(headers['content-security-policy']!, /^default-src 'none'.*frame-ancestors 'none'/)
      ok(!/unsafe/.test(headers['content-security-policy']!))
      match(headers['x-correlation-id']!, /^[0-9a-f-]{36}$/)
      equal(headers.server ?? headers['x-powered-by'], undefined)
      ok(!/node_modules|\.ts:|fastify/i.test(text), `${status}: ${text}`)
    }
  })
})

const POST = 'POST /api/v1/accounts HTTP/1.1\nHost: localhost\n'

describe('what is no HTTP', () => {
  const send = (text: string) => raw(bank.ports.public, text.replaceAll('\n', '\r\n'))
  const cases: Record<string, [text: string, status: number]> = {
    'two lengths': [
      'POST /api/v1/accounts HTTP/1.1\nHost: localhost\nContent-Length: 2\nContent-Length: 3\n\n{}',
      400,
    ],
    'a length and chunks': [`${POST}Content-Length: 2\nTransfer-Encoding: chunked\n\n0\n\n`, 400],
    'a bad chunk': [
      'POST /api/v1/accounts HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\nzz\n',
      400,
    ],
    'no host': ['GET /health HTTP/1.1\n\n', 400],
    nonsense: ['hello\n\n', 400],
    'headers beyond 16 KiB': [
      `GET /health HTTP/1.1\nHost: localhost\nX: ${'x'.repeat(20_000)}\n\n`,
      431,
    ],
  }
  for (const [name, [text, status]] of Object.entries(cases))
    test(`${name} is refused and the connection closed`, async () => {
      const answer = await send(text)
      match(answer, new RegExp(`^HTTP/1.1 ${status} `))
      match(answer, /connection: close/i)
      if (name === 'no host') return // answered by Node itself, without a body
      match(answer, /content-type: application\/problem\+json/)
      match(answer, /x-content-type-options: nosniff/)
      equal(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)).status, status)
    })

  test('a request that never ends is given up', async () => {
    await bank.close()
    bank = await openBank(await openEventLog(), await openKeyRing(), {
      settings: { ...settings, 'server.read_timeout': 1_500 },
    })
    const answer = await send(`${POST}Content-Type: application/json\nContent-Length: 100\n\n{`)
    match(answer, /^HTTP\/1.1 408 /)
    match(answer, /"code":"request_timeout"/)
    match(answer, /"retryable":true/)
  })
})
