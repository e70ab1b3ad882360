// Goods that leave and come back after a count, told by a process whose clock is behind the one
// that wrote the count: what happens now is after what is in the book.
import { deepEqual } from 'node:assert/strict'
import { it } from 'node:test'
import { PAID, stockOf, using } from './order-shop.ts'

it('an order that is sent, and sent back, after a count moves its goods', () =>
  // The shop's clock stands still, and the log's does not.
  using(PAID, async (shop) => {
    const counted = async (quantity: string) => {
      const { count_id } = await shop.done('StartStockCount', {})
      await shop.done('RecordCount', { count_id, product_id: shop.cup, counted: quantity })
    }
    const order_id = await shop.confirmed({ items: [{ product_id: shop.cup, quantity: '4' }] })
    await counted('20')
    await shop.done('ShipOrder', { order_id })
    deepEqual(await stockOf(shop, shop.cup), [16, 0])
    await shop.settle()
    await counted('16')
    const lines = [{ line: 1, quantity: '4' }]
    const asked = { order_id, lines, reason: 'too small' }
    const { return_id } = await shop.done('RequestReturn', asked)
    await shop.done('ReceiveReturn', { return_id, lines })
    deepEqual(await stockOf(shop, shop.cup), [20, 0])
  }))
