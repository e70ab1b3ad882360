// The codec of the edge, both ways, on schemas of every kind.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  decimal,
  flag,
  id,
  integer,
  json,
  list,
  money,
  nullable,
  type ObjectSchema,
  object,
  oneOf,
  optional,
  quantity,
  type Schema,
  text,
} from '#kernel/schema.ts'
import { inputReader } from './codec-in.ts'
import { answerWriter } from './codec-out.ts'
import { readJson } from './json-text.ts'

function input(schema: ObjectSchema, body: string, query: Record<string, string> = {}, path = {}) {
  const read = readJson(body)
  ok(read.ok)
  return inputReader(schema)({ path, query, body: read.value as Record<string, unknown> })
}
function readValue(...given: Parameters<typeof input>) {
  const read = input(...given)
  ok(read.ok, JSON.stringify(read))
  return read.value
}
function errorsOf(...given: Parameters<typeof input>) {
  const read = input(...given)
  ok(!read.ok, JSON.stringify(read))
  return read.errors
}

describe('inward', () => {
  const price = object({ price: decimal() })

  test('a decimal is read from its characters, as number or as text', () => {
    for (const [given, exact] of [
      ['29.99', '29.99'],
      ['"29.99"', '29.99'],
      ['29.90', '29.9'],
      ['1e2', '100'],
      ['0.1', '0.1'],
      ['9007199254740993', '9007199254740993'],
      ['-0', '0'],
    ])
      deepEqual(readValue(price, `{"price":${given}}`), { price: exact }, given)
  })

  test('a decimal that is none, or too fine, or negative where it may not be, is named', () => {
    for (const given of [
      '-1',
      '1e400',
      '0.1000000000000000055',
      '""',
      '"1,5"',
      '"0x10"',
      '" 1"',
      '12345678901234567',
    ])
      deepEqual(Object.keys(errorsOf(price, `{"price":${given}}`)), ['price'], given)
    for (const given of ['true', 'null', '[]', '{}'])
      deepEqual(Object.keys(errorsOf(price, `{"price":${given}}`)), ['price'], given)
    deepEqual(readValue(object({ delta: decimal({ signed: true }) }), '{"delta":-2.50}'), {
      delta: '-2.5',
    })
  })

  test('an integer takes what is one, exactly, and nothing else', () => {
    const count = object({ count: integer({ min: 0 }) })
    for (const [given, exact] of [
      ['3', 3],
      ['5.0', 5],
      ['1e2', 100],
      ['9007199254740991', 2 ** 53 - 1],
    ] as const)
      deepEqual(readValue(count, `{"count":${given}}`), { count: exact })
    for (const given of ['9007199254740993', '1e400', '1.5', '"3"', '-1', 'null'])
      deepEqual(Object.keys(errorsOf(count, `{"count":${given}}`)), ['count'], given)
  })

  test('an inexact number is found however deep it lies', () => {
    const free = object({ attributes: json(), items: list(object({ n: integer() })) })
    deepEqual(
      errorsOf(
        free,
        '{"attributes":{"a":[1,{"b":1e400}]},"items":[{"n":1},{"n":9007199254740993}]}',
      ),
      {
        'attributes.a.1.b': 'is a number that cannot be kept exactly',
        'items.1.n': 'is a number that cannot be kept exactly',
      },
    )
    deepEqual(readValue(free, '{"attributes":{"a":0.25},"items":[]}'), {
      attributes: { a: 0.25 },
      items: [],
    })
  })

  test('aliases name the same field; two different values for it are refused', () => {
    const product = object({ code: nullable(text({ aliases: ['sku'] })) })
    deepEqual(readValue(product, '{"sku":"A"}'), { code: 'A' })
    deepEqual(readValue(product, '{"sku":"A","code":"A"}'), { code: 'A' })
    deepEqual(errorsOf(product, '{"code":"A","sku":"B"}'), { sku: 'differs from code' })
  })

  test('a field of the path may be repeated in the body, but not contradicted', () => {
    const order = object({ order_id: id() })
    deepEqual(readValue(order, '{"order_id":"a"}', {}, { order_id: 'a' }), { order_id: 'a' })
    deepEqual(errorsOf(order, '{"order_id":"b"}', {}, { order_id: 'a' }), {
      order_id: 'is given twice, differently',
    })
  })

  test('money under its wire name becomes minor units of the nearest currency', () => {
    const fact = object({
      currency: text(),
      lines: list(
        object({ price_minor: money(), quantity: quantity(), quantity_scale: optional(integer()) }),
      ),
    })
    const body = '{"lines":[{"price":1.5,"quantity":"0.25","quantity_scale":2}],"currency":"KWD"}'
    deepEqual(readValue(fact, body), {
      lines: [{ price_minor: 1500, quantity: 25, quantity_scale: 2 }],
      currency: 'KWD',
    })
    deepEqual(errorsOf(fact, '{"currency":"JPY","lines":[{"price":1.5,"quantity":1.5}]}'), {
      'lines.0.price': 'must be a whole number',
      'lines.0.quantity': 'must be a whole number',
    })
    deepEqual(errorsOf(fact, '{"currency":"USD","lines":[{"price_minor":150,"quantity":1}]}'), {
      'lines.0.price_minor': 'is not a known field',
    })
    equal(
      errorsOf(object({ price_minor: money() }), '{"price":1}').price,
      'needs a currency beside it',
    )
  })

  test('texts of a query string are read by the type of their field', () => {
    const filter = object({
      limit: integer(),
      open: flag(),
      ids: list(integer()),
      lines: list(object({ quantity: decimal() })),
      status: nullable(oneOf(['a', 'b'])),
      code: text(),
      price: decimal(),
    })
    const given = {
      limit: '10',
      open: 'false',
      ids: '1,2',
      lines: '[{"quantity":1.50}]',
      status: 'a',
      code: '007',
      price: '2.50',
    }
    deepEqual(readValue(filter, '{}', given), {
      limit: 10,
      open: false,
      ids: [1, 2],
      lines: [{ quantity: '1.5' }],
      status: 'a',
      code: '007',
      price: '2.5',
    })
    const wrong = {
      limit: '1x',
      open: 'yes',
      ids: '1,b',
      lines: '[{"quantity":',
      status: 'c',
      code: '',
      price: 'much',
    }
    deepEqual(Object.keys(errorsOf(filter, '{}', wrong)).sort(), [
      'code',
      'ids.1',
      'limit',
      'lines',
      'open',
      'price',
      'status',
    ])
    for (const limit of ['9007199254740993', '1e400', '0x10', '', ' 1', '+1'])
      deepEqual(
        Object.keys(errorsOf(object({ limit: integer() }), '{}', { limit })),
        ['limit'],
        limit,
      )
  })

  test('all wrong fields are named together, at most twenty', () => {
    const wide = object(
      Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, integer()])),
    )
    const body = JSON.stringify(
      Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, 'x'])),
    )
    equal(Object.keys(errorsOf(wide, body)).length, 20)
    deepEqual(
      errorsOf(object({ a: text(), b: integer(), c: decimal() }), '{"b":1.5,"c":"x","d":1}'),
      {
        a: 'is required',
        b: 'must be integer',
        c: 'must be a decimal number, at most 16 digits and 9 decimals',
        d: 'is not a known field',
      },
    )
  })

  test('a slip of the pen is told what was meant, by the names that the wire knows', () => {
    const line = object({ quantity: integer(), price_minor: optional(money()) })
    const cart = object({ lines: list(line), code: optional(id({ aliases: ['sku'] })) })
    const body = '{"lines":[{"quantity":1,"qantity":2,"prise":3}],"QUANTITY":1,"sk":"A"}'
    deepEqual(errorsOf(cart, body), {
      'lines.0.qantity': 'is not a known field; did you mean quantity?',
      'lines.0.prise': 'is not a known field; did you mean price?',
      QUANTITY: 'is not a known field',
      sk: 'is not a known field',
    })
    const slips = Array.from({ length: 9 }, (_, i) => `"quantit${i}":1`)
    const told = Object.values(errorsOf(line, `{"quantity":1,${slips.join()}}`))
    deepEqual(told, slips.fill('is not a known field; did you mean quantity?'))
    const long = 'quantity'.repeat(100_000)
    deepEqual(Object.values(errorsOf(line, `{"quantity":1,"${long}":1}`)), ['is not a known field'])
  })

  test('a union takes the first branch that fits, decimals included', () => {
    const either = object({
      tender: { anyOf: [object({ cash: decimal() }), object({ card: text() })] } as Schema,
    })
    deepEqual(readValue(either, '{"tender":{"cash":5.50}}'), { tender: { cash: '5.5' } })
    deepEqual(readValue(either, '{"tender":{"card":"visa"}}'), { tender: { card: 'visa' } })
    ok('tender' in errorsOf(either, '{"tender":5}'))
  })
})

