// Clients that race over a few hot streams, expecting the right thing, the wrong thing and
// anything.
import type { Append, EventLog, Expected } from '#storage/event-log.ts'
import type { History } from './history.ts'
import type { Random } from './random.ts'
import { asCommand, write } from './sample-appends.ts'

export const HOT_STREAMS = ['hot-1', 'hot-2', 'hot-3', 'hot-4', 'hot-5']
const READ_PAGE_MAX = 40

/** What one client believes the streams' versions to be. */
export type Belief = Map<string, number>

/** One to three streams, now and then only checked, now and then with many events. */
export function randomAppend(random: Random, belief: Belief, commandId?: string): Append {
  const streams = random.shuffled(HOT_STREAMS).slice(0, random.pick([1, 1, 1, 2, 3]))
  const writes = streams.map((stream) =>
    write(stream, randomExpectation(random, belief.get(stream) ?? 0), randomCount(random)),
  )
  return commandId === undefined ? { writes } : { writes, command: asCommand(commandId) }
}

const randomCount = (random: Random) =>
  random.chance(0.15) ? 0 : random.chance(0.1) ? random.int(2, 20) : 1

function randomExpectation(random: Random, believed: number): Expected {
  const dice = random.next()
  if (dice < 0.6) return believed === 0 && random.chance(0.5) ? 'none' : believed
  if (dice < 0.75) return 'any'
  if (dice < 0.85) return random.pick(['none', 'exists'])
  return random.int(0, believed + 2)
}

/** Over several handles of one log, as several processes have them. */
export async function race(
  logs: readonly EventLog[],
  history: History,
  random: Random,
  { writers = 12, steps = 30, readers = 4 } = {},
): Promise<void> {
  let writing = true
  const writer = async (name: string, log: EventLog) => {
    const belief: Belief = new Map()
    for (let step = 0; step < steps; step++) {
      const append = randomAppend(random, belief)
      const verdict = await history.append(log, `${name}.${step}`, append)
      learn(belief, append, verdict)
    }
  }
  const reader = async (name: string, log: EventLog) => {
    for (let after = 0, idle = 0; idle < 2; ) {
      const events = await history.read(log, name, after, random.int(1, READ_PAGE_MAX))
      after = events?.at(-1)?.position ?? after
      // Once more after the last writer, for what came between.
      if (!writing && events?.length === 0) idle++
      await new Promise(setImmediate)
    }
  }
  const each = (count: number, run: (name: string, log: EventLog) => Promise<void>) =>
    Array.from({ length: count }, (_, i) => run(`${i}`, logs[i % logs.length]!))
  const reading = each(readers, (name, log) => reader(`reader ${name}`, log))
  await Promise.all(each(writers, (name, log) => writer(`writer ${name}`, log)))
  writing = false
  await Promise.all(reading)
}

/** Takes what the answer tells about versions. */
export function learn(
  belief: Belief,
  { writes }: Append,
  verdict: Awaited<ReturnType<History['append']>>,
): void {
  if (verdict === null) return
  if (verdict.ok) {
    for (const [i, { stream }] of writes.entries()) belief.set(stream, verdict.versions[i]!)
    return
  }
  if (verdict.reason === 'conflict') belief.set(verdict.stream, verdict.actual)
}

/** The whole log, in pages. */
export async function wholeLog(log: EventLog) {
  const events = [...(await log.readAll(0, 1_000))]
  for (;;) {
    // A damaged log may have holes.
    const page = await log.readAll(events.at(-1)?.position ?? 0, 1_000)
    if (page.length === 0) return events
    events.push(...page)
  }
}
