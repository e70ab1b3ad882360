// Paying an order and taking it back, event by event: what exactly is written for each answer of a
// provider, and what is not written when the answer comes late, twice or from elsewhere.
import { deepEqual, equal, match, ok, throws } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { productCreated, stockOpened } from '#contexts/inventory/goods-fixture.ts'
import { reservation } from '#contexts/inventory/public.ts'
import { payment } from '#contexts/payments/public.ts'
import { shipment } from '#contexts/shipping/public.ts'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Write } from '#kernel/decider.ts'
import type { Fact } from '#kernel/message.ts'
import { saga } from '#kernel/saga.ts'
import { assertLimits, type Limits, upTo } from '#testing/field-limits.ts'
import { given, NOW, type Then } from '#testing/given.ts'
import { wireNames } from '#testing/wire-names.ts'
import { cancelOrder } from './cancel-order.ts'
import { PAYMENT_OPERATION } from './compensation.ts'
import { createOrder } from './create-order.ts'
import { recordLabelOutcome } from './label-outcome.ts'
import { authorizePayment, confirmPayment, processPayment } from './pay-order.ts'
import { recordPaymentOutcome } from './payment-outcome.ts'
import { continueSaga } from './saga-commands.ts'

const ORDER = '01980000-0000-7000-8000-000000000001'
const PAYMENT = '01980000-0000-7000-8000-000000000002'
const LATE = '2026-03-02T10:01:00.000Z'
const pay = processPayment('simulator')
const PAID = { 'payments.default_method': 'credit_card' }
const TTL = { 'reservation.ttl_ms': 60_000 }

const shelves: readonly Write[] = [productCreated('cup', { name: 'Cup' }), stockOpened('cup', 10)]
type Settings = Readonly<Record<string, unknown>>
const eventsOf = (then: Then): readonly Fact[] =>
  then.decision().writes.flatMap(({ events }) => events)
const typesIn = (then: Then) => eventsOf(then).map(({ type }) => type)
const dataOf = (then: Then, type: string) => {
  const fact = eventsOf(then).find((event) => event.type === type)
  ok(fact !== undefined, `there is no ${type} among ${typesIn(then)}`)
  return fact.data
}
const after = (history: readonly Write[], then: Then) => [...history, ...then.decision().writes]
const placed = (settings: Settings) =>
  after(
    shelves,
    given(...shelves)
      .at({ settings })
      .when(createOrder('simulator'), {
        order_id: ORDER,
        customer_id: 'c-1',
        country: 'Peru',
        items: [{ product_id: 'cup', quantity: '2' }],
      }),
  )
/** With its payment asked for, under the order's own id. */
const asked = placed(PAID)
/** Waiting for somebody to pay. */
const unpaid = placed(TTL)

const UNTAXED = { net_minor: 1_000, tax_minor: 0, discount_minor: 0 }
const AUTHORIZE = `${ORDER}:authorize:1`
const outcome = (operation_id: string, status: string, more: object = {}) => ({
  payment_id: ORDER,
  order_id: ORDER,
  operation_id,
  status,
  ...more,
})
type Moment = { readonly now?: string; readonly settings?: Settings; readonly user_id?: string }
const told = (history: readonly Write[], input: object, moment: Moment = {}) =>
  given(...history)
    .at(moment)
    .when(recordPaymentOutcome, input)
const labelTold = (history: readonly Write[], operation: string, status: string) =>
  given(...history).when(recordLabelOutcome, {
    order_id: ORDER,
    payment_id: ORDER,
    operation_id: `${ORDER}:${operation}`,
    status,
    ...(status === 'succeeded' ? { tracking_number: 'T-1', carrier: 'post' } : {}),
  })
const yes = { reference: 'r-1' }
const authorized = after(asked, told(asked, outcome(AUTHORIZE, 'succeeded', yes)))
const confirmed = after(authorized, labelTold(authorized, 'label:1', 'succeeded'))
const captured = after(confirmed, told(confirmed, outcome(`${ORDER}:capture:2`, 'succeeded', yes)))
const cancel = (history: readonly Write[], moment: Moment = {}) =>
  given(...history)
    .at(moment)
    .when(cancelOrder, { order_id: ORDER })

