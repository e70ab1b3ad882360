// The rules of placing, paying, changing, cancelling and shipping an order, without log or clock.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { product } from '#contexts/catalog/public.ts'
import { productCreated, stockOpened } from '#contexts/inventory/goods-fixture.ts'
import { payment } from '#contexts/payments/public.ts'
import { MAIN_STORE_ID, store } from '#contexts/stores/public.ts'
import type { Write } from '#kernel/decider.ts'
import { given, NOW, type Then } from '#testing/given.ts'
import { cancelOrder, expireOrder } from './cancel-order.ts'
import { confirmOrder, updateOrder } from './change-order.ts'
import { createOrder } from './create-order.ts'
import { deliverOrder } from './deliver-order.ts'
import { recordLabelOutcome } from './label-outcome.ts'
import { orderNumber } from './order-number.ts'
import { confirmPayment, processPayment } from './pay-order.ts'
import { recordPaymentOutcome } from './payment-outcome.ts'
import { compensateSaga, continueSaga, resolveSaga, retrySaga } from './saga-commands.ts'
import { shipOrder } from './ship-order.ts'

const create = createOrder('simulator')
const pay = processPayment('simulator')
const ORDER = '01980000-0000-7000-8000-000000000001'
const PAYMENT = '01980000-0000-7000-8000-000000000002'
const CUP = 'p-cup'
const TEA = 'p-tea'
const PAID = { 'payments.default_method': 'credit_card' }

/** Cups by the piece, tea by the gram. */
const shelves = [
  productCreated(CUP),
  productCreated(TEA, { quantity_scale: 3, sell_price_minor: 333 }),
  stockOpened(CUP, 10),
  stockOpened(TEA, 5_000, { quantity_scale: 3 }),
]
const input = (more: object = {}) => ({
  order_id: ORDER,
  customer_id: 'c-1',
  items: [{ product_id: CUP, quantity: '2' }],
  ...more,
})
type Settings = Readonly<Record<string, unknown>>
const placing = (more: object = {}, settings: Settings = PAID): Then =>
  given(...shelves)
    .at({ settings })
    .when(create, input(more))

const typesIn = (then: Then) =>
  then.decision().writes.flatMap(({ events }) => events.map(({ type }) => type))
const dataOf = (then: Then, type: string) =>
  then
    .decision()
    .writes.flatMap(({ events }) => events)
    .find((event) => event.type === type)?.data as Record<string, unknown>

// ── histories ───────────────────────────────────────────────────────────────────────────────

const placed = (settings: Settings = PAID, more: object = {}) => [
  ...shelves,
  ...placing(more, settings).decision().writes,
]
const after = (history: readonly Write[], then: Then) => [...history, ...then.decision().writes]
const AUTHORIZE = `${ORDER}:authorize:1`
const LABEL = `${ORDER}:label:1`
const outcome = (operation_id: string, more: object) => ({
  payment_id: ORDER,
  order_id: ORDER,
  operation_id,
  ...more,
})
const labelOutcome = (operation_id: string, more: object) => ({
  order_id: ORDER,
  payment_id: ORDER,
  operation_id,
  ...more,
})
const authorized = (settings: Settings = PAID) => {
  const history = placed(settings)
  const done = outcome(AUTHORIZE, { status: 'succeeded', reference: 'r-1' })
  return after(history, given(...history).when(recordPaymentOutcome, done))
}
const labelled = { status: 'succeeded', tracking_number: 'T-1', carrier: 'post' }
const confirmed = (settings: Settings = PAID) => {
  const history = authorized(settings)
  return after(history, given(...history).when(recordLabelOutcome, labelOutcome(LABEL, labelled)))
}
const captured = () => {
  const history = confirmed()
  const done = outcome(`${ORDER}:capture:2`, { status: 'succeeded', reference: 'r-1' })
  return after(history, given(...history).when(recordPaymentOutcome, done))
}
const shipped = () => {
  const history = captured()
  return after(history, given(...history).when(shipOrder, { order_id: ORDER }))
}

