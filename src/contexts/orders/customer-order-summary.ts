// One row per customer: how many orders, how much, when last. What was cancelled or came back is
// taken off again.
import type { DataOf } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import type { orderEvents } from './order-events.ts'

type Data = DataOf<typeof orderEvents>
export type SummaryRow = {
  readonly customer_id: string
  readonly total_orders: number
  /** In `currency`, the first order's; other currencies stand in `by_currency`. */
  readonly total_spent_minor: number
  readonly currency: string
  readonly by_currency: readonly Spent[]
  readonly last_order_date: string
  readonly updated_at: string
}
type Spent = {
  readonly currency: string
  readonly total_orders: number
  readonly total_spent_minor: number
}

export const customerOrderSummary = projection<SummaryRow>({
  name: 'customer_order_summary',
  version: 2,
  table: {
    name: 'customer_order_summary',
    key: 'customer_id',
    columns: {
      customer_id: 'text',
      total_orders: 'int',
      total_spent_minor: 'money',
      currency: 'text',
      by_currency: 'json',
      last_order_date: 'instant',
      updated_at: 'instant',
    },
    indexes: [['total_spent_minor'], ['last_order_date']],
  },
  on: {
    OrderCreated: counting<Data['OrderCreated']>(({ total_amount_minor }) => [
      1,
      total_amount_minor,
    ]),
    OrderCancelled: counting<Data['OrderCancelled']>(({ total_amount_minor }) => [
      -1,
      -total_amount_minor,
    ]),
    OrderLinesCancelled: counting<Data['OrderLinesCancelled']>(({ amount_minor }) => [
      0,
      -amount_minor,
    ]),
    OrderUpdated: counting<Data['OrderUpdated']>(
      ({ total_amount_minor = 0, previous_total_amount_minor = 0 }) => [
        0,
        total_amount_minor - previous_total_amount_minor,
      ],
      // Without other items it costs what it did, and the event does not say in which currency.
      ({ lines }) => lines !== undefined,
    ),
    OrderRefundGranted: counting<Data['OrderRefundGranted']>(({ amount_minor }) => [
      0,
      -amount_minor,
    ]),
    OrderReturnChanged: counting<Data['OrderReturnChanged']>(
      ({ amount_minor }) => [0, -amount_minor],
      ({ change }) => change === 'received',
    ),
  },
})

type Counted = {
  readonly customer_id: string | null
  readonly currency?: string
  readonly placed_at?: string
}
/** Orders and money more than before. */
type Change = readonly [orders: number, minor: number]

function counting<D extends Counted>(
  change: (data: D) => Change,
  counts: (data: D) => boolean = () => true,
): Handler<SummaryRow, D> {
  return {
    keys: ({ data }) => (data.customer_id === null || !counts(data) ? [] : [data.customer_id]),
    apply: (row, event, key) => counted(row ?? emptyRow(event, key), event, change(event.data)),
  }
}

const emptyRow = ({ data, timestamp }: Recorded<Counted>, customer_id: string): SummaryRow => ({
  customer_id,
  total_orders: 0,
  total_spent_minor: 0,
  // The first event of a customer is an order, which has both.
  currency: data.currency ?? '',
  by_currency: [],
  last_order_date: data.placed_at ?? timestamp,
  updated_at: timestamp,
})

function counted(
  row: SummaryRow,
  { data: { currency = row.currency, placed_at }, timestamp }: Recorded<Counted>,
  [orders, minor]: Change,
): SummaryRow {
  const spent = row.by_currency.find((each) => each.currency === currency)
  const now = {
    currency,
    total_orders: (spent?.total_orders ?? 0) + orders,
    total_spent_minor: (spent?.total_spent_minor ?? 0) + minor,
  }
  const by_currency =
    spent === undefined
      ? [...row.by_currency, now]
      : row.by_currency.map((each) => (each === spent ? now : each))
  const isLast = placed_at !== undefined && placed_at > row.last_order_date
  return {
    ...row,
    total_orders: row.total_orders + orders,
    total_spent_minor: row.total_spent_minor + (currency === row.currency ? minor : 0),
    by_currency,
    last_order_date: isLast ? placed_at : row.last_order_date,
    updated_at: timestamp,
  }
}
