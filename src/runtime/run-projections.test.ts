// The promises of the projection runner, over a small book and beside a plain fold of it.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Projection, projection, type Row } from '#kernel/projection.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import {
  anyEvent,
  ignored,
  levels,
  movedBetween,
  movements,
  named,
  plainFold,
  received,
  receivedOld,
  record,
  removed,
  stockTypes,
} from '#testing/stock-book.ts'
import { type ProjectionRunnerOptions, projectionRunner } from './run-projections.ts'

let log: EventLog
let reads: ReadModels
let told: string[]
beforeEach(async () => {
  log = await openEventLog()
  reads = await openReadModels()
  told = []
})
afterEach(async () => {
  await reads.close()
  await log.close()
})

const runner = (projections: readonly Projection[], more: Partial<ProjectionRunnerOptions> = {}) =>
  projectionRunner({
    log,
    reads,
    projections,
    types: stockTypes,
    open: async (events) => events,
    onError: (error, where) => told.push(`${where}: ${error}`),
    ...more,
  })

const rowsOf = async ({ table }: Projection): Promise<ReadonlyMap<string, Row>> => {
  const { items } = await reads.find(table, { sort: [{ column: table.key }], limit: 100_000 })
  return new Map(items.map((row) => [row[table.key] as string, row]))
}
const fold = async (projection: Projection, upTo = Number.MAX_SAFE_INTEGER) =>
  plainFold(
    projection,
    (await log.readAll(0, 100_000)).filter(({ position }) => position <= upTo),
  )
/** The table is what a plain fold of the whole log gives. */
const holds = async (...projections: Projection[]) => {
  for (const one of projections) deepEqual(await rowsOf(one), await fold(one))
}
const seed = seedOfRun()
const random = seeded(seed)
const some = (count: number) => Array.from({ length: count }, () => anyEvent(random))
/** A turn of the event loop for everybody. */
const turn = () => new Promise((resolve) => setImmediate(resolve))
const until = async (true_: () => Promise<boolean> | boolean) => {
  while (!(await true_())) await turn()
}

test('rows equal a plain fold of the log, whatever the pages and however the log grows', async (t) => {
  t.diagnostic(`SEED=${seed}`)
  for (const [pageSize, manyProcesses] of [
    [1, true],
    [2, false],
    [7, true],
    [5_000, false],
  ] as const) {
    const projections = [levels(), movements]
    const capabilities = { ...log.capabilities, manyProcesses }
    const elsewhere = { ...log, capabilities }
    const one = runner(projections, { pageSize, cachedRows: 10, log: elsewhere })
    for (let part = 0; part < 3; part++) {
      await record(log, some(60))
      await one.catchUp()
      await holds(...projections)
    }
    equal((await reads.checkpoints()).get('levels'), (await log.head()).position)
    for (const { name } of projections) await reads.drop(name)
  }
  deepEqual(told, [])
})

test('an old version of an event is lifted, an event that nobody hears is passed over', async () => {
  await record(log, [receivedOld('s1', 'p1', 5), ignored()])
  await runner([levels()]).catchUp()
  equal((await rowsOf(levels())).get('s1:p1')?.quantity, 5)
  equal((await reads.checkpoints()).get('levels'), 2)
})

test('personal fields are opened before they are folded', async () => {
  await record(log, [received('s1', 'p1', 1), named('p1', 'sealed')])
  const open: ProjectionRunnerOptions['open'] = async (events) =>
    events.map((event) =>
      event.event_type === 'ProductNamed'
        ? { ...event, data: { ...(event.data as object), name: 'opened' } }
        : event,
    )
  await runner([levels()], { open }).catchUp()
  equal((await rowsOf(levels())).get('s1:p1')?.name, 'opened')
})