const whose = { payment_id: ORDER, order_id: ORDER }
const money = { amount_minor: 1_000, currency: 'USD' }
const at = (step: string) => ({ saga_id: ORDER, step })
const back = { compensation: true }
const failure = { ...at('AuthorizePayment'), attempt: 1, next_attempt_at: null }

describe('an authorization', () => {
  it('that was made is the payment’s, with the provider’s name for it', () => {
    const then = told(asked, outcome(AUTHORIZE, 'succeeded', yes))
    deepEqual(dataOf(then, 'PaymentAuthorized'), {
      ...whose,
      ...money,
      operation_id: AUTHORIZE,
      reference: 'r-1',
      payment_method: 'credit_card',
    })
    then.answers({ ...whose, has_effect: true })
    const unnamed = told(asked, outcome(AUTHORIZE, 'succeeded'))
    equal((dataOf(unnamed, 'PaymentAuthorized') as { reference: null }).reference, null)
  })
  it('that was declined cancels the order, in the provider’s words or ours', () => {
    for (const [status, more, why] of [
      ['declined', { reason: 'no funds' }, 'no funds'],
      ['declined', { reason: '' }, 'declined'],
      ['declined', {}, 'declined'],
      ['absent', { reason: 'no funds' }, 'not_carried_out'],
    ] as const) {
      const then = told(asked, outcome(AUTHORIZE, status, more))
      deepEqual(dataOf(then, 'PaymentFailed'), {
        ...whose,
        ...money,
        operation_id: AUTHORIZE,
        operation: 'authorize',
        reason: why,
      })
      deepEqual(dataOf(then, 'SagaStepFailed'), { ...failure, error: why })
      deepEqual(dataOf(then, 'SagaCompensationStarted'), {
        saga_id: ORDER,
        reason: 'payment_declined',
        by: null,
      })
      deepEqual(dataOf(then, 'SagaFailed'), {
        saga_id: ORDER,
        outcome: 'compensated',
        reason: 'payment_declined',
      })
    }
  })
  it('that was declined after tries that nobody answered counts them', () => {
    const once = after(asked, told(asked, outcome(AUTHORIZE, 'unknown')))
    const then = told(once, outcome(AUTHORIZE, 'declined'))
    equal((dataOf(then, 'SagaStepFailed') as { attempt: number }).attempt, 2)
  })
  it('that nobody knows of is asked again, until its time is over', () => {
    const then = told(asked, outcome(AUTHORIZE, 'unknown', { error: 'time-out' }))
    deepEqual(typesIn(then), ['SagaStepFailed'])
    deepEqual(dataOf(then, 'SagaStepFailed'), {
      ...failure,
      error: 'time-out',
      next_attempt_at: '2026-03-02T10:00:00.200Z',
    })
    const silent = told(asked, outcome(AUTHORIZE, 'unknown', { error: '' }))
    equal((dataOf(silent, 'SagaStepFailed') as { error: string }).error, 'no answer')
    const DEADLINE = '2026-03-03T10:00:00.000Z'
    const before = { now: '2026-03-03T09:59:59.999Z' }
    deepEqual(typesIn(told(asked, outcome(AUTHORIZE, 'unknown'), before)), ['SagaStepFailed'])
    const over = told(asked, outcome(AUTHORIZE, 'unknown'), { now: DEADLINE })
    equal((dataOf(over, 'OrderCancelled') as { cause: string }).cause, 'payment_timeout')
    ok(!typesIn(over).includes('PaymentFailed'), 'it may have been made')
    // The way back begins by asking, and has no time limit.
    const { input } = dataOf(over, 'SagaStepStarted') as { input: object }
    deepEqual(input, { kind: 'settle', payment_id: ORDER })
    const undoing = after(asked, over)
    const still = told(undoing, outcome(AUTHORIZE, 'unknown'), { now: '2027-01-01T00:00:00.000Z' })
    deepEqual(typesIn(still), ['SagaStepFailed'])
  })
})

