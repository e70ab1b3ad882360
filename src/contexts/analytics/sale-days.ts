// The till's days: how many sales, how much, in cash and on account. One row a day, store and
// currency.
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Recorded } from '#kernel/message.ts'
import { projection, type Row } from '#kernel/projection.ts'

export type SaleDayRow = Row & {
  readonly sale_day_key: string
  readonly date: string
  readonly store_id: string
  readonly currency: string
} & SaleDayCounts

export type SaleDayCounts = {
  readonly sales_count: number
  /** What was paid: the lines and the cash rounding. */
  readonly total_sales_minor: number
  readonly cash_sales_minor: number
  readonly credit_sales_minor: number
  readonly tax_minor: number
  readonly rounding_minor: number
  readonly refunds_count: number
  /** What was given back; positive. */
  readonly refunded_minor: number
}
const NO_SALES: SaleDayCounts = {
  sales_count: 0,
  total_sales_minor: 0,
  cash_sales_minor: 0,
  credit_sales_minor: 0,
  tax_minor: 0,
  rounding_minor: 0,
  refunds_count: 0,
  refunded_minor: 0,
}
export const SALE_DAY_MEASURES = Object.keys(NO_SALES) as readonly (keyof SaleDayCounts)[]

/** What is read of a completed sale and of a refund. */
type Told = {
  readonly store_id?: string | null
  readonly currency: string
  readonly business_day: string
  readonly total_amount_minor: number
  readonly tax_minor?: number
  readonly rounding_minor: number
  readonly tenders: readonly { readonly type: string; readonly amount_minor: number }[]
}

const keysOf = ({ data }: Recorded<Told>) => [
  `${data.business_day}|${data.store_id ?? MAIN_STORE_ID}|${data.currency}`,
]

function rowOf({ data }: Recorded<Told>, sale_day_key: string): SaleDayRow {
  const { business_day: date, store_id, currency } = data
  return { sale_day_key, date, store_id: store_id ?? MAIN_STORE_ID, currency, ...NO_SALES }
}

const paidIn = (kind: string, { tenders }: Told) =>
  tenders.reduce((sum, { type, amount_minor }) => sum + (type === kind ? amount_minor : 0), 0)

export const saleDays = projection<SaleDayRow>({
  name: 'sales_summary_by_day',
  version: 1,
  table: {
    name: 'sales_summary_by_day',
    key: 'sale_day_key',
    columns: {
      sale_day_key: 'text',
      date: 'day',
      store_id: 'text',
      currency: 'text',
      sales_count: 'int',
      total_sales_minor: 'money',
      cash_sales_minor: 'money',
      credit_sales_minor: 'money',
      tax_minor: 'money',
      rounding_minor: 'money',
      refunds_count: 'int',
      refunded_minor: 'money',
    },
    indexes: [['date'], ['store_id', 'date']],
  },
  on: {
    SaleCompleted: {
      keys: keysOf,
      apply: (before, event, key) => {
        const row = before ?? rowOf(event, key)
        const { data } = event as Recorded<Told>
        return {
          ...row,
          sales_count: row.sales_count + 1,
          total_sales_minor: row.total_sales_minor + data.total_amount_minor,
          cash_sales_minor: row.cash_sales_minor + paidIn('cash', data),
          credit_sales_minor: row.credit_sales_minor + paidIn('credit', data),
          tax_minor: row.tax_minor + (data.tax_minor ?? 0),
          rounding_minor: row.rounding_minor + data.rounding_minor,
        }
      },
    },
    SaleRefunded: {
      keys: keysOf,
      apply: (before, event, key) => {
        const row = before ?? rowOf(event, key)
        return {
          ...row,
          refunds_count: row.refunds_count + 1,
          refunded_minor: row.refunded_minor + event.data.total_amount_minor,
        }
      },
    },
  },
})
