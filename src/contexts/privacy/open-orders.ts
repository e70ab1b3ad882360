// The orders that keep a person from being forgotten: they still need the address.
import { order, orderViews } from '#contexts/orders/public.ts'
import { type Asked, ask, type Given, type Look, type Rejected, reject } from '#kernel/decider.ts'
import type { Filter, Row } from '#kernel/projection.ts'

const OPEN = ['PENDING', 'CONFIRMED', 'PARTIALLY_SHIPPED']
/** One of them is enough to refuse. */
const LOOKED_AT_MAX = 50

/** Those that are open as far as the read models know, and whether there is any at all. */
export const ordersOf = (whose: Filter): readonly Look[] => [
  {
    projection: orderViews,
    find: { where: { ...whose, status: { in: OPEN } }, limit: LOOKED_AT_MAX },
  },
  { projection: orderViews, find: { where: whose, limit: 1 } },
]

/** Why not, as the orders' own streams have it; null: none of them is open. */
export function openOrderTrouble(given: Given, rows: readonly Row[]): Asked | Rejected | null {
  const ids = rows.map(({ order_id }) => String(order_id))
  const lacking = given.lacking(ids.map((id) => order.seen(id)))
  if (lacking.length > 0) return ask(lacking)
  const open = ids.flatMap((id) => {
    const state = given.state(order.seen(id))
    return state !== null && OPEN.includes(state.status) ? [state.order_number] : []
  })
  if (open.length === 0) return null
  return reject(
    'invalid_state',
    `There are open orders (${open.slice(0, 5).join(', ')}); finish or cancel them, or force.`,
    { details: { open_orders: open } },
  )
}
