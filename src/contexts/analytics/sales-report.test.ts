// The till's report over the New Year, in two stores and two currencies: sums done by hand.
import { deepEqual, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { check } from '#kernel/schema.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { answerOf, commitOf, eventOf, readerOver } from './numbers-fixture.ts'
import { saleDays } from './sale-days.ts'
import { salesReport } from './sales-report.ts'

let position = 0
type Money = { minor: number; rounding?: number; cash?: number; credit?: number }
function told(type: string, business_day: string, store_id: string, currency: string, of: Money) {
  const { minor, rounding = 0, cash = 0, credit = 0 } = of
  const tenders = [
    { type: 'cash', amount_minor: cash },
    { type: 'credit', amount_minor: credit },
    { type: 'card', amount_minor: minor + rounding - cash - credit },
  ]
  const data = {
    business_day,
    store_id,
    currency,
    tax_minor: 10,
    rounding_minor: rounding,
    tenders,
  }
  const total_amount_minor = minor + rounding
  return eventOf(++position, type, { ...data, total_amount_minor }, '2026-01-01T00:00:00.000Z')
}
const sold = (day: string, store: string, currency: string, of: Money) =>
  told('SaleCompleted', day, store, currency, of)

const EVENTS = [
  // Of this week only pounds, so far: euros come later in it.
  sold('2025-12-29', 's1', 'GBP', { minor: 1_001, rounding: -1, cash: 1_000 }),
  sold('2025-12-31', 's2', 'GBP', { minor: 500, credit: 200 }),
  // The same week of the same year as the days before.
  sold('2026-01-01', 's1', 'EUR', { minor: 333, rounding: 2, cash: 335 }),
  sold('2026-01-04', 's2', 'GBP', { minor: 250 }),
  told('SaleRefunded', '2026-01-04', 's1', 'GBP', { minor: 100, cash: 100 }),
  sold('2026-01-05', 's1', 'GBP', { minor: 5, cash: 5 }),
]
let reads: ReadModels
before(async () => {
  reads = await openReadModels()
  await reads.define([saleDays])
  ok(await reads.commit([commitOf(saleDays, EVENTS)]))
})
after(() => reads.close())

type Where = { date?: string | null; store_id?: string | null; currency: string }
type Line = Readonly<Record<string, number>> & Where
async function report(asked: object, weekStarts: 'monday' | 'sunday' = 'monday') {
  const query = salesReport(weekStarts)
  const answer = await answerOf<{ items: Line[]; totals: Line[] }>(query, asked, readerOver(reads))
  ok(check(query.answer, answer).ok)
  const shown = (line: Line) => [
    // A total is of neither.
    ...[line.date ?? line.store_id, line.currency, line.sales_count, line.total_sales_minor],
    ...[line.average_sale_minor, line.cash_sales_minor, line.credit_sales_minor],
    ...[line.refunds_count, line.refunded_minor],
  ]
  return { items: answer.items.map(shown), totals: answer.totals.map(shown) }
}

test('weeks go over the New Year, months do not; currencies never meet', async () => {
  const weeks = await report({ group_by: 'week' })
  deepEqual(weeks.items, [
    ['2026-W01', 'EUR', 1, 335, 335, 335, 0, 0, 0],
    ['2026-W01', 'GBP', 3, 1_750, 583, 1_000, 200, 1, 100],
    ['2026-W02', 'GBP', 1, 5, 5, 5, 0, 0, 0],
  ])
  deepEqual(weeks.totals, [
    [undefined, 'EUR', 1, 335, 335, 335, 0, 0, 0],
    [undefined, 'GBP', 4, 1_755, 439, 1_005, 200, 1, 100],
  ])
  deepEqual((await report({ group_by: 'month' })).items, [
    ['2025-12', 'GBP', 2, 1_500, 750, 1_000, 200, 0, 0],
    ['2026-01', 'EUR', 1, 335, 335, 335, 0, 0, 0],
    ['2026-01', 'GBP', 2, 255, 128, 5, 0, 1, 100],
  ])
  const sundays = await report({ group_by: 'week', currency: 'GBP' }, 'sunday')
  deepEqual(
    sundays.items.map(([week, , count]) => [week, count]),
    [
      ['2025-12-28', 2],
      ['2026-01-04', 2],
    ],
  )
})

test('stores and days are the same whole, within the days asked for', async () => {
  const days = { from: '2025-12-31', to: '2026-01-04' }
  deepEqual((await report({ ...days, group_by: 'store' })).items, [
    ['s1', 'EUR', 1, 335, 335, 335, 0, 0, 0],
    // A day with a refund alone sold nothing, on average too.
    ['s1', 'GBP', 0, 0, 0, 0, 0, 1, 100],
    ['s2', 'GBP', 2, 750, 375, 0, 200, 0, 0],
  ])
  deepEqual((await report({ ...days, store_id: 's1' })).items, [
    ['2026-01-01', 'EUR', 1, 335, 335, 335, 0, 0, 0],
    ['2026-01-04', 'GBP', 0, 0, 0, 0, 0, 1, 100],
  ])
  deepEqual(await report({ from: '2027-01-01' }), { items: [], totals: [] })
})
