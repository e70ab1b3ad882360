// A Redis that is away: killed, stopped, cut off. Whoever asks hears it soon, nothing waits in a
// queue, and when it is back nothing of before is answered.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Heard, SharedCache } from '#storage/cache.ts'
import { Unavailable } from '#storage/unavailable.ts'
import { type OwnRedis, onOwnRedis } from '#testing/redis-server.ts'
import { openCache } from './cache.ts'

const LONG_MS = 3_600_000
const OF = ['stock@1']
/** A machine that is busy takes its time. */
const PATIENT = { edition: '1', timeoutMs: 30_000, knownForMs: LONG_MS }
/** For a command, where that is what counts. */
const COMMAND_MS = 1_000
const SOON_MS = 30_000

const unhandled: unknown[] = []
process.on('unhandledRejection', (error) => unhandled.push(error))

type Seat = {
  readonly redis: OwnRedis
  readonly cache: SharedCache
  readonly lines: readonly string[]
  readonly heard: readonly Heard[]
}

onOwnRedis('a Redis that is away', (fresh) => {
  const seated =
    (run: (seat: Seat) => Promise<void>, more: { timeoutMs?: number } = {}) =>
    async () => {
      const redis = await fresh()
      const lines: string[] = []
      const heard: Heard[] = []
      const tell = (line: string) => void lines.push(line)
      const cache = await openCache({ url: redis.url, ...PATIENT, tell, ...more })
      cache.onHeard((one) => heard.push(one))
      try {
        await known(cache)
        await fill(cache, 'before')
        equal(await freshOf(cache), 'before')
        await run({ redis, cache, lines, heard })
      } finally {
        await cache.close()
        await redis.remove()
      }
      deepEqual(unhandled, [])
      for (const line of lines) ok(!line.includes(new URL(redis.url).password), line)
    }
  const kinds = (heard: readonly Heard[]) => heard.map(({ kind }) => kind).join(' ')

  test(
    'is forgotten with all it knew when it was killed and comes back empty',
    seated(async ({ redis, cache, lines, heard }) => {
      const { ticket } = await cache.get('b', OF)
      redis.signal('SIGKILL')
      await until(() => kinds(heard) === 'hearing deaf')
      await rejects(cache.get('a', OF), Unavailable)
      await rejects(known(cache), Unavailable)
      await redis.restart()
      await until(() => kinds(heard) === 'hearing deaf hearing')
      await known(cache)
      await cache.fill('b', ticket!, { value: 'raced', position: 5, reached: [5] }, LONG_MS)
      deepEqual([await freshOf(cache), await freshOf(cache, 'b')], [null, null])
      await fill(cache, 'seen')
      equal(await freshOf(cache), 'seen')
      deepEqual(lines.length, 2, lines.join('\n'))
      match(
        lines[0]!,
        /^the cache's Redis at 127\.0\.0\.1:\d+ is away \(.+\); answers come without/,
      )
      match(lines[1]!, /is back$/)
    }),
  )

  test(
    'that takes commands and says nothing is given up soon, and left; then it goes on',
    seated(
      async ({ redis, cache, heard, lines }) => {
        redis.signal('SIGSTOP')
        const started = performance.now()
        const asked = Array.from({ length: 50 }, () => cache.get('a', OF))
        const failed = await Promise.allSettled(asked)
        const tookMs = performance.now() - started
        ok(failed.every(({ status }) => status === 'rejected'))
        // All together, not each for itself.
        ok(tookMs < 20 * COMMAND_MS, `${tookMs} ms`)
        await until(() => kinds(heard) === 'hearing deaf')
        redis.signal('SIGCONT')
        await until(() => kinds(heard) === 'hearing deaf hearing')
        await known(cache)
        ok(['before', null].includes(await freshOf(cache)))
        equal(lines.length, 2, lines.join('\n'))
      },
      { timeoutMs: COMMAND_MS },
    ),
  )

  test(
    'for one connection is heard of by that one, which comes back by itself',
    seated(async ({ redis, cache, heard }) => {
      const operator = new Redis(redis.url)
      const other = await openCache({ url: redis.url, ...PATIENT })
      const heardByOther: Heard[] = []
      other.onHeard((one) => heardByOther.push(one))
      const [own] = (await clientsOf(operator)).filter(({ name }) => name === 'daybook')
      await operator.client('KILL', 'ID', own!.id)
      await until(() => kinds(heard) === 'hearing deaf hearing')
      equal(kinds(heardByOther), 'hearing')
      await other.tell([{ source: 'stock@1', from: 5, to: 6, names: ['a', 'b'] }])
      const change = { source: 'stock@1', from: 5, to: 6, names: ['a', 'b'] }
      await until(() => heard.length === 4)
      deepEqual(heard.at(-1), { kind: 'told', change })
      equal(await freshOf(cache), null)
      await other.close()
      await operator.quit()
    }),
  )

  test(
    'what one is told, or forgets, all others hear; a gap as one, for none may be missed',
    seated(async ({ redis, cache, heard }) => {
      const other = await openCache({ url: redis.url, ...PATIENT })
      const told = (from: number, to: number) => ({ source: 'stock@1', from, to, names: [] })
      await other.tell([told(5, 6), told(8, 9)])
      await other.forget(['stock@1', 'products@1'])
      await until(() => heard.length === 5)
      deepEqual(heard.slice(1), [
        { kind: 'told', change: told(5, 6) },
        { kind: 'forgotten', sources: ['stock@1'] },
        { kind: 'told', change: told(8, 9) },
        { kind: 'forgotten', sources: ['stock@1', 'products@1'] },
      ])
      await cache.vouch(new Map([['stock@1', 9]]))
      await cache.vouch(new Map([['stock@1', 10]]))
      await until(() => heard.length === 6)
      deepEqual(heard.at(-1), { kind: 'forgotten', sources: ['stock@1'] })
      await other.close()
    }),
  )

  test('that is full is told of once, and answers come without it', async () => {
    const redis = await fresh()
    const operator = new Redis(redis.url)
    const lines: string[] = []
    const tell = (line: string) => void lines.push(line)
    const cache = await openCache({ url: redis.url, ...PATIENT, tell })
    await operator.config('SET', 'maxmemory', '1')
    await rejects(known(cache), Unavailable)
    await rejects(known(cache), Unavailable)
    await operator.config('SET', 'maxmemory', '0')
    await known(cache)
    equal(lines.length, 1, lines.join('\n'))
    match(lines[0]!, /refuses: OOM/)
    await cache.close()
    await operator.quit()
    await redis.remove()
  })
})