describe('an answer that nobody waits for', () => {
  it('changes nothing, and says so', () => {
    for (const [history, input] of [
      [authorized, outcome(AUTHORIZE, 'succeeded', yes)],
      [asked, outcome(`${ORDER}:authorize:2`, 'succeeded', yes)],
      [unpaid, outcome(AUTHORIZE, 'succeeded', yes)],
      [asked, { ...outcome(AUTHORIZE, 'succeeded', yes), payment_id: PAYMENT }],
    ] as const)
      told(history, input).writesNothing().answers({ order_id: ORDER, has_effect: false })
  })
  it('is told that there is no such order', () => {
    told([], outcome(AUTHORIZE, 'succeeded')).rejects('not_found')
  })
  it('of the payment’s own operations moves no saga', () => {
    const CAPTURE = `${ORDER}:capture:2`
    const unknown = told(confirmed, outcome(CAPTURE, 'unknown', { error: 'time-out' }))
    deepEqual(typesIn(unknown), ['PaymentOutcomeUnknown'])
    deepEqual(dataOf(unknown, 'PaymentOutcomeUnknown'), {
      ...whose,
      operation_id: CAPTURE,
      operation: 'capture',
      attempt: 1,
      error: 'time-out',
      next_attempt_at: '2026-03-02T10:00:00.200Z',
      needs_attention: false,
    })
    deepEqual(typesIn(told(confirmed, outcome(CAPTURE, 'declined'))), ['PaymentFailed'])
  })
})

describe('a capture', () => {
  it('is told to the order when it is the first, with what was taken', () => {
    const then = told(confirmed, outcome(`${ORDER}:capture:2`, 'succeeded', yes))
    deepEqual(dataOf(then, 'PaymentProcessed'), {
      ...whose,
      ...money,
      payment_method: 'credit_card',
    })
    const refused = after(confirmed, told(confirmed, outcome(`${ORDER}:capture:2`, 'absent')))
    const half = [...refused, requestOf('Capture', 300, 3)]
    const first = told(half, outcome(`${ORDER}:capture:3`, 'succeeded'))
    equal((dataOf(first, 'PaymentProcessed') as { amount_minor: number }).amount_minor, 300)
    const more = [...after(half, first), requestOf('Capture', 700, 4)]
    deepEqual(typesIn(told(more, outcome(`${ORDER}:capture:4`, 'succeeded'))), ['PaymentCaptured'])
  })
  const requestOf = (kind: 'Capture' | 'Refund', amount_minor: number, number: number) =>
    payment.write(ORDER, [
      payment.event(`Payment${kind}Requested`, {
        ...whose,
        operation_id: `${ORDER}:${kind.toLowerCase()}:${number}`,
        amount_minor,
        currency: 'USD',
        driver: 'payment',
      }),
    ])
  it('that is under way when the order is cancelled is waited for, then given back', () => {
    const label = cancel(confirmed)
    const first = after(confirmed, label)
    const waiting = labelTold(first, 'cancel:2', 'succeeded')
    deepEqual(dataOf(waiting, 'SagaStepStarted'), {
      ...at('AuthorizePayment'),
      ...back,
      operation_id: null,
      waiting_for: PAYMENT_OPERATION,
      next_attempt_at: '2026-03-02T10:00:00.200Z',
    })
    const second = after(first, waiting)
    // Looked at again: nothing new is written but the try.
    const looked = given(...second).when(continueSaga, { saga_id: ORDER })
    deepEqual(dataOf(looked, 'SagaStepFailed'), {
      ...at('AuthorizePayment'),
      ...back,
      attempt: 1,
      error: 'waits for payment_operation',
      next_attempt_at: '2026-03-02T10:00:00.200Z',
    })
    const done = told(second, outcome(`${ORDER}:capture:2`, 'succeeded', yes))
    deepEqual(typesIn(done), [
      'PaymentProcessed',
      'SagaStepStarted',
      'PaymentCaptured',
      'PaymentRefundRequested',
    ])
    const refund = { ...whose, ...money, operation_id: `${ORDER}:refund:3`, driver: 'saga' }
    deepEqual(dataOf(done, 'PaymentRefundRequested'), refund)
    const never = told(second, outcome(`${ORDER}:capture:2`, 'declined'))
    deepEqual(dataOf(never, 'PaymentVoidRequested'), {
      ...refund,
      operation_id: `${ORDER}:void:3`,
    })
  })
})

