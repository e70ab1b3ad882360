// Clients that take the shop's time: a request of which a byte comes now and then, and is never
// whole. The server has to part with them, by its own limits.
import { connect } from 'node:net'
import type { Dawdled } from './account.ts'

const BYTE_EACH_MS = 200
const HEAD = 'POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n'

/** Opens so many; each is noted when it is parted with, or when `close` is called before that. */
export function startDawdlers(
  count: number,
  door: string,
  since: () => number,
  note: (dawdled: Dawdled) => void,
): { close(): void } {
  const { hostname, port } = new URL(door)
  const ends = Array.from({ length: count }, (_, at) => {
    const opened = since()
    const socket = connect(Number(port), hostname)
    // Some never end their headers, some never their body.
    const [begin, byte] = at % 2 === 0 ? [HEAD, 'x'] : [`${HEAD}Content-Length: 1000\r\n\r\n{`, ' ']
    socket.write(begin)
    const drip = setInterval(() => void (socket.writable && socket.write(byte)), BYTE_EACH_MS)
    socket.on('error', () => {})
    socket.resume()
    let isNoted = false
    const end = (closed: number | null) => {
      clearInterval(drip)
      if (!isNoted) note({ opened, closed })
      isNoted = true
    }
    socket.on('close', () => end(since()))
    return () => {
      end(null)
      socket.destroy()
    }
  })
  return {
    close() {
      for (const end of ends) end()
    },
  }
}
