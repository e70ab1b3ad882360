// A payment in full: what its events may hold, the whole state that each leaves, what it is called
// then, and what may be asked of it.
import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { capturePayment, refundPayment } from '#contexts/orders/payment-by-hand.ts'
import type { Fact } from '#kernel/message.ts'
import { assertLimits, atLeast, type Limits, upTo } from '#testing/field-limits.ts'
import { given } from '#testing/given.ts'
import { wireNames } from '#testing/wire-names.ts'
import { type Operation, type Payment, type PaymentState, payment } from './payment.ts'
import {
  capturable,
  failed,
  objection,
  operationId,
  paymentStatus,
  refundable,
  requested,
  succeeded,
  unsettled,
} from './payment-operations.ts'
import { voidPayment } from './payment-requests.ts'

const NOW = '2026-03-02T10:00:00.000Z'
const ID = 'pay-1'
const whose = { payment_id: ID, order_id: 'o-1' }
const about = { ...whose, operation_id: `${ID}:authorize:1`, amount_minor: 1_000, currency: 'USD' }
const asking = {
  ...about,
  provider: 'simulator',
  payment_method: 'upi',
  token: null,
  capture_on: 'ship',
} as const
const asked = payment.event('PaymentAuthorizationRequested', asking)
const authorization = { ...about, reference: 'r-1', payment_method: 'upi' }
const authorized = payment.event('PaymentAuthorized', authorization)
const done = (
  type: 'PaymentCaptured' | 'PaymentVoided' | 'PaymentRefunded',
  amount_minor: number,
) => payment.event(type, { ...about, amount_minor, reference: null })
const request = (kind: 'Capture' | 'Void' | 'Refund', amount_minor: number) =>
  payment.event(`Payment${kind}Requested`, { ...about, amount_minor, driver: 'payment' })

const step = (state: Payment, { type, data }: Fact): Payment =>
  payment.evolve[type as keyof typeof payment.events](state, data as never, {
    occurred_at: '',
    timestamp: '',
    position: 1,
  })
// Every history here begins with an authorization, after which there is a state.
const after = (...facts: readonly Fact[]): PaymentState => facts.reduce(step, null)!

const begun = (kind: Operation['kind'], amount_minor: number, more: object = {}): Operation => ({
  kind,
  operation_id: about.operation_id,
  amount_minor,
  driver: 'payment',
  attempts: 0,
  ...more,
})
const fresh: PaymentState = {
  order_id: 'o-1',
  currency: 'USD',
  payment_method: 'upi',
  capture_on: 'manual',
  reference: null,
  is_external: false,
  authorized_minor: 0,
  captured_minor: 0,
  refunded_minor: 0,
  owed_refunded_minor: 0,
  owed_back_minor: 0,
  given_back: [],
  lapsed_minor: 0,
  is_voided: false,
  has_failed: false,
  pending: null,
  operations: 0,
}
const settled: PaymentState = {
  ...fresh,
  capture_on: 'ship',
  reference: 'r-1',
  authorized_minor: 1_000,
  operations: 1,
}

