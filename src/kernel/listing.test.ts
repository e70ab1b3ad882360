// Pages, questions about the past, and answers made from a table's columns.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  asksNow,
  asOfFields,
  between,
  nowOrThen,
  pageAnswer,
  paged,
  pageOf,
  paging,
  rowAnswer,
} from './listing.ts'
import { projection, type Table } from './projection.ts'
import type { AsOf, Reader } from './query.ts'
import { check, list, money, object, quantity, type Schema, text } from './schema.ts'

const fits = (schema: Schema, value: unknown): boolean => check(schema, value).ok

describe('a page', () => {
  const input = object(paging)
  test('has between one and a thousand rows', () => {
    for (const limit of [1, 1_000]) ok(fits(input, { limit }), String(limit))
    for (const limit of [0, 1_001, 1.5, '5']) ok(!fits(input, { limit }), String(limit))
  })
  test('begins at its beginning or later, or after another page', () => {
    ok(fits(input, {}))
    ok(fits(input, { offset: 0 }))
    ok(!fits(input, { offset: -1 }))
    ok(fits(input, { cursor: 'x'.repeat(2_000) }))
    ok(!fits(input, { cursor: 'x'.repeat(2_001) }))
  })
  test('says what its fields, and those of the past, are for', () => {
    const { limit, cursor } = paging
    for (const field of [limit, cursor, ...Object.values(asOfFields)])
      ok(/"description":"[^"]+\."/.test(JSON.stringify(field)))
  })
  test('holds what lies from one value to another, as far as they are told', () => {
    deepEqual(between('a', 'b'), { gte: 'a', lte: 'b' })
    deepEqual(between('a', undefined), { gte: 'a', lte: undefined })
    equal(between(undefined, undefined), undefined)
  })
  test('asks for fifty rows and their number unless told otherwise', () => {
    deepEqual(pageOf({}), { limit: 50, total: true })
    deepEqual(pageOf({ limit: 3, offset: 6, cursor: 'c' }), {
      limit: 3,
      total: true,
      offset: 6,
      cursor: 'c',
    })
  })
  test('is answered with its place among all', () => {
    const found = { items: [{ id: 'a' }], total: 9, next_cursor: 'c' }
    const whole = { ...found, limit: 50, offset: 0 }
    deepEqual(paged(found, {}), whole)
    deepEqual(paged(found, { limit: 1, offset: 8 }), { ...found, limit: 1, offset: 8 })
    const answer = pageAnswer(object({ id: text() }))
    ok(fits(answer, whole))
    ok(fits(answer, { ...whole, total: null, next_cursor: null }))
    ok(!fits(answer, { ...whole, items: [{}] }))
    ok(fits(answer, { ...whole, next_cursor: 'c'.repeat(2_000) }))
    ok(!fits(answer, { ...whole, next_cursor: 'c'.repeat(2_001) }))
    for (const field of Object.keys(whole)) ok(!fits(answer, { ...whole, [field]: undefined }))
  })
})

describe('a question about the past', () => {
  const asked: (readonly [string, AsOf | undefined])[] = []
  const reader = {
    get: async (_: unknown, key: string) => {
      asked.push([key, undefined])
      return { id: key }
    },
    past: async (_: unknown, key: string, asOf: AsOf) => {
      asked.push([key, asOf])
      return null
    },
  } as unknown as Reader
  const table = { name: 'things', key: 'id', columns: { id: 'text' } } as const
  const things = projection({ name: 'things', version: 1, table, on: {} })

  test('names a time, a position from 0 or a version from 1', () => {
    const input = object(asOfFields)
    ok(fits(input, { as_of: '2026-03-02T10:00:00.000Z' }))
    ok(!fits(input, { as_of: 'yesterday' }))
    ok(fits(input, { as_of_position: 0 }))
    ok(!fits(input, { as_of_position: -1 }))
    ok(fits(input, { as_of_version: 1 }))
    ok(!fits(input, { as_of_version: 0 }))
  })
  test('reads the row as it is where no past is asked for', async () => {
    deepEqual(await nowOrThen(reader, things, 'k', {}), { id: 'k' })
    deepEqual(asked.splice(0), [['k', undefined]])
    equal(asksNow({}), true)
  })
  test('reads the row as it was: a position before a version before a time', async () => {
    const as_of = '2026-03-02T10:00:00.000Z'
    for (const [input, asOf] of [
      [{ as_of, as_of_version: 2, as_of_position: 0 }, { position: 0 }],
      [{ as_of, as_of_version: 2 }, { version: 2 }],
      [{ as_of }, { time: as_of }],
    ] as const) {
      equal(await nowOrThen(reader, things, 'k', input), null)
      deepEqual(asked.splice(0), [['k', asOf]])
      equal(asksNow(input), false)
    }
  })
})

describe('the answer made from a table', () => {
  const table: Table = {
    name: 'things',
    key: 'id',
    columns: {
      id: 'text',
      pieces: { kind: 'int' },
      is_new: 'bool',
      at: 'instant',
      on: 'day',
      more: 'json',
      price: 'money',
      stock: 'quantity',
      note: { kind: 'text', nullable: true },
    },
  }
  const row = {
    id: '',
    pieces: 1,
    is_new: true,
    at: '2026-03-02T10:00:00.000Z',
    on: '2026-03-02',
    more: { a: 1 },
    price: 100,
    stock: 5,
    note: null,
  }
  const answer = rowAnswer(table)
  const shapes = answer.properties as Readonly<Record<string, Schema>>

  test('has each column, in its kind', () => {
    ok(fits(answer, row))
    const wrong = { pieces: 'x', is_new: 1, at: 'x', on: 'x', more: 'x', price: 'x', stock: 'x' }
    for (const [field, value] of Object.entries(wrong))
      ok(!fits(answer, { ...row, [field]: value }), field)
    deepEqual(
      [shapes.price, shapes.stock],
      [money(), quantity()],
      'the edge knows money and quantities by their kind',
    )
  })
  test('is null only where the column may be', () => {
    ok(fits(answer, { ...row, note: 'x' }))
    for (const field of Object.keys(row).filter((name) => name !== 'note'))
      ok(!fits(answer, { ...row, [field]: null }), field)
  })
  test('may be long, but not without an end', () => {
    ok(fits(answer, { ...row, note: 'x'.repeat(100_000) }))
    ok(!fits(answer, { ...row, note: 'x'.repeat(100_001) }))
  })
  test('may say that it is stale, and no more', () => {
    ok(fits(answer, { ...row, stale: true }))
    ok(!fits(answer, { ...row, stale: 1 }))
    ok(!fits(answer, { ...row, other: 1 }))
  })
  test('leaves columns out, and knows the shape of what is inside', () => {
    const some = rowAnswer(table, {
      without: ['note', 'at'],
      shapes: { more: list(object({ price: money() })) },
    })
    const { note, at, ...rest } = row
    ok(fits(some, { ...rest, more: [{ price: 1 }] }))
    ok(!fits(some, { ...rest, more: { a: 1 } }))
    ok(!fits(some, { ...row, more: [] }))
  })
})
