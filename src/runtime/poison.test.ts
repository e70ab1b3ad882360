// One event that a handler cannot take, in every way that a handler can fail: it is parked with its
// reason, all others go on, and once the handler is mended the rows are those of a fresh fold.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { eventTypes } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Projection, projection, type Row } from '#kernel/projection.ts'
import { integer, object, text } from '#kernel/schema.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openReadModels as openInMemory } from '#storage/memory/read-models.ts'
import { openReadModels as openPostgres } from '#storage/postgres/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { ignored, levels, received, receivedOld, record, stockTypes } from '#testing/stock-book.ts'
import { type ProjectionRunnerOptions, projectionRunner } from './run-projections.ts'

type Event = Recorded<{ store: string; sku: string; quantity: number }>
/** JavaScript's types promise nothing: a handler returns and throws what it likes. */
// biome-ignore lint/suspicious/noExplicitAny: that is the point
type Bad = { readonly keys?: () => any; readonly apply?: (key: string) => any }

const circle: { self?: object } = {}
circle.self = circle
const deep = () => {
  let value: object = {}
  for (let depth = 0; depth < 100_000; depth++) value = { value }
  return value
}
const throws = (thrown: unknown) => () => {
  throw thrown
}
const endless = (): never => endless()
const countTo = (length: number) => Array.from({ length }, (_, at) => `row ${at}`)

const FAILURES: Readonly<Record<string, Bad>> = {
  'names nothing': { keys: () => undefined },
  'names a text': { keys: () => 's2' },
  'names a promise': { keys: async () => ['s2'] },
  'names numbers': { keys: () => [2] },
  'names what no engine stores': { keys: () => ['s2\0'] },
  'names half a character': { keys: () => ['s2\ud800'] },
  'names more rows than there can be': { keys: () => countTo(100_001) },
  'throws while it names': { keys: throws(new Error('no')) },
  'looks up nothing': { keys: () => ({ lookup: undefined }) },
  'looks up by no column': { keys: () => ({ lookup: { nothing: 1 } }) },
  'looks up what no engine stores': { keys: () => ({ lookup: { sku: 'p\0' } }) },
  'looks up an object': { keys: () => ({ lookup: { sku: {} } }) },
  'throws nothing': { apply: throws(undefined) },
  'throws a text': { apply: throws('no') },
  'throws what has no text': { apply: throws(Object.create(null)) },
  'throws what throws when it is told': { apply: throws({ toString: throws(new Error('no')) }) },
  'throws a message of any characters': { apply: throws(new Error('\0\ud800')) },
  'calls itself for ever': { apply: endless },
  'promises a row': { apply: async (id) => ({ id, quantity: 1 }) },
  'returns a number': { apply: () => 1 },
  'returns another row': { apply: () => ({ id: 'other', quantity: 1 }) },
  'counts to nothing': { apply: (id) => ({ id, quantity: Number.NaN }) },
  'goes in circles': { apply: (id) => ({ id, quantity: 1, more: circle }) },
  'goes too deep': { apply: (id) => ({ id, quantity: 1, more: deep() }) },
  'counts in what JSON has not': { apply: (id) => ({ id, quantity: 1, more: [1n] }) },
  'holds what throws when it is stored': {
    apply: (id) => ({ id, quantity: 1, more: { toJSON: throws(new Error('no')) } }),
  },
}

const plain = (bad: Bad = {}): Projection =>
  projection<Row>({
    name: 'plain',
    version: 1,
    table: {
      name: 'plain',
      key: 'id',
      columns: {
        id: 'text',
        quantity: 'int',
        sku: { kind: 'text', nullable: true },
        more: { kind: 'json', nullable: true },
      },
      indexes: [['sku']],
    },
    on: {
      ItemReceived: {
        keys: (event: Event) =>
          event.position === 2 && bad.keys ? bad.keys() : [event.data.store],
        apply: (row, event: Event, id) =>
          event.position === 2 && bad.apply
            ? bad.apply(id)
            : { ...row, id, quantity: Number(row?.quantity ?? 0) + event.data.quantity },
      },
    },
  })

describe('in memory', () => poisons(async () => [await openInMemory(), async () => {}]))

await onPostgres('in PostgreSQL', (fresh) =>
  poisons(async () => {
    const { url, remove } = await fresh()
    return [await openPostgres({ url }), remove]
  }),
)

