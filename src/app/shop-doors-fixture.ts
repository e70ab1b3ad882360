// The whole shop in memory behind its doors, for tests over HTTP: opened before those of a file or
// a describe, closed after them.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before } from 'node:test'
import { call } from '#edges/http/door-fixture.ts'
import { type Doors, httpDoors } from '#edges/http/doors.ts'
import { type App, compose } from './compose.ts'
import { readConfig } from './config.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
type Json = any
export type ShopDoors = {
  /** These three only once the tests have begun. */
  readonly app: App
  readonly port: number
  readonly adminPort: number
  /** The body of the answer, which has this status. `path` begins behind `/api/v1`. */
  send(method: string, path: string, body: unknown, status: number): Promise<Json>
  /** What was sent before is in it. */
  get(path: string, status?: number): Promise<Json>
  /** It is refused, and exactly these fields are named. */
  badly(method: string, path: string, body: unknown, ...fields: string[]): Promise<void>
}

/**
 * `sets`: settings beside that everything is in memory, `key=value`. `begin`: what has to be there
 * before the tests; a file's own `before` would not wait for this one.
 */
export function shopDoors(
  sets: readonly string[] = [],
  begin: () => Promise<void> = async () => {},
): ShopDoors {
  let app: App
  let doors: Doors
  let [port, adminPort, last] = [0, 0, 0]
  before(async () => {
    const memory = ['event_store.driver=memory', 'read_store.driver=memory']
    // What was sent before is waited for, however slow the machine is.
    const patient = ['consistency.wait_ms=60000']
    const argv = [...memory, ...patient, ...sets].flatMap((set) => ['--set', set])
    const read = readConfig({ env: {}, file: null, argv })
    ok(read.ok, JSON.stringify(read))
    app = await compose(read.config)
    const commands = app.contexts.flatMap((context) => context.commands)
    const queries = app.contexts.flatMap((context) => context.queries)
    doors = httpDoors({ ...app, commands, queries, version: '1.2.3', log: () => {} })
    port = (await doors.public.listen('127.0.0.1', 0)).port
    adminPort = (await doors.admin.listen('127.0.0.1', 0)).port
    await begin()
  })
  after(async () => {
    await Promise.all([doors.public.close(), doors.admin.close()])
    await app.close()
  })
  const send: ShopDoors['send'] = async (method, path, body, status) => {
    const reply = await call(port, method, `/api/v1${path}`, { body })
    equal(reply.status, status, `${method} ${path}: ${reply.text}`)
    last = Math.max(last, reply.json.position ?? 0)
    return reply.json
  }
  return {
    get app() {
      return app
    },
    get port() {
      return port
    },
    get adminPort() {
      return adminPort
    },
    send,
    async get(path, status = 200) {
      const at = `/api/v1${path}${path.includes('?') ? '&' : '?'}min_position=${last}`
      const reply = await call(port, 'GET', at)
      equal(reply.status, status, `GET ${path}: ${reply.text}`)
      return reply.json
    },
    async badly(method, path, body, ...fields) {
      const { errors, code } = await send(method, path, body, 400)
      equal(code, 'validation_failed')
      deepEqual(Object.keys(errors).sort(), fields.sort())
    },
  }
}