describe('taking an order back', () => {
  it('tells the whole of it, for whoever has counted it', () => {
    const then = cancel(captured, { user_id: 'ann' })
    deepEqual(dataOf(then, 'OrderCancelled'), {
      order_id: ORDER,
      reason: 'requested',
      cause: 'requested',
      cancelled_at: NOW,
      was_confirmed: true,
      user_id: null,
      customer_id: 'c-1',
      currency: 'USD',
      country: 'Peru',
      store_id: MAIN_STORE_ID,
      placed_at: NOW,
      business_day: NOW.slice(0, 10),
      total_amount_minor: 1_000,
      ...UNTAXED,
      lines: [
        {
          ...{ line: 1, product_id: 'cup', code: 'CUP', department_id: null },
          ...{ quantity: 2, quantity_scale: 0, amount_minor: 1_000 },
          ...{ ...UNTAXED, taxes: [], discounts: [] },
        },
      ],
    })
    deepEqual(dataOf(then, 'SagaCompensationStarted'), {
      saga_id: ORDER,
      reason: 'requested',
      by: 'ann',
    })
    equal((dataOf(cancel(asked), 'OrderCancelled') as Settings).was_confirmed, false)
  })
  it('cancels the label first, then gives the money back, then the stock', () => {
    const label = cancel(captured)
    deepEqual(dataOf(label, 'SagaStepStarted'), {
      ...at('CreateShippingLabel'),
      ...back,
      operation_id: `${ORDER}:cancel:2`,
      input: { kind: 'cancel_label', payment_id: ORDER, tracking_number: 'T-1' },
      attempts: 0,
      next_attempt_at: NOW,
    })
    deepEqual(dataOf(label, 'ShipmentCancelRequested'), {
      shipment_id: ORDER,
      order_id: ORDER,
      operation_id: `${ORDER}:cancel:2`,
    })
    deepEqual(
      eventsOf(label)
        .filter(({ type }) => type === 'SagaStepCompensated')
        .map(({ data }) => (data as { step: string }).step),
      ['ConfirmOrder'],
    )
    const first = after(captured, label)
    const refund = labelTold(first, 'cancel:2', 'succeeded')
    const operation_id = `${ORDER}:refund:3`
    deepEqual(dataOf(refund, 'PaymentRefundRequested'), {
      ...whose,
      ...money,
      operation_id,
      driver: 'saga',
    })
    deepEqual(dataOf(refund, 'SagaStepStarted'), {
      ...at('AuthorizePayment'),
      ...back,
      operation_id,
      input: { kind: 'refund', reference: 'r-1', ...money, payment_id: ORDER },
      attempts: 0,
      next_attempt_at: NOW,
    })
    ok(!typesIn(refund).includes('StockReleased'))
    const over = told(after(first, refund), outcome(operation_id, 'succeeded', yes))
    deepEqual(typesIn(over), [
      'SagaStepCompensated',
      'SagaStepCompensated',
      'SagaFailed',
      'PaymentRefunded',
      'InventoryReleased',
      'StockReleased',
    ])
    deepEqual(dataOf(over, 'SagaFailed'), {
      saga_id: ORDER,
      outcome: 'compensated',
      reason: 'requested',
    })
    equal((dataOf(over, 'InventoryReleased') as Settings).reason, 'order_cancelled')
  })
  it('voids what was never captured', () => {
    const label = labelTold(authorized, 'label:1', 'declined')
    deepEqual(dataOf(label, 'SagaStepStarted'), {
      ...at('AuthorizePayment'),
      ...back,
      operation_id: `${ORDER}:void:2`,
      input: { kind: 'void', reference: 'r-1', ...money, payment_id: ORDER },
      attempts: 0,
      next_attempt_at: NOW,
    })
  })
  it('settles a label that is on its way by asking, once', () => {
    const then = cancel(authorized)
    const intent = {
      ...at('CreateShippingLabel'),
      ...back,
      operation_id: `${ORDER}:label:1`,
      input: { kind: 'settle_label', payment_id: ORDER },
      attempts: 0,
      next_attempt_at: NOW,
    }
    deepEqual(dataOf(then, 'SagaStepStarted'), intent)
    const undoing = after(authorized, then)
    // An answer to something else finds the step under way, and leaves it alone.
    const late = told(undoing, outcome(AUTHORIZE, 'succeeded', yes))
    late.writesNothing()
    const made = labelTold(undoing, 'label:1', 'succeeded')
    const { operation_id } = dataOf(made, 'SagaStepStarted') as { operation_id: string }
    equal(operation_id, `${ORDER}:cancel:2`)
  })
  it('cancels a parcel that has no label, and asks nobody', () => {
    const failed = shipment.write(ORDER, [
      shipment.event('ShipmentOperationFailed', {
        shipment_id: ORDER,
        order_id: ORDER,
        operation_id: `${ORDER}:label:1`,
        operation: 'label',
        reason: 'no',
      }),
    ])
    const then = cancel([...authorized, failed])
    deepEqual(dataOf(then, 'ShipmentCancelled'), {
      shipment_id: ORDER,
      order_id: ORDER,
      reason: 'order_cancelled',
    })
    ok(typesIn(then).includes('PaymentVoidRequested'))
    const gone = shipment.write(ORDER, [
      shipment.event('ShipmentCancelled', { shipment_id: ORDER, order_id: ORDER, reason: 'no' }),
    ])
    const twice = cancel([...authorized, failed, gone])
    ok(!typesIn(twice).includes('ShipmentCancelled'))
    ok(typesIn(twice).includes('PaymentVoidRequested'))
  })
  it('leaves alone what others have under way at the provider', () => {
    const refunding = payment.write(ORDER, [
      payment.event('PaymentRefundRequested', {
        ...whose,
        ...money,
        operation_id: `${ORDER}:refund:3`,
        driver: 'payment',
      }),
    ])
    const label = cancel([...captured, refunding])
    const undoing = after([...captured, refunding], label)
    const then = labelTold(undoing, 'cancel:2', 'succeeded')
    equal((dataOf(then, 'SagaStepStarted') as Settings).waiting_for, PAYMENT_OPERATION)
    const waiting = after(undoing, then)
    const refunded = told(waiting, outcome(`${ORDER}:refund:3`, 'succeeded'))
    ok(!typesIn(refunded).includes('PaymentRefundRequested'), 'all is given back already')
    equal((dataOf(refunded, 'SagaFailed') as Settings).outcome, 'compensated')
  })
  it('gives back what is left of a payment that was refunded in part by hand', () => {
    const part = payment.write(ORDER, [
      payment.event('PaymentRefunded', {
        ...whose,
        operation_id: `${ORDER}:refund:3`,
        amount_minor: 400,
        currency: 'USD',
        reference: null,
      }),
    ])
    const history = [...captured, part]
    const undoing = after(history, cancel(history))
    const then = labelTold(undoing, 'cancel:2', 'succeeded')
    equal((dataOf(then, 'PaymentRefundRequested') as { amount_minor: number }).amount_minor, 600)
  })
  it('has nothing to give back of a payment that was voided by hand', () => {
    const voided = payment.write(ORDER, [
      payment.event('PaymentVoided', {
        ...whose,
        ...money,
        operation_id: `${ORDER}:void:2`,
        reference: null,
      }),
    ])
    const then = labelTold([...authorized, voided], 'label:1', 'declined')
    equal((dataOf(then, 'SagaFailed') as Settings).outcome, 'compensated')
    ok(!typesIn(then).includes('PaymentVoidRequested'))
  })
  it('asks anew, later and later, under a new operation, when it is refused for certain', () => {
    const void2 = after(authorized, labelTold(authorized, 'label:1', 'declined'))
    const settings = { 'retry.base_ms': 1_000 }
    const third = told(void2, outcome(`${ORDER}:void:2`, 'declined', { reason: 'no' }), {
      settings,
    })
    deepEqual(dataOf(third, 'SagaStepFailed'), {
      ...at('AuthorizePayment'),
      ...back,
      attempt: 1,
      error: 'no',
      next_attempt_at: '2026-03-02T10:00:01.000Z',
    })
    deepEqual(dataOf(third, 'SagaStepStarted'), {
      ...at('AuthorizePayment'),
      ...back,
      operation_id: `${ORDER}:void:3`,
      input: { kind: 'void', reference: 'r-1', ...money, payment_id: ORDER },
      attempts: 1,
      next_attempt_at: '2026-03-02T10:00:01.000Z',
    })
    const void3 = after(void2, third)
    const fourth = told(void3, outcome(`${ORDER}:void:3`, 'absent'), { settings })
    const { attempts, next_attempt_at } = dataOf(fourth, 'SagaStepStarted') as Settings
    deepEqual([attempts, next_attempt_at], [2, '2026-03-02T10:00:02.000Z'])
    const unknown = told(void3, outcome(`${ORDER}:void:3`, 'unknown'), { settings })
    deepEqual(typesIn(unknown), ['SagaStepFailed'])
  })
  it('leaves to a person what was taken elsewhere, and gives the stock back', () => {
    const words = { order_id: ORDER, payment_id: 'ext-1' }
    const paid = after(unpaid, given(...unpaid).when(confirmPayment, words))
    const undoing = after(paid, cancel(paid))
    const then = given(...undoing).when(recordLabelOutcome, {
      order_id: ORDER,
      payment_id: 'ext-1',
      operation_id: `${ORDER}:label:1`,
      status: 'absent',
    })
    deepEqual(dataOf(then, 'SagaStepFailed'), {
      ...failure,
      ...back,
      error: 'the payment was taken elsewhere; it has to be given back there',
      needs_attention: true,
    })
    deepEqual(dataOf(then, 'SagaFailed'), {
      saga_id: ORDER,
      outcome: 'needs_attention',
      reason: 'requested',
    })
    ok(typesIn(then).includes('StockReleased'))
  })
  it('stops at books that contradict each other, before it calls anybody', () => {
    const unnamed = after(asked, told(asked, outcome(AUTHORIZE, 'succeeded')))
    throws(
      () => labelTold(unnamed, 'label:1', 'declined').decision(),
      /has no authorization to void/,
    )
    const odd = saga.write(ORDER, [
      saga.event('SagaStarted', {
        saga_id: ORDER,
        saga_type: 'CreateOrder',
        subject_id: ORDER,
        steps: ['Gamble'],
        deadline_at: LATE,
      }),
      saga.event('SagaStepSucceeded', { saga_id: ORDER, step: 'Gamble' }),
    ])
    throws(() => cancel([...asked, odd]), /nobody knows how to undo Gamble/)
  })
  it('cannot give back stock that is not held any more, and says so', () => {
    const gone = reservation.write(ORDER, [
      reservation.event('InventoryReleased', {
        reservation_id: ORDER,
        order_id: ORDER,
        lines: [{ product_id: 'cup', store_id: MAIN_STORE_ID, quantity: 2 }],
        reason: 'x',
      }),
    ])
    cancel([...unpaid, gone]).rejects('invalid_state', { details: { status: 'RELEASED' } })
  })
})

