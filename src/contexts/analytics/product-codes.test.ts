// A product whose code was changed is still one product in the numbers.
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { productReadView } from '#contexts/catalog/public.ts'
import type { Query } from '#kernel/query.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { answerOf, commitOf, eventOf, readerOver } from './numbers-fixture.ts'
import { salesAnalytics } from './sales-analytics.ts'
import { salesQueries } from './sales-queries.ts'

const AT = '2026-03-01T12:00:00.000Z'
let position = 0
const told = (type: string, data: object) => ({
  ...eventOf(++position, type, data, AT),
  version: position,
})
const product = {
  ...{ product_id: 'p1', code: 'PEN', name: 'Pen', description: '', currency: 'EUR' },
  ...{ sell_price_minor: 100, cost_price_minor: null, department_id: null, department_name: null },
  ...{ unit_id: null, unit_name: null, quantity_scale: 0, min_stock: 0 },
}
const bought = (type: string, code: string, product_id: string | null, sign = 1) => {
  const line = { product_id, code, quantity: sign, quantity_scale: 0, amount_minor: sign * 100 }
  // Each on a day of its own.
  const placed_at = `2026-03-${String(++position).padStart(2, '0')}T12:00:00.000Z`
  return told(type, { customer_id: null, currency: 'EUR', placed_at, lines: [line] })
}

test('a product that was sold under two codes is one, by the code that it has now', async () => {
  const events = [
    told('ProductCreated', product),
    bought('OrderCreated', 'PEN', 'p1'),
    bought('OrderCreated', 'INK', 'p2'),
    told('ProductUpdated', { product_id: 'p1', code: 'PENCIL' }),
    bought('OrderCreated', 'PENCIL', 'p1'),
    // Goods that came back, told by another book by the code they once had.
    bought('ReturnRecorded', 'PEN', null, -1),
  ]
  const reads = await openReadModels()
  await reads.define([salesAnalytics, productReadView])
  for (const projection of [salesAnalytics, productReadView])
    await reads.commit([commitOf(projection, events)])
  const [getSales] = salesQueries('monday') as [Query]
  type Item = { key: string; product_id: string; orders: number; returns: number }
  const { items } = await answerOf<{ items: Item[] }>(
    getSales,
    { group_by: 'product' },
    readerOver(reads),
  )
  deepEqual(
    items.map((each) => [each.key, each.product_id, each.orders, each.returns]),
    [
      ['PENCIL', 'p1', 2, 1],
      ['INK', 'p2', 1, 0],
    ],
  )
  await reads.close()
})
