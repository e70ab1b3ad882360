// What the built-in provider promises across a restart, which it forgets everything in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPaymentProvider } from './payment-simulator.ts'

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
