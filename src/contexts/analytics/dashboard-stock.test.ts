// What the stock is worth, where the sum is more than an integer holds: nothing else is lost by it.
import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { lowStock } from '#contexts/inventory/public.ts'
import { storeRows } from '#contexts/stores/public.ts'
import type { Projection, Row } from '#kernel/projection.ts'
import type { Reader } from '#kernel/query.ts'
import { isKept } from '#storage/kept-totals.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { shapeOf } from '#storage/table-shape.ts'
import { dashboardQuery } from './dashboard.ts'
import { stockOf } from './dashboard-stock.ts'
import { inventoryValue } from './inventory-value.ts'
import { answerOf, readerOver } from './numbers-fixture.ts'
import { purchases } from './purchases.ts'
import { salesAnalytics } from './sales-analytics.ts'
import { salesJournal } from './sales-journal.ts'
import { storeInventoryValue } from './store-inventory-value.ts'

const AT = '2026-03-01T12:00:00.000Z'
const MOST = Number.MAX_SAFE_INTEGER
const cost = { cost_price_minor: MOST, quantity_scale: 0, quantity: 1, value_minor: MOST }
const product = (product_id: string, currency: string, value_minor: number): Row => ({
  ...{ ...cost, product_id, currency, value_minor, cost_price_minor: value_minor },
  ...{ min_stock: 0, is_active: true, is_low_stock: false, stores: { s1: 1 }, updated_at: AT },
})
const PRODUCTS = [product('p1', 'USD', MOST), product('p2', 'USD', MOST), product('p3', 'EUR', 700)]
const ITEMS = PRODUCTS.map(({ product_id, currency, value_minor, cost_price_minor }) => ({
  ...{ ...cost, product_id, currency, value_minor, cost_price_minor },
  ...{ value_key: `${product_id}:s1`, store_id: 's1' },
})) as readonly Row[]
const SHOP = {
  ...{ store_id: 's1', name: 'One', kind: 'shop', timezone: 'UTC', is_active: true, version: 1 },
  ...{ created_at: AT, updated_at: AT },
}

test('a worth beyond all integers is told as unknown; the dashboard stands', async () => {
  const reads = await openReadModels()
  const tables: readonly [Projection, readonly Row[]][] = [
    [inventoryValue, PRODUCTS],
    [storeInventoryValue, ITEMS],
    [storeRows, [SHOP]],
  ]
  const empty = [lowStock, purchases, salesAnalytics, salesJournal]
  await reads.define([...empty, ...tables.map(([projection]) => projection)])
  for (const [{ name, table }, upserts] of tables) {
    const rows = { upserts, deletes: [], park: [], unpark: [] }
    ok(await reads.commit([{ projection: name, table, from: 0, to: 1, ...rows }]))
  }
  const query = dashboardQuery({ weekStarts: 'monday', currency: 'USD' })
  type Value = { currency: string; total_inventory_value_minor: number | null }
  const worth = async (asked: object) => {
    const input = { date: '2026-03-01', ...asked }
    const told = await answerOf<{ by_currency: Value[] }>(query, input, readerOver(reads))
    return told.by_currency.map((each) => [each.currency, each.total_inventory_value_minor])
  }
  // Which currency it is in, a sum that fails does not tell.
  const unknown = [
    ['EUR', null],
    ['USD', null],
  ]
  deepEqual(await worth({}), unknown)
  deepEqual(await worth({ store_id: 's1' }), unknown)
  deepEqual(await worth({ as_of: '2026-03-02T00:00:00.000Z' }), [
    ['EUR', 700],
    ['USD', null],
  ])
  await reads.close()
})

test('what stock comes to is asked of totals, never of all its rows', async () => {
  const asked: boolean[] = []
  const reader: Pick<Reader, 'group'> = {
    async group({ table }, query) {
      asked.push(isKept(shapeOf(table), query))
      return [{ currency: 'EUR', is_low_stock: false, count: 1, value_minor: 1 }]
    },
  }
  // Any other question would throw.
  const ask = (store_id: string | null) =>
    stockOf({ store_id, knownAt: null, from: '', to: '' }, reader as Reader)
  await ask(null)
  await ask('s1')
  deepEqual(asked, [true, true, true])
})
