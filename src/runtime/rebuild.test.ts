// Rebuilding beside the live table, and verifying without touching it.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Projection, Row, Table } from '#kernel/projection.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openReadModels as openInMemory } from '#storage/memory/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { openReadModels } from '#storage/sqlite/read-models.ts'
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
import type { Progress } from './operations.ts'
import { type ProjectionRunnerOptions, projectionRunner } from './run-projections.ts'
import { verifyReadModels } from './verify-read-models.ts'

let folder: string
let log: EventLog
let reads: ReadModels
let told: string[]
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-rebuild-'))
  log = await openEventLog()
  reads = await openReadModels({ path: join(folder, 'views.db') })
  told = []
})
afterEach(async () => {
  await reads.close()
  await log.close()
  rmSync(folder, { recursive: true })
})

const seed = seedOfRun()
const random = seeded(seed)
const some = (count: number) => Array.from({ length: count }, () => anyEvent(random))
const runner = (projections: readonly Projection[], more: Partial<ProjectionRunnerOptions> = {}) =>
  projectionRunner({
    log,
    reads,
    projections,
    types: stockTypes,
    open: async (events) => events,
    onError: (error, where) => told.push(`${where}: ${error}`),
    pollMs: 1,
    ...more,
  })
const rowsOf = async (table: Table): Promise<ReadonlyMap<string, Row>> => {
  const { items } = await reads.find(table, { sort: [{ column: table.key }], limit: 100_000 })
  return new Map(items.map((row) => [row[table.key] as string, row]))
}
const holds = async (projection: Projection) =>
  deepEqual(await rowsOf(projection.table), plainFold(projection, await log.readAll(0, 100_000)))
const turn = () => new Promise((resolve) => setImmediate(resolve))
const until = async (true_: () => Promise<boolean> | boolean) => {
  while (!(await true_())) await turn()
}
/** Changes one row behind everybody's back, as a bug or a hand would. */
const tamper = async (projection: Projection, change: (rows: Row[]) => Row[]) => {
  const at = (await reads.checkpoints()).get(projection.name)!
  const rows = [...(await rowsOf(projection.table)).values()]
  const kept = new Set(change(rows).map((row) => row[projection.table.key]))
  const deletes = rows
    .map((row) => row[projection.table.key] as string)
    .filter((key) => !kept.has(key))
  const { name, table } = projection
  const commit = { projection: name, table, from: at, to: at, upserts: change(rows), deletes }
  ok(await reads.commit([{ ...commit, park: [], unpark: [] }]))
}
const names = async () => [...(await reads.checkpoints()).keys()].sort()

