// Connections on which a request is still arriving when a server closes. Nothing of them was
// accepted, and Node no longer watches their time-outs then: one silent client would keep the
// process waiting.
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'

/** Who is in the middle of a request that arrives as it should is let finish. */
const GRACE_MS = 1_000

/** Call what it returns when the server begins to close; and what that returns when it has. */
export function stragglersOf(server: Server): () => () => void {
  const latest = new Map<Socket, IncomingMessage | null>()
  server.on('connection', (socket: Socket) => {
    latest.set(socket, null)
    socket.once('close', () => latest.delete(socket))
  })
  server.on('request', (request: IncomingMessage) => {
    if (latest.has(request.socket)) latest.set(request.socket, request)
  })
  const cut = () => {
    for (const [socket, request] of latest) if (request?.complete !== true) socket.destroy()
  }
  return () => {
    const timer = setTimeout(cut, GRACE_MS)
    return () => clearTimeout(timer)
  }
}
