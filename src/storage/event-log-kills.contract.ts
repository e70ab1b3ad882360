// What a durable event log must hold when its process is killed with no warning, again and again:
// everything acknowledged is there, every append is whole or absent, every command has one effect.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { checkAppends } from '#testing/append-checker.ts'
import { checkCommands } from '#testing/command-checker.ts'
import { account, type History, machineTick, openHistory } from '#testing/history.ts'
import { wholeLog } from '#testing/racing-writers.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { again } from '#testing/sample-appends.ts'
import { writerProcess } from '#testing/writer-process.ts'
import type { EngineName, Place } from './engines.ts'
import type { Append, EventLog } from './event-log.ts'

/** As many as a suite has patience for; KILLS asks for more. */
const KILLS = Number(process.env.KILLS ?? 15)
/** The kill comes after at most so many answers. */
const ANSWERS_MAX = 120
const RECORDS = 1_000_000

export type KillSite = {
  readonly engine: EngineName
  readonly place: Place
  readonly open: () => Promise<EventLog>
  /** How many processes write, and are killed, at a time. */
  readonly processes: number
  /** What the engine's own check of what it stored has to say; empty when all is well. */
  readonly inspect: () => Promise<readonly string[]>
  readonly remove: () => Promise<void>
}

export function eventLogKills(name: string, make: () => Promise<KillSite>): void {
  const seed = seedOfRun()
  describe(`EventLog kills: ${name} (SEED=${seed})`, () => {
    it(`loses nothing acknowledged and halves nothing, killed ${KILLS} times`, async (t) => {
      const site = await make()
      const history = openHistory(machineTick)
      const random = seeded(seed)
      let hits = 0
      try {
        for (let round = 0; round < KILLS; round++) {
          const runs = await Promise.all(
            Array.from({ length: site.processes }, (_, nth) =>
              killedRun(site, history, random, [`${seed}`, `${round}`, `${nth}`]),
            ),
          )
          hits += runs.filter((unanswered) => unanswered.size > 0).length
          await reopened(site, history, seed, new Map(runs.flatMap((run) => [...run])))
        }
      } finally {
        await site.remove()
      }
      t.diagnostic(`${hits} of ${KILLS * site.processes} kills hit a working writer`)
      t.diagnostic(`${history.attempts.length} appends asked for`)
      ok(hits > 0, 'no kill hit a working writer')
    })
  })
}

/**
 * Looks at what is there; then whoever got no answer asks again, as a client does, and all is
 * judged.
 */
async function reopened(
  { open, inspect }: KillSite,
  history: History,
  seed: number,
  unanswered: ReadonlyMap<string, Append>,
): Promise<void> {
  const log = await open()
  try {
    deepEqual(await inspect(), [])
    await judge(log, history, seed)
    for (const [name, append] of unanswered)
      await history.append(log, `${name} again`, again(append))
    await judge(log, history, seed)
  } finally {
    await log.close()
  }
}

/** Every append judged rightly and whole, every command once. */
export async function judge(log: EventLog, { attempts }: History, seed: number): Promise<void> {
  const events = await wholeLog(log)
  const problems = [
    ...checkAppends(attempts, events),
    ...checkCommands(attempts, events, await log.commandRecords('', RECORDS)),
  ]
  equal(problems.length, 0, account(problems, seed))
}

/** Lets a writer run, kills it at a random moment. */
function killedRun(
  { engine, place }: KillSite,
  history: History,
  random: Random,
  args: readonly string[],
): Promise<ReadonlyMap<string, Append>> {
  // Some while it opens the files, most after so many answers and a moment more.
  const early = random.chance(0.1)
  const answersMax = random.int(0, ANSWERS_MAX)
  const later = random.int(0, early ? 150 : 5)
  const writer = writerProcess(engine, place, history, args, (answers) => {
    if (!early && answers === answersMax + 1) strike()
  })
  const strike = () => void wait(later).then(writer.kill)
  if (early) strike()
  return writer.ended
}
