// A line taken apart: whatever is cancelled, sent and sent back, in whatever steps, comes to the
// whole line, for every cart. The seed is printed; SEED=… plays it again.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Discount, priceLines, type Rate, totalsOf } from '#contexts/pricing/public.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import {
  counted,
  nextPart,
  type OrderLine,
  ordered,
  remaining,
  shippedMinor,
  unsent,
  withheld,
  withheldPart,
} from './order-line.ts'

const SEED = seedOfRun()
const CARTS = 300

const RATES: readonly Rate[] = [
  { name: 'VAT', rate: '20', is_inclusive: true },
  { name: 'city', rate: '8.875', is_inclusive: false },
  { name: 'reduced', rate: '5.5', is_inclusive: true },
]
const discountOf = (random: Random): Discount =>
  random.chance(0.5)
    ? { name: 'percent', percent: String(random.int(1, 60)) }
    : { name: 'amount', amount_minor: random.int(1, 500) }

/** Lines as an order keeps them, and what the cart comes to. */
function cartOf(random: Random) {
  const items = Array.from({ length: random.int(1, 5) }, () => ({
    unit_price_minor: random.int(0, 5_000),
    quantity: random.int(1, 3_000),
    quantity_scale: random.pick([0, 0, 3]),
    rates: RATES.filter(() => random.chance(0.4)),
    discounts: random.chance(0.4) ? [discountOf(random)] : [],
  }))
  const tax_level = random.pick(['line', 'total'] as const)
  const off = random.chance(0.3) ? [discountOf(random)] : []
  const { lines, totals } = priceLines(items, { rounding: 'half_up', tax_level }, off)
  const kept = lines.map(({ taxes, discounts, ...amounts }, i) => ({
    ...{ line: i + 1, product_id: `p-${i}`, code: `P${i}`, name: 'thing', department_id: null },
    ...{ quantity: items[i]!.quantity, quantity_scale: items[i]!.quantity_scale },
    unit_price_minor: items[i]!.unit_price_minor,
    ...{ ...amounts, taxes: [...taxes], discounts: [...discounts] },
  }))
  return { lines: ordered(kept), totals }
}

describe(`the lines of an order (SEED=${SEED})`, () => {
  const random = seeded(SEED)

  it('come to the total of the order', () => {
    for (let n = 0; n < CARTS; n++) {
      const { lines, totals } = cartOf(random)
      deepEqual(totalsOf(lines), totals)
      deepEqual(totalsOf(remaining(lines)), totals)
    }
  })

  it('close to zero, in every figure, however they are cancelled and sent back', () => {
    for (let n = 0; n < CARTS; n++) {
      const { lines: begun, totals } = cartOf(random)
      let lines = begun
      const gone = []
      while (lines.some((each) => left(each) > 0)) {
        const each = random.pick(lines.filter((one) => left(one) > 0))
        const part = nextPart(each, random.int(1, left(each)))
        equal(part.amount_minor, part.net_minor + part.tax_minor)
        ok(part.amount_minor >= 0 && part.net_minor >= 0)
        gone.push(part)
        const counter = random.pick(['cancelled_quantity', 'returned_quantity'] as const)
        lines = counted(lines, counter, [part])
      }
      deepEqual(totalsOf(gone), totals)
    }
  })

  it('are due as they leave: the last unit brings what is left of the line', () => {
    for (let n = 0; n < CARTS; n++) {
      let [line] = cartOf(random).lines as readonly [OrderLine, ...OrderLine[]]
      let due = 0
      while (unsent(line) > 0) {
        const quantity = random.int(1, unsent(line))
        const isSent = random.chance(0.6)
        const [after] = isSent
          ? counted([line], 'shipped_quantity', [{ line: line.line, quantity }])
          : counted([line], 'cancelled_quantity', [nextPart(line, quantity)])
        line = after!
        if (isSent) ok(shippedMinor(line) >= due - 1, 'what is due shrinks by a rounding at most')
        due = shippedMinor(line)
      }
      if (line.shipped_quantity > 0) equal(due, line.amount_minor - line.cancelled_minor)
      else equal(due, 0)
    }
  })

  it('withhold what came back, and give it out to the last', () => {
    for (let n = 0; n < CARTS; n++) {
      const [line] = cartOf(random).lines as readonly [OrderLine, ...OrderLine[]]
      const back = nextPart(line, random.int(1, line.quantity))
      let [held] = withheld([line], [back], 1) as readonly [OrderLine]
      let paid = 0
      while (held.withheld_quantity > 0) {
        const part = withheldPart(held, random.int(1, held.withheld_quantity))
        paid += part.amount_minor
        held = withheld([held], [part], -1)[0]!
      }
      deepEqual([paid, held.withheld_minor], [back.amount_minor, 0])
    }
  })
})

const left = (each: OrderLine) => each.quantity - each.cancelled_quantity - each.returned_quantity
