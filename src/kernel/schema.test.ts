// What fits a field and what does not, at its very limits; and what the edge is told beside.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  check,
  day,
  decimal,
  flag,
  id,
  instant,
  integer,
  json,
  list,
  money,
  nullable,
  object,
  oneOf,
  optional,
  quantity,
  type Schema,
  text,
  uuid,
} from './schema.ts'

const MAX = Number.MAX_SAFE_INTEGER
const MIN = Number.MIN_SAFE_INTEGER

/** Each kind of field: what fits, and what is refused. */
const fields: Readonly<Record<string, readonly [Schema, yes: unknown[], no: unknown[]]>> = {
  text: [text(), ['a', 'x'.repeat(500)], ['', 'x'.repeat(501), 1, null]],
  'a text with limits': [text({ min: 0, max: 2 }), ['', 'ab'], ['abc']],
  id: [
    id(),
    ['a', '0.x_y:z-1', 'a'.repeat(200)],
    ['', '-a', '.a', 'a b', 'ä', 'a'.repeat(201), 'a\n', ' a'],
  ],
  uuid: [uuid(), ['01980000-0000-7000-8000-000000000001'], ['01980000', '']],
  instant: [instant(), ['2026-03-02T10:00:00.000Z', '2026-03-02T10:00:00+02:00'], ['2026-03-02']],
  day: [day(), ['2010-12-01'], ['2010-13-01', '2010-12-01T00:00:00Z']],
  flag: [flag(), [true, false], [0, 'true']],
  integer: [
    integer(),
    [0, MAX, MIN],
    [MAX + 1, MIN - 1, 0.5, '1', Number.NaN, Number.POSITIVE_INFINITY, null],
  ],
  'an integer with limits': [integer({ min: 1, max: 3 }), [1, 3], [0, 4]],
  money: [money(), [0, MAX, MIN], [MAX + 1, MIN - 1, 0.5]],
  quantity: [quantity(), [0, MAX, MIN], [MAX + 1, MIN - 1, 0.5]],
  'a quantity with a limit': [quantity({ min: 1 }), [1, MAX], [0, MAX + 1]],
  'one of some words': [oneOf(['on', 'off']), ['on', 'off'], ['', 'no', null, 1]],
  json: [json(), [{}, { a: { b: [1] } }], ['{}', 1, null]],
  list: [list(integer()), [[], Array(10_000).fill(1)], [Array(10_001).fill(1), ['x'], {}]],
  'a list with limits': [list(integer(), { min: 1, max: 2 }), [[1], [1, 2]], [[], [1, 2, 3]]],
  nullable: [nullable(integer()), [1, null], ['x', undefined]],
  decimal: [
    decimal(),
    ['0', '29.99', '9'.repeat(16), `1.${'9'.repeat(9)}`],
    ['-1', '', '.5', '1.', '1e3', '9'.repeat(17), `1.${'9'.repeat(10)}`, 'x1', '1x', 29.99],
  ],
  'a signed decimal': [decimal({ signed: true }), ['-1.5', '1.5'], ['--1', '+1', '1-']],
}

describe('a field', () => {
  for (const [name, [schema, yes, no]] of Object.entries(fields))
    test(`${name} has limits`, () => {
      for (const value of yes) ok(check(schema, value).ok, JSON.stringify(value)?.slice(0, 50))
      for (const value of no) ok(!check(schema, value).ok, JSON.stringify(value)?.slice(0, 50))
    })

  test('tells the edge its kind, its other names and what it is for', () => {
    const told = { description: 'Why.', aliases: ['sku'] }
    for (const [make, kind] of [
      [text, undefined],
      [id, undefined],
      [uuid, undefined],
      [instant, undefined],
      [day, undefined],
      [flag, undefined],
      [integer, undefined],
      [json, undefined],
      [money, 'money'],
      [quantity, 'quantity'],
      [decimal, 'decimal'],
    ] as const) {
      const schema: Readonly<Record<string, unknown>> = { ...make(told) }
      deepEqual(
        [schema.description, schema['x-aliases'], schema['x-kind']],
        ['Why.', ['sku'], kind],
        make.name,
      )
      const bare = Object.keys(make())
      for (const key of ['description', 'x-aliases']) ok(!bare.includes(key), make.name)
      equal(bare.includes('x-kind'), kind !== undefined, make.name)
    }
    const words: Readonly<Record<string, unknown>> = { ...oneOf(['a'], told) }
    equal(words.description, 'Why.')
    equal(words.type, 'string')
  })
})

describe('what is wrong with a value', () => {
  const errorsOf = (schema: Schema, value: unknown) => {
    const checked = check(schema, value)
    ok(!checked.ok)
    return { ...checked.errors }
  }
  const order = object({
    currency: oneOf(['USD', 'EUR']),
    items: list(object({ sku: text(), note: optional(text()) })),
  })

  test('is told by the path of the field', () =>
    deepEqual(errorsOf(order, { currency: 'GBP', items: [{ sku: 'a' }, { colour: 1 }] }), {
      currency: 'must be one of USD, EUR',
      'items.1.colour': 'is not a known field',
      'items.1.sku': 'is required',
    }))
  test('is told of the whole where it is not even an object', () => {
    deepEqual(errorsOf(order, 'x'), { '(body)': 'must be object' })
    deepEqual(errorsOf(order, { a: 1, b: 2 }), {
      currency: 'is required',
      items: 'is required',
      a: 'is not a known field',
      b: 'is not a known field',
    })
  })
  test('says what would do, without the words of the library', () => {
    const fields = object({
      code: text({ max: 1 }),
      name: text(),
      lines: list(text(), { min: 1, max: 2 }),
      age: integer({ min: 18, max: 99 }),
      by: id(),
      on: day(),
      at: instant(),
      key: uuid(),
    })
    const low = { code: 'ab', name: '', lines: [], age: 3, by: '-', on: '1', at: '1', key: '1' }
    deepEqual(errorsOf(fields, low), {
      code: 'must have at most 1 character',
      name: 'must have at least 1 character',
      lines: 'must have at least 1 item',
      age: 'must be at least 18',
      by: 'must be an id: letters, digits and . _ : -, at most 200, a letter or digit first',
      on: 'must be a day of the calendar, like 2026-01-31',
      at: 'must be an instant, like 2026-01-31T12:00:00Z',
      key: 'must be a UUID, like 01939b5a-7c1e-7000-8000-000000000001',
    })
    const high = errorsOf(fields, { ...low, lines: ['a', 'b', 'c'], age: 100 })
    deepEqual([high.lines, high.age], ['must have at most 2 items', 'must be at most 99'])
  })
  test('is told once for each field, and of twenty fields at most', () => {
    const twice = errorsOf(object({ code: text({ min: 3, max: 2 }) }), { code: 'abcd' })
    deepEqual(Object.keys(twice), ['code'])
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}`, 1]))
    equal(Object.keys(errorsOf(object({}), many)).length, 20)
    const texts = object(Object.fromEntries(Object.keys(many).map((name) => [name, text()])))
    equal(Object.keys(errorsOf(texts, many)).length, 20)
    equal(Object.keys(errorsOf(texts, {})).length, 20)
  })
  test('is nothing where all is well, and the value comes back as it was', () => {
    const value = { currency: 'USD', items: [] }
    const checked = check(order, value)
    ok(checked.ok)
    equal(checked.value, value)
  })
  test('may be named like something that every object has', () =>
    deepEqual(errorsOf(object({}), JSON.parse('{"__proto__":1,"constructor":1}')), {
      ['__proto__']: 'is not a known field',
      constructor: 'is not a known field',
    }))
})
