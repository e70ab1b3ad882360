// A client that costs little, since it shares the machine with what it measures: one socket, one
// request at a time, answers read just far enough to know that they are whole.
import { connect, type Socket } from 'node:net'

export type HttpAnswer = { readonly status: number; readonly text: string }
export type HttpCaller = {
  call(method: 'GET' | 'POST', path: string, body?: string): Promise<HttpAnswer>
  close(): void
}

/** The server gives up before that; a client that hears nothing at all has found a fault. */
const SILENCE_MS = 60_000

type Pending = { resolve(answer: HttpAnswer): void; reject(error: Error): void }

export function httpCaller(origin: string): HttpCaller {
  const { hostname, port, host } = new URL(origin)
  let socket: Socket | null = null
  let pending: Pending | null = null
  let received: Buffer = Buffer.alloc(0)

  const failed = (error: Error) => {
    socket = null
    pending?.reject(error)
    pending = null
  }
  const opened = (): Socket => {
    received = Buffer.alloc(0)
    const fresh = connect(Number(port), hostname).setNoDelay()
    fresh.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const whole = answerIn(received)
      if (whole === null) return
      received = Buffer.alloc(0)
      // The server has had enough of this connection; the next request opens another.
      if (whole.closes && socket === fresh) socket = null
      const { resolve } = pending!
      pending = null
      resolve(whole.answer)
    })
    fresh.setTimeout(SILENCE_MS, () => fresh.destroy(new Error(`no word for ${SILENCE_MS} ms`)))
    fresh.on('error', (error) => {
      if (socket === fresh) failed(error)
    })
    fresh.on('close', () => {
      if (socket === fresh) failed(new Error('the server closed the connection'))
    })
    return fresh
  }
  return {
    call(method, path, body = '') {
      socket ??= opened()
      const head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n`
      const entity =
        method === 'GET'
          ? '\r\n'
          : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
      return new Promise((resolve, reject) => {
        pending = { resolve, reject }
        socket!.write(head + entity)
      })
    },
    close() {
      const open = socket
      socket = null
      open?.destroy()
    },
  }
}

const END_OF_HEAD = Buffer.from('\r\n\r\n')

function answerIn(received: Buffer): { answer: HttpAnswer; closes: boolean } | null {
  const at = received.indexOf(END_OF_HEAD)
  if (at < 0) return null
  const head = received.toString('latin1', 0, at).toLowerCase()
  const length = Number(/\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0)
  const from = at + END_OF_HEAD.length
  if (received.length < from + length) return null
  return {
    answer: {
      status: Number(head.slice(9, 12)),
      text: received.toString('utf8', from, from + length),
    },
    closes: head.includes('\nconnection: close'),
  }
}
