// A real PostgreSQL for tests, one for a whole run: the server that TEST_POSTGRES_URL names, the
// one that global-setup.ts started, or one that this process starts for itself. Each test takes a
// fresh database of it.
import { randomBytes } from 'node:crypto'
import { describe } from 'node:test'
import pg from 'pg'
import { absent, isRequired } from './absent.ts'
import { type Cluster, npmPostgres, startCluster, systemPostgres } from './postgres-cluster.ts'

export type TestDatabase = { readonly url: string; readonly remove: () => Promise<void> }
export type Skipped = { readonly skipped: string }

/** How global-setup.ts tells the test processes: where the server is, or why there is none. */
const SHARED_URL = 'DAYBOOK_TEST_POSTGRES'
const SHARED_TROUBLE = 'DAYBOOK_TEST_POSTGRES_TROUBLE'

/** A suite that takes fresh databases; where there is no PostgreSQL it says so, loudly. */
export async function onPostgres(
  name: string,
  suite: (fresh: () => Promise<TestDatabase>) => void,
): Promise<void> {
  const server = await theServer()
  if ('skipped' in server) absent('postgres', server.skipped, name)
  else describe(name, () => suite(() => freshDatabase(server.admin)))
}

export async function testDatabase(): Promise<TestDatabase | Skipped> {
  const server = await theServer()
  return 'skipped' in server ? server : await freshDatabase(server.admin)
}

type Server = { readonly admin: pg.Pool }
let server: Promise<Server | Skipped> | undefined
const theServer = (): Promise<Server | Skipped> => {
  server ??= findServer()
  return server
}

async function findServer(): Promise<Server | Skipped> {
  const { TEST_POSTGRES_URL, [SHARED_URL]: shared, [SHARED_TROUBLE]: trouble } = process.env
  if (trouble !== undefined) return { skipped: trouble }
  const found = TEST_POSTGRES_URL ?? shared ?? (await ownServer())
  if (typeof found !== 'string') return found
  // Nobody has to close it: idle connections do not keep a process.
  const admin = new pg.Pool({ connectionString: found, max: 4, allowExitOnIdle: true })
  admin.on('error', () => {})
  return { admin }
}

async function ownServer(): Promise<string | Skipped> {
  try {
    return (await startServer()).url
  } catch (error) {
    return { skipped: (error as Error).message }
  }
}

/**
 * For tests that are not for a server that others use: it is killed and started again. Throws where
 * there is none.
 */
export const ownPostgres = (): Promise<Cluster> => startServer()

/** PostgreSQL 18 from npm; the system's where npm has none for this platform. */
async function startServer(): Promise<Cluster> {
  try {
    return await startCluster(await npmPostgres())
  } catch (error) {
    const [system] = systemPostgres()
    if (system === undefined) throw error
    return await startCluster(system)
  }
}

/**
 * Starts one for all test processes, which are started later and inherit the environment. Returns
 * how to stop it.
 */
export async function shareServer(): Promise<() => Promise<void>> {
  if (process.env.TEST_POSTGRES_URL !== undefined) return async () => {}
  try {
    const { url, stop } = await startServer()
    process.env[SHARED_URL] = url
    return stop
  } catch (error) {
    process.env[SHARED_TROUBLE] = (error as Error).message
    if (isRequired('postgres')) throw error
    return async () => {}
  }
}

/** A database of its own on a server that is there already; its role has to be allowed to. */
export async function databaseOn(url: string): Promise<TestDatabase> {
  const admin = new pg.Pool({ connectionString: url, max: 1, allowExitOnIdle: true })
  admin.on('error', () => {})
  const { url: own, drop } = await freshDatabase(admin)
  return {
    url: own,
    async remove() {
      // A server that is away has nothing that could be removed from it.
      await drop().catch(() => {})
      await admin.end()
    },
  }
}

async function freshDatabase(
  admin: pg.Pool,
): Promise<TestDatabase & { readonly drop: () => Promise<unknown> }> {
  const name = `daybook_test_${randomBytes(8).toString('hex')}`
  await admin.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`)
  const url = new URL(admin.options.connectionString!)
  url.pathname = `/${name}`
  const drop = () => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  return {
    url: url.href,
    drop,
    // Not waited for, only kept to: the server gives connections that were just closed 100 ms.
    async remove() {
      void drop()
    },
  }
}
