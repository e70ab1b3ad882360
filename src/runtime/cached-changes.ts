// How a cache hears of changed rows: which answers a row makes old, and what to do when nobody can
// hear it just now.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Query } from '#kernel/query.ts'
import type { Cache, Change } from '#storage/cache.ts'
import type { Commit } from '#storage/read-models.ts'
import { isAway } from './breaker.ts'

/** What one commit of a projection changed. */
export type Changed = {
  readonly projection: string
  readonly version: number
  readonly generation: number
  /** null: it is not known which rows, or they are too many to be told. */
  readonly keys: readonly string[] | null
  readonly from: number
  readonly to: number
}

/**
 * A projection's rows as answers are made of them. Another version makes other rows; another
 * generation has rows that changed without a checkpoint saying so (rebuilt, dropped, mended).
 */
export const sourceName = (projection: string, version: number, generation: number): string =>
  `${projection}@${version}.${generation}`

/** Of one projection: the names of kept answers that a row makes old. */
export type NamesOf = (rowKey: string) => readonly string[]

/** The projections that kept answers are made of. */
export function keptProjections(queries: readonly Query[]) {
  const of = queries.flatMap(({ keeping }) => keeping?.of ?? [])
  const byName = Map.groupBy(of, ({ projection }) => projection.name)
  return new Map(
    [...byName].map(([name, sources]) => {
      const namesOf: NamesOf = (key) => [...new Set(sources.flatMap(({ names }) => names(key)))]
      return [name, { version: sources[0]!.projection.version, namesOf }] as const
    }),
  )
}
export type KeptProjections = ReturnType<typeof keptProjections>

/** More than this of one source, and all that was made of it is forgotten instead. */
const KEYS_MAX = 1_000

/** null: nothing that is kept was made of these rows. */
export function changedBy(commit: Commit, version: number): Changed | null {
  const { projection, table, generation, upserts, deletes, park, from, to } = commit
  // A table that is built beside the live one: nobody asks it yet.
  if (generation === undefined) return null
  const parked = park.flatMap(({ keys }) => keys)
  const few = upserts.length + deletes.length + parked.length <= KEYS_MAX
  // Under a stream's name wait events whose rows cannot be named.
  const known = few && !parked.some((key) => key.startsWith('stream:'))
  const keys = known
    ? [...upserts.map((row) => String(row[table.key])), ...deletes, ...parked]
    : null
  return { projection, version, generation, keys, from, to }
}

export type Teller = {
  changed(changes: readonly Changed[]): void
  /** Tries to tell what is left, for a moment. */
  close(): Promise<void>
}

const AGAIN_FIRST_MS = 50
const AGAIN_MAX_MS = 2_000
const LAST_TRIES_MS = 300

/** What is not told yet of one source; names null: forget all that was made of it. */
type Untold = {
  readonly from: number
  readonly to: number
  readonly names: ReadonlySet<string> | null
}
type AllUntold = Map<string, Untold>

/**
 * Tells changes in the order in which they were made, as often as it takes. Bounded: what does not
 * fit becomes one "forget all".
 */
export function teller(cache: Cache, projections: KeptProjections): Teller {
  let untold: AllUntold = new Map()
  let telling: Promise<void> | null = null
  let closing = false

  const tellAll = async () => {
    for (let failures = 0; untold.size > 0; ) {
      const now = untold
      untold = new Map()
      try {
        await tell(cache, now)
        failures = 0
      } catch (error) {
        if (!isAway(error)) throw error
        for (const [source, since] of untold) add(now, source, since)
        untold = now
        if (closing) return
        await rest(Math.min(AGAIN_FIRST_MS * 2 ** failures++, AGAIN_MAX_MS))
      }
    }
  }
  const start = () => {
    telling ??= tellAll().finally(() => {
      telling = null
    })
    return telling
  }
  return {
    changed(changes) {
      for (const { projection, version, generation, keys, from, to } of changes) {
        const kept = projections.get(projection)
        if (kept === undefined || kept.version !== version) continue
        const names = keys === null ? null : new Set(keys.flatMap(kept.namesOf))
        add(untold, sourceName(projection, version, generation), { from, to, names })
      }
      if (untold.size > 0) void start()
    },
    async close() {
      closing = true
      await Promise.race([start(), rest(LAST_TRIES_MS)])
    },
  }
}

/** Behind what is there of the same source. */
function add(untold: AllUntold, source: string, next: Untold): void {
  const before = untold.get(source)
  if (before === undefined) {
    untold.set(source, next)
    return
  }
  const chained = before.to === next.from
  const names = chained && before.names && next.names ? before.names.union(next.names) : null
  const few = (names?.size ?? 0) <= KEYS_MAX
  untold.set(source, { from: before.from, to: next.to, names: few ? names : null })
}

async function tell(cache: Cache, untold: AllUntold): Promise<void> {
  const whole: string[] = []
  const changes: Change[] = []
  for (const [source, { from, to, names }] of untold)
    if (names === null) whole.push(source)
    else changes.push({ source, from, to, names: [...names] })
  if (whole.length > 0) await cache.forget(whole)
  if (changes.length > 0) await cache.tell(changes)
}

/** Nobody has to stay for it. */
const rest = (ms: number) => sleep(ms, undefined, { ref: false })
