// Several runners over one store, as in several processes: whoever pauses, rebuilds or retries need
// not be the one who moves the projection, and who moves which can change.
import { deepEqual, equal, match, notEqual, ok, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Projection, Row } from '#kernel/projection.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openReadModels as openInMemory } from '#storage/memory/read-models.ts'
import { openReadModels as openPostgres } from '#storage/postgres/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import {
  anyEvent,
  levels,
  movements,
  plainFold,
  received,
  record,
  stockTypes,
} from '#testing/stock-book.ts'
import {
  type ProjectionRunner,
  type ProjectionRunnerOptions,
  projectionRunner,
} from './run-projections.ts'

/** Two handles of one store; the same one twice where there can be only one. */
type Site = {
  readonly reads: readonly [ReadModels, ReadModels]
  readonly close: () => Promise<void>
}

/** Events that may wait for a runner under load. */
const AHEAD_MAX = 30
/** A rebuild that folds no faster than others append would never end. */
const LOAD_MAX = 300

describe('runners that share a store in memory', () =>
  runners(async () => {
    const reads = await openInMemory()
    return { reads: [reads, reads], close: () => reads.close() }
  }))

await onPostgres('runners that share a PostgreSQL', (fresh) =>
  runners(async () => {
    const { url, remove } = await fresh()
    const beside = new URL(url)
    beside.searchParams.set('application_name', 'daybook beside')
    const reads = [await openPostgres({ url }), await openPostgres({ url: beside.href })] as const
    return {
      reads,
      close: async () => {
        for (const one of reads) await one.close()
        await remove()
      },
    }
  }),
)

