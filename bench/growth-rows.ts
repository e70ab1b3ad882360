// What is asked of a log of any length, and by how much the answer may grow with it.
import { randomUUIDv7 } from 'node:crypto'
import type { Recorded } from '#kernel/message.ts'
import { projection } from '#kernel/projection.ts'
import { projectionRunner } from '#runtime/run-projections.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { Random } from '#testing/random.ts'
import { callsEachSecond } from './closed-loop.ts'
import { AGGREGATE_TYPE, EVENT_TYPE, EVENTS_A_STREAM, streamName } from './growth-history.ts'
import { sampleEvent } from './sample-event.ts'

export type GrowthUnit = 'µs' | 'ms' | 'MB' | 'bytes'
export type GrowthRow = {
  readonly measure: string
  readonly unit: GrowthUnit
  /** The longest log's figure may be so many times the shortest one's. */
  readonly at_most: number
}

// A tree that holds a thousand times more is a level or two deeper, and no longer fits the first
// caches; more than half again would be growth. What is stored or held may not grow at all: a tenth
// is the last page that is not full, a quarter what a process's start varies by.
const HALF_AGAIN = 1.5
const STARTS_VARY = 1.25
const LAST_PAGE = 1.1

export const ROWS = {
  'append-1': row('append of 1 event, 1 caller', 'µs', HALF_AGAIN),
  'append-64': row('append of 1 event, 64 callers, each', 'µs', HALF_AGAIN),
  read: row(`read of one ${EVENTS_A_STREAM}-event stream`, 'µs', HALF_AGAIN),
  'catch-up': row('catch-up of a projection, an event', 'µs', HALF_AGAIN),
  start: row('start-up of the program', 'ms', STARTS_VARY),
  memory: row('memory of the program at its start', 'MB', STARTS_VARY),
  bytes: row('on the disk, an event', 'bytes', LAST_PAGE),
}
export type RowName = keyof typeof ROWS

function row(measure: string, unit: GrowthUnit, atMost: number): GrowthRow {
  return { measure, unit, at_most: atMost }
}

/** µs each. */
export async function appendTime(log: EventLog, callers: number, seconds: number): Promise<number> {
  const rate = await callsEachSecond(callers, seconds, () => {
    const stream = `${AGGREGATE_TYPE}-${randomUUIDv7()}`
    const events = [{ ...sampleEvent(), event_type: EVENT_TYPE }]
    return log.append({ writes: [{ stream, expected: 'none', events }] })
  })
  return 1e6 / rate
}

/** µs each, any stream of the whole history. */
export async function readTime(
  log: EventLog,
  events: number,
  random: Random,
  seconds: number,
): Promise<number> {
  const streams = Math.floor(events / EVENTS_A_STREAM)
  const rate = await callsEachSecond(1, seconds, async () => {
    const stream = streamName(random.int(0, streams - 1))
    const { length } = await log.readStream(stream)
    if (length !== EVENTS_A_STREAM) throw new Error(`${stream} has ${length} events`)
  })
  return 1e6 / rate
}

type Taken = { readonly sample_id: string; readonly quantity: number; readonly samples: number }

export const TAKEN = 'taken'
const taken = projection<Taken>({
  name: TAKEN,
  version: 1,
  table: {
    name: 'taken',
    key: 'sample_id',
    columns: { sample_id: 'text', quantity: 'quantity', samples: 'int' },
  },
  on: {
    [EVENT_TYPE]: {
      keys: ({ aggregate_id }) => [aggregate_id],
      apply: (before, { data }: Recorded<{ quantity: number }>, key) => ({
        sample_id: key,
        quantity: (before?.quantity ?? 0) + data.quantity,
        samples: (before?.samples ?? 0) + 1,
      }),
    },
  },
})

/** µs an event: the last ones of the history, for a projection that knows all before them. */
export async function catchUpTime(
  log: EventLog,
  reads: ReadModels,
  events: number,
  behind: number,
): Promise<number> {
  const { name, version, table } = taken
  const from = events - behind
  await reads.define([{ name, version, table }])
  await reads.checkpoints()
  const nothing = { upserts: [], deletes: [], park: [], unpark: [] }
  if (
    from > 0 &&
    !(await reads.commit([{ projection: name, table, from: 0, to: from, ...nothing }]))
  )
    throw new Error('the projection could not be set to where it begins')
  const runner = projectionRunner({
    log,
    reads,
    projections: [taken],
    types: {},
    open: async (page) => page,
    onError: (error, where) => {
      throw new Error(where, { cause: error })
    },
  })
  const begun = performance.now()
  await runner.catchUp(events)
  const tookMs = performance.now() - begun
  const [sums] = await reads.group(table, { by: [], sums: ['samples'] })
  if (sums?.samples !== behind)
    throw new Error(`the projection took ${sums?.samples} events, not ${behind}`)
  return (1_000 * tookMs) / behind
}
