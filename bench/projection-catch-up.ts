// How fast a projection that starts from nothing catches up with a log of 100,000 keys.
import { join } from 'node:path'
import type { Recorded } from '#kernel/message.ts'
import { projection } from '#kernel/projection.ts'
import { projectionRunner } from '#runtime/run-projections.ts'
import { openEventLog, openEventLogReadOnly } from '#storage/sqlite/event-log.ts'
import { openReadModels } from '#storage/sqlite/read-models.ts'
import { seeded } from '#testing/random.ts'
import type { Question, Tools } from './question.ts'
import { readAndParse } from './raw-reads.ts'
import { inTurns, shareOf } from './rounds.ts'
import { sampleEvents } from './sample-event.ts'

const KEYS = 100_000
const EVENTS_A_KEY = 2
const EVENTS_AN_APPEND = 4_000

type Held = {
  readonly stock_id: string
  readonly product_id: string
  readonly reserved: number
  readonly reservations: number
  readonly updated_at: string
}

const held = projection<Held>({
  name: 'held',
  version: 1,
  table: {
    name: 'held',
    key: 'stock_id',
    columns: {
      stock_id: 'text',
      product_id: 'text',
      reserved: 'quantity',
      reservations: 'int',
      updated_at: 'instant',
    },
  },
  on: {
    StockReserved: {
      keys: ({ aggregate_id }) => [aggregate_id],
      apply: (
        row,
        { data, timestamp }: Recorded<{ quantity: number; product_id: string }>,
        key,
      ) => ({
        stock_id: key,
        product_id: data.product_id,
        reserved: (row?.reserved ?? 0) + data.quantity,
        reservations: (row?.reservations ?? 0) + 1,
        updated_at: timestamp,
      }),
    },
  },
})

export const projectionCatchUp: Question = {
  name: 'projection-catch-up',
  about: 'a projection of 100,000 keys catching up, beside reading and parsing the same events',
  async answer(tools) {
    const { path, events } = await written(tools)
    const rounds = await inTurns(
      () => readAndParse(path),
      () => caughtUp(tools, path, events),
    )
    return [
      {
        name: 'projection-catch-up',
        measure: `projection catch-up, ${KEYS / 1_000}k keys, ${events / 1_000}k events`,
        baseline: 'reading and parsing them',
        ...shareOf(rounds, '/s'),
        limits: { better: 'more', at_least: 20, aim: 40 },
      },
    ]
  },
}

/** Every key once, then every key again in another order: hot pages and a cache that fills. */
async function written({ folder, tell }: Tools): Promise<{ path: string; events: number }> {
  const events = KEYS * EVENTS_A_KEY
  tell(`writing ${events} events`)
  const path = join(folder(), 'log.db')
  const log = await openEventLog({ path })
  const random = seeded(1)
  const keys = Array.from({ length: KEYS }, (_, key) => key)
  for (let time = 0; time < EVENTS_A_KEY; time++) {
    const order = random.shuffled(keys)
    for (let from = 0; from < KEYS; from += EVENTS_AN_APPEND)
      await log.append({
        writes: order.slice(from, from + EVENTS_AN_APPEND).map((key) => ({
          stream: `stock-${key}`,
          expected: 'any' as const,
          events: sampleEvents(1),
        })),
      })
  }
  await log.close()
  return { path, events }
}

/** Events each second, from an empty file of views to the end of the log. */
async function caughtUp({ folder }: Tools, path: string, events: number): Promise<number> {
  const log = await openEventLogReadOnly({ path })
  const reads = await openReadModels({ path: join(folder(), 'views.db') })
  const runner = projectionRunner({
    log,
    reads,
    projections: [held],
    types: {},
    open: async (page) => page,
    onError: (error, where) => {
      throw new Error(where, { cause: error })
    },
  })
  const begun = performance.now()
  await runner.catchUp()
  const rate = (1_000 * events) / (performance.now() - begun)
  const [status] = await runner.status()
  if (status?.checkpoint !== events || status.parked > 0)
    throw new Error(`the projection stands at ${status?.checkpoint} of ${events}`)
  await reads.close()
  await log.close()
  return rate
}
