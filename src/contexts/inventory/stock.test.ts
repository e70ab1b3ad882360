// What stock items may become, and when a product is archived: given, when, then.
import { describe, test } from 'node:test'
import { type Product, product } from '#contexts/catalog/public.ts'
import { MAIN_STORE_ID, store } from '#contexts/stores/public.ts'
import type { Write } from '#kernel/decider.ts'
import { commandIn, given } from '#testing/given.ts'
import { productCreated } from './goods-fixture.ts'
import { inventory } from './inventory.ts'
import { stockItem, stockKey } from './stock.ts'
import { stockedProduct } from './stocked-product.ts'

const command = commandIn(inventory.commands)
const createInventory = command('CreateInventory')
const addStock = command('AddStock')
const adjust = command('AdjustInventory')
const setStock = command('UpdateProductStock')
const close = command('CloseInventory')
const deleteProduct = command('DeleteProduct')

const P = '01980000-0000-7000-8000-000000000001'
const S = '01980000-0000-7000-8000-0000000000aa'
const KEY = stockKey(P, MAIN_STORE_ID)
const place = { product_id: P, store_id: MAIN_STORE_ID }

const productWith = ({ quantity_scale = 0 }: Partial<NonNullable<Product>> = {}): Write =>
  productCreated(P, { quantity_scale })
const thing = productWith()
const archived = product.write(P, [product.event('ProductArchived', { product_id: P })])
const stocked = stockedProduct.write(P, [stockedProduct.event('ProductStocked', place)])
const empty = {
  ...place,
  quantity: 0,
  quantity_scale: 0,
  location: null,
  min_stock: null,
  backorder_limit: 0,
}
const item = (changes: object = {}) =>
  stockItem.write(KEY, [stockItem.event('InventoryCreated', { ...empty, ...changes })])
/** What is said where the product was never stocked here before. */
const FIRST = { is_first: true }
const reservation_id = 'r1'
const held = (quantity: number) =>
  stockItem.write(KEY, [stockItem.event('StockReserved', { ...place, quantity, reservation_id })])
const adjustedBy = (adjustment: number, reason = 'correction') =>
  stockItem.write(KEY, [
    stockItem.event('InventoryAdjusted', { ...place, adjustment, reason, reference: null }),
  ])
const berlin = store.write(S, [
  store.event('StoreCreated', { store_id: S, name: 'Berlin', kind: 'shop', timezone: 'UTC' }),
])

describe('opening stock', () => {
  test('happens once per product and store, in the main store where none is named', () => {
    given(thing)
      .when(createInventory, { product_id: P, quantity: '100', location: 'A-1' })
      .writes(item({ quantity: 100, location: 'A-1', ...FIRST }), stocked)
      .answers({ ...place, quantity: 100, reserved_quantity: 0, available_quantity: 100 })
    given(thing, item()).when(createInventory, { product_id: P }).rejects('already_exists')
  })
  test('is kept per store', () => {
    given(thing, berlin, item(), stocked)
      .when(createInventory, { product_id: P, store_id: S })
      .answers({ store_id: S, quantity: 0 })
  })
  test('wants a product and a store that are there', () => {
    given().when(createInventory, { product_id: P }).rejects('not_found')
    given(thing).when(createInventory, { product_id: P, store_id: S }).rejects('not_found')
    given(thing, archived)
      .when(createInventory, { product_id: P })
      .rejects('invalid_state', { details: { product_id: P } })
  })
  test('tells all mistakes at once', () => {
    given(thing)
      .when(createInventory, {
        product_id: P,
        quantity: '-1',
        min_stock: '0.5',
        backorder_limit: '9999999999999',
      })
      .rejects('validation_failed', {
        errors: {
          quantity: 'must not be negative',
          min_stock: 'must be a whole number',
          backorder_limit: 'is too large',
        },
      })
  })
  test('opens a store too, where the settings say so', () => {
    given(thing)
      .at({ settings: { 'stores.auto_create': true } })
      .when(createInventory, { product_id: P, store_id: S })
      .writes(
        stockItem.write(stockKey(P, S), [
          stockItem.event('InventoryCreated', { ...empty, ...FIRST, store_id: S }),
        ]),
        stockedProduct.write(P, [
          stockedProduct.event('ProductStocked', { product_id: P, store_id: S }),
        ]),
        store.write(S, [
          store.event('StoreCreated', { store_id: S, name: S, kind: 'shop', timezone: 'UTC' }),
        ]),
      )
  })
  test('happens again after it was closed, without a second entry in the list of stores', () => {
    const closed = stockItem.write(KEY, [stockItem.event('InventoryClosed', place)])
    given(thing, item(), stocked, closed)
      .when(createInventory, { product_id: P, quantity: '3' })
      .writes(item({ quantity: 3 }))
  })
})

