// Handlers for rows that show what tells of a person: by them a read model forgets at once, and a
// rebuild, which finds the key destroyed, comes to the same row.
import type { Handler } from '#kernel/projection.ts'

type Whose = { readonly customer_id: string | null; readonly user_id: string | null }

type Erasing = 'CustomerErased' | 'UserErased' | 'OrderErased' | 'PersonalKeyDestroyed'

/** For a table with the column `customer_id`, whose other ids are of those who did it. */
export const whenCustomerErased = <R>(
  forgotten: (row: R) => R,
): Readonly<Record<'CustomerErased' | 'PersonalKeyDestroyed', Handler<R>>> => {
  const apply = (row: R | undefined) => row && forgotten(row)
  return {
    CustomerErased: {
      keys: ({ data: { customer_id } }) => ({ lookup: { customer_id } }),
      apply,
    },
    PersonalKeyDestroyed: {
      keys: ({ data: { subject } }) => ({ lookup: { customer_id: subject } }),
      apply,
    },
  }
}

/**
 * For a table with the columns `customer_id`, `user_id` and, for guests' orders, the orders' ids:
 * as its keys, or in `order_id`. `forgotten`: the row without the person. Once more when the key is
 * gone: what was told between the two was sealed with it, and shown.
 */
export const whenErased = <R extends Whose>(
  forgotten: (row: R) => R,
  orderIn: 'key' | 'order_id' = 'key',
): Readonly<Record<Erasing, Handler<R>>> => ({
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
    keys: ({ data: { order_id } }) => (orderIn === 'key' ? [order_id] : { lookup: { order_id } }),
    apply: (row) => row && forgotten(row),
  },
  PersonalKeyDestroyed: {
    keys: ({ data: { subject, kind } }) =>
      kind === 'order' && orderIn === 'key' ? [subject] : { lookup: { [`${kind}_id`]: subject } },
    apply: (row, { data: { kind } }) =>
      row !== undefined && (kind !== 'user' || row.customer_id === null) ? forgotten(row) : row,
  },
})
