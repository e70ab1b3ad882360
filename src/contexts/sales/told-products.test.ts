// Goods that only a till knew: told under one id or one code they are one product, and no other.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Moment } from '#kernel/decider.ts'
import { NOW } from '#testing/given.ts'
import { openedProducts, type ToldItem } from './told-products.ts'

const moment: Moment = {
  ...{ now: NOW, command_id: 'c', source: 'api', settings: {}, number: 1, looked: [] },
  blind: () => '',
  id: (name) => `id-of-${name}`,
}
const item = (product_id: string | null, code: string | null, quantity = '1'): ToldItem => ({
  ...{ product_id, code, name: undefined, quantity, price_minor: 500 },
})
const opened = (...items: readonly ToldItem[]) => openedProducts(items, 'USD', moment, NOW)

test('one product for each id and each code that is told', () => {
  const all = opened(
    ...[item('a', null), item(null, 'C'), item('b', null), item('a', null), item(null, 'C')],
    ...[item(null, 'D'), item('e', 'E'), item('e', null), item(null, 'E')],
  )
  deepEqual(
    all.map(({ product_id }) => product_id),
    ['a', 'id-of-product:C', 'b', 'a', 'id-of-product:C', 'id-of-product:D', 'e', 'e', 'e'],
  )
  equal(new Set(all).size, 5)
  deepEqual(
    [...new Set(all)].map(({ state: { code } }) => code),
    ['told-id-of-code:a', 'C', 'told-id-of-code:b', 'D', 'E'],
  )
})

test('is counted as finely as it was told, by a thousandth at least', () => {
  const scales = (...quantities: readonly string[]) =>
    opened(...quantities.map((quantity) => item('a', null, quantity))).map(
      ({ state }) => state.quantity_scale,
    )
  deepEqual(scales('1'), [3])
  deepEqual(scales('0.0001', '2'), [4, 4])
  deepEqual(scales('2', '0.00001'), [5, 5])
  deepEqual(scales('0.000001'), [6])
})
