// How much of a bare commit's speed is left to one caller who waits for each append.
import { randomUUIDv7 } from 'node:crypto'
import { join } from 'node:path'
import { openEventLog } from '#storage/sqlite/event-log.ts'
import { callsEachSecond } from './closed-loop.ts'
import type { Question, Tools } from './question.ts'
import { singleCommits } from './raw-inserts.ts'
import { inTurns, shareOf } from './rounds.ts'
import { sampleEvent } from './sample-event.ts'

export const appendOneCaller: Question = {
  name: 'append-one-caller',
  about: 'SQLite, appends of 1 event by 1 caller, beside bare single-row commits',
  async answer(tools) {
    const bare = await inTurns(
      () => singleCommits(tools.folder(), tools.seconds),
      () => appends(tools, false),
    )
    const recorded = await inTurns(
      () => singleCommits(tools.folder(), tools.seconds),
      () => appends(tools, true),
    )
    return [
      {
        name: 'append-one-caller',
        measure: 'SQLite: appends of 1 event, 1 caller',
        baseline: 'single-row commits',
        ...shareOf(bare, '/s'),
        limits: { better: 'more', at_least: 75, aim: 85 },
      },
      {
        name: 'append-one-caller-recorded',
        measure: 'SQLite: the same with a command record',
        baseline: 'single-row commits',
        ...shareOf(recorded, '/s'),
      },
    ]
  },
}

async function appends({ folder, seconds }: Tools, recorded: boolean): Promise<number> {
  const log = await openEventLog({ path: join(folder(), 'log.db') })
  try {
    return await callsEachSecond(1, seconds, async () => {
      const stream = `stock-${randomUUIDv7()}`
      const command = { id: randomUUIDv7(), fingerprint: stream, response: { stream } }
      const writes = [{ stream, expected: 'none', events: [sampleEvent()] }] as const
      await log.append(recorded ? { writes, command } : { writes })
    })
  } finally {
    await log.close()
  }
}
