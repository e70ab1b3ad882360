// The real program as a child, with ports that the system chooses and data in a folder of the
// bench.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tools } from './question.ts'

const MAIN = join(import.meta.dirname, '..', 'src', 'app', 'main.ts')
const KIB_PER_MB = 1_024
const READY_WITHIN_MS = 60_000

export type DaybookProcess = {
  readonly origin: string
  /** From the spawn to the line that says that it is ready. */
  readonly startedInMs: number
  /** What it holds in memory now; NaN where the system does not tell. */
  residentMb(): number
  /** Told to stop, waited for. */
  stop(): Promise<void>
}

export const logFileIn = (folder: string) => join(folder, 'daybook.db')

/** The database of a PostgreSQL, and perhaps a Redis for answers, instead of a file. */
export type Servers = { readonly url: string; readonly redis?: string }

/** `servers`: instead of a file in the folder. */
export async function startDaybook(
  folder: string,
  atEnd: Tools['atEnd'],
  servers?: Servers,
): Promise<DaybookProcess> {
  const ports = ['server.port', 'server.query_port', 'server.admin_port']
  const sets = ports.flatMap((key) => ['--set', `${key}=:0`])
  const begun = performance.now()
  const child = spawn(
    process.execPath,
    [MAIN, 'start', ...(servers === undefined ? ['--data', logFileIn(folder)] : []), ...sets],
    // Its own folder, so that no settings file of this one is found.
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...places(servers) } },
  )
  atEnd(() => child.kill('SIGKILL'))
  let complaints = ''
  child.stderr.on('data', (chunk) => {
    complaints = `${complaints}${chunk}`.slice(-2_000)
  })
  const exited = once(child, 'exit')
  const origin = await readyLine(child.stdout, exited, () => complaints)
  return {
    origin,
    startedInMs: performance.now() - begun,
    residentMb: () => residentMb(child.pid!),
    async stop() {
      child.kill('SIGTERM')
      await exited
      if (complaints !== '') throw new Error(`the program complained: ${complaints}`)
    },
  }
}

/** In the environment, where a password is not seen by everybody. */
const places = (servers: Servers | undefined) =>
  servers === undefined
    ? {}
    : {
        ...{ DATABASE_DRIVER: 'postgres', DATABASE_POSTGRES_URL: servers.url },
        ...(servers.redis === undefined ? {} : { REDIS_URL: servers.redis }),
      }

async function readyLine(
  stdout: NodeJS.ReadableStream,
  exited: Promise<unknown>,
  complaints: () => string,
): Promise<string> {
  let said = ''
  return await new Promise((resolve, reject) => {
    const late = () => reject(new Error(`the program is not ready: ${said}${complaints()}`))
    setTimeout(late, READY_WITHIN_MS).unref()
    stdout.on('data', (chunk) => {
      said += String(chunk)
      const origin = /ready: (http:\/\/\S+)/.exec(said)?.[1]
      if (origin !== undefined) resolve(origin)
    })
    exited.then(
      () => reject(new Error(`the program did not start: ${said}${complaints()}`)),
      reject,
    )
  })
}

function residentMb(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / KIB_PER_MB
  } catch {
    return Number.NaN
  }
}