describe('paying an order that waits', () => {
  const paying = { order_id: ORDER, payment_id: PAYMENT, method: 'upi' }
  it('asks for the whole amount, and keeps the goods without a limit', () => {
    const then = given(...unpaid).when(pay, { ...paying, token: 'tok', amount: '10.00' })
    const operation_id = `${PAYMENT}:authorize:1`
    deepEqual(dataOf(then, 'PaymentAuthorizationRequested'), {
      payment_id: PAYMENT,
      order_id: ORDER,
      ...money,
      operation_id,
      provider: 'simulator',
      payment_method: 'upi',
      token: 'tok',
      payer_id: 'c-1',
      capture_on: 'confirm',
    })
    deepEqual(dataOf(then, 'OrderUpdated'), {
      order_id: ORDER,
      customer_id: 'c-1',
      user_id: null,
      payment_id: PAYMENT,
      payment_method: 'upi',
    })
    const input = { kind: 'authorize', payment_id: PAYMENT, ...money, payment_method: 'upi' }
    deepEqual(dataOf(then, 'SagaStepStarted'), {
      ...at('AuthorizePayment'),
      operation_id,
      input: { ...input, has_token: true },
      next_attempt_at: NOW,
      deadline_at: '2026-03-03T10:00:00.000Z',
    })
    deepEqual(dataOf(then, 'ReservationExtended'), { reservation_id: ORDER, expires_at: null })
    then.answers({ payment_id: PAYMENT, order_id: ORDER, status: 'AUTHORIZING', ...money })
  })
  it('captures when the payer says so, when the shop does, or never by itself', () => {
    const moment = (command: typeof pay, more: object, settings: Settings = {}) =>
      (
        dataOf(
          given(...unpaid)
            .at({ settings })
            .when(command, { ...paying, ...more }),
          'PaymentAuthorizationRequested',
        ) as { capture_on: string; token: string | null }
      ).capture_on
    equal(moment(pay, {}), 'confirm')
    equal(moment(pay, { capture: true }, { 'payments.capture_on': 'ship' }), 'confirm')
    equal(moment(pay, { capture: false }), 'manual')
    equal(moment(pay, {}, { 'payments.capture_on': 'ship' }), 'ship')
    const authorize = authorizePayment('simulator')
    equal(moment(authorize, {}), 'manual')
    equal(moment(authorize, { capture: true }), 'manual')
  })
  it('is refused where the payment is taken, the order is none, or nothing is to be paid', () => {
    const other = payment.write(PAYMENT, [
      payment.event('PaymentAuthorized', {
        payment_id: PAYMENT,
        order_id: 'o-2',
        ...money,
        operation_id: 'x',
        reference: null,
        payment_method: 'upi',
      }),
    ])
    given(...unpaid, other)
      .when(pay, paying)
      .rejects('already_exists')
    given(...shelves)
      .when(pay, paying)
      .rejects('not_found')
    given(...asked)
      .when(pay, paying)
      .rejects('invalid_state', {
        details: { status: 'PENDING', saga_status: 'RUNNING', waiting_for: null },
      })
    given(...after(unpaid, cancel(unpaid)))
      .when(pay, paying)
      .rejects('invalid_state', {
        details: { status: 'CANCELLED', saga_status: 'FAILED', waiting_for: null },
      })
  })
  it('is refused from the very end of its time on, or without a reservation', () => {
    const at = (now: string) =>
      given(...unpaid)
        .at({ now })
        .when(pay, paying)
    at('2026-03-02T10:00:59.999Z').answers({ status: 'AUTHORIZING' })
    at(LATE).rejects('invalid_state', { details: { status: 'PENDING', expires_at: LATE } })
    const stream = reservation.at(ORDER).stream
    given(...unpaid.filter((write) => write.stream !== stream))
      .when(pay, paying)
      .rejects('invalid_state', { details: { status: 'PENDING', expires_at: null } })
    const unlimited = reservation.write(ORDER, [
      reservation.event('ReservationExtended', { reservation_id: ORDER, expires_at: null }),
    ])
    given(...unpaid, unlimited)
      .at({ now: LATE })
      .when(pay, paying)
      .answers({ status: 'AUTHORIZING' })
  })
  it('is refused for another amount, currency or method, by the field’s name', () => {
    const at = (more: object, settings: Settings = {}) =>
      given(...unpaid)
        .at({ settings })
        .when(pay, { ...paying, ...more })
    at({ amount: '9.99' }).rejects('business_rule_violated', {
      errors: { amount: 'is not what the order comes to' },
    })
    at({ amount: '9.999' }).rejects('validation_failed', {
      errors: { amount: 'must have at most 2 decimals' },
    })
    at({ currency: 'EUR' }).rejects('currency_mismatch', { details: { currency: 'USD' } })
    at({ currency: 'USD' }).answers({ status: 'AUTHORIZING' })
    at({}, { 'payments.methods': ['cash', 'bank'] }).rejects('validation_failed', {
      errors: { method: 'must be one of cash, bank' },
    })
  })
})

