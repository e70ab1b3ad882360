// A customer asks to send goods back; only what has left may come back, and no unit twice.
import {
  lineOf,
  order,
  returnable,
  returnStatus,
  toldLines,
  unitsTold,
} from '#contexts/orders/public.ts'
import {
  accept,
  already,
  command,
  type Decision,
  type Given,
  type Moment,
  noSuch,
  reject,
} from '#kernel/decider.ts'
import { type Infer, id, object, oneOf, optional, text, uuid } from '#kernel/schema.ts'
import { RETURN_STATUSES, returned } from './return.ts'
import { REASON_MAX } from './return-events.ts'

const input = object({
  order_id: id(),
  return_id: optional(uuid()),
  lines: toldLines,
  reason: text({ max: REASON_MAX }),
})
export const returnAnswer = object({
  return_id: id(),
  order_id: id(),
  status: oneOf(RETURN_STATUSES),
})

export const requestReturn = command({
  type: 'RequestReturn',
  input,
  creates: 'return_id',
  reads: ({ return_id = '', order_id }) => [returned.at(return_id), order.at(order_id)],
  decide,
  answer: returnAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/orders/:order_id/returns',
    status: 201,
    tag: 'returns',
    summary: 'Asks to send goods of an order back',
  },
})

function decide(
  { order_id, return_id = '', lines, reason }: Infer<typeof input>,
  given: Given,
  moment: Moment,
): Decision {
  const state = given.state(order.at(order_id))
  if (state === null) return noSuch('order', order_id)
  if (given.state(returned.at(return_id)) !== null) return already('a return', return_id)
  const may = returnable(state)
  const { status } = state
  if (may.length === 0)
    return reject('invalid_state', 'Nothing of the order has left that could come back.', {
      details: { status },
    })
  const units = unitsTold(state, lines, may)
  if ('rejected' in units) return units
  const requested_at = moment.occurred_at ?? moment.now
  const { customer_id, user_id, country, currency, store_id, order_number } = state
  const asked = returned.event(
    'ReturnRequested',
    {
      ...{ return_id, order_id, customer_id, user_id, country, currency, store_id, order_number },
      lines: units.map(({ line, quantity }) => {
        const { product_id, code, quantity_scale } = lineOf(state, line)!
        return { line, product_id, code, quantity, quantity_scale }
      }),
      reason,
      requested_at,
    },
    moment.occurred_at,
  )
  const noted = order.event('OrderReturnChanged', {
    ...{ order_id, customer_id, currency, return_id },
    change: 'requested',
    lines: [...units],
    amount_minor: 0,
    return_status: returnStatus(state, true),
  })
  const response = { return_id, order_id, status: 'REQUESTED' }
  return accept([returned.write(return_id, [asked]), order.write(order_id, [noted])], response)
}
