// Several processes of the real program on one store, and clients that do not give up when one
// of them is killed: they ask again, elsewhere, with the same key.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './kept-server.ts'
import type { Random } from './random.ts'

export type Fleet = {
  /**
   * Starts a process with these roles under this name; resolves when it is ready. `own`: for this
   * start alone.
   */
  start(name: string, roles: string, own?: Own): Promise<void>
  /** No warning, no goodbye. */
  kill(name: string): Promise<void>
  /** Told to stop, waited for. Its exit code. */
  stop(name: string): Promise<number | null>
  /** Frozen in the middle of whatever it does, until it is resumed (or killed). */
  pause(name: string): void
  resume(name: string): void
  /** Another command of the program, on the same store, until it ends. */
  run(...argv: readonly string[]): Promise<Ran>
  /** Those that were ready and ended by themselves, each once. */
  ended(): readonly Ended[]
  /** Origins of the doors that processes with this role have; also of those that are down. */
  doors(role: 'command' | 'query' | 'admin'): readonly string[]
  /** What all of them had to say on standard error. */
  complaints(): string
  end(): Promise<void>
}
export type Ran = { readonly code: number; readonly said: string }
export type Ended = { readonly name: string; readonly code: number | null }
/** `imports`: modules (as URLs) that are loaded first, in all its threads. */
export type Own = { readonly imports?: readonly string[]; readonly env?: Env }
type Env = Readonly<Record<string, string>>
export type FleetPlace = {
  /** Where they run, and where a file they are not told of would lie. */
  readonly folder: string
  /** The store: in the environment, where a password is not seen by everybody. */
  readonly env: Env
  /** Settings for all, as `key=value`. */
  readonly sets?: readonly string[]
}
/** The environment for a database server. */
export const atServer = (url: string) => ({
  DATABASE_DRIVER: 'postgres',
  DATABASE_POSTGRES_URL: url,
})

type Member = {
  readonly roles: string
  readonly ports: Readonly<Record<string, number>>
  child: ChildProcess | null
}

const READY_WITHIN_MS = 180_000
const SAID_MAX = 64 * 1024 * 1024
const DOORS = {
  command: 'server.port',
  query: 'server.query_port',
  admin: 'server.admin_port',
} as const

/** `main`: the program's file. */
export function openFleet(main: string, { folder, env, sets = [] }: FleetPlace): Fleet {
  const members = new Map<string, Member>()
  const left: Ended[] = []
  let complaints = ''

  const launch = async (name: string, member: Member, own: Own) => {
    const ports = Object.entries(member.ports).map(([key, port]) => `${key}=:${port}`)
    const flags = [...ports, ...sets].flatMap((set) => ['--set', set])
    const argv = [main, 'start', '--role', member.roles, ...flags]
    const child = spawn(process.execPath, argv, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env, ...own.env, ...importing(own) },
    })
    member.child = child
    let isReady = false
    child.on('exit', (code) => {
      // Who is ended by us is taken off first; who never was ready is told of by the start itself,
      // or two would start it again.
      if (isReady && member.child === child) left.push({ name, code })
    })
    child.stderr.on('data', (text) => {
      complaints = `${complaints}${name}: ${text}`.slice(-20_000)
    })
    let said = ''
    child.stdout.on('data', (text) => {
      said += text
    })
    const until = Date.now() + READY_WITHIN_MS
    const isGone = () => child.exitCode !== null || child.signalCode !== null
    while (!said.includes('ready') || isGone()) {
      if (isGone() || Date.now() > until)
        throw new Error(`${name} did not start: ${said}${complaints}`)
      await sleep(20)
    }
    isReady = true
  }
  const ended = async (name: string, signal: NodeJS.Signals): Promise<number | null> => {
    const member = members.get(name)
    const child = member?.child
    if (member === undefined || child == null) return null
    member.child = null
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    if (signal === 'SIGTERM') child.kill('SIGCONT')
    const exit = once(child, 'exit')
    child.kill(signal)
    const [code] = await exit
    return code
  }
  return {
    async start(name, roles, own = {}) {
      let member = members.get(name)
      if (member === undefined) {
        const ports: Record<string, number> = {}
        for (const [role, key] of Object.entries(DOORS))
          if (roles === 'all' || roles.split(',').includes(role)) ports[key] = await freePort()
        member = { roles, ports, child: null }
        members.set(name, member)
      }
      await launch(name, member, own)
    },
    kill: async (name) => void (await ended(name, 'SIGKILL')),
    stop: (name) => ended(name, 'SIGTERM'),
    pause: (name) => void members.get(name)?.child?.kill('SIGSTOP'),
    resume: (name) => void members.get(name)?.child?.kill('SIGCONT'),
    run: (...argv) =>
      new Promise((resolve) => {
        const options = { cwd: folder, env: { ...process.env, ...env }, maxBuffer: SAID_MAX }
        execFile(process.execPath, [main, ...argv], options, (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
          resolve({ code, said: `${stdout}${stderr}` })
        })
      }),
    ended: () => left.splice(0),
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

/** Threads take no flags from their process, but this. */
const importing = ({ imports = [] }: Own): Env => ({
  NODE_OPTIONS: [process.env.NODE_OPTIONS ?? '', ...imports.map((url) => `--import=${url}`)].join(
    ' ',
  ),
})

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

const PATIENCE_MS = 120_000
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
