// What holds for every cart: totals are the sums of their lines, and what comes back bit by bit
// comes to the line, whatever the prices, taxes, discounts and the order of the bits.
import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seedOfRun } from '#testing/random.ts'
import { apportion } from './apportion.ts'
import { cashRounded } from './cash.ts'
import { partOfLine } from './part-of-line.ts'
import { type Amounts, type PricedLine, type PricingRules, priceLines } from './price-lines.ts'

const SEED = seedOfRun()
const run = <T extends [unknown, ...unknown[]]>(property: fc.IProperty<T>, numRuns = 300) =>
  fc.assert(property, { seed: SEED, numRuns })

const percent = fc.integer({ min: 0, max: 1_000_000 }).map((part) => String(part / 10_000))
const rate = fc.record({
  name: fc.constantFrom('VAT', 'Eco', 'City'),
  rate: fc.constantFrom('0', '5', '7', '19', '20', '8.875', '2.5'),
  is_inclusive: fc.boolean(),
})
const discount = fc.oneof(
  fc.record({ name: fc.constant('percent'), percent }),
  fc.record({ name: fc.constant('amount'), amount_minor: fc.integer({ min: 0, max: 5_000 }) }),
)
const item = fc.record({
  unit_price_minor: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 10 ** 7 })),
  quantity: fc.integer({ min: 1, max: 5_000 }),
  quantity_scale: fc.integer({ min: 0, max: 3 }),
  rates: fc.array(rate, { maxLength: 3 }),
  discounts: fc.array(discount, { maxLength: 2 }),
})
const rules: fc.Arbitrary<PricingRules> = fc.record({
  rounding: fc.constantFrom('half_up', 'half_even'),
  tax_level: fc.constantFrom('line', 'total'),
})
const cart = fc.tuple(
  fc.array(item, { minLength: 1, maxLength: 12 }),
  rules,
  fc.array(discount, { maxLength: 2 }),
)

const FIELDS = ['amount_minor', 'net_minor', 'tax_minor', 'discount_minor'] as const
const sumOf = (lines: readonly Amounts[], field: (typeof FIELDS)[number]) =>
  lines.reduce((sum, line) => sum + line[field], 0)
const inner = (parts: readonly { readonly amount_minor: number }[]) =>
  parts.reduce((sum, { amount_minor }) => sum + amount_minor, 0)
const soundLine = (line: PricedLine) => {
  equal(line.amount_minor, line.net_minor + line.tax_minor)
  equal(line.tax_minor, inner(line.taxes))
  equal(line.discount_minor, inner(line.discounts))
  ok(line.net_minor >= 0, `${line.net_minor} is below nothing`)
  for (const each of [line, ...line.taxes, ...line.discounts])
    ok(each.amount_minor >= 0, `${each.amount_minor} is below nothing`)
}

test(`totals are the sums of their lines, and a line of its parts (SEED=${SEED})`, () => {
  run(
    fc.property(cart, ([items, rules, discounts]) => {
      const { lines, totals } = priceLines(items, rules, discounts)
      equal(lines.length, items.length)
      for (const field of FIELDS) equal(totals[field], sumOf(lines, field), field)
      for (const line of lines) soundLine(line)
    }),
    1_000,
  )
})

test('what is taken off and what is left are the price', () => {
  run(
    fc.property(cart, ([items, rules, discounts]) => {
      const bare = items.map((item) => ({ ...item, rates: [], discounts: [] }))
      const before = priceLines(bare, rules).totals.amount_minor
      const untaxed = items.map((item) => ({ ...item, rates: [] }))
      const after = priceLines(untaxed, rules, discounts).totals
      equal(after.amount_minor + after.discount_minor, before)
    }),
  )
})

test('no line of many small ones bears more tax than it costs', () => {
  const crumbs = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.array(rate, { maxLength: 3 }))
  run(
    fc.property(crumbs, ([count, rates]) => {
      const crumb = { unit_price_minor: 1, quantity: 1, quantity_scale: 0, rates, discounts: [] }
      const many = Array.from({ length: count }, () => crumb)
      const { lines } = priceLines(many, { rounding: 'half_up', tax_level: 'total' })
      for (const line of lines) soundLine(line)
    }),
  )
})

test('a tax rounded once is within a minor unit of exact, for all its lines together', () => {
  const one = fc.tuple(fc.array(item, { minLength: 1, maxLength: 12 }), rate)
  run(
    fc.property(one, ([items, rate]) => {
      const taxed = items.map((item) => ({ ...item, rates: [rate] }))
      const { totals } = priceLines(taxed, { rounding: 'half_up', tax_level: 'total' })
      const exact = totals.net_minor * (Number(rate.rate) / 100)
      ok(Math.abs(totals.tax_minor - exact) <= 1, `${totals.tax_minor} is not about ${exact}`)
    }),
  )
})

test('refunds of a line bit by bit come to the line, and none is below nothing', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 5_000 }), { maxLength: 6 })
  run(
    fc.property(cart, cuts, ([items, rules, discounts], cuts) => {
      const { lines } = priceLines(items, rules, discounts)
      for (const [i, line] of lines.entries()) {
        const of = items[i]!.quantity
        const at = [0, ...cuts.filter((cut) => cut < of).toSorted((a, b) => a - b), of]
        const parts = at.slice(1).map((to, k) => partOfLine(line, { from: at[k]!, to, of }))
        for (const part of parts) soundLine(part)
        for (const [k, { amount_minor }] of parts.entries()) {
          const exact = (line.amount_minor * (at[k + 1]! - at[k]!)) / of
          ok(Math.abs(amount_minor - exact) <= 1, `${amount_minor} is not about ${exact}`)
        }
        for (const field of FIELDS) equal(sumOf(parts, field), line[field], field)
      }
    }),
    500,
  )
})

test('shares add up and none exceeds its weight', () => {
  const weights = fc.array(fc.integer({ min: 0, max: 10 ** 12 }), { minLength: 1, maxLength: 20 })
  run(
    fc.property(weights, fc.double({ min: 0, max: 1, noNaN: true }), (weights, share) => {
      const all = weights.reduce((sum, weight) => sum + weight, 0)
      const total = Math.floor(all * share)
      const shares = apportion(total, weights)
      equal(
        shares.reduce((sum, each) => sum + each, 0),
        total,
      )
      for (const [i, each] of shares.entries()) ok(each <= weights[i]! && each >= 0)
    }),
  )
})

test('cash is a number of coins, at most half a coin away', () => {
  const amounts = fc.tuple(
    fc.integer({ min: -(10 ** 9), max: 10 ** 9 }),
    fc.integer({ min: 2, max: 100 }),
  )
  run(
    fc.property(amounts, ([amount, step]) => {
      const { payable_minor, rounding_minor } = cashRounded(amount, step)
      equal(Math.abs(payable_minor % step), 0)
      equal(payable_minor, amount + rounding_minor)
      ok(Math.abs(rounding_minor) * 2 <= step)
    }),
  )
})
