// What becomes of parts of an order: lines that are cancelled or changed, parcels that leave and
// arrive by themselves, and the money and stock that go along. Without log or clock.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { productCreated, stockOpened } from '#contexts/inventory/goods-fixture.ts'
import { payment } from '#contexts/payments/public.ts'
import { labelOperationId } from '#contexts/shipping/public.ts'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Command, Write } from '#kernel/decider.ts'
import { asking, type Step, statesAfter, type Then } from '#testing/given.ts'
import { cancelOrderLines } from './cancel-lines.ts'
import { cancelOrder } from './cancel-order.ts'
import { confirmOrder, updateOrder } from './change-order.ts'
import { createOrder } from './create-order.ts'
import { deliverOrder, markDelivered } from './deliver-order.ts'
import { recordLabelOutcome } from './label-outcome.ts'
import { order, returnable, returnStatus } from './order.ts'
import { recordPaymentOutcome } from './payment-outcome.ts'
import { markShipped, shipOrder } from './ship-order.ts'
import { cancelShipment, createShipment, createShippingLabel } from './shipment-commands.ts'

const commands: readonly Command[] = [
  ...[createOrder('simulator'), updateOrder, confirmOrder, cancelOrder, cancelOrderLines],
  ...[recordPaymentOutcome, recordLabelOutcome],
  ...[
    shipOrder,
    markShipped,
    createShipment,
    createShippingLabel,
    cancelShipment,
    deliverOrder,
    markDelivered,
  ],
]
const { after, when, whenAt } = asking((type) => commands.find((one) => one.type === type)!, [])

const ORDER = '01980000-0000-7000-8000-000000000001'
const PARCEL = '01980000-0000-7000-8000-00000000000a'
const CUP = 'p-cup'
const TEA = 'p-tea'
const of = { order_id: ORDER }
const PAID = { 'payments.default_method': 'credit_card' }

/** Cups at 5.00, of which ten are here and two more may be promised; tea at 3.33 a kilo; a gift. */
const shelves: readonly Write[] = [
  productCreated(CUP),
  productCreated(TEA, { quantity_scale: 3, sell_price_minor: 333 }),
  productCreated('p-gift', { sell_price_minor: 0 }),
  stockOpened(CUP, 10, { backorder_limit: 2 }),
  stockOpened(TEA, 5_000, { quantity_scale: 3 }),
  stockOpened('p-gift', 10),
]
const cups = (quantity: string, more: object = {}) => ({ product_id: CUP, quantity, ...more })
const tea = (quantity: string) => ({ product_id: TEA, quantity })
/** 15.00 and 1.67. */
const both = [cups('3'), tea('0.5')]
const placed = (settings: object = PAID, items: readonly object[] = both, more: object = {}) =>
  after(shelves, [['CreateOrder', { ...of, customer_id: 'c-1', items, ...more }]], {
    settings: { ...settings },
  })
