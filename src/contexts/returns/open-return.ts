// A return that still expects something.
import { type Given, noSuch, type Rejected, reject } from '#kernel/decider.ts'
import { type ReturnState, returned } from './return.ts'

type Open = NonNullable<ReturnState> & { readonly order_id: string }

/** 404 without one, 409 when it is over. */
export function openReturn(given: Given, return_id: string): Open | Rejected {
  const state = given.state(returned.at(return_id))
  if (state === null) return noSuch('return', return_id)
  const { status, order_id } = state
  if (status === 'CLOSED' || order_id === null)
    return reject('invalid_state', `A return that is ${status} expects nothing more.`, {
      details: { status },
    })
  return { ...state, order_id }
}