function runners(open: () => Promise<Site>): void {
  let log: EventLog
  let site: Site
  let reads: ReadModels
  let told: string[]
  let started: ProjectionRunner[]
  const seed = seedOfRun()
  const random = seeded(seed)
  const some = (count: number) => Array.from({ length: count }, () => anyEvent(random))

  beforeEach(async (t) => {
    // The hook of a suite is told by the test that it is for.
    ;(t as { diagnostic?: (text: string) => void }).diagnostic?.(`SEED=${seed}`)
    log = await openEventLog()
    site = await open()
    reads = site.reads[0]
    told = []
    started = []
  })
  afterEach(async () => {
    await Promise.all(started.map((one) => one.stop()))
    await site.close()
    await log.close()
  })

  const runner = (
    process: 0 | 1,
    projections: readonly Projection[] = [levels(), movements],
    more: Partial<ProjectionRunnerOptions> = {},
  ) => {
    const made = projectionRunner({
      log,
      reads: site.reads[process],
      projections,
      types: stockTypes,
      open: async (events) => events,
      onError: (error, where) => told.push(`${where}: ${error}`),
      pollMs: 1,
      pageSize: 20,
      ...more,
    })
    started.push(made)
    return made
  }
  const rowsOf = async ({ table }: Projection): Promise<ReadonlyMap<string, Row>> => {
    const { items } = await reads.find(table, { sort: [{ column: table.key }], limit: 100_000 })
    return new Map(items.map((row) => [row[table.key] as string, row]))
  }
  const holds = async (...projections: Projection[]) => {
    const events = await log.readAll(0, 100_000)
    for (const one of projections) deepEqual(await rowsOf(one), plainFold(one, events))
  }
  const at = async (name: string) => (await reads.checkpoints()).get(name)
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const until = async (true_: () => Promise<boolean> | boolean) => {
    while (!(await true_())) await turn()
  }
  const caughtUp = async (...names: string[]) => {
    const { position } = await log.head()
    await until(async () => {
      const checkpoints = await reads.checkpoints()
      return names.every((name) => checkpoints.get(name)! >= position)
    })
  }
  /** Events go on being recorded, as fast as they are folded, while the work is done. */
  const underLoad = async <T>(running: ProjectionRunner, work: () => Promise<T>): Promise<T> => {
    let done = false
    let folded = (await reads.checkpoints()).get('levels') ?? 0
    const deaf = running.onCommitted((position) => {
      folded = position
    })
    const writing = (async () => {
      for (let [head, written] = [0, 0]; !done && written < LOAD_MAX; await turn()) {
        if (head - folded > AHEAD_MAX) continue
        head = await record(log, some(3))
        written += 3
        running.wake()
      }
      deaf()
    })()
    try {
      return await work()
    } finally {
      done = true
      await writing
    }
  }
  /** Changes rows behind everybody's back, as a bug that was mended since. */
  const tamper = async (change: (row: Row) => Row) => {
    const { name, table } = levels()
    for (;;) {
      const from = (await reads.checkpoints()).get(name)!
      const upserts = [...(await rowsOf(levels())).values()].map(change)
      const commit = { projection: name, table, from, to: from, upserts }
      if (await reads.commit([{ ...commit, deletes: [], park: [], unpark: [] }])) return
    }
  }

  it('stand still for an operator of another process, who starts nothing himself', async () => {
    const [working, operator] = [runner(0), runner(1)]
    await record(log, some(20))
    await working.start()
    await caughtUp('levels', 'movements')
    await operator.pause('levels')
    const stood = await at('levels')
    await record(log, some(20))
    await caughtUp('movements')
    equal(await at('levels'), stood)
    deepEqual(
      (await operator.status()).map(({ name, status, lag_events }) => [name, status, lag_events]),
      [
        ['levels', 'paused', 20],
        ['movements', 'running', 0],
      ],
    )
    await working.stop()
    // Whoever starts later finds it paused too.
    const next = runner(0)
    await next.start()
    await record(log, some(5))
    await caughtUp('movements')
    equal(await at('levels'), stood)
    equal((await next.status())[0]?.status, 'paused')
    await operator.resume('levels')
    await caughtUp('levels', 'movements')
    await holds(levels(), movements)
    deepEqual(told, [])
  })

  it('do not try again and again what is held', async () => {
    let commits = 0
    const counted = {
      ...site.reads[0],
      commit: (...args: Parameters<ReadModels['commit']>) => {
        commits++
        return site.reads[0].commit(...args)
      },
    }
    const working = runner(0, [levels(), movements], { reads: counted })
    await record(log, some(10))
    await working.catchUp()
    await site.reads[1].hold('levels')
    await record(log, some(10))
    commits = 0
    await working.catchUp()
    for (let i = 0; i < 20; i++) await working.runOnce()
    // Both together, which was refused; then the one that is free.
    equal(commits, 2)
    equal(await at('movements'), 20)
    await site.reads[1].letGo('levels')
    await until(async () => (await working.runOnce()) > 0)
    await holds(levels(), movements)
  })

  it('are rebuilt from elsewhere while they run, and lose nothing', async () => {
    const [working, operator] = [runner(0), runner(1)]
    await record(log, [...some(60), received('odd', 'odd', 5)])
    await working.start()
    for (let round = 0; round < 4; round++) {
      await caughtUp('levels')
      await tamper((row) => (row.id === 'odd:odd' ? { ...row, quantity: 98 } : row))
      await underLoad(working, async () => {
        const tried = await operator.rebuild('levels', { dryRun: true })
        deepEqual(
          tried.differences.map(({ key }) => key),
          ['odd:odd'],
        )
        equal((await operator.rebuild('levels')).differing, 1)
        equal((await operator.rebuild('movements')).differing, 0)
        equal((await rowsOf(levels())).get('odd:odd')?.quantity, 5)
      })
    }
    await caughtUp('levels', 'movements')
    await holds(levels(), movements)
    deepEqual([...(await reads.held()).keys()], [])
    deepEqual([...(await reads.checkpoints()).keys()].sort(), ['levels', 'movements'])
    deepEqual(told, [])
  })

  it('forget what they remember of a table that was swapped', async () => {
    const [working, operator] = [runner(0), runner(1)]
    await record(log, [received('z', 'odd', 5)])
    await working.catchUp()
    await tamper((row) => ({ ...row, quantity: 98 }))
    await record(log, [received('z', 'odd', 1)])
    await working.catchUp()
    equal((await rowsOf(levels())).get('z:odd')?.quantity, 99)
    // No event comes between: the one who runs has noticed nothing when its next one comes.
    await operator.rebuild('levels')
    await working.status()
    await record(log, [received('z', 'odd', 10)])
    await working.catchUp()
    await holds(levels())
  })

  it('are mended from elsewhere while they run: each parked event is taken once', async () => {
    let broken = true
    const mending = levels((phase, { position, data }) => {
      const { sku } = data as { sku?: string }
      if (broken && phase === 'apply' && sku === 'p1' && position % 3 === 0) throw new Error('no')
    })
    const working = runner(0, [mending, movements], { onError: () => {} })
    const operator = runner(1, [mending, movements], { onError: () => {} })
    await record(log, some(80))
    await working.start()
    await underLoad(working, async () => {
      await until(async () => (await reads.parked('levels')).length > 30)
      broken = false
      let taken = 0
      while ((await reads.parked('levels')).length > 0)
        taken += await operator.retryParked('levels')
      ok(taken > 30)
    })
    await caughtUp('levels', 'movements')
    while ((await reads.parked('levels')).length > 0) await operator.retryParked('levels')
    await holds(mending, movements)
  })

  it('are mended by two at once', async () => {
    let broken = true
    const mending = levels((phase, { position }) => {
      if (broken && phase === 'apply' && position > 5) throw new Error('no')
    })
    const both = [0, 1].map((process) =>
      runner(process as 0 | 1, [mending], { onError: () => {} }),
    ) as [ProjectionRunner, ProjectionRunner]
    const streams = Array.from({ length: 200 }, (_, i) => received(`s${i % 7}`, 'p', 1))
    await record(log, streams)
    await both[0].catchUp()
    const waiting = (await reads.parked()).length
    equal(waiting, 195)
    broken = false
    const taken = await Promise.all(both.map((one) => one.retryParked('levels')))
    equal(taken[0]! + taken[1]!, waiting)
    await record(log, some(20))
    await both[1].catchUp()
    await both[0].catchUp()
    await holds(mending)
  })

  it('are rebuilt by one at a time', async () => {
    let goOn = () => {}
    let gate: Promise<void> | null = null
    const readAll: EventLog['readAll'] = async (after, limit) => {
      await gate
      return log.readAll(after, limit)
    }
    const one = runner(0, [levels(), movements], { log: { ...log, readAll } })
    const two = runner(1)
    await record(log, some(60))
    await one.catchUp()
    gate = new Promise((resolve) => {
      goOn = resolve
    })
    const first = one.rebuild('levels')
    await until(async () => (await reads.held()).size > 0)
    equal((await two.status())[0]?.status, 'rebuilding')
    await rejects(two.rebuild('levels'), /already, by another process/)
    // Nor does a process that starts meanwhile take it for a remainder.
    await until(async () => (await reads.checkpoints()).has('levels__rebuild'))
    await runner(1).catchUp()
    equal((await reads.checkpoints()).has('levels__rebuild'), true)
    goOn()
    equal((await first).swapped, true)
    equal((await two.rebuild('levels')).swapped, true)
    await holds(levels())
  })

  it('go on after a process has died while it was rebuilding', async () => {
    const [working, operator] = [runner(0), runner(1)]
    await record(log, some(30))
    await working.catchUp()
    // As it leaves it: half a table, and what it held for a while.
    const shadow = { ...levels().table, name: `${levels().table.name}__rebuild` }
    await reads.define([{ name: 'levels__rebuild', version: 1, table: shadow }])
    await site.reads[1].hold('levels', 50)
    await site.reads[1].hold('levels__rebuilding', 50)
    await record(log, some(30))
    await until(async () => (await working.runOnce()) > 0 && (await at('levels')) === 60)
    await until(async () => (await reads.held()).size === 0)
    equal((await operator.rebuild('levels')).swapped, true)
    await holds(levels(), movements)
    deepEqual([...(await reads.checkpoints()).keys()].sort(), ['levels', 'movements'])
  })

  it('move those that they are given, and tell how far these are', async () => {
    const [one, two] = [runner(0), runner(1)]
    const heard: number[] = []
    one.onCommitted((position) => heard.push(position))
    one.runs(['levels'])
    two.runs([])
    await record(log, some(30))
    await one.start()
    await two.start()
    await until(() => heard.at(-1) === 30)
    deepEqual([await at('levels'), await at('movements')], [30, 0])
    two.runs(['movements'])
    await caughtUp('levels', 'movements')
    await rejects(async () => one.runs(['unknown']), /no projection is named unknown/)
    one.runs([])
    const before = heard.length
    await record(log, some(10))
    await caughtUp('movements')
    deepEqual([await at('levels'), heard.length], [30, before])
    two.runs(['levels', 'movements'])
    await caughtUp('levels', 'movements')
    await holds(levels(), movements)
  })

  it('hand them to each other all the time, and every event is folded once', async () => {
    const pair = [runner(0), runner(1)] as const
    const names = ['levels', 'movements']
    for (const one of pair) {
      one.runs([])
      await one.start()
    }
    await underLoad(pair[0], async () => {
      for (let round = 0; round < 40; round++) {
        const mine = names.filter(() => random.chance(0.5))
        pair[0].runs(mine)
        // Now and then both believe that one is theirs, now and then nobody does.
        pair[1].runs(names.filter((name) => mine.includes(name) === random.chance(0.2)))
        for (let i = 0; i < 5; i++) await turn()
      }
    })
    pair[0].runs(['levels'])
    pair[1].runs(['movements'])
    await caughtUp(...names)
    await holds(levels(), movements)
    deepEqual(told, [])
  })

  it('say what they have stored in live tables, and nothing else', async () => {
    const [one, two] = [runner(0), runner(1)]
    const stored: string[] = []
    const deaf = one.onStored(({ projection, table, from, to, upserts }) =>
      stored.push(`${projection} ${from}-${to} ${upserts.map((row) => row[table.key]).sort()}`),
    )
    one.runs(['levels'])
    await record(log, [received('s1', 'p1', 1), received('s2', 'p1', 1), received('s1', 'p1', 2)])
    await one.catchUp()
    await two.catchUp()
    await record(log, [received('s2', 'p2', 1)])
    await one.catchUp()
    await one.rebuild('levels')
    deaf()
    await record(log, [received('s3', 'p2', 1)])
    await one.catchUp()
    deepEqual(stored, ['levels 0-3 s1:p1,s2:p1', 'levels 3-4 s2:p2'])
  })

  it('of an older version stand still when a newer one has taken over, and do not undo it', async () => {
    const older = runner(0, [levels(), movements])
    await record(log, some(30))
    await older.start()
    await caughtUp('levels', 'movements')
    const table = levels().table
    const wider: Projection = {
      ...levels(() => {}, 2),
      table: { ...table, columns: { ...table.columns, more: { kind: 'int', nullable: true } } },
    }
    const newer = runner(1, [wider])
    await newer.catchUp()
    await record(log, some(30))
    await newer.catchUp()
    await caughtUp('levels', 'movements')
    await holds(wider)
    await record(log, some(10))
    older.runs(['levels', 'movements'])
    await older.catchUp()
    await caughtUp('movements')
    notEqual(await at('levels'), 70)
    deepEqual(await reads.define([{ name: 'levels', version: 2, table: wider.table }]), [])
    await newer.catchUp()
    await holds(wider)
    deepEqual(told, [])
  })

  it('rebuild a table of another version when it becomes theirs', async () => {
    await record(log, some(30))
    await runner(0).catchUp()
    const second = levels(() => {}, 2)
    const one = runner(0, [second, movements])
    one.runs(['movements'])
    await one.start()
    await record(log, some(10))
    await caughtUp('movements')
    equal(await at('levels'), 30)
    match(String((await one.status())[0]?.status), /rebuilding/)
    one.runs(['levels', 'movements'])
    await until(async () => (await one.status())[0]?.status === 'running')
    await caughtUp('levels', 'movements')
    await holds(second, movements)
  })
}