describe('placing an order', () => {
  it('writes order, reservation, stock, saga and the payment’s intent together', () => {
    deepEqual(typesIn(placing()).toSorted(), [
      'InventoryReserved',
      'OrderCreated',
      'PaymentAuthorizationRequested',
      'SagaStarted',
      'SagaStepStarted',
      'SagaStepSucceeded',
      'StockReserved',
    ])
  })
  it('lets the stock of a paid order wait without a limit', () => {
    equal(dataOf(placing(), 'InventoryReserved').expires_at, null)
  })
  it('waits for its payment with a limit when nobody said how it is paid', () => {
    const then = placing({}, { 'reservation.ttl_ms': 60_000 })
    const limit = '2026-03-02T10:01:00.000Z'
    equal(dataOf(then, 'InventoryReserved').expires_at, limit)
    deepEqual(
      [dataOf(then, 'SagaStepStarted').waiting_for, dataOf(then, 'SagaStepStarted').deadline_at],
      ['payment', limit],
    )
    then.answers({ waiting_for: 'payment', expires_at: limit, status: 'PENDING' })
    ok(!typesIn(then).includes('PaymentAuthorizationRequested'))
  })
  it('has a total that is the sum of its rounded lines', () => {
    const items = [
      { product_id: TEA, quantity: '0.5' },
      { product_id: TEA, quantity: '0.5' },
    ]
    // 3.33 × 0.5 = 1.665, twice 1.67
    placing({ items }).answers({ total_amount_minor: 334 })
  })
  it('counts on the day that it is in its store', () => {
    const about = { store_id: 'far', name: 'Far', kind: 'shop', timezone: 'Pacific/Kiritimati' }
    const opened = store.write('far', [store.event('StoreCreated', about as never)])
    // 10:00 in UTC is midnight there, and the next day begins.
    const then = given(...shelves, opened, stockOpened(CUP, 10, {}, 'far'))
      .at({ settings: PAID })
      .when(create, input({ store_id: 'far' }))
    equal(dataOf(then, 'OrderCreated').business_day, '2026-03-03')
    equal(dataOf(placing(), 'OrderCreated').business_day, '2026-03-02')
  })
  it('reserves lines of one product as one', () => {
    const items = [
      { product_id: CUP, quantity: '6' },
      { product_id: CUP, quantity: '4' },
    ]
    const then = placing({ items })
    equal(typesIn(then).filter((type) => type === 'StockReserved').length, 1)
    equal((dataOf(then, 'OrderCreated').lines as unknown[]).length, 2)
  })
  it('is refused as a whole when lines of one product together are too many', () => {
    const items = [
      { product_id: CUP, quantity: '6' },
      { product_id: CUP, quantity: '5' },
    ]
    placing({ items }).rejects('insufficient_stock', {
      details: {
        lines: [
          {
            product_id: CUP,
            store_id: MAIN_STORE_ID,
            requested: 11,
            available: 10,
          },
        ],
      },
    })
  })
  it('names every line that lacks stock', () => {
    const items = [
      { product_id: CUP, quantity: '11' },
      { product_id: TEA, quantity: '9' },
    ]
    placing({ items }).rejects('insufficient_stock', {
      details: {
        lines: [
          {
            product_id: CUP,
            store_id: MAIN_STORE_ID,
            requested: 11,
            available: 10,
          },
          {
            product_id: TEA,
            store_id: MAIN_STORE_ID,
            requested: 9,
            available: 5,
          },
        ],
      },
    })
  })
  it('says which product there is not', () => {
    placing({ items: [{ product_id: 'nothing', quantity: '1' }] }).rejects('not_found', {
      errors: { 'items.0.product_id': 'is not a product that is sold' },
    })
  })
  it('does not sell an archived product', () => {
    const archived = product.write(CUP, [product.event('ProductArchived', { product_id: CUP })])
    given(...shelves, archived)
      .at({ settings: PAID })
      .when(create, input())
      .rejects('not_found')
  })
  it('takes no quantity finer than the product’s, none of zero and none that is no number', () => {
    const at = (quantity: string) => placing({ items: [{ product_id: CUP, quantity }] })
    at('0.5').rejects('validation_failed', {
      errors: { 'items.0.quantity': 'must be a whole number' },
    })
    at('0').rejects('validation_failed', { errors: { 'items.0.quantity': 'must be more than 0' } })
    at('-1').rejects('validation_failed')
    at('x').rejects('validation_failed')
  })
  it('needs items', () => {
    placing({ items: [] }).rejects('validation_failed')
  })
  it('needs somebody who orders', () => {
    placing({ customer_id: undefined }).rejects('validation_failed')
  })
  it('lets an import bring guests, numbers, prices and a time', () => {
    const then = given(...shelves)
      .at({ settings: PAID, source: 'import', occurred_at: '2010-12-01T08:26:00.000Z' })
      .when(create, {
        order_id: ORDER,
        order_number: '536365',
        items: [{ product_id: CUP, quantity: '2', price: '0' }],
      })
    then.answers({ order_number: '536365', total_amount_minor: 0 })
    equal(dataOf(then, 'OrderCreated').placed_at, '2010-12-01T08:26:00.000Z')
    equal(dataOf(then, 'OrderCreated').customer_id, null)
    // Nothing to pay: the parcel is next.
    ok(typesIn(then).includes('ShippingLabelRequested'))
    ok(!typesIn(then).includes('PaymentAuthorizationRequested'))
  })
  it('lets nobody else bring an order number', () => {
    placing({ order_number: 'X-1' }).rejects('validation_failed')
  })
  it('claims its number, so that it stays unique', () => {
    const { claims } = placing().decision()
    deepEqual(claims, [{ scope: 'order_number', value: 'ORD-2026-001', owner: `order-${ORDER}` }])
  })
  it('takes the price in force and no other', () => {
    const at = (price: string, settings: Settings = PAID) =>
      placing({ items: [{ product_id: CUP, quantity: '2', price }] }, settings)
    at('5.00').answers({ total_amount_minor: 1000 })
    at('4.99').rejects('price_mismatch', {
      details: { currency: 'USD', items: [{ item: 0, price: 5, given: 4.99 }] },
    })
    at('4.99', { ...PAID, 'orders.client_price': 'accept' }).answers({ total_amount_minor: 998 })
    at('4.999').rejects('validation_failed')
  })
  it('checks the amount when it is told', () => {
    placing({ amount: '10.00' }).answers({ total_amount_minor: 1000 })
    placing({ amount: '10.01' }).rejects('price_mismatch')
  })
  it('is in one currency, and one that the shop takes', () => {
    const euros = productCreated('p-eur', { currency: 'EUR' })
    const items = [
      { product_id: CUP, quantity: '1' },
      { product_id: 'p-eur', quantity: '1' },
    ]
    const both = given(...shelves, euros, stockOpened('p-eur', 5)).at({ settings: PAID })
    both.when(create, input({ items })).rejects('currency_mismatch')
    placing({ currency: 'EUR' }).rejects('currency_mismatch')
    placing({ currency: 'CHF' }, { ...PAID, 'money.currencies': ['USD'] }).rejects(
      'validation_failed',
    )
  })
  it('takes only the shop’s payment methods', () => {
    const settings = { 'payments.methods': ['upi'] }
    placing({ payment: { method: 'cash' } }, settings).rejects('validation_failed')
    ok(typesIn(placing({ payment: { method: 'upi' } }, settings)).includes('SagaStepStarted'))
  })
  it('needs a store that is there and open', () => {
    placing({ store_id: 'nowhere' }).rejects('not_found')
    const closed = store.write('s-1', [
      store.event('StoreCreated', {
        store_id: 's-1',
        name: 'One',
        kind: 'shop',
        timezone: 'UTC',
      }),
      store.event('StoreClosed', { store_id: 's-1' }),
    ])
    given(...shelves, closed)
      .at({ settings: PAID })
      .when(create, input({ store_id: 's-1' }))
      .rejects('invalid_state')
  })
  it('is refused under an id that is taken', () => {
    given(...placed())
      .at({ settings: PAID })
      .when(create, input())
      .rejects('already_exists')
  })
  it('tells nothing personal in its answer, and keeps none in its state', () => {
    const { response } = placing({ shipping_address: { name: 'Ada', city: 'London' } }).decision()
    ok(!JSON.stringify(response).includes('Ada'))
  })
  it('numbers orders in the shop’s format', () => {
    equal(orderNumber('{dd}/{mm}-{seq}', 7, '2026-03-02T10:00:00.000Z'), '02/03-7')
    equal(orderNumber(undefined, 1234, NOW), 'ORD-2026-1234')
  })
})

