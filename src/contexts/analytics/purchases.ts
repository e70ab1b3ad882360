// What was bought and brought back, online and at the till: one row an order, sale or return. Who
// bought it stands there by id alone.
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection, type Row } from '#kernel/projection.ts'

export const PURCHASE_KINDS = ['order', 'sale', 'return'] as const

export type PurchaseRow = Row & {
  readonly purchase_id: string
  readonly kind: (typeof PURCHASE_KINDS)[number]
  readonly channel: string
  /** Of the order, the sale or the return. */
  readonly document_id: string
  readonly number: string
  readonly customer_id: string | null
  readonly store_id: string
  readonly currency: string
  /** As it stands now, without what was cancelled; negative for what came back. */
  readonly total_amount_minor: number
  /** What came back of it later: negative. */
  readonly returned_minor: number
  readonly payment_type: string | null
  readonly lines: number
  readonly is_cancelled: boolean
  readonly business_day: string
  readonly bought_at: string
}

// biome-ignore lint/suspicious/noExplicitAny: each use names the event that it reads
type Event = Recorded<any>

export const purchases = projection<PurchaseRow>({
  name: 'customer_purchase_history',
  version: 2,
  table: {
    name: 'customer_purchase_history',
    key: 'purchase_id',
    columns: {
      purchase_id: 'text',
      kind: 'text',
      channel: 'text',
      document_id: 'text',
      number: 'text',
      customer_id: { kind: 'text', nullable: true },
      store_id: 'text',
      currency: 'text',
      total_amount_minor: 'money',
      returned_minor: 'money',
      payment_type: { kind: 'text', nullable: true },
      lines: 'int',
      is_cancelled: 'bool',
      business_day: 'day',
      bought_at: 'instant',
    },
    indexes: [
      ['customer_id', 'bought_at'],
      ['business_day', 'bought_at'],
      ['store_id', 'business_day', 'bought_at'],
    ],
  },
  on: {
    OrderCreated: made(({ data }) => ({
      kind: 'order',
      document_id: data.order_id,
      number: data.order_number,
      payment_type: data.payment_method,
      bought_at: data.placed_at,
    })),
    OrderUpdated: changed('order', (row, { data }) => ({
      ...row,
      ...(data.lines === undefined
        ? {}
        : { total_amount_minor: data.total_amount_minor, lines: data.lines.length }),
      // Known with the order, or when somebody begins to pay.
      payment_type: data.payment_method ?? row.payment_type,
    })),
    OrderLinesCancelled: changed('order', (row, { data }) => ({
      ...row,
      total_amount_minor: row.total_amount_minor - data.amount_minor,
    })),
    OrderCancelled: changed('order', (row) => ({ ...row, is_cancelled: true })),
    ReturnReceived: broughtBack(({ data }) => ({
      document_id: data.return_id,
      number: data.return_number ?? data.return_id,
      of: `order-${data.order_id}`,
      minor: 0 - data.total_amount_minor,
      bought_at: data.received_at,
    })),
    ReturnRecorded: broughtBack(({ data, occurred_at }) => ({
      document_id: data.return_id,
      number: data.reference,
      of: data.original_order_id === null ? null : `order-${data.original_order_id}`,
      minor: data.total_amount_minor,
      bought_at: occurred_at,
    })),
    SaleCompleted: made(({ data }) => ({
      kind: 'sale',
      document_id: data.sale_id,
      number: data.sale_number,
      payment_type: data.payment_type,
      bought_at: data.completed_at,
    })),
    SaleRefunded: broughtBack(({ data }) => ({
      document_id: data.refund_id,
      number: data.refund_number,
      of: data.sale_id === null ? null : `sale-${data.sale_id}`,
      minor: 0 - data.total_amount_minor,
      bought_at: data.refunded_at,
    })),
  },
})

type Made = Pick<PurchaseRow, 'kind' | 'document_id' | 'number' | 'payment_type' | 'bought_at'>

function made(read: (event: Event) => Made): Handler<PurchaseRow> {
  return {
    keys: (event) => [keyOf(read(event))],
    apply: (_, event) => rowOf(event, read(event), event.data.total_amount_minor),
  }
}

const keyOf = ({ kind, document_id }: Pick<Made, 'kind' | 'document_id'>) =>
  `${kind}-${document_id}`

function rowOf(event: Event, read: Made, total_amount_minor: number): PurchaseRow {
  const { data, event_type } = event
  return {
    purchase_id: keyOf(read),
    ...read,
    channel: event_type.startsWith('Sale') ? 'pos' : 'online',
    customer_id: data.customer_id,
    store_id: data.store_id ?? MAIN_STORE_ID,
    currency: data.currency,
    total_amount_minor,
    returned_minor: 0,
    lines: data.lines.length,
    is_cancelled: false,
    business_day: data.business_day ?? read.bought_at.slice(0, 10),
  }
}

function changed(
  kind: PurchaseRow['kind'],
  change: (row: PurchaseRow, event: Event) => PurchaseRow,
): Handler<PurchaseRow> {
  return {
    keys: ({ data }) => [keyOf({ kind, document_id: data.order_id })],
    apply: (row, event) => row && change(row, event),
  }
}

type Back = Pick<Made, 'document_id' | 'number' | 'bought_at'> & {
  /** The purchase that it is of; null: nobody knows. */
  readonly of: string | null
  /** Subtracted from 0 where it is told as positive: there is no -0 in a table. */
  readonly minor: number
}

/** A row of its own, and the purchase that it is of says how much of it came back. */
function broughtBack(read: (event: Event) => Back): Handler<PurchaseRow> {
  const own = (back: Back) => keyOf({ kind: 'return', document_id: back.document_id })
  return {
    keys(event) {
      const back = read(event)
      return back.of === null ? [own(back)] : [own(back), back.of]
    },
    apply(row, event, key) {
      const { of, minor, ...back } = read(event)
      // A credit note may name an order that is not in this book.
      if (key === of) return row && { ...row, returned_minor: row.returned_minor + minor }
      const made = rowOf(event, { ...back, kind: 'return', payment_type: null }, minor)
      // Goods of one return may come in several parcels.
      return row === undefined
        ? made
        : {
            ...row,
            total_amount_minor: row.total_amount_minor + minor,
            lines: row.lines + made.lines,
          }
    },
  }
}
