// A real Redis for tests: the system's redis-server, one for each test, started in some 20 ms; or a
// free database of the server that TEST_REDIS_URL names.
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { absent } from './absent.ts'
import { freePort, type KeptServer, keep, serverFolder } from './kept-server.ts'
import type { Skipped } from './postgres-server.ts'

export type TestRedis = { readonly url: string; readonly remove: () => Promise<void> }
export type OwnRedis = TestRedis & {
  /** SIGKILL, SIGSTOP, SIGCONT … */
  readonly signal: (name: NodeJS.Signals) => void
  /** At the same address, with nothing in it. */
  readonly restart: () => Promise<void>
}

/** A suite that takes an empty Redis; where there is none it says so, loudly. */
export function onRedis(name: string, suite: (fresh: () => Promise<TestRedis>) => void): void {
  const given = process.env.TEST_REDIS_URL
  if (given !== undefined) describe(name, () => suite(() => freeDatabase(given)))
  else onOwnRedis(name, suite)
}

/** For tests that are not for a server of somebody: it is killed, stopped, emptied. */
export function onOwnRedis(name: string, suite: (fresh: () => Promise<OwnRedis>) => void): void {
  if (program() === null) absent('redis', NO_PROGRAM, name)
  else describe(name, () => suite(ownRedis))
}

export async function testRedis(): Promise<TestRedis | Skipped> {
  const given = process.env.TEST_REDIS_URL
  if (given !== undefined) return await freeDatabase(given)
  return program() === null ? { skipped: NO_PROGRAM } : await ownRedis()
}

const NO_PROGRAM = 'no redis-server on the PATH, and TEST_REDIS_URL is not set'
const READY_WITHIN_MS = 60_000
const PORT_TRIES = 3

function program(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, 'redis-server')).find(existsSync) ?? null
}

async function ownRedis(): Promise<OwnRedis> {
  const password = randomBytes(16).toString('hex')
  const { port, server } = await onFreePort(password)
  let now = server
  return {
    url: `redis://:${password}@127.0.0.1:${port}`,
    signal: (name) => now.signal(name),
    async restart() {
      await now.stop()
      now = await start(port, password)
    },
    remove: () => now.stop(),
  }
}

async function onFreePort(password: string): Promise<{ port: number; server: KeptServer }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      return { port, server: await start(port, password) }
    } catch (error) {
      if (attempt === PORT_TRIES) throw error
    }
  }
}

async function start(port: number, password: string): Promise<KeptServer> {
  const folder = serverFolder('redis', {})
  const settings = join(folder, 'redis.conf')
  // In a file: arguments are for everybody to read.
  writeFileSync(
    settings,
    `bind 127.0.0.1\nport ${port}\nrequirepass ${password}\nsave ""\nappendonly no\ndir ${folder}\n`,
  )
  chmodSync(settings, 0o600)
  const command = [program()!, settings]
  const server = await keep({ folder, command, stopWith: 'KILL', account: {} })
  const end = performance.now() + READY_WITHIN_MS
  while (performance.now() < end && !server.hasEnded()) {
    if (server.printed().includes('Ready to accept connections')) return server
    await wait(5)
  }
  const why = server.printed()
  await server.stop()
  throw new Error(`redis-server did not start: ${why}`)
}

const DATABASES = 15
const CLAIMED_FOR_S = 600

/** An empty one that no other test has: what is in the others is somebody's. */
async function freeDatabase(given: string): Promise<TestRedis> {
  const claims = new Redis(given)
  try {
    for (let db = 1; db <= DATABASES; db++) {
      const claim = `daybook-test:${db}`
      if ((await claims.set(claim, 'taken', 'EX', CLAIMED_FOR_S, 'NX')) === null) continue
      const url = new URL(given)
      url.pathname = `/${db}`
      if ((await sizeOf(url.href)) === 0) return { url: url.href, remove: () => empty(url, claim) }
      await claims.del(claim)
    }
  } finally {
    await claims.quit()
  }
  throw new Error(`TEST_REDIS_URL: none of its databases 1 to ${DATABASES} is empty and free`)
}

async function sizeOf(url: string): Promise<number> {
  const client = new Redis(url)
  try {
    return await client.dbsize()
  } finally {
    await client.quit()
  }
}

async function empty(url: URL, claim: string): Promise<void> {
  const client = new Redis(url.href)
  await client.flushdb()
  await client.select(0)
  await client.del(claim)
  await client.quit()
}
