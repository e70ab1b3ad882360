// Lines for the operator without those that were told just now: a server that is away is met by
// everything that goes on by itself, several times a second.

const QUIET_MS = 10_000
const TEXTS_MAX = 200

/** The same words again are told after a while, with how often they came. */
export function sparing(
  tell: (line: string) => void,
  now: () => number = Date.now,
): (line: string) => void {
  const told = new Map<string, { readonly at: number; unsaid: number }>()
  return (line) => {
    const last = told.get(line)
    if (last !== undefined && now() - last.at < QUIET_MS) {
      last.unsaid++
      return
    }
    told.delete(line)
    told.set(line, { at: now(), unsaid: 0 })
    if (told.size > TEXTS_MAX) told.delete(told.keys().next().value!)
    tell(last === undefined || last.unsaid === 0 ? line : `${line} (and ${last.unsaid} times more)`)
  }
}