describe('saying that an order is paid', () => {
  const words = { order_id: ORDER, payment_id: 'ext-1' }
  it('books the money as taken elsewhere, and goes on with the parcel', () => {
    const then = given(...unpaid).when(confirmPayment, { ...words, payment_method: 'bank' })
    const about = { ...words, ...money, reference: 'ext-1' }
    deepEqual(dataOf(then, 'PaymentAuthorized'), {
      ...about,
      operation_id: 'ext-1:authorize:0',
      payment_method: 'bank',
      is_external: true,
    })
    deepEqual(dataOf(then, 'PaymentCaptured'), { ...about, operation_id: 'ext-1:capture:0' })
    deepEqual(dataOf(then, 'PaymentProcessed'), { ...words, ...money, payment_method: 'bank' })
    ok(typesIn(then).includes('ShippingLabelRequested'))
    ok(typesIn(then).includes('ReservationExtended'))
    then.answers({ order_id: ORDER, status: 'PENDING', saga_status: 'RUNNING', waiting_for: null })
    const unnamed = given(...unpaid).when(confirmPayment, words)
    equal((dataOf(unnamed, 'PaymentProcessed') as Settings).payment_method, 'external')
  })
  it('is refused for a name that is too long, taken, or where nothing waits', () => {
    const at = (payment_id: string, ...more: readonly Write[]) =>
      given(...unpaid, ...more).when(confirmPayment, { ...words, payment_id })
    at('x'.repeat(150)).answers({ order_id: ORDER })
    at('x'.repeat(151)).rejects('validation_failed', {
      errors: { payment_id: 'must have at most 150 characters' },
    })
    const other = payment.write('ext-1', [
      payment.event('PaymentAuthorized', {
        payment_id: 'ext-1',
        order_id: 'o-2',
        ...money,
        operation_id: 'x',
        reference: null,
        payment_method: 'bank',
      }),
    ])
    at('ext-1', other).rejects('invalid_state')
    given(...asked)
      .when(confirmPayment, words)
      .rejects('invalid_state')
    given(...shelves)
      .when(confirmPayment, words)
      .rejects('not_found')
  })
  it('of our own payment asks the provider at once, under the same operation', () => {
    const own = { order_id: ORDER, payment_id: ORDER }
    const once = after(asked, told(asked, outcome(AUTHORIZE, 'unknown')))
    const then = given(...once)
      .at({ now: LATE })
      .when(confirmPayment, own)
    const { operation_id, next_attempt_at } = dataOf(then, 'SagaStepStarted') as Settings
    deepEqual(typesIn(then), ['SagaStepStarted'])
    deepEqual([operation_id, next_attempt_at], [AUTHORIZE, LATE])
    then.answers({ order_id: ORDER, status: 'PENDING' })
    given(...authorized)
      .when(confirmPayment, own)
      .writesNothing()
      .answers({ order_id: ORDER, status: 'PENDING' })
    given(...confirmed)
      .when(confirmPayment, own)
      .writesNothing()
  })
})

