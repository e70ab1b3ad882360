// Erasing customers, users and the orders of guests. Read models forget at once, by the erasing
// event; the key is destroyed right after it, by whoever carries out what is due.
import { CUSTOMER_EMAIL, customer, owing } from '#contexts/customers/public.ts'
import { order } from '#contexts/orders/public.ts'
import { emailClaims, USER_EMAIL, user } from '#contexts/users/public.ts'
import {
  accept,
  type Command,
  command,
  type Given,
  type Moment,
  noSuch,
  reject,
  type Write,
} from '#kernel/decider.ts'
import type { Claim } from '#kernel/message.ts'
import { flag, id, object, oneOf, optional } from '#kernel/schema.ts'
import { erasure, requested, SUBJECT_KINDS } from './erasure.ts'
import { openOrderTrouble, ordersOf } from './open-orders.ts'

const tag = 'privacy'
const force = optional(
  flag({ description: 'Although orders are open or something is owed; also once more.' }),
)
const answer = object({ subject: id(), kind: oneOf(SUBJECT_KINDS), status: oneOf(['pending']) })

const eraseCustomer = command({
  type: 'EraseCustomer',
  input: object({ customer_id: id(), force }),
  looks: ({ customer_id }) => ordersOf({ customer_id }),
  reads: ({ customer_id }) => [
    customer.at(customer_id),
    user.at(customer_id),
    erasure.at(customer_id),
  ],
  decide: ({ customer_id, force = false }, given, moment) => {
    const [open = [], any = []] = moment.looked
    const state = given.state(customer.at(customer_id))
    // Orders may name a customer that nobody registered.
    if (state === null && any.length === 0) return noSuch('customer', customer_id)
    const response = { subject: customer_id, kind: 'customer', status: 'pending' }
    if (state?.is_erased && !force) return accept([], response)
    if (!force) {
      if (state !== null && state.balance_minor !== 0) return owing(customer_id)
      const trouble = openOrderTrouble(given, open)
      if (trouble !== null) return trouble
    }
    const erased = customer.event('CustomerErased', { customer_id, erased_at: moment.now })
    const write = customer.write(customer_id, [erased])
    // A user of the same id is the same person, under the same key.
    const login = erasedUser(given, customer_id, moment)
    return accept(
      [write, ...login.writes, requested(customer_id, 'customer', force, moment.now)],
      response,
      {
        releases: [
          ...released(CUSTOMER_EMAIL, write.stream, state?.email_claim ?? null),
          ...login.releases,
        ],
      },
    )
  },
  answer,
  route: {
    method: 'POST',
    path: '/api/v1/customers/:customer_id/erase',
    status: 202,
    tag,
    summary: 'Forget a customer for ever: the sums stay, name and addresses go',
  },
})

const eraseUser = command({
  type: 'EraseUser',
  input: object({ user_id: id(), force }),
  looks: ({ user_id }) => ordersOf({ user_id, customer_id: null }),
  reads: ({ user_id }) => [user.at(user_id), customer.seen(user_id), erasure.at(user_id)],
  decide: ({ user_id, force = false }, given, moment) => {
    const [open = [], any = []] = moment.looked
    const state = given.state(user.at(user_id))
    if (state === null && any.length === 0) return noSuch('user', user_id)
    const buyer = given.state(customer.seen(user_id))
    if (buyer !== null && !buyer.is_erased)
      return reject('invalid_state', `User ${user_id} is a customer too: erase the customer.`)
    const response = { subject: user_id, kind: 'user', status: 'pending' }
    if (state?.is_erased && !force) return accept([], response)
    const trouble = force ? null : openOrderTrouble(given, open)
    if (trouble !== null) return trouble
    const erased = user.event('UserErased', { user_id, erased_at: moment.now })
    const write = user.write(user_id, [erased])
    return accept([write, requested(user_id, 'user', force, moment.now)], response, {
      releases: released(USER_EMAIL, write.stream, state?.email_claim ?? null),
    })
  },
  answer,
  route: {
    method: 'POST',
    path: '/api/v1/users/:user_id/erase',
    status: 202,
    tag,
    summary: 'Forget a user for ever',
  },
})

const eraseOrder = command({
  type: 'EraseOrder',
  input: object({ order_id: id(), force }),
  reads: ({ order_id }) => [erasure.at(order_id), order.seen(order_id)],
  decide: ({ order_id, force = false }, given, moment) => {
    const state = given.state(order.seen(order_id))
    if (state === null) return noSuch('order', order_id)
    if (state.customer_id !== null || state.user_id !== null)
      return reject('invalid_state', `Order ${order_id} is somebody's: erase the customer or user.`)
    const response = { subject: order_id, kind: 'order', status: 'pending' }
    if (given.state(erasure.at(order_id)) !== null && !force) return accept([], response)
    const trouble = force ? null : openOrderTrouble(given, [{ order_id }])
    if (trouble !== null) return trouble
    const erased = erasure.event('OrderErased', { order_id, erased_at: moment.now })
    return accept(
      [erasure.write(order_id, [erased]), requested(order_id, 'order', force, moment.now)],
      response,
    )
  },
  answer,
  route: {
    method: 'POST',
    path: '/api/v1/orders/:order_id/erase',
    status: 202,
    tag,
    summary: 'Forget a guest: the address and the notes of an order that is nobody’s',
  },
})

const recordKeyDestroyed = command({
  type: 'RecordKeyDestroyed',
  input: object({ subject: id() }),
  reads: ({ subject }) => [erasure.at(subject)],
  decide: ({ subject }, given, moment) => {
    const state = given.state(erasure.at(subject))
    if (state === null) return reject('not_found', `Nobody asked for the erasure of ${subject}.`)
    if (state.is_done) return accept([], {})
    const data = { subject, kind: state.kind, destroyed_at: moment.now }
    return accept([erasure.write(subject, [erasure.event('PersonalKeyDestroyed', data)])], {})
  },
  answer: object({}),
})

export const erasureCommands: readonly Command[] = [
  eraseCustomer,
  eraseUser,
  eraseOrder,
  recordKeyDestroyed,
]

function erasedUser(
  given: Given,
  user_id: string,
  { now }: Moment,
): { readonly writes: readonly Write[]; readonly releases: readonly Claim[] } {
  const state = given.state(user.at(user_id))
  if (state === null || state.is_erased) return { writes: [], releases: [] }
  const write = user.write(user_id, [user.event('UserErased', { user_id, erased_at: now })])
  return { writes: [write], releases: released(USER_EMAIL, write.stream, state.email_claim) }
}

/** The address is free: somebody else may have it now, or the same person anew. */
const released = (scope: string, owner: string, claim: string | null): readonly Claim[] =>
  emailClaims(scope, owner, claim, null).releases ?? []
