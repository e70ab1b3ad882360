// An order with goods to come says so: in its row, in lists, and as it was, until they have come.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Row } from '#kernel/projection.ts'
import { type OrderShop, PAID, using } from './order-shop.ts'

const UNPAID = { ...PAID, 'payments.default_method': '' }

/** One cup and 200 g of tea are here; ten more of each may be promised. */
const sparse = (settings: Record<string, unknown>, run: (shop: OrderShop) => Promise<void>) =>
  using(settings, async (shop) => {
    for (const [product_id, adjustment] of [
      [shop.cup, '-19'],
      [shop.tea, '-9.8'],
    ]) {
      await shop.done('AdjustInventory', { product_id, adjustment, reason: 'broken' })
      await shop.done('UpdateInventory', { product_id, backorder_limit: '10' })
    }
    await run(shop)
  })
const arrives = (shop: OrderShop, product_id: string, quantity: string) =>
  shop.done('AddStock', { product_id, quantity })
/** Where it stands, and how much of which goods is to come; the same as folded from the log. */
const waits = async (shop: OrderShop, order_id: string) => {
  const row = await shop.row(order_id)
  const { position } = await shop.log.head()
  deepEqual(await shop.get('GetOrder', { order_id, as_of_position: position }), row)
  const all = (await shop.get('ListBackorders', {}))!.items as readonly Row[]
  const open = all.filter(({ reservation_id }) => reservation_id === order_id)
  const told = row.backordered as readonly { product_id: string; quantity: number }[]
  deepEqual(
    new Map(told.map(({ product_id, quantity }) => [product_id, quantity])),
    new Map(open.map(({ product_id, open_quantity }) => [product_id, open_quantity])),
  )
  const { items } = (await shop.get('ListOrders', { fulfillment_status: 'backordered' }))!
  const isListed = (items as readonly Row[]).some((one) => one.order_id === order_id)
  equal(isListed, row.fulfillment_status === 'backordered')
  const names = new Map([
    [shop.cup, 'cup'],
    [shop.tea, 'tea'],
  ])
  return [
    row.fulfillment_status,
    ...told.map((each) => `${names.get(each.product_id)} ${each.quantity}`),
  ]
}

describe('an order with goods to come', () => {
  it('is backordered until all of them have come, with its label or without', async () => {
    await sparse(UNPAID, async (shop) => {
      const order_id = await shop.order()
      deepEqual(await waits(shop, order_id), ['backordered', 'cup 3', 'tea 1300'])
      await arrives(shop, shop.cup, '2')
      deepEqual(await waits(shop, order_id), ['backordered', 'cup 1', 'tea 1300'])
      await arrives(shop, shop.cup, '5')
      await arrives(shop, shop.tea, '1.3')
      deepEqual(await waits(shop, order_id), ['reserved'])
    })
    await sparse(PAID, async (shop) => {
      const order_id = await shop.confirmed()
      deepEqual(await waits(shop, order_id), ['backordered', 'cup 3', 'tea 1300'])
      equal((await shop.refused('ShipOrder', { order_id })).code, 'insufficient_stock')
      await arrives(shop, shop.cup, '3')
      await arrives(shop, shop.tea, '2')
      deepEqual(await waits(shop, order_id), ['label_created'])
      await shop.done('ShipOrder', { order_id })
      deepEqual(await waits(shop, order_id), ['shipped'])
    })
  })
  it('waits for less when lines are cancelled, and for nothing when it is', async () => {
    await sparse(PAID, async (shop) => {
      const order_id = await shop.confirmed()
      const cancel = (line: number, quantity: string) =>
        shop.done('CancelOrderLines', { order_id, lines: [{ line, quantity }] })
      await cancel(1, '2')
      deepEqual(await waits(shop, order_id), ['backordered', 'cup 1', 'tea 1300'])
      await cancel(2, '1.4')
      deepEqual(await waits(shop, order_id), ['backordered', 'cup 1'])
      await cancel(1, '1')
      deepEqual(await waits(shop, order_id), ['label_created'])
      const other = await shop.confirmed()
      deepEqual(await waits(shop, other), ['backordered', 'cup 4', 'tea 1400'])
      await shop.done('CancelOrder', { order_id: other })
      // Its label first: then nobody can send it any more, and the goods are free.
      await shop.settle()
      deepEqual(await waits(shop, other), ['none'])
    })
  })
  it('is shown as it was when it was cancelled, though its goods come before they are free', async () => {
    await sparse(PAID, async (shop) => {
      const order_id = await shop.confirmed()
      await shop.done('CancelOrder', { order_id })
      await arrives(shop, shop.cup, '9')
      await arrives(shop, shop.tea, '9')
      deepEqual(await waits(shop, order_id), ['none'])
    })
  })
  it('waits for other goods when its items change', async () => {
    await sparse(UNPAID, async (shop) => {
      const order_id = await shop.order()
      const wants = (quantity: string, product_id = shop.cup) =>
        shop.done('UpdateOrder', { order_id, items: [{ product_id, quantity }] })
      await wants('1')
      deepEqual(await waits(shop, order_id), ['reserved'])
      await wants('6')
      deepEqual(await waits(shop, order_id), ['backordered', 'cup 5'])
      await arrives(shop, shop.cup, '1')
      await wants('7')
      deepEqual(await waits(shop, order_id), ['backordered', 'cup 5'])
      await wants('0.3', shop.tea)
      deepEqual(await waits(shop, order_id), ['backordered', 'tea 100'])
    })
  })
  it('gets what another gives up, and is shown as it was before', async () => {
    await sparse(UNPAID, async (shop) => {
      const items = [{ product_id: shop.cup, quantity: '1' }]
      const first = await shop.order({ items })
      const second = await shop.order({ items })
      deepEqual(await waits(shop, second), ['backordered', 'cup 1'])
      const { position } = await shop.log.head()
      await shop.done('CancelOrder', { order_id: first })
      deepEqual(await waits(shop, second), ['reserved'])
      const then = await shop.get('GetOrder', { order_id: second, as_of_position: position })
      equal(then?.fulfillment_status, 'backordered')
    })
  })
  it('is as it always was when all was here: reserved, and nothing to come', async () => {
    await using(UNPAID, async (shop) => {
      deepEqual(await waits(shop, await shop.order()), ['reserved'])
    })
  })
})