describe('adding stock', () => {
  const added = (quantity: number, more: object = {}) =>
    stockItem.event('StockAdded', {
      ...place,
      quantity,
      reason: 'receipt',
      reference: null,
      unit_cost_minor: null,
      ...more,
    })
  test('opens the stock item where there is none', () => {
    given(thing)
      .when(addStock, { product_id: P, quantity: '10' })
      .writes(
        stockItem.write(KEY, [
          stockItem.event('InventoryCreated', { ...empty, ...FIRST }),
          added(10),
        ]),
        stocked,
      )
      .answers({ quantity: 10 })
  })
  test('adds to what is there, with its cause and cost', () => {
    given(thing, item({ quantity: 5 }), stocked)
      .when(addStock, {
        product_id: P,
        store_id: 'main',
        quantity: '10',
        reason: 'delivery',
        reference: 'D-1',
        unit_cost: '1.25',
      })
      .writes(
        stockItem.write(KEY, [
          added(10, { reason: 'delivery', reference: 'D-1', unit_cost_minor: 125 }),
        ]),
      )
      .answers({ quantity: 15 })
  })
  test('takes fractions as fine as the product is counted, and no finer', () => {
    const cheese = productWith({ quantity_scale: 3 })
    given(cheese, item({ quantity_scale: 3 }))
      .when(addStock, { product_id: P, quantity: '1.250' })
      .answers({ quantity: 1250, quantity_scale: 3 })
    given(cheese, item({ quantity_scale: 3 }))
      .when(addStock, { product_id: P, quantity: '1.2505' })
      .rejects('validation_failed', { errors: { quantity: 'must have at most 3 decimals' } })
  })
  test('refuses nothing, less than nothing and too much', () => {
    for (const quantity of ['0', '-1'])
      given(thing)
        .when(addStock, { product_id: P, quantity })
        .rejects('validation_failed', { errors: { quantity: 'must be more than zero' } })
    given(thing, item({ quantity: 10 ** 12 }))
      .when(addStock, { product_id: P, quantity: '1' })
      .rejects('validation_failed', { errors: { quantity: 'is too large' } })
  })
  test('reads the cost in the product’s currency, and tells what is wrong with it', () => {
    given(thing)
      .when(addStock, { product_id: P, quantity: '1', unit_cost: '1.234' })
      .rejects('validation_failed', { errors: { unit_cost: 'must have at most 2 decimals' } })
  })
  test('refuses an archived product, an unknown and a closed store', () => {
    given(thing, archived, item())
      .when(addStock, { product_id: P, quantity: '1' })
      .rejects('invalid_state')
    given(thing).when(addStock, { product_id: P, store_id: S, quantity: '1' }).rejects('not_found')
    given(thing, berlin, store.write(S, [store.event('StoreClosed', { store_id: S })]))
      .when(addStock, { product_id: P, store_id: S, quantity: '1' })
      .rejects('invalid_state')
  })
  test('says when it happened, where that is told', () => {
    const occurred_at = '2010-12-01T08:26:00.000Z'
    given(thing, item())
      .at({ occurred_at })
      .when(addStock, { product_id: P, quantity: '1' })
      .writes(stockItem.write(KEY, [{ ...added(1), occurred_at }]))
  })
})

