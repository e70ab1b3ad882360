// Whether somebody may order, for the decisions of other contexts.
import { user } from '#contexts/users/public.ts'
import {
  type Given,
  invalid,
  type Moment,
  type Ref,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import { erasedCustomer } from './balance.ts'
import { customer } from './customer.ts'

type Buyer = { readonly customer_id?: string | null; readonly user_id?: string | null }

/** What `customerTrouble` has to know. */
export const buyerRefs = ({ customer_id, user_id }: Buyer): readonly Ref[] => [
  ...(customer_id == null ? [] : [customer.seen(customer_id)]),
  ...(user_id == null ? [] : [user.seen(user_id)]),
]

/**
 * Why this customer or user may not order; null: he may. An order of somebody who was erased would
 * be one without an address: what tells of a person is kept no more.
 */
export function customerTrouble(
  given: Given,
  { customer_id = null, user_id = null }: Buyer,
  { settings, source }: Pick<Moment, 'settings' | 'source'>,
): Rejected | null {
  if (user_id !== null && given.state(user.seen(user_id))?.is_erased)
    return reject('invalid_state', `User ${user_id} has been erased.`)
  const mustBeKnown = settings['orders.require_customer'] === true && source !== 'import'
  if (customer_id === null)
    return mustBeKnown ? invalid({ customer_id: 'is required: only customers may order' }) : null
  const known = given.state(customer.seen(customer_id))
  if (known === null || !(known.is_registered || known.is_erased))
    return mustBeKnown ? invalid({ customer_id: 'is not a registered customer' }) : null
  if (known.is_erased) return erasedCustomer(customer_id)
  return known.is_active || source === 'import'
    ? null
    : reject('invalid_state', `Customer ${customer_id} has been archived.`)
}
