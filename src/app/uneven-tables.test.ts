// Tables are not equally new: what is told of stock while the table of products is held back.
import { deepEqual, equal, match } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { call } from '#edges/http/door-fixture.ts'
import { shopDoors } from './shop-doors-fixture.ts'

const shop = shopDoors()

describe('stock that its table knows before the product’s does', () => {
  const at = async (path: string) => (await call(shop.port, 'GET', `/api/v1${path}`)).json
  /** As soon as there are so many; not `min_position`, which waits for every table. */
  const listed = async (path: string, count: number) => {
    for (;;) {
      const { items, total } = await at(path)
      if (total === count) return items
      await pause(10)
    }
  }

  test('is told in the product’s unit and by its name', async () => {
    const hold = '/api/v1/admin/projections/product_read_view/pause'
    equal((await call(shop.adminPort, 'POST', hold)).status, 200)
    const { unit_id } = await shop.send('POST', '/units', { name: 'kilogram', precision: 3 }, 201)
    const tea = { code: 'TEA', name: 'Tea', sell_price: 9, unit_id }
    const { product_id } = await shop.send('POST', '/products', tea, 201)
    await shop.send('POST', '/inventory/stock', { product_id, quantity: 1.5 }, 201)
    const lines = [{ product_id, quantity: 0.25 }]
    await shop.send('POST', '/inventory/reservations', { lines }, 201)

    const moves = await listed(`/inventory/movements?product_id=${product_id}`, 3)
    const [reserved, added] = moves
    deepEqual(
      [reserved.reserved_change, added.quantity_change, added.quantity_scale],
      [0.25, 1.5, 3],
    )
    const [reservation] = await listed('/inventory/reservations', 1)
    equal(reservation.lines[0].quantity, 0.25)
    const { code, name, min_stock, is_low_stock, quantity } = await at(`/inventory/${product_id}`)
    deepEqual([code, name, min_stock, is_low_stock, quantity], ['TEA', 'Tea', 0, false, 1.5])
    equal((await at(`/inventory/availability?product_id=${product_id}`)).available, true)
    const told = await at(`/inventory/${product_id}/history`)
    match(told.items.map(({ words }: { words: string }) => words).join('; '), /1\.500/)
    equal((await call(shop.port, 'GET', `/api/v1/products/${product_id}`)).status, 404)
  })
})
