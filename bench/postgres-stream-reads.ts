// Point-wise reads on PostgreSQL: one stream of 20 events after another, in no order, beside the
// bare statement.
import pg from 'pg'
import { openEventLog } from '#storage/postgres/event-log.ts'
import { seeded } from '#testing/random.ts'
import { callsEachSecond } from './closed-loop.ts'
import type { Question, Result, Tools } from './question.ts'
import { inTurns, shareOf } from './rounds.ts'
import { sampleEvents } from './sample-event.ts'

const EVENTS = 20
const STREAMS_MAX = 5_000
/** A test has no time for so many. */
const STREAMS_A_SECOND = 5_000
const STREAMS_AN_APPEND = 200
const CALLERS = [1, 16]
/** As many as the engine has when nothing else is said. */
const CONNECTIONS = 10

export const postgresStreamReads: Question = {
  name: 'postgres-stream-reads',
  about: 'PostgreSQL, reads of one 20-event stream, 1 and 16 callers, beside the bare statement',
  async answer(tools) {
    const server = await tools.postgres()
    return await server.withDatabase(async (url) => {
      const streams = Math.min(STREAMS_MAX, STREAMS_A_SECOND * tools.seconds)
      tools.tell(`writing ${streams} streams`)
      const log = await openEventLog({ url })
      const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS })
      pool.on('error', () => {})
      try {
        for (let from = 0; from < streams; from += STREAMS_AN_APPEND)
          await log.append({
            writes: Array.from({ length: STREAMS_AN_APPEND }, (_, i) => write(from + i)),
          })
        const readers = { bare: (stream: string) => bareRead(pool, stream), ours: log.readStream }
        const results: Result[] = []
        for (const callers of CALLERS) results.push(await row(tools, streams, callers, readers))
        return results
      } finally {
        await pool.end()
        await log.close()
      }
    })
  },
}

type Readers = Readonly<Record<'bare' | 'ours', (stream: string) => Promise<readonly unknown[]>>>

async function row(
  { seconds }: Tools,
  streams: number,
  callers: number,
  readers: Readers,
): Promise<Result> {
  const random = seeded(1)
  const rate = (read: Readers['bare']) =>
    callsEachSecond(callers, seconds, async () => {
      const { length } = await read(streamAt(random.int(0, streams - 1)))
      if (length !== EVENTS) throw new Error(`a stream of ${EVENTS} events has ${length}`)
    })
  const rounds = await inTurns(
    () => rate(readers.bare),
    () => rate(readers.ours),
  )
  return {
    name: `postgres-stream-reads-${callers}`,
    measure: `PostgreSQL: reads of one ${EVENTS}-event stream, ${callers} caller${callers === 1 ? '' : 's'}`,
    baseline: 'the statement and JSON.parse',
    ...shareOf(rounds, '/s'),
  }
}

const streamAt = (number: number) => `stock-${number}`
const write = (number: number) => ({
  stream: streamAt(number),
  expected: 'none' as const,
  events: sampleEvents(EVENTS),
})

/** The driver parses the columns of kind json by itself. */
async function bareRead(pool: pg.Pool, stream: string): Promise<readonly unknown[]> {
  const { rows } = await pool.query({
    name: 'bare_stream',
    text: `SELECT position, event_id, stream, version, event_type, event_version, data, metadata,
      occurred_at, timestamp FROM event_store.log WHERE stream = $1 ORDER BY version`,
    values: [stream],
  })
  return rows
}
