// Asking: what is checked, what is waited for, and what an answer says about itself.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Query, query, type Reader } from '#kernel/query.ts'
import { integer, json, object, optional, text } from '#kernel/schema.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { openReadModels } from '#storage/sqlite/read-models.ts'
import { type Level, levels, movements, received, record, stockTypes } from '#testing/stock-book.ts'
import { type Answer, type QueryGatewayOptions, queryGateway } from './query-gateway.ts'
import { projectionRunner } from './run-projections.ts'

const none = { input: object({}), answer: json() }
const with_ = (type: string, run: (reader: Reader) => Promise<unknown>): Query =>
  query({ ...none, type, run: (_, reader) => run(reader) })
const GetLevel = query({
  type: 'GetLevel',
  input: object({
    id: text(),
    as_of_position: optional(integer({ min: 0 })),
    as_of_version: optional(integer({ min: 1 })),
  }),
  answer: json(),
  run: ({ id, as_of_position: position }, reader) =>
    position === undefined ? reader.get(levels(), id) : reader.past(levels(), id, { position }),
})
const ListLevels = query({
  type: 'ListLevels',
  input: object({ cursor: optional(text()), sort: optional(text()) }),
  answer: json(),
  run: ({ cursor, sort = 'id' }, reader) =>
    reader.find(levels(), {
      limit: 1,
      sort: [{ column: sort }],
      ...(cursor === undefined ? {} : { cursor }),
    }),
})
const unbuilt = { ...levels(), table: { ...levels().table, name: 'unbuilt' } }
const others = [
  with_('Sum', (reader) => reader.group(levels(), { by: [], sums: ['quantity'] })),
  with_('History', (reader) => reader.events(['item-s:a'], 10)),
  with_('Unbuilt', (reader) => reader.find(unbuilt, { limit: 1 })),
  with_('Buggy', async () => {
    throw new TypeError('a bug')
  }),
]

let folder: string
let log: EventLog
let writer: ReadModels
let reads: ReadModels
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-queries-'))
  const path = join(folder, 'views.db')
  log = await openEventLog()
  writer = await openReadModels({ path })
  // As in a server: another connection, that can only read.
  reads = await openReadModels({ path, readOnly: true })
})
afterEach(async () => {
  await reads.close()
  await writer.close()
  rmSync(folder, { recursive: true })
})

let broken = 0
const breaking = levels((phase, { position }) => {
  if (phase === 'apply' && position === broken) throw new Error('broken')
})
const unnamed = levels((phase, { position }) => {
  if (phase === 'keys' && position === broken) throw new Error('broken')
})
const runner = (projection = levels()) =>
  projectionRunner({
    log,
    reads: writer,
    projections: [projection, movements],
    types: stockTypes,
    open: async (events) => events,
    onError: () => {},
  })
const gateway = (more: Partial<QueryGatewayOptions> = {}) =>
  queryGateway({
    queries: [GetLevel, ListLevels, ...others],
    reads,
    log,
    projections: [levels(), movements],
    types: stockTypes,
    open: async (events) => events,
    ...more,
  })
const resultOf = (answer: Answer) => {
  ok(answer.ok, JSON.stringify(answer))
  return answer.result
}
const refusalOf = (answer: Answer) => {
  ok(!answer.ok)
  const { code, errors } = answer.rejection
  return errors === undefined ? code : `${code} ${Object.keys(errors)}`
}

describe('an answer', () => {
  beforeEach(async () => {
    await record(log, [received('s', 'a', 5), received('s', 'b', 6), received('s', 'a', 1)])
    await runner().catchUp()
  })

  test('is what the query makes of the rows; null where there is nothing', async () => {
    const { ask } = gateway()
    equal((resultOf(await ask('GetLevel', { id: 's:a' })) as Level).quantity, 6)
    equal(resultOf(await ask('GetLevel', { id: 's:x' })), null)
    deepEqual(resultOf(await ask('Sum', {})), [{ count: 2, quantity: 12 }])
    equal((resultOf(await ask('History', {})) as unknown[]).length, 2)
  })

  test('may be one of the past', async () => {
    const { ask } = gateway()
    const asked = await ask('GetLevel', { id: 's:a', as_of_position: 2 })
    equal((resultOf(asked) as Level).quantity, 5)
    equal(resultOf(await ask('GetLevel', { id: 's:a', as_of_position: 0 })), null)
    const { position } = await log.head()
    ok((await ask('GetLevel', { id: 's:a', as_of_position: position })).ok)
    const ahead = await ask('GetLevel', { id: 's:a', as_of_position: position + 1 })
    equal(refusalOf(ahead), 'validation_failed as_of_position')
    const twice = await ask('GetLevel', { id: 's:a', as_of_position: 2, as_of_version: 2 })
    equal(refusalOf(twice), 'validation_failed as_of_version')
  })

  test('is a refusal for an unknown query, and for input that does not fit', async () => {
    const { ask } = gateway()
    equal(refusalOf(await ask('Nothing', {})), 'unknown_type')
    equal(refusalOf(await ask('constructor', {})), 'unknown_type')
    equal(refusalOf(await ask('GetLevel', { id: 5, extra: 1 })), 'validation_failed extra,id')
    equal(refusalOf(await ask('GetLevel', null)), 'validation_failed (body)')
  })

  test('is a refusal that names the field for a cursor or a column that cannot be', async () => {
    const { ask } = gateway()
    equal(refusalOf(await ask('ListLevels', { cursor: 'made-up' })), 'validation_failed cursor')
    equal(refusalOf(await ask('ListLevels', { sort: 'colour' })), 'validation_failed sort')
    const { next_cursor } = resultOf(await ask('ListLevels', {})) as { next_cursor: string }
    const next = resultOf(await ask('ListLevels', { cursor: next_cursor })) as { items: Level[] }
    equal(next.items[0]?.id, 's:b')
  })

  test('of a table that is being built is "not yet", of a bug an exception', async () => {
    equal(refusalOf(await gateway().ask('Unbuilt', {})), 'projection_lagging')
    await rejects(gateway().ask('Buggy', {}), TypeError)
  })
})

