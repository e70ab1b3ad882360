// However a sale is paid: what is taken comes to what it costs, and nothing is taken too much.
import { equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { seedOfRun } from '#testing/random.ts'
import { givenBackBy, paidBy } from './tendering.ts'

const seed = seedOfRun()
const RUNS = 400
const cents = (most: number) => fc.integer({ min: 0, max: most })
const told = (minor: number) => (minor / 100).toFixed(2)
const tenders = fc.array(
  fc.record(
    { type: fc.constantFrom('cash', 'credit', 'card', 'voucher'), amount: cents(900).map(told) },
    { requiredKeys: ['type'] },
  ),
  { minLength: 1, maxLength: 4 },
)
const bills = fc.record({
  amount_minor: cents(1_500),
  currency: fc.constant('USD'),
  isFact: fc.constant(false),
  settings: fc.record({
    'pos.cash_rounding': fc.constantFrom(0, 1, 5, 10, ['CHF:0.05', 'USD:0.10'], ['CHF:0.05']),
  }),
})
const stepOf = (setting: number | readonly string[]) =>
  typeof setting === 'number' ? setting : setting.includes('USD:0.10') ? 10 : 0
const inCash = (parts: readonly { type: string; amount_minor: number }[]) =>
  parts.reduce((sum, part) => (part.type === 'cash' ? sum + part.amount_minor : sum), 0)

describe('tenders', () => {
  it(`come to the total, of which only cash is rounded (SEED=${seed})`, () => {
    let accepted = 0
    const check = fc.property(tenders, bills, (tenders, bill) => {
      for (const paid of [paidBy({ tenders }, bill), givenBackBy(tenders, null, bill)]) {
        if ('rejected' in paid) continue
        accepted++
        const { rounding_minor, total_amount_minor, change_minor } = paid
        const taken = paid.tenders.reduce((sum, { amount_minor }) => sum + amount_minor, 0)
        equal(taken, total_amount_minor)
        equal(total_amount_minor, bill.amount_minor + rounding_minor)
        for (const { amount_minor } of paid.tenders) ok(amount_minor > 0)
        const coin = stepOf(bill.settings['pos.cash_rounding'])
        ok(Math.abs(rounding_minor) * 2 <= coin)
        const cash = tenders.find(({ type }) => type === 'cash')
        if (cash === undefined) equal(rounding_minor, 0)
        ok(change_minor >= 0)
        // What is told of cash and not given back is what was taken.
        if (change_minor > 0) equal(cash?.amount, told(inCash(paid.tenders) + change_minor))
        // Each other tender takes what it was told to take.
        for (const { type, amount } of tenders)
          if (type !== 'cash' && amount !== undefined && Number(amount) > 0)
            ok(paid.tenders.some((one) => one.type === type && told(one.amount_minor) === amount))
      }
    })
    fc.assert(check, { seed, numRuns: RUNS })
    ok(accepted > RUNS / 10, `only ${accepted} were accepted`)
  })
})
