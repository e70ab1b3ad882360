// Several processes of the real program on one PostgreSQL, and clients that do not give up when one
// of them is killed: they ask again, elsewhere, with the same key.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from './random.ts'

export type Fleet = {
  /** Starts a process with these roles under this name; resolves when it is ready. */
  start(name: string, roles: string): Promise<void>
  /** No warning, no goodbye. */
  kill(name: string): Promise<void>
  /** Told to stop, waited for. Its exit code. */
  stop(name: string): Promise<number | null>
  /** Origins of the doors that processes with this role have; also of those that are down. */
  doors(role: 'command' | 'query' | 'admin'): readonly string[]
  /** What all of them had to say on standard error. */
  complaints(): string
  end(): Promise<void>
}
type Member = {
  readonly roles: string
  readonly ports: Readonly<Record<string, number>>
  child: ChildProcess | null
}

const READY_WITHIN_MS = 60_000
const DOORS = {
  command: 'server.port',
  query: 'server.query_port',
  admin: 'server.admin_port',
} as const

/** `main`: the program's file. `sets`: settings for all, as `key=value`. */
export function openFleet(
  main: string,
  url: string,
  folder: string,
  sets: readonly string[] = [],
): Fleet {
  const members = new Map<string, Member>()
  let complaints = ''

  const launch = async (name: string, member: Member): Promise<void> => {
    const own = Object.entries(member.ports).map(([key, port]) => `${key}=:${port}`)
    const flags = [...own, ...sets].flatMap((set) => ['--set', set])
    const child = spawn(process.execPath, [main, 'start', '--role', member.roles, ...flags], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      // In the environment, where a password is not seen by everybody.
      env: { ...process.env, DATABASE_DRIVER: 'postgres', DATABASE_POSTGRES_URL: url },
    })
    member.child = child
    child.stderr.on('data', (text) => {
      complaints = `${complaints}${name}: ${text}`.slice(-20_000)
    })
    let said = ''
    child.stdout.on('data', (text) => {
      said += text
    })
    const until = Date.now() + READY_WITHIN_MS
    while (!said.includes('ready')) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > until)
        throw new Error(`${name} did not start: ${said}${complaints}`)
      await sleep(20)
    }
  }
  const ended = async (name: string, signal: NodeJS.Signals): Promise<number | null> => {
    const member = members.get(name)
    const child = member?.child
    if (member === undefined || child == null) return null
    member.child = null
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exit = once(child, 'exit')
    child.kill(signal)
    const [code] = await exit
    return code
  }
  return {
    async start(name, roles) {
      let member = members.get(name)
      if (member === undefined) {
        const ports: Record<string, number> = {}
        for (const [role, key] of Object.entries(DOORS))
          if (roles.split(',').includes(role)) ports[key] = await freePort()
        member = { roles, ports, child: null }
        members.set(name, member)
      }
      await launch(name, member)
    },
    kill: async (name) => void (await ended(name, 'SIGKILL')),
    stop: (name) => ended(name, 'SIGTERM'),
    doors: (role) =>
      [...members.values()].flatMap(({ ports }) => {
        const port = ports[DOORS[role]]
        return port === undefined ? [] : [`http://127.0.0.1:${port}`]
      }),
    complaints: () => complaints,
    end: async () => {
      await Promise.all([...members.keys()].map((name) => ended(name, 'SIGKILL')))
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

export type Answered = {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Headers
}
export type Client = {
  /** A command; asked again with the same key until there is an answer that is final. */
  post(path: string, body: object, key: string): Promise<Answered>
  /** A question; asked again while nobody answers it. 503 is an answer if `busyIsAnswer`. */
  get(path: string, options?: { busyIsAnswer?: boolean; admin?: boolean }): Promise<Answered>
  /** How often something had to be asked again. */
  repeats(): number
}

const PATIENCE_MS = 60_000
const PAUSE_MS = 100

export function fleetClient(fleet: Fleet, random: Random): Client {
  let repeats = 0

  const ask = async (
    role: 'command' | 'query' | 'admin',
    path: string,
    init: RequestInit,
    isFinal: (answer: Answered) => boolean,
  ): Promise<Answered> => {
    const until = Date.now() + PATIENCE_MS
    let last = ''
    while (Date.now() < until) {
      try {
        const origin = random.pick(fleet.doors(role))
        const answer = await fetch(`${origin}${path}`, {
          ...init,
          signal: AbortSignal.timeout(10_000),
        })
        const body = (await answer.json()) as Answered['body']
        const whole = { status: answer.status, body, headers: answer.headers }
        if (isFinal(whole)) return whole
        last = `${answer.status} ${JSON.stringify(body)}`
      } catch (error) {
        last = String(error)
      }
      repeats++
      await sleep(PAUSE_MS * random.next())
    }
    throw new Error(`no answer to ${path} within ${PATIENCE_MS} ms: ${last}; ${fleet.complaints()}`)
  }
  // The server says itself what may be asked again.
  const isAnswered = ({ status, body }: Answered) =>
    status < 400 || (body.retryable !== true && body.code !== 'concurrency_conflict')

  return {
    post: (path, body, key) =>
      ask(
        'command',
        path,
        {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': key },
          body: JSON.stringify(body),
        },
        isAnswered,
      ),
    get: (path, { busyIsAnswer = false, admin = false } = {}) =>
      ask(admin ? 'admin' : 'query', path, {}, (answer) => busyIsAnswer || isAnswered(answer)),
    repeats: () => repeats,
  }
}
