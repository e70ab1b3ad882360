// Work with stock through the doors: transfers, counts, discrepancies, backorders, low stock and
// the ledger of movements; every route, with good and with bad input.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { shopDoors } from './shop-doors-fixture.ts'

let berlin: string
const { send, get, badly } = shopDoors([], async () => {
  berlin = (await send('POST', '/stores', { name: 'Berlin' }, 201)).store_id
})

async function product(code: string, quantity: number, more: object = {}): Promise<string> {
  const made = await send('POST', '/products', { code, name: code, sell_price: 2, ...more }, 201)
  await send('POST', '/inventory/stock', { product_id: made.product_id, quantity }, 201)
  return made.product_id
}
const stock = async (id: string, store: string) => {
  const { quantity, reserved_quantity, incoming_quantity } = await get(
    `/inventory/products/${id}?store_id=${store}`,
  )
  return [quantity, reserved_quantity, incoming_quantity]
}
const ID = '01980000-0000-7000-8000-0000000000ff'
type Row = Readonly<Record<string, unknown>>

describe('transfers', () => {
  let tea: string
  let transfer: string
  test('are sent, come in parts, and are seen all the way', async () => {
    // Counted in hundredths, to see decimals go in and out.
    const unit = await send('POST', '/units', { name: 'Kilo', symbol: 'kg', precision: 2 }, 201)
    tea = await product('TEA', 10, { unit_id: unit.unit_id })
    const body = { from: 'main', to: berlin, lines: [{ product_id: tea, quantity: 2.5 }] }
    const sent = await send('POST', '/transfers', { ...body, reference: 'van 1' }, 201)
    transfer = sent.transfer_id
    deepEqual([sent.status, sent.lines[0].in_transit_quantity], ['IN_TRANSIT', 2.5])
    deepEqual(
      [await stock(tea, 'main'), await stock(tea, berlin)],
      [
        [7.5, 0, 0],
        [0, 0, 2.5],
      ],
    )
    equal((await get(`/inventory/products/${tea}`)).incoming_quantity, 2.5)
    const part = [{ product_id: tea, received: '1.25', damaged: 0.25 }]
    const path = `/transfers/${transfer}`
    const came = await send('POST', `${path}/receive`, { lines: part }, 200)
    deepEqual([came.status, came.lines[0].in_transit_quantity], ['IN_TRANSIT', 1])
    deepEqual(await stock(tea, berlin), [1.25, 0, 1])
    await send('POST', `${path}/receive`, { close: true, lines: [] }, 200)
    const shown = await get(path)
    deepEqual(
      [shown.status, shown.reference, shown.version, shown.lines[0].missing_quantity],
      ['RECEIVED', 'van 1', 3, 1],
    )
    equal((await get(`${path}?as_of_version=2`)).status, 'IN_TRANSIT')
    deepEqual(await stock(tea, berlin), [1.25, 0, 0])
    const [work] = (await get(`/inventory/discrepancies?store_id=${berlin}&status=OPEN`)).items
    deepEqual([work.kind, work.missing_quantity, work.reference], ['transfer', 1, transfer])
  })
  test('are called back, and started under an id of the sender’s', async () => {
    const body = { from: 'main', to: berlin, lines: [{ product_id: tea, quantity: 1 }] }
    const made = await send('POST', `/transfers/${ID}/start`, body, 201)
    equal(made.transfer_id, ID)
    equal((await send('POST', `/transfers/${ID}/start`, body, 409)).code, 'already_exists')
    const back = await send('POST', `/transfers/${ID}/cancel`, { reason: 'no driver' }, 200)
    deepEqual([back.status, back.lines[0].returned_quantity], ['CANCELLED', 1])
    deepEqual(await stock(tea, 'main'), [7.5, 0, 0])
    await send('POST', `/transfers/${ID}/receive`, {}, 409)
    deepEqual(
      (await get(`/transfers?from_store_id=main&status=CANCELLED`)).items.map(
        (row: Row) => row.transfer_id,
      ),
      [ID],
    )
    equal((await get('/transfers?sort=started_at')).items[0].transfer_id, transfer)
  })
  test('are refused with every field that is wrong', async () => {
    const line = { product_id: tea, quantity: 1 }
    const body = { from_store_id: 'main', to_store_id: berlin, lines: [line] }
    await badly('POST', '/transfers', { lines: 'tea' }, 'from_store_id', 'to_store_id', 'lines')
    await badly('POST', '/transfers', { ...body, lines: [] }, 'lines')
    await badly('POST', '/transfers', { ...body, to_store_id: 'main' }, 'to_store_id')
    await badly('POST', '/transfers', { ...body, transfer_id: 'x' }, 'transfer_id')
    const lines = [line, { ...line, quantity: '0.001' }, { ...line, quantity: 'much' }]
    await badly('POST', '/transfers', { ...body, lines: lines.slice(0, 2) }, 'lines.1.quantity')
    await badly('POST', '/transfers', { ...body, lines }, 'lines.2.quantity')
    const short = { ...body, lines: [{ ...line, quantity: 99 }] }
    const { code, lines: missing } = await send('POST', '/transfers', short, 409)
    deepEqual([code, missing[0].available], ['insufficient_stock', 7.5])
    await send('POST', '/transfers', { ...body, to_store_id: ID }, 404)
    const other = await send('POST', '/transfers', body, 201)
    const receive = `/transfers/${other.transfer_id}/receive`
    await badly('POST', receive, { lines: [{ product_id: ID }] }, 'lines.0.product_id')
    await badly('POST', receive, { lines: [{ ...line, received: 2 }] }, 'lines.0.quantity')
    await badly('POST', receive, { lines: [] }, 'lines')
    await badly('POST', receive, { close: 'yes' }, 'close')
    await send('POST', `/transfers/${berlin}/receive`, {}, 404)
    await get(`/transfers/${berlin}`, 404)
    await get('/transfers?status=LOST', 400)
  })
})

