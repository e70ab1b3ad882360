// What may be asked of a payment: refunded ≤ captured ≤ authorized, one operation at a time.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { capturePayment, refundPayment } from '#contexts/orders/payment-by-hand.ts'
import type { Write } from '#kernel/decider.ts'
import type { Fact } from '#kernel/message.ts'
import { given } from '#testing/given.ts'
import { type Payment, payment } from './payment.ts'
import {
  capturable,
  failed,
  objection,
  paymentIdOf,
  paymentStatus,
  refundable,
  requested,
  succeeded,
} from './payment-operations.ts'
import { voidPayment } from './payment-requests.ts'

const ID = 'pay-1'
const whose = { payment_id: ID, order_id: 'o-1', amount_minor: 1_000, currency: 'USD' }
const asked = payment.event('PaymentAuthorizationRequested', {
  ...whose,
  operation_id: `${ID}:authorize:1`,
  provider: 'simulator',
  payment_method: 'upi',
  token: null,
  capture_on: 'manual',
})
const authorization = {
  ...whose,
  operation_id: `${ID}:authorize:1`,
  reference: 'r-1',
  payment_method: 'upi',
}
const authorized = payment.event('PaymentAuthorized', authorization)
const captured = (amount_minor: number) =>
  payment.event('PaymentCaptured', {
    ...whose,
    amount_minor,
    operation_id: `${ID}:capture:2`,
    reference: 'r-1',
  })
const history = (...facts: readonly Fact[]): Write => ({ stream: `payment-${ID}`, events: facts })
const capture = (amount?: string) => ({ payment_id: ID, ...(amount ? { amount } : {}) })

const step = (state: Payment, { type, data }: Fact): Payment =>
  payment.evolve[type as keyof typeof payment.events](state, data as never, {
    occurred_at: '',
    timestamp: '',
    position: 0,
  })

describe('asking for money', () => {
  it('captures all that is left when no amount is named', () => {
    given(history(asked, authorized, captured(300)))
      .when(capturePayment, capture())
      .answers({ amount_minor: 700, status: 'CAPTURING', currency: 'USD' })
  })
  it('captures no more than was authorized', () => {
    given(history(asked, authorized))
      .when(capturePayment, capture('10.01'))
      .rejects('amount_exceeds_captured')
    given(history(asked, authorized, captured(600)))
      .when(capturePayment, capture('4.01'))
      .rejects('amount_exceeds_captured', {
        details: { currency: 'USD', limit: 4, requested: 4.01 },
      })
    given(history(asked, authorized, captured(600)))
      .when(capturePayment, capture('4.00'))
      .answers({ amount_minor: 400 })
  })
  it('gives back no more than was captured', () => {
    given(history(asked, authorized, captured(600)))
      .when(refundPayment, capture('6.01'))
      .rejects('amount_exceeds_captured')
    given(history(asked, authorized, captured(600)))
      .when(refundPayment, capture())
      .answers({ amount_minor: 600, status: 'REFUNDING' })
    given(history(asked, authorized)).when(refundPayment, capture()).rejects('invalid_state')
  })
  it('voids only what was not captured', () => {
    given(history(asked, authorized))
      .when(voidPayment, capture())
      .answers({ status: 'VOIDING', amount_minor: 1_000 })
    given(history(asked, authorized, captured(1)))
      .when(voidPayment, capture())
      .rejects('invalid_state')
  })
  it('takes one operation at a time', () => {
    for (const command of [capturePayment, voidPayment, refundPayment])
      given(history(asked)).when(command, capture()).rejects('invalid_state')
  })
  it('does not know an amount finer than the currency, zero, or a payment that is not there', () => {
    given(history(asked, authorized))
      .when(capturePayment, capture('1.001'))
      .rejects('validation_failed')
    given(history(asked, authorized))
      .when(capturePayment, capture('0'))
      .rejects('validation_failed')
    given().when(capturePayment, capture()).rejects('not_found')
  })
  it('leaves money that was taken elsewhere alone', () => {
    const external = payment.event('PaymentAuthorized', { ...authorization, is_external: true })
    for (const command of [capturePayment, voidPayment])
      given(history(external, captured(1_000)))
        .when(command, capture())
        .rejects('invalid_state')
    given(history(external, captured(1_000)))
      .when(refundPayment, capture())
      .rejects('validation_failed')
  })
  it('names the payment in every operation', () => {
    const then = given(history(asked, authorized)).when(capturePayment, capture())
    const operation = String(then.decision().response.operation_id)
    deepEqual([operation, paymentIdOf(operation)], [`${ID}:capture:2`, ID])
  })
  it('may be asked again after a refusal, under another operation', () => {
    const first = given(history(asked, authorized)).when(capturePayment, capture())
    const [write] = first.decision().writes
    const state = [asked, authorized, ...write!.events].reduce(step, null)!
    const no = failed(ID, state, state.pending!, 'expired card')
    const again = given(history(asked, authorized, ...write!.events, no)).when(
      capturePayment,
      capture(),
    )
    again.answers({ operation_id: `${ID}:capture:3` })
    equal(paymentStatus(step(state, no)!), 'FAILED')
  })
})

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)
it(`whatever is asked and answered, refunded ≤ captured ≤ authorized (SEED=${SEED})`, () => {
  const move = fc.record({
    kind: fc.constantFrom('capture' as const, 'void' as const, 'refund' as const),
    amount: fc.integer({ min: -10, max: 1_200 }),
    isDone: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(move, { maxLength: 20 }), (moves) => {
      let state = [asked, authorized].reduce(step, null)!
      for (const { kind, amount, isDone } of moves) {
        if (objection(state, kind, amount) !== null) continue
        const amount_minor = kind === 'void' ? capturable(state) : amount
        state = step(state, requested(ID, state, kind, { driver: 'payment', amount_minor }))!
        const outcome = isDone
          ? succeeded(ID, state, state.pending!, 'r-1')
          : failed(ID, state, state.pending!, 'no')
        state = step(state, outcome)!
        const { authorized_minor, captured_minor, refunded_minor, pending } = state
        if (refunded_minor > captured_minor || captured_minor > authorized_minor) return false
        if (refundable(state) < 0 || capturable(state) < 0 || pending !== null) return false
      }
      return true
    }),
    { seed: SEED, numRuns: 300 },
  )
})