describe('the payment’s outcome', () => {
  it('authorized: the label is asked for, under an operation of its own', () => {
    const then = given(...placed()).when(
      recordPaymentOutcome,
      outcome(AUTHORIZE, { status: 'succeeded', reference: 'r-1' }),
    )
    deepEqual(typesIn(then), [
      'SagaStepSucceeded',
      'SagaStepStarted',
      'ShipmentCreated',
      'ShippingLabelRequested',
      'PaymentAuthorized',
    ])
  })
  it('declined: the order is cancelled and everything given back at once, last step first', () => {
    const then = given(...placed()).when(
      recordPaymentOutcome,
      outcome(AUTHORIZE, { status: 'declined', reason: 'no funds' }),
    )
    const cancelled = dataOf(then, 'OrderCancelled')
    deepEqual(
      [cancelled.cause, cancelled.total_amount_minor, cancelled.was_confirmed],
      ['payment_declined', 1000, false],
    )
    for (const type of ['PaymentFailed', 'StockReleased', 'InventoryReleased', 'SagaFailed'])
      ok(typesIn(then).includes(type), type)
    equal(dataOf(then, 'SagaFailed').outcome, 'compensated')
  })
  it('unknown: tried again later, under the same operation, later and later', () => {
    const settings = { 'retry.base_ms': 1_000, 'retry.factor': 3 }
    let history: readonly Write[] = placed()
    const pauses = [1, 2, 3].map((attempt) => {
      const then = given(...history)
        .at({ settings })
        .when(recordPaymentOutcome, outcome(AUTHORIZE, { status: 'unknown', error: 'time-out' }))
      deepEqual(typesIn(then), ['SagaStepFailed'])
      const failed = dataOf(then, 'SagaStepFailed')
      equal(failed.attempt, attempt)
      history = after(history, then)
      return Date.parse(String(failed.next_attempt_at)) - Date.parse(NOW)
    })
    deepEqual(pauses, [1_000, 3_000, 9_000])
  })
  it('told twice, late, or of another operation: nothing', () => {
    const history = authorized()
    given(...history)
      .when(recordPaymentOutcome, outcome(AUTHORIZE, { status: 'succeeded', reference: 'r-1' }))
      .writesNothing()
    given(...history)
      .when(recordPaymentOutcome, outcome('other:capture:9', { status: 'declined' }))
      .writesNothing()
  })
  it('captured: the order’s stream hears of it once', () => {
    const then = given(...confirmed()).when(
      recordPaymentOutcome,
      outcome(`${ORDER}:capture:2`, { status: 'succeeded', reference: 'r-1' }),
    )
    deepEqual(typesIn(then), ['PaymentProcessed', 'PaymentCaptured'])
  })
  it('a capture that nobody answers raises an alarm and goes on', () => {
    const then = given(...confirmed())
      .at({ settings: { 'saga.alarm_after': 1 } })
      .when(recordPaymentOutcome, outcome(`${ORDER}:capture:2`, { status: 'unknown' }))
    const { needs_attention, next_attempt_at } = dataOf(then, 'PaymentOutcomeUnknown')
    ok(needs_attention === true && typeof next_attempt_at === 'string')
  })
})

