// Whether rows fit the table that is to hold them: every column, of its kind, null only where that
// is allowed; and whether the table's own lists name its columns.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { rowAnswer } from '#kernel/listing.ts'
import type { Projection } from '#kernel/projection.ts'
import { check, json, list } from '#kernel/schema.ts'

/** Together the rows have to show each nullable column empty, so that none is so by mistake. */
export function assertRowsFit({ table }: Projection, ...rows: readonly object[]): void {
  for (const row of rows) {
    deepEqual(Object.keys(row).sort(), Object.keys(table.columns).sort())
    // JSON may be an object or a list of them; what is inside is not the table's business.
    const lists = Object.entries(row).filter(
      ([name, value]) => table.columns[name] === 'json' && Array.isArray(value),
    )
    const shapes = Object.fromEntries(lists.map(([name]) => [name, list(json())]))
    const checked = check(rowAnswer(table, { shapes }), row)
    ok(checked.ok, JSON.stringify(checked))
  }
  for (const [name, column] of Object.entries(table.columns))
    if (typeof column !== 'string' && column.nullable === true)
      ok(
        rows.some((row) => (row as Readonly<Record<string, unknown>>)[name] === null),
        `no row shows ${table.name}.${name} without a value`,
      )
}

/** The key, each index and each rule of uniqueness name columns that there are. */
export function assertNamesColumns({ table }: Projection): void {
  const { name, key, columns, indexes = [], unique = [] } = table
  ok(/^[a-z][a-z_]+$/.test(name), name)
  equal(columns[key], 'text', 'a key is a text')
  for (const index of [...indexes, ...unique]) {
    ok(index.length > 0, `an index of ${name} has no column`)
    for (const column of index) ok(Object.hasOwn(columns, column), `${name} has no ${column}`)
  }
}