describe('a rebuild', () => {
  test('finds nothing to mend in a sound table, and leaves it sound', async () => {
    await record(log, some(100))
    const one = runner([levels()], { pageSize: 7 })
    await one.catchUp()
    const rows = (await rowsOf(levels().table)).size
    const progress: Progress[] = []
    const report = await one.rebuild('levels', { onProgress: (step) => progress.push(step) })
    deepEqual(report, {
      projection: 'levels',
      events: 100,
      rows,
      differing: 0,
      differences: [],
      swapped: true,
    })
    ok(progress.length > 10)
    deepEqual(progress.at(-1), { what: 'rebuild levels', done: 100, of: 100 })
    await holds(levels())
    deepEqual(await names(), ['levels'])
  })

  test('names every row that was changed, lost or made up, and mends it', async () => {
    await record(log, some(100))
    await record(log, [received('z', 'odd', 5), received('z', 'gone', 1)])
    await runner([levels()]).catchUp()
    await tamper(levels(), (rows) =>
      rows.map((row) => (row.id === 'z:odd' ? { ...row, quantity: 98 } : row)),
    )
    // A runner that remembers the wrong row.
    await record(log, [received('z', 'odd', 1)])
    const one = runner([levels()])
    await one.catchUp()
    const right = plainFold(levels(), await log.readAll(0, 1_000))
    const wrong = { ...right.get('z:odd')!, quantity: 99 }
    const made = { ...wrong, id: 'ä:made' }
    await tamper(levels(), (rows) => [
      ...rows.filter(({ id }) => id !== 'z:odd' && id !== 'z:gone'),
      wrong,
      made,
    ])

    const expected = [
      { key: 'z:gone', live: null, rebuilt: right.get('z:gone') },
      { key: 'z:odd', live: { quantity: 99 }, rebuilt: { quantity: 6 } },
      { key: 'ä:made', live: made, rebuilt: null },
    ]
    const tried = await one.rebuild('levels', { dryRun: true })
    deepEqual(tried.differences, expected)
    deepEqual([tried.differing, tried.swapped], [3, false])
    deepEqual((await rowsOf(levels().table)).get('z:odd'), wrong)
    deepEqual(await names(), ['levels'])

    deepEqual((await one.rebuild('levels')).differences, expected)
    await holds(levels())
    // What the runner remembered of the old table is gone with it.
    await record(log, [received('z', 'odd', 1)])
    await one.catchUp()
    await holds(levels())
  })

  test('shows only the first hundred differences, and counts all', async () => {
    await record(
      log,
      Array.from({ length: 2_500 }, (_, i) => received('s', `p${i}`, 1)),
    )
    const one = runner([levels()])
    await one.catchUp()
    await tamper(levels(), (rows) => rows.map((row) => ({ ...row, quantity: 7 })))
    const { differing, differences, rows } = await one.rebuild('levels', { dryRun: true })
    deepEqual([differing, differences.length, rows], [2_500, 100, 2_500])
  })

  test('races appends and the running projection, without gap or repeat (traps 1.5)', async (t) => {
    t.diagnostic(`SEED=${seed}`)
    const swap: ReadModels['swap'] = async (live, shadow) => {
      const checkpoints = await reads.checkpoints()
      // Who has read the live table at a position must not find the new one behind it.
      equal(checkpoints.get(shadow), checkpoints.get(live))
      return reads.swap(live, shadow)
    }
    const one = runner([levels(), movements], { pageSize: 8, reads: { ...reads, swap } })
    await record(log, some(100))
    await one.start()
    const writing = (async () => {
      for (let i = 0; i < 150; i++) {
        await record(log, some(2))
        one.wake()
        await turn()
      }
    })()
    for (let i = 0; i < 5; i++) {
      const [first, second] = await Promise.all([one.rebuild('levels'), one.rebuild('movements')])
      deepEqual([first.differing, second.differing], [0, 0])
    }
    await writing
    const { position } = await log.head()
    await until(async () =>
      [...(await reads.checkpoints()).values()].every((checkpoint) => checkpoint === position),
    )
    await one.stop()
    await holds(levels())
    await holds(movements)
    deepEqual(told, [])
  })

  test('lets the live table be read and filled meanwhile', async () => {
    await record(log, some(50))
    const one = runner([levels()], { pageSize: 5 })
    await one.catchUp()
    const seen: number[] = []
    await one.rebuild('levels', {
      onProgress: async () => {
        seen.push((await reads.find(levels().table, { limit: 0, total: true })).total ?? 0)
      },
    })
    ok(seen.every((rows) => rows > 0))
    let during = 0
    const busy = one.rebuild('levels', { onProgress: () => during++ })
    await record(log, [received('new', 'new', 1)])
    await until(async () => (await one.runOnce()) > 0 || during === 0)
    equal((await rowsOf(levels().table)).get('new:new')?.quantity, 1)
    await busy
    await holds(levels())
  })

  test('compares one moment of both tables, however far the live one goes meanwhile', async () => {
    await record(log, some(30))
    const goOn = async () => {
      await record(log, [received('s', 'p', 1)])
      await one.runOnce()
    }
    const find: (from: ReadModels) => ReadModels['find'] = (from) => async (table, query) => {
      await goOn()
      return from.find(table, query)
    }
    const frozen = async () => {
      const view = await reads.frozen()
      return { ...view, find: find(view) }
    }
    const one = runner([levels()], { reads: { ...reads, find: find(reads), frozen } })
    await one.catchUp()
    const { differing, events } = await one.rebuild('levels')
    deepEqual([differing, events], [0, 30])
    ok((await reads.checkpoints()).get('levels')! > 30)
    await holds(levels())
  })

  test('that is interrupted leaves the live table as it was, the rest goes at the next start', async () => {
    await record(log, some(60))
    const one = runner([levels()])
    await one.catchUp()
    const before = await rowsOf(levels().table)
    let commits = 0
    // As if the process had ended there: the shadow can be neither filled nor dropped any more.
    const ended = runner([levels()], {
      pageSize: 10,
      reads: {
        ...reads,
        commit: (commit) => {
          if (++commits === 3) throw new Error('ended')
          return reads.commit(commit)
        },
        drop: async (name) => {
          if (commits === 0) return reads.drop(name)
          throw new Error('ended')
        },
      },
    })
    await rejects(ended.rebuild('levels'), /ended/)
    deepEqual(await names(), ['levels', 'levels__rebuild'])
    deepEqual(await rowsOf(levels().table), before)

    const next = runner([levels()])
    await record(log, some(10))
    await next.catchUp()
    deepEqual(await names(), ['levels'])
    await holds(levels())
    equal((await next.rebuild('levels')).differing, 0)
  })

  test('that fails halfway clears up and can be tried again', async () => {
    await record(log, some(60))
    let away = false
    const one = runner([levels()], {
      pageSize: 10,
      log: {
        ...log,
        readAll: async (after, limit) => {
          if (away && after >= 30) throw new Error('away')
          return log.readAll(after, limit)
        },
      },
    })
    await one.catchUp()
    away = true
    await rejects(one.rebuild('levels'), /away/)
    deepEqual(await names(), ['levels'])
    away = false
    equal((await one.rebuild('levels')).swapped, true)
    await holds(levels())
  })

  test('is refused while one of the same table runs, and for an unknown one', async () => {
    await record(log, some(20))
    const one = runner([levels()], { pageSize: 2 })
    await one.catchUp()
    const first = one.rebuild('levels')
    await rejects(one.rebuild('levels'), /already/)
    await first
    await rejects(one.rebuild('nothing'), /no projection/)
  })

  test('of a paused projection goes to where it stands, and leaves it paused', async () => {
    await record(log, some(20))
    const one = runner([levels()])
    await one.catchUp()
    await one.pause('levels')
    await record(log, some(20))
    equal((await one.rebuild('levels')).events, 20)
    equal((await reads.checkpoints()).get('levels'), 20)
    equal((await one.status())[0]?.status, 'paused')
  })
})

