// Goods between two stores: what is sent, what comes, what is called back and what never comes.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAIN_STORE_ID, store } from '#contexts/stores/public.ts'
import type { Command, Write } from '#kernel/decider.ts'
import { commandIn, given, statesAfter } from '#testing/given.ts'
import { productCreated, stockOpened } from './goods-fixture.ts'
import { inventory } from './inventory.ts'
import { type StockState, stockItem, stockKey } from './stock.ts'
import { stockedProduct } from './stocked-product.ts'
import { inTransit, transfer } from './transfer.ts'

const command = commandIn(inventory.commands)
const [start, receive, cancel] = ['StartTransfer', 'ReceiveTransfer', 'CancelTransfer'].map(command)
const T = '01980000-0000-7000-8000-00000000c0de'
const [A, B] = [MAIN_STORE_ID, 'berlin']
const way = { from_store_id: 'main', to_store_id: B }
const berlin = store.write(B, [
  store.event('StoreCreated', { store_id: B, name: 'Berlin', kind: 'shop', timezone: 'UTC' }),
])
const listed = (product_id: string) =>
  stockedProduct.write(
    product_id,
    [A, B].map((store_id) => stockedProduct.event('ProductStocked', { product_id, store_id })),
  )
const goods = [
  ...[berlin, productCreated('tea'), productCreated('ale'), listed('tea'), listed('ale')],
  ...[stockOpened('tea', 10), stockOpened('ale', 4), stockOpened('ale', 1, {}, B)],
]
const lines = [
  { product_id: 'tea', quantity: '6' },
  { product_id: 'ale', quantity: '2' },
]
const sent = (): Write[] => [
  ...goods,
  ...given(...goods)
    .when(start!, { ...way, lines })
    .decision().writes,
]
const then = (history: readonly Write[], which: Command, input: object): Write[] => [
  ...history,
  ...given(...history)
    .when(which, { transfer_id: T, ...input })
    .decision().writes,
]
const stockAfter = (history: readonly Write[], product_id: string, store_id: string) => {
  const state: StockState | null = statesAfter(...history).state(
    stockItem.at(stockKey(product_id, store_id)),
  )
  return state === null ? null : [state.quantity, state.incoming]
}
const bothAfter = (history: readonly Write[], product_id: string) =>
  [A, B].map((store_id) => stockAfter(history, product_id, store_id))
const stateAfter = (history: readonly Write[]) => statesAfter(...history).state(transfer.at(T))!
const missingAfter = (history: readonly Write[]) =>
  history
    .filter(({ stream }) => stream.startsWith('discrepancy-'))
    .map(({ events: [event] }) => event!.data as Record<string, unknown>)
    .map(({ product_id, store_id, kind, missing }) => [product_id, store_id, kind, missing])

