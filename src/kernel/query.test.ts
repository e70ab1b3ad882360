// The key under which one of many answers is kept.
import { equal, notEqual } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { query, variantKey } from './query.ts'
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

test('a query is what it was defined as', () => {
  const definition = {
    type: 'Ask',
    input: object({}),
    run: async () => null,
    answer: object({}),
  }
  equal(query(definition), definition)
})
