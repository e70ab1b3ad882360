// Decimals are exact in both directions, whatever their size; what cannot be exact is refused.
import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { seedOfRun } from '#testing/random.ts'
import { decimalNumber, exponentOf, lineAmount, reckoned, scaled, unscaled } from './money.ts'

const seed = seedOfRun()
const runs = { seed, numRuns: 500 }

describe('decimals', () => {
  test('are read from their characters, not through floating point', () => {
    deepEqual(scaled('29.99', 2), { ok: true, value: 2999 })
    deepEqual(scaled('0.1', 2), { ok: true, value: 10 })
    deepEqual(scaled('1.005', 3), { ok: true, value: 1005 })
    deepEqual(scaled('007.50', 2), { ok: true, value: 750 })
    deepEqual(scaled('-0.00', 2), { ok: true, value: 0 })
    deepEqual(scaled('90071992547409.91', 2), { ok: true, value: 9007199254740991 })
  })

  test('finer than the scale, beyond 2^53, or no decimals at all are refused with a reason', () => {
    for (const [text, scale, reason] of [
      ['1.001', 2, 'must have at most 2 decimals'],
      ['1.5', 0, 'must be a whole number'],
      ['90071992547409.92', 2, 'is too large'],
      ['1e3', 2, 'must be a decimal number'],
      ['NaN', 2, 'must be a decimal number'],
      ['', 2, 'must be a decimal number'],
      ['1.', 2, 'must be a decimal number'],
      ['.5', 2, 'must be a decimal number'],
      ['1,5', 2, 'must be a decimal number'],
    ] as const)
      deepEqual(scaled(text, scale), { ok: false, reason }, text)
  })

  test('zeros behind are no precision', () =>
    deepEqual(scaled('2.5000000', 1), { ok: true, value: 25 }))

  test(`come back the same at every scale (seed ${seed})`, () =>
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(6), (value, scale) => {
        deepEqual(scaled(unscaled(value, scale), scale), {
          ok: true,
          value: value === 0 ? 0 : value,
        })
      }),
      runs,
    ))

  test('are shown as numbers with the same digits', () => {
    equal(JSON.stringify(decimalNumber(2999, 2)), '29.99')
    equal(JSON.stringify(decimalNumber(-5, 2)), '-0.05')
    equal(JSON.stringify(decimalNumber(1250, 3)), '1.25')
  })
  test('are written with all their digits, and zero without a sign', () => {
    deepEqual(
      [unscaled(0, 2), unscaled(-5, 2), unscaled(1250, 3), unscaled(7, 0), unscaled(-7, 0)],
      ['0.00', '-0.05', '1.250', '7', '-7'],
    )
  })

  test('have the digits of their currency', () => {
    const none = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ')
    for (const currency of none) equal(exponentOf(currency), 0, currency)
    const three = 'BHD IQD JOD KWD LYD OMR TND'.split(' ')
    for (const currency of three) equal(exponentOf(currency), 3, currency)
    for (const currency of ['USD', 'EUR', 'ZZZ']) equal(exponentOf(currency), 2, currency)
  })
})

describe('a line’s amount', () => {
  test('is rounded half up, away from zero, or half to even', () => {
    // 0.5 of a step at 3 decimals: 333 minor units times 1.5.
    equal(lineAmount(333, 1500, 3), 500)
    equal(lineAmount(333, 1500, 3, 'half_even'), 500)
    equal(lineAmount(5, 1500, 3, 'half_even'), 8)
    equal(lineAmount(5, 500, 3), 3)
    equal(lineAmount(5, 500, 3, 'half_even'), 2)
    equal(lineAmount(-5, 500, 3), -3)
  })

  test('beyond 2^53 is refused, not rounded', () =>
    throws(() => lineAmount(Number.MAX_SAFE_INTEGER, 2, 0), {
      name: 'RangeError',
      message: 'an amount beyond 2^53 minor units',
    }))
  test('of nothing is nothing, without a sign', () => {
    equal(lineAmount(0, -5, 0), 0)
    equal(lineAmount(-1, 1, 1), 0)
  })

  test(`is never more than half a minor unit off (seed ${seed})`, () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e9 }),
        fc.integer({ min: 0, max: 1e6 }),
        fc.nat(6),
        (price, quantity, scale) => {
          const exact = BigInt(price) * BigInt(quantity)
          const divisor = 10n ** BigInt(scale)
          for (const rounding of ['half_up', 'half_even'] as const) {
            const off = BigInt(lineAmount(price, quantity, scale, rounding)) * divisor - exact
            ok((off < 0n ? -off : off) * 2n <= divisor)
          }
        },
      ),
      runs,
    ))
})

test('an amount that no number holds comes to null, and any other trouble is thrown on', () => {
  equal(
    reckoned(() => lineAmount(5, 2, 0)),
    10,
  )
  equal(
    reckoned(() => lineAmount(Number.MAX_SAFE_INTEGER, 2, 0)),
    null,
  )
  throws(
    () =>
      reckoned(() => {
        throw new TypeError('a slip')
      }),
    TypeError,
  )
})
