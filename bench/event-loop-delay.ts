// How long the main thread keeps others waiting while 256 callers append: it only packs and hands
// over.
import { randomUUIDv7 } from 'node:crypto'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEventLog } from '#storage/sqlite/event-log.ts'
import { callsEachSecond } from './closed-loop.ts'
import type { Question, Tools } from './question.ts'
import { inTurns, itself } from './rounds.ts'
import { sampleEvent } from './sample-event.ts'

const CALLERS = 256
/** A timer of this many milliseconds is what looks; what it was set to is taken off. */
const RESOLUTION_MS = 1
const NS_PER_MS = 1e6

export const eventLoopDelay: Question = {
  name: 'event-loop-delay',
  about: 'the event loop’s delay, p99, while 256 callers append to SQLite, beside an idle loop',
  async answer(tools) {
    const rounds = await inTurns(
      () => delayWhile(() => sleep(tools.seconds * 1_000)),
      () => whileAppending(tools),
    )
    return [
      {
        name: 'event-loop-delay',
        measure: `event-loop delay p99 while ${CALLERS} callers append`,
        baseline: 'the same of an idle loop',
        ...itself(rounds, 'ms'),
        limits: { better: 'less', at_least: 5, aim: 3 },
      },
    ]
  },
}

async function whileAppending({ folder, seconds }: Tools): Promise<number> {
  const log = await openEventLog({ path: join(folder(), 'log.db') })
  const append = () =>
    log.append({
      writes: [{ stream: `stock-${randomUUIDv7()}`, expected: 'none', events: [sampleEvent()] }],
    })
  try {
    // The first calls are compiled; a server has that behind it.
    await callsEachSecond(CALLERS, Math.min(1, seconds), append)
    return await delayWhile(() => callsEachSecond(CALLERS, seconds, append))
  } finally {
    await log.close()
  }
}

async function delayWhile(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  await work()
  delay.disable()
  return Math.max(0, delay.percentile(99) / NS_PER_MS - RESOLUTION_MS)
}
