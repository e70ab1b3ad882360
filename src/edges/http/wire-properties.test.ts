// What holds for everything that may stand on the wire: JSON is read as JSON.parse reads it or
// refused, amounts come back as they went out, and what the description shows as an example works.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { contextsOf } from '#app/contexts.ts'
import { exponentOf } from '#kernel/money.ts'
import { integer, list, money, nullable, object, quantity, text } from '#kernel/schema.ts'
import { openCarrier } from '#providers/carrier-simulator.ts'
import { openPaymentProvider } from '#providers/payment-simulator.ts'
import { seedOfRun } from '#testing/random.ts'
import { inputReader } from './codec-in.ts'
import { answerWriter } from './codec-out.ts'
import { exactNumber, NumberText, plainDecimal, readJson } from './json-text.ts'
import { wireName } from './schema-shape.ts'
import { exampleOf } from './wire-schema.ts'

const SEED = seedOfRun()
const run = <T extends [unknown, ...unknown[]]>(property: fc.IProperty<T>) =>
  fc.assert(property, { seed: SEED, numRuns: 400 })

/** With every number as the number it stands for. */
function plain(value: unknown): unknown {
  if (value instanceof NumberText) return Number(value.source)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}

test(`JSON is read as JSON.parse reads it, or refused (SEED=${SEED})`, () => {
  const json = fc.json({ stringUnit: 'binary', maxDepth: 6 })
  const broken = fc.tuple(json, fc.nat(), fc.string({ maxLength: 3 })).map(([whole, at, noise]) => {
    const place = at % (whole.length + 1)
    return whole.slice(0, place) + noise + whole.slice(place + (at % 2))
  })
  let taken = 0
  run(
    fc.property(fc.oneof(json, broken), (source) => {
      const read = readJson(source)
      if (!read.ok) return ok(read.problem.length > 0 && read.place.length > 0)
      taken++
      deepEqual(plain(read.value), plain(JSON.parse(source)))
      ok(!/\\u0000/.test(JSON.stringify(plain(read.value))), 'a NUL came through')
    }),
  )
  ok(taken > 50)
})

test(`what JSON.parse would bend is refused wherever it lies (SEED=${SEED})`, () => {
  const rotten = fc.constantFrom(
    '{"a":1,"a":2}',
    '{"__proto__":1}',
    '{"constructor":{"prototype":1}}',
    '"\\ud800"',
    '"\\u0000"',
    'NaN',
    '[1,]',
  )
  const pairs: readonly (readonly [string, string])[] = [
    ['[', ']'],
    ['{"k":', '}'],
    ['[1,', ']'],
  ]
  const around = fc.array(fc.constantFrom(...pairs), { maxLength: 20 })
  run(
    fc.property(rotten, around, (inner, layers) => {
      const source = layers.reduce<string>((text, [open, close]) => open + text + close, inner)
      equal(readJson(source).ok, false, source)
    }),
  )
})

test(`a number keeps every digit or is refused (SEED=${SEED})`, () => {
  const source = fc
    .tuple(
      fc.boolean(),
      fc.bigInt({ min: 0n, max: 10n ** 20n }),
      fc.stringMatching(/^[0-9]{0,9}$/),
      fc.integer({ min: -30, max: 30 }),
    )
    .map(
      ([minus, whole, part, power]) =>
        `${minus ? '-' : ''}${whole}${part === '' ? '' : `.${part}`}${power === 0 ? '' : `e${power}`}`,
    )
  run(
    fc.property(source, (text) => {
      const shown = plainDecimal(text)
      if (shown === null) return
      ok(/^-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$/.test(shown), `${text}: ${shown}`)
      ok(shown !== '-0')
      equal(plainDecimal(shown), shown)
      equal(Number(shown), Number(text) + 0)
      const value = exactNumber(text)
      if (value !== undefined) equal(plainDecimal(String(value)), shown)
    }),
  )
})

const line = object({ quantity: quantity(), price_minor: money(), note: nullable(text()) })
const bill = object({
  currency: text(),
  quantity_scale: integer(),
  total_minor: money(),
  lines: list(line),
})

test(`what goes out comes in again, in every currency and unit (SEED=${SEED})`, () => {
  const write = answerWriter(bill)
  const read = inputReader(bill)
  const value = fc.record({
    currency: fc.constantFrom('USD', 'JPY', 'KWD'),
    quantity_scale: fc.integer({ min: 0, max: 6 }),
    total_minor: fc.maxSafeInteger(),
    lines: fc.array(
      fc.record({
        quantity: fc.maxSafeInteger(),
        price_minor: fc.maxSafeInteger(),
        note: fc.option(
          fc.string({ minLength: 1, unit: 'grapheme' }).filter((one) => !one.includes('\0')),
        ),
      }),
    ),
  })
  run(
    fc.property(value, (sent) => {
      const body = write(sent)
      const json = readJson(body)
      ok(json.ok, body)
      const found = read({ path: {}, query: {}, body: json.value as Record<string, unknown> })
      ok(found.ok, `${body}: ${JSON.stringify(found)}`)
      deepEqual(found.value, JSON.parse(JSON.stringify(sent)))
      const shown = /"total":(-?[0-9.]+)/.exec(body)?.[1]?.split('.')[1]?.length ?? 0
      equal(shown, exponentOf(sent.currency))
    }),
  )
})

test('what the description shows as an example is accepted, by every command and query', () => {
  const contexts = contextsOf({ provider: openPaymentProvider(), carrier: openCarrier() })
  const inputs = contexts.flatMap(({ commands, queries }) => [...commands, ...queries])
  for (const { type, input } of inputs) {
    const example = Object.fromEntries(
      Object.entries(input.properties).map(([name, schema]) => [
        wireName(name, schema),
        exampleOf(schema, name),
      ]),
    )
    const json = readJson(JSON.stringify(example))
    ok(json.ok)
    const read = inputReader(input)({
      path: {},
      query: {},
      body: json.value as Record<string, unknown>,
    })
    ok(read.ok, `${type}: ${JSON.stringify(read)} for ${JSON.stringify(example)}`)
  }
})
