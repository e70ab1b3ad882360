// Money that was taken elsewhere: what of it is owed back, and what a person says was given back.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { productCreated, stockOpened } from '#contexts/inventory/goods-fixture.ts'
import { type PaymentProvider, payment } from '#contexts/payments/public.ts'
import type { Carrier } from '#contexts/shipping/public.ts'
import type { Write } from '#kernel/decider.ts'
import { saga } from '#kernel/saga.ts'
import { asking, commandIn, type Step, statesAfter } from '#testing/given.ts'
import { orders } from './orders.ts'

const ORDER = '01980000-0000-7000-8000-000000000001'
const BANK = 'bank-1'
const CUP = 'p-cup'
// Only their commands are used, which call nobody.
const { commands } = orders({ provider: { name: 'x' } as PaymentProvider, carrier: {} as Carrier })
const { when, after } = asking(commandIn(commands), [])

const label = { order_id: ORDER, payment_id: BANK, operation_id: `${ORDER}:label:1` }
/** Four cups of 5.00, paid at the bank, the parcel not labelled yet. */
const paid = after(
  [productCreated(CUP, { sell_price_minor: 500 }), stockOpened(CUP, 10)],
  [
    [
      'CreateOrder',
      { order_id: ORDER, customer_id: 'c-1', items: [{ product_id: CUP, quantity: '4' }] },
    ],
    ['ConfirmPayment', { order_id: ORDER, payment_id: BANK, payment_method: 'bank' }],
  ],
)
const labelled: Step = [
  'RecordLabelOutcome',
  { ...label, status: 'succeeded', tracking_number: 't', carrier: 'c' },
]
const cancelled = (quantity: string): Step => [
  'CancelOrderLines',
  { order_id: ORDER, lines: [{ line: 1, quantity }] },
]
const back = (more: object = {}): Step => [
  'RefundPayment',
  { payment_id: BANK, reference: 'out-7', ...more },
]
const owed = (history: readonly Write[]) => {
  const state = statesAfter(...history).state(payment.seen(BANK))
  return [state?.owed_back_minor, state?.refunded_minor]
}

describe('a payment taken elsewhere', () => {
  it('owes what was cancelled, once the order is confirmed', () => {
    const early = after(paid, [cancelled('1')])
    deepEqual(owed(early), [0, 0])
    const confirmed = after(early, [labelled])
    deepEqual(owed(confirmed), [500, 0])
    deepEqual(owed(after(confirmed, [cancelled('2')])), [1_500, 0])
  })
  it('is given back by a person who names the reference, and no more than is owed', () => {
    const history = after(paid, [labelled, cancelled('2')])
    when(history, ...back({ reference: undefined })).rejects('validation_failed', {
      errors: {
        reference: 'is required: the payment was taken elsewhere, and is given back there',
      },
    })
    when(history, ...back({ amount: '10.01' })).rejects('amount_exceeds_captured', {
      details: { currency: 'USD', limit: 10, requested: 10.01 },
    })
    for (const amount of ['0', '-1', '0.001'])
      when(history, ...back({ amount })).rejects('validation_failed')
    const part = when(history, ...back({ amount: '4.00' }))
    part.answers({ status: 'PARTIALLY_REFUNDED', amount_minor: 400 })
    part.answers({ operation_id: `${BANK}:refund:1` })
    equal(part.decision().writes[0]?.stream, `payment-${BANK}`)
    const why = when(history, ...back({ reason: 'Ann asked for cash' })).decision()
    const { data } = why.writes[0]!.events.find(({ type }) => type === 'PaymentRefunded')!
    const { reason, payer_id } = data as Record<string, unknown>
    deepEqual([reason, payer_id], ['Ann asked for cash', 'c-1'])
    const half = after(history, [back({ amount: '4.00' })])
    deepEqual(owed(half), [600, 400])
    const whole = after(half, [back({ reference: 'out-8' })])
    deepEqual(owed(whole), [0, 1_000])
    when(whole, ...back({ reference: 'out-9' })).rejects('invalid_state')
    when(whole, ...back({ reference: 'out-9', amount: '1' })).rejects('invalid_state')
  })
  it('is given back once under each reference, however often that is told', () => {
    const once = after(paid, [labelled, cancelled('2'), back({ amount: '4.00' })])
    when(once, ...back({ amount: '4.00' }))
      .writesNothing()
      .answers({ amount_minor: 400, operation_id: `${BANK}:refund:1` })
    when(once, ...back()).writesNothing()
    when(once, ...back({ amount: '5.00' })).rejects('already_exists')
  })
  it('owes nothing as long as nothing was cancelled or came back', () => {
    when(paid, ...back()).rejects('invalid_state')
    when(after(paid, [labelled]), ...back()).rejects('invalid_state')
  })
  it('owes all of a cancelled order, whose saga nobody has to look at any more then', () => {
    const history = after(paid, [
      labelled,
      ['CancelOrder', { order_id: ORDER }],
      ['RecordLabelOutcome', { ...label, operation_id: `${ORDER}:cancel:2`, status: 'succeeded' }],
    ])
    const sagaOf = (some: readonly Write[]) => statesAfter(...some).state(saga.seen(ORDER))
    deepEqual([owed(history), sagaOf(history)?.outcome], [[2_000, 0], 'needs_attention'])
    const half = after(history, [back({ amount: '5.00' })])
    equal(sagaOf(half)?.needs_attention, true)
    const whole = after(half, [back({ reference: 'out-8' })])
    deepEqual(owed(whole), [0, 2_000])
    const { needs_attention, outcome } = sagaOf(whole)!
    deepEqual([needs_attention, outcome], [false, 'resolved_manually'])
  })
  it('is no work any more when a person resolves the saga without it', () => {
    const history = after(paid, [
      ['CancelOrder', { order_id: ORDER }],
      ['RecordLabelOutcome', { ...label, status: 'absent' }],
    ])
    deepEqual(owed(history), [2_000, 0])
    const waived: Step = ['ResolveSaga', { saga_id: ORDER, reason: 'a voucher instead', by: 'ops' }]
    const resolved = after(history, [waived])
    deepEqual(owed(resolved), [0, 0])
    // Told after all, it still is recorded.
    deepEqual(owed(after(resolved, [back()])), [0, 2_000])
  })
  it('counts what was owed before anybody noted it', () => {
    const history = after(paid, [labelled, cancelled('1')]).map(({ events, ...write }) => ({
      ...write,
      events: events.filter(({ type }) => type !== 'PaymentRefundOwed'),
    }))
    deepEqual(owed(history), [0, 0])
    deepEqual(owed(after(history, [back()])), [0, 500])
  })
})

describe('a payment of ours', () => {
  it('takes no reference: that is the provider’s to give', () => {
    const AUTHORIZE = `${ORDER}:authorize:1`
    const about = { order_id: ORDER, payment_id: ORDER }
    const history = after(
      [productCreated(CUP, { sell_price_minor: 500 }), stockOpened(CUP, 10)],
      [
        [
          'CreateOrder',
          {
            ...{ order_id: ORDER, customer_id: 'c-1', payment: { method: 'card' } },
            items: [{ product_id: CUP, quantity: '4' }],
          },
        ],
        [
          'RecordPaymentOutcome',
          { ...about, operation_id: AUTHORIZE, status: 'succeeded', reference: 'r' },
        ],
      ],
    )
    const told = when(history, 'RefundPayment', { payment_id: ORDER, reference: 'mine' })
    told.rejects('validation_failed')
  })
})