describe('the fields of paying', () => {
  const uuid: Limits = { payment_id: [[PAYMENT], ['ext-1']] }
  it('have limits', () => {
    const paying = { order_id: ORDER, method: 'upi' }
    const limits: Limits = {
      ...uuid,
      order_id: [[], ['o-1']],
      amount: [['1.5'], ['-1', 1]],
      currency: [['USD'], ['US', 'USDX']],
      method: upTo(50),
      token: [['t'], ['']],
      capture: [[true], [1]],
    }
    for (const command of [pay, authorizePayment('simulator')]) {
      assertLimits(command.input, paying, limits)
      equal(command.creates, 'payment_id')
    }
    assertLimits(
      confirmPayment.input,
      { order_id: 'o-1', payment_id: 'ext-1' },
      { payment_method: upTo(50), payment_id: [['x'], ['']] },
    )
    const told = outcome('a:b:1', 'unknown')
    assertLimits(recordPaymentOutcome.input, told, {
      status: [
        ['succeeded', 'declined', 'absent'],
        ['', 'maybe'],
      ],
      reference: [[null, 'r'], ['']],
      reason: [['', 'x'.repeat(2_000)], ['x'.repeat(2_001)]],
      error: [['', 'x'.repeat(2_000)], ['x'.repeat(2_001)]],
    })
  })
  it('go by these names for ever', () => {
    deepEqual(
      wireNames([pay, authorizePayment('simulator'), confirmPayment, recordPaymentOutcome]),
      {
        ProcessPayment: ['POST /api/v1/payments', '201 payments', 'method=payment_method'],
        AuthorizePayment: ['method=payment_method'],
        ConfirmPayment: [
          'POST /api/v1/orders/:order_id/confirm-payment',
          '200 orders',
          'payment_method=method',
        ],
        RecordPaymentOutcome: [],
      },
    )
    match(PAYMENT_OPERATION, /^payment_operation$/)
  })
})
