// Ours and its baseline in turns, so that a machine that slows down slows both; the median of
// three.
import type { Figure, Result, Round, Unit } from './question.ts'

const ROUNDS = 3

export async function inTurns(
  raw: () => Promise<number> | number,
  ours: () => Promise<number> | number,
): Promise<readonly Round[]> {
  const rounds: Round[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const baseline = await raw()
    rounds.push({ raw: baseline, ours: await ours() })
  }
  return rounds
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

/** Nearest rank; 0 of nothing. */
export function percentile(values: readonly number[] | Float64Array, share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
}

type Measured = Pick<Result, 'ours' | 'raw' | 'judged' | 'rounds'>

/** Judged by the share that ours reaches of its baseline: each round's own, then their median. */
export function shareOf(rounds: readonly Round[], unit: Unit): Measured {
  const share = median(rounds.map(({ ours, raw }) => (100 * ours) / raw))
  return { ...figures(rounds, unit), judged: { value: share, unit: '%' } }
}

/** Judged by what ours costs beyond its baseline. */
export function beyond(rounds: readonly Round[], unit: Unit): Measured {
  const rest = median(rounds.map(({ ours, raw }) => ours - raw))
  return { ...figures(rounds, unit), judged: { value: rest, unit } }
}

/** Judged by itself; the baseline only says what the machine is like. */
export function itself(rounds: readonly Round[], unit: Unit): Measured {
  const { ours, raw } = figures(rounds, unit)
  return { ours, raw, judged: ours, rounds }
}

function figures(rounds: readonly Round[], unit: Unit) {
  const of = (values: readonly number[]): Figure => ({ value: median(values), unit })
  return { ours: of(rounds.map((r) => r.ours)), raw: of(rounds.map((r) => r.raw)), rounds }
}
