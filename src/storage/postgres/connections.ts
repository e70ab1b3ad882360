// Connections to one PostgreSQL database: a pool per process and URL, shared by all ports that are
// opened on it. Statements are named, so that each connection parses them once.
import pg from 'pg'
import { Unavailable } from '#storage/unavailable.ts'
import { valueTypes } from './values.ts'

export type Statement = { readonly name: string; readonly text: string }
export type Values = readonly (string | number | boolean | Buffer | null | readonly unknown[])[]
/** Runs a statement on one connection; rows as they come. */
export type Run = <R>(statement: Statement, values?: Values) => Promise<readonly R[]>

/** All we need of a connection: the driver's own types are not for those who embed a store. */
export type Session = {
  query(asked: string | (Statement & { values: unknown[] })): Promise<{ rows: unknown[] }>
  on(event: 'notification', listener: (told: { payload?: string | undefined }) => void): unknown
  once(event: 'end', listener: () => void): unknown
  end(): Promise<void>
}

export type Connections = {
  /** Only for what may run twice: asked once more when the connection died on the way. */
  read: Run
  /**
   * Runs once. Throws Unavailable when no connection could be had (nothing was done), Interrupted
   * when one died on the way (it may or may not have been done).
   */
  write: Run
  /** The same errors as `write`; rolled back when `work` throws. */
  transaction<T>(work: (run: Run) => Promise<T>, begin?: string): Promise<T>
  /** A connection of its own, outside the pool: for listening and for long transactions. */
  reserve(): Promise<Session>
  /** Waits for what is under way, refuses the rest; the last user closes the pool. */
  close(): Promise<void>
}

/** The connection died while a statement was under way. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  /** The server's process that was at work; it may be still. */
  readonly pid: number

  constructor(message: string, pid: number, options: ErrorOptions) {
    super(message, options)
    this.pid = pid
  }
}

/** What a URL may say beside the address: `?max_connections=20`. */
const POOL_MAX = 10
const CONNECT_WITHIN_MS = 5_000
const IDLE_CLOSED_AFTER_MS = 30_000
/** A stalled holder of a lock stops others for no longer than this. */
const SESSION = [
  'lock_timeout=5s',
  'idle_in_transaction_session_timeout=10s',
  'statement_timeout=60s',
  // Who waited for a lock goes on with what is there by then, whatever the server's habit is.
  'default_transaction_isolation=read committed',
  // An answer means durable, whatever the server's default is.
  'synchronous_commit=on',
  'timezone=UTC',
  // As values.ts reads it, whatever the server's habit is.
  'datestyle=ISO',
  // Short statements by index: compiling them costs a hundred times what they take.
  'jit=off',
]

type Shared = { readonly pool: pg.Pool; users: number }
const pools = new Map<string, Shared>()

export function connect(url: string): Connections {
  const { pool, leave } = shared(url)
  const underWay = new Set<Promise<unknown>>()
  let closed = false

  const taken = async (): Promise<pg.PoolClient> => {
    try {
      return await pool.connect()
    } catch (error) {
      throw notOpened(url, error)
    }
  }
  const once = async <T>(work: (run: Run) => Promise<T>): Promise<T> => {
    // Others may go on with the same pool.
    if (closed) throw new Error('the connections are closed')
    const working = onClient(work)
    underWay.add(working)
    try {
      return await working
    } finally {
      underWay.delete(working)
    }
  }
  const onClient = async <T>(work: (run: Run) => Promise<T>): Promise<T> => {
    const client = await taken()
    let broken = false
    try {
      return await work(async ({ name, text }, values = []) => {
        try {
          const { rows } = await client.query({ name, text, values: values as unknown[] })
          return rows
        } catch (error) {
          const readOnly = (error as { code?: string }).code === READ_ONLY
          if (!readOnly && !isAway(error)) throw error
          // Of no use either: a fresh one finds the server that is to be written to now.
          broken = true
          if (readOnly) throw new Unavailable(readOnlyText(url, error), { cause: error })
          const { processID = 0 } = client as { processID?: number }
          throw new Interrupted(awayText(url, error), processID, { cause: error })
        }
      })
    } finally {
      client.release(broken)
    }
  }
  const write: Run = (statement, values) => once((run) => run(statement, values))

  return {
    write,
    async read(statement, values) {
      try {
        return await write(statement, values)
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error
      }
      // Others in the pool may have died with it: a second try takes a fresh one soon enough.
      try {
        return await write(statement, values)
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error
        throw new Unavailable(error.message, { cause: error })
      }
    },
    transaction: (work, begin = 'BEGIN') =>
      once(async (run) => {
        await run({ name: '', text: begin })
        try {
          const result = await work(run)
          await run({ name: '', text: 'COMMIT' })
          return result
        } catch (error) {
          if (!(error instanceof Interrupted)) await run({ name: '', text: 'ROLLBACK' })
          throw error
        }
      }),
    async reserve() {
      const client = new pg.Client(clientConfig(url))
      // Its owner hears of its end; without a listener the process would end with it.
      client.on('error', () => {})
      try {
        await client.connect()
      } catch (error) {
        throw notOpened(url, error)
      }
      return client
    },
    async close() {
      closed = true
      // A pool that ends forgets whoever waits for a connection.
      await Promise.allSettled(underWay)
      await leave()
    },
  }
}

