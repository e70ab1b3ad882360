// Looks, again and again, where the projections stand, and vouches to the cache that everything up
// to there has been told: if whoever should have told it is dead or cut off, the cache forgets. So
// it knows too what each projection's rows are called just now.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cache } from '#storage/cache.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { type KeptProjections, sourceName } from './cached-changes.ts'

export type Sources = {
  /** null: not known yet. */
  nameOf(projection: string): string | null
  /** One look; the loop makes one each second. */
  look(): Promise<void>
  start(): void
  stop(): Promise<void>
}

/** Thrice within the time that a source counts as known. */
const LOOK_EACH_MS = 1_000
const FIRST_LOOKS_MS = 50

export function sourcesOf(
  cache: Cache,
  reads: Pick<ReadModels, 'checkpoints' | 'generations'>,
  projections: KeptProjections,
): Sources {
  let names: ReadonlyMap<string, string> = new Map()
  /** Reached at the last look, by source: by now it must have been told. */
  let reached: ReadonlyMap<string, number> = new Map()
  const stopping = new AbortController()
  let running = Promise.resolve()

  const look = async () => {
    // Before the checkpoints: of rows that changed in between it is the older name, not vouched
    // for.
    const generations = await reads.generations()
    const checkpoints = await reads.checkpoints()
    names = new Map(
      [...projections]
        .filter(([name]) => generations.has(name))
        .map(([name, { version }]) => [name, sourceName(name, version, generations.get(name)!)]),
    )
    const known = new Set(names.values())
    await cache.vouch(new Map([...reached].filter(([source]) => known.has(source))))
    reached = new Map([...names].map(([name, source]) => [source, checkpoints.get(name) ?? 0]))
  }
  const run = async () => {
    for (let looks = 1; !stopping.signal.aborted; looks++) {
      // Nothing is vouched for, so nothing is answered from the cache for long.
      await look().catch(() => {})
      const pauseMs = looks < 2 ? FIRST_LOOKS_MS : LOOK_EACH_MS
      await sleep(pauseMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {})
    }
  }
  return {
    nameOf: (projection) => names.get(projection) ?? null,
    look,
    start() {
      running = run()
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}
