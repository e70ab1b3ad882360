// Point-wise reads: one stream of 20 events after another, in no order.
import { join } from 'node:path'
import { openEventLog } from '#storage/sqlite/event-log.ts'
import { seeded } from '#testing/random.ts'
import { callsEachSecond, workEachSecond } from './closed-loop.ts'
import type { Question } from './question.ts'
import { streamReader } from './raw-reads.ts'
import { inTurns, shareOf } from './rounds.ts'
import { sampleEvents } from './sample-event.ts'

const EVENTS = 20
const STREAMS = 5_000
const STREAMS_AN_APPEND = 200

export const streamReads: Question = {
  name: 'stream-reads',
  about: 'SQLite, reads of one 20-event stream, beside a bare statement and JSON.parse',
  async answer({ folder, seconds, tell }) {
    const path = join(folder(), 'log.db')
    tell(`writing ${STREAMS} streams`)
    const log = await openEventLog({ path })
    for (let from = 0; from < STREAMS; from += STREAMS_AN_APPEND)
      await log.append({
        writes: Array.from({ length: STREAMS_AN_APPEND }, (_, i) => write(from + i)),
      })
    const random = seeded(1)
    const any = () => streamAt(random.int(0, STREAMS - 1))
    const raw = streamReader(path)
    const rounds = await inTurns(
      () => workEachSecond(seconds, () => (raw.read(any()).length > 0 ? 1 : 0)),
      () => callsEachSecond(1, seconds, () => log.readStream(any())),
    )
    raw.close()
    await log.close()
    return [
      {
        name: 'stream-reads',
        measure: `SQLite: reads of one ${EVENTS}-event stream, 1 caller`,
        baseline: 'the statement and JSON.parse',
        ...shareOf(rounds, '/s'),
      },
    ]
  },
}

const streamAt = (number: number) => `stock-${number}`
const write = (number: number) => ({
  stream: streamAt(number),
  expected: 'none' as const,
  events: sampleEvents(EVENTS),
})