describe('a minimal position', () => {
  test('that every projection has reached does not wait', async () => {
    await record(log, [received('s', 'a', 5)])
    await runner().catchUp()
    const { ask } = gateway({ waitMs: 0 })
    for (const minPosition of [0, 1])
      equal((resultOf(await ask('GetLevel', { id: 's:a' }, { minPosition })) as Level).quantity, 5)
  })

  test('is waited for, by many at once, until the slowest projection is there', async () => {
    const one = runner()
    await one.catchUp()
    await record(log, [received('s', 'a', 5), received('s', 'a', 6)])
    let looked = 0
    const checkpoints = () => {
      looked++
      return reads.checkpoints()
    }
    const { ask } = gateway({ waitMs: 60_000, reads: { ...reads, checkpoints } })
    const asked = Array.from({ length: 50 }, (_, i) =>
      ask('GetLevel', { id: 's:a' }, { minPosition: 1 + (i % 2) }),
    )
    await one.pause('movements')
    await one.catchUp()
    let answered = 0
    for (const answer of asked) answer.then(() => answered++)
    // The other projection still stands at 0: nobody is answered, however often they look.
    const before = looked
    while (looked < before + 5 && answered === 0)
      await new Promise((resolve) => setImmediate(resolve))
    equal(answered, 0)
    await one.resume('movements')
    await one.catchUp()
    for (const answer of await Promise.all(asked)) equal((resultOf(answer) as Level).quantity, 11)
  })

  test('that is not reached in time is refused as lagging', async () => {
    await runner().catchUp()
    await record(log, [received('s', 'a', 5)])
    const answer = await gateway({ waitMs: 1 }).ask('GetLevel', { id: 's:a' }, { minPosition: 1 })
    equal(refusalOf(answer), 'projection_lagging')
  })

  test('beyond the end of the log, or no position at all, is refused at once', async () => {
    await record(log, [received('s', 'a', 5)])
    const { ask } = gateway({ waitMs: 600_000 })
    for (const minPosition of [2, -1, 0.5, Number.NaN, 2 ** 60])
      equal(
        refusalOf(await ask('GetLevel', { id: 's:a' }, { minPosition })),
        'validation_failed min_position',
      )
  })
})

describe('an answer is marked stale', () => {
  const staleOf = async (id: string, more: Partial<QueryGatewayOptions> = {}) => {
    const row = resultOf(await gateway(more).ask('GetLevel', { id })) as { stale?: boolean }
    return row.stale === true
  }

  test('when events wait for its key, until they are taken', async () => {
    broken = 3
    await record(log, [received('s', 'a', 1), received('s', 'b', 2), received('s', 'a', 3)])
    const one = runner(breaking)
    await one.catchUp()
    deepEqual([await staleOf('s:a'), await staleOf('s:b')], [true, false])
    broken = 0
    equal(await one.retryParked('levels'), 1)
    equal(await staleOf('s:a'), false)
  })

  test('when events of one of its streams wait that cannot name their rows', async () => {
    broken = 3
    await record(log, [received('s', 'a', 1), received('s', 'b', 2), received('s', 'a', 3)])
    await runner(unnamed).catchUp()
    deepEqual([await staleOf('s:a'), await staleOf('s:b')], [true, false])
  })

  test('when such events wait and the table does not know its streams', async () => {
    broken = 3
    await record(log, [received('s', 'a', 1), received('s', 'b', 2), received('s', 'c', 3)])
    await runner(unnamed).catchUp()
    const { sources: _, ...sourceless } = levels()
    const Get = with_('Get', (reader) => reader.get(sourceless, 's:b'))
    const answer = resultOf(await gateway({ queries: [Get] }).ask('Get', {}))
    equal((answer as { stale?: boolean }).stale, true)
  })

  test('when its projection is paused with events that wait', async () => {
    broken = 3
    await record(log, [received('s', 'a', 1), received('s', 'b', 2), received('s', 'a', 3)])
    await runner(breaking).catchUp()
    equal(await staleOf('s:b', { runnerStatus: () => 'paused' }), true)
    equal(await staleOf('s:b', { runnerStatus: () => 'faulted' }), false)
  })
})
