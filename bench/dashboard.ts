// The dashboard of a shop with a year of trade in its log: how long an answer takes that is read,
// and one that is kept, over HTTP and inside the program.
import { setTimeout as sleep } from 'node:timers/promises'
import { compose } from '#app/compose.ts'
import { readConfig } from '#app/config.ts'
import { openEventLog as openPostgresLog } from '#storage/postgres/event-log.ts'
import { openEventLog as openSqliteLog } from '#storage/sqlite/event-log.ts'
import { testRedis } from '#testing/redis-server.ts'
import { logFileIn, startDaybook } from './daybook-process.ts'
import type { GrowthEngine } from './growth-engines.ts'
import { type HttpCaller, httpCaller } from './http-caller.ts'
import { asked as askedOf } from './postgres-server.ts'
import type { Question, Result, Round, Tools } from './question.ts'
import { itself, percentile } from './rounds.ts'
import { TRADE_STORES, tradeOf, tradeStore } from './trade-history.ts'

/** The design's limit is told for a million. */
const EVENTS = 1_000_000
const PAGE = 10_000
const LIMITS = { better: 'less', at_least: 5, aim: 2.5 } as const
const DAYS = 300
const DAY_MS = 86_400_000
const REST_MS = 3_000
/** As the settings have it where nobody says otherwise. */
const SEALED_EACH = 1_000
const LOOK_EVERY_MS = 500
const ROUNDS = 3
const ASKED_INSIDE = 300

/** In milliseconds. */
type Times = readonly number[]
type Asked = { readonly date: string; readonly store_id?: string }

/** A test has no minutes: few events, few days to ask for. */
export type DashboardSize = { readonly events: number; readonly days: number }

export const dashboardOn = (
  engine: GrowthEngine,
  size: DashboardSize = { events: EVENTS, days: DAYS },
): Question => ({
  name: engine === 'SQLite' ? 'dashboard' : 'postgres-dashboard',
  about: `p99 of the dashboard with a million events in the log, on ${engine}`,
  answer: (tools) => answered(engine, size, tools),
})

async function answered(
  engine: GrowthEngine,
  { events, days }: DashboardSize,
  tools: Tools,
): Promise<readonly Result[]> {
  const shop = await openShop(engine, tools)
  try {
    const ended = Date.now()
    await filled(shop, events, ended, tools)
    tools.tell('the program takes in the log')
    const asked = questions(ended, days)
    const { read, kept } = await overHttp(shop, events, asked, tools)
    const inside = await insideOf(shop, asked)
    const note =
      `inside the program p50 ${ms(inside.times, 0.5)}, p99 ${ms(inside.times, 0.99)}, ` +
      `${inside.cpuMs.toFixed(2)} ms of CPU each`
    const told = `${events.toLocaleString('en-US')} events, ${engine}`
    const first = row(`dashboard, p99, read from its rows; ${told}`, 'read', engine, read, [note])
    if (!shop.keepsAnswers) return [first]
    return [first, row(`dashboard, p99, kept; ${told}`, 'kept', engine, kept, [])]
  } finally {
    await shop.remove()
  }
}

function row(
  measure: string,
  kind: string,
  engine: GrowthEngine,
  rounds: readonly Timed[],
  notes: readonly string[],
): Result {
  const p50 = rounds.map(({ ours }) => ms(ours, 0.5)).join(', ')
  const judged: readonly Round[] = rounds.map(({ ours, raw }) => ({
    ours: percentile(ours, 0.99),
    raw: percentile(raw, 0.99),
  }))
  return {
    name: `${engine === 'SQLite' ? '' : 'postgres-'}dashboard-${kind}`,
    measure,
    baseline: 'p99 of the same program’s GET /health',
    ...itself(judged, 'ms'),
    limits: LIMITS,
    notes: [`p50 of each round: ${p50}`, ...notes],
  }
}

const ms = (times: Times, share: number) => `${percentile(times, share).toFixed(2)} ms`

// ── the shop and its year ─────────────────────────────────────────────────────────────────────

type Shop = {
  readonly openLog: () => ReturnType<typeof openSqliteLog>
  readonly start: () => ReturnType<typeof startDaybook>
  /** Settings that name where it lies. */
  readonly env: Readonly<Record<string, string>>
  readonly keepsAnswers: boolean
  /** What a server does by itself within minutes of so much having been taken in. */
  readonly settle: () => Promise<void>
  readonly remove: () => Promise<void>
}

