// How changes get to a cache that does not always hear them.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { query } from '#kernel/query.ts'
import { json, object } from '#kernel/schema.ts'
import type { Cache } from '#storage/cache.ts'
import { openCache } from '#storage/memory/cache.ts'
import type { Commit } from '#storage/read-models.ts'
import { Unavailable } from '#storage/unavailable.ts'
import { levels, movements } from '#testing/stock-book.ts'
import { type Changed, changedBy, keptProjections, teller } from './cached-changes.ts'

const kept = (name: string, of: readonly string[]) =>
  query({
    type: name,
    input: object({}),
    answer: json(),
    run: async () => null,
    keeping: {
      key: () => name,
      ttl: 'stock',
      of: [{ projection: levels(), names: (key) => of.map((one) => `${one}:${key}`) }],
    },
  })
const projections = keptProjections([kept('one', ['level', 'both']), kept('two', ['both', 'sum'])])

const SOURCE = 'levels@1.4'
const change = (from: number, to: number, ...keys: string[]): Changed => ({
  projection: 'levels',
  version: 1,
  generation: 4,
  keys,
  from,
  to,
})

/** A cache that can be away, and tells what it was told. */
async function watched() {
  const cache = await openCache()
  const told: string[] = []
  const state = { away: false, slow: false }
  const guarded = async () => {
    if (state.slow) await sleep(10)
    if (state.away) throw new Unavailable('away')
  }
  const seen: Cache = {
    ...cache,
    async tell(changes) {
      await guarded()
      for (const { source, from, to, names } of changes)
        told.push(`${source} ${from}-${to} ${[...names].sort()}`)
    },
    async forget(sources) {
      await guarded()
      told.push(`forget ${sources}`)
    },
  }
  return { cache: seen, told, state }
}
async function until(is: () => boolean): Promise<void> {
  for (const end = performance.now() + 60_000; !is(); await sleep(1)) ok(performance.now() < end)
}

test('a changed row makes old what is kept under its names, for all questions, each once', async () => {
  const { cache, told } = await watched()
  const { changed, close } = teller(cache, projections)
  changed([change(5, 6, 'a', 'b')])
  await close()
  deepEqual(told, [`${SOURCE} 5-6 both:a,both:b,level:a,level:b,sum:a,sum:b`])
})

test('rows that no answer is made of, and those of another version, are not told of', async () => {
  const { cache, told } = await watched()
  const { changed, close } = teller(cache, projections)
  changed([
    { ...change(5, 6, 'a'), projection: 'movements' },
    { ...change(5, 6, 'a'), version: 2 },
  ])
  await close()
  deepEqual(told, [])
})

test('what comes while one is told goes together, in order', async () => {
  const { cache, told, state } = await watched()
  state.slow = true
  const { changed, close } = teller(cache, projections)
  changed([change(5, 6, 'a')])
  for (let at = 6; at < 100; at++) changed([change(at, at + 1, 'b')])
  await close()
  await until(() => told.length === 2)
  deepEqual(told, [`${SOURCE} 5-6 both:a,level:a,sum:a`, `${SOURCE} 6-100 both:b,level:b,sum:b`])
})

test('what could not be told is told when the cache is back, before what came since', async () => {
  const { cache, told, state } = await watched()
  state.away = true
  const { changed, close } = teller(cache, projections)
  changed([change(5, 6, 'a')])
  await sleep(20)
  changed([change(6, 7, 'b')])
  await sleep(20)
  deepEqual(told, [])
  state.away = false
  await until(() => told.length > 0)
  deepEqual(told, [`${SOURCE} 5-7 both:a,both:b,level:a,level:b,sum:a,sum:b`])
  await close()
})

test('more than can be remembered is one "forget all", and so is what cannot be named', async () => {
  const { cache, told, state } = await watched()
  state.away = true
  const { changed, close } = teller(cache, projections)
  for (let at = 0; at < 1_000; at++) changed([change(at, at + 1, `key-${at}`)])
  state.away = false
  await until(() => told.length > 0)
  deepEqual(told, [`forget ${SOURCE}`])
  changed([{ ...change(1_000, 1_001), keys: null }])
  await until(() => told.length > 1)
  deepEqual(told[1], `forget ${SOURCE}`)
  changed([change(1_001, 1_002, 'a')])
  await close()
  deepEqual(told[2], `${SOURCE} 1001-1002 both:a,level:a,sum:a`)
})

test('changes that do not follow each other are not told as if they did', async () => {
  const { cache, told, state } = await watched()
  state.slow = true
  const { changed, close } = teller(cache, projections)
  changed([change(1, 2, 'a')])
  changed([change(5, 6, 'a'), change(8, 9, 'a')])
  await close()
  await until(() => told.length === 2)
  deepEqual(told[1], `forget ${SOURCE}`)
})

test('closing does not wait for a cache that is away', async () => {
  const { cache, told, state } = await watched()
  state.away = true
  const { changed, close } = teller(cache, projections)
  changed([change(5, 6, 'a')])
  const started = performance.now()
  await close()
  ok(performance.now() - started < 20_000)
  deepEqual(told, [])
})

const commit = (more: Partial<Commit>): Commit => ({
  projection: 'levels',
  table: levels().table,
  from: 5,
  to: 6,
  generation: 4,
  upserts: [],
  deletes: [],
  park: [],
  unpark: [],
  ...more,
})
const parked = (...keys: string[]) => ({ projection: 'levels', position: 6, keys, error: '' })

test('a commit changes the rows it put, removed and parked', () => {
  const upserts = [{ id: 's:a', sku: 'a' }]
  const made = commit({ upserts, deletes: ['s:b'], park: [parked('s:c', 's:d')] })
  deepEqual(changedBy(made, 1), change(5, 6, 's:a', 's:b', 's:c', 's:d'))
  deepEqual(changedBy(commit({}), 1), change(5, 6))
})

test('which rows is not known where events wait under a stream, and of too many not told', () => {
  equal(changedBy(commit({ park: [parked('s:a', 'stream:item-s:a')] }), 1)?.keys, null)
  const many = Array.from({ length: 1_001 }, (_, i) => `s:${i}`)
  equal(changedBy(commit({ deletes: many }), 1)?.keys, null)
  equal(changedBy(commit({ deletes: many.slice(1) }), 1)?.keys?.length, 1_000)
})

test('a table that is built beside the live one changes nothing yet', () => {
  const { generation: _, ...beside } = commit({ deletes: ['s:a'] })
  equal(changedBy(beside, 1), null)
  equal(projections.has(movements.name), false)
})
