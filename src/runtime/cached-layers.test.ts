// A cache in the process before a real Redis: the same contract, fewer questions to Redis, and
// nothing from the near one while it cannot hear.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { query } from '#kernel/query.ts'
import { json, object } from '#kernel/schema.ts'
import { cacheContract } from '#storage/cache.contract.ts'
import type { Cache, SharedCache } from '#storage/cache.ts'
import { openCache as openNear } from '#storage/memory/cache.ts'
import { openCache as openFar } from '#storage/redis/cache.ts'
import { type OwnRedis, onOwnRedis, onRedis } from '#testing/redis-server.ts'
import { levels } from '#testing/stock-book.ts'
import { type Answered, cachedAnswers } from './cached-answers.ts'
import { layered } from './cached-layers.ts'

const GetLevel = query({
  type: 'GetLevel',
  input: object({}),
  answer: json(),
  run: async () => null,
  keeping: { key: () => 'a', ttl: 'stock', of: [{ projection: levels(), names: () => ['a'] }] },
})
const LONG_MS = 3_600_000
const OF = ['stock@1']
const SHARED = { edition: '1', timeoutMs: 30_000 }
/** Nothing here is about a source that nobody vouched for in time. */
const KNOWN = { knownForMs: LONG_MS }

onRedis('near and far', (fresh) => {
  cacheContract('memory before redis', async (knownForMs) => {
    const { url, remove } = await fresh()
    const known = knownForMs === undefined ? {} : { knownForMs }
    const port = layered(await openNear(known), await openFar({ url, ...SHARED, ...known }))
    return { port, remove, pass: (ms) => sleep(ms) }
  })
})

/** How often it asked Redis for an answer, and how often it was told. */
type Process = { readonly cache: Cache; readonly asked: () => number; readonly told: () => number }

/** A process: its near cache, its connection. */
async function processOn(url: string, timeoutMs: number): Promise<Process> {
  const far = await openFar({ url, ...SHARED, ...KNOWN, timeoutMs })
  let asked = 0
  let told = 0
  const counted: SharedCache = {
    ...far,
    async get(key, sources) {
      asked++
      const found = await far.get(key, sources)
      told++
      return found
    },
  }
  return { cache: layered(await openNear(KNOWN), counted), asked: () => asked, told: () => told }
}
const known = (cache: Cache, position = 5) => cache.vouch(new Map([['stock@1', position]]))
async function fill(cache: Cache, value: string, key = 'a'): Promise<void> {
  const { ticket } = await cache.get(key, OF)
  await cache.fill(key, ticket!, { value, position: 5, reached: ticket!.told }, LONG_MS)
}
async function freshOf(cache: Cache, key = 'a'): Promise<string | null> {
  const { kept, fresh } = await cache.get(key, OF)
  return fresh ? kept!.value : null
}
async function until(is: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> {
  for (const end = performance.now() + withinMs; !(await is()); await sleep(2))
    ok(performance.now() < end, `not within ${withinMs} ms`)
}

onOwnRedis('a cache in the process before Redis', (fresh) => {
  const seated =
    (
      run: (redis: OwnRedis, one: Process, other: Process) => Promise<void>,
      timeoutMs = SHARED.timeoutMs,
    ) =>
    async () => {
      const redis = await fresh()
      const [one, other] = [
        await processOn(redis.url, timeoutMs),
        await processOn(redis.url, timeoutMs),
      ]
      try {
        for (const { cache } of [one, other]) await known(cache)
        await run(redis, one, other)
      } finally {
        for (const { cache } of [one, other]) await cache.close()
        await redis.remove()
      }
    }

  test(
    'asks Redis once; what one process has read the other has too',
    seated(async (_, one, other) => {
      await fill(one.cache, 'x')
      const before = one.asked()
      for (let times = 0; times < 100; times++) equal(await freshOf(one.cache), 'x')
      equal(one.asked(), before)
      for (let times = 0; times < 100; times++) equal(await freshOf(other.cache), 'x')
      equal(other.asked(), 1)
    }),
  )

  test(
    'drops what is told in another process, and what is forgotten there',
    seated(async (_, one, other) => {
      await fill(one.cache, 'x')
      await fill(one.cache, 'y', 'b')
      await other.cache.tell([{ source: 'stock@1', from: 5, to: 6, names: ['a'] }])
      await until(async () => (await freshOf(one.cache)) === null)
      equal(await freshOf(one.cache, 'b'), 'y')
      await other.cache.forget(['stock@1'])
      await until(async () => (await freshOf(one.cache, 'b')) === null)
    }),
  )

  test(
    'lets 200 who ask at once in each of two processes cost one reading each, and later ones none',
    seated(async (_, one, other) => {
      let reads = 0
      const crowd: Promise<Answered>[] = []
      const asking = ({ cache }: Process) => {
        const { answer } = cachedAnswers({
          cache,
          sources: { nameOf: () => 'stock@1' },
          checkpoints: async () => new Map([['levels', 5]]),
          ttlMs: { product: LONG_MS, stock: LONG_MS, dashboard: LONG_MS },
        })
        const read = async () => {
          reads++
          // However slow the machine is, all have asked before the first one has read.
          await until(() => one.told() + other.told() === crowd.length)
          return { ok: true, result: 'x', keep: true } as const
        }
        return () => answer({ query: GetLevel, input: {}, wait: async () => null, read })
      }
      const [here, there] = [asking(one), asking(other)]
      for (let times = 0; times < 200; times++) crowd.push(here(), there())
      for (const answer of await Promise.all(crowd))
        deepEqual(answer, { ok: true, result: 'x', from: 'miss' })
      equal(reads, 2)
      await until(async () => (await freshOf(one.cache)) !== null)
      for (const ask of [here, there, here]) {
        const answer = await ask()
        equal(answer.ok && answer.from, 'hit')
      }
      equal(reads, 2)
    }),
  )

  test(
    'is by-passed from the moment it hears nothing, until it hears again',
    seated(async (redis, one, other) => {
      await fill(one.cache, 'x')
      equal(await freshOf(one.cache), 'x')
      redis.signal('SIGKILL')
      await until(() =>
        one.cache.get('a', OF).then(
          ({ fresh: holds, kept, ticket }) => !holds && ticket === null && kept?.value === 'x',
          () => false,
        ),
      )
      await redis.restart()
      await until(() =>
        known(other.cache).then(
          () => true,
          () => false,
        ),
      )
      await until(() =>
        known(one.cache).then(
          () => true,
          () => false,
        ),
      )
      equal(await freshOf(one.cache), null)
      await fill(other.cache, 'new')
      equal(await freshOf(one.cache), 'new')
    }),
  )

  test(
    'never answers with what a stopped Redis could not tell it of, once the time is over',
    seated(async (redis, one) => {
      await fill(one.cache, 'x')
      redis.signal('SIGSTOP')
      // A commit that nobody can tell of; a look at the checkpoints finds it.
      await known(one.cache, 6).catch(() => {})
      const { fresh: holds, kept } = await one.cache.get('a', OF)
      deepEqual([holds, kept?.value], [false, 'x'])
      redis.signal('SIGCONT')
    }, 3_000),
  )

  test(
    'an answer keeps its age on its way from one to the other',
    seated(async (_, one, other) => {
      await fill(one.cache, 'x')
      await sleep(30)
      await freshOf(other.cache)
      const { kept } = await other.cache.get('a', OF)
      ok(kept!.ageMs >= 29 && kept!.restMs <= LONG_MS - 29, JSON.stringify(kept))
    }),
  )
})