function poisons(open: () => Promise<readonly [ReadModels, () => Promise<void>]>): void {
  let log: EventLog
  let reads: ReadModels
  let remove: () => Promise<void>
  let told: string[]
  beforeEach(async () => {
    log = await openEventLog()
    ;[reads, remove] = await open()
    told = []
  })
  afterEach(async () => {
    await reads.close()
    await log.close()
    await remove()
  })

  const runner = (
    projections: readonly Projection[],
    more: Partial<ProjectionRunnerOptions> = {},
  ) =>
    projectionRunner({
      log,
      reads,
      projections,
      types: stockTypes,
      open: async (events) => events,
      onError: (error, where) => told.push(`${where}: ${String(error)}`),
      ...more,
    })
  const quantities = async (name: string) => {
    const table = name === 'plain' ? plain().table : levels().table
    const { items } = await reads.find(table, { sort: [{ column: 'id' }], limit: 100 })
    return items.map(({ id, quantity }) => `${id} ${quantity}`)
  }
  const waiting = async () =>
    (await reads.parked()).map(({ projection, position }) => `${projection} ${position}`)

  test('a handler that fails in any way keeps back the rows of its event alone', async () => {
    await record(log, [
      received('s1', 'p1', 1),
      received('s2', 'p1', 1),
      received('s2', 'p1', 10),
      received('s3', 'p1', 100),
    ])
    for (const [failure, bad] of Object.entries(FAILURES)) {
      told = []
      const one = runner([plain(bad), levels()])
      await one.catchUp()
      deepEqual(await quantities('plain'), ['s1 1', 's3 100'], failure)
      deepEqual(await waiting(), ['plain 2', 'plain 3'], failure)
      const [first] = await reads.parked()
      ok(first!.error.length > 5, `${failure} is not told: ${first!.error}`)
      equal(told.length, 1, failure)
      match(told[0]!, /^plain parked ItemReceived at 2: /, failure)
      deepEqual(await quantities('levels'), ['s1:p1 1', 's2:p1 11', 's3:p1 100'], failure)
      const status = (await one.status()).map(({ status, lag_events }) => [status, lag_events])
      deepEqual(status, [
        ['faulted', 0],
        ['running', 0],
      ])
      // Still the same, asked for again.
      equal(await one.retryParked('plain'), 0, failure)

      const mended = runner([plain(), levels()])
      await mended.retryParked('plain')
      deepEqual(await waiting(), [], failure)
      deepEqual(await quantities('plain'), ['s1 1', 's2 11', 's3 100'], failure)
      for (const { name } of [plain(), levels()]) await reads.drop(name)
    }
  })

  test('three failures, then none: the operator’s third try is the last', async () => {
    let failures = 0
    const failing = plain({
      apply: (id) => {
        if (failures++ < 3) throw new Error('not yet')
        return { id, quantity: 1 }
      },
    })
    await record(log, [received('s1', 'p1', 1), received('s2', 'p1', 1), received('s2', 'p1', 10)])
    const one = runner([failing])
    await one.catchUp()
    const taken = [await one.retryParked('plain'), await one.retryParked('plain')]
    deepEqual([...taken, await one.retryParked('plain')], [0, 0, 2])
    deepEqual(await quantities('plain'), ['s1 1', 's2 11'])
  })

  test('an event that cannot be lifted, or is not what was promised, waits with its stream', async () => {
    const lifting = (upcast: (data: { amount: number }) => object) => ({
      ...stockTypes,
      ...eventTypes({
        ItemReceived: {
          data: object({ sku: text(), store: text(), quantity: integer() }),
          version: 2,
          upcast: { 1: upcast },
        },
      }),
    })
    const strange = { ...received('s3', 'p1', 1), data: {} }
    await record(log, [
      received('s1', 'p1', 1),
      receivedOld('s2', 'p1', 1),
      received('s2', 'p1', 10),
      strange,
      received('s1', 'p1', 100),
      ignored(),
    ])
    for (const thrown of [new Error('no'), undefined, Object.create(null)]) {
      const types = lifting(throws(thrown))
      const one = runner([plain(), levels()], { types })
      await one.catchUp()
      deepEqual(await quantities('plain'), ['s1 101'])
      // The third is of the stream of the second; the fourth holds nothing of what it should.
      const both = [2, 3, 4].flatMap((position) => [`levels ${position}`, `plain ${position}`])
      deepEqual((await waiting()).toSorted(), both.toSorted())
      await reads.drop('plain')
      await reads.drop('levels')
    }
  })
}
