// A process that appends to PostgreSQL with a number of callers, once it is told to go: several of
// them are several processes that write one log.
import { randomUUIDv7 } from 'node:crypto'
import { once } from 'node:events'
import { openEventLog } from '#storage/postgres/event-log.ts'
import type { AppendJob } from './appenders.ts'
import { callsEachSecond, timedCalls } from './closed-loop.ts'
import { sampleEvents } from './sample-event.ts'

/** The first calls are compiled and open connections; a server has that behind it. */
const WARM_UP_S = 0.3

process.on('disconnect', () => process.exit(0))
for (;;) {
  const [job] = (await once(process, 'message')) as [AppendJob]
  const { url, callers, events, seconds } = job
  const log = await openEventLog({ url })
  const append = () =>
    log.append({
      writes: [
        { stream: `stock-${randomUUIDv7()}`, expected: 'none', events: sampleEvents(events) },
      ],
    })
  await callsEachSecond(callers, Math.min(WARM_UP_S, seconds), append)
  const told = once(process, 'message')
  process.send?.('ready')
  await told
  const done = await timedCalls(callers, seconds, append)
  await log.close()
  process.send?.(done)
}
