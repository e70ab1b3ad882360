// Kept answers over real rows, a real cache and the gateway: what is answered from where, and that
// it is never older than what the cache was told.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Query, query, variantKey } from '#kernel/query.ts'
import { integer, json, object, optional, text } from '#kernel/schema.ts'
import type { Cache } from '#storage/cache.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openCache } from '#storage/memory/cache.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { Unavailable } from '#storage/unavailable.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { anyEvent, levels, movements, received, record, stockTypes } from '#testing/stock-book.ts'
import { type Breaker, breaker, through } from './breaker.ts'
import { type CachedAnswers, cachedAnswers } from './cached-answers.ts'
import { changedBy, keptProjections, type Teller, teller } from './cached-changes.ts'
import { type Sources, sourcesOf } from './cached-sources.ts'
import { type Answer, type QueryGateway, queryGateway } from './query-gateway.ts'
import { type ProjectionRunner, projectionRunner } from './run-projections.ts'

let broken = 0
const breaking = levels((phase, { position }) => {
  if (phase === 'apply' && position === broken) throw new Error('broken')
})
const ofLevels = [
  { projection: breaking, names: (key: string) => [`level:${key}`, 'level_list'] },
] as const
const GetLevel = query({
  type: 'GetLevel',
  input: object({ id: text(), as_of_position: optional(integer()) }),
  answer: json(),
  run: ({ id }, reader) => reader.get(breaking, id),
  keeping: {
    key: ({ id, as_of_position }) => (as_of_position === undefined ? `level:${id}` : null),
    ttl: 'stock',
    of: ofLevels,
  },
})
const ListLevels = query({
  type: 'ListLevels',
  input: object({ store: optional(text()), words: optional(text()) }),
  answer: json(),
  run: ({ store }, reader) =>
    reader.find(breaking, { limit: 100, ...(store === undefined ? {} : { where: { store } }) }),
  keeping: {
    key: (input) => variantKey('level_list', 'ListLevels', input),
    ttl: 'product',
    of: ofLevels,
  },
})
const Uncached = query({
  type: 'Uncached',
  input: object({ id: text() }),
  answer: json(),
  run: ({ id }, reader) => reader.get(breaking, id),
})
const queries: readonly Query[] = [GetLevel, ListLevels, Uncached]
const projections = keptProjections(queries)

type From = 'hit' | 'miss' | 'stale' | undefined
const fromOf = (answer: Answer): From => {
  ok(answer.ok, JSON.stringify(answer))
  return answer.from
}
const quantityOf = (answer: Answer) => {
  ok(answer.ok, JSON.stringify(answer))
  return (answer.result as { quantity: number } | null)?.quantity ?? null
}

let log: EventLog
let store: ReadModels
let cache: Cache
let told: Teller
let runner: ProjectionRunner
let sources: Sources
let cached: CachedAnswers
let ask: QueryGateway['ask']
/** The store as queries see it. */
let away = false
let reads = 0
let slow = false
let circuit: Breaker
let telling = true

beforeEach(async () => {
  ;[broken, away, reads, slow, telling] = [0, false, 0, false, true]
  log = await openEventLog()
  store = await openReadModels()
  // However slow the machine is, what was vouched for is known still.
  cache = await openCache({ knownForMs: 3_600_000 })
  told = teller(cache, projections)
  runner = projectionRunner({
    log,
    reads: store,
    projections: [breaking, movements],
    types: stockTypes,
    open: async (events) => events,
    onError: () => {},
  })
  runner.onStored((commit) => {
    const change = changedBy(commit, 1)
    if (telling && change !== null) told.changed([change])
  })
  circuit = breaker('read models', {
    failures: 3,
    windowMs: 10_000,
    openForMs: 60_000,
    halfOpenMax: 1,
  })
  const seen = through(storeAsSeen(), circuit.run, ['load', 'find', 'checkpoints'])
  sources = sourcesOf(cache, seen, projections)
  const ttlMs = { product: 60_000, stock: 60_000, dashboard: 60_000 }
  cached = cachedAnswers({ cache, sources, checkpoints: seen.checkpoints, ttlMs })
  const given = { queries, reads: seen, log, projections: [breaking, movements], cached }
  ask = queryGateway({ ...given, types: stockTypes, open: async (events) => events }).ask
  await runner.catchUp()
  for (let looks = 0; looks < 2; looks++) await sources.look()
})
afterEach(() => told.close())

function storeAsSeen(): ReadModels {
  const guarded = <T>(work: () => Promise<T>) => {
    if (away) return Promise.reject(new Unavailable('the store is away'))
    return work()
  }
  return {
    ...store,
    load: (table, keys) =>
      guarded(async () => {
        reads++
        const rows = await store.load(table, keys)
        if (slow) await new Promise((resolve) => setTimeout(resolve, 20))
        return rows
      }),
    find: (table, find) => guarded(() => store.find(table, find)),
    checkpoints: () => guarded(() => store.checkpoints()),
  }
}

