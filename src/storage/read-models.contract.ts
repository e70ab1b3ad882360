// What every engine of read models must hold.
import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Filter, Find, Row, Table, Value } from '#kernel/projection.ts'
import type { Opened } from './opened.ts'
import type { Commit, Definition, Parked, ReadModels } from './read-models.ts'
import { readModelsRandomContract } from './read-models-random.contract.ts'
import { readModelsRunnersContract } from './read-models-runners.contract.ts'
import { readModelsSearchContract } from './read-models-search.contract.ts'
import { readModelsSpecificationsContract } from './read-models-specifications.contract.ts'
import { readModelsTotalsContract } from './read-models-totals.contract.ts'

const items: Table = {
  name: 'items',
  key: 'id',
  columns: {
    id: 'text',
    name: { kind: 'text', nullable: true },
    price_minor: 'money',
    stock: { kind: 'quantity', nullable: true },
    open: 'bool',
    sold_at: { kind: 'instant', nullable: true },
    day: 'day',
    tags: { kind: 'json', nullable: true },
    count_of: 'int',
  },
  indexes: [['name'], ['day', 'price_minor']],
}
const others: Table = { name: 'others', key: 'id', columns: { id: 'text', note: 'text' } }
const defined = (table: Table, version = 1): Definition => ({ name: table.name, version, table })

const item = (id: string, more: Row = {}): Row => ({
  id,
  name: null,
  price_minor: 100,
  stock: null,
  open: true,
  sold_at: null,
  day: '2010-12-01',
  tags: null,
  count_of: 0,
  ...more,
})
const change = (from: number, to: number, upserts: Row[], more: Partial<Commit> = {}): Commit => ({
  projection: 'items',
  table: items,
  from,
  to,
  upserts,
  deletes: [],
  park: [],
  unpark: [],
  ...more,
})
const parkedAt = (position: number, keys: string[], error = ''): Parked => ({
  projection: 'items',
  position,
  keys,
  error,
})
const shadowOf = (table: Table): Definition => ({
  name: `${table.name}__rebuild`,
  version: 2,
  table: { ...table, name: `${table.name}__rebuild` },
})

