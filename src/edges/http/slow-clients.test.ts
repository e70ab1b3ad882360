// Clients that are slow, silent or deaf: the server goes on answering the others, and cuts these
// off by its own limits.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { type Bank, call, openBank } from './door-fixture.ts'

const READ_MS = 1_500
const WRITE_MS = 1_500
/** Time-outs are looked for every second; a machine that is busy takes its time. */
const PATIENCE_MS = 60_000
const IDLE_SOCKETS = 1_900
const ACCOUNTS = 300
const DEAF_REQUESTS = 250

/** One that is strict with those who write, one with those who do not read. */
let bank: Bank
let sender: Bank
const sockets = new Set<Socket>()
before(async () => {
  const open = async (settings: Readonly<Record<string, number>>) =>
    await openBank(await openEventLog(), await openKeyRing(), { settings })
  bank = await open({ 'server.read_timeout': READ_MS, 'server.idle_timeout': 1_000 })
  // Making long answers takes a busy machine longer than a request may take there.
  sender = await open({ 'server.write_timeout': WRITE_MS, 'server.idle_timeout': 1_000 })
})
after(async () => {
  for (const socket of sockets) socket.destroy()
  await bank.close()
  await sender.close()
})

async function opened(to = bank): Promise<Socket> {
  const socket = connect(to.ports.public, '127.0.0.1')
  socket.on('error', () => {})
  sockets.add(socket)
  await once(socket, 'connect')
  return socket
}
const openConnections = (to: Bank) =>
  new Promise<number>((resolve, reject) =>
    to.doors.public.server.getConnections((error, found) =>
      error === null ? resolve(found) : reject(error),
    ),
  )
const allClosed = async (to = bank) => {
  const until = Date.now() + PATIENCE_MS
  while ((await openConnections(to)) > 0 && Date.now() < until) await sleep(50)
  equal(await openConnections(to), 0, 'a connection is held still')
}
const served = async (to = bank) =>
  equal((await call(to.ports.public, 'GET', '/health')).status, 200)

/** Writes a piece at a time until the server has closed, or there is no more; what it said. */
async function dripped(pieces: readonly string[], eachMs: number) {
  const socket = await opened()
  let said = ''
  let isClosed = false
  socket.on('data', (chunk) => (said += chunk))
  const closed = once(socket, 'close').then(() => (isClosed = true))
  for (const piece of pieces) {
    if (isClosed) break
    socket.write(piece)
    await Promise.race([sleep(eachMs), closed])
    await served()
  }
  await Promise.race([closed, sleep(PATIENCE_MS, null, { ref: false })])
  return { said, isClosed }
}

describe('slow clients', () => {
  test('a body or headers that drip are cut off with 408, the others do not notice', async () => {
    const body = [...'{"owner":"ada","currency":"USD"}']
    const head =
      'POST /api/v1/accounts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
      `Content-Length: ${body.length}\r\n\r\n`
    const lines = Array.from({ length: 60 }, (_, i) => `X-${i}: a\r\n`)
    const cut = await Promise.all([
      dripped([head, ...body], 200),
      dripped(['GET /health HTTP/1.1\r\nHost: localhost\r\n', ...lines], 100),
    ])
    // A body that was waited for to its end would have been answered.
    for (const { said, isClosed } of cut) {
      match(said, /^HTTP\/1.1 408 /)
      ok(isClosed)
    }
  })

  test(`${IDLE_SOCKETS} sockets that say nothing keep nobody away, and are closed`, async () => {
    let accepted = 0
    const onConnection = () => accepted++
    const { server } = bank.doors.public
    server.on('connection', onConnection)
    // In portions: the system queues only so many that the server has not taken yet.
    for (let wanted = 100; wanted <= IDLE_SOCKETS; wanted += 100) {
      await Promise.all(Array.from({ length: 100 }, () => opened()))
      while (accepted < wanted) await sleep(1)
    }
    server.off('connection', onConnection)
    for (let i = 0; i < 20; i++) await served()
    await allClosed()
    await served()
  })

  test('a client that asks and never reads is cut off, and all that waits for it is let go', async (t) => {
    const owner = 'x'.repeat(20)
    for (let i = 0; i < ACCOUNTS; i++)
      await call(sender.ports.public, 'POST', '/api/v1/accounts', {
        body: { owner, currency: 'USD' },
      })
    const before = process.memoryUsage().rss
    const deaf = await opened(sender)
    deaf.pause()
    const ask = 'GET /api/v1/accounts?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const asked = performance.now()
    deaf.write(ask.repeat(DEAF_REQUESTS))
    while (deaf.bytesWritten < ask.length * DEAF_REQUESTS) await sleep(10)
    await served(sender)
    t.diagnostic(`${((process.memoryUsage().rss - before) / 2 ** 20).toFixed(0)} MiB more`)
    await allClosed(sender)
    const tookMs = performance.now() - asked
    ok(tookMs > WRITE_MS / 2, `it was cut off at once: after ${tookMs} ms`)
    await served(sender)
  })

  test('a client that reads slowly gets all of it', async () => {
    const slow = await opened(sender)
    let came = 0
    slow.write('GET /api/v1/accounts?limit=1000 HTTP/1.1\r\nHost: localhost\r\n')
    slow.write('Connection: close\r\n\r\n')
    slow.on('data', (chunk) => {
      came += chunk.length
      slow.pause()
      setTimeout(() => slow.resume(), 20)
    })
    await once(slow, 'close')
    const { text } = await call(sender.ports.public, 'GET', '/api/v1/accounts?limit=1000')
    ok(came > text.length, `${came} of ${text.length}`)
  })

  test('none of it was a failure of ours', () => deepEqual([...bank.lines, ...sender.lines], []))
})