describe('sending goods', () => {
  test('takes them here and shows them on their way there, where they cannot be sold yet', () => {
    const history = sent()
    deepEqual(bothAfter(history, 'tea'), [
      [4, 0],
      [0, 6],
    ])
    deepEqual(bothAfter(history, 'ale'), [
      [2, 0],
      [1, 2],
    ])
    given(...history)
      .when(command('ReserveStock'), { product_id: 'ale', store_id: B, quantity: '2' })
      .rejects('insufficient_stock')
  })
  test('sums lines of one product before it looks whether they are there', () => {
    const twice = [lines[0], lines[0]]
    given(...goods)
      .when(start!, { ...way, lines: twice })
      .rejects('insufficient_stock', {
        details: { lines: [{ product_id: 'tea', store_id: A, requested: 12, available: 10 }] },
      })
  })
  test('leaves what is promised, and what was never there', () => {
    const held = stockItem.write(stockKey('tea', A), [
      stockItem.event('StockReserved', {
        ...{ product_id: 'tea', store_id: A, quantity: 5, reservation_id: 'r' },
      }),
    ])
    given(...goods, held)
      .when(start!, { ...way, lines })
      .rejects('insufficient_stock', {
        details: { lines: [{ product_id: 'tea', store_id: A, requested: 6, available: 5 }] },
      })
    given(...goods)
      .when(start!, { from_store_id: B, to_store_id: 'main', lines: [lines[0]] })
      .rejects('insufficient_stock')
  })
  test('sends what the book does not have where the shop allows less than nothing', () => {
    const more = [{ product_id: 'tea', quantity: '12' }]
    given(...goods)
      .at({ settings: { 'inventory.negative': true } })
      .when(start!, { ...way, lines: more })
      .answers({ status: 'IN_TRANSIT' })
    given(...goods)
      .at({ settings: { 'inventory.negative': 'true' } })
      .when(start!, { ...way, lines: more })
      .rejects('insufficient_stock')
  })
  test('wants two stores, products, and quantities in their steps', () => {
    const wrong = (input: object) => given(...goods).when(start!, { ...way, lines, ...input })
    wrong({ to_store_id: A }).rejects('validation_failed', {
      errors: { to_store_id: 'must be another store' },
    })
    wrong({ to_store_id: 'nowhere' }).rejects('not_found')
    wrong({ from_store_id: 'nowhere' }).rejects('not_found')
    wrong({ lines: [{ product_id: 'rum', quantity: '1' }] }).rejects('not_found')
    wrong({ lines: [lines[0], { product_id: 'ale', quantity: '0.5' }] }).rejects(
      'validation_failed',
      { errors: { 'lines.1.quantity': 'must be a whole number' } },
    )
    wrong({ lines: [{ product_id: 'ale', quantity: '-1' }] }).rejects('validation_failed', {
      errors: { 'lines.0.quantity': 'must be more than zero' },
    })
    given(...sent())
      .when(start!, { ...way, lines, transfer_id: T })
      .rejects('already_exists')
  })
  test('leaves a closed store, and goes to none', () => {
    const closed = store.write(B, [store.event('StoreClosed', { store_id: B })])
    given(...goods, closed)
      .when(start!, { ...way, lines })
      .rejects('invalid_state')
    const back = { from_store_id: B, to_store_id: 'main', lines: [{ ...lines[1], quantity: '1' }] }
    given(...goods, closed)
      .when(start!, back)
      .answers({ status: 'IN_TRANSIT' })
  })
})

describe('receiving goods', () => {
  test('all at once, where nothing is said', () => {
    const history = then(sent(), receive!, {})
    deepEqual(
      [bothAfter(history, 'tea'), bothAfter(history, 'ale')],
      [
        [
          [4, 0],
          [6, 0],
        ],
        [
          [2, 0],
          [3, 0],
        ],
      ],
    )
    equal(stateAfter(history).status, 'RECEIVED')
    given(...history)
      .when(receive!, { transfer_id: T })
      .rejects('invalid_state')
  })
  test('in parts, some damaged, until all of it is accounted for', () => {
    const first = [{ product_id: 'tea', received: '2', damaged: '1' }]
    const half = then(sent(), receive!, { lines: first })
    deepEqual(bothAfter(half, 'tea'), [
      [4, 0],
      [2, 3],
    ])
    equal(stateAfter(half).status, 'IN_TRANSIT')
    const rest = [
      { product_id: 'tea', received: '3' },
      { product_id: 'ale', damaged: '2' },
    ]
    const whole = then(half, receive!, { lines: rest })
    deepEqual(bothAfter(whole, 'tea')[1], [5, 0])
    deepEqual(bothAfter(whole, 'ale')[1], [1, 0])
    equal(stateAfter(whole).status, 'RECEIVED')
    deepEqual(missingAfter(whole), [])
    deepEqual(
      stateAfter(whole).lines.map((line) => [line.damaged_quantity, inTransit(line)]),
      [
        [1, 0],
        [2, 0],
      ],
    )
  })
  test('one product after the other, each with what became of it alone', () => {
    const tea = [{ product_id: 'tea', received: '6' }]
    const first = then(sent(), receive!, { lines: tea })
    equal(stateAfter(first).status, 'IN_TRANSIT')
    const moves = (which: Command, input: object) =>
      given(...first)
        .when(which, { transfer_id: T, ...input })
        .decision()
        .writes.flatMap(({ stream, events }) =>
          stream.startsWith('stock-') ? events.map(({ type }) => `${type} ${stream}`) : [],
        )
    const ale = [stockKey('ale', A), stockKey('ale', B)].map((key) => `stock-${key}`)
    deepEqual(moves(receive!, {}), [`StockTransferredIn ${ale[1]}`])
    deepEqual(moves(receive!, { lines: [], close: true }), [`IncomingStockChanged ${ale[1]}`])
    deepEqual(moves(cancel!, {}), [
      `StockTransferredIn ${ale[0]}`,
      `IncomingStockChanged ${ale[1]}`,
    ])
  })
  test('what never comes is missing when it is closed, and somebody’s work', () => {
    const history = then(sent(), receive!, {
      lines: [{ product_id: 'tea', received: '5' }],
      close: true,
    })
    deepEqual(bothAfter(history, 'tea'), [
      [4, 0],
      [5, 0],
    ])
    deepEqual(bothAfter(history, 'ale')[1], [1, 0])
    deepEqual(missingAfter(history), [
      ['tea', B, 'transfer', 1],
      ['ale', B, 'transfer', 2],
    ])
    equal(stateAfter(history).status, 'RECEIVED')
    deepEqual(
      stateAfter(history).lines.map((line) => [line.missing_quantity, inTransit(line)]),
      [
        [1, 0],
        [2, 0],
      ],
    )
  })
  test('is refused beyond what is on its way, and for what was not sent', () => {
    const wrong = (lines: readonly object[], errors: Record<string, string>) =>
      given(...sent())
        .when(receive!, { transfer_id: T, lines })
        .rejects('validation_failed', { errors })
    wrong([{ product_id: 'tea', received: '6', damaged: '1' }], {
      'lines.0.received': 'is more than is on its way: receive that, and count the rest',
    })
    wrong(
      [
        { product_id: 'tea', received: '4' },
        { product_id: 'tea', received: '4' },
      ],
      { 'lines.1.received': 'is more than is on its way: receive that, and count the rest' },
    )
    wrong([{ product_id: 'rum', received: '1' }], {
      'lines.0.product_id': 'is not in this transfer',
    })
    wrong([{ product_id: 'tea', received: '-1' }], {
      'lines.0.received': 'must not be negative',
    })
    wrong([], { lines: 'must name what has come' })
    given().when(receive!, { transfer_id: T }).rejects('not_found')
  })
})

