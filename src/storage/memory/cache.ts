// Answers kept in the process, bounded in number and size. What is forgotten for want of room takes
// its mark along, so that a ticket from before is worthless.
import { LRUCache } from 'lru-cache'
import { type Cache, type Change, hasSeen, KNOWN_FOR_MS, nameOf } from '#storage/cache.ts'

export type MemoryCacheOptions = {
  readonly entriesMax?: number
  /** Of all answers together, in characters. */
  readonly sizeMax?: number
  /** Milliseconds that only go forward. */
  readonly now?: () => number
  readonly knownForMs?: number
}
const ENTRIES_MAX = 50_000
const SIZE_MAX = 64 * 1024 * 1024

type Source = { readonly mark: number; readonly position: number; readonly knownUntil: number }
type Entry = {
  readonly value: string
  readonly position: number
  readonly filledAt: number
  readonly until: number
  readonly marks: string
}

export async function openCache(options: MemoryCacheOptions = {}): Promise<Cache> {
  const { entriesMax = ENTRIES_MAX, sizeMax = SIZE_MAX, now = () => performance.now() } = options
  const { knownForMs = KNOWN_FOR_MS } = options
  const entries = new LRUCache<string, Entry>({
    max: entriesMax,
    maxSize: sizeMax,
    sizeCalculation: ({ value }, key) => key.length + value.length + 1,
  })
  const names = new LRUCache<string, number>({ max: entriesMax })
  const sources = new Map<string, Source>()
  let marksGiven = 0

  const know = (source: string, position: number, { mark } = { mark: ++marksGiven }) =>
    sources.set(source, { mark, position, knownUntil: now() + knownForMs })

  const markOf = (name: string): number => {
    const known = names.get(name) ?? ++marksGiven
    names.set(name, known)
    return known
  }
  const ticketOf = (key: string, of: readonly string[]) => {
    const known = of.map((source) => sources.get(source))
    if (!known.every((source) => source !== undefined && now() < source.knownUntil)) return null
    // Just seen: none of them is missing.
    const all = known as readonly Source[]
    return {
      marks: [...all.map(({ mark }) => mark), markOf(nameOf(key))].join(' '),
      told: all.map(({ position }) => position),
    }
  }
  const tell = ({ source, from, to, names: changed }: Change) => {
    const known = sources.get(source)
    if (known === undefined) know(source, to)
    else if (known.position === from) know(source, to, known)
    // Told late, and known otherwise since. Anything else is a gap.
    else if (known.position < to) know(source, to)
    for (const name of changed) names.delete(name)
  }

  return {
    async get(key, of) {
      const ticket = ticketOf(key, of)
      const entry = entries.get(key)
      if (entry === undefined) return { kept: null, fresh: false, ticket }
      const { value, position, filledAt, until, marks } = entry
      const kept = { value, position, ageMs: now() - filledAt, restMs: until - now() }
      return { kept, fresh: marks === ticket?.marks && kept.restMs > 0, ticket }
    },
    async fill(key, ticket, { value, position, reached, ageMs = 0 }, ttlMs) {
      // What alone is larger than the whole cache would throw everything else out.
      if (!hasSeen(ticket, reached) || key.length + value.length >= sizeMax) return
      const mark = names.peek(nameOf(key))
      if (mark === undefined || !ticket.marks.endsWith(` ${mark}`)) return
      const { marks } = ticket
      const old = entries.peek(key)
      if (old?.marks === marks && old.position > position) return
      const filledAt = now() - ageMs
      entries.set(key, { value, position, filledAt, until: now() + ttlMs, marks })
    },
    async tell(changes) {
      for (const change of changes) tell(change)
    },
    async vouch(reached) {
      for (const [source, position] of reached) {
        const known = sources.get(source)
        if (known !== undefined && known.position >= position) know(source, known.position, known)
        else know(source, position)
      }
      return new Map([...reached.keys()].map((source) => [source, sources.get(source)!.position]))
    },
    async forget(of) {
      for (const source of of) sources.delete(source)
    },
    async close() {
      for (const kept of [entries, names, sources]) kept.clear()
    },
  }
}
