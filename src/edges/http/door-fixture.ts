// The bank behind real doors on real sockets, and a client that sends exactly what it is told.
import { request } from 'node:http'
import { connect } from 'node:net'
import { streamOf } from '#kernel/message.ts'
import type { Operations } from '#runtime/operations.ts'
import { bank, type Keys, type Log } from './account-fixture.ts'
import { type DoorParts, type Doors, httpDoors } from './doors.ts'

export type Bank = {
  readonly doors: Doors
  readonly ports: Readonly<Record<keyof Doors, number>>
  readonly lines: readonly string[]
  close(): Promise<void>
}

export async function openBank(log: Log, keys: Keys, more: Partial<DoorParts> = {}): Promise<Bank> {
  const lines: string[] = []
  const doors = httpDoors({
    ...bank(log, keys),
    operations: operationsOf(log),
    version: '1.2.3',
    log: (line) => lines.push(line),
    ...more,
  })
  const listen = async (door: keyof Doors) => (await doors[door].listen('127.0.0.1', 0)).port
  const ports = {
    public: await listen('public'),
    query: await listen('query'),
    admin: await listen('admin'),
    health: await listen('health'),
  }
  return {
    doors,
    ports,
    lines,
    async close() {
      await Promise.all(Object.values(doors).map((door) => door.close()))
    },
  }
}

/** A bank has no projections, so there is little to operate. */
const operationsOf = (log: Log): Operations => ({
  events: ({ aggregateId, limit, after = 0 }) =>
    log.readStream(streamOf('account', aggregateId), after, limit),
  projections: async () => [],
  rebuild: async (name) => {
    throw new Error(`${name} is no projection of the bank`)
  },
  pause: async () => {},
  resume: async () => {},
  parked: async () => [],
  retryParked: async () => 0,
  verify: async () => ({ position: (await log.head()).position, checks: [], differences: 0 }),
  health: async () => ({ status: 'ok', warnings: [], components: await log.head() }),
})

export type Reply = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
  readonly json: any
}
export type Sent = {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** `body`: text and bytes go as they are, anything else as JSON. */
export function call(
  port: number,
  method: string,
  path: string,
  { body, headers = {} }: Sent = {},
): Promise<Reply> {
  const payload =
    body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
      ? body
      : JSON.stringify(body)
  const type = payload === undefined ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, method, path, agent: false, headers: { ...type, ...headers } },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({
            status: answer.statusCode ?? 0,
            // Only set-cookie, which nobody here sends, has several values.
            headers: answer.headers as Reply['headers'],
            text,
            json:
              /json/.test(answer.headers['content-type'] ?? '') && text ? JSON.parse(text) : null,
          })
        })
      },
    )
    sent.on('error', reject)
    sent.end(payload)
  })
}

/** Sends bytes as they are and gives back everything until the server closes. */
export function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}
