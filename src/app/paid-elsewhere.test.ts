// An order paid where the shop's provider does not reach, over HTTP: what of it has to go back is
// seen on the order, on the payment and in lists, until a person says that it went back.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { call } from '#edges/http/door-fixture.ts'
import { shopDoors } from './shop-doors-fixture.ts'

const PATIENCE_MS = 120_000

describe('an order paid elsewhere', () => {
  const shop = shopDoors(['payments.default_method='])
  const until = async (path: string, field: string, value: unknown) => {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(20)) {
      const row = await shop.get(path)
      if (row[field] === value) return row
    }
    throw new Error(`${path} never had ${field} ${value}`)
  }
  let products = 0
  /** Four pieces of 5.00. */
  const placed = async (customer_id = 'c-1', more: object = {}) => {
    const code = `C-${++products}`
    const product = await shop.send('POST', '/products', { code, name: code, sell_price: 5 }, 201)
    const { product_id } = product
    await shop.send('POST', '/inventory/stock', { product_id, quantity: 10 }, 201)
    const items = [{ product_id, quantity: 4 }]
    const { order_id } = await shop.send('POST', '/orders', { customer_id, items, ...more }, 201)
    return { order_id: String(order_id), product_id: String(product_id) }
  }
  /** And paid at the bank. */
  const confirmed = async (payment_id: string) => {
    const { order_id } = await placed()
    await shop.send('POST', `/orders/${order_id}/confirm-payment`, { payment_id }, 200)
    await until(`/orders/${order_id}`, 'status', 'CONFIRMED')
    return order_id
  }
  const owing = async (order_id: string, payment_id: string) => {
    const order = await shop.get(`/orders/${order_id}`)
    const payment = await shop.get(`/payments/${payment_id}`)
    const sums = await shop.get(`/orders/${order_id}/payments`)
    const { items } = await shop.get('/payments?is_owed_back=true')
    const listed = (items as { payment_id: string }[]).some((one) => one.payment_id === payment_id)
    const orders = await shop.get('/orders?is_owed_back=true')
    equal(
      (orders.items as { order_id: string }[]).some((one) => one.order_id === order_id),
      listed,
    )
    equal(payment.needs_attention, listed)
    deepEqual([payment.owed_back, sums.owed_back], [order.owed_back, order.owed_back])
    return [order.owed_back, payment.status, listed]
  }

  it('says what has to go back, and is told once that it went', async () => {
    const order_id = await confirmed('bank-1')
    const lines = [{ line: 1, quantity: 1 }]
    deepEqual(await owing(order_id, 'bank-1'), [0, 'CAPTURED', false])
    await shop.send('POST', `/orders/${order_id}/cancel-lines`, { lines }, 200)
    deepEqual(await owing(order_id, 'bank-1'), [5, 'CAPTURED', true])
    await shop.send('POST', `/orders/${order_id}/ship`, {}, 200)
    const asked = { lines, reason: 'too small' }
    const { return_id } = await shop.send('POST', `/orders/${order_id}/returns`, asked, 201)
    const got = await shop.send('POST', `/returns/${return_id}/receive`, { lines }, 200)
    equal(got.refund, 5)
    deepEqual(await owing(order_id, 'bank-1'), [10, 'CAPTURED', true])

    await shop.badly('POST', '/payments/bank-1/refund', { amount: 5 }, 'reference')
    const over = { amount: 10.01, reference: 'out-1' }
    const no = await shop.send('POST', '/payments/bank-1/refund', over, 422)
    deepEqual([no.code, no.limit], ['amount_exceeds_captured', 10])
    // Several at once: one of them has it.
    const told = await Promise.all(
      ['a', 'b', 'c', 'd'].map((reference) =>
        call(shop.port, 'POST', '/api/v1/payments/bank-1/refund', { body: { reference } }),
      ),
    )
    deepEqual(told.map(({ status }) => status).sort(), [200, 409, 409, 409])
    const { position, ...answer } = told.find(({ status }) => status === 200)!.json
    deepEqual([answer.status, answer.amount], ['PARTIALLY_REFUNDED', 10])
    await until('/payments/bank-1', 'refunded', 10)
    deepEqual(await owing(order_id, 'bank-1'), [0, 'PARTIALLY_REFUNDED', false])
    const then = await shop.get(`/payments/bank-1?as_of_version=3`)
    deepEqual([then.owed_back, then.refunded], [5, 0])
    equal(typeof position, 'number')
  })

  it('is paid back later for goods that came back without a refund', async () => {
    const order_id = await confirmed('bank-2')
    const lines = [{ line: 1, quantity: 2 }]
    await shop.send('POST', `/orders/${order_id}/ship`, {}, 200)
    const asked = { lines, reason: 'scratched' }
    const { return_id } = await shop.send('POST', `/orders/${order_id}/returns`, asked, 201)
    await shop.send('POST', `/returns/${return_id}/receive`, { lines, refund: false }, 200)
    deepEqual(await owing(order_id, 'bank-2'), [0, 'CAPTURED', false])
    const one = { lines: [{ line: 1, quantity: 1 }], reference: 'out-2' }
    const paid = await shop.send('POST', '/payments/bank-2/refund', one, 200)
    deepEqual([paid.status, paid.amount], ['PARTIALLY_REFUNDED', 5])
    deepEqual(await owing(order_id, 'bank-2'), [0, 'PARTIALLY_REFUNDED', false])
    const again = await shop.send('POST', '/payments/bank-2/refund', one, 200)
    equal(again.operation_id, paid.operation_id)
    const row = await shop.get(`/orders/${order_id}`)
    equal(row.items[0].withheld_quantity, 1)
  })

  it('that is cancelled owes all of it, and is done with when that is back', async () => {
    const order_id = await confirmed('bank-3')
    await shop.send('POST', `/orders/${order_id}/cancel`, {}, 200)
    await until(`/orders/${order_id}/saga`, 'outcome', 'needs_attention')
    deepEqual(await owing(order_id, 'bank-3'), [20, 'CAPTURED', true])
    await shop.send('POST', '/payments/bank-3/refund', { reference: 'out-3' }, 200)
    deepEqual(await owing(order_id, 'bank-3'), [0, 'REFUNDED', false])
    const saga = await shop.get(`/orders/${order_id}/saga`)
    deepEqual([saga.outcome, saga.needs_attention], ['resolved_manually', false])
    equal((await shop.get(`/orders/${order_id}`)).payment_status, 'refunded')
  })

  it('after it was cancelled is no order again: all of it is there to be given back', async () => {
    const { order_id, product_id } = await placed('c-late')
    const paid = { payment_id: 'bank-4', payment_method: 'cash' }
    const at = `/orders/${order_id}/confirm-payment`
    await shop.send('POST', `/orders/${order_id}/cancel`, {}, 200)
    const sales = async () => {
      const { as_of: _, ...dashboard } = await shop.get('/dashboard')
      return { dashboard, summary: await shop.get('/customers/c-late/orders/summary') }
    }
    const before = await sales()
    // Several at once: it is the same money.
    const told = await Promise.all(
      ['a', 'b', 'c'].map(() => call(shop.port, 'POST', `/api/v1${at}`, { body: paid })),
    )
    deepEqual(
      told.map(({ status, json }) => [status, json.status, json.saga_status]),
      told.map(() => [200, 'CANCELLED', 'FAILED']),
    )
    const { position } = await shop.send('POST', at, paid, 200)
    equal(typeof position, 'number')
    deepEqual(await owing(order_id, 'bank-4'), [20, 'CAPTURED', true])
    const order = await shop.get(`/orders/${order_id}`)
    deepEqual([order.status, order.payment_status], ['CANCELLED', 'captured'])
    deepEqual([order.payment_id, order.fulfillment_status], ['bank-4', 'none'])
    const stock = await shop.get(`/inventory/products/${product_id}`)
    deepEqual([stock.quantity, stock.reserved_quantity], [10, 0])
    deepEqual(await sales(), before)
    const { items } = await shop.get(`/orders/${order_id}/history`)
    const said = (items as { words: string }[]).map(({ words }) => words)
    for (const words of ['20.00 USD paid by cash', '20.00 USD to be given back'])
      equal(said.filter((text) => text.startsWith(words)).length, 1, said.join('; '))
    const then = await shop.get(`/orders/${order_id}?as_of_version=2`)
    deepEqual([then.status, then.payment_id, then.owed_back], ['CANCELLED', null, 0])
    await shop.send('POST', '/payments/bank-4/refund', { reference: 'out-4' }, 200)
    deepEqual(await owing(order_id, 'bank-4'), [0, 'REFUNDED', false])
    const { differences, checks } = await shop.app.operations.verify()
    equal(differences, 0, JSON.stringify(checks))
  })

  it('after the card it was paid by was refunded is owed back, and the card’s is not again', async () => {
    const { order_id } = await placed('c-1', { payment: { method: 'credit_card' } })
    await until(`/orders/${order_id}`, 'payment_status', 'captured')
    const at = `/orders/${order_id}/confirm-payment`
    await shop.send('POST', at, { payment_id: 'bank-5' }, 409)
    await shop.send('POST', `/orders/${order_id}/cancel`, {}, 200)
    await until(`/orders/${order_id}`, 'payment_status', 'refunded')
    await shop.send('POST', at, { payment_id: 'bank-5' }, 200)
    deepEqual(await owing(order_id, 'bank-5'), [20, 'CAPTURED', true])
    equal((await shop.get(`/orders/${order_id}`)).payment_status, 'captured')
    const { captured, refunded, payments } = await shop.get(`/orders/${order_id}/payments`)
    deepEqual([captured, refunded, payments.length], [40, 20, 2])
    await shop.badly('POST', `/payments/${order_id}/refund`, { reference: 'out-5' }, 'reference')
    await shop.send('POST', `/payments/${order_id}/refund`, {}, 409)
    await shop.send('POST', '/payments/bank-5/refund', { reference: 'out-5' }, 200)
    deepEqual(await owing(order_id, 'bank-5'), [0, 'REFUNDED', false])
    const { differences, checks } = await shop.app.operations.verify()
    equal(differences, 0, JSON.stringify(checks))
  })
})
