// The money side of an order as a row: the sums over its payments, and each of them.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { payment } from '#contexts/payments/public.ts'
import type { Fact, Recorded } from '#kernel/message.ts'
import { assertNamesColumns, assertRowsFit } from '#testing/table-rows.ts'
import { type OrderPaymentRow, orderPayments } from './order-payments.ts'

const DAY = (day: number) => `2026-03-0${day}T10:00:00.000Z`
const whose = (payment_id: string) => ({
  payment_id,
  order_id: 'o-1',
  operation_id: `${payment_id}:capture:1`,
  currency: 'USD',
})
const authorized = (id: string, amount_minor: number) =>
  payment.event('PaymentAuthorized', {
    ...whose(id),
    amount_minor,
    reference: 'r',
    payment_method: 'upi',
  })
const moved = (type: 'PaymentCaptured' | 'PaymentRefunded', id: string, amount_minor: number) =>
  payment.event(type, { ...whose(id), amount_minor, reference: null })

function rowAfter(...facts: readonly Fact[]): OrderPaymentRow | undefined {
  return facts.reduce<OrderPaymentRow | undefined>((row, { type, data }, i) => {
    const event: Recorded = {
      position: i + 1,
      event_id: `e-${i}`,
      aggregate_type: 'payment',
      aggregate_id: (data as { payment_id: string }).payment_id,
      version: i + 1,
      event_type: type,
      event_version: 1,
      data,
      metadata: {},
      occurred_at: DAY(1),
      timestamp: DAY(i + 1),
    }
    const { keys, apply } = orderPayments.on[type]!
    deepEqual(keys(event), ['o-1'])
    return apply(row as never, event, 'o-1') as unknown as OrderPaymentRow
  }, undefined)
}

describe('the payments of an order', () => {
  const one = rowAfter(authorized('p-1', 1_000), moved('PaymentCaptured', 'p-1', 600))!
  it('are shown with what became of their money', () => {
    const taken = { authorized_minor: 1_000, captured_minor: 600, refunded_minor: 0 }
    const amounts = { ...taken, owed_back_minor: 0 }
    deepEqual(one, {
      order_id: 'o-1',
      currency: 'USD',
      ...amounts,
      payments: [
        {
          payment_id: 'p-1',
          status: 'PARTIALLY_CAPTURED',
          payment_method: 'upi',
          currency: 'USD',
          ...amounts,
          state: one.payments[0]!.state,
        },
      ],
      updated_at: DAY(2),
    })
    equal(one.payments[0]!.state?.captured_minor, 600)
  })
  it('are summed, each changed for itself, the last changed one last', () => {
    const row = rowAfter(
      authorized('p-1', 1_000),
      authorized('p-2', 70),
      moved('PaymentCaptured', 'p-2', 70),
      moved('PaymentCaptured', 'p-1', 600),
      moved('PaymentRefunded', 'p-1', 200),
    )!
    deepEqual([row.authorized_minor, row.captured_minor, row.refunded_minor], [1_070, 670, 200])
    deepEqual(
      row.payments.map(({ payment_id, status, captured_minor }) => [
        payment_id,
        status,
        captured_minor,
      ]),
      [
        ['p-2', 'CAPTURED', 70],
        ['p-1', 'PARTIALLY_REFUNDED', 600],
      ],
    )
  })
  it('fit their table, and hear of every event of a payment', () => {
    assertRowsFit(orderPayments, one)
    assertNamesColumns(orderPayments)
    deepEqual(Object.keys(orderPayments.on), Object.keys(payment.events))
    equal(orderPayments.name, orderPayments.table.name)
    equal(orderPayments.table.key, 'order_id')
  })
})
