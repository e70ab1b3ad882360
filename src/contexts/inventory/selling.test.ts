// Goods over a counter: what is booked, what is refused, and what becomes somebody's work.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Moment, Write } from '#kernel/decider.ts'
import { NOW, statesAfter } from '#testing/given.ts'
import { discrepancy } from './discrepancy.ts'
import { productCreated, stockOpened } from './goods-fixture.ts'
import { type StockPolicy, sellStock } from './selling.ts'
import { stockItem, stockKey } from './stock.ts'
import { stockedProduct } from './stocked-product.ts'

const P = 'tea'
const place = { product_id: P, store_id: MAIN_STORE_ID }
const KEY = stockKey(P, MAIN_STORE_ID)
const reserved = (quantity: number): Write =>
  stockItem.write(KEY, [
    stockItem.event('StockReserved', { ...place, quantity, reservation_id: 'r1' }),
  ])
const moment = (more: Partial<Moment> = {}): Moment => ({
  now: NOW,
  command_id: 'c',
  source: 'api',
  settings: {},
  number: 1,
  looked: [],
  blind: () => '',
  id: (name) => name,
  ...more,
})
const sell = (
  history: readonly Write[],
  quantities: readonly number[],
  policy: StockPolicy = 'warn',
  more: Partial<Moment> = {},
) =>
  sellStock(
    statesAfter(...history),
    {
      store_id: MAIN_STORE_ID,
      lines: quantities.map((quantity) => ({ product_id: P, quantity })),
      reason: 'sale',
      reference: 'S-1',
      policy,
    },
    moment(more),
  )
function booked(...args: Parameters<typeof sell>) {
  const sold = sell(...args)
  ok('writes' in sold, JSON.stringify(sold))
  return sold
}
const typesOf = (writes: readonly Write[]) =>
  writes.flatMap(({ events }) => events.map((e) => e.type))
const foundBy = (writes: readonly Write[]) =>
  writes
    .filter(({ stream }) => stream.startsWith('discrepancy-'))
    .map(
      ({ events: [event] }) => event!.data as { missing: number; kind: string; quantity: number },
    )

const open = [productCreated(P), stockOpened(P, 5)]

