// How fast a projection that starts from nothing catches up with a log of 100,000 keys.
import { join } from 'node:path'
import { openEventLog, openEventLogReadOnly } from '#storage/sqlite/event-log.ts'
import { openReadModels } from '#storage/sqlite/read-models.ts'
import { heldCatchUp, writeHeld } from './held-projection.ts'
import type { Question, Tools } from './question.ts'
import { readAndParse } from './raw-reads.ts'
import { inTurns, shareOf } from './rounds.ts'

const KEYS = 100_000
const EVENTS_A_KEY = 2

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

async function written({ folder, tell }: Tools): Promise<{ path: string; events: number }> {
  const events = KEYS * EVENTS_A_KEY
  tell(`writing ${events} events`)
  const path = join(folder(), 'log.db')
  const log = await openEventLog({ path })
  await writeHeld(log, KEYS, events)
  await log.close()
  return { path, events }
}

async function caughtUp({ folder }: Tools, path: string, events: number): Promise<number> {
  const log = await openEventLogReadOnly({ path })
  const reads = await openReadModels({ path: join(folder(), 'views.db') })
  try {
    return await heldCatchUp(log, reads, events)
  } finally {
    await reads.close()
    await log.close()
  }
}
