// One row per sale, from its first line to its last refund. Persons are in it by their ids alone.
import { whenCustomerErased } from '#contexts/customers/public.ts'
import type { DataOf } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { type Infer, object, quantity } from '#kernel/schema.ts'
import { type Doubt, doubtful } from './doubts.ts'
import type { looseRefund, sale } from './sale.ts'
import { soldLine, type Tender } from './sale-fields.ts'

type Data = DataOf<typeof sale.events> & DataOf<typeof looseRefund.events>

/** A line in a row; while the sale goes on its amounts are 0. */
export const saleItem = object({ ...soldLine.properties, refunded_quantity: quantity() })
export type SaleItem = Infer<typeof saleItem>
/** A refund in its sale's row. */
export type SaleRefund = Omit<
  Data['SaleRefunded'],
  'sale_id' | 'customer_id' | 'original_business_day' | 'currency' | 'country' | 'cause'
> & {
  /** null: whose refund it was has been forgotten. */
  readonly cause: string | null
}

export type SaleRow = {
  readonly sale_id: string
  readonly sale_number: string | null
  readonly status: string
  readonly store_id: string
  readonly register_id: string
  readonly customer_id: string | null
  readonly user_id: string | null
  readonly device_id: string | null
  readonly currency: string
  readonly country: string | null
  readonly items: readonly SaleItem[]
  readonly amount_minor: number
  readonly net_minor: number
  readonly tax_minor: number
  readonly discount_minor: number
  readonly rounding_minor: number
  readonly total_amount_minor: number
  /** What came back of total_amount_minor. */
  readonly refunded_minor: number
  readonly payment_type: string | null
  readonly tenders: readonly Tender[]
  readonly change_minor: number
  readonly refunds: readonly SaleRefund[]
  readonly void_reason: string | null
  /** Of it and its refunds, whatever became of them. */
  readonly doubts: readonly Doubt[]
  /** Nobody has looked into them yet. */
  readonly is_doubtful: boolean
  readonly doubts_note: string | null
  readonly business_day: string | null
  readonly started_at: string
  readonly completed_at: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly version: number
}

/** As they are told to people: what became of a completed sale as well. */
export const SALE_ROW_STATUSES = [
  'STARTED',
  'SUSPENDED',
  'COMPLETED',
  'PARTIALLY_RETURNED',
  'RETURNED',
  'VOIDED',
] as const

const nullableText = { kind: 'text', nullable: true } as const

