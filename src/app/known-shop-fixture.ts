// A shop behind its doors for questions about its past: everything that a shop does is done in it
// once, then much of it again as chance has it. Over HTTP alone; the clock is moved from outside.
import { deepEqual, ok } from 'node:assert/strict'
import { Agent } from 'node:http'
import { httpDoors } from '#edges/http/doors.ts'
import type { Operations } from '#runtime/operations.ts'
import type { QueryGateway } from '#runtime/query-gateway.ts'
import type { EngineName } from '#storage/engines.ts'
import { ask } from '#testing/fuzz-client.ts'
import type { Random } from '#testing/random.ts'
import { contextsOf } from './contexts.ts'
import { type ModelShop, openShop } from './model-shop.ts'
import { noProviders } from './no-providers.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
export type Json = any
type Replied = {
  readonly status: number
  readonly json: Json
  readonly headers: Readonly<Record<string, string | undefined>>
}
export type Client = {
  /** `path` begins with `/api`. The admin door answers what lies below /api/v1/admin. */
  call(method: string, path: string, body?: object): Promise<Replied>
  close(): void
}
type Port = (path: string) => number

export function clientOf(port: Port): Client {
  const agent = new Agent({ keepAlive: true })
  return {
    async call(method, path, body) {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const headers = text === undefined ? {} : { 'content-type': 'application/json' }
      const sample = { kind: 'valid', about: '', method, path, headers } as const
      const sent = { ...sample, ...(text === undefined ? {} : { body: text }) }
      const answer = await ask(port(path), sent, agent)
      ok(answer !== null, `${method} ${path}: no answer`)
      ok(answer.status < 500, `${method} ${path}: ${answer.text}`)
      return { ...answer, json: answer.text === '' ? null : JSON.parse(answer.text) }
    },
    close: () => agent.destroy(),
  }
}

/** Rules of the shop, so that both ways to pay and both moments to take the money are met. */
export const rulesOf = (random: Random) => ({
  'payments.default_method': random.pick(['', 'credit_card']),
  'payments.capture_on': random.pick(['confirm', 'ship']),
  'pos.refund_without_original': 'allow',
  'money.taxes': ['standard:VAT:20', 'reduced:VAT:5'],
  'orders.client_price': 'accept',
  'retry.base_ms': 1,
})

export type KnownShop = Awaited<ReturnType<typeof openKnownShop>>

export async function openKnownShop(engine: EngineName, settings: Record<string, unknown>) {
  const shop = await openShop(engine, settings)
  const doors = await doorsOver(shop, shop.parts.ask)
  return {
    ...shop,
    ...doors,
    settle: () => shop.settle(async () => {}),
    async [Symbol.asyncDispose]() {
      await doors.close()
      await shop[Symbol.asyncDispose]()
      deepEqual(shop.trouble, [])
    },
  }
}

async function doorsOver(shop: ModelShop, ask: QueryGateway['ask']) {
  const contexts = contextsOf(noProviders)
  const doors = httpDoors({
    commands: contexts.flatMap(({ commands }) => commands),
    queries: contexts.flatMap(({ queries }) => queries),
    send: shop.send,
    ask,
    // Nobody here asks what only a whole process can answer.
    operations: {} as Operations,
    version: '1.2.3',
    log: (line) => shop.trouble.push(line),
  })
  const { port } = await doors.public.listen('127.0.0.1', 0)
  const admin = (await doors.admin.listen('127.0.0.1', 0)).port
  const client = clientOf((path) => (path.startsWith('/api/v1/admin/') ? admin : port))
  return {
    client,
    async documents(): Promise<readonly object[]> {
      const own = clientOf(() => admin)
      const open = await client.call('GET', '/openapi.json')
      const closed = await own.call('GET', '/openapi.json')
      own.close()
      return [open.json, closed.json]
    },
    async close() {
      client.close()
      await Promise.all(Object.values(doors).map((door) => door.close()))
    },
  }
}

// ── what was sent, and what is known by it ────────────────────────────────────────────────────

/** A command that was taken. */
type Taken = { readonly command_id: string; readonly who: string | null }

export type Trader = {
  /** Sends it below `/api/v1/`; null where it was refused. */
  send(method: string, path: string, body?: object): Promise<Json | null>
  /** As `send`; a refusal is a failure. */
  must(method: string, path: string, body?: object): Promise<Json>
  /** Every command that was taken. */
  readonly taken: Taken[]
  /** By its deed: method and path with `:` for what differs. */
  readonly deeds: ReadonlySet<string>
}
const UUIDS = /[0-9a-f]{8}-[0-9a-f-]{27}/g
const CLERKS = ['clerk-ann', 'clerk-bob'] as const
/** Whose own field `user_id` names whom it is about, not who does it. */
const ABOUT_USERS = /^(orders$|users)/

export function traderOf(client: Client, random: Random): Trader {
  const taken: Taken[] = []
  const deeds = new Set<string>()
  const tried = async (method: string, path: string, body: object) => {
    const command_id = `cmd-${taken.length}-${random.int(1, 2 ** 31)}`
    const user_id = ABOUT_USERS.test(path) ? undefined : random.pick(CLERKS)
    const sent = { command_id, ...(user_id && { user_id }), ...body }
    const { status, json } = await client.call(method, `/api/v1/${path}`, sent)
    if (status >= 300) return { status, json }
    taken.push({ command_id, who: user_id ?? null })
    deeds.add(`${method} ${path.replaceAll(UUIDS, ':')}`)
    return { status, json }
  }
  const failure = (path: string, body: object, json: Json) =>
    `${path} ${JSON.stringify(body)}: ${JSON.stringify(json)}`
  return {
    taken,
    deeds,
    async send(method, path, body = {}) {
      const { status, json } = await tried(method, path, body)
      // What is refused is a part of trade.
      return status < 300 ? json : null
    },
    async must(method, path, body = {}) {
      const { status, json } = await tried(method, path, body)
      ok(status < 300, failure(path, body, json))
      return json
    },
  }
}
