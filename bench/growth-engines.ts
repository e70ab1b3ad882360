// Where a log of a given length lies, on each engine: how it is opened, how large it is, how the
// program is started on it.
import { existsSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog as openPostgresLog } from '#storage/postgres/event-log.ts'
import { openReadModels as openPostgresViews } from '#storage/postgres/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import {
  openEventLogReadOnly as openSqliteBeside,
  openEventLog as openSqliteLog,
} from '#storage/sqlite/event-log.ts'
import { openReadModels as openSqliteViews } from '#storage/sqlite/read-models.ts'
import { type DaybookProcess, logFileIn, startDaybook } from './daybook-process.ts'
import { asked } from './postgres-server.ts'
import type { Tools } from './question.ts'

export const GROWTH_ENGINES = ['SQLite', 'PostgreSQL'] as const
export type GrowthEngine = (typeof GROWTH_ENGINES)[number]

export type Site = {
  openLog(): Promise<EventLog>
  /** For reading only, beside the program. */
  openBeside(): Promise<EventLog>
  openViews(): Promise<ReadModels>
  /** Of the log: events, indexes, all that an append leaves. Nobody has it open. */
  bytes(): Promise<number>
  /** What a server does by itself sooner or later; nothing of the filling goes on afterwards. */
  settle(): Promise<void>
  start(): Promise<DaybookProcess>
  remove(): Promise<void>
}

/** An empty place for one log. */
export const openSite = (engine: GrowthEngine, tools: Tools): Promise<Site> =>
  engine === 'SQLite' ? fileSite(tools) : databaseSite(tools)

async function fileSite({ folder, atEnd }: Tools): Promise<Site> {
  const own = folder()
  const path = logFileIn(own)
  return {
    openLog: () => openSqliteLog({ path }),
    openBeside: () => openSqliteBeside({ path }),
    openViews: () => openSqliteViews({ path: join(own, 'growth.db') }),
    bytes: async () => sizeOf(path) + sizeOf(`${path}-wal`),
    settle: async () => {},
    start: () => startDaybook(own, atEnd),
    remove: async () => rmSync(own, { recursive: true, force: true }),
  }
}

const sizeOf = (file: string) => (existsSync(file) ? statSync(file).size : 0)

async function databaseSite(tools: Tools): Promise<Site> {
  const { url, remove } = await (await tools.postgres()).fresh()
  return {
    openLog: () => openPostgresLog({ url }),
    openBeside: () => openPostgresLog({ url }),
    openViews: () => openPostgresViews({ url }),
    async bytes() {
      const [row] = await asked<{ bytes: string }>(
        url,
        `SELECT sum(pg_total_relation_size(oid)) AS bytes FROM pg_class
         WHERE relnamespace = 'event_store'::regnamespace AND relkind = 'r'`,
      )
      return Number(row!.bytes)
    },
    async settle() {
      await asked(url, 'VACUUM (ANALYZE)')
      await asked(url, 'CHECKPOINT')
    },
    start: () => startDaybook(tools.folder(), tools.atEnd, { url }),
    remove,
  }
}
