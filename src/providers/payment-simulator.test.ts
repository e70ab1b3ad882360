// What the built-in provider promises across a restart, which it forgets everything in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '#testing/random.ts'
import { troubleByChance } from './fault-script.ts'
import { DECLINED_TOKEN, openPaymentProvider } from './payment-simulator.ts'

const taken = {
  payment_id: 'p',
  order_id: 'o',
  reference: 'sim_p:authorize:1',
  currency: 'USD',
}

test('money that was taken before a restart can be given back in parts after it', async () => {
  const provider = openPaymentProvider()
  const first = await provider.refund({ ...taken, operation_id: 'p:refund:3', amount_minor: 50 })
  const rest = await provider.refund({ ...taken, operation_id: 'p:refund:4', amount_minor: 949 })
  assert.deepEqual([first.status, rest.status], ['succeeded', 'succeeded'])
})

test('what was authorized before a restart can be captured in parts after it', async () => {
  const provider = openPaymentProvider()
  const first = await provider.capture({ ...taken, operation_id: 'p:capture:2', amount_minor: 400 })
  const rest = await provider.capture({ ...taken, operation_id: 'p:capture:3', amount_minor: 599 })
  assert.deepEqual([first.status, rest.status], ['succeeded', 'succeeded'])
})

test('what it remembers it guards: no more is given back than was taken', async () => {
  const provider = openPaymentProvider()
  const about = { payment_id: 'p', order_id: 'o', amount_minor: 999, currency: 'USD' }
  await provider.authorize({
    ...about,
    operation_id: 'p:authorize:1',
    payment_method: 'upi',
    token: null,
  })
  await provider.capture({ ...taken, operation_id: 'p:capture:2', amount_minor: 999 })
  await provider.refund({ ...taken, operation_id: 'p:refund:3', amount_minor: 50 })
  const over = await provider.refund({ ...taken, operation_id: 'p:refund:4', amount_minor: 950 })
  assert.equal(over.status, 'declined')
})

test('a token that says so is declined, whatever the amount', async () => {
  const provider = openPaymentProvider()
  const about = { payment_id: 'p', order_id: 'o', amount_minor: 999, currency: 'USD' }
  const refused = await provider.authorize({
    ...about,
    operation_id: 'p:authorize:1',
    payment_method: 'upi',
    token: DECLINED_TOKEN,
  })
  assert.equal(refused.status, 'declined')
})

test('by chance calls go wrong in every way, and still each is carried out once', async () => {
  const random = seeded(7)
  const provider = openPaymentProvider({ trouble: troubleByChance(0.8, random.next) })
  const request = { payment_id: 'p', order_id: 'o', amount_minor: 1, currency: 'USD', token: null }
  for (let n = 0; n < 40; n++) {
    const asked = { ...request, operation_id: `p${n}:authorize:1`, payment_method: 'upi' }
    while ((await provider.authorize(asked)).status !== 'succeeded');
  }
  const ledger = await provider.ledger()
  assert.equal(new Set(ledger.map(({ operation_id }) => operation_id)).size, 40)
  assert.equal(ledger.length, 40)
  const kinds = new Set(provider.fired().map(({ what }) => what))
  assert.deepEqual([...kinds].sort(), ['duplicate', 'lost_after', 'lost_before', 'slow'])
})