describe('the label’s outcome', () => {
  it('made: the order is confirmed and the capture asked for, in one append', () => {
    const then = given(...authorized()).when(recordLabelOutcome, labelOutcome(LABEL, labelled))
    deepEqual(typesIn(then), [
      'OrderConfirmed',
      'SagaStepSucceeded',
      'SagaStepSucceeded',
      'SagaCompleted',
      'ShippingLabelCreated',
      'PaymentCaptureRequested',
    ])
  })
  it('made: nothing is captured before its time', () => {
    for (const time of ['ship', 'manual'])
      ok(
        !confirmed({ ...PAID, 'payments.capture_on': time }).some(({ events }) =>
          events.some(({ type }) => type === 'PaymentCaptureRequested'),
        ),
      )
  })
  it('refused: the authorization is voided before the stock is given back', () => {
    const history = authorized()
    const then = given(...history).when(
      recordLabelOutcome,
      labelOutcome(LABEL, { status: 'declined', reason: 'no such street' }),
    )
    ok(typesIn(then).includes('PaymentVoidRequested'))
    ok(!typesIn(then).includes('StockReleased'))
    const voided = given(...after(history, then)).when(
      recordPaymentOutcome,
      outcome(`${ORDER}:void:2`, { status: 'succeeded', reference: 'r-1' }),
    )
    deepEqual(typesIn(voided).toSorted(), [
      'InventoryReleased',
      'PaymentVoided',
      'SagaFailed',
      'SagaStepCompensated',
      'SagaStepCompensated',
      'StockReleased',
    ])
  })
  it('made after the authorization was voided by hand: nothing is sent that nobody pays', () => {
    const history = [
      ...authorized(),
      payment.write(ORDER, [
        payment.event('PaymentVoidRequested', {
          payment_id: ORDER,
          order_id: ORDER,
          operation_id: `${ORDER}:void:2`,
          amount_minor: 1000,
          currency: 'USD',
          driver: 'payment',
        }),
      ]),
    ]
    const then = given(...history).when(recordLabelOutcome, labelOutcome(LABEL, labelled))
    equal(dataOf(then, 'OrderCancelled').cause, 'payment_voided')
    ok(!typesIn(then).includes('OrderConfirmed'))
  })
})