describe('outward', () => {
  const written = (schema: Schema, value: unknown) => answerWriter(schema)(value)

  test('money leaves as a decimal with all digits of its currency', () => {
    const line = object({ price_minor: money(), currency: text() })
    equal(written(line, { price_minor: 2990, currency: 'USD' }), '{"price":29.90,"currency":"USD"}')
    equal(written(line, { price_minor: -5, currency: 'USD' }), '{"price":-0.05,"currency":"USD"}')
    equal(written(line, { price_minor: 2990, currency: 'JPY' }), '{"price":2990,"currency":"JPY"}')
    equal(written(line, { price_minor: 2990, currency: 'KWD' }), '{"price":2.990,"currency":"KWD"}')
    equal(
      written(object({ price_minor: nullable(money()), currency: text() }), {
        price_minor: null,
        currency: 'USD',
      }),
      '{"price":null,"currency":"USD"}',
    )
  })

  test('currency and scale come from the nearest object around', () => {
    const order = object({
      currency: text(),
      lines: list(
        object({
          amount_minor: money(),
          currency: optional(text()),
          quantity: quantity(),
          quantity_scale: integer(),
        }),
      ),
    })
    const lines = [
      { amount_minor: 100, quantity: 1500, quantity_scale: 3 },
      { amount_minor: 100, quantity: 2, quantity_scale: 0, currency: 'JPY' },
    ]
    equal(
      written(order, { currency: 'EUR', lines }),
      '{"currency":"EUR","lines":[{"amount":1.00,"quantity":1.500,"quantity_scale":3},' +
        '{"amount":100,"currency":"JPY","quantity":2,"quantity_scale":0}]}',
    )
  })

  test('a currency of an inner object does not reach its neighbours', () => {
    const fact = object({
      parts: list(object({ currency: optional(text()), price_minor: money() })),
      total_minor: money(),
      currency: text(),
    })
    const body = '{"currency":"USD","parts":[{"currency":"JPY","price":5},{"price":5}],"total":5}'
    const value = readValue(fact, body)
    deepEqual(value, {
      currency: 'USD',
      parts: [{ currency: 'JPY', price_minor: 5 }, { price_minor: 500 }],
      total_minor: 500,
    })
    equal(
      written(fact, value),
      '{"parts":[{"currency":"JPY","price":5},{"price":5.00}],"total":5.00,"currency":"USD"}',
    )
  })

  test('an amount without any currency in sight keeps its inside name', () => {
    equal(written(object({ total_minor: money() }), { total_minor: 5 }), '{"total_minor":5}')
  })

  test('what the schema does not name does not leave, except that an answer is stale', () => {
    const row = object({ id: text(), inner: list(object({ a: integer() })) })
    const value = { id: 'x', secret: 1, stale: true, inner: [{ a: 1, secret: 2 }] }
    deepEqual(JSON.parse(written(row, value)), { id: 'x', inner: [{ a: 1 }], stale: true })
    equal(written(object({}), { secret: 1 }), '{}')
    equal(written(object({ a: optional(text()) }), { a: undefined, stale: false }), '{}')
  })

  test('every kind of value is written as JSON', () => {
    const all = object({
      t: text(),
      n: nullable(text()),
      b: flag(),
      j: json(),
      l: list(text()),
      i: integer(),
    })
    const value = {
      t: '"\\\u2028😀\n',
      n: null,
      b: false,
      j: { deep: [1, { x: null }] },
      l: [],
      i: -3,
    }
    deepEqual(JSON.parse(written(all, value)), value)
    equal(written(nullable(all), null), 'null')
    equal(written(list(integer()), [1, 2]), '[1,2]')
  })

  test('of a union the branch that fits is written', () => {
    const either = {
      anyOf: [object({ a: integer() }), object({ b: integer() }), { type: 'null' }],
    } as Schema
    equal(written(either, { b: 2 }), '{"b":2}')
    equal(written(either, null), 'null')
    equal(written(either, { b: 2, secret: 1 }), '{}')
  })
})
