// What is still going on on each connection: requests that arrive while a server closes, and
// answers under way when what follows them turns out to be no HTTP.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Who is in the middle of a request that arrives as it should is let finish. */
const GRACE_MS = 1_000

type Connected = {
  /** The answer to the latest request; null: there was none. */
  readonly latest: ServerResponse | null
  /** Requests whose answers have not been sent. */
  readonly unanswered: number
}
export type Stragglers = {
  on(socket: Socket): Connected
  /**
   * Call it when the server begins to close, and what it returns when it has. Nothing of a request
   * that still arrives was accepted, and Node no longer watches their time-outs then: one silent
   * client would keep the process waiting.
   */
  leave(): () => void
}

/** `silentMs`: how long a new connection may say nothing; Node's limits begin at its first byte. */
export function stragglersOf(server: Server, silentMs: number): Stragglers {
  const connected = new Map<Socket, { latest: ServerResponse | null; unanswered: number }>()
  server.on('connection', (socket: Socket) => {
    connected.set(socket, { latest: null, unanswered: 0 })
    // Nobody listens for it, so Node cuts the connection.
    socket.setTimeout(silentMs)
    socket.once('close', () => connected.delete(socket))
  })
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const here = connected.get(socket)
    if (here === undefined) return
    // From here on Node sets how long the next request may be waited for.
    if (here.latest === null) socket.setTimeout(0)
    here.latest = response
    here.unanswered++
    response.once('finish', () => here.unanswered--)
  })
  const cut = () => {
    for (const [socket, { latest }] of connected)
      if (latest?.req.complete !== true) socket.destroy()
  }
  return {
    on: (socket) => connected.get(socket) ?? NOTHING,
    leave() {
      const timer = setTimeout(cut, GRACE_MS)
      return () => clearTimeout(timer)
    },
  }
}
const NOTHING: Connected = { latest: null, unanswered: 0 }
