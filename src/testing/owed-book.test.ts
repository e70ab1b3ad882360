// The naive books of orders checked: they have nothing against money that came for an order that
// was gone and is noted as owed back, and name what is not.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Recorded } from '#kernel/message.ts'
import { openOwed, owedTroubles, takeOwed } from './owed-book.ts'

type Told = readonly [type: string, data?: object]
const troubles = (...told: readonly Told[]) => {
  const owed = openOwed()
  for (const [event_type, data] of told)
    takeOwed(owed, { event_type, data: { order_id: 'o', ...data } } as Recorded)
  return owedTroubles(owed)
}
const amount = { amount_minor: 20 }
const GONE: readonly Told[] = [['OrderCreated', { total_amount_minor: 20 }], ['OrderCancelled']]
const TAKEN: readonly Told[] = [
  ['PaymentAuthorized', { is_external: true }],
  ['PaymentCaptured', amount],
]
const OWED: Told = ['PaymentRefundOwed', amount]
const BACK: Told = ['PaymentRefunded', amount]

test('money taken elsewhere for an order that is gone is owed back as a whole', () => {
  deepEqual(troubles(...GONE, ...TAKEN, OWED), [])
  deepEqual(troubles(...GONE, ...TAKEN, OWED, BACK), [])
  equal(troubles(...GONE, ...TAKEN).length, 1)
  equal(troubles(...GONE, ...TAKEN, OWED, BACK, BACK).length, 1)
})

test('money comes after other money only when that is back', () => {
  const charged: readonly Told[] = [['PaymentCaptured', amount], BACK]
  deepEqual(troubles(...GONE, ...charged, ...TAKEN, OWED), [])
  deepEqual(troubles(...GONE, ...TAKEN, OWED, BACK, ...TAKEN, OWED), [])
  equal(troubles(...GONE, ...charged.slice(0, 1), ...TAKEN, OWED).length, 1)
  equal(troubles(...GONE, ...TAKEN, OWED, ...TAKEN, OWED).length, 1)
  equal(troubles(...GONE, ...TAKEN, OWED, BACK, ...TAKEN).length, 1)
})
