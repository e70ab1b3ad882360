// Answers of queries, kept: from the cache if it holds there; else read, by one for all who ask at
// the same time, and kept. Where nobody can be asked, the last answer is better than none, and says
// that it is old.
import { hash } from 'node:crypto'
import type { Rejection } from '#kernel/decider.ts'
import type { Query, TimeToLive } from '#kernel/query.ts'
import type { Cache, Found, Ticket } from '#storage/cache.ts'
import { CircuitOpen, isAway } from './breaker.ts'
import type { Sources } from './cached-sources.ts'

export type CachedAnswersOptions = {
  readonly cache: Cache
  readonly sources: Pick<Sources, 'nameOf'>
  /** Of the rows that are read, by projection. */
  readonly checkpoints: () => Promise<ReadonlyMap<string, number>>
  readonly ttlMs: Readonly<Record<TimeToLive, number>>
}

export type Asked = {
  readonly query: Query
  readonly input: object
  readonly minPosition?: number
  /** Until the rows have seen `minPosition`; why not, if they have not in time. */
  readonly wait: () => Promise<Rejection | null>
  readonly read: () => Promise<Made>
}
/** `keep`: nothing says that it will be another one without a row having changed. */
export type Made =
  | { readonly ok: true; readonly result: unknown; readonly keep: boolean }
  | { readonly ok: false; readonly rejection: Rejection }
export type Answered =
  | {
      readonly ok: true
      readonly result: unknown
      /** Absent: not a question whose answer is kept. */
      readonly from?: 'hit' | 'miss' | 'stale'
      /** Since it was read. */
      readonly ageMs?: number
    }
  | { readonly ok: false; readonly rejection: Rejection }
export type CachedAnswers = {
  answer(asked: Asked): Promise<Answered>
  /** Since the start. */
  counts(): Readonly<Record<'hit' | 'miss' | 'stale', number>>
}

/** What is longer costs more to keep and to carry than to read. */
const VALUE_MAX = 1_000_000
const KEY_MAX = 200

type Place = {
  readonly key: string
  readonly ttlMs: number
  readonly projections: readonly string[]
  readonly sources: readonly string[]
}
type Read = { readonly made: Made; readonly position: number }

export function cachedAnswers(options: CachedAnswersOptions): CachedAnswers {
  const { cache, checkpoints } = options
  const flights = new Map<string, Promise<Read>>()
  const counts = { hit: 0, miss: 0, stale: 0 }

  const look = (place: Place): Promise<Found> => cache.get(place.key, place.sources).catch(nothing)

  async function readAndKeep(place: Place, ticket: Ticket, read: Asked['read']): Promise<Read> {
    // Before the rows: they are at least so new.
    const at = await checkpoints()
    const reached = place.projections.map((projection) => at.get(projection) ?? 0)
    const made = await read()
    const position = Math.min(...reached)
    if (made.ok && made.keep) {
      const value = JSON.stringify(made.result)
      if (value.length <= VALUE_MAX)
        // A fill that is lost costs another read, nothing else.
        cache.fill(place.key, ticket, { value, position, reached }, place.ttlMs).catch(() => {})
    }
    return { made, position }
  }
  /** One reads for all who have the same ticket: for each of them it is as new as his own. */
  const together = (place: Place, ticket: Ticket, read: Asked['read']): Promise<Read> => {
    const name = `${place.key} ${ticket.marks}`
    const under = flights.get(name)
    if (under !== undefined) return under
    const flight = readAndKeep(place, ticket, read).finally(() => flights.delete(name))
    flights.set(name, flight)
    return flight
  }
  async function fromRows(place: Place, ticket: Ticket | null, asked: Asked): Promise<Made> {
    if (ticket === null) return await asked.read()
    const { made, position } = await together(place, ticket, asked.read)
    // Whoever read for all may have begun before this one's position was reached.
    return position >= (asked.minPosition ?? 0) ? made : await asked.read()
  }

  return {
    async answer(asked) {
      const place = placeOf(asked, options)
      if (place === null) return (await asked.wait().then(orElse(asked.read))) satisfies Made
      const isNewEnough = (found: Found) => positionOf(found) >= (asked.minPosition ?? 0)
      const from = (kind: keyof typeof counts, { kept }: Found): Answered => {
        counts[kind]++
        return { ok: true, result: JSON.parse(kept!.value), from: kind, ageMs: kept!.ageMs }
      }
      let found = await look(place)
      if (found.fresh && isNewEnough(found)) return from('hit', found)
      try {
        if (asked.minPosition !== undefined) {
          const rejection = await asked.wait()
          if (rejection !== null) return { ok: false, rejection }
          // A ticket from before the wait is worth little by now.
          found = await look(place)
          if (found.fresh && isNewEnough(found)) return from('hit', found)
        }
        const made = await fromRows(place, found.ticket, asked)
        if (!made.ok) return made
        counts.miss++
        return { ok: true, result: made.result, from: 'miss' }
      } catch (error) {
        if (!isAway(error) && !(error instanceof CircuitOpen)) throw error
        if (found.kept === null || !isNewEnough(found)) throw error
        return from('stale', found)
      }
    },
    counts: () => ({ ...counts }),
  }
}

/** An answer that holds is as new as what was told: no change of it was among that. */
function positionOf({ kept, fresh, ticket }: Found): number {
  if (kept === null) return -1
  return fresh && ticket !== null
    ? Math.max(kept.position, Math.min(...ticket.told))
    : kept.position
}

const orElse =
  (read: Asked['read']) =>
  async (rejection: Rejection | null): Promise<Made> =>
    rejection === null ? await read() : { ok: false, rejection }

function placeOf(
  { query: { keeping }, input }: Asked,
  { sources: known, ttlMs }: CachedAnswersOptions,
): Place | null {
  // Just checked against the query's own schema.
  const key = keeping?.key(input as never) ?? null
  if (keeping === undefined || key === null) return null
  const projections = keeping.of.map(({ projection }) => projection.name)
  const sources = projections.map((projection) => known.nameOf(projection))
  if (sources.includes(null)) return null
  return {
    key: key.length <= KEY_MAX ? key : shortened(key),
    ttlMs: ttlMs[keeping.ttl],
    projections,
    sources: sources as readonly string[],
  }
}

/** The name stays as it is: it is what changes are told of. */
function shortened(key: string): string {
  const end = key.indexOf('#') + 1
  return end === 0 ? key : `${key.slice(0, end)}${hash('sha256', key, 'base64url')}`
}

/** Without a cache there is nothing and nothing can be kept: slower, never wrong. */
function nothing(error: unknown): Found {
  if (!isAway(error) && !(error instanceof CircuitOpen)) throw error
  return { kept: null, fresh: false, ticket: null }
}
