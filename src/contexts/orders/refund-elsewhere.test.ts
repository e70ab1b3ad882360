// Money that was taken elsewhere: what of it is owed back, and what a person says was given back.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { productCreated, stockOpened } from '#contexts/inventory/goods-fixture.ts'
import { type PaymentProvider, payment } from '#contexts/payments/public.ts'
import type { Carrier } from '#contexts/shipping/public.ts'
import type { Write } from '#kernel/decider.ts'
import { saga } from '#kernel/saga.ts'
import { asking, commandIn, type Step, statesAfter } from '#testing/given.ts'
import { order } from './order.ts'
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

describe('money taken elsewhere for an order that is gone', () => {
  const LATE = '2026-03-02T10:01:00.000Z'
  const TTL = { settings: { 'reservation.ttl_ms': 60_000 } }
  const shelves = [productCreated(CUP, { sell_price_minor: 500 }), stockOpened(CUP, 10)]
  const creating = (more: object = {}): Step => [
    'CreateOrder',
    { order_id: ORDER, customer_id: 'c-1', items: [{ product_id: CUP, quantity: '4' }], ...more },
  ]
  const cancelling: Step = ['CancelOrder', { order_id: ORDER }]
  const confirming = (payment_id = BANK): Step => [
    'ConfirmPayment',
    { order_id: ORDER, payment_id, payment_method: 'bank' },
  ]
  const unpaid = after(shelves, [creating()], TTL)
  const gone = after(unpaid, [cancelling])
  const typesOf = (writes: readonly Write[]) =>
    writes.flatMap(({ events }) => events.map(({ type }) => type))
  const orderIn = (history: readonly Write[]) => statesAfter(...history).state(order.seen(ORDER))
  const RECORDED = [
    ...['OrderUpdated', 'PaymentProcessed', 'PaymentAuthorized', 'PaymentCaptured'],
    'PaymentRefundOwed',
  ]

  it('is recorded and owed back as a whole; the order stays cancelled, and nothing is held', () => {
    const then = when(gone, ...confirming())
    deepEqual(typesOf(then.decision().writes), RECORDED)
    then.answers({ order_id: ORDER, status: 'CANCELLED', saga_status: 'FAILED' })
    const told = after(gone, [confirming()])
    deepEqual(owed(told), [2_000, 0])
    deepEqual([orderIn(told)?.status, orderIn(told)?.payment_id], ['CANCELLED', BANK])
    const { captured_minor, is_external, payment_method, reference } = statesAfter(...told).state(
      payment.seen(BANK),
    )!
    deepEqual([captured_minor, is_external, payment_method, reference], [2_000, true, 'bank', BANK])
    const whole = after(told, [back()])
    deepEqual(owed(whole), [0, 2_000])
  })
  it('is the same money however often that is told, and another’s is refused until it is back', () => {
    const told = after(gone, [confirming()])
    when(told, ...confirming())
      .writesNothing()
      .answers({ status: 'CANCELLED' })
    when(told, ...confirming('bank-2')).rejects('invalid_state')
    const half = after(told, [back({ amount: '5.00' })])
    when(half, ...confirming('bank-2')).rejects('invalid_state')
    const again = after(half, [back({ reference: 'out-8' }), confirming('bank-2')])
    equal(orderIn(again)?.payment_id, 'bank-2')
    equal(statesAfter(...again).state(payment.seen('bank-2'))?.owed_back_minor, 2_000)
    // The first is told again, and asked for again: nothing more comes of it.
    when(again, ...confirming()).writesNothing()
    when(again, ...back({ amount: '5.00' })).writesNothing()
    when(again, ...back({ reference: 'out-9' })).rejects('invalid_state')
    when(again, ...confirming('x'.repeat(151))).rejects('validation_failed')
  })
  it('that is another order’s is refused', () => {
    const taken = payment.write('bank-9', [
      payment.event('PaymentAuthorized', {
        ...{ payment_id: 'bank-9', order_id: 'o-2', amount_minor: 1, currency: 'USD' },
        ...{ operation_id: 'x', reference: null, payment_method: 'bank', is_external: true },
      }),
    ])
    when([...gone, taken], ...confirming('bank-9')).rejects('invalid_state')
  })
  it('is recorded when the time to pay was over, whether that was noticed or not', () => {
    const expired = after(unpaid, [['ExpireOrder', { order_id: ORDER }]], { now: LATE })
    deepEqual(owed(after(expired, [confirming()], { now: LATE })), [2_000, 0])
    const just = after(unpaid, [confirming()], { now: '2026-03-02T10:00:59.999Z' })
    deepEqual([orderIn(just)?.status, ...owed(just)], ['PENDING', 0, 0])
    const late = after(unpaid, [confirming()], { now: LATE })
    deepEqual([orderIn(late)?.status, ...owed(late)], ['CANCELLED', 2_000, 0])
    const types = typesOf(late)
    for (const type of ['ReservationExpired', 'OrderCancelled', 'SagaFailed'])
      equal(types.filter((one) => one === type).length, 1, type)
    equal(types.includes('ShippingLabelRequested'), false)
    equal(types.includes('ReservationExtended'), false)
  })
  it('is recorded beside a payment of ours that came to nothing, and not before it has', () => {
    const carding = creating({ payment: { method: 'card' } })
    const about = { order_id: ORDER, payment_id: ORDER }
    const told = (kind: string, status: string): Step => [
      'RecordPaymentOutcome',
      { ...about, operation_id: `${ORDER}:${kind}`, status, reference: 'r' },
    ]
    const asked = after(shelves, [carding])
    when(asked, ...confirming()).rejects('invalid_state')
    const declined = after(asked, [told('authorize:1', 'declined')])
    deepEqual(owed(after(declined, [confirming()])), [2_000, 0])
    const own = { ...about, operation_id: `${ORDER}:label:1` }
    const yes = { status: 'succeeded', tracking_number: 't', carrier: 'c' }
    const captured = after(asked, [
      told('authorize:1', 'succeeded'),
      ['RecordLabelOutcome', { ...own, ...yes }],
      told('capture:2', 'succeeded'),
    ])
    when(captured, ...confirming()).rejects('invalid_state')
    const refunding = after(captured, [
      cancelling,
      ['RecordLabelOutcome', { ...own, operation_id: `${ORDER}:cancel:2`, status: 'succeeded' }],
    ])
    when(refunding, ...confirming()).rejects('invalid_state')
    const refunded = after(refunding, [told('refund:3', 'succeeded')])
    deepEqual(owed(after(refunded, [confirming()])), [2_000, 0])
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
