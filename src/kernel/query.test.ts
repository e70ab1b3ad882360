// The key under which one of many answers is kept, and rows read page by page.
import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Find, type Found, type Projection, projection } from './projection.ts'
import { everyRow, query, variantKey } from './query.ts'
import { object } from './schema.ts'

describe('the key of an answer', () => {
  test('begins with the name that makes it old, then says the question', () =>
    equal(
      variantKey('product:p-1', 'GetPrices', { limit: 5, currency: 'USD' }),
      'product:p-1#GetPrices[["currency","USD"],["limit",5]]',
    ))
  test('is the same in whichever order the fields came', () => {
    const fields = [
      ['a', 1],
      ['b', 2],
      ['c', 3],
      ['d', 4],
    ] as const
    const keys = [fields, fields.toReversed(), [fields[2], fields[0], fields[3], fields[1]]].map(
      (some) => variantKey('n', 'T', Object.fromEntries(some)),
    )
    equal(new Set(keys).size, 1)
    equal(keys[0], 'n#T[["a",1],["b",2],["c",3],["d",4]]')
  })
  test('differs where a field does', () =>
    notEqual(variantKey('n', 'T', { a: 1 }), variantKey('n', 'T', { a: '1' })))
})

test('every row is read page by page, to the last', async () => {
  const pages: Readonly<Record<string, Found>> = {
    first: { items: [{ id: 1 }, { id: 2 }], total: null, next_cursor: 'second' },
    second: { items: [{ id: 3 }], total: null, next_cursor: null },
  }
  const asked: Find[] = []
  const find = async (_: Projection, query: Find) => {
    asked.push(query)
    return pages[query.cursor ?? 'first']!
  }
  const table = { name: 'things', key: 'id', columns: { id: 'int' } } as const
  const things = projection({ name: 'things', version: 1, table, on: {} })
  const where = { id: { gt: 0 } }
  deepEqual(await Array.fromAsync(everyRow({ find }, things, { where })), [
    { id: 1 },
    { id: 2 },
    { id: 3 },
  ])
  deepEqual(asked, [
    { where, limit: 500 },
    { where, limit: 500, cursor: 'second' },
  ])
})

test('a query is what it was defined as', () => {
  const definition = {
    type: 'Ask',
    input: object({}),
    run: async () => null,
    answer: object({}),
  }
  equal(query(definition), definition)
})
