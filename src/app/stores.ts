// Where the stores lie that the settings name, and how they are opened. Places are plain data, so
// that a thread can open the same ones.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { engines } from '#storage/engines.ts'
import { type EventLog, OutcomeUnknown } from '#storage/event-log.ts'
import type { JobBook } from '#storage/job-book.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import type { Leases } from '#storage/leases.ts'
import type { Outbox } from '#storage/outbox.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { postgresUrl } from './database.ts'
import type { Config } from './settings.ts'

export type Paths = {
  readonly log: string
  readonly views: string
  readonly keys: string
  /** The books of the built-in payment provider and carrier. */
  readonly simulator: string
  /** What went out to others. */
  readonly outbox: string
  /** Imports and exports under way, with their files. */
  readonly jobs: string
}

/** Read models, keys and the simulator's books lie beside the log's file. */
export function pathsOf(config: Config): Paths {
  const log = config['database.sqlite.path']
  const beside = log.replace(/\.db$/, '')
  const file = (name: string) => `${beside}-${name}.db`
  const named = { views: file('views'), keys: file('keys'), simulator: file('simulator') }
  return { log, ...named, outbox: file('outbox'), jobs: file('jobs') }
}

type Driver = Config['event_store.driver']
/** A file's path, or a server's URL: each engine looks at what it needs. */
export type Stored = {
  readonly engine: Driver
  readonly place: { readonly path: string; readonly url: string }
}
export type Places = Readonly<
  Record<'log' | 'keys' | 'simulator' | 'outbox' | 'jobs' | 'views' | 'queries', Stored>
>

/** A thread's own connections, beside those of the process. */
const THREAD_CONNECTIONS = 4

/** Of a process, or of its projection thread. The URLs hold the password: they are never shown. */
export function placesOf(config: Config, who: 'process' | 'thread' = 'process'): Places {
  const paths = pathsOf(config)
  const limit = config['database.postgres.max_connections']
  const connections = who === 'process' ? limit : Math.min(limit, THREAD_CONNECTIONS)
  const stored = (engine: Driver, path: string, forReading = false): Stored => ({
    engine,
    place: { path, url: engine === 'postgres' ? postgresUrl(config, connections, forReading) : '' },
  })
  const { 'event_store.driver': events, 'read_store.driver': rows } = config
  return {
    log: stored(events, paths.log),
    keys: stored(events, paths.keys),
    simulator: stored(events, paths.simulator),
    outbox: stored(events, paths.outbox),
    jobs: stored(events, paths.jobs),
    views: stored(rows, paths.views),
    /** The same rows, for queries only: perhaps a replica's. */
    queries: stored(rows, paths.views, true),
  }
}

type Place = Stored['place'] & { readonly readOnly?: boolean }
type Engine = {
  openEventLog(place: Place): Promise<EventLog>
  /** Where one process writes: to read beside it. */
  openEventLogReadOnly?(place: Place): Promise<EventLog>
  openReadModels(place: Place): Promise<ReadModels>
  openKeyRing(place: Place): Promise<KeyRing>
  openLeases(place: Place): Promise<Leases>
  openOutbox(place: Place): Promise<Outbox>
  openJobBook(place: Place): Promise<JobBook>
}
const engineOf = (name: Driver): Promise<Engine> =>
  (engines as Readonly<Record<string, () => Promise<Engine>>>)[name]!()

export const openLog = async ({ engine, place }: Stored): Promise<EventLog> =>
  (await engineOf(engine)).openEventLog(place)

/** A second handle on a log that is open already, in this process or another. */
export async function openLogBeside({ engine, place }: Stored): Promise<EventLog> {
  const { openEventLog, openEventLogReadOnly = openEventLog } = await engineOf(engine)
  return await openEventLogReadOnly(place)
}

export const openKeys = async ({ engine, place }: Stored, readOnly = false): Promise<KeyRing> =>
  (await engineOf(engine)).openKeyRing({ ...place, readOnly })

export async function openRows({ engine, place }: Stored, readOnly = false): Promise<ReadModels> {
  if (engine === 'sqlite' && !readOnly) mkdirSync(dirname(place.path), { recursive: true })
  return await (await engineOf(engine)).openReadModels({ ...place, readOnly })
}

export const openLeases = async ({ engine, place }: Stored): Promise<Leases> =>
  (await engineOf(engine)).openLeases(place)

export const openJobs = async ({ engine, place }: Stored): Promise<JobBook> =>
  (await engineOf(engine)).openJobBook(place)

export const openOutbox = async ({ engine, place }: Stored): Promise<Outbox> =>
  (await engineOf(engine)).openOutbox(place)

/** Nobody works on a log, or tells of it, that an interrupted import or restore has left. */
export async function assertWhole(log: EventLog): Promise<void> {
  if (await log.isUnfinished())
    throw new Error(
      'the log is a part: an import or a restore into it has not come to its end; ' +
        'run it again, and it goes on where it stopped',
    )
}

/** Log and keys, which every process has. */
export async function openStores(
  places: Places,
  onBroken: (error: Error) => void,
  opening: AsyncDisposableStack,
) {
  const keys = await openKeys(places.keys)
  opening.defer(() => keys.close())
  const opened = await openLog(places.log)
  opening.defer(() => opened.close())
  await assertWhole(opened)
  // A server that answers again is as good as before; a file whose disk has failed is not.
  const log = opened.capabilities.manyProcesses ? opened : watched(opened, onBroken)
  return { log, keys }
}

/** Tells once when the log's disk has failed; whoever appended hears it from the append itself. */
function watched(log: EventLog, onBroken: (error: Error) => void): EventLog {
  let told = false
  return {
    ...log,
    async append(request) {
      try {
        return await log.append(request)
      } catch (error) {
        if (error instanceof OutcomeUnknown && !told) {
          told = true
          onBroken(error)
        }
        throw error
      }
    },
  }
}
