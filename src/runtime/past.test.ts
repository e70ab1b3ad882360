// A row of the past is the row that a plain fold of the log gives up to there.
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { type Projection, projection } from '#kernel/projection.ts'
import type { AsOf } from '#kernel/query.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { seeded } from '#testing/random.ts'
import {
  anyEvent,
  levels,
  movements,
  named,
  plainFold,
  received,
  record,
  removed,
  stockTypes,
} from '#testing/stock-book.ts'
import { eventsOfStreams, past } from './past.ts'

let log: EventLog
let minute: number
beforeEach(async () => {
  minute = 0
  // One event a minute, so that every time between two of them can be asked for.
  log = await openEventLog({ now: () => instant(++minute) })
})
const instant = (minutes: number) =>
  new Date(Date.UTC(2010, 11, 1) + minutes * 60_000).toISOString()

const history = () => ({ log, types: stockTypes, open: async <E>(events: E) => events })
const then = (key: string, asOf: AsOf, of: Projection = levels()) => past(history(), of, key, asOf)
const foldUpTo = async (position: number) =>
  plainFold(levels(), (await log.readAll(0, 10_000)).slice(0, position))

test('any row at any position, and at any time, is that of a plain fold up to there', async () => {
  const settings = process.env.SEED === undefined ? {} : { seed: Number(process.env.SEED) }
  const book = fc.record({
    seed: fc.nat(),
    count: fc.integer({ min: 1, max: 120 }),
    asks: fc.array(fc.record({ at: fc.nat(130), store: fc.nat(3), sku: fc.nat(4) }), {
      minLength: 5,
      maxLength: 20,
    }),
  })
  await fc.assert(
    fc.asyncProperty(book, async ({ seed, count, asks }) => {
      minute = 0
      log = await openEventLog({ now: () => instant(++minute) })
      const random = seeded(seed)
      await record(
        log,
        Array.from({ length: count }, () => anyEvent(random)),
      )
      for (const { at, store, sku } of asks) {
        const key = `s${store}:p${sku}`
        const expected = (await foldUpTo(at)).get(key) ?? null
        deepEqual(await then(key, { position: at }), expected)
        deepEqual(await then(key, { time: instant(at) }), expected)
        deepEqual(await then(key, { time: instant(at + 0.5) }), expected)
      }
    }),
    { ...settings, numRuns: 60 },
  )
})

test('before its first event, after its removal and under an unknown key there is nothing', async () => {
  await record(log, [received('s', 'a', 1), received('s', 'b', 1), removed('s', 'b')])
  equal(await then('s:b', { position: 1 }), null)
  equal((await then('s:b', { position: 2 }))?.quantity, 1)
  equal(await then('s:b', { position: 3 }), null)
  for (const position of [0, -1]) equal(await then('s:a', { position }), null)
  equal(await then('x:y', { position: 3 }), null)
  equal(await then('', { position: 3 }), null)
})

test('a time in another notation is the same moment, one that is none is refused', async () => {
  await record(log, [received('s', 'a', 1), received('s', 'a', 1)])
  equal((await then('s:a', { time: '2010-12-01T01:01:30+01:00' }))?.quantity, 1)
  equal((await then('s:a', { time: '2010-12-01T00:02:00Z' }))?.quantity, 2)
  equal((await then('s:a', { time: '2099-01-01T00:00:00Z' }))?.quantity, 2)
  await rejects(then('s:a', { time: 'yesterday' }), { name: 'InvalidQuery', field: 'as_of' })
})

test('a version is one of its own stream; what others did by then belongs to it', async () => {
  type Label = {
    readonly sku: string
    readonly name: string
    version: number
    readonly got: number
  }
  const labels = projection<Label>({
    name: 'labels',
    version: 1,
    table: {
      name: 'labels',
      key: 'sku',
      columns: { sku: 'text', name: 'text', version: 'int', got: 'int' },
    },
    on: {
      ProductNamed: {
        keys: ({ data }) => [data.sku],
        apply: (row, { data, version }) => ({ got: row?.got ?? 0, ...data, version }),
      },
      ItemReceived: {
        keys: ({ data }) => [data.sku],
        apply: (row, { data }) => row && { ...row, got: row.got + data.quantity },
      },
    },
    sources: (sku) => [`product-${sku}`, `item-s:${sku}`],
  })
  await record(log, [
    named('a', 'one'),
    received('s', 'a', 5),
    named('b', 'other'),
    named('a', 'two'),
    received('s', 'a', 7),
  ])
  const at = (version: number) => then('a', { version }, labels)
  deepEqual(await at(1), { sku: 'a', name: 'one', version: 1, got: 0 })
  deepEqual(await at(2), { sku: 'a', name: 'two', version: 2, got: 5 })
  for (const never of [3, 0]) equal(await at(never), null)
  // A row without a version of its own offers none.
  await rejects(then('s:a', { version: 1 }), { name: 'InvalidQuery', field: 'as_of_version' })
})

