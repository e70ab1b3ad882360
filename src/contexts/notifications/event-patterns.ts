// Which events somebody wants: names with `*` for any letters, `Order*`, `*`.
import type { EventTypes } from '#kernel/event-types.ts'
import { text } from '#kernel/schema.ts'

export const PATTERNS_MAX = 50
const PATTERN = '^[A-Za-z*]{1,100}$'
export const pattern = () => ({ ...text({ max: 100, example: 'Order*' }), pattern: PATTERN })

/** The types that have one of these names; other names of a type count too. */
export function typesWanted(patterns: readonly string[], types: EventTypes): ReadonlySet<string> {
  const wanted = patterns.map(matcher)
  return new Set(
    Object.entries(types)
      .filter(([name, { aliases = [] }]) =>
        [name, ...aliases].some((one) => wanted.some((matches) => matches(one))),
      )
      .map(([name]) => name),
  )
}

/** By hand: a pattern made into a regular expression could take for ever. */
function matcher(pattern: string): (name: string) => boolean {
  const parts = pattern.split('*')
  const [first = '', last = ''] = [parts[0], parts.at(-1)]
  if (parts.length === 1) return (name) => name === pattern
  return (name) => {
    if (!name.startsWith(first) || !name.endsWith(last)) return false
    let at = first.length
    for (const part of parts.slice(1, -1)) {
      const found = name.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return name.length - last.length >= at
  }
}