export const sales = projection<SaleRow>({
  name: 'sales',
  version: 4,
  table: {
    name: 'sales',
    key: 'sale_id',
    columns: {
      sale_id: 'text',
      sale_number: nullableText,
      status: 'text',
      store_id: 'text',
      register_id: 'text',
      customer_id: nullableText,
      user_id: nullableText,
      device_id: nullableText,
      currency: 'text',
      country: nullableText,
      items: 'json',
      amount_minor: 'money',
      net_minor: 'money',
      tax_minor: 'money',
      discount_minor: 'money',
      rounding_minor: 'money',
      total_amount_minor: 'money',
      refunded_minor: 'money',
      payment_type: nullableText,
      tenders: 'json',
      change_minor: 'money',
      refunds: { kind: 'json', personal: true },
      void_reason: nullableText,
      doubts: 'json',
      is_doubtful: 'bool',
      doubts_note: { kind: 'text', nullable: true, personal: true },
      business_day: { kind: 'day', nullable: true },
      started_at: 'instant',
      completed_at: { kind: 'instant', nullable: true },
      created_at: 'instant',
      updated_at: 'instant',
      version: 'int',
    },
    indexes: [
      ['started_at'],
      ['store_id', 'started_at'],
      ['customer_id', 'started_at'],
      ['status', 'started_at'],
      ['business_day', 'started_at'],
      ['sale_number'],
      ['is_doubtful', 'started_at'],
    ],
  },
  sources: (key) => [`sale-${key}`],
  on: {
    ...whenCustomerErased<SaleRow>((row) => ({
      ...row,
      refunds: row.refunds.map((refund) => ({ ...refund, cause: null })),
      doubts_note: null,
    })),
    SaleStarted: {
      keys: ({ aggregate_id }) => [aggregate_id],
      apply: (_, event: Recorded<Data['SaleStarted']>) => started(event),
    },
    SaleItemAdded: changed<Data['SaleItemAdded']>(
      ({ sale_id, currency, tax_class, discounts, ...line }, { items }) => ({
        items: [...items, { ...line, ...UNPRICED, refunded_quantity: 0 }],
      }),
    ),
    SaleItemRemoved: changed<Data['SaleItemRemoved']>(({ line }, { items }) => ({
      items: items.filter((each) => each.line !== line),
    })),
    SaleSuspended: changed<Data['SaleSuspended']>(() => ({ status: 'SUSPENDED' })),
    SaleResumed: changed<Data['SaleResumed']>(({ register_id }) => ({
      status: 'STARTED',
      register_id,
    })),
    SaleCompleted: changed<Data['SaleCompleted']>(({ lines, difference_minor, ...completed }) => ({
      ...completed,
      ...doubted([], completed.doubts),
      status: 'COMPLETED',
      items: lines.map((line) => ({ ...line, refunded_quantity: 0 })),
    })),
    SaleVoided: changed<Data['SaleVoided']>(({ reason }) => ({
      status: 'VOIDED',
      void_reason: reason,
    })),
    SaleRefunded: {
      ...changed<Data['SaleRefunded']>(returned),
      // One without a sale has a stream of its own, and no sale's row.
      keys: ({ data }) => (data.sale_id === null ? [] : [data.sale_id]),
    },
    SaleDoubtsSettled: {
      ...changed<Data['SaleDoubtsSettled']>(({ note }) => ({
        is_doubtful: false,
        doubts_note: note,
      })),
      keys: ({ data }) => (data.sale_id === null ? [] : [data.sale_id]),
    },
  },
})

const UNPRICED = {
  ...{ amount_minor: 0, net_minor: 0, tax_minor: 0, discount_minor: 0, taxes: [], discounts: [] },
}

function started({ data, timestamp, version }: Recorded<Data['SaleStarted']>): SaleRow {
  return {
    ...data,
    sale_number: null,
    status: 'STARTED',
    items: [],
    ...{ amount_minor: 0, net_minor: 0, tax_minor: 0, discount_minor: 0, rounding_minor: 0 },
    ...{ total_amount_minor: 0, refunded_minor: 0, change_minor: 0 },
    ...{ payment_type: null, tenders: [], refunds: [], void_reason: null },
    ...{ doubts: [], is_doubtful: false, doubts_note: null },
    ...{ business_day: null, completed_at: null },
    ...{ created_at: timestamp, updated_at: timestamp, version },
  }
}

function returned(data: Data['SaleRefunded'], row: SaleRow): Partial<SaleRow> {
  const { sale_id, customer_id, original_business_day, currency, country, ...refund } = data
  const back = new Map(data.lines.map(({ line, quantity }) => [line, quantity]))
  const items = row.items.map((item) => ({
    ...item,
    refunded_quantity: item.refunded_quantity + (back.get(item.line) ?? 0),
  }))
  const isAll = items.every(({ quantity, refunded_quantity }) => refunded_quantity >= quantity)
  return {
    status: isAll ? 'RETURNED' : 'PARTIALLY_RETURNED',
    items,
    refunded_minor: row.refunded_minor + data.total_amount_minor,
    refunds: [...row.refunds, refund],
    ...(refund.doubts === undefined ? {} : doubted(row.doubts, refund.doubts)),
  }
}

const doubted = (before: readonly Doubt[], more: readonly Doubt[] = []) => ({
  doubts: doubtful(before, more).doubts ?? [],
  is_doubtful: more.length > 0,
  doubts_note: null,
})

function changed<D>(change: (data: D, row: SaleRow) => Partial<SaleRow>): Handler<SaleRow, D> {
  return {
    keys: ({ aggregate_id }) => [aggregate_id],
    apply: (row, { data, timestamp, version }) => {
      if (row === undefined) throw new Error('a sale that was never started has changed')
      return { ...row, ...change(data, row), updated_at: timestamp, version }
    },
  }
}