describe('cancelling', () => {
  const cancel = { order_id: ORDER, reason: 'too slow' }
  it('an order that waits for its payment is undone in one append', () => {
    const then = given(...placed({})).when(cancelOrder, cancel)
    then.answers({ status: 'CANCELLED', saga_status: 'FAILED' })
    equal(dataOf(then, 'OrderCancelled').reason, 'too slow')
    ok(typesIn(then).includes('StockReleased'))
  })
  it('an authorization on its way is settled first, by asking', () => {
    const then = given(...placed()).when(cancelOrder, cancel)
    then.answers({ status: 'CANCELLED', saga_status: 'COMPENSATING' })
    const intent = dataOf(then, 'SagaStepStarted')
    deepEqual([intent.operation_id, (intent.input as { kind: string }).kind], [AUTHORIZE, 'settle'])
    ok(!typesIn(then).includes('StockReleased'))
  })
  it('an authorization that came meanwhile is voided', () => {
    const history = placed()
    const cancelled = after(history, given(...history).when(cancelOrder, cancel))
    const then = given(...cancelled).when(
      recordPaymentOutcome,
      outcome(AUTHORIZE, { status: 'succeeded', reference: 'r-1' }),
    )
    deepEqual(typesIn(then), ['SagaStepStarted', 'PaymentAuthorized', 'PaymentVoidRequested'])
  })
  it('an authorization that never was needs no void', () => {
    const history = placed()
    const cancelled = after(history, given(...history).when(cancelOrder, cancel))
    const then = given(...cancelled).when(
      recordPaymentOutcome,
      outcome(AUTHORIZE, { status: 'absent' }),
    )
    equal(dataOf(then, 'SagaFailed').outcome, 'compensated')
  })
  it('a confirmed order that is being captured waits for that, then gives the money back', () => {
    const history = confirmed()
    const label = given(...history).when(cancelOrder, cancel)
    ok(typesIn(label).includes('ShipmentCancelRequested'))
    const second = after(history, label)
    const noLabel = given(...second).when(
      recordLabelOutcome,
      labelOutcome(`${ORDER}:cancel:2`, labelled),
    )
    equal(dataOf(noLabel, 'SagaStepStarted').waiting_for, 'payment_operation')
    const third = after(second, noLabel)
    const looked = given(...third).when(continueSaga, { saga_id: ORDER })
    deepEqual(typesIn(looked), ['SagaStepFailed'])
    const taken = given(...third).when(
      recordPaymentOutcome,
      outcome(`${ORDER}:capture:2`, { status: 'succeeded', reference: 'r-1' }),
    )
    ok(typesIn(taken).includes('PaymentRefundRequested'))
  })
  it('asked twice is done once', () => {
    const history = placed({})
    const cancelled = after(history, given(...history).when(cancelOrder, cancel))
    given(...cancelled)
      .when(cancelOrder, cancel)
      .writesNothing()
  })
  it('what has left cannot be cancelled', () => {
    given(...shipped())
      .when(cancelOrder, cancel)
      .rejects('invalid_state')
  })
  it('an order that is not there is not found', () => {
    given(...shelves)
      .when(cancelOrder, cancel)
      .rejects('not_found')
  })
  it('a refused void is asked for anew, later, and tells somebody when it goes on', () => {
    const settings = { 'saga.alarm_after': 1 }
    const history = authorized()
    const undone = after(
      history,
      given(...history).when(recordLabelOutcome, labelOutcome(LABEL, { status: 'declined' })),
    )
    const then = given(...undone)
      .at({ settings })
      .when(recordPaymentOutcome, outcome(`${ORDER}:void:2`, { status: 'declined' }))
    const again = dataOf(then, 'SagaStepStarted')
    deepEqual([again.operation_id, again.attempts], [`${ORDER}:void:3`, 1])
    equal(dataOf(then, 'SagaStepFailed').needs_attention, true)
    ok(String(again.next_attempt_at) > NOW)
    const stuck = after(undone, then)
    const resolved = given(...stuck).when(resolveSaga, {
      saga_id: ORDER,
      reason: 'voided at the provider',
      by: 'ops',
    })
    resolved.answers({ status: 'FAILED', outcome: 'resolved_manually' })
    ok(typesIn(resolved).includes('StockReleased'))
  })
  it('only a saga that cannot finish can be resolved, and by somebody', () => {
    const words = { saga_id: ORDER, reason: 'x', by: 'ops' }
    given(...placed())
      .when(resolveSaga, words)
      .rejects('invalid_state')
    given(...placed())
      .when(resolveSaga, { saga_id: ORDER, reason: 'x' })
      .rejects('validation_failed')
  })
  it('an operator may give an order up', () => {
    const then = given(...placed({})).when(compensateSaga, { saga_id: ORDER, reason: 'fraud' })
    deepEqual(
      [dataOf(then, 'OrderCancelled').cause, dataOf(then, 'OrderCancelled').reason],
      ['operator', 'fraud'],
    )
  })
  it('an operator may have a step tried at once, under its operation', () => {
    const history = placed()
    const failed = after(
      history,
      given(...history).when(recordPaymentOutcome, outcome(AUTHORIZE, { status: 'unknown' })),
    )
    const then = given(...failed).when(retrySaga, { saga_id: ORDER })
    const again = dataOf(then, 'SagaStepStarted')
    deepEqual([again.operation_id, again.next_attempt_at], [AUTHORIZE, NOW])
    given(...confirmed())
      .when(retrySaga, { saga_id: ORDER })
      .rejects('invalid_state')
  })
})