function shared(url: string): { pool: pg.Pool; leave: () => Promise<void> } {
  let found = pools.get(url)
  if (found === undefined) {
    const max = Number(new URL(url).searchParams.get('max_connections') ?? POOL_MAX)
    const pool = new pg.Pool({
      ...clientConfig(url),
      max,
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      idleTimeoutMillis: IDLE_CLOSED_AFTER_MS,
    })
    // An idle connection that dies is only removed; the next user gets another.
    pool.on('error', () => {})
    // One that dies in its user's hands tells the user's next statement; unheard, it would end the
    // process.
    pool.on('connect', (client) => client.on('error', () => {}))
    found = { pool, users: 0 }
    pools.set(url, found)
  }
  const { pool } = found
  const mine = found
  mine.users++
  let left = false
  return {
    pool,
    async leave() {
      if (left) return
      left = true
      if (--mine.users > 0) return
      pools.delete(url)
      await pool.end()
    },
  }
}

function clientConfig(url: string): pg.ClientConfig {
  return {
    connectionString: withoutOwn(url),
    application_name: 'daybook',
    keepAlive: true,
    options: SESSION.map((setting) => `-c ${setting.replace(' ', '\\ ')}`).join(' '),
    types: valueTypes,
  }
}

/** Parameters that are ours and not the driver's. */
function withoutOwn(url: string): string {
  const plain = new URL(url)
  plain.searchParams.delete('max_connections')
  return plain.href
}

/** Where the server is, without user and password. */
function at(url: string): string {
  const { host, pathname } = new URL(url)
  return `PostgreSQL at ${host}${pathname}`
}
const awayText = (url: string, error: unknown) =>
  `${at(url)} cannot be reached: ${(error as Error).message}`
const readOnlyText = (url: string, error: unknown) =>
  `${at(url)} takes no writes, as a standby does: ${(error as Error).message}`

function notOpened(url: string, error: unknown): Error {
  const { message } = error as Error
  if (isAway(error)) return new Unavailable(awayText(url, error), { cause: error })
  return new Error(
    `${at(url)} does not let this process in: ${message}; look at the settings database.postgres.*`,
    { cause: error },
  )
}

/** A standby, or a server that was made one: nothing was done. */
const READ_ONLY = '25006'

const AWAY = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'ENOENT'],
  // Shut down by an operator, crashed, starting; too many connections.
  ...['57P01', '57P02', '57P03', '53300'],
  // A transaction that was idle for too long lost its connection.
  '25P03',
])
const AWAY_TEXT = new RegExp(
  [
    ...['Connection terminated', 'Connection ended', 'not queryable', 'timeout expired'],
    ...['timeout exceeded when trying to connect', 'Client has encountered a connection error'],
  ].join('|'),
)

/** The server or the way to it, not the statement. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errors } = error as { code?: string; errors?: readonly unknown[] }
  if (code !== undefined && (AWAY.has(code) || code.startsWith('08'))) return true
  // Several addresses were tried, none answered.
  if (errors?.some(isAway)) return true
  return AWAY_TEXT.test(error.message)
}