describe('what an event of a payment may hold', () => {
  const amounts: Limits = {
    currency: [[], ['US', 'USDX']],
    amount_minor: [[0], ['1']],
    operation_id: [['a:b:1'], ['']],
  }
  const requests: readonly [object, Limits] = [
    { ...about, driver: 'saga' },
    {
      ...amounts,
      driver: [['payment'], ['', 'me']],
      reason: [['x'], ['']],
      is_owed: [[true], [1]],
      attempts: atLeast(1),
      due_at: [[NOW], ['soon']],
      needs_attention: [[true], [1]],
    },
  ]
  const outcomes: readonly [object, Limits] = [
    { ...about, reference: null },
    { ...amounts, reference: [['r-1'], ['']] },
  ]
  const samples: Readonly<Record<keyof typeof payment.events, readonly [object, Limits]>> = {
    PaymentAuthorizationRequested: [
      asking,
      {
        ...amounts,
        provider: upTo(50),
        payment_method: upTo(50),
        token: [['t'], ['']],
        capture_on: [
          ['confirm', 'manual'],
          ['', 'never'],
        ],
      },
    ],
    PaymentAuthorized: [
      authorization,
      {
        ...amounts,
        reference: [[null], ['']],
        payment_method: upTo(50),
        is_external: [[true], [1]],
      },
    ],
    PaymentCaptureRequested: requests,
    PaymentCaptured: outcomes,
    PaymentVoidRequested: requests,
    PaymentVoided: outcomes,
    PaymentRefundRequested: requests,
    PaymentRefunded: [outcomes[0], { ...outcomes[1], reason: upTo(500) }],
    PaymentRefundOwed: [
      { ...whose, amount_minor: 1_000, currency: 'USD', reason: 'less was kept' },
      { currency: amounts.currency!, amount_minor: amounts.amount_minor!, reason: upTo(500) },
    ],
    PaymentAuthorizationLapsed: [
      { ...whose, amount_minor: 1_000, currency: 'USD', reason: 'no more is needed' },
      { currency: amounts.currency!, amount_minor: amounts.amount_minor!, reason: [['x'], ['']] },
    ],
    PaymentFailed: [
      { ...about, operation: 'authorize', reason: 'no' },
      {
        ...amounts,
        operation: [
          ['capture', 'void', 'refund'],
          ['', 'pay'],
        ],
        reason: upTo(500),
      },
    ],
    PaymentOutcomeUnknown: [
      {
        ...whose,
        operation_id: 'a:b:1',
        operation: 'refund',
        attempt: 1,
        error: 'time-out',
        next_attempt_at: NOW,
        needs_attention: false,
      },
      {
        attempt: atLeast(1),
        error: upTo(500),
        next_attempt_at: [[], ['soon', null]],
        operation: [['capture'], ['']],
      },
    ],
    PaymentNoticeReceived: [{ ...whose, operation_id: 'a:b:1' }, {}],
  }
  for (const [type, [sample, limits]] of Object.entries(samples))
    it(type, () => assertLimits(payment.events[type as keyof typeof samples].data, sample, limits))

  it('keeps what a payer’s device was given under the payer’s key, before under its own', () => {
    const { personal } = payment.events.PaymentAuthorizationRequested
    deepEqual([personal.fields, personal.subject(whose)], [['token'], `payment-${ID}`])
    equal(personal.subject({ ...whose, payer_id: 'c-1' }), 'c-1')
  })
  it('lies in a stream of its own', () => equal(payment.at(ID).stream, `payment-${ID}`))
})

