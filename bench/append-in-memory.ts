// The reference engine: what the port itself costs when nothing is kept on a disk.
import { randomUUIDv7 } from 'node:crypto'
import { openEventLog } from '#storage/memory/event-log.ts'
import { callsEachSecond, workEachSecond } from './closed-loop.ts'
import type { Question } from './question.ts'
import { inTurns, shareOf } from './rounds.ts'
import { type RawRow, rawRow, sampleEvent } from './sample-event.ts'

const CALLERS = 64
/** Before the list is begun anew: the baseline is not to be about the heap. */
const KEPT_MAX = 100_000

export const appendInMemory: Question = {
  name: 'append-in-memory',
  about: 'the memory engine, appends of 1 event, beside JSON text pushed onto an array',
  async answer({ seconds }) {
    const rounds = await inTurns(
      () => pushes(seconds),
      () => appends(seconds),
    )
    return [
      {
        name: 'append-in-memory',
        measure: `memory: appends of 1 event, ${CALLERS} callers`,
        baseline: 'JSON texts pushed onto an array',
        ...shareOf(rounds, '/s'),
      },
    ]
  },
}

function pushes(seconds: number): number {
  let kept: RawRow[] = []
  return workEachSecond(seconds, () => {
    if (kept.length >= KEPT_MAX) kept = []
    kept.push(rawRow())
    return 1
  })
}

async function appends(seconds: number): Promise<number> {
  const log = await openEventLog()
  const rate = await callsEachSecond(CALLERS, seconds, () =>
    log.append({
      writes: [{ stream: `stock-${randomUUIDv7()}`, expected: 'none', events: [sampleEvent()] }],
    }),
  )
  await log.close()
  return rate
}