const told = { ...of, payment_id: ORDER }
const succeeded = (operation: string): Step => [
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
const confirmed = (settings: object = PAID) =>
  after(placed(settings), [succeeded('authorize:1'), label], { settings: { ...settings } })
const captured = () => after(confirmed(), [succeeded('capture:2')])
/** Paid by what leaves. */
const onShip = () => confirmed({ ...PAID, 'payments.capture_on': 'ship' })

const cancel = (...lines: readonly (readonly [number, string])[]): Step => [
  'CancelOrderLines',
  { ...of, lines: lines.map(([line, quantity]) => ({ line, quantity })) },
]
const parcel = (line: number, quantity: string): Step => [
  'CreateShipment',
  { ...of, shipment_id: PARCEL, lines: [{ line, quantity }] },
]
const sent = { tracking_number: 'T-2', carrier: 'post' }
const leaves: Step = ['MarkShipped', { shipment_id: PARCEL, ...sent }]
const arrives: Step = ['MarkDelivered', { shipment_id: PARCEL }]

const eventsIn = (then: Then) => then.decision().writes.flatMap(({ events }) => events)
const typesIn = (then: Then) => eventsIn(then).map(({ type }) => type)
// biome-ignore lint/suspicious/noExplicitAny: events are looked at field by field
const dataOf = (then: Then, type: string): any =>
  eventsIn(then).find((event) => event.type === type)?.data

describe('lines that are cancelled', () => {
  it('come off the order and go back in stock, each with its own amount', () => {
    const then = when(placed({}), ...cancel([1, '1'], [2, '0.2']))
    // 0.2 of 0.5 kilos at 1.67: 0.67.
    then.answers({ status: 'PENDING', waiting_for: 'payment', total_amount_minor: 1_100 })
    const { lines, left, amount_minor, reason } = dataOf(then, 'OrderLinesCancelled')
    deepEqual(
      lines.map((each: Record<string, unknown>) => [each.line, each.quantity, each.amount_minor]),
      [
        [1, 1, 500],
        [2, 200, 67],
      ],
    )
    deepEqual([amount_minor, reason, left.length], [567, 'requested', 2])
    const released = eventsIn(then).filter(({ type }) => type === 'StockReleased')
    deepEqual(
      released.map(({ data }) => [(data as Record<string, unknown>).quantity]),
      [[1], [200]],
    )
  })
  it('leave the others as they are', () => {
    const then = when(placed({}), ...cancel([2, '0.5']))
    then.answers({ status: 'PENDING', total_amount_minor: 1_500 })
    deepEqual(dataOf(then, 'OrderLinesCancelled').left, [
      { product_id: CUP, code: 'P-CUP', department_id: null },
    ])
  })
  it('are no more than there are, however they are told', () => {
    const lacking = (line: number, requested: number, available: number) => ({
      details: { lines: [{ line, requested, available }] },
    })
    const open = placed({})
    when(open, ...cancel([1, '2'], [1, '2'])).rejects('business_rule_violated', lacking(1, 4, 3))
    const less = after(open, [cancel([1, '2'])])
    when(less, ...cancel([1, '2'])).rejects('business_rule_violated', lacking(1, 2, 1))
    when(less, ...cancel([2, '0.501'])).rejects('business_rule_violated', lacking(2, 0.501, 0.5))
    when(open, ...cancel([3, '1'])).rejects('validation_failed', {
      errors: { 'lines.0.line': 'is not a line of the order' },
    })
    when(open, ...cancel([1, '0.5'], [2, '0'])).rejects('validation_failed', {
      errors: {
        'lines.0.quantity': 'must be a whole number',
        'lines.1.quantity': 'must be more than 0',
      },
    })
  })
  it('are the order when nothing is left of it', () => {
    const open = placed({})
    const whole = when(open, ...cancel([1, '3'], [2, '0.5']))
    whole.answers({ status: 'CANCELLED' })
    equal(dataOf(whole, 'OrderCancelled').reason, 'requested')
    ok(!typesIn(whole).includes('OrderLinesCancelled'))
    const first = after(open, [cancel([1, '2'])])
    when(first, ...cancel([1, '1'])).answers({ status: 'PENDING', total_amount_minor: 167 })
    when(first, ...cancel([1, '1'], [2, '0.5'])).answers({ status: 'CANCELLED' })
  })
  it('are paid back where they were paid for, and not asked for where they were not yet', () => {
    const back = when(captured(), ...cancel([1, '1']))
    equal(dataOf(back, 'PaymentRefundRequested').amount_minor, 500)
    const later = when(onShip(), ...cancel([1, '1']))
    ok(!typesIn(later).includes('PaymentRefundRequested'))
    const ship: Step = ['ShipOrder', of]
    const taken = when(after(onShip(), [cancel([1, '1'])]), ...ship)
    equal(dataOf(taken, 'PaymentCaptureRequested').amount_minor, 1_167)
  })
  it('are not paid for by anybody: what is left for nothing goes on', () => {
    const gift = [cups('1'), { product_id: 'p-gift', quantity: '1' }]
    const open = placed({}, gift)
    const free = when(open, ...cancel([1, '1']))
    free.answers({ status: 'PENDING', waiting_for: null, total_amount_minor: 0 })
    ok(typesIn(free).includes('ShippingLabelRequested'))
    // Nobody's time to pay runs out any more.
    equal(dataOf(free, 'ReservationExtended').expires_at, null)
    const paying = after(placed(PAID, gift), [cancel([1, '1'])])
    ok(!JSON.stringify(paying).includes('ShippingLabelRequested'))
  })
  it('were perhaps not there yet: what still waits is told', () => {
    const open = placed({}, [cups('12')])
    deepEqual(dataOf(when(open, ...cancel([1, '1'])), 'OrderLinesCancelled').backordered, [
      { product_id: CUP, quantity: 1, quantity_scale: 0 },
    ])
    deepEqual(dataOf(when(open, ...cancel([1, '2'])), 'OrderLinesCancelled').backordered, [])
    const here = when(placed({}), ...cancel([1, '1']))
    equal(dataOf(here, 'OrderLinesCancelled').backordered, undefined)
  })
  it('have not left', () => {
    const all = after(captured(), [['ShipOrder', of]])
    when(all, ...cancel([1, '1'])).rejects('invalid_state', { details: { status: 'SHIPPED' } })
    const gone = after(placed({}), [['CancelOrder', of]])
    when(gone, ...cancel([1, '1'])).rejects('invalid_state', { details: { status: 'CANCELLED' } })
    when(shelves, ...cancel([1, '1'])).rejects('not_found')
  })
  it('may be the rest: then all has left, and has arrived if its parcels have', () => {
    const some = after(captured(), [parcel(1, '2'), leaves])
    when(some, ...cancel([1, '2'])).rejects('business_rule_violated')
    const rest = cancel([1, '1'], [2, '0.5'])
    const then = when(some, ...rest)
    then.answers({ status: 'SHIPPED' })
    // The label of the order's own parcel is not needed any more.
    equal(dataOf(then, 'ShipmentCancelRequested').shipment_id, ORDER)
    ok(!typesIn(then).includes('OrderDelivered'))
    const arrived = after(some, [arrives])
    const last = when(arrived, ...rest)
    last.answers({ status: 'DELIVERED' })
    equal(dataOf(last, 'OrderDelivered').shipment_id, PARCEL)
    when(arrived, ...cancel([2, '0.5'])).answers({ status: 'PARTIALLY_SHIPPED' })
  })
})

describe('an order whose items change', () => {
  const change = (items: readonly object[], more: object = {}): Step => [
    'UpdateOrder',
    { ...of, items, ...more },
  ]
  it('is priced anew, and only what differs moves in stock', () => {
    const then = when(placed({}), ...change([cups('1'), tea('0.75')]))
    then.answers({ status: 'PENDING', total_amount_minor: 750 })
    const updated = dataOf(then, 'OrderUpdated')
    deepEqual(
      [updated.total_amount_minor, updated.previous_total_amount_minor, updated.lines.length],
      [750, 1_667, 2],
    )
    deepEqual(
      updated.previous_lines.map((each: Record<string, unknown>) => each.amount_minor),
      [1_500, 167],
    )
    const moved = eventsIn(then).filter(({ type }) => /^Stock/.test(type))
    deepEqual(
      moved.map(({ type, data }) => [type, (data as Record<string, unknown>).quantity]).toSorted(),
      [
        ['StockReleased', 2],
        ['StockReserved', 250],
      ],
    )
  })
  it('takes discounts with them, and its address and notes without', () => {
    const off = [{ name: 'friend', percent: '10' }]
    const settings = { 'orders.client_price': 'accept' }
    const open = placed({})
    whenAt(open, { settings }, ...change([cups('2')], { discounts: off })).answers({
      total_amount_minor: 900,
    })
    when(open, 'UpdateOrder', { ...of, discounts: off }).rejects('validation_failed', {
      errors: { discounts: 'are told together with the items' },
    })
    const noted = when(open, 'UpdateOrder', { ...of, notes: 'ring twice' })
    deepEqual(typesIn(noted), ['OrderUpdated'])
    equal(dataOf(noted, 'OrderUpdated').notes, 'ring twice')
    equal(dataOf(noted, 'OrderUpdated').shipping_address, undefined)
    when(open, 'UpdateOrder', of).writesNothing()
    const wrong = [
      { name: 'both', percent: '5', amount: '1' },
      { name: 'all', percent: '101' },
    ]
    const items = [cups('1', { discounts: [{ name: 'fine', amount: '0.001' }, { name: 'none' }] })]
    whenAt(open, { settings }, ...change(items, { discounts: wrong })).rejects(
      'validation_failed',
      {
        errors: {
          'items.0.discounts.0.amount': 'must have at most 2 decimals',
          'items.0.discounts.1': 'needs a percent or an amount, and not both',
          'discounts.0': 'needs a percent or an amount, and not both',
          'discounts.1.percent': 'must lie between 0 and 100',
        },
      },
    )
    const alone = 'are given by the shop alone (orders.client_price)'
    const named = when(open, ...change([cups('1', { discounts: off })], { discounts: off }))
    named.rejects('business_rule_violated', {
      errors: { discounts: alone, 'items.0.discounts': alone },
    })
  })
  it('is taxed where it goes now, and tells where it was counted', () => {
    const settings = { 'money.taxes': ['standard:VAT:20', 'standard@Norway:MVA:25'] }
    const open = placed(settings)
    const goes = (more: object) =>
      dataOf(whenAt(open, { settings }, ...change([cups('1')], more)), 'OrderUpdated')
    const home = goes({})
    deepEqual([home.tax_minor, home.country, home.previous_country], [83, null, undefined])
    const abroad = goes({ shipping_address: { country: 'Norway' } })
    deepEqual([abroad.tax_minor, abroad.country, abroad.previous_country], [100, 'Norway', null])
    const there = after(open, [change([cups('1')], { shipping_address: { country: 'Norway' } })], {
      settings,
    })
    const back = whenAt(there, { settings }, ...change([cups('2')]))
    deepEqual(
      [dataOf(back, 'OrderUpdated').country, dataOf(back, 'OrderUpdated').tax_minor],
      ['Norway', 200],
    )
    // What it was before is forgotten: one cup is all that there is to cancel.
    when(there, ...cancel([1, '1'])).answers({ status: 'CANCELLED' })
  })
  it('comes to no more than is being paid', () => {
    const paying = placed()
    when(paying, ...change([cups('3'), tea('0.501')])).answers({ total_amount_minor: 1_667 })
    when(paying, ...change([cups('4')])).rejects('business_rule_violated', {
      details: { currency: 'USD', limit: 16.67, total: 20 },
    })
    when(placed({}), ...change([cups('4')])).answers({ total_amount_minor: 2_000 })
  })
  it('has time for it until its reservation ends', () => {
    const open = placed({ 'reservation.ttl_ms': 60_000 })
    const at = (now: string) => whenAt(open, { now }, ...change([cups('1')]))
    at('2026-03-02T10:00:59.999Z').answers({ total_amount_minor: 500 })
    const expires_at = '2026-03-02T10:01:00.000Z'
    at(expires_at).rejects('invalid_state', { details: { status: 'PENDING', expires_at } })
  })
  it('is refused as a whole when something is wrong with it', () => {
    const open = placed({})
    when(open, ...change([cups('13')])).rejects('insufficient_stock')
    when(open, ...change([cups('0')])).rejects('validation_failed')
    when(open, ...change([{ product_id: 'none', quantity: '1' }])).rejects('not_found')
    const gone = after(open, [['CancelOrder', of]])
    when(gone, ...change([cups('1')])).rejects('invalid_state', {
      details: { status: 'CANCELLED' },
    })
    when(confirmed(), ...change([cups('1')])).rejects('invalid_state', {
      details: { status: 'CONFIRMED' },
    })
  })
  it('may be promised what is not here yet, or wait no more', () => {
    const waiting = when(placed({}), ...change([cups('11')]))
    deepEqual(dataOf(waiting, 'OrderUpdated').backordered, [
      { product_id: CUP, quantity: 1, quantity_scale: 0 },
    ])
    const less = when(placed({}, [cups('12')]), ...change([cups('10')]))
    deepEqual(dataOf(less, 'OrderUpdated').backordered, [])
    const here = when(placed({}), ...change([cups('10')]))
    equal(dataOf(here, 'OrderUpdated').backordered, undefined)
  })
  it('goes on when nothing is to be paid any more', () => {
    const free = when(placed({}), ...change([{ product_id: 'p-gift', quantity: '1' }]))
    free.answers({ total_amount_minor: 0 })
    ok(typesIn(free).includes('ShippingLabelRequested'))
  })
  it('is confirmed by its saga; who asks is told how far it is', () => {
    const waiting = { status: 'PENDING', waiting_for: 'payment' }
    when(placed({}), 'ConfirmOrder', of).rejects('invalid_state', { details: waiting })
    when(placed(), 'ConfirmOrder', of).answers({ status: 'PENDING' })
    when(confirmed(), 'ConfirmOrder', of).answers({ status: 'CONFIRMED' })
    when(after(placed({}), [['CancelOrder', of]]), 'ConfirmOrder', of).rejects('invalid_state', {
      details: { status: 'CANCELLED' },
    })
  })
})

describe('a parcel of its own', () => {
  it('takes units that nobody else may send, cancel or plan meanwhile', () => {
    const planned = after(captured(), [parcel(1, '2')])
    const other = { ...of, shipment_id: ORDER.replace(/1$/, 'b') }
    when(planned, 'CreateShipment', { ...other, lines: [{ line: 1, quantity: '2' }] }).rejects(
      'business_rule_violated',
      { details: { lines: [{ line: 1, requested: 2, available: 1 }] } },
    )
    when(planned, ...cancel([1, '2'])).rejects('business_rule_violated')
    const rest = when(planned, 'ShipOrder', of)
    rest.answers({ status: 'PARTIALLY_SHIPPED' })
    deepEqual(dataOf(rest, 'OrderPartiallyShipped').lines, [
      { line: 1, quantity: 1 },
      { line: 2, quantity: 500 },
    ])
    const dropped = after(planned, [['CancelShipment', { shipment_id: PARCEL }]])
    when(dropped, ...parcel(1, '2')).rejects('already_exists')
    when(dropped, 'ShipOrder', of).answers({ status: 'SHIPPED' })
    when(placed(), ...parcel(1, '1')).rejects('invalid_state', { details: { status: 'PENDING' } })
  })
  it('is one of several, each with its own lines', () => {
    const second = ORDER.replace(/1$/, 'b')
    const two = after(captured(), [
      parcel(1, '2'),
      ['CreateShipment', { ...of, shipment_id: second, lines: [{ line: 2, quantity: '0.5' }] }],
    ])
    const one = after(two, [leaves])
    const other = when(one, 'MarkShipped', { ...sent, shipment_id: second })
    deepEqual(dataOf(other, 'OrderPartiallyShipped').lines, [{ line: 2, quantity: 500 }])
    const dropped = after(two, [['CancelShipment', { shipment_id: second }]])
    when(dropped, ...cancel([1, '2'])).rejects('business_rule_violated')
    when(dropped, ...cancel([2, '0.5'])).answers({ status: 'CONFIRMED' })
    when(one, 'MarkShipped', { ...sent, shipment_id: ORDER }).answers({
      ...{ shipment_id: ORDER, status: 'PARTIALLY_SHIPPED' },
    })
    when(one, 'MarkShipped', { ...sent, shipment_id: 'none' }).rejects('not_found')
  })
  it('with all that is left makes the order’s own one needless', () => {
    const all: Step = [
      'CreateShipment',
      {
        ...{ ...of, shipment_id: PARCEL },
        lines: [
          { line: 1, quantity: '3' },
          { line: 2, quantity: '0.5' },
        ],
      },
    ]
    const planned = after(captured(), [all])
    when(planned, 'ShipOrder', of).rejects('invalid_state', { details: { status: 'CONFIRMED' } })
    const then = when(planned, ...leaves)
    then.answers({ status: 'SHIPPED' })
    const { shipment_id, operation_id, driver } = dataOf(then, 'ShipmentCancelRequested')
    deepEqual(
      [shipment_id, operation_id, driver],
      [ORDER, labelOperationId(ORDER, 'cancel', 2), 'shipment'],
    )
    const own = when(after(captured(), [['ShipOrder', of]]), 'ShipOrder', of)
    own.writesNothing()
  })
  it('does not leave while its label is made, or after it was given up', () => {
    const planned = after(captured(), [parcel(1, '2')])
    const asked = after(planned, [['CreateShippingLabel', { shipment_id: PARCEL }]])
    when(asked, ...leaves).rejects('invalid_state', {
      details: { shipment_status: 'PENDING', pending: 'label' },
    })
    const dropped = after(planned, [['CancelShipment', { shipment_id: PARCEL }]])
    when(dropped, ...leaves).rejects('invalid_state', {
      details: { shipment_status: 'CANCELLED', pending: null },
    })
    when(placed(), 'ShipOrder', of).rejects('invalid_state', { details: { status: 'PENDING' } })
  })
  it('leaves when it is told to have left; now is after all that is in the book', () => {
    const committed = (more: object) =>
      eventsIn(when(captured(), 'ShipOrder', { ...of, ...more })).find(
        ({ type }) => type === 'ReservationCommitted',
      )?.occurred_at
    const early = '2026-03-02T09:00:00.000Z'
    equal(committed({ shipped_at: early }), early)
    equal(committed({ shipped_at: '2026-03-02T10:00:00.000Z' }), undefined)
    equal(committed({}), undefined)
  })
  it('is paid for, or costs nothing', () => {
    const manual = confirmed({ ...PAID, 'payments.capture_on': 'manual' })
    when(manual, 'ShipOrder', of).answers({ status: 'SHIPPED' })
    const voiding = [
      ...manual,
      payment.write(ORDER, [
        payment.event('PaymentVoidRequested', {
          ...{ ...told, operation_id: `${ORDER}:void:2`, amount_minor: 1_667 },
          ...{ currency: 'USD', driver: 'payment' },
        }),
      ]),
    ]
    when(voiding, 'ShipOrder', of).rejects('invalid_state', {
      details: { status: 'CONFIRMED', payment_status: 'VOIDING' },
    })
    const voided = after(voiding, [succeeded('void:2')])
    when(voided, 'ShipOrder', of).rejects('invalid_state')
    const gift = placed({}, [{ product_id: 'p-gift', quantity: '1' }])
    when(after(gift, [[label[0], { ...label[1], payment_id: null }]]), 'ShipOrder', of).answers({
      status: 'SHIPPED',
    })
  })
  it('leaves once, with what is in it, and only that is paid for', () => {
    const planned = after(onShip(), [parcel(1, '2')])
    const then = when(planned, ...leaves)
    then.answers({ status: 'PARTIALLY_SHIPPED', shipment_id: PARCEL })
    equal(dataOf(then, 'PaymentCaptureRequested').amount_minor, 1_000)
    deepEqual(dataOf(then, 'InventoryCommitted').lines, [
      { product_id: CUP, store_id: MAIN_STORE_ID, quantity: 2 },
    ])
    const left = after(planned, [leaves])
    when(left, ...leaves).writesNothing()
    const all = when(after(left, [succeeded('capture:2')]), 'ShipOrder', of)
    all.answers({ status: 'SHIPPED' })
    equal(dataOf(all, 'PaymentCaptureRequested').amount_minor, 667)
    when(planned, leaves[0], { shipment_id: PARCEL }).rejects('validation_failed', {
      errors: {
        tracking_number: 'is required: the shipment has no label',
        carrier: 'is required: the shipment has no label',
      },
    })
    when(planned, leaves[0], {
      ...sent,
      shipment_id: PARCEL,
      shipped_at: '2026-03-02T10:00:00.001Z',
    }).rejects('validation_failed', { errors: { shipped_at: 'is in the future' } })
  })
  it('arrives after it has left, and with the last one the order has', () => {
    const planned = after(captured(), [parcel(1, '2')])
    when(planned, ...arrives).rejects('invalid_state', { details: { status: 'PENDING' } })
    const left = after(planned, [leaves])
    when(left, 'DeliverOrder', of).rejects('invalid_state', {
      details: { status: 'PARTIALLY_SHIPPED' },
    })
    const future = { delivered_at: '2026-03-02T10:00:00.001Z' }
    const errors = { delivered_at: 'is in the future' }
    when(left, arrives[0], { shipment_id: PARCEL, ...future }).rejects('validation_failed', {
      errors,
    })
    const first = after(left, [arrives])
    when(left, ...arrives).answers({ status: 'PARTIALLY_SHIPPED' })
    when(first, ...arrives).writesNothing()
    const all = after(first, [['ShipOrder', of]])
    const own: Step = ['MarkDelivered', { shipment_id: ORDER }]
    const last = when(all, ...own)
    last.answers({ status: 'DELIVERED' })
    equal(dataOf(last, 'OrderDelivered').shipment_id, ORDER)
    when(after(all, [own]), 'DeliverOrder', of).writesNothing()
    const together = after(left, [['ShipOrder', of]])
    when(together, ...arrives).answers({ status: 'SHIPPED' })
    when(together, 'DeliverOrder', { ...of, ...future }).rejects('validation_failed', { errors })
    const both = when(together, 'DeliverOrder', of)
    deepEqual(typesIn(both).toSorted(), [
      ...['OrderDelivered', 'ShipmentDelivered', 'ShipmentDelivered'],
    ])
  })
})

describe('the money of an order', () => {
  const ask = (then: Then) =>
    eventsIn(then).flatMap(({ type, data }) =>
      /^Payment.*(Requested|Lapsed)$/.test(type)
        ? [[type, (data as { amount_minor: number }).amount_minor]]
        : [],
    )
  const one = cancel([1, '1'])
  it('is asked for one thing at a time, and what is owed meanwhile afterwards', () => {
    const taking = confirmed()
    const then = when(taking, ...one)
    deepEqual(ask(then), [])
    const taken = when(after(taking, [one]), ...succeeded('capture:2'))
    deepEqual(ask(taken), [['PaymentRefundRequested', 500]])
    const giving = after(captured(), [one])
    deepEqual(ask(when(giving, ...one)), [])
    const rest = after(giving, [one])
    deepEqual(ask(when(rest, ...succeeded('refund:3'))), [['PaymentRefundRequested', 500]])
  })
  it('is given back once for each line', () => {
    const back = after(captured(), [one, succeeded('refund:3')])
    deepEqual(ask(when(back, ...cancel([2, '0.5']))), [['PaymentRefundRequested', 167]])
    deepEqual(ask(when(back, 'ShipOrder', of)), [])
  })
  it('is asked for again where giving it back was refused, and somebody is told in the end', () => {
    const giving = after(captured(), [one])
    const declined: Step = [
      'RecordPaymentOutcome',
      { ...told, operation_id: `${ORDER}:refund:3`, status: 'declined', reason: 'closed' },
    ]
    const again = when(giving, ...declined)
    const { amount_minor, attempts, is_owed, due_at, needs_attention } = dataOf(
      again,
      'PaymentRefundRequested',
    )
    deepEqual([amount_minor, attempts, is_owed, needs_attention], [500, 1, true, undefined])
    ok(due_at > '2026-03-02T10:00:00.000Z')
    const alarmed = whenAt(giving, { settings: { 'saga.alarm_after': 1 } }, ...declined)
    equal(dataOf(alarmed, 'PaymentRefundRequested').needs_attention, true)
  })
  it('is not taken before the order is confirmed, and then for what is left of it', () => {
    const open = after(placed(), [succeeded('authorize:1')])
    deepEqual(ask(when(open, ...one)), [])
    const left = when(after(open, [one]), ...label)
    deepEqual(ask(left), [['PaymentCaptureRequested', 1_167]])
    deepEqual(ask(when(open, ...label)), [['PaymentCaptureRequested', 1_667]])
  })
  it('that was set aside and is not needed is let go of', () => {
    const sending = after(onShip(), [one, ['ShipOrder', of]])
    const taken = when(sending, ...succeeded('capture:2'))
    deepEqual(ask(taken), [['PaymentAuthorizationLapsed', 500]])
    const settings = { ...PAID, 'payments.capture_on': 'ship' }
    const gift = placed(settings, [cups('1'), { product_id: 'p-gift', quantity: '1' }])
    const free = after(gift, [succeeded('authorize:1'), label], { settings })
    deepEqual(ask(when(free, ...one)), [['PaymentVoidRequested', 500]])
  })
})

describe('what comes back of an order', () => {
  const sentAll = after(captured(), [['ShipOrder', of]])
  const change = (kind: string, lines: readonly object[], more: object = {}) =>
    order.write(ORDER, [
      order.event('OrderReturnChanged', {
        ...{ ...of, return_id: 'r-1', change: kind, lines, amount_minor: 0, ...more },
      } as never),
    ])
  const stateAfter = (...changes: readonly Write[]) =>
    statesAfter(...sentAll, ...changes).state(order.at(ORDER))!
  const two = [{ line: 1, quantity: 2 }]
  it('is no more than has left, is not here again and is on no way', () => {
    const all = [
      { line: 1, quantity: 3 },
      { line: 2, quantity: 500 },
    ]
    deepEqual(returnable(stateAfter()), all)
    const asked = stateAfter(change('requested', two))
    deepEqual(returnable(asked), [{ line: 1, quantity: 1 }, all[1]])
    const part = stateAfter(
      change('requested', two),
      change('received', [{ line: 1, quantity: 1 }], { amount_minor: 500 }),
    )
    deepEqual(part.returns, [{ return_id: 'r-1', lines: [{ line: 1, quantity: 1 }] }])
    deepEqual([part.returned_minor, part.lines[0]?.returned_quantity], [500, 1])
    deepEqual(returnable(part), [{ line: 1, quantity: 1 }, all[1]])
    const closed = stateAfter(change('requested', two), change('closed', []))
    deepEqual([closed.returns, returnable(closed)], [[], all])
    const whole = stateAfter(change('requested', two), change('received', two))
    deepEqual([whole.returns, returnable(whole)], [[], [{ line: 1, quantity: 1 }, all[1]]])
    // Of another return nothing is known here.
    const other = stateAfter(change('requested', two), change('closed', [], { return_id: 'r-2' }))
    equal(other.returns.length, 1)
  })
  it('may be withheld, and be paid back later after all', () => {
    const kept = [{ line: 1, quantity: 2, amount_minor: 1_000 }]
    const come = change('received', two, { withheld: kept })
    const granted = order.write(ORDER, [
      order.event('OrderRefundGranted', {
        ...{ ...of, lines: [{ line: 1, quantity: 1, amount_minor: 500 }], amount_minor: 500 },
      } as never),
    ])
    const figures = ({ lines: [cup, other], returned_minor }: ReturnType<typeof stateAfter>) => [
      ...[cup?.withheld_quantity, cup?.withheld_minor, other?.withheld_quantity, returned_minor],
    ]
    deepEqual(figures(stateAfter(come)), [2, 1_000, 0, 0])
    deepEqual(figures(stateAfter(come, granted)), [1, 500, 0, 500])
  })
  it('is said of the order: nothing, asked for, some of it, or all that was not cancelled', () => {
    const lines = (returned_quantity: number, cancelled_quantity: number) => ({
      lines: [{ ...stateAfter().lines[0]!, returned_quantity, cancelled_quantity }],
    })
    equal(returnStatus(lines(0, 0), false), 'none')
    equal(returnStatus(lines(0, 0), true), 'requested')
    equal(returnStatus(lines(2, 0), true), 'partially_returned')
    equal(returnStatus(lines(2, 1), false), 'returned')
    equal(returnStatus(lines(3, 0), false), 'returned')
    const both = { lines: [...lines(3, 0).lines, ...lines(0, 0).lines] }
    equal(returnStatus(both, false), 'partially_returned')
  })
})