async function openShop(engine: GrowthEngine, tools: Tools): Promise<Shop> {
  const folder = tools.folder()
  if (engine === 'SQLite') {
    const path = logFileIn(folder)
    return {
      openLog: () => openSqliteLog({ path }),
      start: () => startDaybook(folder, tools.atEnd),
      env: { DATABASE_SQLITE_PATH: path },
      keepsAnswers: true,
      settle: async () => {},
      remove: async () => {},
    }
  }
  const { url, remove } = await (await tools.postgres()).fresh()
  // There answers are kept by a Redis; without one they are read anew each time.
  const redis = await testRedis()
  if ('skipped' in redis) tools.tell(redis.skipped)
  const cache = 'skipped' in redis ? {} : { redis: redis.url }
  return {
    openLog: () => openPostgresLog({ url }),
    start: () => startDaybook(folder, tools.atEnd, { url, ...cache }),
    env: { DATABASE_DRIVER: 'postgres', DATABASE_POSTGRES_URL: url },
    keepsAnswers: !('skipped' in redis),
    async settle() {
      await askedOf(url, 'VACUUM (ANALYZE)')
      await askedOf(url, 'CHECKPOINT')
    },
    async remove() {
      await remove()
      if (!('skipped' in redis)) await redis.remove()
    },
  }
}

/** Through the engine's own bulk import; the next page is made while one is stored. */
async function filled(shop: Shop, events: number, ended: number, { tell }: Tools): Promise<void> {
  const log = await shop.openLog()
  const trade = tradeOf(events, ended)
  let under: Promise<void> = Promise.resolve()
  for (let done = 0; done < events; ) {
    const page = trade.page(Math.min(PAGE, events - done))
    await under
    tell(`filling, ${Math.floor((100 * done) / events)} %`)
    done += page.length
    under = log.restore(page, [])
  }
  await under
  await log.close()
}

/** Each day of the year, in all stores and in each of them: every question is another one. */
function questions(ended: number, days: number): readonly Asked[] {
  const stores = [
    {},
    ...Array.from({ length: TRADE_STORES }, (_, at) => ({ store_id: tradeStore(at) })),
  ]
  return Array.from({ length: days }, (_, back) => {
    const date = new Date(ended - (back + 1) * DAY_MS).toISOString().slice(0, 10)
    return stores.map((store) => ({ date, ...store }))
  }).flat()
}

// ── asked ─────────────────────────────────────────────────────────────────────────────────────

type Timed = { readonly ours: Times; readonly raw: Times }

async function overHttp(shop: Shop, events: number, all: readonly Asked[], { tell }: Tools) {
  const daybook = await shop.start()
  const caller = httpCaller(daybook.origin)
  // Each seal is an event too; when all are there and have been taken in, nothing but questions is
  // under way.
  const end = events + Math.floor(events / SEALED_EACH)
  const path = `/api/v1/products?limit=1&min_position=${end}`
  while ((await caller.call('GET', path)).status !== 200) await sleep(LOOK_EVERY_MS)
  await shop.settle()
  await sleep(REST_MS)
  const [read, kept]: [Timed[], Timed[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    tell(`round ${round + 1} of ${ROUNDS}`)
    const paths = all.filter((_, at) => at % ROUNDS === round).map(pathOf)
    const raw = await timed(
      caller,
      paths.map(() => '/health'),
    )
    // For the first time, and then once more.
    read.push({ ours: await timed(caller, paths), raw })
    kept.push({ ours: await timed(caller, paths), raw })
  }
  caller.close()
  await daybook.stop()
  return { read, kept }
}

const pathOf = (asked: Asked) => `/api/v1/dashboard?${new URLSearchParams(asked)}`

async function timed(caller: HttpCaller, paths: readonly string[]): Promise<Times> {
  const times: number[] = []
  for (const path of paths) {
    const begun = performance.now()
    const { status, text } = await caller.call('GET', path)
    times.push(performance.now() - begun)
    if (status !== 200) throw new Error(`GET ${path} was answered ${status}: ${text}`)
  }
  return times
}

/**
 * The same rows without a server around them, and without a cache; how much CPU that takes shows
 * also on a machine that has other things to do.
 */
async function insideOf({ env }: Shop, all: readonly Asked[]) {
  const read = readConfig({ argv: ['--set', 'cache.driver=none'], env, file: null })
  if (!read.ok) throw new Error(read.problems.join('; '))
  const app = await compose(read.config, { passive: true })
  try {
    const times: number[] = []
    const before = process.threadCpuUsage()
    for (const asked of all.slice(0, ASKED_INSIDE)) {
      const begun = performance.now()
      const answer = await app.ask('GetDashboardSummary', asked)
      times.push(performance.now() - begun)
      if (!answer.ok) throw new Error(JSON.stringify(answer.rejection))
    }
    const { user, system } = process.threadCpuUsage(before)
    return { times, cpuMs: (user + system) / 1_000 / times.length }
  } finally {
    await app.close()
  }
}
