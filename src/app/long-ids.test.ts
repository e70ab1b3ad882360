// The longest ids that are taken, through all that makes longer ones of them: stock items,
// references, claims, series of receipts. Longer ones are refused; nothing is a mistake of ours.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { call } from '#edges/http/door-fixture.ts'
import { shopDoors } from './shop-doors-fixture.ts'

const [STORE, OTHER] = ['s'.repeat(100), 't'.repeat(100)]
const REGISTER = 'r'.repeat(20)
const [CUSTOMER, DEVICE, USER] = ['c'.repeat(200), 'd'.repeat(200), 'u'.repeat(200)]
const PAYMENT = 'p'.repeat(150)
const PATIENCE_MS = 120_000

describe('the longest ids', () => {
  const taxes = Array.from({ length: 10 }, (_, n) => `standard:T${n}:1`)
  const shop = shopDoors([
    ...['stores.auto_create=true', 'payments.default_method=', `money.taxes=${taxes.join(',')}`],
  ])
  let product_id: string
  const until = async (path: string, field: string, value: unknown) => {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(20))
      if ((await shop.get(path))[field] === value) return
    throw new Error(`${path} never had ${field} ${value}`)
  }
  const post = (path: string, body: object, status = 201) => shop.send('POST', path, body, status)

  it('are those of stock, transfers, counts and reservations', async () => {
    const cup = { code: 'CUP', name: 'Cup', sell_price: 5, min_stock: 5 }
    product_id = (await post('/products', cup)).product_id
    for (const store_id of [STORE, OTHER]) {
      await post('/inventory', { product_id, store_id, quantity: 0, backorder_limit: 5 })
      await post('/inventory/stock', { product_id, store_id, quantity: 50 })
    }
    const lines = [{ product_id, store_id: STORE, quantity: 1 }]
    const { reservation_id } = await post('/inventory/reservations', { lines })
    await post(`/inventory/reservations/${reservation_id}/commit`, {}, 200)
    const between = { from_store_id: STORE, to_store_id: OTHER }
    const sent = { ...between, lines: [{ product_id, quantity: 2 }] }
    const { transfer_id } = await post('/transfers', sent)
    const arrived = { lines: [{ product_id, received: 1, damaged: 1 }] }
    await post(`/transfers/${transfer_id}/receive`, arrived, 200)
    const { count_id } = await post('/stock-counts', { store_id: STORE })
    await post(`/stock-counts/${count_id}/counts`, { lines: [{ product_id, counted: 3 }] }, 200)
    await post(`/stock-counts/${count_id}/complete`, {}, 200)
  })

  it('are those of an order, its payment and its return', async () => {
    await post('/customers', { customer_id: CUSTOMER, name: 'Ann' })
    await post('/users', { id: USER, name: 'Ann', age: 30, email: 'ann@example.com' })
    const items = [{ product_id, quantity: 4 }]
    const order = { customer_id: CUSTOMER, store_id: STORE, items }
    const { order_id } = await post('/orders', order)
    equal((await shop.get(`/orders/${order_id}`)).fulfillment_status, 'backordered')
    await shop.badly(
      ...(['POST', `/orders/${order_id}/confirm-payment`] as const),
      ...[{ payment_id: `${PAYMENT}p` }, 'payment_id'],
    )
    await post(`/orders/${order_id}/confirm-payment`, { payment_id: PAYMENT }, 200)
    await until(`/orders/${order_id}`, 'status', 'CONFIRMED')
    await post('/inventory/stock', { product_id, store_id: STORE, quantity: 9 })
    const lines = [{ line: 1, quantity: 1 }]
    await post(`/orders/${order_id}/ship`, {}, 200)
    const { return_id } = await post(`/orders/${order_id}/returns`, { lines, reason: 'small' })
    await post(`/returns/${return_id}/receive`, { lines }, 200)
    await post(`/payments/${PAYMENT}/refund`, { reference: 'x'.repeat(200) }, 200)
    equal((await shop.get(`/orders/${order_id}`)).items[0].taxes.length, 10)
    const of = await shop.get(`/orders?store_id=${STORE}&customer_id=${CUSTOMER}`)
    equal(of.total, 1)
  })

  it('are those of a till, also where it takes what was not there', async () => {
    const till = { store_id: STORE, register_id: REGISTER, device_id: DEVICE }
    await post(`/registers/${REGISTER}/session`, { store_id: STORE, currency: 'USD', float: 10 })
    const sold = (quantity: number) => ({
      ...till,
      ...{ customer_id: CUSTOMER, items: [{ product_id, quantity }], payment_type: 'cash' },
    })
    const { sale_id } = await post('/sales', { ...sold(1), paid_amount: 10 })
    await post(`/sales/${sale_id}/refund`, { ...till, lines: [{ line: 1, quantity: 1 }] })
    const occurred_at = new Date(Date.now() - 1_000).toISOString()
    await post('/sales', { ...sold(500), paid_amount: 2_500, occurred_at })
    const { items } = await shop.get('/inventory/discrepancies')
    ok(items.length > 0)
    await post(`/registers/${REGISTER}/session/close`, { store_id: STORE, counted: 3 }, 200)
  })

  it('are taken no longer', async () => {
    const { badly } = shop
    await badly('POST', '/customers', { customer_id: `${CUSTOMER}c`, name: 'x' }, 'customer_id')
    const stock = { product_id, store_id: `${STORE}s`, quantity: 1 }
    equal((await post('/inventory/stock', stock, 404)).code, 'not_found')
    const session = { store_id: STORE, currency: 'USD', float: 1 }
    await badly('POST', `/registers/${REGISTER}r/session`, session, 'register_id')
  })

  it('leave nothing behind that no row could be made of', async () => {
    const left = await call(shop.adminPort, 'GET', '/api/v1/admin/dead-letters')
    deepEqual(left.json.items, [])
  })
})