export function readModelsContract(name: string, open: () => Promise<Opened<ReadModels>>): void {
  readModelsRandomContract(name, open)
  readModelsRunnersContract(name, open)
  readModelsSpecificationsContract(name, open)
  readModelsSearchContract(name, open)
  readModelsTotalsContract(name, open)
  describe(`ReadModels: ${name}`, () => {
    let opened: Opened<ReadModels>
    let reads: ReadModels
    beforeEach(async () => {
      opened = await open()
      reads = opened.port
      await reads.define([defined(items), defined(others)])
    })
    afterEach(async () => {
      await reads.close()
      await opened.remove()
    })

    const put = async (...rows: Row[]) => {
      const from = (await reads.checkpoints()).get('items')!
      equal(await reads.commit([change(from, from + 1, rows)]), true)
    }
    const idsOf = async (query: Partial<Find>) =>
      (await reads.find(items, { limit: 1_000, ...query })).items.map(({ id }) => id)
    const where = (filter: Filter) => idsOf({ where: filter })

    describe('rows', () => {
      const full = item('full', {
        name: 'Gerät „Nr. 1“ 👩‍💻 \\ % _ \' " \n',
        price_minor: Number.MAX_SAFE_INTEGER,
        stock: Number.MIN_SAFE_INTEGER,
        open: false,
        sold_at: '2010-12-01T08:26:00.000Z',
        tags: { list: [1, 0.5, 'x', null, true], deep: { empty: '' } },
        count_of: -1,
      })

      it('come back with the values that went in', async () => {
        const rows = [full, item('bare'), item('array', { tags: [] }), item('text', { tags: 'a' })]
        await put(...rows)
        deepEqual(await reads.load(items, ['full', 'bare', 'array', 'text']), rows)
        deepEqual((await reads.find(items, { limit: 9, sort: [{ column: 'id' }] })).items, [
          rows[2],
          rows[1],
          rows[0],
          rows[3],
        ])
      })

      it('come back in the order of the keys asked for, undefined where there is none', async () => {
        await put(item('a'), item('b'))
        deepEqual(await reads.load(items, ['b', 'no', 'a', 'b']), [
          item('b'),
          undefined,
          item('a'),
          item('b'),
        ])
        deepEqual(await reads.load(items, []), [])
        deepEqual(await reads.load(items, ['no', 'a\0']), [undefined, undefined])
      })

      it('are loaded by the thousand', async () => {
        const keys = Array.from({ length: 12_345 }, (_, i) => `key:${i}`)
        await put(...keys.map((id, count_of) => item(id, { count_of })))
        const loaded = await reads.load(items, [...keys, 'no'].reverse())
        equal(loaded[0], undefined)
        deepEqual(
          loaded.slice(1).map((row) => row?.id),
          keys.toReversed(),
        )
      })

      it('are replaced as a whole and removed by key', async () => {
        await put(full, item('b'))
        await put(item('full'))
        deepEqual(await reads.load(items, ['full']), [item('full')])
        equal(await reads.commit([change(2, 3, [], { deletes: ['full', 'no'] })]), true)
        deepEqual(await idsOf({}), ['b'])
      })

      it('take an absent nullable column as null', async () => {
        await put({ id: 'a', price_minor: 1, open: true, day: '2010-12-01', count_of: 1 })
        deepEqual(await reads.load(items, ['a']), [item('a', { price_minor: 1, count_of: 1 })])
      })

      it('tell an instant in UTC with milliseconds, however it was told', async () => {
        const told = {
          as_it_is: '2010-12-31T23:59:59.999Z',
          rough: '2010-12-31T23:59:59Z',
          finer: '2010-12-31T23:59:59.9994321Z',
          west: '2010-12-31T23:59:59.5-01:30',
          leap: '2012-02-29T00:00:00.000Z',
        }
        await put(...Object.entries(told).map(([id, sold_at]) => item(id, { sold_at })))
        deepEqual(
          (await reads.load(items, Object.keys(told))).map((row) => row?.sold_at),
          [
            '2010-12-31T23:59:59.999Z',
            '2010-12-31T23:59:59.000Z',
            '2010-12-31T23:59:59.999Z',
            '2011-01-01T01:29:59.500Z',
            '2012-02-29T00:00:00.000Z',
          ],
        )
      })

      it('are as the last of two with one key says', async () => {
        await put(item('a', { price_minor: 1 }), item('b'), item('a', { price_minor: 2 }))
        deepEqual(await reads.load(items, ['a', 'b']), [item('a', { price_minor: 2 }), item('b')])
      })

      for (const [what, wrong] of Object.entries<Row>({
        'a fraction where an integer belongs': { count_of: 0.5 },
        'an integer beyond 2^53': { price_minor: 2 ** 53 },
        'a text where a number belongs': { price_minor: '1' },
        'a number where a text belongs': { day: 5 },
        'a number where a flag belongs': { open: 1 },
        'null in a column that is never null': { count_of: null },
        'a column that the table has not': { colour: 'red' },
        'a text with a NUL': { name: 'a\0b' },
        'half a character': { name: 'a\ud83d' },
        'a day that no calendar has': { day: '2010-02-29' },
        'a day before the first year': { day: '0000-01-01' },
        'an instant that is none': { sold_at: '2010-12-01 08:26' },
        'an instant on a day that no calendar has': { sold_at: '2010-11-31T08:26:00.000Z' },
      }))
        it(`are refused with ${what}, and nothing is written`, async () => {
          const commit = reads.commit([change(0, 1, [item('good'), item('bad', wrong)])])
          await rejects(commit, { name: 'RowsRefused' })
          deepEqual(await idsOf({}), [])
          equal((await reads.checkpoints()).get('items'), 0)
        })
    })

    describe('pages', () => {
      const all = async (query: Partial<Find>, between: () => Promise<void> = async () => {}) => {
        const seen: Value[] = []
        for (let cursor: string | undefined; ; ) {
          const page = await reads.find(items, {
            limit: 3,
            ...query,
            ...(cursor === undefined ? {} : { cursor }),
          })
          seen.push(...page.items.map(({ id }) => id!))
          ok(page.items.length <= 3)
          if (page.next_cursor === null) return seen
          cursor = page.next_cursor
          await between()
        }
      }
      const names = [null, 'b', 'B', 'ä', null, 'a', '', 'z', '～', '😀', 'b', 'Z', null, 'b']
      const rows = names.map((name, i) =>
        item(`k${String.fromCharCode(97 + i)}`, {
          name,
          price_minor: (i % 3) - 1,
          open: i % 2 === 0,
          stock: i % 5 === 0 ? null : i,
        }),
      )
      /** What the order must be, told in plain code: nulls first, bytes, then the key. */
      const sorted = (sort: NonNullable<Find['sort']>) => {
        const compare = (a: Value, b: Value) => {
          if (a === null || b === null) return Number(a !== null) - Number(b !== null)
          if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string))
          return Number(a) - Number(b)
        }
        return rows
          .toSorted((a, b) => {
            for (const { column, descending } of [...sort, { column: 'id', descending: false }]) {
              const order = compare(a[column]!, b[column]!)
              if (order !== 0) return descending ? -order : order
            }
            return 0
          })
          .map(({ id }) => id)
      }
      beforeEach(() => put(...rows))

      const sorts: NonNullable<Find['sort']>[] = [
        [],
        [{ column: 'name' }],
        [{ column: 'name', descending: true }],
        [{ column: 'price_minor' }],
        [{ column: 'price_minor', descending: true }, { column: 'name' }],
        [{ column: 'open' }, { column: 'stock', descending: true }],
        [{ column: 'stock' }, { column: 'price_minor' }, { column: 'name', descending: true }],
        [{ column: 'day' }, { column: 'id', descending: true }],
        [{ column: 'price_minor' }, { column: 'price_minor', descending: true }],
        [{ column: 'id' }, { column: 'name' }],
      ]
      for (const sort of sorts)
        it(`follow each other without gap or repeat, by ${JSON.stringify(sort)}`, async () => {
          const expected = sorted(sort)
          deepEqual(await idsOf({ sort }), expected)
          deepEqual(await all({ sort }), expected)
        })

      it('stay in place while rows are put before and behind the cursor', async () => {
        const before = sorted([{ column: 'name' }])
        let number = 0
        const seen = await all({ sort: [{ column: 'name' }] }, async () => {
          number++
          await put(item(`new${number}`, { name: '' }), item(`more${number}`, { name: 'zz' }))
        })
        equal(new Set(seen).size, seen.length)
        deepEqual(
          seen.filter((id) => before.includes(id!)),
          before,
        )
      })

      it('end without a cursor, also when the last one is full', async () => {
        equal((await reads.find(items, { limit: rows.length })).next_cursor, null)
        notEqual((await reads.find(items, { limit: rows.length - 1 })).next_cursor, null)
        deepEqual(await reads.find(items, { limit: 0 }), {
          items: [],
          total: null,
          next_cursor: null,
        })
      })

      it('can be skipped by number', async () => {
        deepEqual(await idsOf({ offset: 4, limit: 2 }), ['ke', 'kf'])
        deepEqual(await idsOf({ offset: 99 }), [])
      })

      it('count all that match only when asked', async () => {
        const query = { where: { open: true }, limit: 2 }
        equal((await reads.find(items, query)).total, null)
        const first = await reads.find(items, { ...query, total: true })
        equal(first.total, 7)
        const next = { ...query, total: true, cursor: first.next_cursor! }
        equal((await reads.find(items, next)).total, 7)
      })

      it('refuse a cursor of another sort, and one that was made up', async () => {
        const sort = [{ column: 'name' }]
        const { next_cursor } = await reads.find(items, { sort, limit: 1 })
        const cursor = next_cursor!
        const forged = (change: (place: unknown[]) => unknown) => {
          const place = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
          return Buffer.from(JSON.stringify(change(place))).toString('base64url')
        }
        const refused: Find[] = [
          { cursor, limit: 1 },
          { cursor, limit: 1, sort: [{ column: 'name', descending: true }] },
          { cursor, limit: 1, sort: [...sort, { column: 'day' }] },
          { cursor: 'x', limit: 1, sort },
          { cursor: '', limit: 1, sort },
          { cursor: forged(() => null), limit: 1, sort },
          { cursor: forged((place) => [...place, 1]), limit: 1, sort },
          { cursor: forged(([mark]) => [mark, 5, 'a']), limit: 1, sort },
          { cursor: forged(([mark]) => [mark, 'a', { eq: 'a' }]), limit: 1, sort },
          { cursor: forged(([mark]) => [mark, 'a', null]), limit: 1, sort },
        ]
        for (const query of refused)
          await rejects(reads.find(items, query), { name: 'InvalidQuery', field: 'cursor' })
      })
    })

    describe('groups', () => {
      beforeEach(() =>
        put(
          item('a', { name: 'x', price_minor: 1, stock: 5, open: true }),
          item('b', { name: 'x', price_minor: 2, open: false, day: '2010-12-31' }),
          item('c', { name: 'y', price_minor: 4, stock: 7, day: '2011-01-01' }),
          item('d', { price_minor: 8, day: '2011-01-02' }),
        ),
      )

      it('count and sum by columns, in order, nulls first', async () => {
        deepEqual(await reads.group(items, { by: ['name'], sums: ['price_minor', 'stock'] }), [
          { name: null, count: 1, price_minor: 8, stock: 0 },
          { name: 'x', count: 2, price_minor: 3, stock: 5 },
          { name: 'y', count: 1, price_minor: 4, stock: 7 },
        ])
        deepEqual(await reads.group(items, { by: ['open'], sums: [], where: { name: 'x' } }), [
          { open: false, count: 1 },
          { open: true, count: 1 },
        ])
      })

      it('by the first characters of a column', async () => {
        const by = [{ column: 'day', length: 7 }]
        deepEqual(await reads.group(items, { by, sums: ['price_minor'] }), [
          { day: '2010-12', count: 2, price_minor: 3 },
          { day: '2011-01', count: 2, price_minor: 12 },
        ])
      })

      it('are one, of everything, when there is nothing to group by', async () => {
        deepEqual(await reads.group(items, { by: [], sums: ['price_minor'] }), [
          { count: 4, price_minor: 15 },
        ])
        const none = { where: { name: 'no' }, sums: ['price_minor'] }
        deepEqual(await reads.group(items, { by: [], ...none }), [{ count: 0, price_minor: 0 }])
        deepEqual(await reads.group(items, { by: ['name'], ...none }), [])
      })

      it('sum exactly up to 2^53 - 1 and refuse what is beyond', async () => {
        const most = Number.MAX_SAFE_INTEGER
        await put(
          item('e', { name: 'z', price_minor: most - 1 }),
          item('f', { name: 'z', price_minor: 1 }),
        )
        const query = { by: [], where: { name: 'z' }, sums: ['price_minor'] }
        deepEqual(await reads.group(items, query), [{ count: 2, price_minor: most }])
        await put(item('g', { name: 'z', price_minor: 1 }))
        await rejects(reads.group(items, query), { name: 'RangeError', message: /2\^53/ })
        const many = Array.from({ length: 1_100 }, (_, i) =>
          item(`h${i}`, { name: 'z', price_minor: most }),
        )
        await put(...many)
        await rejects(reads.group(items, query), { name: 'RangeError', message: /2\^53/ })
      })

      it('refuse columns that are not there or cannot be summed', async () => {
        const name = 'InvalidQuery'
        await rejects(reads.group(items, { by: ['colour'], sums: [] }), { name })
        await rejects(reads.group(items, { by: ['tags'], sums: [] }), { name })
        await rejects(reads.group(items, { by: [], sums: ['name'] }), { name })
        await rejects(reads.group(items, { by: [], sums: ['open'] }), { name })
        await rejects(reads.group(items, { by: ['stock'], sums: ['stock'] }), { name })
        await rejects(reads.group(items, { by: [{ column: 'stock', length: 1 }], sums: [] }), {
          name,
        })
      })
    })

    describe('commits', () => {
      const other = (from: number, to: number): Commit => ({
        ...change(from, to, [{ id: 'o', note: '' }]),
        projection: 'others',
        table: others,
      })

      it('move rows, parked events and checkpoints of several projections together', async () => {
        const park = [parkedAt(3, ['a', 'b'], 'Error: no')]
        equal(await reads.commit([change(0, 5, [item('a')], { park }), other(0, 5)]), true)
        deepEqual([...(await reads.checkpoints())].sort(), [
          ['items', 5],
          ['others', 5],
        ])
        deepEqual(await reads.parked(), park)
        deepEqual(await reads.load(others, ['o']), [{ id: 'o', note: '' }])
      })

      it('write nothing at all when one checkpoint has moved', async () => {
        equal(await reads.commit([other(0, 3)]), true)
        const late = change(0, 5, [item('a')], { park: [parkedAt(1, ['a'])] })
        equal(await reads.commit([late, other(0, 5)]), false)
        deepEqual(await idsOf({}), [])
        deepEqual(await reads.parked(), [])
        deepEqual([...(await reads.checkpoints())].sort(), [
          ['items', 0],
          ['others', 3],
        ])
      })

      it('let exactly one of many racing runners win', async () => {
        const race = Array.from({ length: 20 }, (_, i) =>
          reads.commit([change(0, i + 1, [item(`${i}`)])]),
        )
        const won = (await Promise.all(race)).map((ok, i) => (ok ? i : -1)).filter((i) => i >= 0)
        equal(won.length, 1)
        deepEqual(await idsOf({}), [`${won[0]}`])
        equal((await reads.checkpoints()).get('items'), won[0]! + 1)
      })

      it('leave neither rows nor checkpoint when they fail in the middle', async () => {
        const bad = { ...other(0, 5), upserts: [{ id: 'o', note: 5 }] }
        const good = change(0, 5, [item('a')], { park: [parkedAt(1, ['a'])] })
        await rejects(reads.commit([good, bad]), { name: 'RowsRefused' })
        deepEqual(await idsOf({}), [])
        deepEqual(await reads.parked(), [])
        equal((await reads.checkpoints()).get('items'), 0)
        equal(await reads.commit([change(0, 5, [item('b')])]), true)
      })

      it('are refused for a table that has other columns by now', async () => {
        const wider = { ...items, columns: { ...items.columns, extra: 'int' as const } }
        const row = { ...item('a'), extra: 1 }
        equal(await reads.commit([{ ...change(0, 1, [row]), table: wider }]), false)
        equal((await reads.checkpoints()).get('items'), 0)
      })

      it('are refused for a projection that is not there', async () => {
        equal(await reads.commit([{ ...change(0, 1, []), projection: 'unknown' }]), false)
      })

      it('refuse a second row with a unique value and never remove the first', async () => {
        const codes: Table = {
          name: 'codes',
          key: 'id',
          columns: { id: 'text', code: { kind: 'text', nullable: true } },
          unique: [['code']],
        }
        await reads.define([defined(codes)])
        const code = (from: number, upserts: Row[], deletes: string[] = []) =>
          reads.commit([
            { ...change(from, from + 1, upserts, { deletes }), projection: 'codes', table: codes },
          ])
        equal(await code(0, [{ id: 'a', code: 'x' }]), true)
        await rejects(code(1, [{ id: 'b', code: 'x' }]), { name: 'RowsRefused' })
        deepEqual(await reads.load(codes, ['a', 'b']), [{ id: 'a', code: 'x' }, undefined])
        equal(
          await code(
            1,
            [
              { id: 'b', code: 'x' },
              { id: 'c', code: null },
              { id: 'd', code: null },
            ],
            ['a'],
          ),
          true,
        )
        const { items: left } = await reads.find(codes, { limit: 9 })
        equal(left.map(({ id }) => id).join(), 'b,c,d')
      })
    })

    describe('parked events', () => {
      it('wait in order of position, by projection, until they are taken', async () => {
        const [late, early] = [parkedAt(9, ['a']), parkedAt(4, ['a', 'ü:*'], 'Error: x')]
        await reads.commit([change(0, 9, [], { park: [late, early] })])
        deepEqual(await reads.parked('items'), [early, late])
        deepEqual(await reads.parked('others'), [])
        await reads.commit([change(9, 9, [], { unpark: [4] })])
        deepEqual(await reads.parked(), [late])
      })

      it('parked again, have their new keys and error', async () => {
        await reads.commit([change(0, 9, [], { park: [parkedAt(4, ['a'])] })])
        await reads.commit([change(9, 9, [], { park: [parkedAt(4, ['b'], 'Error: y')] })])
        deepEqual(await reads.parked(), [parkedAt(4, ['b'], 'Error: y')])
        equal(await reads.isParked('items', ['a']), false)
      })

      it('can be told in any characters', async () => {
        const park = [parkedAt(4, ['a\0b', '\ud83d', 'ä'], 'Error: \0 \ud83d "\\u0000"')]
        equal(await reads.commit([change(0, 9, [], { park })]), true)
        equal(await reads.isParked('items', ['ä']), true)
      })

      it('tell whether one of some keys waits, also by its beginning', async () => {
        await reads.commit([
          change(0, 9, [], { park: [parkedAt(4, ['a%b', 'stream:stock-ä1', 'a%b'])] }),
        ])
        const vectors: [string[], boolean][] = [
          [['a%b'], true],
          [['x', 'a%b'], true],
          [['axb'], false],
          [['a%'], false],
          [['a%*'], true],
          [['a_*'], false],
          [['stream:stock-ä*'], true],
          [['stream:*'], true],
          [['*'], true],
          [['a\0*', 'a%b\0'], false],
          [[], false],
        ]
        for (const [keys, expected] of vectors)
          equal(await reads.isParked('items', keys), expected, `${keys}`)
        equal(await reads.isParked('others', ['*', 'a%b']), false)
        await reads.commit([change(9, 9, [], { unpark: [4] })])
        equal(await reads.isParked('items', ['*', 'a%b']), false)
      })
    })

    describe('tables', () => {
      it('defined again are the same, rows and checkpoint and all', async () => {
        await put(item('a'))
        deepEqual(await reads.define([defined(items), defined(others)]), [])
        deepEqual(await idsOf({}), ['a'])
        equal((await reads.checkpoints()).get('items'), 1)
      })

      it('of another version, column or index are named, and left as they are', async () => {
        await put(item('a'))
        const wider = { ...items, columns: { ...items.columns, extra: 'int' as const } }
        const indexed = { ...items, indexes: [['day']] }
        for (const changed of [defined(items, 2), defined(wider), defined(indexed)])
          deepEqual(await reads.define([changed, defined(others)]), ['items'])
        deepEqual(await idsOf({}), ['a'])
      })

      it('that are not there yet, or have other columns by now, say so', async () => {
        const wider = { ...items, columns: { ...items.columns, extra: 'int' as const } }
        const nowhere = { ...items, name: 'nowhere' }
        for (const table of [wider, nowhere]) {
          await rejects(reads.find(table, { limit: 1 }), { name: 'TableUnready' })
          await rejects(reads.load(table, ['a']), { name: 'TableUnready' })
          await rejects(reads.group(table, { by: [], sums: [] }), { name: 'TableUnready' })
        }
      })

      it('with names that could be taken for SQL are refused', async () => {
        for (const wrong of [
          { ...others, name: 'a"; DROP TABLE items; --' },
          { ...others, name: 'projections' },
          { ...others, name: 'parked' },
          { ...others, name: 'migrations' },
          { ...others, name: 'odd', columns: { id: 'text' as const, 'a b': 'text' as const } },
          { ...others, name: 'odd', key: 'note2' },
          { ...others, name: 'odd', indexes: [['nope']] },
        ])
          await rejects(reads.define([defined(wrong)]), Error)
        const words = {
          name: 'select',
          key: 'order',
          columns: { order: 'text', group: 'int' },
        } as const
        await reads.define([defined(words)])
        const row = { order: 'by', group: 1 }
        await reads.commit([{ ...change(0, 1, [row]), projection: 'select', table: words }])
        deepEqual((await reads.find(words, { where: { group: 1 }, limit: 1 })).items, [row])
      })

      it('built beside the live one take its place, with checkpoint and parked events', async () => {
        await put(item('old'))
        await reads.commit([change(1, 2, [], { park: [parkedAt(2, ['old'])] })])
        const shadow = shadowOf(items)
        await reads.define([shadow])
        const beside = {
          ...change(0, 7, [item('new')]),
          projection: shadow.name,
          table: shadow.table,
        }
        const park = [{ ...parkedAt(5, ['new'], 'Error: z'), projection: shadow.name }]
        await reads.commit([{ ...beside, park }])
        deepEqual(await idsOf({}), ['old'])

        await reads.swap('items', shadow.name)
        deepEqual(await idsOf({ where: { day: '2010-12-01' } }), ['new'])
        equal((await reads.checkpoints()).get('items'), 7)
        equal((await reads.checkpoints()).has(shadow.name), false)
        deepEqual(await reads.parked(), [parkedAt(5, ['new'], 'Error: z')])
        equal(await reads.isParked('items', ['new']), true)
        equal(await reads.isParked('items', ['old']), false)
        deepEqual(await reads.define([defined(items, 2)]), [])
        await rejects(reads.load(shadow.table, ['new']), { name: 'TableUnready' })
        equal(await reads.commit([change(7, 8, [item('next')])]), true)
      })

      it('can be built beside and swapped again and again, indexes included', async () => {
        for (let round = 1; round <= 3; round++) {
          const shadow = shadowOf(items)
          await reads.define([shadow])
          const rows = [item(`r${round}`, { name: 'n' })]
          await reads.commit([
            { ...change(0, round, rows), projection: shadow.name, table: shadow.table },
          ])
          await reads.swap('items', shadow.name)
          deepEqual(await where({ name: 'n' }), [`r${round}`])
        }
      })

      it('are swapped with one that is there, or not at all', async () => {
        await put(item('a'))
        await rejects(reads.swap('items', 'items__rebuild'), { name: 'TableUnready' })
        deepEqual(await idsOf({}), ['a'])
      })

      it('dropped are gone, with checkpoint and parked events, and can be made anew', async () => {
        await reads.commit([change(0, 3, [item('a')], { park: [parkedAt(2, ['a'])] })])
        await reads.drop('items')
        await reads.drop('items')
        equal((await reads.checkpoints()).has('items'), false)
        deepEqual(await reads.parked(), [])
        await rejects(reads.load(items, ['a']), { name: 'TableUnready' })
        deepEqual(await reads.define([defined(items)]), [])
        deepEqual(await idsOf({}), [])
        equal((await reads.checkpoints()).get('items'), 0)
      })
    })

    describe('a frozen view', () => {
      it('shows one moment while writes go on, and cannot be written to', async () => {
        await put(item('a'))
        const view = await reads.frozen()
        await put(item('a', { price_minor: 5 }), item('b'))
        await reads.commit([change(2, 3, [], { park: [parkedAt(3, ['a'])] })])
        const still = async () => {
          deepEqual((await view.find(items, { limit: 9, total: true })).items, [item('a')])
          deepEqual(await view.load(items, ['a', 'b']), [item('a'), undefined])
          equal((await view.checkpoints()).get('items'), 1)
          deepEqual(await view.parked(), [])
        }
        await still()
        await reads.drop('items')
        await still()
        await rejects(view.commit([change(1, 2, [])]), Error)
        await view.close()
        equal((await reads.checkpoints()).has('items'), false)
      })
    })

    it('refuses work once it is closed', async () => {
      const { port, remove } = await open()
      await port.close()
      await rejects(port.checkpoints(), Error)
      await rejects(port.commit([]), Error)
      await remove()
    })

    it('has everything after it was opened again, if it outlives the process', async (t) => {
      if (opened.reopen === undefined) {
        t.skip('nothing outlives this engine')
        return
      }
      await reads.commit([change(0, 3, [item('a')], { park: [parkedAt(2, ['b'], 'Error: x')] })])
      await reads.close()
      reads = await opened.reopen()
      deepEqual(await reads.define([defined(items), defined(others)]), [])
      deepEqual(await idsOf({}), ['a'])
      equal((await reads.checkpoints()).get('items'), 3)
      deepEqual(await reads.parked(), [parkedAt(2, ['b'], 'Error: x')])
    })
  })
}
