// A threshold that is raised: what is low by it is told at once, and once.
import { deepEqual } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Write } from '#kernel/decider.ts'
import { commandIn, given } from '#testing/given.ts'
import { productCreated, stockOpened } from './goods-fixture.ts'
import { inventory } from './inventory.ts'
import { stockedProduct } from './stocked-product.ts'

const command = commandIn(inventory.commands)
const P = 'tea'
const stocked = (...stores: readonly string[]): Write =>
  stockedProduct.write(
    P,
    stores.map((store_id) => stockedProduct.event('ProductStocked', { product_id: P, store_id })),
  )
const thing = (min_stock: number) => productCreated(P, { min_stock, quantity_scale: 1 })
const shelf = (quantity: number, store_id = MAIN_STORE_ID, min_stock: number | null = null) =>
  stockOpened(P, quantity, { min_stock, quantity_scale: 1 }, store_id)

/** What is told, of which store. */
function toldBy(history: readonly Write[], type: string, input: object): readonly object[] {
  const { writes } = given(...history)
    .when(command(type), { product_id: P, ...input })
    .decision()
  return writes
    .flatMap(({ events }) => events)
    .filter((event) => event.type === 'LowStockReached')
    .map(({ data }) => Object.values(data as object).slice(1))
}
const after = (history: readonly Write[], type: string, input: object): readonly Write[] => [
  ...history,
  ...given(...history)
    .when(command(type), { product_id: P, ...input })
    .decision().writes,
]

describe('the threshold of a product', () => {
  const stores = [stocked(MAIN_STORE_ID, 'b', 'own', 'closed'), shelf(45), shelf(50, 'b')]
  const history = [thing(40), ...stores, shelf(30, 'own', 20)]
  for (const type of ['UpdateProduct', 'UpdateProductDetails'])
    test(`that is raised tells at once where it is low by it: ${type}`, () => {
      deepEqual(toldBy(history, type, { min_stock: '4.5' }), [[MAIN_STORE_ID, 45, 45, 1, 45, true]])
      deepEqual(toldBy(history, type, { min_stock: '4.4' }), [])
      deepEqual(toldBy(history, type, { min_stock: '3' }), [])
      deepEqual(toldBy(history, type, { name: 'Green tea' }), [])
    })
  test('that is raised again tells only of what was not low before', () => {
    const raised = after(history, 'UpdateProduct', { min_stock: '4.5' })
    deepEqual(toldBy(raised, 'UpdateProduct', { min_stock: '4.5' }), [])
    deepEqual(
      toldBy(raised, 'UpdateProduct', { min_stock: '9' }).map((told) => Object.values(told)[0]),
      ['b'],
    )
    // Still low: it has not risen above the new threshold in between.
    const more = after(raised, 'UpdateProduct', { min_stock: '9' })
    const came = after(more, 'AddStock', { quantity: '4' })
    deepEqual(toldBy(came, 'AdjustInventory', { adjustment: '-4' }), [])
    const lowered = after(more, 'UpdateProduct', { min_stock: '1' })
    deepEqual(toldBy(lowered, 'UpdateProduct', { min_stock: '9' }).length, 2)
  })
})

describe('a product that is archived', () => {
  const lost = { adjustment: '-1' }
  const own = [thing(0), stocked(MAIN_STORE_ID, 'b'), shelf(45, MAIN_STORE_ID, 40), shelf(5, 'b')]
  const archived = after(own, 'DeleteProduct', { force: true })
  test('is not low while it is, whatever becomes of its stock', () => {
    deepEqual(toldBy(own, 'AdjustInventory', lost).length, 1)
    deepEqual(toldBy(archived, 'AdjustInventory', lost), [])
    deepEqual(toldBy(archived, 'UpdateProduct', { min_stock: '9' }), [])
  })
  test('is low again where it is when it is sold again', () => {
    const fewer = after(archived, 'AdjustInventory', lost)
    deepEqual(toldBy(fewer, 'RestoreProduct', {}), [[MAIN_STORE_ID, 35, 35, 1, 40, false]])
    const more = after(fewer, 'UpdateProduct', { min_stock: '9' })
    deepEqual(
      toldBy(more, 'RestoreProduct', {}).map((told) => Object.values(told)[0]),
      [MAIN_STORE_ID, 'b'],
    )
    deepEqual(toldBy(own, 'RestoreProduct', {}), [])
  })
})

describe('the threshold of a store', () => {
  test('that is raised tells at once, and not again for the next piece', () => {
    const history = [thing(0), stocked(MAIN_STORE_ID), shelf(45)]
    deepEqual(toldBy(history, 'UpdateInventory', { min_stock: '5' }), [
      [MAIN_STORE_ID, 45, 45, 1, 50, false],
    ])
    const raised = after(history, 'UpdateInventory', { min_stock: '5' })
    deepEqual(toldBy(raised, 'UpdateInventory', { min_stock: '6' }), [])
    deepEqual(toldBy(raised, 'AdjustInventory', { adjustment: '-1' }), [])
    deepEqual(toldBy(raised, 'UpdateProduct', { min_stock: '9' }), [])
  })
  test('that is taken away leaves the product’s to be told of', () => {
    const history = [thing(60), stocked(MAIN_STORE_ID), shelf(45, MAIN_STORE_ID, 50)]
    deepEqual(toldBy(history, 'UpdateInventory', { min_stock: null }), [
      [MAIN_STORE_ID, 45, 45, 1, 60, true],
    ])
  })
})
