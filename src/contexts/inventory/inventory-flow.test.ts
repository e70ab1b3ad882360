// From command to answer: catalogue, stores and inventory behind the real gateways.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { catalog } from '#contexts/catalog/catalog.ts'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import { stores } from '#contexts/stores/stores.ts'
import type { Outcome, SendMeta } from '#kernel/waiting.ts'
import { type Application, runApplication } from '#runtime/application.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { inventory } from './inventory.ts'

// The three contexts behind the real gateways, over the log and the read models in memory.
describe('catalogue, stores and inventory together', () => {
  let log: EventLog
  let reads: ReadModels
  let app: Application
  let position: number
  const errors: unknown[] = []

  beforeEach(async () => {
    errors.length = 0
    position = 0
    log = await openEventLog()
    reads = await openReadModels()
    app = await runApplication({
      contexts: [catalog, stores, inventory],
      log,
      reads,
      keys: await openKeyRing(),
      waitMs: 60_000,
      onError: (error) => void errors.push(error),
    })
  })
  afterEach(async () => {
    await app.stop()
    await reads.close()
    await log.close()
    deepEqual(errors, [])
  })

  const send = async (type: string, input: object, meta?: SendMeta): Promise<Outcome> => {
    const outcome = await app.send(type, input, meta)
    if (outcome.ok) position = Math.max(position, outcome.position)
    return outcome
  }
  const done = async (type: string, input: object, meta?: SendMeta) => {
    const outcome = await send(type, input, meta)
    ok(outcome.ok, JSON.stringify(outcome))
    return outcome
  }
  const refused = async (type: string, input: object) => {
    const outcome = await send(type, input)
    ok(!outcome.ok, `${type} was accepted`)
    return outcome.rejection.code
  }
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
  const ask = async (type: string, input: object = {}): Promise<any> => {
    const answer = await app.ask(type, input, { minPosition: position })
    ok(answer.ok, JSON.stringify(answer))
    return answer.result
  }
  const newProduct = async (fields: object = {}) => {
    const { response } = await done('CreateProduct', { name: 'Pen', sell_price: '2', ...fields })
    return String(response.product_id)
  }
  const stocked = async (quantity: string, fields: object = {}) => {
    const product_id = await newProduct(fields)
    await done('CreateInventory', { product_id, quantity })
    return product_id
  }

  test('100 − 10 − 5 is 85, with both at once', async () => {
    const product_id = await stocked('100')
    await Promise.all([
      done('AdjustInventory', { product_id, adjustment: '-10' }),
      done('AdjustInventory', { product_id, adjustment: '-5' }),
    ])
    equal((await ask('GetStock', { product_id })).quantity, 85)
    equal((await ask('GetProduct', { product_id })).quantity_in_stock, 85)
  })

  test('of 200 buyers for 50 units exactly 50 get one', async () => {
    const product_id = await stocked('50')
    const buyers = Array.from({ length: 200 }, () =>
      send('ReserveInventory', { lines: [{ product_id, quantity: '1' }] }),
    )
    const outcomes = await Promise.all(buyers)
    equal(outcomes.filter(({ ok }) => ok).length, 50)
    const codes = outcomes.flatMap((one) => (one.ok ? [] : [one.rejection.code]))
    deepEqual(new Set(codes), new Set(['insufficient_stock']))
    const { quantity, reserved_quantity, available_quantity } = await ask('GetStock', {
      product_id,
      store_id: 'main',
    })
    deepEqual(
      { quantity, reserved_quantity, available_quantity },
      {
        quantity: 50,
        reserved_quantity: 50,
        available_quantity: 0,
      },
    )
    equal((await ask('ListReservations', { status: 'ACTIVE', limit: 1 })).total, 50)
  })

  test('two lines of one product draw on the same stock', async () => {
    const product_id = await stocked('5')
    const lines = [
      { product_id, quantity: '3' },
      { product_id, quantity: '3' },
    ]
    equal(await refused('ReserveInventory', { lines }), 'insufficient_stock')
    const check = await ask('CheckAvailability', { lines })
    deepEqual([check.available, check.lines.length, check.lines[0].requested], [false, 1, 6])
  })

  test('reserved, committed and released stock agrees in every view and in the ledger', async () => {
    const product_id = await stocked('10', { code: 'PEN', cost_price: '1.50' })
    await done('CreateStore', { store_id: randomUUID(), name: 'Berlin' })
    const { response } = await done('ReserveInventory', { lines: [{ product_id, quantity: '4' }] })
    const { reservation_id } = response
    await done('CommitReservation', {
      reservation_id,
      lines: [{ product_id, quantity: '3' }],
    })
    await done('ReleaseStock', { reservation_id, product_id })
    const stock = { quantity: 7, reserved_quantity: 0, available_quantity: 7 }
    const pick = ({ quantity, reserved_quantity, available_quantity }: typeof stock) => ({
      quantity,
      reserved_quantity,
      available_quantity,
    })
    const whole = await ask('GetInventory', { product_id })
    deepEqual(pick(whole), stock)
    deepEqual(whole.stores.map(pick), [stock])
    equal(whole.sku, 'PEN')
    const shown = await ask('GetProduct', { product_id })
    deepEqual(
      [shown.stock_quantity, shown.available_quantity, shown.has_inventory, shown.in_stock],
      [7, 7, true, true],
    )
    equal(shown.stock_value_minor, 1050)
    const { items } = await ask('GetStockMovements', { product_id })
    const sum = (column: string) =>
      items.reduce((total: number, row: Record<string, number>) => total + row[column]!, 0)
    deepEqual([sum('quantity_change'), sum('reserved_change')], [7, 0])
    deepEqual(
      items.map(({ event_type }: { event_type: string }) => event_type),
      ['StockReleased', 'ReservationCommitted', 'StockReserved', 'InventoryCreated'],
    )
    const reservation = await ask('GetReservation', { reservation_id })
    deepEqual(
      [reservation.status, reservation.lines[0].quantity, reservation.held_lines],
      ['COMMITTED', 4, []],
    )
  })

  test('a code belongs to one product, whatever becomes of it', async () => {
    const product_id = await newProduct({ code: 'A1' })
    equal(
      await refused('CreateProduct', { code: 'A1', name: 'x', sell_price: '1' }),
      'already_exists',
    )
    await newProduct({ code: 'a1' })
    await done('UpdateProduct', { product_id, code: 'A2' })
    equal(
      await refused('CreateProduct', { code: 'A1', name: 'x', sell_price: '1' }),
      'already_exists',
    )
    await done('UpdateProduct', { product_id, code: 'A1' })
    await done('DeleteProduct', { product_id })
    equal(
      await refused('CreateProduct', { code: 'A1', name: 'x', sell_price: '1' }),
      'already_exists',
    )
  })

  test('products without a code get different ones', async () => {
    const codes = await Promise.all(
      [1, 2, 3].map(async () => {
        const { response } = await done('CreateProduct', { name: 'x', sell_price: '1' })
        return String(response.code)
      }),
    )
    equal(new Set(codes).size, 3)
    for (const code of codes) ok(/^P-\d{6}$/.test(code), code)
  })

  test('a renamed department and unit show in their products', async () => {
    const department_id = randomUUID()
    const unit_id = randomUUID()
    await done('CreateDepartment', { department_id, name: 'Food' })
    await done('CreateUnit', { unit_id, name: 'Kilo', precision: 3 })
    const product_id = await newProduct({ department_id, unit_id, min_stock: '0.5' })
    const other = await newProduct()
    const before = position
    await done('RenameDepartment', { department_id, name: 'Groceries' })
    await done('UpdateUnit', { unit_id, name: 'Kilogram' })
    const shown = await ask('GetProduct', { product_id })
    deepEqual([shown.department_name, shown.unit_name], ['Groceries', 'Kilogram'])
    deepEqual([shown.quantity_scale, shown.min_stock], [3, 500])
    equal((await ask('GetProduct', { product_id: other })).department_name, null)
    const past = await ask('GetProduct', { product_id, as_of_position: before })
    deepEqual([past.department_name, past.unit_name], ['Food', 'Kilo'])
    const now = await ask('GetProduct', { product_id, as_of_position: position })
    deepEqual([now.department_name, now.unit_name], ['Groceries', 'Kilogram'])
    const { items } = await ask('ListDepartments')
    deepEqual(
      items.map(({ name }: { name: string }) => name),
      ['Groceries'],
    )
  })

  test('every price is kept with the time it was valid, and the lowest is found', async () => {
    const product_id = await newProduct({ sell_price: '10' })
    await done('UpdateProductPrice', { product_id, sell_price: '8' }, { user_id: 'ann' })
    // A price that was in force for no time at all was never asked.
    await sleep(2)
    await done('UpdateProductPrice', { product_id, sell_price: '12' })
    const { items, total } = await ask('GetPriceHistory', { product_id })
    equal(total, 3)
    deepEqual(
      items.map((row: Record<string, unknown>) => [row.sell_price_minor, row.changed_by]),
      [
        [1200, null],
        [800, 'ann'],
        [1000, null],
      ],
    )
    equal(items[0].valid_to, null)
    equal(items[1].valid_to, items[0].valid_from)
    equal(items[2].valid_to, items[1].valid_from)
    equal((await ask('GetLowestPrice', { product_id })).sell_price_minor, 800)
    const long_ago = await ask('GetLowestPrice', { product_id, to: '2000-01-01T00:00:00Z' })
    equal(long_ago, null)
  })

  test('low stock is what is below the threshold, of the product or of the store', async () => {
    const product_id = await stocked('5', { code: 'LOW', min_stock: '6' })
    await stocked('6', { min_stock: '6' })
    const low = await ask('ListLowStock')
    deepEqual(
      low.items.map((row: Record<string, unknown>) => [row.code, row.quantity, row.min_stock]),
      [['LOW', 5, 6]],
    )
    equal((await ask('GetProduct', { product_id })).is_low_stock, true)
    const other = await newProduct({ code: 'SHELF' })
    await done('CreateInventory', { product_id: other, quantity: '1', min_stock: '2' })
    // In a store, what is free counts, down to the threshold of the store or of the product.
    const here = await ask('ListLowStock', { store_id: 'main' })
    deepEqual(
      here.items
        .map(
          ({ available_quantity: free, min_stock }: Record<string, number>) =>
            `${free} of ${min_stock}`,
        )
        .sort(),
      ['1 of 2', '5 of 6', '6 of 6'],
    )
    const shown = await ask('SearchProducts', { low_stock_only: true })
    deepEqual(
      shown.items.map(({ code }: { code: string }) => code),
      ['LOW'],
    )
  })

  test('a search looks at code, name and description, and hides what is archived', async () => {
    await newProduct({ code: 'X-RED', name: 'Pen', description: 'writes' })
    await newProduct({ code: 'B', name: 'Red pencil', description: 'draws' })
    const gone = await newProduct({ code: 'C', name: 'Brush', description: 'a red one' })
    const codes = async (input: object) =>
      (await ask('SearchProducts', input)).items.map(({ code }: { code: string }) => code)
    deepEqual(await codes({ search_term: 'red' }), ['B', 'X-RED', 'C'], 'descriptions last')
    await done('DeleteProduct', { product_id: gone })
    deepEqual(await codes({ search_term: 'red' }), ['B', 'X-RED'])
    deepEqual(await codes({ search_term: 'red', include_inactive: true }), ['B', 'X-RED', 'C'])
    deepEqual(await codes({ search_term: 'x red' }), ['X-RED'], 'a code, however it is divided')
    deepEqual(await codes({ search_term: 'red penicl' }), ['B'], 'mistakes are forgiven')
    deepEqual(await codes({ search_term: 'red', sort: ['-code'] }), ['X-RED', 'B'], 'or by a sort')
    deepEqual(await codes({ search_term: 'nothing' }), [])
    deepEqual(await codes({ search_term: '"*\0' }), [])
    deepEqual(await codes({ 'code[in]': ['B', 'X-RED'], 'name[contains]': 'PENC' }), ['B'])
    deepEqual(await codes({ sort: ['-code'], limit: 1 }), ['X-RED'])
    await done('RestoreProduct', { product_id: gone })
    deepEqual(await codes({ in_stock_only: true }), [])
  })

  test('stock is known as it was, in one store and over all', async () => {
    const product_id = await stocked('5')
    const before = position
    await done('AddStock', { product_id, quantity: '10' })
    const then = { as_of_position: before }
    equal((await ask('GetStock', { product_id, ...then })).quantity, 5)
    equal((await ask('GetStock', { product_id, store_id: 'main', ...then })).quantity, 5)
    equal((await ask('GetStock', { product_id })).quantity, 15)
    equal(await ask('GetStock', { product_id, as_of_position: 0 }), null)
    const whole = await ask('GetInventory', { product_id, ...then })
    const stock = await ask('GetStock', { product_id, ...then })
    deepEqual(
      [whole.quantity, whole.reserved_quantity, whole.stores.length],
      [stock.quantity, stock.reserved_quantity, 1],
    )
    equal(whole.stores[0].quantity, stock.quantity)
    equal(await ask('GetInventory', { product_id, as_of_position: 0 }), null)
    equal((await ask('GetProduct', { product_id, ...then })).quantity_in_stock, 5)
  })

  test('nothing there is null or an empty list, never an error', async () => {
    for (const type of ['GetProduct', 'GetProductForEdit', 'GetInventory', 'GetStock'])
      equal(await ask(type, { product_id: 'nobody' }), null)
    equal(await ask('GetReservation', { reservation_id: 'nobody' }), null)
    equal(await ask('GetStore', { store_id: 'nobody' }), null)
    deepEqual((await ask('GetPriceHistory', { product_id: 'nobody' })).items, [])
    const check = await ask('CheckAvailability', { product_id: 'nobody' })
    deepEqual([check.available, check.lines[0].reason], [false, 'is not a product'])
    const unstocked = await newProduct()
    equal(await ask('GetInventory', { product_id: unstocked }), null)
    equal(await ask('GetStock', { product_id: unstocked }), null)
    equal((await ask('GetProduct', { product_id: unstocked })).has_inventory, false)
  })

  test('the main store is there from the beginning', async () => {
    const { items, total } = await ask('ListStores')
    deepEqual(
      [items.length, total, items[0].store_id, items[0].is_main],
      [1, 1, MAIN_STORE_ID, true],
    )
    await done('UpdateStore', { store_id: 'main', name: 'Depot' })
    const { items: renamed } = await ask('ListStores')
    deepEqual([renamed.length, renamed[0].name], [1, 'Depot'])
    equal((await ask('GetStore', { store_id: 'main' })).name, 'Depot')
  })

  test('a product with stock is archived only by force, and sells no more', async () => {
    const product_id = await stocked('5')
    equal(await refused('DeleteProduct', { product_id }), 'invalid_state')
    await done('DeleteProduct', { product_id, force: true })
    equal(await refused('ReserveStock', { product_id, quantity: '1' }), 'invalid_state')
    await done('RestoreProduct', { product_id })
    await done('ReserveStock', { product_id, quantity: '1' })
  })

  test('closed stock is gone from the lists, and can be opened again', async () => {
    const product_id = await stocked('0')
    await done('CloseInventory', { product_id })
    equal(await ask('GetInventory', { product_id }), null)
    await done('AddStock', { product_id, quantity: '2' })
    equal((await ask('GetInventory', { product_id })).quantity, 2)
  })

  test('what ends is still known as it was: a reservation, and a store', async () => {
    const product_id = await stocked('5')
    const held = await done('ReserveStock', { product_id, quantity: '2' })
    const reservation_id = String(held.response.reservation_id)
    const before = position
    await done('ReleaseInventory', { reservation_id })
    const statusAt = async (when: object) =>
      (await ask('GetReservation', { reservation_id, ...when }))?.status
    deepEqual(
      [await statusAt({}), await statusAt({ as_of_position: before })],
      ['RELEASED', 'ACTIVE'],
    )
    deepEqual(
      [await statusAt({ as_of_version: 1 }), await statusAt({ as_of_version: 2 })],
      ['ACTIVE', 'RELEASED'],
    )
    const opened = await done('CreateStore', { name: 'Pop-up' })
    const store_id = String(opened.response.store_id)
    await done('CloseStore', { store_id })
    const openAt = async (when: object) => (await ask('GetStore', { store_id, ...when }))?.is_active
    deepEqual([await openAt({}), await openAt({ as_of_version: 1 })], [false, true])
  })

  test('the same reservation sent twice is made once', async () => {
    const product_id = await stocked('5')
    const input = { lines: [{ product_id, quantity: '2' }] }
    const first = await done('ReserveInventory', input, { command_id: 'same' })
    const second = await done('ReserveInventory', input, { command_id: 'same' })
    ok(second.replayed)
    deepEqual(second.response, first.response)
    equal((await ask('GetStock', { product_id })).reserved_quantity, 2)
  })

  test('a reservation that is not kept expires by itself', async ({ mock }) => {
    // However long the commands take here, its time comes after them.
    mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const product_id = await stocked('5')
    const limit = { product_id, quantity: '2', ttl_seconds: 1 }
    const { response } = await done('ReserveStock', limit)
    const kept = await done('ReserveStock', limit)
    await done('ExtendReservation', { reservation_id: kept.response.reservation_id, until: null })
    const { reservation_id } = response
    mock.timers.tick(1_001)
    // Ends by the test's own time-out where it never expires.
    while ((await ask('GetReservation', { reservation_id })).status === 'ACTIVE') await sleep(20)
    equal((await ask('GetReservation', { reservation_id })).status, 'EXPIRED')
    position = (await log.head()).position
    equal((await ask('GetStock', { product_id })).reserved_quantity, 2)
  })
})
