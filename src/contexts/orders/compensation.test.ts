// Taking an order back while something else of it is still moving, or when there was no money in
// it: each step is begun once, whatever arrives meanwhile.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { productCreated, stockOpened } from '#contexts/inventory/goods-fixture.ts'
import { payment } from '#contexts/payments/public.ts'
import type { Write } from '#kernel/decider.ts'
import { given, type Moments, type Then } from '#testing/given.ts'
import { cancelOrder } from './cancel-order.ts'
import { createOrder } from './create-order.ts'
import { recordLabelOutcome } from './label-outcome.ts'
import { recordPaymentOutcome } from './payment-outcome.ts'

const ORDER = '01980000-0000-7000-8000-000000000001'
const shelves: readonly Write[] = [productCreated('cup', { name: 'Cup' }), stockOpened('cup', 10)]
const after = (history: readonly Write[], then: Then) => [...history, ...then.decision().writes]
const eventsOf = (then: Then) => then.decision().writes.flatMap(({ events }) => events)
const typesIn = (then: Then) => eventsOf(then).map(({ type }) => type)
const dataOf = (then: Then, type: string) =>
  eventsOf(then).find((event) => event.type === type)?.data as Record<string, unknown> | undefined

const placed = (moment: Moments, more: object = {}) =>
  after(
    shelves,
    given(...shelves)
      .at(moment)
      .when(createOrder('simulator'), {
        order_id: ORDER,
        customer_id: 'c-1',
        items: [{ product_id: 'cup', quantity: '2', ...more }],
      }),
  )
const whose = { payment_id: ORDER, order_id: ORDER }
const paid = (history: readonly Write[], operation: string, status = 'succeeded') =>
  given(...history).when(recordPaymentOutcome, {
    ...whose,
    operation_id: `${ORDER}:${operation}`,
    status,
    reference: 'r-1',
  })
const labelled = (history: readonly Write[], operation: string, status = 'succeeded') =>
  given(...history).when(recordLabelOutcome, {
    ...whose,
    operation_id: `${ORDER}:${operation}`,
    status,
    ...(status === 'succeeded' ? { tracking_number: 'T-1', carrier: 'post' } : {}),
  })
const cancel = (history: readonly Write[]) =>
  given(...history).when(cancelOrder, { order_id: ORDER })

const asked = placed({ settings: { 'payments.default_method': 'card' } })
const authorized = after(asked, paid(asked, 'authorize:1'))
const confirmed = after(authorized, labelled(authorized, 'label:1'))
/** Asked for by a person, not by the saga. */
const byHand = (kind: 'Capture' | 'Void' | 'Refund', number: number, amount_minor: number) =>
  payment.write(ORDER, [
    payment.event(`Payment${kind}Requested`, {
      ...whose,
      operation_id: `${ORDER}:${kind.toLowerCase()}:${number}`,
      amount_minor,
      currency: 'USD',
      driver: 'payment',
    }),
  ])

describe('taking an order back while something moves', () => {
  it('asks the carrier once, also when money arrives meanwhile', () => {
    const undoing = after(confirmed, cancel(confirmed))
    deepEqual(typesIn(paid(undoing, 'capture:2')), ['PaymentProcessed', 'PaymentCaptured'])
    deepEqual(typesIn(paid(undoing, 'capture:2', 'declined')), ['PaymentFailed'])
  })
  it('is cancelled once, also when the authorization is refused meanwhile', () => {
    const undoing = after(asked, cancel(asked))
    const refused = [
      'SagaStepCompensated',
      'SagaStepCompensated',
      'SagaFailed',
      'PaymentFailed',
      'InventoryReleased',
      'StockReleased',
    ]
    for (const status of ['declined', 'absent'])
      deepEqual(typesIn(paid(undoing, 'authorize:1', status)), refused)
  })
  it('settles a label once, also when a payment is voided by hand meanwhile', () => {
    const voiding = [...authorized, byHand('Void', 2, 1_000)]
    const then = cancel(voiding)
    equal(dataOf(then, 'SagaStepStarted')?.operation_id, `${ORDER}:label:1`)
    const undoing = after(voiding, then)
    deepEqual(typesIn(paid(undoing, 'void:2')), ['PaymentVoided'])
    const voided = after(undoing, paid(undoing, 'void:2'))
    const never = labelled(voided, 'label:1', 'absent')
    equal(dataOf(never, 'SagaFailed')?.outcome, 'compensated')
    ok(!typesIn(never).includes('PaymentVoidRequested'))
  })
  it('says that what was never captured lapses when all that was captured is given back', () => {
    const manual = placed({
      settings: { 'payments.default_method': 'card', 'payments.capture_on': 'manual' },
    })
    let history: readonly Write[] = after(manual, paid(manual, 'authorize:1'))
    history = after(history, labelled(history, 'label:1'))
    history = [...history, byHand('Capture', 2, 300)]
    history = after(history, paid(history, 'capture:2'))
    history = [...history, byHand('Refund', 3, 300)]
    history = after(history, paid(history, 'refund:3'))
    history = after(history, cancel(history))
    const over = labelled(history, 'cancel:2')
    equal(dataOf(over, 'SagaFailed')?.outcome, 'compensated')
    deepEqual(
      typesIn(over).filter((type) => type.startsWith('Payment')),
      ['PaymentAuthorizationLapsed'],
    )
    equal(dataOf(over, 'PaymentAuthorizationLapsed')?.amount_minor, 700)
  })
})

it('an answer reads the payment it is about first, then the order and what belongs to it', () => {
  const refs = recordPaymentOutcome.reads({ ...whose, operation_id: 'x', status: 'unknown' })
  deepEqual(
    refs.map(({ stream, mode }) => `${stream} ${mode}`),
    ['payment', 'order', 'saga', 'shipment'].map((type) => `${type}-${ORDER} write`),
  )
})

describe('taking an order back that costs nothing', () => {
  const free = placed({ source: 'import' }, { price: '0' })
  it('settles its label without a payment', () => {
    const then = cancel(free)
    deepEqual(dataOf(then, 'SagaStepStarted')?.input, { kind: 'settle_label', payment_id: null })
    const undoing = after(free, then)
    const made = labelled(undoing, 'label:1')
    deepEqual(dataOf(made, 'SagaStepStarted')?.input, {
      kind: 'cancel_label',
      payment_id: null,
      tracking_number: 'T-1',
    })
  })
  it('has no money to give back', () => {
    const undoing = after(free, cancel(free))
    const over = labelled(undoing, 'label:1', 'absent')
    equal(dataOf(over, 'SagaFailed')?.outcome, 'compensated')
    deepEqual(typesIn(over), [
      'SagaStepCompensated',
      'SagaStepCompensated',
      'SagaStepCompensated',
      'SagaFailed',
      'ShipmentOperationFailed',
      'ShipmentCancelled',
      'InventoryReleased',
      'StockReleased',
    ])
  })
})
