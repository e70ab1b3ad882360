// What the dashboard tells of sales: now from the rows of each day, for a moment in the past from
// the journal, which knows when each amount was written down.
import { between } from '#kernel/listing.ts'
import type { Filter, Found } from '#kernel/projection.ts'
import type { Reader } from '#kernel/query.ts'
import { type PurchaseRow, purchases } from './purchases.ts'
import { salesAnalytics } from './sales-analytics.ts'
import { type JournalRow, salesJournal } from './sales-journal.ts'

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

/** A currency in which everything was cancelled again is none of the day's. */
export async function salesOf(asked: DashboardAsked, reader: Reader): Promise<readonly Sold[]> {
  const sums = ['orders', 'total_amount_minor']
  const at = storeIn(asked)
  const known = asked.knownAt === null ? null : { recorded_at: { lte: asked.knownAt } }
  const rows =
    known === null
      ? await reader.group(salesAnalytics, {
          where: { dimension: 'all', day: between(asked.from, asked.to), ...at },
          by: ['day', 'currency'],
          sums,
        })
      : (
          await reader.group(salesJournal, {
            where: { business_day: between(asked.from, asked.to), ...at, ...known },
            by: ['business_day', 'currency'],
            sums: [...sums, 'returns'],
          })
        ).filter(({ orders, returns }) => orders !== 0 || returns !== 0)
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

/** The same as it was shown then: without what was cancelled by then, and at what it came to. */
async function recentThen(asked: DashboardAsked, reader: Reader, knownAt: string) {
  const recorded = { recorded_at: { lte: knownAt } }
  const found: Stood[] = []
  let cursor: string | null = null
  let looked = 0
  do {
    const page: Found = await reader.find(salesJournal, {
      where: {
        business_day: { lte: asked.to },
        event_type: { in: ['OrderCreated', 'SaleCompleted'] },
        ...recorded,
        ...storeIn(asked),
      },
      // At the same time in the order of what is shown now, which goes by its key.
      sort: [...newest('booked_at'), { column: 'channel' }, { column: 'document_id' }],
      limit: PAGE,
      ...(cursor === null ? {} : { cursor }),
    })
    found.push(...(await standing(page.items as readonly JournalRow[], recorded, reader)))
    cursor = page.next_cursor
    looked += page.items.length
  } while (cursor !== null && found.length < RECENT && looked < LOOKED_AT_MAX)
  return Promise.all(found.slice(0, RECENT).map((each) => shownThen(each, reader)))
}

/** Entries looked through at a time, and at most, where most of them were cancelled. */
const PAGE = 50
const LOOKED_AT_MAX = 1_000

type Stood = { readonly entry: JournalRow; readonly total_amount_minor: number }

/** What was not cancelled, with what it came to: all that was booked of it lies on its one day. */
async function standing(
  entries: readonly JournalRow[],
  recorded: Filter,
  reader: Reader,
): Promise<readonly Stood[]> {
  const sums = await reader.group(salesJournal, {
    where: {
      business_day: { in: [...new Set(entries.map(({ business_day }) => business_day))] },
      document_id: { in: entries.map(({ document_id }) => document_id) },
      ...recorded,
    },
    by: ['document_id'],
    sums: ['orders', 'total_amount_minor'],
  })
  const byDocument = new Map(sums.map((sum) => [sum.document_id, sum]))
  return entries.flatMap((entry) => {
    const sum = byDocument.get(entry.document_id)
    if (sum === undefined || Number(sum.orders) <= 0) return []
    return [{ entry, total_amount_minor: Number(sum.total_amount_minor) }]
  })
}

async function shownThen({ entry, total_amount_minor }: Stood, reader: Reader) {
  const { number, booked_at, ...rest } = entry
  // What was paid at a till stays what it was; of its rounding to coins the journal knows nothing.
  const sale =
    entry.channel === 'pos' ? await reader.get(purchases, `sale-${entry.document_id}`) : null
  const total_minor = Number(sale?.total_amount_minor ?? total_amount_minor)
  return picked(rest, { sale_number: number, total_minor, created_at: booked_at })
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