describe('calling goods back', () => {
  test('brings home what has not come; what has stays', () => {
    const half = then(sent(), receive!, { lines: [{ product_id: 'tea', received: '2' }] })
    const history = then(half, cancel!, { reason: 'wrong store' })
    deepEqual(
      [bothAfter(history, 'tea'), bothAfter(history, 'ale')],
      [
        [
          [8, 0],
          [2, 0],
        ],
        [
          [4, 0],
          [1, 0],
        ],
      ],
    )
    equal(stateAfter(history).status, 'CANCELLED')
    given(...history)
      .when(cancel!, { transfer_id: T })
      .writesNothing()
      .answers({ status: 'CANCELLED' })
    given(...history)
      .when(receive!, { transfer_id: T })
      .rejects('invalid_state')
  })
  test('opens the stock again that was closed meanwhile', () => {
    const all = [{ product_id: 'tea', quantity: '10' }]
    const gone = [
      ...goods,
      ...given(...goods)
        .when(start!, { ...way, lines: all })
        .decision().writes,
    ]
    const closed = [
      ...gone,
      ...given(...gone)
        .when(command('CloseInventory'), { product_id: 'tea' })
        .decision().writes,
    ]
    deepEqual(bothAfter(then(closed, cancel!, {}), 'tea'), [
      [10, 0],
      [0, 0],
    ])
  })
  test('is too late when all has come', () => {
    given(...then(sent(), receive!, {}))
      .when(cancel!, { transfer_id: T })
      .rejects('invalid_state')
    given().when(cancel!, { transfer_id: T }).rejects('not_found')
  })
})

test('stock is not closed while goods are on their way to it', () => {
  given(...sent())
    .when(command('CloseInventory'), { product_id: 'tea', store_id: B })
    .rejects('invalid_state', {
      details: { quantity: 0, reserved_quantity: 0, incoming_quantity: 6 },
    })
  const all = given(...goods).when(start!, { ...way, lines: [{ ...lines[0], quantity: '10' }] })
  given(...goods, ...all.decision().writes)
    .when(command('DeleteProduct'), { product_id: 'tea' })
    .rejects('invalid_state', {
      details: {
        stores: [{ store_id: B, quantity: 0, reserved_quantity: 0, incoming_quantity: 10 }],
      },
    })
})
