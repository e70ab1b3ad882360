// Small changes to an order that is not confirmed yet, and the wish to have it confirmed.
import { address } from '#contexts/shipping/public.ts'
import { accept, command, type Decision, type Given, reject } from '#kernel/decider.ts'
import { saga, stepStatus } from '#kernel/saga.ts'
import { type Infer, id, nullable, object, optional, text } from '#kernel/schema.ts'
import { orderAnswerSchema } from './create-order.ts'
import { FOR_PAYMENT, LABEL } from './fulfilment.ts'
import { order } from './order.ts'
import { bookRefs, openBook, orderAnswer, orderOf, sagaOf } from './order-book.ts'
import { NOTES_MAX } from './order-events.ts'

const updateInput = object({
  order_id: id(),
  shipping_address: optional(nullable(address)),
  notes: optional(nullable(text({ max: NOTES_MAX }))),
})

export const updateOrder = command({
  type: 'UpdateOrder',
  input: updateInput,
  reads: ({ order_id }) => [order.at(order_id), saga.seen(order_id)],
  decide: (input, given) => update(input, given),
  answer: object({ order_id: id(), status: text() }),
  route: {
    method: 'PATCH',
    path: '/api/v1/orders/:order_id',
    tag: 'orders',
    summary: 'Changes address or notes while the order is pending',
  },
})

function update(
  { order_id, shipping_address, notes }: Infer<typeof updateInput>,
  given: Given,
): Decision {
  const state = given.state(order.at(order_id))
  const process = given.state(saga.seen(order_id))
  if (state === null || process === null)
    return reject('not_found', `There is no order ${order_id}.`)
  const { status, customer_id, user_id } = state
  // The carrier is given the address with the label; a change after that would not reach it.
  const isOpen = process.status === 'RUNNING' && stepStatus(process, LABEL) === 'PENDING'
  if (!isOpen)
    return reject('invalid_state', 'The order can no longer be changed.', { details: { status } })
  const changed = {
    ...(shipping_address === undefined ? {} : { shipping_address }),
    ...(notes === undefined ? {} : { notes }),
  }
  const answer = { order_id, status }
  if (Object.keys(changed).length === 0) return accept([], answer)
  const fact = order.event('OrderUpdated', { order_id, customer_id, user_id, ...changed })
  return accept([order.write(order_id, [fact])], answer)
}

/** The saga confirms; asking says how far it is: done, still under way, or not possible. */
export const confirmOrder = command({
  type: 'ConfirmOrder',
  input: object({ order_id: id() }),
  reads: ({ order_id }) => bookRefs(order_id),
  decide: ({ order_id }, given, moment) => {
    const book = openBook(given, order_id, moment)
    if (!('order' in book)) return book
    const { status } = orderOf(book)
    const { waiting_for } = sagaOf(book)
    if (status === 'PENDING' && waiting_for === FOR_PAYMENT)
      return reject('invalid_state', 'The order waits for its payment.', {
        details: { status, waiting_for },
      })
    if (status === 'CANCELLED')
      return reject('invalid_state', 'The order is CANCELLED.', { details: { status } })
    return accept([], orderAnswer(book))
  },
  answer: orderAnswerSchema,
  route: {
    method: 'POST',
    path: '/api/v1/orders/:order_id/confirm',
    statusOf: ({ status }) => (status === 'PENDING' ? 202 : 200),
    tag: 'orders',
    summary: 'Asks for the order to be confirmed: 200 when it is, 202 while that is under way',
  },
})
