// One row per refund, with a sale or without one.
import { whenCustomerErased } from '#contexts/customers/public.ts'
import type { DataOf } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { projection } from '#kernel/projection.ts'
import type { Doubt } from './doubts.ts'
import type { sale } from './sale.ts'

type Refunded = DataOf<typeof sale.events>['SaleRefunded']
/** A cause of null: whose refund it was has been forgotten. */
export type RefundRow = Omit<
  Refunded,
  'cause' | 'doubts' | 'difference_minor' | 'against_sale_id'
> & {
  readonly cause: string | null
  /** The sale whose goods had come back before; null: `sale_id` tells it, or there was none. */
  readonly against_sale_id: string | null
  readonly doubts: readonly Doubt[]
  /** Nobody has looked into them yet; those of a refund of a sale are on the list with the sale. */
  readonly is_doubtful: boolean
  readonly doubts_note: string | null
}

const nullableText = { kind: 'text', nullable: true } as const

export const saleRefunds = projection<RefundRow>({
  name: 'sale_refunds',
  version: 5,
  table: {
    name: 'sale_refunds',
    key: 'refund_id',
    columns: {
      refund_id: 'text',
      refund_number: 'text',
      sale_id: nullableText,
      store_id: 'text',
      register_id: 'text',
      customer_id: nullableText,
      user_id: nullableText,
      device_id: nullableText,
      currency: 'text',
      lines: 'json',
      amount_minor: 'money',
      net_minor: 'money',
      tax_minor: 'money',
      discount_minor: 'money',
      rounding_minor: 'money',
      total_amount_minor: 'money',
      tenders: 'json',
      cause: { kind: 'text', nullable: true, personal: true },
      country: nullableText,
      business_day: 'day',
      original_business_day: { kind: 'day', nullable: true },
      refunded_at: 'instant',
      against_sale_id: nullableText,
      doubts: 'json',
      is_doubtful: 'bool',
      doubts_note: { kind: 'text', nullable: true, personal: true },
    },
    indexes: [
      ['refunded_at'],
      ['sale_id', 'refunded_at'],
      ['store_id', 'refunded_at'],
      ['customer_id', 'refunded_at'],
      ['business_day', 'refunded_at'],
      ['is_doubtful', 'refunded_at'],
    ],
  },
  on: {
    ...whenCustomerErased<RefundRow>((row) => ({ ...row, cause: null, doubts_note: null })),
    SaleRefunded: {
      keys: ({ data }) => [data.refund_id],
      apply: (_, { data }: Recorded<Refunded>) => {
        const {
          difference_minor,
          doubts = [],
          against_sale_id = null,
          country = null,
          ...told
        } = data
        const is_doubtful = data.sale_id === null && doubts.length > 0
        return { ...told, country, against_sale_id, doubts, is_doubtful, doubts_note: null }
      },
    },
    SaleDoubtsSettled: {
      keys: ({ data }) => (data.refund_id === null ? [] : [data.refund_id]),
      apply: (row, { data: { note } }) => row && { ...row, is_doubtful: false, doubts_note: note },
    },
  },
})