test('a row of a part of a long stream reads that part alone', async () => {
  for (let at = 0; at < 6; at++) await record(log, [received('s', 'a', 1)])
  const asked: string[] = []
  const readStream: EventLog['readStream'] = (stream, after, limit) => {
    asked.push(`${stream} ${after} ${limit}`)
    return log.readStream(stream, after, limit)
  }
  const part = (through: number | null) => ({
    ...levels(),
    sources: () => [{ stream: 'item-s:a', after: 2, through }],
  })
  const quantity = async (position: number, through: number | null) =>
    (await past({ ...history(), log: { ...log, readStream } }, part(through), 's:a', { position }))
      ?.quantity
  deepEqual([await quantity(6, 5), await quantity(4, 5), await quantity(6, null)], [3, 2, 4])
  deepEqual(asked, ['item-s:a 2 3', 'item-s:a 2 3', 'item-s:a 2 6'])
})

test('a table that does not know its streams offers no past', async () => {
  await rejects(then('a', { position: 1 }, movements), { name: 'InvalidQuery' })
})

test('streams that only the row names are read as well, however many turns that takes', async () => {
  type Chain = { readonly id: string; readonly skus: readonly string[] }
  const chains = projection<Chain>({
    name: 'chains',
    version: 1,
    table: { name: 'chains', key: 'id', columns: { id: 'text', skus: 'json' } },
    on: {
      // The name of a product is the next product of the chain.
      ProductNamed: {
        keys: () => ['all'],
        apply: (row, { data }, id) => ({ id, skus: [...(row?.skus ?? []), data.name] }),
      },
    },
    sources: (_, row) => ['a', ...(row?.skus ?? [])].map((sku) => `product-${sku}`),
  })
  await record(log, [named('c', 'd'), named('a', 'b'), named('b', 'c'), named('z', 'y')])
  deepEqual((await then('all', { position: 9 }, chains))?.skus, ['d', 'b', 'c'])
  deepEqual((await then('all', { position: 2 }, chains))?.skus, ['b'])
})

test('a row that an event cannot be folded into stays as it was, and says so', async () => {
  const broken = levels((phase, { position }) => {
    if (phase === 'apply' && position === 2) throw new Error('no')
  })
  await record(log, [received('s', 'a', 1), received('s', 'a', 2), received('s', 'a', 4)])
  equal((await then('s:a', { position: 1 }, broken))?.stale, undefined)
  const row = await then('s:a', { position: 3 }, broken)
  deepEqual([row?.quantity, row?.stale], [1, true])
})

test('personal fields of the past are opened', async () => {
  await record(log, [received('s', 'a', 1)])
  const opened = {
    ...history(),
    open: async (events: Parameters<ReturnType<typeof history>['open']>[0]) =>
      (events as { data: object }[]).map((event) => ({
        ...event,
        data: { ...event.data, quantity: 77 },
      })) as never,
  }
  equal((await past(opened, levels(), 's:a', { position: 1 }))?.quantity, 77)
})

test('events of several streams come in order, once each, lifted, as many as asked for', async () => {
  const random = seeded(5)
  await record(
    log,
    Array.from({ length: 200 }, () => anyEvent(random)),
  )
  const all = await log.readAll(0, 1_000)
  const wanted = all.filter(
    ({ aggregate_type, aggregate_id }) =>
      aggregate_type === 'transfer' || (aggregate_type === 'item' && aggregate_id === 's1:p1'),
  )
  const streams = ['transfer-*', 'item-s1:p1', 'item-s1:p1', 'item-nothing']
  const found = await eventsOfStreams(history(), streams, 1_000)
  deepEqual(
    found.map(({ position }) => position),
    wanted.map(({ position }) => position),
  )
  equal(
    found.every(({ data }) => !Object.hasOwn(data as object, 'amount')),
    true,
  )
  deepEqual(await eventsOfStreams(history(), streams, 7), found.slice(0, 7))
  deepEqual(await eventsOfStreams(history(), [], 7), [])
})

test('a stream longer than a page is read to its end', async () => {
  await record(
    log,
    Array.from({ length: 2_300 }, () => received('s', 'a', 1)),
  )
  equal((await then('s:a', { position: 9_999 }))?.quantity, 2_300)
  equal((await then('s:a', { position: 1_500 }))?.quantity, 1_500)
})

test('events after a position are those of the whole that come after it, from any page', async () => {
  const random = seeded(6)
  const many = Array.from({ length: 300 }, () => anyEvent(random))
  await record(log, many)
  const streams = ['item-s1:p1', 'item-s2:p2', 'item-s3:p3', 'item-nothing']
  const all = await eventsOfStreams(history(), streams, 1_000)
  for (const after of [1, 2, 50, all[3]!.position, all.at(-2)!.position, 299, 300, 10_000]) {
    const wanted = all.filter(({ position }) => position > after)
    deepEqual(await eventsOfStreams(history(), streams, 1_000, after), wanted)
    deepEqual(await eventsOfStreams(history(), streams, 2, after), wanted.slice(0, 2))
  }
})
