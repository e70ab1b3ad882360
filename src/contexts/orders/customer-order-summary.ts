// One row per customer: how many orders, how much, when last. A cancelled order is taken back.
import type { DataOf } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import type { order } from './order.ts'

type Data = DataOf<typeof order.events>
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
  version: 1,
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
    OrderCreated: counting<Data['OrderCreated']>(1),
    OrderCancelled: counting<Data['OrderCancelled']>(-1),
  },
})

type Counted = {
  readonly customer_id: string | null
  readonly currency: string
  readonly total_amount_minor: number
  readonly placed_at: string
}

function counting<D extends Counted>(sign: 1 | -1): Handler<SummaryRow, D> {
  return {
    keys: ({ data: { customer_id } }) => (customer_id === null ? [] : [customer_id]),
    apply: (row, event, key) => counted(row ?? emptyRow(event, key), event, sign),
  }
}

const emptyRow = ({ data, timestamp }: Recorded<Counted>, customer_id: string): SummaryRow => ({
  customer_id,
  total_orders: 0,
  total_spent_minor: 0,
  currency: data.currency,
  by_currency: [],
  last_order_date: data.placed_at,
  updated_at: timestamp,
})

function counted(
  row: SummaryRow,
  { data: { currency, total_amount_minor, placed_at }, timestamp }: Recorded<Counted>,
  sign: 1 | -1,
): SummaryRow {
  const spent = row.by_currency.find((each) => each.currency === currency)
  const now = {
    currency,
    total_orders: (spent?.total_orders ?? 0) + sign,
    total_spent_minor: (spent?.total_spent_minor ?? 0) + sign * total_amount_minor,
  }
  const by_currency =
    spent === undefined
      ? [...row.by_currency, now]
      : row.by_currency.map((each) => (each === spent ? now : each))
  const last = placed_at > row.last_order_date ? placed_at : row.last_order_date
  return {
    ...row,
    total_orders: row.total_orders + sign,
    total_spent_minor:
      row.total_spent_minor + (currency === row.currency ? sign * total_amount_minor : 0),
    by_currency,
    last_order_date: last,
    updated_at: timestamp,
  }
}
