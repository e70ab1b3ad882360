// A log that fails now and then, as a disk or a network does: before the effect, after it, while
// reading, or only by being slow. Everything else is the log inside; one seed gives one run.
import {
  type Append,
  type EventLog,
  OutcomeUnknown,
  StorageFull,
  type Verdict,
} from '#storage/event-log.ts'
import type { Random } from './random.ts'

/** How likely each fault is, from 0 to 1. */
export type FaultRates = {
  /** An append fails and nothing is written. */
  readonly refused: number
  /** An append is written and its answer is lost. */
  readonly unanswered: number
  /** An append's answer is lost and nothing is written. */
  readonly lost: number
  /** A read fails. */
  readonly unread: number
  /** Something waits for others before it begins, and before it answers. */
  readonly slow: number
  /** A wake-up is not passed on. */
  readonly unheard: number
}
export type Fault = keyof FaultRates

export type FaultyLog = EventLog & {
  /** How often each fault happened. */
  readonly faults: Readonly<Record<Fault, number>>
  /** From now on nothing fails any more. */
  heal(): void
}

const TURNS_MAX = 5

export function faulty(log: EventLog, random: Random, rates: Partial<FaultRates>): FaultyLog {
  const faults = { refused: 0, unanswered: 0, lost: 0, unread: 0, slow: 0, unheard: 0 }
  let healed = false
  const happens = (fault: Fault): boolean => {
    const probability = rates[fault] ?? 0
    if (healed || probability === 0 || !random.chance(probability)) return false
    faults[fault]++
    return true
  }
  const pause = async () => {
    if (!happens('slow')) return
    for (let turns = random.int(1, TURNS_MAX); turns > 0; turns--) await new Promise(setImmediate)
  }
  const reading =
    <A extends unknown[], R>(read: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await pause()
      if (happens('unread')) throw new Error('the disk failed while reading')
      const result = await read(...args)
      await pause()
      return result
    }

  const pending = new Set<Promise<unknown>>()
  const failingAppend = async (append: Append): Promise<Verdict> => {
    await pause()
    if (happens('refused')) throw new StorageFull('no room to write; nothing was stored')
    if (happens('lost')) throw new OutcomeUnknown('the disk failed at commit')
    const verdict = await log.append(append)
    await pause()
    if (happens('unanswered')) throw new OutcomeUnknown('the answer was lost')
    return verdict
  }

  return {
    ...log,
    faults,
    heal() {
      healed = true
    },
    append(append) {
      // What waits must not change meanwhile: the log inside would have taken it at once.
      const answer = failingAppend(structuredClone(append))
      const settled: Promise<unknown> = answer.then(noOp, noOp).then(() => pending.delete(settled))
      pending.add(settled)
      return answer
    },
    async close() {
      await Promise.all(pending)
      await log.close()
    },
    readStream: reading(log.readStream),
    readStreams: reading(log.readStreams),
    readAll: reading(log.readAll),
    load: reading(log.load),
    head: reading(log.head),
    positionAt: reading(log.positionAt),
    commandRecord: reading(log.commandRecord),
    commandRecords: reading(log.commandRecords),
    claims: reading(log.claims),
    onAppended: (wake) =>
      log.onAppended((position) => {
        if (!happens('unheard')) wake(position)
      }),
  }
}

const noOp = () => {}
