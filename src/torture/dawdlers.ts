// Clients that take the shop's time: a request of which a byte comes now and then, and is never
// whole. The server has to part with them, by its own limits.
import { connect } from 'node:net'
import type { Dawdled } from './account.ts'

const BYTE_EACH_MS = 200
const HEAD = 'POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n'

/** Resolves when all were parted with, or after this long. */
export async function dawdle(count: number, door: string, withinMs: number) {
  const { hostname, port } = new URL(door)
  const began = performance.now()
  const since = () => Math.round(performance.now() - began)
  return await Promise.all(
    Array.from({ length: count }, (_, at) => {
      // Some never end their headers, some never their body.
      const [begin, byte] =
        at % 2 === 0 ? [HEAD, 'x'] : [`${HEAD}Content-Length: 1000\r\n\r\n{`, ' ']
      const socket = connect(Number(port), hostname)
      socket.write(begin)
      socket.resume()
      const drip = setInterval(() => void (socket.writable && socket.write(byte)), BYTE_EACH_MS)
      return new Promise<Dawdled>((resolve) => {
        const late = setTimeout(() => socket.destroy(), withinMs)
        socket.on('error', () => {})
        socket.on('close', () => {
          clearInterval(drip)
          clearTimeout(late)
          const took = since()
          resolve({ closed: took < withinMs ? took : null })
        })
      })
    }),
  )
}
