// What only a file of read models can get wrong; the contract runs with those of all engines.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { Find, Table } from '#kernel/projection.ts'
import { findSql, successor } from '#storage/read-model-sql.ts'
import type { Commit } from '#storage/read-models.ts'
import { shapeOf } from '#storage/table-shape.ts'
import { waysFor } from './read-model-common.ts'
import { sessionOver } from './read-model-session.ts'
import { fromTable, sqliteDialect } from './read-model-sql.ts'
import { openReadModels } from './read-models.ts'

const counters: Table = {
  name: 'counters',
  key: 'id',
  columns: { id: 'text', n: 'int', day: 'day', done: 'bool' },
  indexes: [['day', 'n']],
}
const definition = { name: 'counters', version: 1, table: counters }
const commit = (from: number, to: number, ids: readonly string[], n = to): Commit => ({
  projection: 'counters',
  table: counters,
  from,
  to,
  upserts: ids.map((id) => ({ id, n, day: '2010-12-01', done: true })),
  deletes: [],
  park: [],
  unpark: [],
})

describe('read models in a file', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-views-'))
    path = join(folder, 'views.db')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('what was overwritten is gone from the file and its write-ahead log after a while', async () => {
    const table: Table = { name: 'people', key: 'id', columns: { id: 'text', name: 'text' } }
    const people = (from: number, name: string): Commit => ({
      ...{ projection: 'people', table, from, to: from + 1, deletes: [], park: [], unpark: [] },
      upserts: [{ id: 'z', name }],
    })
    const writer = await openReadModels({ path, emptiedEachMs: 5 })
    await writer.define([{ name: 'people', version: 1, table }])
    await writer.commit([people(0, 'Quillfeather')])
    const view = await writer.frozen()
    await writer.commit([people(1, 'nobody')])
    const lies = () =>
      ['', '-wal'].some((file) => readFileSync(path + file).includes('Quillfeather'))
    await sleep(20)
    // Who still reads it is not disturbed, nor anybody else by him.
    equal((await view.load(table, ['z']))[0]?.name, 'Quillfeather')
    ok(lies())
    await view.close()
    while (lies()) await sleep(5)
    equal((await writer.load(table, ['z']))[0]?.name, 'nobody')
    await writer.close()
  })

  test('a reader beside the writer sees what is committed, and writes nothing', async () => {
    const writer = await openReadModels({ path })
    const reader = await openReadModels({ path, readOnly: true })
    await rejects(reader.load(counters, ['a']), { name: 'TableUnready' })
    await writer.define([definition])
    await writer.commit([commit(0, 1, ['a'])])
    equal((await reader.load(counters, ['a']))[0]?.n, 1)
    await writer.commit([commit(1, 2, ['a'])])
    equal((await reader.find(counters, { limit: 1 })).items[0]?.n, 2)
    await rejects(reader.commit([commit(2, 3, ['a'])]), /readonly/)
    const view = await reader.frozen()
    await writer.commit([commit(2, 3, ['a'])])
    equal((await view.load(counters, ['a']))[0]?.n, 2)
    await Promise.all([view.close(), reader.close(), writer.close()])
  })

  test('two connections with the same checkpoint: exactly one commits', async () => {
    const [one, two] = [await openReadModels({ path }), await openReadModels({ path })]
    await one.define([definition])
    for (let to = 1; to <= 20; to++) {
      const race = await Promise.all([
        one.commit([commit(to - 1, to, ['a'], 1)]),
        two.commit([commit(to - 1, to, ['a'], 2)]),
      ])
      deepEqual(race.toSorted(), [false, true])
      equal((await two.load(counters, ['a']))[0]?.n, race[0] ? 1 : 2)
    }
    await Promise.all([one.close(), two.close()])
  })

  test('a file of before there were generations and holds is taken on', async () => {
    const before = await openReadModels({ path })
    await before.define([definition])
    await before.commit([commit(0, 3, ['a'])])
    await before.close()
    const database = new DatabaseSync(path)
    database.exec('DROP TABLE projection_generations; DROP TABLE projection_holds')
    database.close()
    const reads = await openReadModels({ path })
    const generation = (await reads.generations()).get('counters')!
    equal(await reads.commit([{ ...commit(3, 4, ['a']), generation }]), true)
    await reads.hold('counters')
    equal(await reads.commit([commit(4, 5, ['a'])]), false)
    await reads.close()
  })

  test('a table that a version without totals has removed is made anew, and so are they', async () => {
    const table: Table = { ...counters, totals: { by: ['day'], sums: ['n'] } }
    const before = await openReadModels({ path })
    await before.define([{ ...definition, table }])
    await before.commit([{ ...commit(0, 3, ['a']), table }])
    await before.close()
    const old = new DatabaseSync(path)
    old.exec('DROP TABLE counters; DELETE FROM projections')
    old.close()
    const reads = await openReadModels({ path })
    deepEqual(await reads.define([{ ...definition, table }]), [])
    await reads.commit([{ ...commit(0, 4, ['b']), table }])
    const worth = { day: '2010-12-01', count: 1, n: 4 }
    deepEqual(await reads.group(table, { by: ['day'], sums: ['n'] }), [worth])
    await reads.close()
  })

  test('a name that is gone is gone from the pages of the search, too', async () => {
    const table: Table = {
      name: 'people',
      key: 'id',
      columns: { id: 'text', name: 'text' },
      search: { name: 'name' },
    }
    const reads = await openReadModels({ path })
    await reads.define([{ name: 'people', version: 1, table }])
    const names = ['Ada Lovelace', 'Grace Hopper', 'Mary Lovelace']
    const rest = { projection: 'people', table, park: [], unpark: [] }
    const upserts = names.map((name, i) => ({ id: `p${i}`, name }))
    await reads.commit([{ ...rest, from: 0, to: 1, upserts, deletes: [] }])
    const pages = () => {
      const database = new DatabaseSync(path, { readOnly: true })
      const blocks = database.prepare('SELECT block FROM "people#search_data"').all()
      const texts = database.prepare('SELECT * FROM "people#search_content"').all()
      const words = database.prepare('SELECT word, rows FROM "people#words"').all()
      database.close()
      const told = blocks.map(({ block }) => Buffer.from(block as Uint8Array).toString('latin1'))
      return [...told, JSON.stringify(texts), JSON.stringify(words)].join()
    }
    ok(/ada/.test(pages()) && /hopper/.test(pages()))
    const changed = [{ id: 'p1', name: '' }]
    await reads.commit([{ ...rest, from: 1, to: 2, upserts: changed, deletes: ['p0'] }])
    equal(/ada|grace|hopper/.exec(pages()), null)
    ok(pages().includes('"lovelace","rows":1'))
    await reads.close()
  })

  test('a table makes sense to whoever looks at it with SQL', async () => {
    const reads = await openReadModels({ path })
    await reads.define([definition])
    await reads.commit([commit(0, 7, ['a'])])
    await reads.close()
    const database = new DatabaseSync(path)
    deepEqual(
      { ...database.prepare('SELECT * FROM counters').get() },
      {
        id: 'a',
        n: 7,
        day: '2010-12-01',
        done: 1,
      },
    )
    database.close()
  })

  test('a sort by a declared index walks the index, with the key and from a cursor on', async () => {
    const reads = await openReadModels({ path })
    await reads.define([definition])
    await reads.close()
    const database = new DatabaseSync(path)
    const plan = (sql: string, ...values: (string | number)[]) =>
      database
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all(...values)
        .map(({ detail }) => detail)
        .join(' ')
    const select = 'SELECT id FROM counters WHERE TRUE'
    const order = 'ORDER BY "day", "n", "id" LIMIT ?'
    ok(!plan(`${select} ${order}`, 9).includes('TEMP B-TREE'))
    const after = plan(`${select} AND ("day", "n", "id") > (?, ?, ?) ${order}`, 'd', 1, 'a', 9)
    ok(after.includes('SEARCH') && !after.includes('TEMP B-TREE'), after)
    database.close()
  })

  test('what very many rows have in common is not looked up one row at a time', async () => {
    const table: Table = { ...counters, indexes: [['done', 'n'], ['day']] }
    const reads = await openReadModels({ path })
    await reads.define([{ ...definition, table }])
    const upserts = Array.from({ length: 20_000 }, (_, n) => ({
      ...{ id: `c${n}`, n: n % 7, done: n % 10 > 0, day: n < 100 ? '2010-12-01' : '2011-01-01' },
    }))
    await reads.commit([{ ...commit(0, 1, []), table, upserts }])
    const database = new DatabaseSync(path)
    const session = sessionOver(database)
    const plan = (query: Find, what: 'page' | 'count') => {
      const shape = shapeOf(table)
      const way = waysFor(session, shape, query)[what] ?? sqliteDialect
      const { columns, rest, values, count } = findSql(way, () => fromTable(shape), shape, query)
      const { text, values: bound } =
        what === 'count' ? count : { text: `SELECT ${columns} ${rest}`, values }
      const steps = database.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...bound)
      return /USING (COVERING )?INDEX (counters_by_\w+?)_/.exec(JSON.stringify(steps))?.[2] ?? null
    }
    const all = { limit: 10, total: true }
    const byKey = { ...all, sort: [{ column: 'id' }] }
    // Nine in ten are done; one day has a hundred of all.
    equal(plan({ ...byKey, where: { done: true } }, 'page'), null)
    equal(plan({ ...byKey, where: { done: true, day: '2011-01-01' } }, 'count'), null)
    equal(plan({ ...byKey, where: { day: '2010-12-01' } }, 'page'), 'counters_by_day')
    equal(plan({ ...byKey, where: { done: true, day: '2010-12-01' } }, 'page'), 'counters_by_day')
    // An index that has the order, or all that is asked of a row, is of use however many there are.
    equal(
      plan({ ...all, sort: [{ column: 'n' }], where: { done: true } }, 'page'),
      'counters_by_done',
    )
    equal(plan({ ...byKey, where: { done: true } }, 'count'), 'counters_by_done')
    const { items, total } = await reads.find(table, { ...byKey, where: { done: true, n: 3 } })
    deepEqual([items[0]?.id, total], ['c10006', 2571])
    database.close()
    await reads.close()
  })

  test('a writer killed at any moment leaves rows that belong to the checkpoint', async () => {
    const program = `
      import { openReadModels } from ${JSON.stringify(import.meta.resolve('./read-models.ts'))}
      const reads = await openReadModels({ path: ${JSON.stringify(path)} })
      const table = ${JSON.stringify(counters)}
      await reads.define([{ name: 'counters', version: 1, table }])
      let at = (await reads.checkpoints()).get('counters')
      process.stdout.write('ready')
      for (;;) {
        const row = (i) => ({ id: 'k' + i, n: at + 1, day: '2010-12-01', done: true })
        const upserts = Array.from({ length: 50 }, (_, i) => row(i))
        const park = [{ projection: 'counters', position: at + 1, keys: ['k'], error: '' }]
        const rows = { upserts, deletes: [], park, unpark: [at] }
        const commit = { projection: 'counters', table, from: at, to: at + 1, ...rows }
        if (!(await reads.commit([commit]))) throw new Error('lost')
        at++
      }`
    let last = 0
    for (let kill = 0; kill < 4; kill++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program])
      await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
      // A few commits, not a time: the child is in the middle of one when it dies.
      const reads = await openReadModels({ path })
      while (((await reads.checkpoints()).get('counters') ?? 0) < last + 20 + kill * 7) {
        equal(child.exitCode, null)
        await new Promise((resolve) => setImmediate(resolve))
      }
      child.kill('SIGKILL')
      await once(child, 'exit')
      const checkpoint = (await reads.checkpoints()).get('counters')!
      ok(checkpoint >= last + 20)
      const { items, total } = await reads.find(counters, { limit: 100, total: true })
      equal(total, 50)
      deepEqual(new Set(items.map(({ n }) => n)), new Set([checkpoint]))
      deepEqual(
        (await reads.parked()).map(({ position }) => position),
        [checkpoint],
      )
      last = checkpoint
      await reads.close()
    }
  })
})

test('the successor of a prefix comes right behind all that begin with it', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 4 })
  const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  fc.assert(
    fc.property(texts, texts, (prefix, text) => {
      const end = successor(prefix)
      const within = compare(text, prefix) >= 0 && (end === null || compare(text, end) < 0)
      equal(within, text.startsWith(prefix))
      equal(compare(prefix + text, prefix) >= 0, true)
      if (end !== null) equal(compare(prefix + text, end) < 0, true)
    }),
    process.env.SEED === undefined ? {} : { seed: Number(process.env.SEED) },
  )
})
