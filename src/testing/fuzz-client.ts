// A client for made-up requests, and what it learns on the way: ids of earlier answers, to be used
// in later ones.
import { type Agent, request } from 'node:http'
import type { Sample } from './hostile-requests.ts'
import type { Answered } from './openapi-answers.ts'
import type { Random } from './random.ts'

/** Sends exactly this; null: the server closed the connection without a word. */
export function ask(port: number, sample: Sample, agent?: Agent): Promise<Answered | null> {
  const { method, path, body } = sample
  // For some methods a client leaves the length out, and the body would pass for another request.
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  const headers = { ...length, ...sample.headers }
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, method, path, headers, agent: agent ?? false },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            // Only set-cookie, which nobody here sends, has several values.
            headers: answer.headers as Answered['headers'],
            text: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    sent.setTimeout(20_000, () => sent.destroy(new Error('no answer within 20 s')))
    sent.on('error', (error: NodeJS.ErrnoException) =>
      ['ECONNRESET', 'EPIPE'].includes(error.code ?? '') ? resolve(null) : reject(error),
    )
    sent.end(body)
  })
}

/** An agent's path can only hold these; the rest is for tests on bare sockets. */
export const canBeSent = ({ path, headers }: Sample): boolean =>
  /^[\x21-\xff]+$/.test(path) &&
  Object.values(headers).every((value) => /^[\t\x20-\x7e\x80-\xff]*$/.test(value))

const SEEN_MAX = 40
/** The same thing under other names. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  order_id: ['saga_id', 'payment_id'],
  code: ['product_code'],
  projection: ['name', 'target'],
  next_cursor: ['cursor'],
  aggregate_id: ['aggregate_id'],
}

export type Memory = {
  readonly learn: (path: string, answer: Answered) => void
  /** What is there already counts as the newest again. */
  readonly add: (name: string, value: string) => void
  /** A value that was seen under this name, often one of the newest. */
  readonly known: (name: string) => string | undefined
  /** One that the thing with this id has under this name: a line of this order. */
  readonly knownOf: (id: string, name: string) => string | undefined
}
/** What belongs together is told of by these. */
const PARTS = /(_id|^line|^code)$/
const NEWEST = 3

export function memoryOf(random: Random): Memory {
  const seen = new Map<string, string[]>()
  const things = new Map<string, Map<string, Set<string>>>()
  const add = (name: string, value: string) => {
    for (const key of [name, ...(ALSO[name] ?? [])]) {
      const values = seen.get(key) ?? []
      seen.set(key, values)
      if (values.includes(value)) continue
      // The first few stay: goods that are in stock.
      if (values.length >= SEEN_MAX) values.splice(random.int(4, SEEN_MAX - 1), 1)
      values.push(value)
    }
  }
  const harvest = (value: unknown, depth = 0): void => {
    if (typeof value !== 'object' || value === null || depth > 4) return
    for (const [name, member] of Object.entries(value)) {
      const isName = /(_id|^code|^order_number|^next_cursor|^projection|^subject)$/.test(name)
      if (typeof member === 'string' && isName) add(name, member)
      else harvest(member, depth + 1)
    }
    // Its own id comes first, then that of what it belongs to.
    const ids = Object.entries(value).filter(([name, id]) => isId(name) && typeof id === 'string')
    for (const [, id] of ids.slice(0, 2)) keepParts(value, partsOf(id))
  }
  const partsOf = (id: string) => {
    const parts = things.get(id) ?? new Map<string, Set<string>>()
    things.set(id, parts)
    return parts
  }
  return {
    add: (name, value) => {
      add(name, value)
      const values = seen.get(name)!
      values.push(...values.splice(values.indexOf(value), 1))
    },
    known: (name) => {
      const values = seen.get(name)
      if (values === undefined) return undefined
      return random.pick(random.chance(0.5) ? values.slice(-NEWEST) : values)
    },
    knownOf: (id, name) => {
      const values = things.get(id)?.get(name)
      return values === undefined ? undefined : random.pick([...values])
    },
    learn: (path, { status, headers, text }) => {
      const isJson = headers['content-type'] === 'application/json' && text !== ''
      if (status >= 300 || !isJson) return
      const answer = JSON.parse(text) as { id?: unknown }
      harvest(answer)
      const kind = /^\/api\/v1\/([a-z]+)s(?:[/?]|$)/.exec(path)?.[1]
      if (kind !== undefined && typeof answer.id === 'string') add(`${kind}_id`, answer.id)
    },
  }
}

const isId = (name: string) => name.endsWith('_id')

function keepParts(value: unknown, parts: Map<string, Set<string>>, depth = 0): void {
  if (typeof value !== 'object' || value === null || depth > 3) return
  for (const [name, member] of Object.entries(value))
    if (Array.isArray(member) && name.endsWith('_ids'))
      for (const id of member) keepParts({ [name.slice(0, -1)]: id }, parts, depth)
    else if (typeof member === 'object') keepParts(member, parts, depth + 1)
    else if (member !== null && PARTS.test(name))
      parts.set(name, (parts.get(name) ?? new Set()).add(String(member)))
}