describe('a projection of another version', () => {
  test('is rebuilt at the start, columns and all, while the others go on', async () => {
    await record(log, some(60))
    await runner([levels(), movements]).catchUp()
    const old = levels()
    const wider: Projection = {
      ...levels(),
      version: 2,
      table: {
        ...old.table,
        columns: { ...old.table.columns, name: { kind: 'json', nullable: true } },
      },
    }
    await record(log, some(10))
    const one = runner([wider, movements], { pageSize: 5 })
    await rejects(reads.load(wider.table, ['a']), { name: 'TableUnready' })
    await one.start()
    await until(async () => (await one.status()).every(({ lag_events }) => lag_events === 0))
    await one.stop()
    await holds(wider)
    await holds(movements)
    deepEqual(await reads.define([{ name: 'levels', version: 2, table: wider.table }]), [])
    await rejects(reads.load(old.table, ['a']), { name: 'TableUnready' })
    deepEqual(told, [])
  })

  test('is rebuilt by a single run as well, and then stands with the others', async () => {
    await record(log, some(60))
    await runner([levels()]).catchUp()
    await record(log, some(10))
    const second = levels(() => {}, 2)
    const one = runner([second, movements])
    await one.catchUp()
    await holds(second)
    await holds(movements)
    equal((await one.status())[0]?.status, 'running')
  })

  test('says that it is being rebuilt, and keeps at it when the store is away', async () => {
    await record(log, some(30))
    await runner([levels()]).catchUp()
    let failures = 3
    const one = runner([levels(() => {}, 2)], {
      reads: {
        ...reads,
        swap: async (...names) => {
          equal((await one.status())[0]?.status, 'rebuilding')
          if (failures-- > 0) throw new Error('away')
          return reads.swap(...names)
        },
      },
    })
    await one.start()
    await until(async () => (await one.status())[0]?.status === 'running')
    await one.stop()
    equal(told.length, 3)
    match(told[0] ?? '', /away/)
    await holds(levels())
  })
})

