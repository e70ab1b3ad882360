// A Redis that forgets: some keys, all of them, or back to what it knew a while ago; and tellers
// that die before they told. Whatever comes together, nothing is answered that is known to be old.
import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import type { SharedCache, Ticket } from '#storage/cache.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { onRedis } from '#testing/redis-server.ts'
import { openCache } from './cache.ts'

const LONG_MS = 3_600_000
const OF = ['stock@1']
/** Nothing here is about a source that nobody vouched for in time. */
const PATIENT = { timeoutMs: 10_000, knownForMs: LONG_MS }
const options = (url: string, edition = '1') => ({ url, edition, ...PATIENT })

onRedis('a Redis that forgets', (fresh) => {
  const withRedis =
    (run: (cache: SharedCache, redis: Redis, url: string) => Promise<void>) => async () => {
      const { url, remove } = await fresh()
      const redis = new Redis(url)
      const cache = await openCache(options(url))
      try {
        await cache.vouch(new Map([['stock@1', 5]]))
        await run(cache, redis, url)
      } finally {
        await cache.close()
        await redis.quit()
        await remove()
      }
    }
  const fill = async (cache: SharedCache, value: string, given?: Ticket | null) => {
    const ticket = given ?? (await cache.get('a', OF)).ticket
    await cache.fill('a', ticket!, { value, position: 5, reached: ticket!.told }, LONG_MS)
  }
  const freshOf = async (cache: SharedCache) => {
    const { kept, fresh: holds } = await cache.get('a', OF)
    return holds ? kept!.value : null
  }

  test(
    'an answer that was read before all was lost does not come in after it',
    withRedis(async (cache, redis) => {
      const { ticket } = await cache.get('a', OF)
      await redis.flushall()
      await cache.vouch(new Map([['stock@1', 5]]))
      await fill(cache, 'raced', ticket)
      equal(await freshOf(cache), null)
      await fill(cache, 'seen')
      equal(await freshOf(cache), 'seen')
    }),
  )

  test(
    'nor one whose name was evicted, and changed meanwhile',
    withRedis(async (cache, redis) => {
      for (const key of ['a', 'a#list']) {
        const { ticket } = await cache.get(key, OF)
        await redis.del('daybook:a')
        await cache.tell([{ source: 'stock@1', from: 5, to: 5, names: ['a'] }])
        const answer = { value: 'raced', position: 5, reached: [5] }
        await cache.fill(key, ticket!, answer, LONG_MS)
        await cache.get(key, OF)
        await cache.fill(key, ticket!, answer, LONG_MS)
        equal((await cache.get(key, OF)).fresh, false)
      }
    }),
  )

  test(
    'keys are called what they are called in the books',
    withRedis(async (cache, redis) => {
      await fill(cache, 'x')
      const keys = await redis.keys('*')
      equal(keys.sort().join(), 'daybook:a,daybook:told:stock@1')
      ok((await redis.pttl('daybook:a')) > LONG_MS)
      for (const key of keys) ok((await redis.pttl(key)) > 0, `${key} stays for ever`)
    }),
  )

  test(
    'answers of another edition of the program are not taken',
    withRedis(async (cache, _, url) => {
      await fill(cache, 'x')
      const other = await openCache(options(url, '2'))
      equal(await freshOf(other), null)
      await fill(other, 'y')
      equal(await freshOf(other), 'y')
      equal(await freshOf(cache), null)
      await other.close()
    }),
  )

  test(
    'a Redis that is back with what it knew a while ago is found out by who vouches',
    withRedis(async (cache, redis) => {
      await fill(cache, 'before')
      const saved = await snapshotOf(redis)
      await cache.tell([{ source: 'stock@1', from: 5, to: 6, names: ['a'] }])
      equal(await freshOf(cache), null)
      await restore(redis, saved)
      await cache.vouch(new Map([['stock@1', 6]]))
      equal(await freshOf(cache), null)
    }),
  )

  const seed = seedOfRun()
  test(
    `nothing known to be old, whatever is lost (SEED=${seed})`,
    withRedis(async (cache, redis) => {
      const random = seeded(seed)
      const seen = { fresh: 0, old: 0 }
      for (let run = 0; run < 40; run++) await lossyRun(cache, redis, random, seen)
      ok(seen.fresh > 50, `only ${seen.fresh} answers were fresh`)
      ok(seen.old > 50, `only ${seen.old} answers were found to be old`)
    }),
  )
})

