// Nothing more of a return is expected: it was turned down, or the rest will not come. Units that
// never came may be asked for again.
import { order, returnStatus } from '#contexts/orders/public.ts'
import { accept, ask, command, type Decision, type Given, type Moment } from '#kernel/decider.ts'
import { type Infer, id, object, text } from '#kernel/schema.ts'
import { openReturn } from './open-return.ts'
import { returnAnswer } from './request-return.ts'
import { returned } from './return.ts'
import { REASON_MAX } from './return-events.ts'

const input = object({ return_id: id(), reason: text({ max: REASON_MAX }) })

export const closeReturn = command({
  type: 'CloseReturn',
  input,
  reads: ({ return_id }) => [returned.at(return_id)],
  decide,
  answer: returnAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/returns/:return_id/close',
    tag: 'returns',
    summary: 'Turns a return down, or expects nothing more of it',
  },
})

function decide(
  { return_id, reason }: Infer<typeof input>,
  given: Given,
  moment: Moment,
): Decision {
  const known = given.state(returned.at(return_id))
  // Asked twice, done once.
  if (known?.status === 'CLOSED')
    return accept([], { return_id, order_id: known.order_id, status: 'CLOSED' })
  const state = openReturn(given, return_id)
  if ('rejected' in state) return state
  const { order_id } = state
  const lacking = given.lacking([order.at(order_id)])
  if (lacking.length > 0) return ask(lacking)
  const before = given.state(order.at(order_id))
  if (before === null) throw new Error(`return ${return_id} has no order`)
  const { customer_id, user_id, country, currency, store_id } = before
  const own = before.returns.find((each) => each.return_id === return_id)
  const rest = before.returns.filter((each) => each !== own)
  const closed = returned.event('ReturnClosed', {
    ...{ return_id, order_id, customer_id, user_id, country, currency, store_id },
    reason,
    closed_at: moment.now,
  })
  const noted = order.event('OrderReturnChanged', {
    ...{ order_id, customer_id, currency, return_id },
    change: 'closed',
    lines: [...(own?.lines ?? [])],
    amount_minor: 0,
    return_status: returnStatus(before, rest.length > 0),
  })
  return accept([returned.write(return_id, [closed]), order.write(order_id, [noted])], {
    return_id,
    order_id,
    status: 'CLOSED',
  })
}