describe('counts', () => {
  test('say what lay there then; what was sold since is kept', async () => {
    const ale = await product('ALE', 10)
    const counting = await send('POST', '/stock-counts', { product_ids: [ale] }, 201)
    const path = `/stock-counts/${counting.count_id}`
    const then = new Date().toISOString()
    await new Promise((resolve) => setTimeout(resolve, 5))
    const sold = { product_id: ale, adjustment: -2, reason: 'sale' }
    await send('PATCH', '/inventory/adjust', sold, 200)
    const told = { product_id: ale, counted: 9, occurred_at: then }
    const { lines } = await send('POST', `${path}/counts`, told, 200)
    deepEqual([lines[0].expected_quantity, lines[0].adjustment, lines[0].quantity], [10, -1, 7])
    const done = await send('POST', `${path}/complete`, {}, 200)
    deepEqual([done.status, done.counted_lines, done.differing_lines], ['COMPLETED', 1, 1])
    await send('POST', `${path}/counts`, told, 409)
    const [line] = (await get(`${path}/counts?differing=true`)).items
    deepEqual([line.counted_quantity, line.expected_quantity, line.adjustment], [9, 10, -1])
    const shown = await get(path)
    deepEqual([shown.status, shown.scope, shown.product_ids], ['COMPLETED', 'products', [ale]])
    equal((await get(`${path}?as_of_version=1`)).status, 'OPEN')
    equal((await get('/stock-counts?status=COMPLETED&store_id=main')).total, 1)

    const ledger = `/inventory/movements?product_id=${ale}&store_id=main`
    deepEqual(
      (await get(ledger)).items.map((row: Row) => [
        ...[row.event_type, row.reason, row.quantity_change, row.quantity_after],
      ]),
      [
        ['InventoryAdjusted', 'count', -1, 7],
        ['StockCounted', 'counted', 0, 8],
        ['InventoryAdjusted', 'sale', -2, 8],
        ['StockAdded', 'receipt', 10, 10],
        ['InventoryCreated', null, 0, 0],
      ],
    )
    const filtered = (await get(`${ledger}&event_type=InventoryAdjusted&limit=1&offset=1`)).items
    deepEqual([filtered[0].quantity_change, filtered[0].quantity_after], [-2, 8])
    await get(`${ledger}&event_type=Nothing`, 400)
    equal((await get(`/inventory/products/${ale}?store_id=main&as_of_version=2`)).quantity, 10)
    const { errors } = await get(`/inventory/products/${ale}?as_of_version=2`, 400)
    deepEqual(Object.keys(errors), ['as_of_version'])
  })
  test('are refused with every field that is wrong', async () => {
    await badly('POST', '/stock-counts', { scope: 'some' }, 'scope')
    await badly('POST', '/stock-counts', { scope: 'products' }, 'product_ids')
    await badly('POST', '/stock-counts', { scope: 'all', department_id: ID }, 'department_id')
    await send('POST', '/stock-counts', { store_id: ID }, 404)
    const { count_id } = await send('POST', '/stock-counts', {}, 201)
    const path = `/stock-counts/${count_id}/counts`
    await badly('POST', path, {}, 'lines')
    await badly('POST', path, { product_id: ID, counted: 1 }, 'product_id')
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString()
    const rum = await product('RUM', 1)
    await badly('POST', path, { product_id: rum, counted: 1, occurred_at: tomorrow }, 'occurred_at')
    await badly('POST', path, { product_id: rum, counted: -1 }, 'counted')
    await badly('POST', path, { product_id: rum, counted: 1, occurred_at: 'soon' }, 'occurred_at')
    await send('POST', `/stock-counts/${ID}/counts`, { product_id: rum, counted: 1 }, 404)
    await get(`/stock-counts/${ID}`, 404)
  })
})

