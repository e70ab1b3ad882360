// The rows of sales: what each event adds, and that cancelling leaves nothing behind.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Recorded } from '#kernel/message.ts'
import type { Row } from '#kernel/projection.ts'
import { salesAnalytics } from './sales-analytics.ts'
import { weekBegin, weekOf } from './weeks.ts'

const ORDER = {
  order_id: 'o1',
  customer_id: '17850',
  country: 'France',
  currency: 'GBP',
  placed_at: '2010-12-01T23:59:59.999Z',
  total_amount_minor: 3165,
  lines: [
    { product_id: 'p1', code: 'A', quantity: 6, quantity_scale: 0, amount_minor: 1530 },
    { product_id: 'p1', code: 'A', quantity: 4, quantity_scale: 0, amount_minor: 1000 },
    { product_id: null, code: 'a', quantity: 1, quantity_scale: 0, amount_minor: 635 },
  ],
}

function event(event_type: string, data: unknown, occurred_at = '2010-12-02T00:00:00.000Z') {
  // What a projection may look at; the rest of the envelope plays no part here.
  return { event_type, data, occurred_at } as Recorded
}

function folded(...events: readonly Recorded[]): Readonly<Record<string, Row>> {
  const rows = new Map<string, Row>()
  for (const one of events) {
    const handler = salesAnalytics.on[one.event_type]!
    for (const key of handler.keys(one) as readonly string[]) {
      const row = handler.apply(rows.get(key), one, key)
      if (row === null) rows.delete(key)
      else if (row !== undefined) rows.set(key, row)
    }
  }
  return Object.fromEntries(rows)
}
const key = (dimension: string, value: string, department = '') =>
  `${dimension}|2010-12-01|${MAIN_STORE_ID}|online|GBP|${department}|${value}`
const counts = ({ orders, units, total_amount_minor }: Row) => [orders, units, total_amount_minor]

test('an order counts in all, in its country, for its customer and once for each product', () => {
  const rows = folded(event('OrderCreated', ORDER))
  const found = Object.fromEntries(Object.entries(rows).map(([key, row]) => [key, counts(row)]))
  assert.deepEqual(found, {
    [key('all', 'all')]: [1, 11, 3165],
    [key('country', 'France')]: [1, 11, 3165],
    [key('customer', '17850')]: [1, 11, 3165],
    [key('department', 'none')]: [1, 11, 3165],
    [key('product', 'p1', 'none')]: [1, 10, 2530],
    [key('product', 'code:a', 'none')]: [1, 1, 635],
  })
})

test('a cancelled order leaves no row behind, also when it is cancelled on another day', () => {
  const other = { ...ORDER, order_id: 'o2', country: null, customer_id: null }
  const cancelled = event('OrderCancelled', ORDER, '2010-12-24T00:00:00.000Z')
  const rows = folded(event('OrderCreated', ORDER), event('OrderCreated', other), cancelled)
  assert.deepEqual(rows, folded(event('OrderCreated', other)))
  assert.ok(key('country', 'unknown') in rows)
  assert.ok(key('customer', 'guest') in rows)
})

test('returns count beside sales, by the day they happened, signed as they are written', () => {
  const lines = [
    { product_id: 'p1', code: 'A', quantity: -2, quantity_scale: 0, amount_minor: -510 },
  ]
  const back = { ...ORDER, lines, total_amount_minor: -510 }
  const happened = '2010-12-01T10:00:00.000Z'
  const rows = folded(event('OrderCreated', ORDER), event('ReturnRecorded', back, happened))
  assert.deepEqual(rows[key('product', 'p1', 'none')], {
    sales_key: key('product', 'p1', 'none'),
    dimension: 'product',
    value: 'p1',
    code: 'A',
    department_id: 'none',
    day: '2010-12-01',
    store_id: MAIN_STORE_ID,
    channel: 'online',
    currency: 'GBP',
    quantity_scale: 0,
    orders: 1,
    units: 10,
    total_amount_minor: 2530,
    net_minor: 2530,
    tax_minor: 0,
    discount_minor: 0,
    returns: 1,
    returned_units: -2,
    returned_minor: -510,
    returned_net_minor: -510,
    returned_tax_minor: 0,
  })
})

test('quantities of different fineness add up exactly', () => {
  const weighed = {
    product_id: null,
    code: 'KG',
    quantity: 1_250,
    quantity_scale: 3,
    amount_minor: 100,
  }
  const mixed = { ...ORDER, lines: [...ORDER.lines, weighed], total_amount_minor: 3265 }
  const rows = folded(event('OrderCreated', ORDER), event('OrderCreated', mixed))
  const all = rows[key('all', 'all')]!
  assert.deepEqual([all.units, all.quantity_scale], [23_250, 3])
  assert.deepEqual(rows[key('product', 'p1', 'none')]?.quantity_scale, 0)
})

test('weeks that begin on another day are named by it', () => {
  assert.equal(weekBegin('2010-12-05', 'monday'), '2010-11-29')
  assert.equal(weekOf('2010-12-05', 'sunday'), '2010-12-05')
  assert.equal(weekOf('2010-12-04', 'sunday'), '2010-11-28')
  assert.equal(weekOf('2010-12-04', 'saturday'), '2010-12-04')
  assert.equal(weekOf('2010-12-03', 'saturday'), '2010-11-27')
})

test('weeks begin on Monday and belong to the year of their Thursday', () => {
  assert.equal(weekOf('2010-12-01'), '2010-W48')
  assert.equal(weekOf('2010-12-05'), '2010-W48')
  assert.equal(weekOf('2010-12-06'), '2010-W49')
  assert.equal(weekOf('2011-01-02'), '2010-W52')
  assert.equal(weekOf('2011-01-03'), '2011-W01')
  assert.equal(weekOf('2012-12-31'), '2013-W01')
  assert.equal(weekOf('2021-01-03'), '2020-W53')
})
