// The way that tests cut: what comes through it, and what does not.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TcpProxy, tcpProxy } from './tcp-proxy.ts'

const echo = createServer((socket) => {
  socket.on('error', () => {})
  socket.pipe(socket)
})
let proxy: TcpProxy
before(async () => {
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  proxy = await tcpProxy(
    `redis://user:word@127.0.0.1:${(echo.address() as { port: number }).port}/3`,
  )
})
after(async () => {
  await proxy.close()
  echo.close()
})

async function client(): Promise<{ socket: Socket; heard: () => string }> {
  const { hostname, port } = new URL(proxy.url)
  const socket = connect(Number(port), hostname)
  let heard = ''
  socket.on('data', (chunk) => {
    heard += chunk
  })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return { socket, heard: () => heard }
}
const ended = (socket: Socket) => new Promise((resolve) => void socket.once('close', resolve))
async function until(is: () => boolean) {
  for (const end = performance.now() + 30_000; !is(); await sleep(2)) ok(performance.now() < end)
}

test('all comes through while it is open, under the same user, password and path', async () => {
  equal(new URL(proxy.url).pathname, '/3')
  equal(new URL(proxy.url).password, 'word')
  const { socket, heard } = await client()
  socket.write('hello')
  await until(() => heard() === 'hello')
  socket.destroy()
})

test('cut: who is there is thrown out, who comes too, until it is open again', async () => {
  const { socket } = await client()
  const closed = ended(socket)
  proxy.cut()
  await closed
  const late = await client().catch(() => null)
  if (late !== null && !late.socket.destroyed) await ended(late.socket)
  proxy.open()
  const { socket: again, heard } = await client()
  again.write('again')
  await until(() => heard() === 'again')
  again.destroy()
})

test('clogged: nothing comes, nothing ends; open again, it comes', async () => {
  const { socket, heard } = await client()
  proxy.clog()
  socket.write('held')
  const late = await client()
  late.socket.write('also')
  await sleep(50)
  deepEqual([heard(), late.heard(), socket.destroyed], ['', '', false])
  proxy.open()
  await until(() => heard() === 'held' && late.heard() === 'also')
  socket.destroy()
  late.socket.destroy()
})

test('slow: it takes its time', async () => {
  const { socket, heard } = await client()
  proxy.delay(30)
  const started = performance.now()
  socket.write('slow')
  await until(() => heard() === 'slow')
  ok(performance.now() - started >= 55)
  proxy.open()
  socket.destroy()
})