describe('promises and what is there', () => {
  test('a backorder waits in line, is seen, and does not leave before it has come', async () => {
    const cup = await product('CUP', 1)
    const limits = { backorder_limit: 4, min_stock: 1, location: 'A-7' }
    const kept = await send('PATCH', `/inventory/${cup}`, limits, 200)
    deepEqual([kept.backorder_limit, kept.min_stock, kept.location], [4, 1, 'A-7'])
    const reserve = (quantity: number) =>
      send('POST', '/inventory/stock/reserve', { product_id: cup, quantity }, 201)
    const [first, second] = [await reserve(2), await reserve(2)]
    const waiting = async () =>
      (await get(`/inventory/backorders?product_id=${cup}`)).items.map((row: Row) => [
        ...[row.reservation_id, row.reserved_quantity, row.open_quantity, row.code],
      ])
    deepEqual(await waiting(), [
      [first.reservation_id, 2, 1, 'CUP'],
      [second.reservation_id, 2, 2, 'CUP'],
    ])
    const path = (one: Row) => `/inventory/reservations/${one.reservation_id}/commit`
    equal((await send('POST', path(second), {}, 409)).code, 'insufficient_stock')
    await send('POST', '/inventory/stock', { product_id: cup, quantity: 2 }, 201)
    deepEqual(await waiting(), [[second.reservation_id, 2, 1, 'CUP']])
    await send('POST', path(second), {}, 409)
    await send('POST', path(first), {}, 200)
    const shown = await get(`/inventory/${cup}`)
    deepEqual([shown.stores[0].backordered_quantity, shown.stores[0].location], [1, 'A-7'])
    const low = (await get('/inventory/low-stock?store_id=main')).items
    deepEqual(
      low.filter((row: Row) => row.code === 'CUP').map((row: Row) => row.available_quantity),
      [-1],
    )
    await badly(
      'PATCH',
      `/inventory/${cup}`,
      { min_stock: -1, backorder_limit: 'x' },
      'backorder_limit',
    )
    await badly('PATCH', `/inventory/${cup}`, { min_stock: -1, location: null }, 'min_stock')
    await send('PATCH', `/inventory/${ID}`, { location: 'B' }, 404)
  })
  test('a discrepancy is found, listed and settled once', async () => {
    const pen = await product('PEN', 5)
    await send('POST', '/inventory/stock/reserve', { product_id: pen, quantity: 4 }, 201)
    const { count_id } = await send('POST', '/stock-counts', {}, 201)
    await send('POST', `/stock-counts/${count_id}/counts`, { product_id: pen, counted: 1 }, 200)
    const list = `/inventory/discrepancies?product_id=${pen}`
    const [found] = (await get(list)).items
    deepEqual(
      [found.kind, found.missing_quantity, found.available_quantity, found.status],
      ['count', 3, -3, 'OPEN'],
    )
    const path = `/inventory/discrepancies/${found.discrepancy_id}`
    await badly('POST', `${path}/resolve`, { action: 'shrug', by: 'ann' }, 'action')
    await badly('POST', `${path}/resolve`, { action: 'found' }, 'by')
    const settled = { action: 'cancelled', note: 'two orders', by: 'ann' }
    equal((await send('POST', `${path}/resolve`, settled, 200)).status, 'RESOLVED')
    await send('POST', `${path}/resolve`, settled, 409)
    const shown = await get(path)
    deepEqual([shown.action, shown.note, shown.resolved_by], ['cancelled', 'two orders', 'ann'])
    equal((await get(`${list}&status=OPEN`)).total, 0)
    await send('POST', `/inventory/discrepancies/${ID}/resolve`, settled, 404)
    await get('/inventory/discrepancies?kind=odd', 400)
    await get(`/inventory/discrepancies/${ID}`, 404)
  })
})
