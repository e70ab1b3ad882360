// Where the torture takes place: a scratch store of its own, and what can be done to it. The shop
// on it can do nothing else: in the end even the store itself is damaged on purpose.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Books, openBooks } from '#providers/books.ts'
import { engines } from '#storage/engines.ts'
import type { EventLog } from '#storage/event-log.ts'
import { connect } from '#storage/postgres/connections.ts'
import { atServer } from '#testing/fleet.ts'
import { databaseOn, ownPostgres } from '#testing/postgres-server.ts'
import type { Random } from '#testing/random.ts'
import { tcpProxy } from '#testing/tcp-proxy.ts'

/** Something that happens to the store; resolves when the store is as good as before. */
export type Strike = { readonly name: string; strike(random: Random): Promise<void> }

export type Place = {
  readonly what: string
  /** Several processes may share it. */
  readonly isShared: boolean
  readonly folder: string
  /** How the shop's processes find it. */
  readonly env: Readonly<Record<string, string>>
  /** The gravest first. */
  readonly strikes: readonly Strike[]
  /** Beside the shop, for reading. */
  openLog(): Promise<EventLog>
  openBooks(): Promise<Books>
  /** Changes one event behind everybody's back, as no program of ours can. */
  damage(position: number): Promise<void>
  remove(): Promise<void>
}

/** `sqlite`, `postgres` for a server of its own, or a server's URL for a scratch database there. */
export async function openPlace(store: string): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-torture-'))
  const removeFolder = () => rmSync(folder, { recursive: true, force: true })
  try {
    if (store === 'sqlite') return sqlitePlace(folder, removeFolder)
    if (store === 'postgres') return await ownServer(folder, removeFolder)
    if (/^postgres(ql)?:\/\//.test(store)) return await givenServer(store, folder, removeFolder)
  } catch (error) {
    removeFolder()
    throw error
  }
  removeFolder()
  throw new Error(`--store takes sqlite, postgres, or postgres://USER@HOST/DATABASE, not ${store}`)
}

function sqlitePlace(folder: string, remove: () => void): Place {
  const path = join(folder, 'shop.db')
  return {
    what: 'SQLite',
    isShared: false,
    folder,
    env: { DATABASE_DRIVER: 'sqlite', DATABASE_SQLITE_PATH: path },
    strikes: [],
    openLog: async () => (await engines.sqlite()).openEventLogReadOnly({ path }),
    openBooks: () => openBooks('sqlite', { path: join(folder, 'shop-simulator.db'), url: '' }),
    async damage(position) {
      const database = new DatabaseSync(path)
      database.exec('DROP TRIGGER events_stay')
      database
        .prepare(
          // Its checksum as well: the seals are to find it.
          `UPDATE events SET data = json_set(data, '$.tortured', 1), checksum = NULL
           WHERE position = ?`,
        )
        .run(position)
      database.close()
    },
    remove: async () => remove(),
  }
}

async function ownServer(folder: string, removeFolder: () => void): Promise<Place> {
  const server = await ownPostgres()
  const place = await onServer(server.url, folder)
  return {
    ...place,
    what: `${place.what}, a server of its own`,
    strikes: [{ name: 'database killed', strike: () => server.crash() }, ...place.strikes],
    async remove() {
      await place.remove()
      await server.stop()
      removeFolder()
    },
  }
}

async function givenServer(url: string, folder: string, removeFolder: () => void): Promise<Place> {
  const place = await onServer(url, folder)
  return {
    ...place,
    async remove() {
      await place.remove()
      removeFolder()
    },
  }
}

/** The shop reaches the server by a way that can be cut; we do not. */
async function onServer(server: string, folder: string): Promise<Place> {
  const database = await databaseOn(server)
  const { url } = database
  const way = await tcpProxy(url)
  const [told] = await asked<{ server_version: string }>(url, 'SHOW server_version', 'version')
  const after = (name: string, begin: () => void, ms: readonly [number, number]): Strike => ({
    name,
    async strike(random) {
      begin()
      await sleep(random.int(...ms))
      way.open()
    },
  })
  return {
    what: `PostgreSQL ${told?.server_version ?? ''}`,
    isShared: true,
    folder,
    env: atServer(way.url),
    strikes: [
      after('connections cut', way.cut, [50, 600]),
      after('network clogged', way.clog, [200, 1_500]),
      after('network slow', () => way.delay(30), [500, 1_500]),
    ],
    openLog: async () => (await engines.postgres()).openEventLog({ url }),
    openBooks: () => openBooks('postgres', { path: '', url }),
    async damage(position) {
      await asked(url, 'ALTER TABLE event_store.log DISABLE TRIGGER events_stay', 'unguard')
      const change = `UPDATE event_store.log SET data = (data::jsonb || '{"tortured":1}')::json`
      await asked(url, `${change} WHERE position = $1`, 'damage', [position])
    },
    async remove() {
      await way.close()
      await database.remove()
    },
  }
}

async function asked<R>(url: string, text: string, name: string, values: readonly number[] = []) {
  const { write, close } = connect(url)
  try {
    return await write<R>({ name: `torture_${name}`, text }, values)
  } finally {
    await close()
  }
}