describe('the state of a payment', () => {
  it('begins with the saga asking for the authorization', () =>
    deepEqual(after(asked), {
      ...fresh,
      capture_on: 'ship',
      pending: begun('authorize', 1_000, { driver: 'saga' }),
      operations: 1,
    }))
  it('is authorized: asked for before, or taken elsewhere', () => {
    deepEqual(after(asked, authorized), settled)
    const external = payment.event('PaymentAuthorized', { ...authorization, is_external: true })
    deepEqual(after(external), {
      ...fresh,
      reference: 'r-1',
      authorized_minor: 1_000,
      is_external: true,
    })
  })
  it('sums what is captured and what is given back', () => {
    const captures = [request('Capture', 400), done('PaymentCaptured', 400)]
    const half = after(asked, authorized, ...captures)
    deepEqual(half, { ...settled, captured_minor: 400, operations: 2 })
    const more = [done('PaymentCaptured', 100), done('PaymentRefunded', 200)]
    deepEqual([...more, done('PaymentRefunded', 50)].reduce(step, half), {
      ...settled,
      captured_minor: 500,
      refunded_minor: 250,
      operations: 2,
    })
  })
  it('tells what the order owed from what somebody gave', () => {
    const owed = payment.event('PaymentRefundRequested', {
      ...{ ...about, amount_minor: 200, driver: 'payment', is_owed: true },
    })
    const taken = after(asked, authorized, done('PaymentCaptured', 1_000))
    const back = [owed, done('PaymentRefunded', 200)].reduce(step, taken)
    deepEqual([back?.refunded_minor, back?.owed_refunded_minor], [200, 200])
    const given = [request('Refund', 50), done('PaymentRefunded', 50)].reduce(step, back)
    deepEqual([given?.refunded_minor, given?.owed_refunded_minor], [250, 200])
  })
  it('remembers what is owed where it was taken, and what was given back there', () => {
    const external = payment.event('PaymentAuthorized', { ...authorization, is_external: true })
    const owed = (amount_minor: number) =>
      payment.event('PaymentRefundOwed', { ...whose, amount_minor, currency: 'USD', reason: 'r' })
    const taken = [external, done('PaymentCaptured', 1_000), owed(300), owed(100)] as const
    const back = payment.event('PaymentRefunded', {
      ...{ ...about, amount_minor: 250, reference: 'bank-7' },
    })
    const half = after(...taken, back)
    deepEqual(half, {
      ...{ ...fresh, reference: 'r-1', is_external: true },
      ...{ authorized_minor: 1_000, captured_minor: 1_000, refunded_minor: 250 },
      ...{ owed_refunded_minor: 250, owed_back_minor: 150, operations: 1 },
      given_back: [{ reference: 'bank-7', operation_id: about.operation_id, amount_minor: 250 }],
    })
    equal(paymentStatus(half), 'PARTIALLY_REFUNDED')
    const no = payment.event('PaymentFailed', { ...about, operation: 'refund', reason: 'no' })
    const waived = after(...taken, no)
    deepEqual([waived.owed_back_minor, waived.operations], [0, 1])
    equal(paymentStatus(waived), 'CAPTURED')
  })
  it('remembers what was let go of, which can be captured no more', () => {
    const lapsed = payment.event('PaymentAuthorizationLapsed', {
      ...whose,
      ...{ amount_minor: 600, currency: 'USD', reason: 'no more is needed' },
    })
    const half = after(asked, authorized, done('PaymentCaptured', 400), lapsed)
    deepEqual([capturable(half), paymentStatus(half)], [0, 'CAPTURED'])
  })
  it('has one operation under way, numbered, until it is settled', () => {
    for (const [kind, name] of [
      ['Capture', 'capture'],
      ['Void', 'void'],
      ['Refund', 'refund'],
    ] as const)
      deepEqual(after(asked, authorized, request(kind, 70)), {
        ...settled,
        pending: begun(name, 70),
        operations: 2,
      })
    const voided = after(asked, authorized, request('Void', 1_000), done('PaymentVoided', 1_000))
    deepEqual(voided, { ...settled, is_voided: true, operations: 2 })
  })
  it('has failed until something succeeds', () => {
    const no = payment.event('PaymentFailed', { ...about, operation: 'capture', reason: 'no' })
    const refused = after(asked, authorized, request('Capture', 70), no)
    deepEqual(refused, { ...settled, has_failed: true, operations: 2 })
    for (const type of ['PaymentCaptured', 'PaymentVoided', 'PaymentRefunded'] as const)
      equal(step(refused, done(type, 1))!.has_failed, false, type)
  })
  it('counts the tries of what nobody knows yet, and hears hints without moving', () => {
    const unknown = payment.event('PaymentOutcomeUnknown', {
      ...whose,
      operation_id: about.operation_id,
      operation: 'capture',
      attempt: 3,
      error: 'time-out',
      next_attempt_at: NOW,
      needs_attention: false,
    })
    const waiting = after(asked, authorized, request('Capture', 70))
    deepEqual(step(waiting, unknown), {
      ...waiting,
      pending: begun('capture', 70, { attempts: 3 }),
    })
    deepEqual(step(settled, unknown), settled)
    const notice = payment.event('PaymentNoticeReceived', { ...whose, operation_id: 'a:b:1' })
    deepEqual(step(waiting, notice), waiting)
  })
  it('does not begin with a change', () =>
    throws(() => after(done('PaymentVoided', 1)), /a payment that was never begun has changed/))
})

