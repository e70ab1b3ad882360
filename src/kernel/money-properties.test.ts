// What holds for every amount and quantity, not only for those that somebody thought of.
import { equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seedOfRun } from '#testing/random.ts'
import { decimalNumber, exponentOf, lineAmount, scaled, unscaled } from './money.ts'

const SEED = seedOfRun()
const run = <T extends [unknown, ...unknown[]]>(property: fc.IProperty<T>) =>
  fc.assert(property, { seed: SEED, numRuns: 500 })

const minor = fc.maxSafeInteger()
const scale = fc.integer({ min: 0, max: 9 })
const currency = fc.constantFrom('USD', 'EUR', 'JPY', 'KRW', 'KWD', 'TND', 'CHF')
/** An exact fraction: digits over a power of ten. */
const exact = (text: string, at: number) => {
  const [whole = '', part = ''] = text.replace('-', '').split('.')
  return BigInt(whole + part.padEnd(at, '0')) * (text.startsWith('-') ? -1n : 1n)
}

test(`what is written is read back, at every scale (SEED=${SEED})`, () => {
  run(
    fc.property(minor, scale, (value, at) => {
      const text = unscaled(value, at)
      ok(!/^-0*\.?0*$/.test(text), `${text} is a negative zero`)
      equal(text.split('.')[1]?.length ?? 0, at)
      const read = scaled(text, at)
      ok(read.ok && Object.is(read.value, value === 0 ? 0 : value), `${value} became ${text}`)
    }),
  )
  run(
    fc.property(minor, currency, (value, code) => {
      const at = exponentOf(code)
      ok([0, 2, 3].includes(at))
      if (Math.abs(value) < 2 ** 50) equal(decimalNumber(value, at), Number(unscaled(value, at)))
    }),
  )
})

test(`a decimal is taken exactly or refused, never rounded (SEED=${SEED})`, () => {
  const decimal = fc
    .tuple(fc.boolean(), fc.stringMatching(/^[0-9]{1,18}$/), fc.stringMatching(/^[0-9]{0,12}$/))
    .map(([minus, whole, part]) => `${minus ? '-' : ''}${whole}${part === '' ? '' : `.${part}`}`)
  run(
    fc.property(fc.oneof(decimal, fc.constantFrom('-0', '-0.000', '00')), scale, (text, at) => {
      const read = scaled(text, at)
      const digits = exact(text, 12)
      const unit = 10n ** BigInt(12 - at)
      const fitting =
        digits % unit === 0n && (digits / unit) ** 2n <= BigInt(Number.MAX_SAFE_INTEGER) ** 2n
      equal(read.ok, fitting, text)
      if (read.ok) {
        equal(BigInt(read.value), digits / unit)
        ok(!Object.is(read.value, -0))
      }
    }),
  )
})

test(`whatever is no decimal is refused (SEED=${SEED})`, () => {
  const near = fc.string({ unit: fc.constantFrom(...'0123456789.-+eE ,_xn٣') })
  run(
    fc.property(fc.oneof(near, fc.string()), scale, (text, at) => {
      if (scaled(text, at).ok) ok(/^-?[0-9]+(\.[0-9]+)?$/.test(text), text)
    }),
  )
})

test(`a line's amount is its exact product, rounded to the nearest (SEED=${SEED})`, () => {
  const price = fc.integer({ min: -10_000_000, max: 10_000_000 })
  run(
    fc.property(price, price, fc.integer({ min: 0, max: 6 }), (unit, quantity, at) => {
      const divisor = 10n ** BigInt(at)
      const product = BigInt(unit) * BigInt(quantity)
      for (const rounding of ['half_up', 'half_even'] as const) {
        const amount = lineAmount(unit, quantity, at, rounding)
        ok(!Object.is(amount, -0))
        const off = product - BigInt(amount) * divisor
        const distance = off < 0n ? -off : off
        ok(distance * 2n <= divisor, `${product} / ${divisor} is not ${amount}`)
        if (distance * 2n === divisor && rounding === 'half_even') equal(amount % 2 === 0, true)
        equal(lineAmount(-unit, quantity, at, rounding) + amount, 0, 'the same both ways')
      }
    }),
  )
})

test(`beyond 2^53 there is an error, not another amount (SEED=${SEED})`, () => {
  run(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 2 }), (over, times) => {
      throws(() => lineAmount(Number.MAX_SAFE_INTEGER - over, times, 0), RangeError)
    }),
  )
})
