// The known name that a misspelt one most likely meant.

/** Null when nothing is near: more than a third of the letters would have to change. */
export function closest(name: string, known: readonly string[]): string | null {
  const given = name.toLowerCase()
  let best: string | null = null
  let least = Math.floor(name.length / 3) + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - given.length) >= least) continue
    const edits = distance(given, candidate)
    if (edits < least) {
      best = candidate
      least = edits
    }
  }
  return best
}

/** Letters to insert, remove or replace to get from one to the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++)
      next.push(
        Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)),
      )
    row = next
  }
  return row[to.length]!
}
