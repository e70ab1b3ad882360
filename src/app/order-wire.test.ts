// Orders taken apart over HTTP: what is sent and answered on the wire, with its status codes, names
// and decimals, with the loops of the real program behind it.
import { deepEqual, equal } from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { call } from '#edges/http/door-fixture.ts'
import { shopDoors } from './shop-doors-fixture.ts'

const PATIENCE_MS = 120_000

describe('an order over HTTP', () => {
  const shop = shopDoors(['money.taxes=standard:VAT:20'])
  let product_id: string
  before(async () => {
    const flour = { code: 'FLOUR', name: 'Flour', sell_price: 3.33 }
    const { unit_id } = (await post('units', { name: 'kg', precision: 3 })).json
    product_id = (await post('products', { ...flour, unit_id })).json.id
    await post('inventory/stock', { product_id, quantity: '10' })
  })
  let last = 0
  const post = async (path: string, body: object) => {
    const reply = await call(shop.port, 'POST', `/api/v1/${path}`, { body })
    last = Math.max(last, reply.json?.position ?? 0)
    return reply
  }
  /** What was sent before is in it. */
  const get = async (path: string) =>
    (await call(shop.port, 'GET', `/api/v1/${path}?min_position=${last}`)).json
  /** Until the row is so, or for too long. */
  const until = async (path: string, field: string, value: unknown) => {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(20)) {
      const row = await get(path)
      if (row?.[field] === value) return row
    }
    throw new Error(`${path} has ${JSON.stringify(await get(path))}, not ${field} ${value}`)
  }
  const confirmed = async () => {
    const items = [{ product_id, quantity: 2.5 }]
    const { status, json } = await post('orders', { customer_id: 'c-1', items })
    equal(status, 201, JSON.stringify(json))
    await until(`orders/${json.order_id}`, 'status', 'CONFIRMED')
    return String(json.order_id)
  }

  it('is cancelled in part, sent in parts and sent back, in the decimals of its goods', async () => {
    const order_id = await confirmed()
    const row = await get(`orders/${order_id}`)
    deepEqual([row.total_amount, row.net, row.tax], [8.33, 6.94, 1.39])
    deepEqual(
      [row.items[0].quantity, row.items[0].taxes],
      [2.5, [{ name: 'VAT', rate: '20', is_inclusive: true, amount: 1.39 }]],
    )

    const gone = await post(`orders/${order_id}/cancel-lines`, {
      lines: [{ line: 1, quantity: '0.5' }],
      reason: 'no longer needed',
    })
    deepEqual([gone.status, gone.json.total_amount], [200, 6.66])
    const parcel = await post('shipments', { order_id, lines: [{ line: 1, quantity: 0.75 }] })
    deepEqual([parcel.status, parcel.json.status], [201, 'PENDING'])
    const { shipment_id } = parcel.json
    equal((await post(`shipments/${shipment_id}/label`, {})).status, 202)
    await until(`shipments/${shipment_id}`, 'status', 'LABEL_CREATED')
    equal((await post(`shipments/${shipment_id}/label`, {})).status, 200)
    const left = await post(`shipments/${shipment_id}/ship`, {})
    deepEqual([left.status, left.json.status], [200, 'PARTIALLY_SHIPPED'])
    equal((await post(`orders/${order_id}/cancel`, {})).status, 409)
    equal((await post(`orders/${order_id}/ship`, {})).json.status, 'SHIPPED')
    equal((await post(`shipments/${shipment_id}/deliver`, {})).json.status, 'SHIPPED')
    equal((await post(`orders/${order_id}/deliver`, {})).json.status, 'DELIVERED')

    const lines = [{ line: 1, quantity: 1 }]
    const asked = await post(`orders/${order_id}/returns`, { lines, reason: 'weevils' })
    deepEqual([asked.status, asked.json.status], [201, 'REQUESTED'])
    const { return_id } = asked.json
    const got = await post(`returns/${return_id}/receive`, {
      lines: [{ line: 1, quantity: 1, damaged: true }],
    })
    deepEqual([got.status, got.json.total_amount, got.json.refund], [200, 3.33, 3.33])
    const back = await until(`orders/${order_id}`, 'payment_status', 'partially_refunded')
    deepEqual(
      [back.return_status, back.items[0].shipped_quantity, back.items[0].returned_quantity],
      ['partially_returned', 2, 1],
    )
    // 8.33 taken, 1.67 cancelled and 3.33 came back.
    const paid = await until(`orders/${order_id}/payments`, 'refunded', 5)
    equal(paid.captured, 8.33)
    equal((await get(`returns/${return_id}`)).lines[0].damaged_quantity, 1)
    equal((await post(`returns/${return_id}/close`, { reason: 'done' })).json.status, 'CLOSED')
  })

  it('says what is wrong: where, by which name, with which status', async () => {
    const order_id = await confirmed()
    const no = async (path: string, body: object) => {
      const { status, json } = await post(path, body)
      return [status, json.code, ...Object.keys(json.errors ?? {})]
    }
    const one = [{ line: 1, quantity: 1 }]
    deepEqual(await no(`orders/${order_id}/cancel-lines`, { lines: [] }), [
      ...[400, 'validation_failed', 'lines'],
    ])
    deepEqual(
      await no(`orders/${order_id}/cancel-lines`, { lines: [{ line: 1, quantity: 1e-4 }] }),
      [...[400, 'validation_failed', 'lines.0.quantity']],
    )
    deepEqual(await no('shipments', { order_id, lines: [{ line: 2, quantity: 1 }] }), [
      ...[400, 'validation_failed', 'lines.0.line'],
    ])
    deepEqual(await no('shipments', { order_id, lines: [{ line: 1, quantity: 3 }] }), [
      ...[422, 'business_rule_violated'],
    ])
    deepEqual(await no(`orders/${order_id}/returns`, { lines: one, reason: 'x' }), [
      ...[409, 'invalid_state'],
    ])
    deepEqual(await no('orders/nothing/returns', { lines: one, reason: 'x' }), [404, 'not_found'])
  })

  it('of more than can be recorded at once is refused, and nothing of it is there', async () => {
    const long = { code: 'C'.repeat(100), name: 'N'.repeat(300), sell_price: 1 }
    const { id } = (await post('products', long)).json
    await post('inventory/stock', { product_id: id, quantity: '2000' })
    const items = Array.from({ length: 1_500 }, () => ({ product_id: id, quantity: 1 }))
    const { status, json } = await post('orders', { customer_id: 'c-1', items })
    deepEqual([status, json.code], [413, 'payload_too_large'], JSON.stringify(json))
    equal((await get(`inventory/${id}`)).reserved_quantity, 0)
    const less = { customer_id: 'c-1', items: items.slice(500) }
    equal((await post('orders', less)).status, 201)
  })
})
