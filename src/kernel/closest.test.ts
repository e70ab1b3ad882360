// Which known name a misspelt one means, and when it means none.
import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { closest } from './closest.ts'

const FIELDS = ['product_id', 'quantity', 'unit_price', 'sku']

for (const [told, meant, why] of [
  ['quantity', 'quantity', 'the name itself'],
  ['Quantity', 'quantity', 'in capitals'],
  ['quantty', 'quantity', 'a letter missing'],
  ['quanntity', 'quantity', 'a letter too many'],
  ['quamtity', 'quantity', 'another letter'],
  ['uqantity', 'quantity', 'the first two turned round'],
  ['quantiyt', 'quantity', 'the last two turned round'],
  ['product', null, 'three of seven letters'],
  ['producti', 'product_id', 'two of eight letters'],
  ['skx', 'sku', 'one of three letters'],
  ['sxx', null, 'two of three letters'],
  ['sk', null, 'a letter to add to two'],
  ['', null, 'nothing told'],
] as const)
  test(`${why}: ${told} means ${meant}`, () => equal(closest(told, FIELDS), meant))

test('of several that are near it is the nearest, wherever it stands', () => {
  equal(closest('cart_line', ['card_lines', 'cart_lines', 'card_line_s']), 'cart_lines')
  equal(closest('cart_line', ['cart_lines', 'card_lines']), 'cart_lines')
})

test('of two that are equally near it is the first', () => {
  equal(closest('cost', ['cast', 'most']), 'cast')
})

test('nothing is near where nothing is known', () => {
  equal(closest('quantity', []), null)
})
