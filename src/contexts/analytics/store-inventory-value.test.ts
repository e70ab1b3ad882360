// The worth of each store's goods, however the events come: all in one page, or one at a time.
import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { projectionRunner } from '#runtime/run-projections.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { inventoryValue } from './inventory-value.ts'
import { storeInventoryValue } from './store-inventory-value.ts'

const product = { product_id: 'p1', currency: 'EUR', cost_price_minor: 110, quantity_scale: 1 }
const at = (store_id: string, more: object) => ({ product_id: 'p1', store_id, ...more })
const STORY = [
  ['product-p1', 'ProductCreated', { ...product, min_stock: 0 }],
  ['stock-p1:s1', 'InventoryCreated', at('s1', { quantity: 25 })],
  ['product-p1', 'ProductPriceChanged', { ...product, cost_price_minor: 95 }],
  // Opened at the new cost.
  ['stock-p1:s2', 'InventoryCreated', at('s2', { quantity: 10 })],
  ['stock-p1:s2', 'StockAdded', at('s2', { quantity: 5 })],
  ['stock-p1:s1', 'InventoryAdjusted', at('s1', { adjustment: -5 })],
  ['stock-p1:s1', 'StockTransferredOut', at('s1', { quantity: 4 })],
  ['stock-p1:s3', 'InventoryCreated', at('s3', { quantity: 0 })],
  ['stock-p1:s3', 'StockTransferredIn', at('s3', { quantity: 3 })],
  ['stock-p1:s2', 'ReservationCommitted', at('s2', { quantity: 5 })],
  ['stock-p1:s3', 'InventoryClosed', at('s3', {})],
] as const

for (const pageSize of [1_000, 1])
  test(`is quantity times cost, in pages of ${pageSize}`, async () => {
    const log = await openEventLog()
    const reads = await openReadModels()
    for (const [stream, event_type, data] of STORY) {
      const event_id = crypto.randomUUID()
      const fact = { event_id, event_type, event_version: 1, data, metadata: {} }
      const write = { stream, expected: 'any' as const, events: [fact] }
      ok((await log.append({ writes: [write] })).ok)
    }
    const errors: unknown[] = []
    const runner = projectionRunner({
      ...{ log, reads, projections: [storeInventoryValue, inventoryValue], types: {}, pageSize },
      open: async (page) => page,
      onError: (error) => void errors.push(error),
    })
    await runner.catchUp()
    deepEqual(errors, [])
    const { items } = await reads.find(storeInventoryValue.table, { limit: 10 })
    deepEqual(
      items.map((row) => [row.value_key, row.cost_price_minor, row.quantity, row.value_minor]),
      [
        ['p1', 95, 0, 0],
        ['p1:s1', 95, 16, 152],
        ['p1:s2', 95, 10, 95],
      ],
    )
    const [whole] = await reads.load(inventoryValue.table, ['p1'])
    deepEqual([whole?.quantity, whole?.value_minor], [26, 247])
    await reads.close()
    await log.close()
  })
