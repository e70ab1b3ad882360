// A way to a server that a test can cut, clog and slow down: connections go through it as they are.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export type TcpProxy = {
  /** The URL of the server, by this way. */
  readonly url: string
  /** Ends all connections and refuses new ones, until it is open again. */
  cut(): void
  /** From now on nothing comes through in either direction, and nothing ends: a black hole. */
  clog(): void
  /** How long everything takes on its way, in each direction. */
  delay(ms: number): void
  /** As at the beginning; what was held back while it was clogged comes through. */
  open(): void
  /** Connections that were taken so far. */
  taken(): number
  close(): Promise<void>
}

/** `to`: a URL with host and port, such as `postgres://…` or `redis://…`. */
export async function tcpProxy(to: string): Promise<TcpProxy> {
  const target = new URL(to)
  const pairs = new Set<readonly [Socket, Socket]>()
  let state: 'open' | 'cut' | 'clogged' = 'open'
  let delayMs = 0
  let taken = 0

  const flow = () => {
    for (const pair of pairs)
      for (const socket of pair) state === 'clogged' ? socket.pause() : socket.resume()
  }
  const server = createServer((near) => {
    if (state === 'cut') {
      near.on('error', () => {})
      near.destroy()
      return
    }
    taken++
    const far = connect(Number(target.port), target.hostname)
    const pair = [near, far] as const
    pairs.add(pair)
    join(near, far)
    join(far, near)
    flow()
  })
  const join = (from: Socket, into: Socket) => {
    from.on('data', (chunk) => {
      const pass = () => void (into.destroyed || into.write(chunk))
      if (delayMs === 0) pass()
      else setTimeout(pass, delayMs)
    })
    from.on('error', () => {})
    from.on('close', () => {
      if (!into.destroyed) into.destroy()
      for (const pair of pairs) if (pair.includes(from)) pairs.delete(pair)
    })
  }
  const cutAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
    pairs.clear()
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const url = new URL(to)
  url.host = `127.0.0.1:${port}`

  return {
    url: url.href,
    cut() {
      state = 'cut'
      cutAll()
    },
    clog() {
      state = 'clogged'
      flow()
    },
    delay: (ms) => {
      delayMs = ms
    },
    open() {
      state = 'open'
      delayMs = 0
      flow()
    },
    taken: () => taken,
    async close() {
      cutAll()
      server.close()
      await once(server, 'close')
    },
  }
}