describe('adjusting stock', () => {
  test('goes up and down by a difference', () => {
    given(thing, item({ quantity: 100 }))
      .when(adjust, { product_id: P, adjustment: '-10', reason: 'damage' })
      .writes(adjustedBy(-10, 'damage'))
      .answers({ quantity: 90 })
    given(thing, item()).when(adjust, { product_id: P, adjustment: '7' }).answers({ quantity: 7 })
  })
  const short = (requested: number, available: number) => ({
    details: { lines: [{ ...place, requested, available }] },
  })
  test('never makes stock negative', () => {
    given(thing, item({ quantity: 5 }))
      .when(adjust, { product_id: P, adjustment: '-6' })
      .rejects('insufficient_stock', short(6, 5))
    given(thing, item({ quantity: 5 }))
      .when(adjust, { product_id: P, adjustment: '-5' })
      .answers({ quantity: 0 })
  })
  test('never takes what is promised', () => {
    given(thing, item({ quantity: 5 }), held(3))
      .when(adjust, { product_id: P, adjustment: '-3' })
      .rejects('insufficient_stock', short(3, 2))
  })
  test('does both where the settings allow negative stock', () => {
    given(thing, item({ quantity: 5 }), held(3))
      .at({ settings: { 'inventory.negative': true } })
      .when(adjust, { product_id: P, adjustment: '-6' })
      .answers({ quantity: -1, available_quantity: -4 })
  })
  test('may promise beyond what is there, but not take beyond it', () => {
    const open = item({ quantity: 5, backorder_limit: 4 })
    given(thing, open, held(6))
      .when(adjust, { product_id: P, adjustment: '-3' })
      .answers({ quantity: 2, available_quantity: -4 })
    given(thing, open, held(6))
      .when(adjust, { product_id: P, adjustment: '-4' })
      .rejects('insufficient_stock', short(4, 3))
    given(thing, open)
      .when(adjust, { product_id: P, adjustment: '-6' })
      .rejects('insufficient_stock', short(6, 5))
  })
  test('tells fractions as fractions where it is short', () => {
    given(productWith({ quantity_scale: 3 }), item({ quantity: 1_500, quantity_scale: 3 }))
      .when(adjust, { product_id: P, adjustment: '-1.75' })
      .rejects('insufficient_stock', short(1.75, 1.5))
  })
  test('may go down below zero by no setting but the one for it', () => {
    given(thing, item({ quantity: 5 }))
      .at({ settings: { 'inventory.negative': false } })
      .when(adjust, { product_id: P, adjustment: '-6' })
      .rejects('insufficient_stock')
  })
  test('has nothing to give below zero', () => {
    given(thing, item({ quantity: 1 }), adjustedBy(-5))
      .when(adjust, { product_id: P, adjustment: '-1' })
      .rejects('insufficient_stock', short(1, 0))
  })
  test('keeps the cause, and when it happened, where they are told', () => {
    const occurred_at = '2010-12-01T08:26:00.000Z'
    const told = { adjustment: 1, reason: 'found', reference: 'I-7' }
    given(thing, item())
      .at({ occurred_at })
      .when(adjust, { product_id: P, adjustment: '1', reason: 'found', reference: 'I-7' })
      .writes(
        stockItem.write(KEY, [
          stockItem.event('InventoryAdjusted', { ...place, ...told }, occurred_at),
        ]),
      )
  })
  test('goes up again from below zero', () => {
    given(thing, item({ quantity: 1 }), adjustedBy(-5))
      .when(adjust, { product_id: P, adjustment: '2' })
      .answers({ quantity: -2 })
  })
  test('refuses a difference of zero, and stock that was never opened', () => {
    given(thing, item())
      .when(adjust, { product_id: P, adjustment: '0' })
      .rejects('validation_failed', { errors: { adjustment: 'must not be zero' } })
    given(thing).when(adjust, { product_id: P, adjustment: '1' }).rejects('not_found')
    given()
      .when(adjust, { product_id: P, adjustment: '1' })
      .rejects('not_found', { details: { field: 'product_id' } })
  })
  test('corrects an archived product as well: its stock is still there', () => {
    given(thing, archived, item({ quantity: 2 }))
      .when(adjust, { product_id: P, adjustment: '-2' })
      .answers({ quantity: 0 })
  })
})