/** Recorded, projected, told. */
async function happened(...events: Parameters<typeof record>[1]): Promise<number> {
  const position = await record(log, events)
  await runner.catchUp()
  await new Promise((resolve) => setImmediate(resolve))
  return position
}
const level = (options = {}) => ask('GetLevel', { id: 's:a' }, options)

describe('an answer', () => {
  test('is read once, then kept until its row changes', async () => {
    await happened(received('s', 'a', 5))
    deepEqual([fromOf(await level()), fromOf(await level())], ['miss', 'hit'])
    const once = reads
    const kept = await level()
    deepEqual([quantityOf(kept), reads], [5, once])
    ok(kept.ok && kept.ageMs !== undefined && kept.ageMs >= 0)
    await happened(received('s', 'b', 5))
    equal(fromOf(await level()), 'hit')
    await happened(received('s', 'a', 1))
    const read = await level()
    deepEqual([fromOf(read), quantityOf(read)], ['miss', 6])
    deepEqual(cached.counts(), { hit: 3, miss: 2, stale: 0 })
  })

  test('is the same kept as read, for every question', async () => {
    await happened(received('s', 'a', 5), received('t', 'b', 6))
    for (const [type, input] of [
      ['GetLevel', { id: 's:a' }],
      ['ListLevels', {}],
      ['ListLevels', { store: 't' }],
      ['ListLevels', { store: 't', words: 'x'.repeat(500) }],
    ] as const) {
      const read = await ask(type, input)
      const kept = await ask(type, input)
      deepEqual([fromOf(read), fromOf(kept)], ['miss', 'hit'], type)
      deepEqual(kept.ok && kept.result, read.ok && read.result)
    }
    await happened(received('s', 'a', 1))
    const input = { store: 't', words: 'x'.repeat(500) }
    equal(fromOf(await ask('ListLevels', input)), 'miss', 'a long key has its name')
  })

  test('of one question in other words is the same', async () => {
    await happened(received('s', 'a', 5))
    await ask('ListLevels', { store: 's', words: 'y' })
    equal(fromOf(await ask('ListLevels', { words: 'y', store: 's' })), 'hit')
    equal(fromOf(await ask('ListLevels', { words: 'y' })), 'miss')
  })

  test('of a question that is not kept says nothing of it', async () => {
    await happened(received('s', 'a', 5))
    equal(fromOf(await ask('Uncached', { id: 's:a' })), undefined)
    equal(fromOf(await ask('GetLevel', { id: 's:a', as_of_position: 1 })), undefined)
  })

  test('is not kept where there is nothing', async () => {
    equal(quantityOf(await level()), null)
    equal(fromOf(await level()), 'miss')
    await happened(received('s', 'a', 5))
    equal(quantityOf(await level()), 5)
  })

  test('is not kept while events wait for its row; and one that was goes with the first', async () => {
    await happened(received('s', 'a', 5))
    await level()
    broken = 2
    await happened(received('s', 'a', 1))
    for (let times = 0; times < 2; times++) {
      const answer = await level()
      deepEqual([fromOf(answer), quantityOf(answer)], ['miss', 5])
      ok(answer.ok && (answer.result as { stale: boolean }).stale)
    }
    broken = 0
    await runner.retryParked('levels')
    for (let looks = 0; looks < 2; looks++) await sources.look()
    deepEqual([quantityOf(await level()), quantityOf(await level())], [6, 6])
    equal(fromOf(await level()), 'hit')
  })

  test('made of rows that were built anew is read anew', async () => {
    await happened(received('s', 'a', 5))
    await level()
    await runner.rebuild('levels')
    await sources.look()
    equal(fromOf(await level()), 'miss')
  })

  test('that nobody told of is forgotten with the second look', async () => {
    await happened(received('s', 'a', 5))
    await level()
    telling = false
    await happened(received('s', 'a', 1))
    await sources.look()
    await sources.look()
    deepEqual([fromOf(await level()), quantityOf(await level())], ['miss', 6])
  })
})

describe('a minimal position', () => {
  test('is reached by what is kept when all up to it was told; else the rows are asked', async () => {
    await happened(received('s', 'a', 5))
    await level()
    const minPosition = await happened(received('s', 'b', 5))
    equal(fromOf(await level({ minPosition })), 'hit')
    telling = false
    const untold = await happened(received('s', 'a', 1))
    equal(quantityOf(await level({ minPosition })), 5)
    const read = await level({ minPosition: untold })
    deepEqual([fromOf(read), quantityOf(read)], ['miss', 6])
  })

  test('is not answered with what another has begun to read before', async () => {
    await happened(received('s', 'a', 5))
    slow = true
    const early = level()
    while (reads === 0) await new Promise((resolve) => setImmediate(resolve))
    telling = false
    const minPosition = await happened(received('s', 'a', 1))
    deepEqual([quantityOf(await level({ minPosition })), quantityOf(await early)], [6, 5])
  })

  test('that cannot be is refused also where an answer is kept', async () => {
    await happened(received('s', 'a', 5))
    await level()
    for (const minPosition of [-1, 0.5, Number.NaN, 2]) {
      const answer = await level({ minPosition })
      ok(!answer.ok && answer.rejection.code === 'validation_failed', String(minPosition))
    }
  })
})