describe('verifying', () => {
  const verify = async (projections: readonly Projection[], from = reads) => {
    const scratch = await openInMemory()
    try {
      return await verifyReadModels({
        log,
        reads: from,
        scratch,
        projections,
        types: stockTypes,
        open: async (events) => events,
      })
    } finally {
      await scratch.close()
    }
  }

  test('finds no difference in what was only ever projected, each at its own checkpoint', async () => {
    await record(log, some(80))
    const one = runner([levels(), movements])
    await one.catchUp(30)
    await one.pause('movements')
    await one.catchUp()
    const checks = await verify([levels(), movements])
    deepEqual(
      checks.map(({ name, differing, differences }) => ({ name, differing, differences })),
      [
        { name: 'read model levels', differing: 0, differences: [] },
        { name: 'read model movements', differing: 0, differences: [] },
      ],
    )
    equal(checks[0]?.compared, (await rowsOf(levels().table)).size)
    equal(checks[1]?.compared, (await rowsOf(movements.table)).size)
    equal((await reads.checkpoints()).get('movements'), 30)
  })

  test('names the row that was changed by hand, and changes nothing', async () => {
    await record(log, [...some(50), received('z', 'odd', 5)])
    await runner([levels(), movements]).catchUp()
    const right = (await rowsOf(levels().table)).get('z:odd')!
    const last = { position: 1 }
    const wrong = { ...right, last }
    await tamper(levels(), (rows) => rows.map((row) => (row.id === 'z:odd' ? wrong : row)))
    const checks = await verify([levels(), movements])
    const where = { key: 'z:odd', live: { last }, rebuilt: { last: right.last } }
    deepEqual(checks[0]?.differences, [where])
    equal(checks[1]?.differing, 0)
    deepEqual((await rowsOf(levels().table)).get('z:odd'), wrong)
    deepEqual(await names(), ['levels', 'movements'])
  })

  test('names the total that is not the sum of its rows', async () => {
    const { table, ...rest } = levels()
    const totals = { by: ['store'], sums: ['quantity'] }
    const kept = { ...rest, table: { ...table, totals } }
    await record(log, [received('z', 'odd', 5), received('z', 'even', 6), received('y', 'odd', 1)])
    await runner([kept]).catchUp()
    equal((await verify([kept]))[0]?.differing, 0)
    const file = new DatabaseSync(join(folder, 'views.db'))
    file.exec(`UPDATE "stock_levels#totals" SET "quantity#low" = 12 WHERE store = 'z'`)
    file.close()
    const [check] = await verify([kept])
    const total = { store: 'z', count: 2, quantity: 11 }
    const difference = { live: { ...total, quantity: 12 }, rebuilt: total }
    deepEqual(check?.differences, [{ key: '(total of store = ["z"])', ...difference }])
    equal(check?.differing, 1)
  })

  test('names columns that tell of a person, and shows nothing of them', async () => {
    const kind = { kind: 'text', nullable: true, personal: true } as const
    const { table, ...rest } = levels()
    const named = { ...rest, table: { ...table, columns: { ...table.columns, name: kind } } }
    await record(log, [received('z', 'odd', 5), received('z', 'gone', 5)])
    await runner([named]).catchUp()
    const [gone, odd] = [...(await rowsOf(named.table)).values()]
    const made = { ...odd!, id: 'z:made', name: 'Quillfeather' }
    await tamper(named, () => [{ ...odd!, name: 'Thistlewick', quantity: 6 }, made])
    const [{ differences = [] } = {}] = await verify([named])
    ok(!/Quillfeather|Thistlewick/.test(JSON.stringify(differences)))
    const masked = '(personal, not shown)'
    deepEqual(differences, [
      { key: 'z:gone', live: null, rebuilt: gone },
      { key: 'z:made', live: { ...made, name: masked }, rebuilt: null },
      { key: 'z:odd', live: { name: masked, quantity: 6 }, rebuilt: { name: null, quantity: 5 } },
    ])
  })

  test('looks at one moment while the live tables go on', async () => {
    await record(log, some(60))
    const one = runner([levels(), movements], { pageSize: 3 })
    await one.start()
    const writing = (async () => {
      for (let i = 0; i < 40; i++) {
        await record(log, some(3))
        await turn()
      }
    })()
    for (let i = 0; i < 4; i++)
      for (const { differing } of await verify([levels(), movements])) equal(differing, 0)
    await writing
    await one.stop()
  })

  test('takes what is parked here and there for no difference', async () => {
    await record(log, [received('s', 'p', 0.5), received('s', 'p', 1), received('s', 'q', 1)])
    await runner([levels()]).catchUp()
    equal((await verify([levels()]))[0]?.differing, 0)
  })

  test('says when a table is not there, or the log is shorter than what was read of it', async () => {
    await record(log, some(5))
    await runner([levels()]).catchUp()
    const [, missing] = await verify([levels(), movements])
    equal(missing?.differing, 1)
    match(JSON.stringify(missing?.differences), /not there/)
    log = await openEventLog()
    await rejects(verify([levels()]), /log has no event 1/)
  })
})