describe('setting stock', () => {
  test('writes the difference', () => {
    given(thing, item({ quantity: 5 }))
      .when(setStock, { product_id: P, quantity: '12' })
      .writes(adjustedBy(7))
    given(thing, item({ quantity: 5 }))
      .when(setStock, { product_id: P, quantity: '5' })
      .writesNothing()
  })
  test('opens the stock item where there is none', () => {
    given(thing)
      .when(setStock, { product_id: P, quantity: '12' })
      .writes(item({ quantity: 12, ...FIRST }), stocked)
  })
  test('is refused where the stock is not what the sender expected', () => {
    given(thing, item({ quantity: 5 }))
      .when(setStock, { product_id: P, quantity: '12', expected_quantity: '6' })
      .rejects('concurrency_conflict', { details: { current_quantity: 5 } })
    given(thing, item({ quantity: 5 }))
      .when(setStock, { product_id: P, quantity: '12', expected_quantity: '5' })
      .answers({ quantity: 12 })
  })
  test('wants a product, and where it opens stock, one that is sold in a store that is open', () => {
    const set = { product_id: P, quantity: '1' }
    given().when(setStock, set).rejects('not_found')
    given(thing, archived).when(setStock, set).rejects('invalid_state')
    given(thing)
      .when(setStock, { ...set, store_id: S })
      .rejects('not_found')
    given(thing, archived, item({ quantity: 2 }))
      .when(setStock, set)
      .answers({ quantity: 1 })
  })
  test('opens a store too, where the settings say so', () => {
    given(thing)
      .at({ settings: { 'stores.auto_create': true } })
      .when(setStock, { product_id: P, store_id: S, quantity: '0' })
      .writes(
        stockItem.write(stockKey(P, S), [
          stockItem.event('InventoryCreated', { ...empty, ...FIRST, store_id: S }),
        ]),
        stockedProduct.write(P, [
          stockedProduct.event('ProductStocked', { product_id: P, store_id: S }),
        ]),
        store.write(S, [
          store.event('StoreCreated', { store_id: S, name: S, kind: 'shop', timezone: 'UTC' }),
        ]),
      )
  })
  test('tells what is wrong by the field’s name', () => {
    given(thing, item())
      .when(setStock, { product_id: P, quantity: '-1', expected_quantity: '0.5' })
      .rejects('validation_failed', {
        errors: { quantity: 'must not be negative', expected_quantity: 'must be a whole number' },
      })
  })
  test('answers the whole of it', () => {
    const all = item({ quantity: 5, location: 'A-1', min_stock: 2, backorder_limit: 3 })
    given(thing, all, held(1))
      .when(setStock, { product_id: P, quantity: '5' })
      .answers({
        ...place,
        quantity: 5,
        reserved_quantity: 1,
        available_quantity: 4,
        quantity_scale: 0,
        backorder_limit: 3,
        location: 'A-1',
        min_stock: 2,
      })
  })
  test('never takes what is promised', () => {
    given(thing, item({ quantity: 5 }), held(3))
      .when(setStock, { product_id: P, quantity: '2' })
      .rejects('insufficient_stock')
  })
})

describe('closing stock', () => {
  const closed = stockItem.write(KEY, [stockItem.event('InventoryClosed', place)])
  test('wants it empty and not promised', () => {
    given(item()).when(close, { product_id: P }).writes(closed)
    given(item({ quantity: 1 }))
      .when(close, { product_id: P })
      .rejects('invalid_state', {
        details: { quantity: 1, reserved_quantity: 0, incoming_quantity: 0 },
      })
    given(item({ backorder_limit: 5 }), held(2))
      .when(close, { product_id: P })
      .rejects('invalid_state', {
        details: { quantity: 0, reserved_quantity: 2, incoming_quantity: 0 },
      })
  })
  test('tells fractions as fractions, where the product is known', () => {
    given(
      productWith({ quantity_scale: 3 }),
      item({ quantity: 1_500, quantity_scale: 3 }),
      held(250),
    )
      .when(close, { product_id: P })
      .rejects('invalid_state', {
        details: { quantity: 1.5, reserved_quantity: 0.25, incoming_quantity: 0 },
      })
  })
  test('is done once', () => {
    given(item(), closed).when(close, { product_id: P }).writesNothing()
    given().when(close, { product_id: P }).rejects('not_found')
  })
})

describe('archiving a product', () => {
  test('is refused while it is in stock or promised in any store', () => {
    given(thing, stocked, item({ quantity: 2 }))
      .when(deleteProduct, { product_id: P })
      .rejects('invalid_state', {
        details: {
          stores: [
            { store_id: MAIN_STORE_ID, quantity: 2, reserved_quantity: 0, incoming_quantity: 0 },
          ],
        },
      })
    given(thing, stocked, item({ backorder_limit: 1 }), held(1))
      .when(deleteProduct, { product_id: P })
      .rejects('invalid_state')
  })
  test('is done where nothing is left, or where the sender insists; once', () => {
    given(thing, stocked, item()).when(deleteProduct, { product_id: P }).writes(archived)
    given(thing).when(deleteProduct, { product_id: P }).answers({ is_active: false })
    given(thing, stocked, item({ quantity: 2 }))
      .when(deleteProduct, { product_id: P, force: true })
      .writes(archived)
    given(thing, archived).when(deleteProduct, { product_id: P }).writesNothing()
    given().when(deleteProduct, { product_id: P }).rejects('not_found')
  })
})