describe('paying later', () => {
  const ttl = { 'reservation.ttl_ms': 60_000 }
  const paying = { order_id: ORDER, payment_id: PAYMENT, method: 'upi' }
  const over = '2026-03-02T10:01:00.000Z'
  it('takes the limit away and asks for the whole amount', () => {
    const then = given(...placed(ttl)).when(pay, paying)
    then.answers({ status: 'AUTHORIZING', amount_minor: 1000 })
    equal(dataOf(then, 'ReservationExtended').expires_at, null)
    equal(dataOf(then, 'OrderUpdated').payment_id, PAYMENT)
  })
  it('is refused for another amount or currency, or an unknown method', () => {
    const at = (more: object) => given(...placed(ttl)).when(pay, { ...paying, ...more })
    at({ amount: '9.99' }).rejects('business_rule_violated')
    at({ currency: 'EUR' }).rejects('currency_mismatch')
    given(...placed(ttl))
      .at({ settings: { 'payments.methods': ['wallet'] } })
      .when(pay, paying)
      .rejects('validation_failed')
  })
  it('is refused when the time is over, and for an order that waits for nothing', () => {
    given(...placed(ttl))
      .at({ now: over })
      .when(pay, paying)
      .rejects('invalid_state')
    given(...placed())
      .when(pay, paying)
      .rejects('invalid_state')
  })
  it('expires at its time, not before, and not when it is paid', () => {
    const expire = { order_id: ORDER }
    // Refused, so that nothing is recorded: a clock that went back sends the same command again.
    given(...placed(ttl))
      .when(expireOrder, expire)
      .rejects('invalid_state')
    const then = given(...placed(ttl))
      .at({ now: over })
      .when(expireOrder, expire)
    for (const type of ['ReservationExpired', 'StockReleased', 'OrderCancelled', 'SagaFailed'])
      ok(typesIn(then).includes(type), type)
    const paid = after(placed(ttl), given(...placed(ttl)).when(pay, paying))
    given(...paid)
      .at({ now: over })
      .when(expireOrder, expire)
      .writesNothing()
  })
  it('money taken elsewhere counts as captured, and only a person can give it back', () => {
    const words = { order_id: ORDER, payment_id: 'ext-1', payment_method: 'bank' }
    const history = placed(ttl)
    const then = given(...history).when(confirmPayment, words)
    for (const type of ['PaymentCaptured', 'PaymentProcessed', 'ShippingLabelRequested'])
      ok(typesIn(then).includes(type), type)
    const paid = after(history, then)
    given(...paid)
      .when(confirmPayment, words)
      .writesNothing()
    const label = given(...paid).when(cancelOrder, { order_id: ORDER })
    const never = given(...after(paid, label)).when(recordLabelOutcome, {
      ...labelOutcome(LABEL, { status: 'absent' }),
      payment_id: 'ext-1',
    })
    equal(dataOf(never, 'SagaFailed').outcome, 'needs_attention')
    ok(typesIn(never).includes('StockReleased'))
    const left = after(after(paid, label), never)
    given(...left)
      .when(resolveSaga, { saga_id: ORDER, reason: 'sent back', by: 'ops' })
      .answers({ outcome: 'resolved_manually' })
  })
})

