// What clients of a log did and were told, moment by moment, so that checkers can judge it
// afterwards. Of moments only before and after matter: they are ticks of one counter, or of a clock
// that all processes of the machine share.
import type { Recorded } from '#kernel/message.ts'
import { type Append, type EventLog, OutcomeUnknown, type Verdict } from '#storage/event-log.ts'

/** An append that was asked for. Completed at Infinity: never answered. */
export type Attempt = {
  readonly name: string
  readonly invoked: number
  readonly completed: number
  readonly append: Append
  /** `unknown`: it may or may not be stored; `absent`: it failed and must not be. */
  readonly outcome: Verdict | 'unknown' | 'absent'
}

/** A page that a reader of the whole log was given. */
export type Page = {
  readonly reader: string
  readonly asked: number
  readonly answered: number
  readonly after: number
  readonly limit: number
  readonly events: readonly Recorded[]
}

export type Problem = { readonly message: string; readonly attempts: readonly Attempt[] }

export type History = {
  readonly attempts: Attempt[]
  readonly pages: Page[]
  tick(): number
  /** Appends and notes what came of it; null when that is not known. */
  append(log: EventLog, name: string, append: Append): Promise<Verdict | null>
  /** Reads on and notes the page; null when reading failed. */
  read(
    log: EventLog,
    reader: string,
    after: number,
    limit: number,
  ): Promise<readonly Recorded[] | null>
}

/** For histories of several processes. */
export const machineTick = () => Number(process.hrtime.bigint())

const counter = () => {
  let now = 0
  return () => ++now
}

export function openHistory(tick: () => number = counter()): History {
  const attempts: Attempt[] = []
  const pages: Page[] = []
  return {
    attempts,
    pages,
    tick,
    async append(log, name, append) {
      const invoked = tick()
      const outcome = await log.append(append).catch(outcomeOf)
      attempts.push({ name, invoked, completed: tick(), append, outcome })
      return typeof outcome === 'string' ? null : outcome
    },
    async read(log, reader, after, limit) {
      const asked = tick()
      const events = await log.readAll(after, limit).catch(() => null)
      if (events !== null) pages.push({ reader, asked, answered: tick(), after, limit, events })
      return events
    },
  }
}

/** Every other error promises that nothing was written. */
const outcomeOf = (error: unknown): 'unknown' | 'absent' =>
  error instanceof OutcomeUnknown ? 'unknown' : 'absent'

/** The largest value among points before a moment; 0 when there is none. */
export function ladder(points: readonly (readonly [at: number, value: number])[]) {
  const sorted = points.toSorted(([a], [b]) => a - b)
  let most = 0
  const tops = sorted.map(([, value]) => {
    most = Math.max(most, value)
    return most
  })
  return {
    before(moment: number): number {
      let low = 0
      let high = sorted.length
      while (low < high) {
        const middle = (low + high) >> 1
        if (sorted[middle]![0] < moment) low = middle + 1
        else high = middle
      }
      return low === 0 ? 0 : tops[low - 1]!
    },
  }
}

const PROBLEMS_SHOWN = 3
const ATTEMPTS_SHOWN = 12

/** What went wrong, with the few attempts that show it and the seed that may bring it back. */
export function account(problems: readonly Problem[], seed: number): string {
  const shown = problems.slice(0, PROBLEMS_SHOWN).map(({ message, attempts }) => {
    const lines = attempts
      .toSorted((a, b) => a.invoked - b.invoked)
      .slice(0, ATTEMPTS_SHOWN)
      .map(toLine)
    return [message, ...lines].join('\n    ')
  })
  const head = `${problems.length} problems (SEED=${seed})`
  return [head, ...shown].join('\n  ')
}

function toLine({ name, invoked, completed, append, outcome }: Attempt): string {
  const writes = append.writes.map(
    ({ stream, expected, events }) => `${stream}@${expected}+${events.length}`,
  )
  const command = append.command === undefined ? '' : ` as ${append.command.id}`
  return `[${invoked}–${completed}] ${name}: ${writes.join(' ')}${command} → ${JSON.stringify(outcome)}`
}
