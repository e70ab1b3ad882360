// What the dashboard tells of sales: now from the rows of each day, for a moment in the past from
// the journal, which knows when each amount was written down.
import type { Filter } from '#kernel/projection.ts'
import type { Reader } from '#kernel/query.ts'
import { type PurchaseRow, purchases } from './purchases.ts'
import { salesAnalytics } from './sales-analytics.ts'
import { type JournalRow, salesJournal } from './sales-journal.ts'
import { daysWithin } from './sales-question.ts'

export type DashboardAsked = {
  /** null: all stores. */
  readonly store_id: string | null
  /** null: what is known now. */
  readonly knownAt: string | null
  readonly from: string
  readonly to: string
}

/** A day in one currency. */
export type Sold = {
  readonly day: string
  readonly currency: string
  readonly orders: number
  readonly minor: number
}

const RECENT = 10

export async function salesOf(asked: DashboardAsked, reader: Reader): Promise<readonly Sold[]> {
  const sums = ['orders', 'total_amount_minor']
  const at = storeIn(asked)
  const known = asked.knownAt === null ? null : { recorded_at: { lte: asked.knownAt } }
  const rows =
    known === null
      ? await reader.group(salesAnalytics, {
          where: { dimension: 'all', ...daysWithin(asked), ...at },
          by: ['day', 'currency'],
          sums,
        })
      : await reader.group(salesJournal, {
          where: { ...daysWithin(asked, 'business_day'), ...at, ...known },
          by: ['business_day', 'currency'],
          sums,
        })
  return rows.map((row) => ({
    day: String(row.day ?? row.business_day),
    currency: String(row.currency),
    orders: Number(row.orders),
    minor: Number(row.total_amount_minor),
  }))
}

const storeIn = ({ store_id }: DashboardAsked): Filter => (store_id === null ? {} : { store_id })

/** The newest up to that day, less what was cancelled by now. */
export const recentSales = (asked: DashboardAsked, reader: Reader) =>
  asked.knownAt === null ? recentNow(asked, reader) : recentThen(asked, reader, asked.knownAt)

async function recentNow(asked: DashboardAsked, reader: Reader) {
  const { items } = await reader.find(purchases, {
    where: {
      business_day: { lte: asked.to },
      kind: { in: ['order', 'sale'] },
      is_cancelled: false,
      ...storeIn(asked),
    },
    sort: newest('bought_at'),
    limit: RECENT,
  })
  return items.map((row) => {
    const { number, total_amount_minor, bought_at, ...rest } = row as PurchaseRow
    const made = { sale_number: number, total_minor: total_amount_minor, created_at: bought_at }
    return picked(rest, made)
  })
}

/** As they were placed, whatever became of them. */
async function recentThen(asked: DashboardAsked, reader: Reader, knownAt: string) {
  const { items } = await reader.find(salesJournal, {
    where: {
      business_day: { lte: asked.to },
      event_type: { in: ['OrderCreated', 'SaleCompleted'] },
      recorded_at: { lte: knownAt },
      ...storeIn(asked),
    },
    sort: newest('booked_at'),
    limit: RECENT,
  })
  return items.map((row) => {
    const { number, total_amount_minor, booked_at, ...rest } = row as JournalRow
    const made = { sale_number: number, total_minor: total_amount_minor, created_at: booked_at }
    return picked(rest, made)
  })
}

const newest = (column: string) => [
  { column: 'business_day', descending: true },
  { column, descending: true },
]

type Shown = Pick<JournalRow, 'channel' | 'document_id' | 'customer_id' | 'store_id' | 'currency'>

const picked = (
  { channel, document_id, customer_id, store_id, currency }: Shown,
  made: { sale_number: string | null; total_minor: number; created_at: string },
) => ({ ...made, channel, document_id, customer_id, store_id, currency })
