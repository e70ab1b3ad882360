// The switch of the catalogue: products with their stock, or without.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { inventory } from '#contexts/inventory/inventory.ts'
import { stores } from '#contexts/stores/stores.ts'
import { runApplication } from '#runtime/application.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { catalogWith } from './catalog.ts'

const STOCK = ['has_inventory', 'stock_quantity', 'reserved_quantity', 'available_quantity']

async function shownProduct(enriched: boolean): Promise<Record<string, unknown>> {
  const log = await openEventLog()
  const reads = await openReadModels()
  const app = await runApplication({
    contexts: [catalogWith({ enriched }), stores, inventory],
    log,
    reads,
    keys: await openKeyRing(),
    waitMs: 60_000,
  })
  const made = await app.send('CreateProduct', { name: 'Pen', sell_price: '1' })
  ok(made.ok)
  const { product_id } = made.response
  const stocked = await app.send('AddStock', { product_id, quantity: '3' })
  ok(stocked.ok)
  const answer = await app.ask('GetProduct', { product_id }, { minPosition: stocked.position })
  ok(answer.ok)
  await app.stop()
  await reads.close()
  await log.close()
  // GetProduct answers an object or null; it is there.
  return answer.result as Record<string, unknown>
}

test('a product is shown with its stock', async () => {
  const shown = await shownProduct(true)
  deepEqual(
    STOCK.map((field) => shown[field]),
    [true, 3, 0, 3],
  )
})

test('a product is shown without the stock of its stores where that is switched off', async () => {
  const shown = await shownProduct(false)
  for (const field of STOCK) ok(!(field in shown), `${field} is shown`)
  equal(shown.quantity_in_stock, 3)
})
