// One delivery on the wire: signed, bounded, following nothing, and never into our own network,
// whatever a name means at the moment.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type PostRules, post } from './post.ts'
import { secretOf, signatureHeaders } from './signature.ts'

const open: PostRules = { allowPrivate: true, allowedHosts: [], timeoutMs: 20_000 }
const closed: PostRules = { ...open, allowPrivate: false }
const resolving =
  (...rounds: readonly (readonly string[])[]): NonNullable<PostRules['resolve']> =>
  (_, __, done) => {
    const [now = rounds[0] ?? []] = [rounds[asked++]]
    done(
      null,
      now.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
let asked = 0

describe('a post', () => {
  let heard: { readonly headers: IncomingMessage['headers']; readonly body: string }[]
  let answer: (response: ServerResponse) => void
  let port: number
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    heard.push({ headers: request.headers, body })
    answer(response)
  })
  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => {
    heard = []
    asked = 0
    answer = (response) => void response.writeHead(204).end()
  })
  const send = (rules: PostRules, host = '127.0.0.1', headers = {}) =>
    post(`http://${host}:${port}/in?a=b`, headers, '{"x":"ü"}', rules)
  const refusedAs = (code: string) => (error: { code?: string }) => error.code === code

  test('brings the body and the headers, and tells the status', async () => {
    deepEqual(await send(open, '127.0.0.1', { 'webhook-id': 'e-1' }), {
      ...{ status: 204, retryAfterMs: null },
    })
    equal(heard[0]?.body, '{"x":"ü"}')
    equal(heard[0]?.headers['webhook-id'], 'e-1')
    equal(heard[0]?.headers.host, `127.0.0.1:${port}`)
  })

  test('does not reach this machine, by number or by name', async () => {
    for (const host of ['127.0.0.1', '127.1', '0x7f000001', '2130706433', 'localhost', '[::1]'])
      await rejects(send(closed, host), refusedAs('PRIVATE_ADDRESS'), host)
    await rejects(send({ ...open, allowedHosts: ['a.example'] }), refusedAs('PRIVATE_ADDRESS'))
    equal(heard.length, 0)
  })

  test('does not follow a name into our own network, nor one that has only a part there', async () => {
    for (const addresses of [['127.0.0.1'], ['::1'], ['::ffff:127.0.0.1'], ['8.8.8.8', '10.0.0.1']])
      await rejects(
        send({ ...closed, resolve: resolving(addresses) }, 'shop.example'),
        refusedAs('PRIVATE_ADDRESS'),
      )
    equal(heard.length, 0)
  })

  test('asks for a name once for a connection, and connects to what it was told', async () => {
    // The second answer would lead elsewhere.
    const resolve = resolving(['127.0.0.1'], ['192.0.2.1'])
    equal((await send({ ...open, resolve }, 'shop.example')).status, 204)
    equal(asked, 1)
    equal(heard[0]?.headers.host, `shop.example:${port}`)
    // A name that was public a moment ago is judged anew: no connection is kept.
    const rebinding = resolving(['8.8.8.8'], ['127.0.0.1'])
    asked = 1
    await rejects(
      send({ ...closed, resolve: rebinding }, 'shop.example'),
      refusedAs('PRIVATE_ADDRESS'),
    )
    equal(heard.length, 1)
  })

  test('follows no redirect', async () => {
    answer = (response) => void response.writeHead(302, { location: '/elsewhere' }).end()
    equal((await send(open)).status, 302)
    equal(heard.length, 1)
  })

  test('tells how long to wait, in seconds or until a date', async () => {
    const said = async (value: string) => {
      answer = (response) => void response.writeHead(503, { 'retry-after': value }).end()
      return (await send(open)).retryAfterMs
    }
    equal(await said('7'), 7_000)
    const until = await said(new Date(Date.now() + 60_000).toUTCString())
    ok(until !== null && until > 50_000 && until <= 60_000)
    equal(await said(new Date(0).toUTCString()), 0)
    equal(await said('soon'), null)
  })

  test('reads little of an answer, however much there is', async () => {
    let written = 0
    answer = (response) => {
      response.writeHead(200)
      const flood = () => {
        for (let i = 0; i < 100 && !response.destroyed; i++) {
          written += 65_536
          if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', flood)
        }
      }
      flood()
    }
    equal((await send(open)).status, 200)
    ok(written < 50_000_000, `${written} bytes were written`)
  })

  test('does not wait for who says nothing, or drips', async () => {
    answer = () => {}
    await rejects(send({ ...open, timeoutMs: 80 }), refusedAs('TIMEOUT'))
    answer = (response) => {
      response.writeHead(200)
      const drip = setInterval(() => response.write('x'), 5)
      response.on('close', () => clearInterval(drip))
    }
    // So long that the status has come by then, however busy the machine is.
    equal((await send({ ...open, timeoutMs: 5_000 })).status, 200)
  })

  test('fails by a code where nobody listens, or nobody speaks HTTP', async () => {
    const rude = createTcpServer((socket) => socket.resume().end('no\r\n')).listen(0, '127.0.0.1')
    await once(rude, 'listening')
    const { port: rudePort } = rude.address() as AddressInfo
    await rejects(post(`http://127.0.0.1:${rudePort}/`, {}, '', open), /Parse Error/)
    await rejects(post(`https://127.0.0.1:${port}/`, {}, '', open))
    rude.close()
    // No system gives this port to anybody who asks for any.
    await rejects(post('http://127.0.0.1:1/', {}, '', open), refusedAs('ECONNREFUSED'))
  })

  test('ends where another protocol is offered instead of an answer', async () => {
    const offer = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'
    const keen = createTcpServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.write(offer))
    }).listen(0, '127.0.0.1')
    await once(keen, 'listening')
    const { port: keenPort } = keen.address() as AddressInfo
    deepEqual(await post(`http://127.0.0.1:${keenPort}/`, {}, '', open), {
      ...{ status: 101, retryAfterMs: null },
    })
    keen.close()
  })
})

describe('a signature', () => {
  test('is that of the specification', () => {
    // Its own example.
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    const signed = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1614265330,
      body: '{"test": 2432232314}',
    }
    deepEqual(signatureHeaders([secret], signed), {
      'webhook-id': signed.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  test('is made with a secret of 32 bytes that tells nothing of the key', () => {
    const key = randomBytes(32)
    const secret = secretOf(key)
    match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
    equal(secretOf(key), secret)
    ok(secretOf(randomBytes(32)) !== secret)
    ok(!secret.includes(key.toString('base64').slice(0, 20)))
    ok(createHmac('sha256', secret).digest().length === 32)
  })
})
