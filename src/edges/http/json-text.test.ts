// The JSON reader against JSON.parse, and what it refuses beyond that.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  DEPTH_MAX,
  exactNumber,
  KEYS_MAX,
  NumberText,
  plainDecimal,
  type Read,
  readJson,
} from './json-text.ts'

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)

/** What JSON.parse would give. */
function resolved(value: unknown): unknown {
  if (value instanceof NumberText) return Number(value.source)
  if (Array.isArray(value)) return value.map(resolved)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, resolved(member)]))
}
const refusal = (text: string): Exclude<Read, { ok: true }> => {
  const read = readJson(text)
  ok(!read.ok, `${text.slice(0, 60)} was accepted`)
  return read
}

describe('JSON from strangers', () => {
  test('reads whatever JSON.stringify writes', (t) => {
    t.diagnostic(`SEED=${seed}`)
    const value = fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' })
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (written, indent) => {
        const text = JSON.stringify(written, null, indent)
        const bent = text.includes('\\u0000') || /"(?:__proto__|constructor)"/.test(text)
        if (bent) return
        const read = readJson(text)
        ok(read.ok, text)
        deepEqual(resolved(read.value), JSON.parse(text))
      }),
      { seed, numRuns: 500 },
    )
  })

  test('refuses exactly what JSON.parse refuses, when one character is changed', (t) => {
    t.diagnostic(`SEED=${seed}`)
    const good =
      '{"a": [1, -2.5e3, true, null], "b": {"c": "x\\ty", "dddddddddddddd": "eeeeeeeeeeeeee"}}'
    const character = fc.constantFrom(...'{}[]",:\\ 0-.eE+tfn\n\t\u0001x')
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(1), character, (at, cut, put) => {
        const text = good.slice(0, at) + put + good.slice(at + cut)
        let parsed: unknown
        try {
          parsed = JSON.parse(text)
        } catch {
          equal(readJson(text).ok, false, text)
          return
        }
        const read = readJson(text)
        if (read.ok) deepEqual(resolved(read.value), parsed)
        // What JSON.parse takes and we do not.
        else match(read.problem, /given twice|surrogate/, text)
      }),
      { seed, numRuns: 3000 },
    )
  })

  test('refuses a key given twice, and says where', () => {
    equal(refusal('{"items":[{"a":1},{"b":1,"b":2}]}').place, 'items.1.b')
    equal(refusal('{"a":1,"\\u0061":2}').place, 'a')
  })

  test('refuses the keys that poison prototypes', () => {
    equal(refusal('{"x":{"__proto__":{"admin":true}}}').place, 'x.__proto__')
    equal(refusal('{"constructor":{"prototype":{"admin":true}}}').place, 'constructor.prototype')
    ok(readJson('{"constructor":"Gaudí","toString":1}').ok)
    equal(({} as { admin?: boolean }).admin, undefined)
  })

  test('refuses NUL and lone surrogates, and takes pairs and all else', () => {
    equal(refusal('{"name":"a\\u0000b"}').place, 'name')
    equal(refusal('{"name":"\\ud83d"}').problem, 'holds half of a surrogate pair')
    const read = readJson('"\\ud83d\\ude00 \u202e\\u00e9\\/"')
    ok(read.ok)
    equal(read.value, '😀 \u202eé/')
  })

  test('refuses depth and numbers of keys beyond the limits, at any size', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    ok(readJson(nested(DEPTH_MAX)).ok)
    refusal(nested(DEPTH_MAX + 1))
    refusal(nested(100_000))
    refusal('{"a":'.repeat(100_000))
    const keys = (count: number) =>
      `{${Array.from({ length: count }, (_, i) => `"k${i}":1`).join()}}`
    ok(readJson(keys(KEYS_MAX)).ok)
    refusal(keys(KEYS_MAX + 1))
  })

  test('says in words what is wrong with a text that is not JSON', () => {
    for (const text of ['', ' ', '{', '{"a":', '[1,', '"abc', '"a\\'])
      equal(refusal(text).problem, 'ends in the middle of its JSON', text)
    for (const text of [
      'NaN',
      '-',
      '01',
      '1.',
      '+1',
      "'a'",
      '{a:1}',
      '[1,]',
      '{} {}',
      '\ufeff{}',
      'Infinity',
    ])
      refusal(text)
    equal(refusal('{"a":x}').problem, 'is not valid JSON at character 6')
  })
})

describe('decimals', () => {
  test('are normalised without losing a digit', () => {
    const cases: Record<string, string | null> = {
      '1e2': '100',
      '1.50e2': '150',
      '29.90': '29.9',
      '-0': '0',
      '-0.0e5': '0',
      '1234e-2': '12.34',
      '5e-3': '0.005',
      '-12.5E+1': '-125',
      '0.1000000000000000055': '0.1000000000000000055',
      '9007199254740993': '9007199254740993',
      '1e400': null,
      '1e99999999999': null,
      '1e-400': null,
      [`1${'0'.repeat(100)}`]: null,
    }
    for (const [source, plain] of Object.entries(cases)) equal(plainDecimal(source), plain, source)
  })

  test('become numbers only when every digit survives', () => {
    for (const source of ['0.1', '29.99', '1e2', '1e-7', '9007199254740991', '0.30000000000000004'])
      equal(exactNumber(source), Number(source), source)
    for (const source of [
      '9007199254740993',
      '9007199254740992',
      '1e400',
      '0.1000000000000000055',
      '1e16',
    ])
      equal(exactNumber(source), undefined, source)
  })

  test('keep their value, whatever the exponent', (t) => {
    t.diagnostic(`SEED=${seed}`)
    const digits = fc.integer({ min: 0, max: 10 ** 12 })
    fc.assert(
      fc.property(digits, fc.integer({ min: -20, max: 20 }), (mantissa, exponent) => {
        const plain = plainDecimal(`${mantissa}e${exponent}`)!
        const [whole = '', fraction = ''] = plain.split('.')
        const scale = 20
        const value = BigInt(whole + fraction.padEnd(scale, '0'))
        equal(value, BigInt(mantissa) * 10n ** BigInt(exponent + scale))
      }),
      { seed, numRuns: 500 },
    )
  })
})
