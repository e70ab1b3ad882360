// A projection with a row for each stock item and a log to catch up with, on any engine.
import type { Recorded } from '#kernel/message.ts'
import { projection } from '#kernel/projection.ts'
import { projectionRunner } from '#runtime/run-projections.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { seeded } from '#testing/random.ts'
import { sampleEvents } from './sample-event.ts'

const EVENTS_AN_APPEND = 4_000

type Held = {
  readonly stock_id: string
  readonly product_id: string
  readonly reserved: number
  readonly reservations: number
  readonly updated_at: string
}

export const HELD = 'held'
const held = projection<Held>({
  name: HELD,
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

/**
 * Every key, then every key again in another order: hot pages and a cache that fills. Few keys get
 * several events each time.
 */
export async function writeHeld(log: EventLog, keys: number, events: number): Promise<void> {
  const random = seeded(1)
  const all = Array.from({ length: keys }, (_, key) => key)
  const each = Math.max(1, Math.floor(EVENTS_AN_APPEND / keys))
  for (let written = 0; written < events; ) {
    const order = random.shuffled(all)
    for (let from = 0; from < keys && written < events; from += EVENTS_AN_APPEND) {
      const streams = order.slice(from, from + EVENTS_AN_APPEND)
      await log.append({
        writes: streams.map((key) => ({
          stream: `stock-${key}`,
          expected: 'any' as const,
          events: sampleEvents(each),
        })),
      })
      written += streams.length * each
    }
  }
}

/** Events each second, from empty read models to the end of the log. */
export async function heldCatchUp(
  log: EventLog,
  reads: ReadModels,
  events: number,
): Promise<number> {
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
  return rate
}