describe('changing, confirming, shipping', () => {
  it('address and notes may change until the label is asked for', () => {
    const change = { order_id: ORDER, notes: 'ring twice', shipping_address: { city: 'Rome' } }
    const then = given(...placed()).when(updateOrder, change)
    deepEqual(dataOf(then, 'OrderUpdated').shipping_address, { city: 'Rome' })
    given(...authorized())
      .when(updateOrder, change)
      .rejects('invalid_state')
    given(...placed())
      .when(updateOrder, { order_id: ORDER })
      .writesNothing()
  })
  it('confirming says 200 when it is, 202 while it is under way, and refuses otherwise', () => {
    const ask = { order_id: ORDER }
    const status = (history: readonly Write[]) =>
      confirmOrder.route?.statusOf?.(
        given(...history)
          .when(confirmOrder, ask)
          .decision().response,
      )
    deepEqual([status(placed()), status(confirmed())], [202, 200])
    given(...placed({}))
      .when(confirmOrder, ask)
      .rejects('invalid_state')
    const cancelled = after(placed({}), given(...placed({})).when(cancelOrder, ask))
    given(...cancelled)
      .when(confirmOrder, ask)
      .rejects('invalid_state')
  })
  it('shipping takes the goods out of stock in the same append', () => {
    const then = given(...captured()).when(shipOrder, { order_id: ORDER, carrier: 'van' })
    deepEqual(typesIn(then).toSorted(), [
      'InventoryCommitted',
      'OrderShipped',
      'ReservationCommitted',
      'ShipmentShipped',
    ])
    deepEqual(
      [dataOf(then, 'OrderShipped').carrier, dataOf(then, 'OrderShipped').tracking_number],
      ['van', 'T-1'],
    )
  })
  it('shipping asks for the money when that is the time', () => {
    const history = confirmed({ ...PAID, 'payments.capture_on': 'ship' })
    const then = given(...history).when(shipOrder, { order_id: ORDER })
    ok(typesIn(then).includes('PaymentCaptureRequested'))
  })
  it('only what is confirmed ships, and once', () => {
    given(...authorized())
      .when(shipOrder, { order_id: ORDER })
      .rejects('invalid_state')
    given(...shipped())
      .when(shipOrder, { order_id: ORDER })
      .writesNothing()
  })
  it('nothing leaves in the future', () => {
    given(...captured())
      .when(shipOrder, { order_id: ORDER, shipped_at: '2027-01-01T00:00:00Z' })
      .rejects('validation_failed')
  })
  it('only what was shipped is delivered, and once', () => {
    given(...captured())
      .when(deliverOrder, { order_id: ORDER })
      .rejects('invalid_state')
    const history = shipped()
    const then = given(...history).when(deliverOrder, { order_id: ORDER })
    deepEqual(typesIn(then), ['OrderDelivered', 'ShipmentDelivered'])
    given(...after(history, then))
      .when(deliverOrder, { order_id: ORDER })
      .writesNothing()
  })
})
