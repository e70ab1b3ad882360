// The cache of one process: which one, who tells it of changed rows, and what queries ask it.
import type { Context } from '#kernel/context.ts'
import { type CachedAnswers, cachedAnswers } from '#runtime/cached-answers.ts'
import { keptProjections, teller } from '#runtime/cached-changes.ts'
import { layered } from '#runtime/cached-layers.ts'
import { sourcesOf } from '#runtime/cached-sources.ts'
import { openCache as openNear } from '#storage/memory/cache.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { Circuits } from './circuits.ts'
import type { ProjectionHost } from './projection-host.ts'
import type { Config } from './settings.ts'

export type CachingParts = {
  readonly config: Config
  /** The program's version. */
  readonly version: string
  readonly contexts: readonly Context[]
  /** What is asked when nothing is kept; null in a process that answers no queries. */
  readonly reads: ReadModels | null
  /** null in a process that moves no projections. */
  readonly host: ProjectionHost | null
  readonly circuits: Circuits
  readonly tell: (line: string) => void
  readonly opening: AsyncDisposableStack
}
export type Caching = {
  /** null: every question is read. */
  readonly answers: CachedAnswers | null
}

export async function openCaching(parts: CachingParts): Promise<Caching> {
  const { config, contexts, reads, host, opening } = parts
  const cache = reads === null && host === null ? null : await openChosen(parts)
  if (cache === null) return { answers: null }
  opening.defer(() => cache.close())
  const kept = keptProjections(contexts.flatMap(({ queries }) => queries))
  if (host !== null) {
    const told = teller(cache, kept)
    const versions = new Map([...kept].map(([name, { version }]) => [name, version]))
    host.onChanged(versions, told.changed)
    opening.defer(() => told.close())
  }
  if (reads === null) return { answers: null }
  const sources = sourcesOf(cache, reads, kept)
  sources.start()
  opening.defer(() => sources.stop())
  const ttlMs = {
    product: config['cache.ttl.product'],
    stock: config['cache.ttl.stock'],
    dashboard: config['cache.ttl.dashboard'],
  }
  const { checkpoints } = reads
  return { answers: cachedAnswers({ cache, sources, checkpoints, ttlMs }) }
}

const REDIS_HERE = 'redis://localhost:6379'

const driverOf = (config: Config) =>
  config['cache.driver'] || (config['redis.url'] === '' ? 'memory' : 'redis')

/** In the process alone is right where no other process moves the rows. */
export const cachingWarnings = (config: Config): readonly string[] =>
  driverOf(config) === 'memory' && config['read_store.driver'] === 'postgres'
    ? ['No answers are kept: on PostgreSQL that takes a Redis (redis.url).']
    : []

async function openChosen({ config, version, circuits, tell }: CachingParts) {
  const driver = driverOf(config)
  if (driver === 'none' || cachingWarnings(config).length > 0) return null
  if (driver === 'memory') return await openNear()
  const { openCache } = await import('#storage/redis/cache.ts')
  const far = await openCache({
    url: config['redis.url'] || REDIS_HERE,
    // What else makes an answer another one than the same rows did before.
    edition: `${version}:${config['catalog.enrich_with_inventory']}`,
    timeoutMs: config['redis.timeout'],
    tell,
  })
  return layered(await openNear(), circuits.cache(far))
}
