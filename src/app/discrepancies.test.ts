// A discrepancy as a shop works it off, over HTTP: who goes short is named, now and then, and each
// way out of it is there: goods from another store, waiting for new ones, cancelling with a refund.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { shopDoors } from './shop-doors-fixture.ts'

const PATIENCE_MS = 120_000
type Row = Readonly<Record<string, unknown>>

describe('a discrepancy', () => {
  const { send, get } = shopDoors()
  const until = async (path: string, field: string, value: unknown) => {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(20)) {
      const row = await get(path)
      if (row[field] === value) return row
    }
    throw new Error(`${path} never has ${field} ${value}`)
  }
  /** By the hundredth of a kilo; a store beside the main one has some, too. */
  async function goods(code: string, quantity: number, more: object = {}) {
    const { unit_id } = await send('POST', '/units', { name: `${code} kg`, precision: 2 }, 201)
    const made = { code, name: code, sell_price: 2, unit_id, ...more }
    const { product_id } = await send('POST', '/products', made, 201)
    const other = (await send('POST', '/stores', { name: `${code} shop` }, 201)).store_id
    await send('POST', '/inventory/stock', { product_id, quantity }, 201)
    await send('POST', '/inventory/stock', { product_id, quantity: 1, store_id: other }, 201)
    return { product_id: String(product_id), other: String(other) }
  }
  const ordered = async (product_id: string, quantity: number) => {
    const body = { customer_id: 'c-1', items: [{ product_id, quantity }] }
    const { order_id } = await send('POST', '/orders', body, 201)
    await until(`/orders/${order_id}`, 'status', 'CONFIRMED')
    return String(order_id)
  }
  const reserved = async (product_id: string, quantity: number) =>
    (await send('POST', '/inventory/stock/reserve', { product_id, quantity }, 201)).reservation_id
  const counted = async (product_id: string, counted: number) => {
    const { count_id } = await send('POST', '/stock-counts', { product_ids: [product_id] }, 201)
    await send('POST', `/stock-counts/${count_id}/counts`, { product_id, counted }, 200)
    const list = await get(`/inventory/discrepancies?product_id=${product_id}`)
    return list.items[0]
  }
  const short = ({ unserved }: { unserved: readonly Row[] }) =>
    unserved.map(({ reservation_id, lacking_quantity }) => [reservation_id, lacking_quantity])

  it('names whose goods are not there, the newest promise first, until they are', async () => {
    const { product_id, other } = await goods('TEA', 5)
    const first = await ordered(product_id, 2)
    const second = await ordered(product_id, 1.5)
    const byHand = await reserved(product_id, 1.5)
    const found = await counted(product_id, 2.75)
    deepEqual(
      [found.missing_quantity, found.lacking_quantity, found.is_covered],
      [2.25, 2.25, false],
    )
    const path = `/inventory/discrepancies/${found.discrepancy_id}`
    const shown = await get(path)
    deepEqual(short(shown), [
      [byHand, 1.5],
      [second, 0.75],
    ])
    deepEqual(
      shown.unserved.map((row: Row) => [row.order_id, row.held_quantity, row.backordered_quantity]),
      [
        [null, 1.5, 0],
        [second, 1.5, 0],
      ],
    )

    // Goods from another store are for those who were promised them first.
    const way = { from_store_id: other, to_store_id: 'main' }
    const lines = [{ product_id, quantity: 0.75 }]
    const { transfer_id } = await send('POST', '/transfers', { ...way, lines }, 201)
    deepEqual(short(await get(path)).length, 2)
    await send('POST', `/transfers/${transfer_id}/receive`, {}, 200)
    deepEqual(short(await get(path)), [[byHand, 1.5]])

    // An order that is cancelled leaves its goods to the others, and is paid back.
    await send('POST', `/orders/${second}/cancel`, { reason: 'not there' }, 200)
    await until(`/orders/${second}`, 'payment_status', 'refunded')
    await until(path, 'is_covered', true)
    const covered = await get(path)
    deepEqual([covered.lacking_quantity, covered.unserved, covered.status], [0, [], 'OPEN'])
    const [item] = (await get(`/inventory/discrepancies?product_id=${product_id}`)).items
    deepEqual([item.lacking_quantity, item.is_covered], [0, true])

    // Somebody else may have what was cancelled; what was known before is known still.
    await send('POST', `/orders/${first}/ship`, {}, 200)
    const resolved = { action: 'cancelled', by: 'ann' }
    await send('POST', `${path}/resolve`, resolved, 200)
    const then = await get(`${path}?as_of_version=1`)
    deepEqual([then.status, then.lacking_quantity, then.is_covered], ['OPEN', 2.25, false])
    deepEqual(short(then), [
      [byHand, 1.5],
      [second, 0.75],
    ])
    const at = await get(`${path}?as_of=${then.detected_at}`)
    deepEqual(short(at), short(then))
    const early = new Date(Date.parse(then.detected_at) - 8 * 3_600_000).toISOString()
    const elsewhere = await get(`${path}?as_of=${early.replace('Z', '-08:00')}`)
    deepEqual(short(elsewhere), short(then))
    deepEqual((await get(`${path}?as_of_version=2`)).unserved, [])
    await get(`${path}?as_of_position=1`, 404)
  })

  it('counts no one as short who waits anyway, nor what nobody was promised', async () => {
    const { product_id } = await goods('ALE', 2)
    await send('PATCH', `/inventory/${product_id}`, { backorder_limit: 5 }, 200)
    const first = await ordered(product_id, 1.25)
    const waiting = await ordered(product_id, 1.75)
    const found = await counted(product_id, 0.5)
    const path = `/inventory/discrepancies/${found.discrepancy_id}`
    const shown = await get(path)
    deepEqual(
      shown.unserved.map((row: Row) => [
        ...[row.order_id, row.held_quantity, row.backordered_quantity, row.lacking_quantity],
      ]),
      [
        [waiting, 1.75, 1, 0.75],
        [first, 1.25, 0, 0.75],
      ],
    )
    // New goods: what was there once comes first, and covers the discrepancy; then those in line.
    const stock = { product_id, quantity: 1.5 }
    await send('POST', '/inventory/stock', stock, 201)
    deepEqual(short(await get(path)), [])
    const backorders = async () =>
      (await get(`/inventory/backorders?product_id=${product_id}`)).items.map(
        (row: Row) => row.open_quantity,
      )
    deepEqual(await backorders(), [1])
    await send('POST', `/orders/${first}/ship`, {}, 200)
    const { lines } = await send('POST', `/orders/${waiting}/ship`, {}, 409)
    deepEqual([lines[0].requested, lines[0].available], [1.75, 0.75])
    await send('POST', '/inventory/stock', { product_id, quantity: 1 }, 201)
    deepEqual(await backorders(), [])
    await send('POST', `/orders/${waiting}/ship`, {}, 200)
    equal(
      (await send('POST', `${path}/resolve`, { action: 'backordered', by: 'a' }, 200)).action,
      'backordered',
    )
  })
})
