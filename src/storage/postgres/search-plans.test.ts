// How much of a table a search looks at on PostgreSQL: about as many rows as it means, and never
// all of them, whatever the planner believes of the words.
import { equal, ok } from 'node:assert/strict'
import { after, before, it } from 'node:test'
import pg from 'pg'
import type { Find, Row, Table } from '#kernel/projection.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { onPostgres, type TestDatabase } from '#testing/postgres-server.ts'
import { openReadModels } from './read-models.ts'

const goods: Table = {
  name: 'goods',
  key: 'id',
  columns: { id: 'text', code: 'text', name: 'text', description: 'text', shelf: 'text' },
  indexes: [['code'], ['shelf', 'code']],
  search: { code: 'code', name: 'name', description: 'text' },
}
const ROWS = 20_000
const good = (i: number): Row => ({
  id: `g${i}`,
  // Not in the order of the rows.
  code: `C-${String((i * 7_919) % 100_003).padStart(6, '0')}`,
  name: `${i % 3 === 0 ? 'wide' : 'flat'} box ${i % 2_000 === 0 ? 'ruby' : ''}`,
  description: i % 16 === 0 ? 'for a lantern' : i % 14 === 0 ? 'for candles' : 'for whatever',
  shelf: `s${i % 10}`,
})

type Plan = {
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Plan[]
}

await onPostgres('a search on PostgreSQL', (fresh) => {
  let database: TestDatabase
  let reads: ReadModels
  let admin: pg.Client
  before(async () => {
    database = await fresh()
    reads = await openReadModels({ url: database.url })
    await reads.define([{ name: 'goods', version: 1, table: goods }])
    const upserts = Array.from({ length: ROWS }, (_, i) => good(i))
    const rest = { projection: 'goods', table: goods, deletes: [], park: [], unpark: [] }
    equal(await reads.commit([{ ...rest, from: 0, to: 1, upserts }]), true)
    admin = new pg.Client({ connectionString: database.url })
    admin.on('error', () => {})
    await admin.connect()
    await admin.query('VACUUM ANALYZE')
  })
  after(async () => {
    await admin.end()
    await reads.close()
    await database.remove()
  })

  /** Rows of the table that a plan has looked at. */
  const lookedAt = (plan: Plan): number => {
    const own = plan['Relation Name']?.startsWith('goods')
      ? plan['Actual Rows'] +
        (plan['Rows Removed by Filter'] ?? 0) +
        (plan['Rows Removed by Index Recheck'] ?? 0)
      : 0
    const below = (plan.Plans ?? []).map(lookedAt)
    return below.reduce((sum, one) => sum + one, own * plan['Actual Loops'])
  }

  const CASES: readonly [what: string, text: string, most: number, more?: Partial<Find>][] = [
    ['a word that is in few names', 'ruby', 50],
    ['a word that many texts have, and no name', 'lantern', 4_000],
    ['the same, of one shelf', 'lantern', 4_000, { where: { shelf: 's4' } }],
    ['the same, a page of one row', 'lantern', 4_000, { limit: 1 }],
    ['a mistyped one', 'lantren', 4_000],
    ['words that are common, but never together', 'lantern candles', 50],
    ['a word of each name', 'box', 3_000],
    ['the beginning of each name', 'b', 5_000],
    ['the beginning of all codes', 'c0', 6_000],
    ['the beginning of a tenth of the codes, the last of them', 'c09', 6_000],
    ['in an order that no index has', 'lantern', 4_000, order('name')],
  ]
  function order(column: string): Partial<Find> {
    return { search: { text: 'lantern', ranked: false }, sort: [{ column }] }
  }

  for (const [what, text, most, more] of CASES)
    it(`for ${what} looks at no more than ${most} rows of ${ROWS}`, async (t) => {
      const { query } = pg.Client.prototype
      const sent: { text: string; values?: unknown[] }[] = []
      const { mock } = t.mock.method(
        pg.Client.prototype,
        'query',
        function (this: pg.Client, ...args: unknown[]) {
          sent.push(args[0] as (typeof sent)[number])
          return Reflect.apply(query, this, args)
        },
      )
      const sort = [{ column: 'code' }]
      const { items } = await reads.find(goods, { sort, limit: 50, search: { text }, ...more })
      mock.restore()
      equal(items.length > 0, !text.includes(' '))
      let rows = 0
      for (const { text, values = [] } of sent) {
        const explained = await admin.query({
          text: `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
          values,
        })
        rows += lookedAt(explained.rows[0]['QUERY PLAN'][0].Plan)
      }
      t.diagnostic(`${rows} rows in ${sent.length} statements`)
      ok(rows <= most, `${rows} rows: ${sent.map((one) => one.text).join('\n')}`)
    })
})
