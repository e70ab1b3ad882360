// A process that is there to be killed: writes to a durable log without a pause and says on its
// standard output, line by line, what it asks for and what it was told.
// Arguments: engine, place as JSON, seed, round, which of the round's processes.
import { type EngineName, engines } from '#storage/engines.ts'
import type { Append, EventLog, Verdict } from '#storage/event-log.ts'
import { machineTick } from './history.ts'
import { type Belief, HOT_STREAMS, learn, randomAppend } from './racing-writers.ts'
import { seeded } from './random.ts'
import { say as sayLine } from './say.ts'

/**
 * What the parent reads. A line is with the kernel before the next step: a kill cannot take it
 * back.
 */
export type CrashLine =
  | { readonly ask: string; readonly at: number; readonly append: Append }
  | { readonly told: string; readonly at: number; readonly verdict: Verdict }

const WRITERS = 8
const say = (line: CrashLine) => sayLine(line)

const [engine, place, seed, round, nth] = process.argv.slice(2) as [EngineName, ...string[]]
const { openEventLog } = await engines[engine]()
const log = await openEventLog(JSON.parse(place!))
const first = Number(nth) * WRITERS
await Promise.all(Array.from({ length: WRITERS }, (_, i) => writeForEver(log, first + i)))

async function writeForEver(log: EventLog, writer: number): Promise<never> {
  const random = seeded(Number(seed) + Number(round) * 1_000 + writer)
  const belief: Belief = new Map()
  for (const stream of HOT_STREAMS) belief.set(stream, (await log.readStream(stream)).length)
  for (let step = 0; ; step++) {
    const name = `${round}.${writer}.${step}`
    const append = randomAppend(random, belief, name)
    say({ ask: name, at: machineTick(), append })
    const verdict = await log.append(append)
    say({ told: name, at: machineTick(), verdict })
    learn(belief, append, verdict)
  }
}