test('a Redis that is not there at the start keeps nobody waiting for long', async () => {
  const lines: string[] = []
  const deaf = await openCache({
    url: 'redis://:secret@127.0.0.1:1',
    edition: '1',
    tell: (line) => void lines.push(line),
  })
  await rejects(deaf.get('a', OF), Unavailable)
  await deaf.close()
  equal(lines.length, 1)
  ok(!lines[0]!.includes('secret'))
})

test('one that accepts and never answers does not hold up the start either', async () => {
  const silent = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as { port: number }
  const cache = await openCache({ url: `redis://127.0.0.1:${port}`, edition: '1', timeoutMs: 100 })
  await rejects(cache.get('a', OF), Unavailable)
  await cache.close()
  silent.close()
  deepEqual(unhandled, [])
})

const known = (cache: SharedCache) => cache.vouch(new Map([['stock@1', 5]]))
async function fill(cache: SharedCache, value: string): Promise<void> {
  const { ticket } = await cache.get('a', OF)
  await cache.fill('a', ticket!, { value, position: 5, reached: [5] }, LONG_MS)
}
async function freshOf(cache: SharedCache, key = 'a'): Promise<string | null> {
  const { kept, fresh } = await cache.get(key, OF)
  return fresh ? kept!.value : null
}

async function until(is: () => boolean): Promise<void> {
  for (const end = performance.now() + SOON_MS; !is(); await sleep(5))
    ok(performance.now() < end, `not within ${SOON_MS} ms`)
}

async function clientsOf(redis: Redis): Promise<readonly { id: string; name: string }[]> {
  const list = (await redis.client('LIST')) as string
  return list
    .trim()
    .split('\n')
    .map((line) => ({
      id: /(?:^| )id=(\d+)/.exec(line)![1]!,
      name: / name=(\S*)/.exec(line)![1]!,
    }))
}
