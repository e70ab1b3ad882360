// The last movements of a stock item by when they happened, so that a count which is recorded later
// can say what lay there then. Bounded: how far back it reaches is part of it.

export type RecentMoves = {
  /** What moved later than this is known, in milliseconds; of what moved earlier, nothing is. */
  readonly since: number
  /** Pairs of a moment in milliseconds and a change, the oldest first. Flat: a state is copied. */
  readonly moves: readonly number[]
}

/** A shop sells so many of one product between counting a shelf and writing the number down. */
const MOVES_MAX = 64

export const noMoves = (since: string): RecentMoves => ({ since: Date.parse(since), moves: [] })

/** In milliseconds; nothing that is known happened later. */
export const newestMove = ({ since, moves }: RecentMoves): number =>
  Math.max(since, moves.at(-2) ?? since)

/** With one more; the oldest goes where there are too many. */
export function noted({ since, moves }: RecentMoves, time: string, change: number): RecentMoves {
  if (change === 0) return { since, moves }
  const at = Date.parse(time)
  let end = moves.length
  while (end > 0 && moves[end - 2]! > at) end -= 2
  const all = [...moves.slice(0, end), at, change, ...moves.slice(end)]
  if (all.length <= MOVES_MAX * 2) return { since, moves: all }
  return { since: Math.max(since, all[0]!), moves: all.slice(2) }
}

/** How much has come, less what has gone, since then; null: that is too long ago to be known. */
export function changedSince({ since, moves }: RecentMoves, time: string): number | null {
  const at = Date.parse(time)
  if (at < since) return null
  let sum = 0
  for (let i = moves.length - 2; i >= 0 && moves[i]! > at; i -= 2) sum += moves[i + 1]!
  return sum
}
