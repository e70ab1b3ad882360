// What group commit makes of 64 callers: events each second beside bare bulk inserts.
import { randomUUIDv7 } from 'node:crypto'
import { join } from 'node:path'
import { openEventLog } from '#storage/sqlite/event-log.ts'
import { callsEachSecond } from './closed-loop.ts'
import type { Limits, Question, Result, Tools } from './question.ts'
import { bulkInserts } from './raw-inserts.ts'
import { inTurns, shareOf } from './rounds.ts'
import { sampleEvents } from './sample-event.ts'

const CALLERS = 64

export const appendManyCallers: Question = {
  name: 'append-many-callers',
  about:
    'SQLite, 64 callers, appends of 1 and 10 events, beside bare inserts of 1,000 rows a commit',
  answer: async (tools) => [
    await row(tools, 1, { better: 'more', at_least: 9, aim: 15 }),
    await row(tools, 10, { better: 'more', at_least: 30, aim: 45 }),
  ],
}

async function row(tools: Tools, events: number, limits: Limits): Promise<Result> {
  const rounds = await inTurns(
    () => bulkInserts(tools.folder(), tools.seconds),
    async () => events * (await appends(tools, events)),
  )
  return {
    name: `append-many-callers-${events}`,
    measure: `SQLite: events of ${events}-event appends, ${CALLERS} callers`,
    baseline: 'rows, 1,000 a commit',
    ...shareOf(rounds, '/s'),
    limits,
  }
}

async function appends({ folder, seconds }: Tools, count: number): Promise<number> {
  const log = await openEventLog({ path: join(folder(), 'log.db') })
  try {
    return await callsEachSecond(CALLERS, seconds, () =>
      log.append({
        writes: [
          { stream: `stock-${randomUUIDv7()}`, expected: 'none', events: sampleEvents(count) },
        ],
      }),
    )
  } finally {
    await log.close()
  }
}