test('a look-up sees the rows of its own page, those changed and those removed', async () => {
  const events = [
    received('s1', 'p1', 1),
    received('s2', 'p1', 1),
    removed('s2', 'p1'),
    named('p1', 'first'),
    received('s3', 'p1', 1),
    named('p1', 'second'),
    received('s1', 'p2', 1),
  ]
  await record(log, events)
  await runner([levels()]).catchUp()
  await holds(levels())
  equal((await rowsOf(levels())).get('s3:p1')?.name, 'second')
  equal((await rowsOf(levels())).get('s1:p2')?.name, null)
})

test('a look-up takes rows as its own page has left them, not as they were stored', async () => {
  const columns = { id: 'text', quantity: 'int', found: 'int' } as const
  type Found = { readonly id: string; readonly quantity: number; readonly found: number }
  const finders = projection<Found>({
    name: 'finders',
    version: 1,
    table: { name: 'finders', key: 'id', columns, indexes: [['quantity']] },
    on: {
      ItemReceived: {
        keys: ({ data }) => [data.sku],
        apply: (row, { data }, id) => ({ id, found: row?.found ?? 0, quantity: data.quantity }),
      },
      ProductNamed: {
        keys: ({ data }) => ({ lookup: { quantity: Number(data.name) } }),
        apply: (row) => row && { ...row, found: row.found + 1 },
      },
    },
  })
  await record(log, [
    received('s', 'away', 1),
    received('s', 'stays', 1),
    received('s', 'comes', 2),
  ])
  const one = runner([finders])
  await one.catchUp()
  await record(log, [received('s', 'away', 2), received('s', 'comes', 1), named('x', '1')])
  await one.catchUp()
  await holds(finders)
  const found = [...(await rowsOf(finders)).values()].map(({ id, found }) => `${id} ${found}`)
  deepEqual(found, ['away 0', 'comes 1', 'stays 1'])
})

test('a runner that starts again goes on where the last one was', async () => {
  await record(log, some(40))
  await runner([levels()], { pageSize: 7 }).catchUp(20)
  equal((await reads.checkpoints()).get('levels'), 20)
  deepEqual(await rowsOf(levels()), await fold(levels(), 20))
  await record(log, some(40))
  await runner([levels()]).catchUp()
  await holds(levels())
})

test('two runners over the same tables do no harm', async () => {
  const [one, two] = [runner([levels(), movements]), runner([levels(), movements])]
  for (let part = 0; part < 10; part++) {
    await record(log, some(30))
    await Promise.all([one.catchUp(), two.catchUp(), one.runOnce(), two.runOnce()])
    // What one of them remembers is old by the time it is its turn again.
    await (part % 2 === 0 ? one : two).catchUp()
    await record(log, some(10))
    await (part % 2 === 0 ? two : one).catchUp()
    await record(log, some(10))
  }
  await one.catchUp()
  await holds(levels(), movements)
})

test('all that stand together are fed by one reading and one commit', async () => {
  await record(log, some(50))
  const calls: string[] = []
  const counted = runner([levels(), movements], {
    log: {
      ...log,
      readAll: (after, limit) => {
        calls.push(`read after ${after}`)
        return log.readAll(after, limit)
      },
    },
    reads: {
      ...reads,
      commit: (commits) => {
        calls.push(`commit ${commits.map(({ projection }) => projection)}`)
        return reads.commit(commits)
      },
    },
  })
  equal(await counted.runOnce(), 50)
  deepEqual(calls, ['read after 0', 'commit levels,movements'])
})

test('the next page is read while one is stored, where the log is a server', async () => {
  const calls: string[] = []
  let away = false
  const readAll: EventLog['readAll'] = async (after, limit) => {
    calls.push(`read ${after}+${limit}`)
    if (away && after === 20) throw new Error('away')
    return log.readAll(after, limit)
  }
  const commit: ReadModels['commit'] = async (commits) => {
    calls.push(`commit ${commits[0]!.to}`)
    return reads.commit(commits)
  }
  const capabilities = { ...log.capabilities, manyProcesses: true }
  const one = runner([levels()], {
    pageSize: 10,
    log: { ...log, capabilities, readAll },
    reads: { ...reads, commit },
  })
  await record(log, some(25))
  away = true
  await rejects(one.catchUp(), /away/)
  away = false
  await one.catchUp()
  deepEqual(calls, [
    ...['read 0+10', 'read 10+10', 'commit 10'],
    ...['read 20+10', 'commit 20'],
    // The one that failed was asked for again by whoever wanted it.
    ...['read 20+10', 'commit 25', 'read 25+10'],
  ])
  await holds(levels())
})

