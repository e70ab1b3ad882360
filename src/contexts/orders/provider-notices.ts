// A provider's webhook is a hint, nothing more: whatever it says, the provider is asked. So a
// notice that comes twice, late or out of order does no harm, and neither does a forged one.
import { type PaymentProvider, payment, paymentIdOf } from '#contexts/payments/public.ts'
import {
  accept,
  ask,
  type Command,
  command,
  type Given,
  type Moment,
  noSuch,
  reject,
} from '#kernel/decider.ts'
import { awaits, triedAgain } from '#kernel/saga.ts'
import { flag, id, object, text } from '#kernel/schema.ts'
import { bookRefs, closeBook, openBook, sagaOf } from './order-book.ts'

export const recordProviderEvent = (provider: PaymentProvider): Command =>
  command({
    type: 'RecordProviderEvent',
    input: object({
      provider: text({ max: 50 }),
      operation_id: id(),
      signature: text({ max: 200, description: 'HMAC-SHA-256 of operation_id, hex.' }),
    }),
    reads: ({ operation_id }) => [payment.at(paymentIdOf(operation_id))],
    decide: ({ provider: name, operation_id, signature }, given, moment) => {
      if (name !== provider.name) return noSuch('provider', name)
      if (!provider.isAuthentic({ operation_id, signature }))
        return reject('forbidden', 'The signature is not the provider’s.')
      return noticed(operation_id, given, moment)
    },
    answer: object({ operation_id: id(), has_effect: flag() }),
    route: {
      method: 'POST',
      path: '/api/v1/payments/webhooks/:provider',
      tag: 'payments',
      summary: 'The provider says that there is news of an operation',
    },
  })

function noticed(operation_id: string, given: Given, moment: Moment) {
  const nothing = accept([], { operation_id, has_effect: false })
  const payment_id = paymentIdOf(operation_id)
  const state = given.state(payment.at(payment_id))
  if (state?.pending?.operation_id !== operation_id) return nothing
  const lacking = given.lacking(bookRefs(state.order_id))
  if (lacking.length > 0) return ask(lacking)
  const book = openBook(given, state.order_id, moment)
  if (!('order' in book)) return book
  const { saga } = book
  const { order_id } = state
  book.payment?.emit('PaymentNoticeReceived', { payment_id, order_id, operation_id })
  const known = sagaOf(book)
  if (awaits(known, operation_id)) saga.add(triedAgain(saga.id, known, moment.now))
  return closeBook(book, { operation_id, has_effect: true })
}
