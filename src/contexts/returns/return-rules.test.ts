// What of an order may come back, what it is paid back with, and what goes on the shelf again.
// Without log or clock.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { productCreated, stockOpened } from '#contexts/inventory/goods-fixture.ts'
import { cancelOrderLines } from '#contexts/orders/cancel-lines.ts'
import { createOrder } from '#contexts/orders/create-order.ts'
import { recordLabelOutcome } from '#contexts/orders/label-outcome.ts'
import { recordPaymentOutcome } from '#contexts/orders/payment-outcome.ts'
import { order } from '#contexts/orders/public.ts'
import { shipOrder } from '#contexts/orders/ship-order.ts'
import { MAIN_STORE_ID, store } from '#contexts/stores/public.ts'
import type { Command, Write } from '#kernel/decider.ts'
import { asking, type Step, statesAfter, type Then } from '#testing/given.ts'
import { closeReturn } from './close-return.ts'
import { receiveReturn } from './receive-return.ts'
import { requestReturn } from './request-return.ts'

const commands: readonly Command[] = [
  ...[createOrder('simulator'), cancelOrderLines, recordPaymentOutcome, recordLabelOutcome],
  ...[shipOrder, requestReturn, receiveReturn, closeReturn],
]
const { after, when, whenAt } = asking((type) => commands.find((one) => one.type === type)!, [])

const ORDER = '01980000-0000-7000-8000-000000000001'
const RETURN = '01980000-0000-7000-8000-0000000000aa'
const OTHER = '01980000-0000-7000-8000-0000000000bb'
const of = { order_id: ORDER }
const settings = { 'payments.default_method': 'credit_card', 'money.taxes': ['standard:VAT:20'] }
const shelves: readonly Write[] = [
  productCreated('cup'),
  productCreated('tea', { quantity_scale: 3, sell_price_minor: 333 }),
  stockOpened('cup', 10),
  stockOpened('tea', 5_000, { quantity_scale: 3 }),
]
const told = { ...of, payment_id: ORDER }
const paid = (operation: string): Step => [
  'RecordPaymentOutcome',
  { ...told, operation_id: `${ORDER}:${operation}`, status: 'succeeded', reference: 'r-1' },
]
const label: Step = [
  'RecordLabelOutcome',
  {
    ...{ ...told, operation_id: `${ORDER}:label:1`, status: 'succeeded' },
    ...{ tracking_number: 'T-1', carrier: 'post' },
  },
]
/** Three cups at 5.00, half a kilo of tea at 1.67: paid, and not sent. */
const bought = after(
  shelves,
  [
    [
      'CreateOrder',
      {
        ...{ ...of, customer_id: 'c-1' },
        items: [
          { product_id: 'cup', quantity: '3' },
          { product_id: 'tea', quantity: '0.5' },
        ],
      },
    ],
    ...[paid('authorize:1'), label, paid('capture:2')],
  ],
  { settings },
)
const sent = after(bought, [['ShipOrder', of]])
type Told = readonly [line: number, quantity: string, more?: object]
const linesOf = (all: readonly Told[]) =>
  all.map(([line, quantity, more = {}]) => ({ line, quantity, ...more }))
const request = (...lines: readonly Told[]): Step => [
  'RequestReturn',
  { ...of, return_id: RETURN, lines: linesOf(lines), reason: 'too small' },
]
const receive = (lines: readonly Told[], more: object = {}): Step => [
  'ReceiveReturn',
  { return_id: RETURN, lines: linesOf(lines), ...more },
]
const close: Step = ['CloseReturn', { return_id: RETURN, reason: 'never came' }]
const eventsIn = (then: Then) => then.decision().writes.flatMap(({ events }) => events)
// biome-ignore lint/suspicious/noExplicitAny: events are looked at field by field
const dataOf = (then: Then, type: string): any =>
  eventsIn(then).find((event) => event.type === type)?.data
const stocked = (then: Then) =>
  eventsIn(then).flatMap(({ type, data }) => {
    const { product_id, quantity } = data as { product_id: string; quantity: number }
    return type === 'StockAdded' ? [[product_id, quantity]] : []
  })
const returnsAfter = (history: readonly Write[]) => {
  const states = statesAfter(...history)
  return states.state(order.at(ORDER))!.returns.length
}