type Snapshot = readonly (readonly [key: string, dump: Buffer, restMs: number])[]

async function snapshotOf(redis: Redis): Promise<Snapshot> {
  const keys = await redis.keys('daybook:*')
  return await Promise.all(
    keys.map(async (key) => {
      const [dump, rest] = await Promise.all([redis.dumpBuffer(key), redis.pttl(key)])
      return [key, dump!, Math.max(rest, 1)] as const
    }),
  )
}

async function restore(redis: Redis, saved: Snapshot): Promise<void> {
  await redis.flushdb()
  for (const [key, dump, rest] of saved) await redis.restore(key, rest, dump)
}

type Reading = { readonly name: string; readonly ticket: Ticket; answer?: number; reached?: number }

/** Rows and a checkpoint as a store would have them, and what every answer must have seen. */
async function lossyRun(
  cache: SharedCache,
  redis: Redis,
  random: Random,
  seen: { fresh: number; old: number },
): Promise<void> {
  const names = ['a', 'b']
  const rows: Record<string, number> = { a: 0, b: 0 }
  const source = 'stock@1'
  let position = 5
  /** Of each name: what was committed when somebody last told or vouched. */
  let settled = { ...rows }
  let saved: { snapshot: Snapshot; settled: typeof settled } | null = null
  const readings: Reading[] = []
  await redis.flushdb()

  const steps: readonly (() => Promise<unknown>)[] = [
    async () => {
      const name = random.pick(names)
      rows[name]!++
      const from = position++
      // Whoever dies here leaves a gap.
      if (random.chance(0.2)) return
      await cache.tell([{ source, from, to: position, names: [name] }])
      settled = { ...rows }
    },
    async () => {
      const lagging = position - random.int(0, 1)
      await cache.vouch(new Map([[source, lagging]]))
      if (lagging === position) settled = { ...rows }
    },
    async () => {
      const name = random.pick(names)
      const { kept, fresh, ticket } = await cache.get(name, OF)
      if (ticket !== null) readings.push({ name, ticket })
      if (fresh) seen.fresh++
      else if (kept !== null) seen.old++
      if (fresh) ok(Number(kept!.value) >= settled[name]!, `${name} ${kept!.value}`)
    },
    async () => {
      const reading = readings.findLast(({ answer }) => answer === undefined)
      if (reading === undefined) return
      Object.assign(reading, { answer: rows[reading.name], reached: position })
    },
    async () => {
      const reading = readings.find(({ answer }) => answer !== undefined)
      if (reading === undefined) return
      readings.splice(readings.indexOf(reading), 1)
      const { name, ticket, answer, reached } = reading
      const made = { value: String(answer), position: reached!, reached: [reached!] }
      await cache.fill(name, ticket, made, LONG_MS)
    },
    async () => {
      const keys = await redis.keys('daybook:*')
      if (keys.length > 0 && random.chance(0.3)) await redis.del(random.pick(keys))
    },
    async () => {
      if (random.chance(0.1)) await redis.flushdb()
    },
    async () => {
      if (random.chance(0.2)) saved = { snapshot: await snapshotOf(redis), settled }
    },
    async () => {
      if (saved === null || random.chance(0.8)) return
      await restore(redis, saved.snapshot)
      settled = saved.settled
    },
  ]
  const weights = [0, 0, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 6, 7, 8]
  for (let step = 0; step < 150; step++) await steps[random.pick(weights)]!()
}