test('a new projection catches up by itself and then joins the others', async () => {
  await record(log, some(30))
  await runner([levels()]).catchUp()
  await record(log, some(5))
  const reading: string[] = []
  const both = runner([levels(), movements], {
    pageSize: 10,
    log: {
      ...log,
      readAll: (after, limit) => {
        reading.push(`${after}+${limit}`)
        return log.readAll(after, limit)
      },
    },
  })
  await both.catchUp()
  await holds(levels(), movements)
  // It never reads beyond where the other stands; from there on they are one.
  deepEqual(reading.slice(0, 2), ['0+10', '30+10'])
  ok(reading.includes('30+5'))
  deepEqual(reading.slice(-1), ['35+10'])
})

describe('an event that cannot be taken', () => {
  test('keeps back its own rows alone, and all is right once it is mended (traps 1.7)', async () => {
    let broken = true
    const mending = levels((phase, { position }, key) => {
      if (broken && phase === 'apply' && position === 3 && key === 's1:p1')
        throw new Error('not today')
    })
    await record(log, [
      received('s1', 'p1', 1),
      received('s2', 'p2', 1),
      received('s1', 'p1', 10),
      received('s1', 'p1', 100),
      received('s2', 'p2', 10),
    ])
    const one = runner([mending])
    await one.catchUp()
    equal((await rowsOf(mending)).get('s1:p1')?.quantity, 1)
    equal((await rowsOf(mending)).get('s2:p2')?.quantity, 11)
    deepEqual(await reads.parked(), [
      { projection: 'levels', position: 3, keys: ['s1:p1'], error: 'Error: not today' },
      { projection: 'levels', position: 4, keys: ['s1:p1'], error: '' },
    ])
    deepEqual(told, ['levels parked ItemReceived at 3: Error: not today'])
    const [status] = await one.status()
    deepEqual([status?.status, status?.parked, status?.lag_events], ['faulted', 2, 0])

    // Still broken: the same again, in order, and also after a restart.
    equal(await one.retryParked('levels'), 0)
    const next = runner([mending])
    await record(log, [received('s1', 'p1', 1_000)])
    await next.catchUp()
    equal((await reads.parked()).length, 3)

    broken = false
    equal(await next.retryParked('levels'), 3)
    deepEqual(await reads.parked(), [])
    await record(log, [received('s1', 'p1', 10_000)])
    await next.catchUp()
    await holds(mending)
    equal((await next.status())[0]?.status, 'running')
  })

  test('changes none of its rows, and what shares a row with it waits too', async () => {
    let broken = true
    const mending = levels((_, { position }, key) => {
      if (broken && position === 3 && key === 's2:p1') throw new Error('no')
    })
    await record(log, [
      received('s1', 'p1', 10),
      received('s2', 'p1', 10),
      movedBetween('p1', 's1', 's2', 1),
      movedBetween('p1', 's1', 's3', 2),
      received('s3', 'p1', 5),
      received('s9', 'p1', 5),
    ])
    const one = runner([mending])
    await one.catchUp()
    const quantities = [...(await rowsOf(mending))].map(
      ([key, { quantity }]) => `${key} ${quantity}`,
    )
    deepEqual(quantities, ['s1:p1 10', 's2:p1 10', 's9:p1 5'])
    deepEqual(
      (await reads.parked()).map(({ position }) => position),
      [3, 4, 5],
    )
    broken = false
    equal(await one.retryParked('levels'), 3)
    await holds(mending)
  })

  test('whose rows cannot be named keeps back its stream, until a rebuild', async () => {
    let broken = true
    const mending = levels((phase, { position }) => {
      if (broken && phase === 'keys' && position === 1) throw new Error('no')
    })
    await record(log, [received('s1', 'p1', 1), received('s1', 'p1', 2), received('s2', 'p1', 3)])
    await record(log, [movedBetween('p1', 's2', 's1', 1), named('p1', 'late')])
    const one = runner([mending])
    await one.catchUp()
    deepEqual(
      (await reads.parked()).map(({ position, keys }) => [position, ...keys]),
      [
        [1, 'stream:item-s1:p1'],
        [2, 's1:p1', 'stream:item-s1:p1'],
        [4, 's2:p1', 's1:p1'],
        [5, 's2:p1'],
      ],
    )
    equal(await one.retryParked('levels'), 0)
    broken = false
    equal(await one.retryParked('levels'), 4)
    deepEqual(await reads.parked(), [])
    await holds(mending)
  })

  test('because its old version cannot be lifted is parked, the rest goes on', async () => {
    await record(log, [
      { ...receivedOld('s1', 'p1', 5), event_version: 0 },
      received('s2', 'p1', 1),
    ])
    await runner([levels(), movements]).catchUp()
    deepEqual([...(await rowsOf(levels())).keys()], ['s2:p1'])
    deepEqual(
      (await reads.parked()).map(({ projection, keys }) => `${projection} ${keys}`),
      ['levels stream:item-s1:p1', 'movements stream:item-s1:p1'],
    )
    ok(told[0]?.includes('upcaster'))
  })

  test('because its row fits no column is parked, not the page', async () => {
    await record(log, [received('s1', 'p1', 0.5), received('s2', 'p1', 1)])
    await runner([levels(), movements]).catchUp()
    deepEqual([...(await rowsOf(levels())).keys()], ['s2:p1'])
    equal((await rowsOf(movements)).size, 2)
    deepEqual(
      (await reads.parked()).map(({ position, projection }) => `${projection} ${position}`),
      ['levels 1'],
    )
  })

  test('because another row has its unique value is parked, not the page', async () => {
    const unique: Projection = {
      ...movements,
      name: 'firsts',
      table: { ...movements.table, name: 'firsts', unique: [['sku']] },
    }
    const skus = ['a', 'b', 'c', 'b', 'd', 'a', 'e']
    await record(
      log,
      skus.map((sku) => received('s1', sku, 1)),
    )
    const one = runner([unique, movements])
    await one.catchUp()
    deepEqual(
      [...(await rowsOf(unique)).values()].map(({ sku }) => sku),
      ['a', 'b', 'c', 'd', 'e'],
    )
    equal((await rowsOf(movements)).size, 7)
    deepEqual(
      (await reads.parked()).map(({ position }) => position),
      [4, 6],
    )
    equal(await one.retryParked('firsts'), 0)
    equal((await reads.parked()).length, 2)
  })

  test('of any kind, anywhere, leaves the table of a plain fold once it is mended', async (t) => {
    t.diagnostic(`SEED=${seed}`)
    for (let round = 0; round < 40; round++) {
      const poison = new Map<number, 'keys' | 'apply'>()
      for (let i = 0; i < 6; i++)
        poison.set(random.int(1, 80), round % 4 === 0 && i === 0 ? 'keys' : 'apply')
      const mending = levels((phase, { position }) => {
        if (poison.get(position) === phase) throw new Error('poison')
      })
      const one = runner([mending], { pageSize: random.int(1, 30), cachedRows: 5 })
      await record(log, some(40))
      await one.catchUp()
      // Mended one after the other, with events in between.
      for (const position of [...poison.keys()]) {
        poison.delete(position)
        await one.retryParked('levels')
        await record(log, some(7))
        await one.catchUp()
      }
      await one.retryParked('levels')
      deepEqual(await reads.parked(), [], `round ${round}`)
      await holds(mending)
      await reads.close()
      reads = await openReadModels()
      log = await openEventLog()
    }
  })
})