describe('what a payment is called', () => {
  const at = (more: Partial<PaymentState>) => paymentStatus({ ...settled, ...more })
  it('by what is under way before all else', () => {
    for (const [kind, status] of [
      ['authorize', 'AUTHORIZING'],
      ['capture', 'CAPTURING'],
      ['void', 'VOIDING'],
      ['refund', 'REFUNDING'],
    ] as const)
      equal(at({ pending: begun(kind, 1), is_voided: true, has_failed: true }), status)
  })
  it('by what was done last with the money', () => {
    equal(paymentStatus(fresh), 'CREATED')
    equal(at({}), 'AUTHORIZED')
    equal(at({ authorized_minor: 1 }), 'AUTHORIZED')
    equal(at({ has_failed: true }), 'FAILED')
    equal(at({ captured_minor: 1, has_failed: true }), 'PARTIALLY_CAPTURED')
    equal(at({ captured_minor: 999 }), 'PARTIALLY_CAPTURED')
    equal(at({ captured_minor: 1_000 }), 'CAPTURED')
    equal(at({ captured_minor: 1_000, refunded_minor: 1 }), 'PARTIALLY_REFUNDED')
    equal(at({ captured_minor: 600, refunded_minor: 599 }), 'PARTIALLY_REFUNDED')
    equal(at({ captured_minor: 600, refunded_minor: 600 }), 'REFUNDED')
    equal(at({ is_voided: true, has_failed: true }), 'VOIDED')
  })
})

describe('what may be asked of a payment', () => {
  const state = (more: Partial<PaymentState>): PaymentState => ({ ...settled, ...more })
  it('is what is left of it', () => {
    equal(capturable(state({ captured_minor: 300 })), 700)
    equal(capturable(state({ is_voided: true })), 0)
    equal(capturable(state({ is_external: true })), 0)
    equal(refundable(state({ captured_minor: 600, refunded_minor: 250 })), 350)
  })
  it('is one thing at a time, and only of money that was taken here', () => {
    const status = 'CAPTURING'
    const busy = objection(state({ pending: begun('capture', 1) }), 'capture', 1)?.rejected
    deepEqual([busy?.code, busy?.details], ['invalid_state', { status }])
    equal(busy?.message, 'The payment is CAPTURING; one operation at a time.')
    const external = objection(state({ is_external: true, captured_minor: 500 }), 'refund', 1)
    equal(external?.rejected.message, 'The payment was taken elsewhere; it is changed there too.')
  })
  it('is a void only while nothing is captured and something is authorized', () => {
    equal(objection(state({}), 'void', 0), null)
    for (const more of [{ captured_minor: 1 }, { authorized_minor: 0 }, { is_voided: true }]) {
      const { message } = objection(state(more), 'void', 0)!.rejected
      ok(/^A payment that is \w+ cannot be voided\.$/.test(message), message)
    }
  })
  it('is an amount of something up to what is left', () => {
    equal(objection(state({}), 'capture', 1_000), null)
    equal(objection(state({}), 'capture', 1), null)
    equal(objection(state({ captured_minor: 5 }), 'refund', 5), null)
    const over = objection(state({}), 'capture', 1_001)!.rejected
    deepEqual(over, {
      code: 'amount_exceeds_captured',
      message: 'More than was authorized cannot be captured.',
      details: { currency: 'USD', limit: 10, requested: 10.01 },
    })
    const back = objection(state({ captured_minor: 5 }), 'refund', 6)!.rejected
    deepEqual(back, {
      code: 'amount_exceeds_captured',
      message: 'More than was captured cannot be given back.',
      details: { currency: 'USD', limit: 0.05, requested: 0.06 },
    })
    for (const amount of [0, -1])
      deepEqual(objection(state({}), 'capture', amount)!.rejected.errors, {
        amount: 'must be more than zero',
      })
    const nothing = objection(state({ captured_minor: 1_000 }), 'capture', 0)!.rejected
    equal(nothing.message, 'The payment is CAPTURED; there is nothing to capture.')
  })
})

