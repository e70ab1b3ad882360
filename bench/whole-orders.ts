// Whole orders over HTTP through the real program, from the request to the saga's end: reserved,
// authorized, labelled, confirmed, every step durable.
import { openEventLogReadOnly } from '#storage/sqlite/event-log.ts'
import { logFileIn, startDaybook } from './daybook-process.ts'
import { type Mix, type Placed, placeOrders } from './order-load.ts'
import type { Limits, Question, Result, Round } from './question.ts'
import { bulkInserts } from './raw-inserts.ts'
import { percentile, shareOf } from './rounds.ts'
import { type SagaEnds, sagaEnds } from './saga-ends.ts'
import { stockShop } from './shop-goods.ts'

const MIXES: readonly Mix[] = [1, 5].flatMap((lines) =>
  [1, 8, 32].map((callers) => ({ lines, callers })),
)
const WARM_UP: Mix = { lines: 1, callers: 8 }
const WARM_UP_S = 2
const ORDERS_AT_LEAST = 300
const ORDERS_AIM = 600

export const wholeOrders: Question = {
  name: 'whole-orders',
  about: 'orders over HTTP to their sagas’ end: 1, 8, 32 callers, 1 and 5 lines',
  async answer(tools) {
    const folder = tools.folder()
    const daybook = await startDaybook(folder, tools.atEnd)
    const log = await openEventLogReadOnly({ path: logFileIn(folder) })
    tools.tell('stocking the shop')
    const products = await stockShop(daybook.origin)
    const run = async (mix: Mix, seconds: number) => {
      const { position } = await log.head()
      const placed = await placeOrders(daybook.origin, products, mix, seconds)
      return { placed, ends: await sagaEnds(log, position, placed.length) }
    }
    await run(WARM_UP, Math.min(WARM_UP_S, tools.seconds))
    const results: Result[] = []
    for (const mix of MIXES) {
      tools.tell(`${mix.lines} lines, ${mix.callers} callers`)
      const rows = bulkInserts(tools.folder(), Math.min(1, tools.seconds))
      const { placed, ends } = await run(mix, tools.seconds)
      results.push(resultOf(mix, placed, ends, rows))
    }
    await log.close()
    await daybook.stop()
    return results
  },
}

function resultOf(mix: Mix, placed: readonly Placed[], ends: SagaEnds, rows: number): Result {
  const { lines, callers } = mix
  const begun = Math.min(...placed.map(({ asked }) => asked))
  const last = Math.max(...ends.completed.values())
  const orders = (1_000 * ends.completed.size) / (last - begun)
  const answering = Math.max(...placed.map(({ answered }) => answered)) - begun
  const eventsEach = ends.events / placed.length
  const rounds: readonly Round[] = [{ ours: orders, raw: rows / eventsEach }]
  const { ours, raw, judged: share } = shareOf(rounds, '/s')
  const wanted = lines === 1 && callers === 32
  return {
    name: `orders-${lines}-lines-${callers}-callers`,
    measure: `whole orders of ${lines} ${lines === 1 ? 'line' : 'lines'}, ${callers} callers`,
    baseline: `bare rows, ${eventsEach.toFixed(0)} events an order`,
    ours,
    raw,
    // What is asked of it is a number of orders; the share says where the rest goes.
    judged: wanted ? ours : share,
    ...(wanted ? { limits: LIMITS } : {}),
    rounds,
    notes: [
      latencies(placed, ends),
      `${((1_000 * placed.length) / answering).toFixed(0)} answers/s` +
        `, the last saga ended ${(last - begun - answering).toFixed(0)} ms after the last answer`,
      ...unfinished(placed, ends),
    ],
  }
}

const LIMITS: Limits = { better: 'more', at_least: ORDERS_AT_LEAST, aim: ORDERS_AIM }

function latencies(placed: readonly Placed[], { completed }: SagaEnds): string {
  const answers = placed.map(({ asked, answered }) => answered - asked)
  const sagas = placed.flatMap(({ order_id, asked }) => {
    const end = completed.get(order_id)
    return end === undefined ? [] : [end - asked]
  })
  const of = (times: readonly number[]) =>
    `p50 ${percentile(times, 0.5).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms`
  return `answer ${of(answers)}; saga’s end ${of(sagas)}`
}

const unfinished = (placed: readonly Placed[], { completed, failed }: SagaEnds) =>
  completed.size === placed.length
    ? []
    : [`${failed} sagas failed, ${placed.length - completed.size - failed} never ended`]
