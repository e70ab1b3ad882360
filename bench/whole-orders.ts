// Whole orders over HTTP through the real program, from the request to the saga's end: reserved,
// authorized, labelled, confirmed, every step durable.
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog as openPostgresLog } from '#storage/postgres/event-log.ts'
import { openEventLogReadOnly } from '#storage/sqlite/event-log.ts'
import { type DaybookProcess, logFileIn, startDaybook } from './daybook-process.ts'
import { type Mix, type Placed, placeOrders } from './order-load.ts'
import { type Bulk, bulkRows } from './postgres-raw.ts'
import type { Limits, Question, Result, Round, Tools } from './question.ts'
import { bulkInserts } from './raw-inserts.ts'
import { inTurns, median, percentile, shareOf } from './rounds.ts'
import { type SagaEnds, sagaEnds } from './saga-ends.ts'
import { stockShop } from './shop-goods.ts'

const MIXES: readonly Mix[] = [1, 5].flatMap((lines) =>
  [1, 8, 32].map((callers) => ({ lines, callers })),
)
const BARE: Bulk = { shape: 'json', rows: 1_000, connections: 4 }
const WARM_UP: Mix = { lines: 1, callers: 8 }
const WARM_UP_S = 2
const ORDERS_AT_LEAST = 300
const ORDERS_AIM = 600

export const wholeOrders: Question = {
  name: 'whole-orders',
  about: 'orders over HTTP to their sagas’ end: 1, 8, 32 callers, 1 and 5 lines',
  async answer(tools) {
    const folder = tools.folder()
    const shop: Shop = {
      ...{ told: '', named: '' },
      start: () => startDaybook(folder, tools.atEnd),
      openLog: () => openEventLogReadOnly({ path: logFileIn(folder) }),
      bareRows: (seconds) => bulkInserts(tools.folder(), seconds),
    }
    return await ordersAt(shop, tools, MIXES)
  },
}

export const postgresOrders = ordersOnPostgres(
  MIXES.filter(({ lines, callers }) => lines === 1 || callers === 32),
)

/** A test asks for fewer. */
export function ordersOnPostgres(mixes: readonly Mix[]): Question {
  return {
    name: 'postgres-orders',
    about: 'whole orders on PostgreSQL, in one process: 1, 8, 32 callers, 1 and 5 lines',
    async answer(tools) {
      const server = await tools.postgres()
      return await server.withDatabase((url) => {
        const shop: Shop = {
          ...{ told: 'PostgreSQL: ', named: 'postgres-' },
          start: () => startDaybook(tools.folder(), tools.atEnd, { url }),
          openLog: () => openPostgresLog({ url }),
          bareRows: (seconds) => server.withDatabase((other) => bulkRows(other, BARE, seconds)),
        }
        return ordersAt(shop, tools, mixes)
      })
    },
  }
}

type Shop = {
  /** How its rows begin, as they are told and as they are named. */
  readonly told: string
  readonly named: string
  start(): Promise<DaybookProcess>
  /** For reading beside the program. */
  openLog(): Promise<EventLog>
  /** Events that the store takes each second without us. */
  bareRows(seconds: number): Promise<number> | number
}

async function ordersAt(shop: Shop, tools: Tools, mixes: readonly Mix[]) {
  const daybook = await shop.start()
  const log = await shop.openLog()
  tools.tell('stocking the shop')
  const products = await stockShop(daybook.origin)
  const run = async (mix: Mix, seconds: number) => {
    const { position } = await log.head()
    const placed = await placeOrders(daybook.origin, products, mix, seconds)
    return { placed, ends: await sagaEnds(log, position, placed.length) }
  }
  await run(WARM_UP, Math.max(WARM_UP_S, tools.seconds))
  const results: Result[] = []
  for (const mix of mixes) {
    tools.tell(`${mix.lines} lines, ${mix.callers} callers`)
    const runs: Run[] = []
    const rounds = await inTurns(
      () => shop.bareRows(Math.min(1, tools.seconds)),
      async () => {
        const done = await run(mix, tools.seconds)
        runs.push(done)
        return pace(done).orders
      },
    )
    results.push(resultOf(shop, mix, runs, rounds))
  }
  await log.close()
  await daybook.stop()
  return results
}

type Run = { readonly placed: readonly Placed[]; readonly ends: SagaEnds }

function resultOf(shop: Shop, mix: Mix, runs: readonly Run[], rowRounds: readonly Round[]): Result {
  const { lines, callers } = mix
  const placed = runs.flatMap((run) => run.placed)
  const eventsEach = sum(runs.map(({ ends }) => ends.events)) / placed.length
  const rounds = rowRounds.map(({ ours, raw }) => ({ ours, raw: raw / eventsEach }))
  const { ours, raw, judged: share } = shareOf(rounds, '/s')
  const wanted = shop.told === '' && lines === 1 && callers === 32
  const paces = runs.map(pace)
  const middle = (of: (pace: Pace) => number) => median(paces.map(of)).toFixed(0)
  return {
    name: `${shop.named}orders-${counted(lines, 'line')}-${counted(callers, 'caller')}`.replaceAll(
      ' ',
      '-',
    ),
    measure: `${shop.told}whole orders of ${counted(lines, 'line')}, ${counted(callers, 'caller')}`,
    baseline: `bare rows, ${eventsEach.toFixed(0)} events an order`,
    ours,
    raw,
    // What is asked of it is a number of orders; the share says where the rest goes.
    judged: wanted ? ours : share,
    ...(wanted ? { limits: LIMITS } : {}),
    rounds,
    notes: [
      latencies(runs),
      `${middle(({ answers }) => answers)} answers/s; the last saga ended` +
        ` ${middle(({ afterwardsMs }) => afterwardsMs)} ms after the last answer`,
      ...unfinished(runs),
    ],
  }
}

const counted = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

type Pace = { readonly orders: number; readonly answers: number; readonly afterwardsMs: number }

/** Whole orders and answers each second, and how long the sagas went on without the callers. */
function pace({ placed, ends: { completed } }: Run): Pace {
  const begun = Math.min(...placed.map(({ asked }) => asked))
  const answered = Math.max(...placed.map((one) => one.answered))
  const ended = Math.max(...completed.values())
  return {
    orders: (1_000 * completed.size) / (ended - begun),
    answers: (1_000 * placed.length) / (answered - begun),
    afterwardsMs: Math.max(0, ended - answered),
  }
}

const LIMITS: Limits = { better: 'more', at_least: ORDERS_AT_LEAST, aim: ORDERS_AIM }

function latencies(runs: readonly Run[]): string {
  const answers = runs.flatMap(({ placed }) =>
    placed.map(({ asked, answered }) => answered - asked),
  )
  const sagas = runs.flatMap(({ placed, ends }) =>
    placed.flatMap(({ order_id, asked }) => {
      const end = ends.completed.get(order_id)
      return end === undefined ? [] : [end - asked]
    }),
  )
  const of = (times: readonly number[]) =>
    `p50 ${percentile(times, 0.5).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms`
  return `answer ${of(answers)}; saga’s end ${of(sagas)}`
}

function unfinished(runs: readonly Run[]): readonly string[] {
  const missing = sum(runs.map(({ placed, ends }) => placed.length - ends.completed.size))
  const failed = sum(runs.map(({ ends }) => ends.failed))
  return missing === 0 ? [] : [`${failed} sagas failed, ${missing - failed} never ended`]
}