describe('the loop', () => {
  test('takes what is appended while it runs, and tells the position', async () => {
    const one = runner([levels(), movements])
    const heard: number[] = []
    await one.start()
    const unhear = one.onCommitted((position) => heard.push(position))
    const end = await record(log, some(40))
    one.wake()
    await until(() => heard.at(-1) === end)
    await holds(levels(), movements)
    unhear()
    await one.stop()
    await record(log, some(1))
    one.wake()
    await turn()
    equal((await reads.checkpoints()).get('levels'), end)
    equal(heard.at(-1), end)
  })

  test('hears of new events without being woken', async () => {
    const one = runner([levels()], { pollMs: 1 })
    await one.start()
    const end = await record(log, some(10))
    await until(async () => (await reads.checkpoints()).get('levels') === end)
    await one.stop()
  })

  test('goes on after the log and the store have failed, and says so', async () => {
    const failures = ['log', 'store', 'store', 'log']
    const failing = (what: string) => {
      if (failures[0] !== what) return
      failures.shift()
      throw new Error(`${what} is away`)
    }
    const end = await record(log, some(30))
    const one = runner([levels()], {
      pollMs: 1,
      pageSize: 10,
      log: {
        ...log,
        readAll: async (after, limit) => {
          failing('log')
          return log.readAll(after, limit)
        },
      },
      reads: {
        ...reads,
        commit: async (commits) => {
          // Once before and once after it was stored: the runner cannot know which.
          if (failures.length === 2) await reads.commit(commits)
          failing('store')
          return reads.commit(commits)
        },
      },
    })
    await one.start()
    await until(async () => (await reads.checkpoints()).get('levels') === end)
    await one.stop()
    await holds(levels())
    deepEqual(
      told.map((text) => text.slice(text.indexOf('Error'))),
      ['Error: log is away', 'Error: store is away', 'Error: store is away', 'Error: log is away'],
    )
  })

  test('never goes over a gap in the log', async () => {
    await record(log, some(10))
    const holey = { ...log, readAll: async (after: number) => log.readAll(after + 1, 3) }
    await rejects(runner([levels()], { log: holey }).catchUp(), /gap/)
    equal((await reads.checkpoints()).get('levels'), 0)
  })

  test('leaves a paused projection where it is until it is resumed', async () => {
    const one = runner([levels(), movements])
    await record(log, some(10))
    await one.catchUp()
    await one.pause('levels')
    await record(log, some(10))
    await one.catchUp()
    const checkpoints = await reads.checkpoints()
    deepEqual([checkpoints.get('levels'), checkpoints.get('movements')], [10, 20])
    const [status] = await one.status()
    deepEqual([status?.status, status?.lag_events], ['paused', 10])
    await one.resume('levels')
    await one.catchUp()
    await holds(levels(), movements)
    await rejects(one.pause('unknown'), /no projection/)
    await rejects(one.retryParked('unknown'), /no projection/)
  })

  test('says how far behind it is, in events and in seconds', async () => {
    await record(log, some(10))
    const [first] = await log.readAll(4, 1)
    const now = () => Date.parse(first!.timestamp) + 90_000
    const one = runner([levels()], { now })
    await one.catchUp(4)
    const [status] = await one.status()
    deepEqual(status, {
      name: 'levels',
      version: 1,
      status: 'running',
      checkpoint: 4,
      lag_events: 6,
      lag_seconds: 90,
      parked: 0,
    })
    await one.catchUp()
    equal((await one.status())[0]?.lag_seconds, 0)
  })

  test('refuses two projections of one name', () => {
    try {
      runner([movements, movements])
    } catch (error) {
      return ok(String(error).includes('movements'))
    }
    throw new Error('was not refused')
  })
})