describe('a return', () => {
  it('is asked for, of what has left and is not asked for yet', () => {
    const then = when(sent, ...request([1, '2'], [2, '0.1']))
    then.answers({ return_id: RETURN, status: 'REQUESTED' })
    const asked = dataOf(then, 'ReturnRequested')
    deepEqual(
      [asked.reason, asked.customer_id, asked.store_id],
      ['too small', 'c-1', MAIN_STORE_ID],
    )
    deepEqual(asked.lines, [
      { line: 1, product_id: 'cup', code: 'CUP', quantity: 2, quantity_scale: 0 },
      { line: 2, product_id: 'tea', code: 'TEA', quantity: 100, quantity_scale: 3 },
    ])
    const noted = dataOf(then, 'OrderReturnChanged')
    deepEqual([noted.return_status, noted.amount_minor], ['requested', 0])
    const open = after(sent, [request([1, '2'])])
    when(open, ...request([1, '1'])).rejects('already_exists')
    when(open, 'RequestReturn', {
      ...{ ...of, return_id: OTHER, reason: 'late' },
      lines: linesOf([[1, '2']]),
    }).rejects('business_rule_violated', {
      details: { lines: [{ line: 1, requested: 2, available: 1 }] },
    })
    when(bought, ...request([1, '1'])).rejects('invalid_state', {
      details: { status: 'CONFIRMED' },
    })
    when(shelves, ...request([1, '1'])).rejects('not_found')
  })
  it('arrives in parts, each paid back with what these units had cost', () => {
    const open = after(sent, [request([1, '2'], [2, '0.5'])])
    const first = when(open, ...receive([[1, '1']]))
    first.answers({ status: 'PARTIALLY_RECEIVED', total_amount_minor: 500, refund_minor: 500 })
    const come = dataOf(first, 'ReturnReceived')
    deepEqual([come.net_minor, come.tax_minor, come.payment_id], [417, 83, ORDER])
    deepEqual(stocked(first), [['cup', 1]])
    equal(dataOf(first, 'PaymentRefundRequested').amount_minor, 500)
    equal(dataOf(first, 'OrderReturnChanged').return_status, 'partially_returned')
    when(open, ...receive([[1, '2']])).answers({ status: 'PARTIALLY_RECEIVED' })
    const part = after(open, [receive([[1, '1']])])
    const rest = when(
      part,
      ...receive([
        [1, '1'],
        [2, '0.25'],
        [2, '0.25'],
      ]),
    )
    rest.answers({ status: 'RECEIVED', total_amount_minor: 667, refund_minor: 667 })
    // One after the other: half of 1.67, then the other half of it.
    deepEqual(
      dataOf(rest, 'ReturnReceived').lines.map(
        (each: { amount_minor: number }) => each.amount_minor,
      ),
      [500, 84, 83],
    )
    equal(
      returnsAfter(
        after(part, [
          receive([
            [1, '1'],
            [2, '0.5'],
          ]),
        ]),
      ),
      0,
    )
    // The refund of the first part is under way: this one is asked for after it.
    equal(dataOf(rest, 'PaymentRefundRequested'), undefined)
    const whole = after(part, [
      receive([
        [1, '1'],
        [2, '0.5'],
      ]),
    ])
    equal(dataOf(when(whole, ...paid('refund:3')), 'PaymentRefundRequested').amount_minor, 667)
  })
  it('is no more than was to come', () => {
    const open = after(sent, [request([1, '2'])])
    const over = (line: number, received: number) => ({ details: { lines: [{ line, received }] } })
    when(open, ...receive([[1, '3']])).rejects('business_rule_violated', over(1, 3))
    when(
      open,
      ...receive([
        [1, '1'],
        [1, '2'],
      ]),
    ).rejects('business_rule_violated', over(1, 3))
    when(open, ...receive([[2, '0.001']])).rejects('business_rule_violated', over(2, 0.001))
    const part = after(open, [receive([[1, '1']])])
    when(part, ...receive([[1, '2']])).rejects('business_rule_violated', over(1, 2))
    when(open, ...receive([[3, '1']])).rejects('validation_failed', {
      errors: { 'lines.0.line': 'is not a line of the order' },
    })
    when(sent, ...receive([[1, '1']])).rejects('not_found')
  })
  it('goes on the shelf unless it is damaged, or somebody says otherwise', () => {
    const open = after(sent, [request([1, '3'])])
    const lines: readonly Told[] = [
      [1, '1', { damaged: true }],
      [1, '1', { restock: false }],
      [1, '1', { damaged: false, restock: true }],
    ]
    const then = when(open, ...receive(lines))
    deepEqual(stocked(then), [['cup', 1]])
    deepEqual(
      dataOf(then, 'ReturnReceived').lines.map((each: Record<string, unknown>) => [
        ...[each.damaged, each.restocked],
      ]),
      [
        [true, false],
        [false, false],
        [false, true],
      ],
    )
    // Damaged goods are paid back all the same.
    then.answers({ refund_minor: 1_500 })
    when(
      open,
      ...receive([
        [1, '1'],
        [1, '1', { damaged: true, restock: true }],
      ]),
    ).rejects('validation_failed', {
      errors: { 'lines.1.restock': 'must be false for damaged goods' },
    })
    equal(dataOf(when(open, ...receive(lines)), 'StockAdded').reference, RETURN)
    when(open, ...receive([[1, '1', { damaged: true, restock: true }]])).rejects(
      'validation_failed',
      { errors: { 'lines.0.restock': 'must be false for damaged goods' } },
    )
  })
  it('is withheld where somebody says so', () => {
    const open = after(sent, [request([1, '2'])])
    const then = when(open, ...receive([[1, '2']], { refund: false }))
    then.answers({ total_amount_minor: 1_000, refund_minor: 0 })
    equal(dataOf(then, 'ReturnReceived').payment_id, null)
    const noted = dataOf(then, 'OrderReturnChanged')
    deepEqual(
      [noted.amount_minor, noted.withheld],
      [0, [{ line: 1, quantity: 2, amount_minor: 1_000 }]],
    )
    equal(dataOf(then, 'PaymentRefundRequested'), undefined)
  })
  it('came when it came, which is not still to be', () => {
    const open = after(sent, [request([1, '2'])])
    when(open, ...receive([[1, '1']], { received_at: '2026-03-02T10:00:00.001Z' })).rejects(
      'validation_failed',
      { errors: { received_at: 'is in the future' } },
    )
    const early = when(open, ...receive([[1, '1']], { received_at: '2026-03-01T23:30:00+01:00' }))
    const come = dataOf(early, 'ReturnReceived')
    deepEqual([come.received_at, come.business_day], ['2026-03-01T22:30:00.000Z', '2026-03-01'])
    const added = eventsIn(early).find(({ type }) => type === 'StockAdded')
    equal(added?.occurred_at, '2026-03-01T22:30:00.000Z')
    const now = eventsIn(when(open, ...receive([[1, '1']])))
    equal(now.find(({ type }) => type === 'StockAdded')?.occurred_at, undefined)
    const far = store.write(MAIN_STORE_ID, [
      store.event('StoreCreated', {
        ...{ store_id: MAIN_STORE_ID, name: 'Far', kind: 'shop', timezone: 'Pacific/Kiritimati' },
      }),
    ])
    equal(
      dataOf(when([...open, far], ...receive([[1, '1']])), 'ReturnReceived').business_day,
      '2026-03-03',
    )
  })
  it('that is closed lets go of what has not come, once', () => {
    const open = after(sent, [request([1, '3'], [2, '0.5'])])
    const then = when(open, ...close)
    then.answers({ status: 'CLOSED' })
    const noted = dataOf(then, 'OrderReturnChanged')
    deepEqual(
      [noted.change, noted.return_status, noted.lines.length, noted.amount_minor],
      ['closed', 'none', 2, 0],
    )
    const over = after(open, [close])
    when(over, ...close)
      .writesNothing()
      .answers({ status: 'CLOSED', order_id: ORDER })
    when(over, ...receive([[1, '1']])).rejects('invalid_state', { details: { status: 'CLOSED' } })
    when(over, 'RequestReturn', {
      ...{ ...of, return_id: OTHER, reason: 'again' },
      lines: linesOf([[1, '3']]),
    }).answers({ status: 'REQUESTED' })
    when(sent, ...close).rejects('not_found')
    const beside = after(sent, [
      request([1, '1']),
      ['RequestReturn', { ...of, return_id: OTHER, reason: 'b', lines: linesOf([[1, '1']]) }],
    ])
    equal(dataOf(when(beside, ...close), 'OrderReturnChanged').return_status, 'requested')
    const part = after(open, [receive([[1, '3']])])
    deepEqual(dataOf(when(part, ...close), 'OrderReturnChanged').lines, [
      { line: 2, quantity: 500 },
    ])
  })
  it('of all that was not cancelled is a whole one', () => {
    const less = after(bought, [
      ['CancelOrderLines', { ...of, lines: linesOf([[2, '0.5']]) }],
      paid('refund:3'),
      ['ShipOrder', of],
      request([1, '3']),
    ])
    const then = when(less, ...receive([[1, '3']]))
    equal(dataOf(then, 'OrderReturnChanged').return_status, 'returned')
    // What was paid back when it was cancelled is not paid back again.
    equal(dataOf(then, 'PaymentRefundRequested').amount_minor, 1_500)
    equal(returnsAfter(less), 1)
  })
  it('of what was not paid for has nothing to be paid back', () => {
    const onShip = { ...settings, 'payments.capture_on': 'ship' }
    const items = [{ product_id: 'cup', quantity: '2' }]
    const open = after(
      shelves,
      [
        ['CreateOrder', { ...of, customer_id: 'c-1', items }],
        ...[paid('authorize:1'), label, ['ShipOrder', of] as Step, request([1, '1'])],
      ],
      { settings: onShip },
    )
    const then = when(open, ...receive([[1, '1']]))
    then.answers({ total_amount_minor: 500, refund_minor: 0 })
    equal(dataOf(then, 'ReturnReceived').payment_id, null)
    const taken = whenAt(after(open, [receive([[1, '1']])]), {}, ...paid('capture:2'))
    equal(dataOf(taken, 'PaymentRefundRequested').amount_minor, 500)
  })
})