describe('many at the same time', () => {
  test('share one reading', async () => {
    await happened(received('s', 'a', 5))
    slow = true
    const answers = await Promise.all(Array.from({ length: 200 }, () => level()))
    equal(reads, 1)
    for (const answer of answers) deepEqual([fromOf(answer), quantityOf(answer)], ['miss', 5])
  })

  test('do not share one that began before a change they could know of', async () => {
    await happened(received('s', 'a', 5))
    slow = true
    const before = level()
    while (reads === 0) await new Promise((resolve) => setImmediate(resolve))
    await happened(received('s', 'a', 1))
    const after = await level()
    deepEqual([quantityOf(await before), quantityOf(after)], [5, 6])
    equal(quantityOf(await level()), 6)
  })

  test('each hear of a failure, and the next one tries anew', async () => {
    await happened(received('s', 'a', 5))
    away = true
    const failed = await Promise.all([level(), level()])
    for (const answer of failed) ok(!answer.ok && answer.rejection.code === 'unavailable')
    away = false
    equal(quantityOf(await level()), 5)
  })
})

describe('when the store is away', () => {
  test('the last answer is given, as stale; where there is none, the failure', async () => {
    await happened(received('s', 'a', 5), received('s', 'b', 1))
    await level()
    const minPosition = await happened(received('s', 'a', 1))
    away = true
    const stale = await level()
    deepEqual([fromOf(stale), quantityOf(stale)], ['stale', 5])
    ok(stale.ok && stale.ageMs !== undefined)
    const none = await ask('GetLevel', { id: 's:b' })
    ok(!none.ok && none.rejection.code === 'unavailable')
    const mine = await level({ minPosition })
    ok(!mine.ok, 'an answer from before my own write is no answer')
  })

  test('and away for long, it is left alone: stale at once, or for how long it rests', async () => {
    await happened(received('s', 'a', 5))
    await level()
    await happened(received('s', 'a', 1))
    away = true
    for (let failures = 0; failures < 3; failures++) await ask('Uncached', { id: 's:a' })
    equal(circuit.state(), 'open')
    equal(fromOf(await level()), 'stale')
    const refused = await ask('GetLevel', { id: 's:b' })
    ok(!refused.ok && refused.rejection.code === 'circuit_open')
    const seconds = Number(refused.rejection.details?.retry_after_s)
    ok(seconds > 50 && seconds <= 60, String(seconds))
  })

  test('what holds is answered as before', async () => {
    await happened(received('s', 'a', 5))
    await level()
    away = true
    equal(fromOf(await level()), 'hit')
  })
})

test('without a cache that answers, every question is read', async () => {
  const failing = through(cache, () => Promise.reject(new Unavailable('no cache')), ['get', 'fill'])
  const ttlMs = { product: 1, stock: 1, dashboard: 1 }
  const { checkpoints } = store
  const without = cachedAnswers({ cache: failing, sources, checkpoints, ttlMs })
  let made = 0
  const asked = {
    query: GetLevel,
    input: { id: 's:a' },
    wait: async () => null,
    read: async () => ({ ok: true, result: ++made, keep: true }) as const,
  }
  const answers = [await without.answer(asked), await without.answer(asked)]
  deepEqual(answers, [
    { ok: true, result: 1, from: 'miss' },
    { ok: true, result: 2, from: 'miss' },
  ])
})

const seed = seedOfRun()
test(`an answer is never older than what was told, in any order (SEED=${seed})`, async () => {
  const random = seeded(seed)
  const from = { hit: 0, miss: 0, stale: 0 }
  for (let round = 0; round < 150; round++) {
    telling = random.chance(0.95)
    const position = await happened(anyEvent(random))
    if (!telling) for (let looks = 0; looks < 2; looks++) await sources.look()
    const ids = Array.from({ length: 4 }, () => `s${random.int(0, 2)}:p${random.int(0, 3)}`)
    const answers = await Promise.all(
      ids.map((id) => ask('GetLevel', { id }, random.chance(0.5) ? { minPosition: position } : {})),
    )
    for (const [at, answer] of answers.entries()) {
      ok(answer.ok)
      from[answer.from!]++
      const [row] = await store.load(breaking.table, [ids[at]!])
      deepEqual(answer.result, row ?? null)
    }
    const { items } = await store.find(breaking.table, { limit: 100 })
    const list = await ask('ListLevels', {})
    ok(list.ok)
    deepEqual((list.result as { items: unknown }).items, items)
  }
  ok(from.hit > 50, JSON.stringify(from))
})
