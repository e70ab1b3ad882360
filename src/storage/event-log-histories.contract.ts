// What an event log must hold when many use it at once, at random: every append judged rightly
// (C1), every reader sees the one log (C2), every command has one effect (C5).
import { deepEqual, equal, ok } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { checkAppends } from '#testing/append-checker.ts'
import { checkCommands } from '#testing/command-checker.ts'
import { account, type History, openHistory, type Problem } from '#testing/history.ts'
import { HOT_STREAMS, race, wholeLog } from '#testing/racing-writers.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { checkReads } from '#testing/read-checker.ts'
import { again, asCommand, write } from '#testing/sample-appends.ts'
import type { Append, EventLog } from './event-log.ts'
import type { Opened } from './opened.ts'

const RECORDS = 10_000
const COMMANDS = 60

export function eventLogHistories(name: string, open: () => Promise<Opened<EventLog>>): void {
  const seed = seedOfRun()
  describe(`EventLog histories: ${name} (SEED=${seed})`, () => {
    let opened: Opened<EventLog>
    let log: EventLog
    let history: History
    beforeEach(async () => {
      opened = await open()
      log = opened.port
      history = openHistory()
    })
    afterEach(async () => {
      await log.close()
      await opened.remove()
    })
    const good = (problems: readonly Problem[]) =>
      equal(problems.length, 0, account(problems, seed))

    /** More handles on the same log while `work` runs, where the engine has many processes. */
    const withThree = async (work: (logs: readonly EventLog[]) => Promise<void>) => {
      const beside = [await opened.beside!(), await opened.beside!()]
      try {
        await work([log, ...beside])
      } finally {
        for (const one of beside) await one.close()
      }
    }
    const judgeRace = async () => {
      const events = await wholeLog(log)
      good(checkAppends(history.attempts, events))
      good(checkReads(history.pages, history.attempts, events))
      // A history in which nobody met anybody would prove nothing.
      const { accepted, conflict, absent, unknown } = answers(history)
      deepEqual({ absent, unknown }, { absent: undefined, unknown: undefined })
      ok(accepted! > 0 && conflict! > 0, `${accepted} accepted, ${conflict} conflicts`)
      ok(history.pages.some(({ events }) => events.length > 0))
    }
    const judgeCommands = async () => {
      const events = await wholeLog(log)
      good(checkAppends(history.attempts, events))
      good(checkCommands(history.attempts, events, await log.commandRecords('', RECORDS)))
      const { repeated, reused, absent, unknown } = answers(history)
      deepEqual({ absent, unknown }, { absent: undefined, unknown: undefined })
      ok(repeated! > 0 && reused! > 0, `${repeated} repeated, ${reused} reused`)
    }

    it('judges racing writers rightly, and shows every reader the one log (traps 1.1)', async () => {
      await race([log], history, seeded(seed))
      await judgeRace()
    })

    it('judges writers that race in several processes no differently (traps 1.2)', async (t) => {
      equal(opened.beside !== undefined, log.capabilities.manyProcesses)
      if (opened.beside === undefined) return t.skip(`${name} has one process`)
      await withThree((logs) =>
        race(logs, history, seeded(seed), { writers: 24, steps: 40, readers: 6 }),
      )
      await judgeRace()
    })

    it('carries each command out once, sent up to five times, changed, and after opening again', async () => {
      const random = seeded(seed + 1)
      const commands = Array.from({ length: COMMANDS }, (_, i) => randomCommand(random, `c-${i}`))
      await sendAll([log], history, random, commands.slice(0, COMMANDS / 2))
      if (opened.reopen !== undefined) {
        await log.close()
        log = await opened.reopen()
      }
      await sendAll([log], history, random, commands)
      await judgeCommands()
    })

    it('carries each command out once, whichever processes it is sent to', async (t) => {
      if (opened.beside === undefined) return t.skip(`${name} has one process`)
      const random = seeded(seed + 2)
      const commands = Array.from({ length: COMMANDS }, (_, i) => randomCommand(random, `c-${i}`))
      await withThree((logs) => sendAll(logs, history, random, commands))
      await judgeCommands()
    })
  })
}

/** How often each answer was given. */
function answers({ attempts }: History): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome } of attempts) {
    const answer = typeof outcome === 'string' ? outcome : outcome.ok ? 'accepted' : outcome.reason
    counts[answer] = (counts[answer] ?? 0) + 1
  }
  return counts
}

/** A command with its own streams and the hot ones; sometimes it will not be accepted. */
function randomCommand(random: Random, id: string): Append {
  const hot = random.pick(HOT_STREAMS)
  const writes = [
    write(hot, random.pick(['any', 'any', 'any', 'exists', 'none']), random.int(0, 3)),
    write(`order-${id}`, 'none', random.int(0, 2)),
  ]
  return {
    writes: random.shuffled(writes),
    command: asCommand(id, { id, list: [random.int(0, 9)] }),
  }
}

/** Each one to five times, all at the same moment; now and then with other content. */
async function sendAll(
  logs: readonly EventLog[],
  history: History,
  random: Random,
  commands: readonly Append[],
): Promise<void> {
  const copies = commands.flatMap((asked) =>
    Array.from({ length: random.int(1, 5) }, (_, i) => copyOf(random, asked, i)),
  )
  await Promise.all(
    random
      .shuffled(copies)
      .map(({ name, append }, i) => history.append(logs[i % logs.length]!, name, append)),
  )
}

/** Every copy has events of its own, so that the log shows which copy had the effect. */
function copyOf(random: Random, asked: Append, copy: number) {
  const changed = random.chance(0.2)
  const { writes } = again(asked)
  const command = asked.command!
  return {
    name: `${command.id} copy ${copy}${changed ? ' changed' : ''}`,
    append: {
      writes,
      command: changed ? { ...command, fingerprint: 'changed', response: 'changed' } : command,
    },
  }
}