describe('selling over a counter', () => {
  test('takes from stock with its reason and the number of the sale', () => {
    deepEqual(booked(open, [2]), {
      writes: [
        stockItem.write(KEY, [
          stockItem.event('InventoryAdjusted', {
            ...place,
            adjustment: -2,
            reason: 'sale',
            reference: 'S-1',
          }),
        ]),
      ],
      warnings: [],
    })
  })
  test('judges lines of one product together: two pass singly and not both', () => {
    const refused = sell(open, [3, 3], 'block')
    ok('rejected' in refused)
    equal(refused.rejected.code, 'insufficient_stock')
    deepEqual(refused.rejected.details, { lines: [{ ...place, requested: 6, available: 5 }] })
    deepEqual(typesOf(booked(open, [3, 2], 'block').writes), ['InventoryAdjusted'])
  })
  test('what is promised is not free: blocked, or sold with a warning and a discrepancy', () => {
    const history = [...open, reserved(4)]
    ok('rejected' in sell(history, [2], 'block'))
    const { writes, warnings } = booked(history, [2])
    deepEqual(warnings, [{ ...place, requested: 2, available: 1, quantity_scale: 0 }])
    deepEqual(
      foundBy(writes).map(({ kind, missing, quantity }) => [kind, missing, quantity]),
      [['sale', 1, 3]],
    )
    deepEqual(booked(history, [2], 'allow').warnings, [])
    equal(foundBy(booked(history, [2], 'allow').writes).length, 1)
  })
  test('what is not there is booked below zero, and each sale finds only its own part', () => {
    const first = booked(open, [7])
    deepEqual(
      foundBy(first.writes).map(({ missing, quantity }) => [missing, quantity]),
      [[2, -2]],
    )
    const second = booked([...open, ...first.writes], [1])
    deepEqual(
      foundBy(second.writes).map(({ missing, quantity }) => [missing, quantity]),
      [[1, -3]],
    )
  })
  test('goods that come back are free again, and what goes out and comes back is nothing', () => {
    deepEqual(typesOf(booked(open, [-2]).writes), ['InventoryAdjusted'])
    deepEqual(booked(open, [2, -2]).writes, [])
  })
  test('opens the stock of what was never stocked here', () => {
    const { writes } = booked([productCreated(P)], [1])
    deepEqual(typesOf(writes), [
      'InventoryCreated',
      'InventoryAdjusted',
      'ProductStocked',
      'StockDiscrepancyDetected',
    ])
    const listed = stockedProduct.event('ProductStocked', place)
    const again = booked([productCreated(P), stockedProduct.write(P, [listed])], [-1])
    deepEqual(typesOf(again.writes), ['InventoryCreated', 'InventoryAdjusted'])
  })
  test('asks for what it has to write besides', () => {
    const all = statesAfter(...open)
    const asked: string[] = []
    const given = {
      ...all,
      lacking: (refs: readonly { stream: string }[]) => {
        const missing = refs.filter(({ stream }) => stream.startsWith('discrepancy-'))
        asked.push(...missing.map(({ stream }) => stream))
        return missing as never
      },
    }
    const sold = sellStock(
      given,
      {
        store_id: MAIN_STORE_ID,
        lines: [{ product_id: P, quantity: 9 }],
        reason: 'sale',
        reference: 'S-1',
        policy: 'allow',
      },
      moment(),
    )
    ok('ask' in sold)
    deepEqual(asked, [discrepancy.at(`discrepancy:sale:${KEY}`).stream])
  })
  test('fills those who wait first when goods come back', () => {
    const waiting = [
      productCreated(P),
      stockOpened(P, 0, { backorder_limit: 9 }),
      stockItem.write(KEY, [
        stockItem.event('StockReserved', {
          ...{ ...place, quantity: 2, reservation_id: 'old', backordered: 2 },
        }),
        stockItem.event('StockReserved', {
          ...{ ...place, quantity: 2, reservation_id: 'new', backordered: 2 },
        }),
      ]),
    ]
    const [write] = booked(waiting, [-3]).writes
    deepEqual(write!.events[1]!.data, {
      ...place,
      lines: [
        { reservation_id: 'old', quantity: 2 },
        { reservation_id: 'new', quantity: 1 },
      ],
    })
  })
})

describe('low stock', () => {
  const low = (writes: readonly Write[]) =>
    writes
      .flatMap(({ events }) => events)
      .filter(({ type }) => type === 'LowStockReached')
      .map(({ data }) => data as { available_quantity: number; threshold: number })
      .map(({ available_quantity, threshold }) => [available_quantity, threshold])

  test('is told once for each time that it falls to the threshold', () => {
    const history: Write[] = [productCreated(P, { min_stock: 3 }), stockOpened(P, 5)]
    const sold = (quantity: number) => {
      const { writes } = booked(history, [quantity], 'allow')
      history.push(...writes)
      return low(writes)
    }
    deepEqual(sold(1), [])
    deepEqual(sold(1), [[3, 3]])
    deepEqual(sold(1), [])
    deepEqual(sold(-1), [])
    deepEqual(sold(-1), [])
    deepEqual(sold(1), [[3, 3]])
    deepEqual(sold(9), [])
  })
  test('counts what is free, by the store’s own threshold where it has one', () => {
    const own = [productCreated(P, { min_stock: 9 }), stockOpened(P, 9, { min_stock: 4 })]
    deepEqual(low(booked([...own, reserved(3)], [1]).writes), [])
    deepEqual(low(booked([...own, reserved(4)], [1]).writes), [[4, 4]])
  })
  test('is nothing where nobody has named a threshold', () => {
    deepEqual(low(booked(open, [5]).writes), [])
    deepEqual(
      low(
        booked([productCreated(P, { min_stock: 9 }), stockOpened(P, 9, { min_stock: 0 })], [9])
          .writes,
      ),
      [],
    )
  })
})
