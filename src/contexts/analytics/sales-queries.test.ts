// Questions about sales, over real rows: grouped, bounded by days, each currency for itself.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Recorded } from '#kernel/message.ts'
import type { Row } from '#kernel/projection.ts'
import type { Query, Reader } from '#kernel/query.ts'
import { check } from '#kernel/schema.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { salesAnalytics } from './sales-analytics.ts'
import { salesQueries } from './sales-queries.ts'

const [getSalesAnalytics, getReturnsAnalytics] = salesQueries('monday') as [Query, Query]

let reads: ReadModels
before(async () => {
  reads = await openReadModels()
  await reads.define([salesAnalytics])
  await reads.commit([
    {
      projection: salesAnalytics.name,
      table: salesAnalytics.table,
      from: 0,
      to: 1,
      upserts: folded([
        order('2010-12-01', 'France', '17850', 'GBP', 1000),
        order('2010-12-05', 'France', null, 'GBP', 500),
        order('2010-12-06', 'EIRE', '17850', 'GBP', 4000),
        order('2011-01-31', 'EIRE', '12346', 'EUR', 70),
        order('2011-01-31', 'EIRE', '12346', 'GBP', 30, 3),
        credit('2010-12-06', 'France', -250),
        credit('2011-01-31', 'EIRE', -300),
      ]),
      deletes: [],
      park: [],
      unpark: [],
    },
  ])
})
after(() => reads.close())

/** Two units of one product, counted in steps of `scale` digits. */
function order(
  day: string,
  country: string,
  customer_id: string | null,
  currency: string,
  minor: number,
  scale = 0,
): Recorded {
  const line = { code: country[0], quantity: 2 * 10 ** scale, quantity_scale: scale }
  const lines = [{ ...line, amount_minor: minor }]
  const placed_at = `${day}T12:00:00.000Z`
  const data = { customer_id, country, currency, total_amount_minor: minor, lines, placed_at }
  return { event_type: 'OrderCreated', data, occurred_at: placed_at } as unknown as Recorded
}
function credit(day: string, country: string, minor: number): Recorded {
  const { data, occurred_at } = order(day, country, null, 'GBP', minor)
  return { event_type: 'ReturnRecorded', data, occurred_at } as Recorded
}

function folded(events: readonly Recorded[]): readonly Row[] {
  const rows = new Map<string, Row>()
  for (const event of events) {
    const { keys, apply } = salesAnalytics.on[event.event_type]!
    for (const key of keys(event) as readonly string[])
      rows.set(key, apply(rows.get(key), event, key) as Row)
  }
  return [...rows.values()]
}

type Item = { key: string; currency: string; units: number; quantity_scale: number } & {
  orders?: number
  returns?: number
  total_amount_minor: number
}
async function asked(query: Query, input: Record<string, unknown>) {
  assert.ok(check(query.input, input).ok)
  const reader = { group: (_: unknown, by: never) => reads.group(salesAnalytics.table, by) }
  // These queries read nothing but groups.
  const answer = (await query.run(input, reader as unknown as Reader)) as { items: Item[] }
  assert.ok(check(query.answer, answer).ok)
  return answer.items.map(({ key, currency, orders, returns, total_amount_minor }) =>
    [key, currency, orders ?? returns, total_amount_minor].join(' '),
  )
}

test('by day, week and month in the order of time, each currency for itself', async () => {
  assert.deepEqual(await asked(getSalesAnalytics, {}), [
    '2010-12-01 GBP 1 1000',
    '2010-12-05 GBP 1 500',
    '2010-12-06 GBP 1 4000',
    '2011-01-31 EUR 1 70',
    '2011-01-31 GBP 1 30',
  ])
  assert.deepEqual(await asked(getSalesAnalytics, { group_by: 'week' }), [
    '2010-W48 GBP 2 1500',
    '2010-W49 GBP 1 4000',
    '2011-W05 EUR 1 70',
    '2011-W05 GBP 1 30',
  ])
  assert.deepEqual(await asked(getSalesAnalytics, { group_by: 'month' }), [
    '2010-12 GBP 3 5500',
    '2011-01 EUR 1 70',
    '2011-01 GBP 1 30',
  ])
})

test('by country, product and customer with the largest first, guests together', async () => {
  assert.deepEqual(await asked(getSalesAnalytics, { group_by: 'country' }), [
    'EIRE GBP 2 4030',
    'France GBP 2 1500',
    'EIRE EUR 1 70',
  ])
  assert.deepEqual(await asked(getSalesAnalytics, { group_by: 'customer', limit: 2 }), [
    '17850 GBP 2 5000',
    'guest GBP 1 500',
  ])
  assert.deepEqual(await asked(getSalesAnalytics, { group_by: 'product', limit: 1 }), [
    'E GBP 2 4030',
  ])
})

test('the first and the last day are both included', async () => {
  const days = { from: '2010-12-05', to: '2010-12-06' }
  assert.deepEqual(await asked(getSalesAnalytics, days), [
    '2010-12-05 GBP 1 500',
    '2010-12-06 GBP 1 4000',
  ])
  assert.deepEqual(await asked(getSalesAnalytics, { from: '2030-01-01' }), [])
})

test('returns are negative, the largest first; days with sales alone are not among them', async () => {
  assert.deepEqual(await asked(getReturnsAnalytics, {}), [
    '2010-12-06 GBP 1 -250',
    '2011-01-31 GBP 1 -300',
  ])
  assert.deepEqual(await asked(getReturnsAnalytics, { group_by: 'country' }), [
    'EIRE GBP 1 -300',
    'France GBP 1 -250',
  ])
})

test('units of different fineness add up, shown without decimals that are zero', async () => {
  const reader = { group: (_: unknown, by: never) => reads.group(salesAnalytics.table, by) }
  const input = { group_by: 'country' } as never
  const { items } = (await getSalesAnalytics.run(input, reader as unknown as Reader)) as {
    items: Item[]
  }
  assert.deepEqual([items[0]?.key, items[0]?.units, items[0]?.quantity_scale], ['EIRE', 4, 0])
})
