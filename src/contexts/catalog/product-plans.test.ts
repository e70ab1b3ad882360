// How the questions of the catalogue are answered: by an index, in the order asked for, and not by
// going through all products.
import { ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import type { Find } from '#kernel/projection.ts'
import { searchFor } from '#kernel/search.ts'
import { findSql, keysOfSql } from '#storage/read-model-sql.ts'
import { gathered, HIT_RANK, walked } from '#storage/sqlite/read-model-search.ts'
import { fromTable, sqliteDialect } from '#storage/sqlite/read-model-sql.ts'
import { openReadModels } from '#storage/sqlite/read-models.ts'
import { shapeOf } from '#storage/table-shape.ts'
import { productReadView } from './product-read-view.ts'

const { name, version, table } = productReadView
const shape = shapeOf(table)

let folder: string
let database: DatabaseSync
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-plans-'))
  const path = join(folder, 'views.db')
  const reads = await openReadModels({ path })
  await reads.define([{ name, version, table }])
  await reads.close()
  database = new DatabaseSync(path, { readOnly: true })
})
after(() => {
  database.close()
  rmSync(folder, { recursive: true })
})

const all = () => fromTable(shape)
const planOf = (text: string, values: SQLInputValue[]) =>
  database
    .prepare(`EXPLAIN QUERY PLAN ${text}`)
    .all(...values)
    .map(({ detail }) => String(detail))
    .join('\n')

function finds(query: Partial<Find>, from: Parameters<typeof findSql>[1] = all): string {
  const sql = findSql(sqliteDialect, from, shape, { limit: 50, ...query })
  return planOf(`SELECT ${sql.columns} ${sql.rest}`, sql.values)
}

const byCode = [{ column: 'code' }]
const walks: readonly [what: string, query: Partial<Find>, index: string][] = [
  ['a product by its code', { where: { code: 'A' } }, 'by_code'],
  ['the list by code', { where: { is_active: true }, sort: byCode }, 'by_is_active_code'],
  [
    'the list by name',
    { where: { is_active: true }, sort: [{ column: 'name', descending: true }] },
    'by_is_active_name',
  ],
  [
    'products of a department',
    { where: { is_active: true, department_id: 'd' }, sort: byCode },
    'by_department_id_is_active_code',
  ],
  [
    'products that run low',
    { where: { is_active: true, is_low_stock: true }, sort: byCode },
    'by_is_low_stock_is_active_code',
  ],
]

describe('the plan of', () => {
  for (const [what, query, index] of walks)
    test(`${what} walks its index and sorts nothing`, () => {
      const plan = finds(query)
      ok(plan.includes(index), plan)
      // A key behind the index breaks ties; the code of a product is its own.
      ok(!/USE TEMP B-TREE FOR ORDER BY$|SCAN product_read_view$/m.test(plan), plan)
    })

  test('a department’s and a unit’s products, when those get another name, is a search', () => {
    for (const column of ['department_id', 'unit_id']) {
      const { text, values } = keysOfSql(sqliteDialect, fromTable(shape), shape, { [column]: 'x' })
      const plan = planOf(text, values)
      ok(/SEARCH product_read_view USING (COVERING )?INDEX/.test(plan), plan)
      ok(plan.includes(`product_read_view_by_${column}`), plan)
    }
  })

  const { widest } = searchFor('red lantern')!
  const query = { where: { is_active: true }, sort: byCode, search: { text: 'red lantern' } }
  test('rows that a search has gathered are each looked up by their number', () => {
    const plan = finds(query, gathered(shape, new Map([[1, 0]]), { each: HIT_RANK }))
    const [hits, rows] = [plan.indexOf('SCAN json_each'), plan.indexOf('INTEGER PRIMARY KEY')]
    ok(hits >= 0 && hits < rows, plan)
    ok(!plan.includes('SCAN product_read_view\n'), plan)
  })
  test('a search for very many walks the order asked for, and sorts nothing', () => {
    const plan = finds(query, walked(shape, { any: widest, except: [], ranks: 0 }))
    ok(plan.includes('by_is_active_code') && !plan.includes('FOR ORDER BY'), plan)
  })
})
