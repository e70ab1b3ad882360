// Every event has words, and they say what people look for.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { words } from './history.ts'
import { inWords } from './history-query.ts'
import { because, count, fieldsOf } from './words.ts'

const told = (type: string, data: object, measures = {}) => inWords(type, data, words, measures)

describe('an event in words', () => {
  test('names amounts in their currency and quantities in their steps', () => {
    const price = { product_id: 'p', previous_sell_price_minor: 999, sell_price_minor: 1299 }
    equal(
      told('ProductPriceChanged', { ...price, currency: 'EUR' }),
      'Price changed from 9.99 EUR to 12.99 EUR',
    )
    equal(
      told('ProductPriceChanged', { ...price, currency: 'JPY' }),
      'Price changed from 999 JPY to 1299 JPY',
    )
    const adjusted = { adjustment: -1375, reason: 'breakage' }
    equal(
      told('InventoryAdjusted', adjusted, { quantity_scale: 3 }),
      'Corrected by -1.375: breakage',
    )
    equal(told('InventoryAdjusted', { ...adjusted, adjustment: 2 }), 'Corrected by +2: breakage')
  })

  test('says why, where somebody said why', () => {
    equal(told('OrderCancelled', { reason: 'changed my mind' }), 'Cancelled: changed my mind')
    equal(
      told('SagaStepFailed', {
        step: 'authorize',
        attempt: 2,
        error: 'timeout',
        next_attempt_at: null,
      }),
      'Try 2 of authorize failed: timeout',
    )
    equal(because(''), '')
  })

  test('never tells what was written about a person', () => {
    const changed = { order_id: 'o', customer_id: 'c', shipping_address: { name: 'Ada Lovelace' } }
    equal(told('OrderUpdated', changed), 'Changed: shipping address')
    // After the person was forgotten there is nothing there.
    equal(told('OrderUpdated', { ...changed, shipping_address: null }), 'Changed: shipping address')
  })

  test('names a unit by its symbol too, where it has one', () => {
    equal(told('UnitCreated', { name: 'Kilogram', symbol: 'kg' }), 'Unit Kilogram (kg) created')
    equal(told('UnitCreated', { name: 'Box', symbol: null }), 'Unit Box created')
  })

  test('that nobody here knows is told by its name', () => {
    equal(told('SomethingOfTomorrow', {}), 'SomethingOfTomorrow')
    equal(told('constructor', {}), 'constructor')
  })
})

test('numbers of things, and names of fields', () => {
  deepEqual(
    [count([1], 'line'), count(0, 'line'), count(3, 'unit')],
    ['1 line', '0 lines', '3 units'],
  )
  equal(
    fieldsOf({ id: 1, sell_price_minor: 2, min_stock: 3, gone: undefined }, ['id']),
    'sell price, min stock',
  )
  equal(fieldsOf({ id: 1 }, ['id']), 'nothing')
})
