// Handlers for rows that show what tells of a person: by them a read model forgets at once, and a
// rebuild, which finds the key destroyed, comes to the same row.
import type { Handler } from '#kernel/projection.ts'

type Whose = { readonly customer_id: string | null; readonly user_id: string | null }

/**
 * For a table with the columns `customer_id`, `user_id` and, for guests' orders, keys that are the
 * orders' ids. `forgotten`: the row without the person.
 */
export const whenErased = <R extends Whose>(
  forgotten: (row: R) => R,
): Readonly<Record<'CustomerErased' | 'UserErased' | 'OrderErased', Handler<R>>> => ({
  CustomerErased: {
    keys: ({ data: { customer_id } }) => ({ lookup: { customer_id } }),
    apply: (row) => row && forgotten(row),
  },
  UserErased: {
    keys: ({ data: { user_id } }) => ({ lookup: { user_id } }),
    // What a customer ordered is under the customer's key, whoever typed it in.
    apply: (row) => (row?.customer_id === null ? forgotten(row) : row),
  },
  OrderErased: {
    keys: ({ data: { order_id } }) => [order_id],
    apply: (row) => row && forgotten(row),
  },
})
