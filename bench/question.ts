// What a row of the bench is: a question, what we measured, its raw baseline from the same run, and
// what the design asks for.
import type { PostgresServer } from './postgres-server.ts'

export type Figure = { readonly value: number; readonly unit: Unit }
export type Unit = '/s' | '%' | 'µs' | 'ms' | 'MB'

export type Result = {
  readonly name: string
  readonly measure: string
  readonly ours: Figure
  /** The least that the same work can cost here, measured in the same run; and what it is. */
  readonly raw: Figure
  readonly baseline: string
  /** What the limits speak of: a share of the baseline, or what is left after it. */
  readonly judged: Figure
  /** Absent: a reference, nothing is asked of it. */
  readonly limits?: Limits
  /** Beside the row: what one number does not say. */
  readonly notes?: readonly string[]
  /** Each round's figures, ours beside its baseline, so that a reader sees how steady they are. */
  readonly rounds: readonly Round[]
}
export type Round = { readonly ours: number; readonly raw: number }
export type Limits = {
  readonly better: 'more' | 'less'
  readonly at_least: number
  readonly aim: number
}
export type Verdict = 'aim reached' | 'reached' | 'below' | 'reference'

export type Question = {
  readonly name: string
  /** One line for `--help`. */
  readonly about: string
  answer(tools: Tools): Promise<readonly Result[]>
}

export type Tools = {
  /** A fresh folder on the file system that is measured; gone at the end. */
  folder(): string
  /** How long one measurement lasts. */
  readonly seconds: number
  /** A line for whoever waits at a terminal. */
  tell(line: string): void
  /** Work to undo if the bench ends early, such as a program that was started. */
  atEnd(undo: () => void): void
  /** Started when first asked for. Rejects with NoServer where there is none. */
  postgres(): Promise<PostgresServer>
}

export function verdictOf({ judged, limits }: Pick<Result, 'judged' | 'limits'>): Verdict {
  if (limits === undefined) return 'reference'
  const holds = (limit: number) =>
    limits.better === 'more' ? judged.value >= limit : judged.value <= limit
  if (holds(limits.aim)) return 'aim reached'
  return holds(limits.at_least) ? 'reached' : 'below'
}