describe('what is written of an operation', () => {
  const { currency, payment_method } = settled
  const money = { amount_minor: 70, currency }
  it('its intent, under the next number', () => {
    equal(operationId(ID, 'refund', 3), `${ID}:refund:3`)
    const asked = { driver: 'saga', amount_minor: 70 } as const
    const data = { ...whose, ...money, operation_id: `${ID}:capture:2`, driver: 'saga' }
    deepEqual(requested(ID, settled, 'capture', asked), { type: 'PaymentCaptureRequested', data })
    deepEqual(requested(ID, settled, 'refund', { ...asked, reason: 'late' }), {
      type: 'PaymentRefundRequested',
      data: { ...data, operation_id: `${ID}:refund:2`, reason: 'late' },
    })
    equal(requested(ID, settled, 'void', asked).type, 'PaymentVoidRequested')
  })
  it('that it was carried out', () => {
    const operation_id = about.operation_id
    const data = { ...whose, ...money, operation_id, reference: 'r-9' }
    for (const [kind, type] of [
      ['capture', 'PaymentCaptured'],
      ['void', 'PaymentVoided'],
      ['refund', 'PaymentRefunded'],
    ] as const)
      deepEqual(succeeded(ID, settled, begun(kind, 70), 'r-9'), { type, data })
    deepEqual(succeeded(ID, settled, begun('authorize', 70), 'r-9'), {
      type: 'PaymentAuthorized',
      data: { ...data, payment_method },
    })
  })
  it('that it will not happen, and why, in few words', () => {
    const { type, data } = failed(ID, settled, begun('void', 70), 'x'.repeat(501))
    equal(type, 'PaymentFailed')
    deepEqual(data, {
      ...whose,
      ...money,
      operation_id: about.operation_id,
      operation: 'void',
      reason: 'x'.repeat(500),
    })
  })
  it('that nobody knows, and when it is asked again', () => {
    const moment = { now: NOW, settings: { 'saga.alarm_after': 3 } }
    const at = (attempts: number) => {
      const pending = begun('void', 70, { attempts })
      const { type, data } = unsettled(ID, settled, pending, 'x'.repeat(501), moment)
      equal(type, 'PaymentOutcomeUnknown')
      return data
    }
    const data = {
      ...whose,
      operation_id: about.operation_id,
      operation: 'void',
      attempt: 1,
      error: 'x'.repeat(500),
      next_attempt_at: '2026-03-02T10:00:00.200Z',
      needs_attention: false,
    }
    deepEqual(at(0), data)
    deepEqual(at(2), {
      ...data,
      attempt: 3,
      next_attempt_at: '2026-03-02T10:00:00.800Z',
      needs_attention: true,
    })
  })
})

describe('asking by hand', () => {
  const history = (...facts: readonly Fact[]) => ({ stream: `payment-${ID}`, events: facts })
  it('goes by these names for ever', () => {
    const path = 'POST /api/v1/payments/:payment_id'
    deepEqual(wireNames([capturePayment, voidPayment, refundPayment]), {
      CapturePayment: [`${path}/capture`, '202 payments'],
      VoidPayment: [`${path}/void`, '202 payments'],
      // 202 where a provider is asked.
      RefundPayment: [`${path}/refund`, '200 payments'],
    })
  })
  it('has fields with limits', () => {
    const amount: Limits = { amount: [['1.50'], ['-1', 1]] }
    assertLimits(capturePayment.input, { payment_id: ID }, amount)
    assertLimits(
      refundPayment.input,
      { payment_id: ID },
      {
        ...{ ...amount, reference: upTo(200), reason: upTo(500) },
      },
    )
    assertLimits(voidPayment.input, { payment_id: ID }, { reason: upTo(500) })
  })
  it('writes the intent, with its reason where there is one, and answers it', () => {
    const captured = history(asked, authorized, done('PaymentCaptured', 1_000))
    const data = {
      ...whose,
      operation_id: `${ID}:refund:2`,
      amount_minor: 250,
      currency: 'USD',
      driver: 'payment',
    } as const
    const refund = { payment_id: ID, amount: '2.50' }
    const answer = { ...whose, operation_id: data.operation_id, amount_minor: 250, currency: 'USD' }
    given(captured)
      .when(refundPayment, { ...refund, reason: 'broken' })
      .writes(history(payment.event('PaymentRefundRequested', { ...data, reason: 'broken' })))
      .answers({ ...answer, status: 'REFUNDING' })
    given(captured)
      .when(refundPayment, refund)
      .writes(history(payment.event('PaymentRefundRequested', data)))
  })
  it('tells what is wrong with the amount', () => {
    given(history(asked, authorized))
      .when(capturePayment, { payment_id: ID, amount: '1.001' })
      .rejects('validation_failed', { errors: { amount: 'must have at most 2 decimals' } })
  })
})
