// The shop's numbers held against its documents: orders, sales, returns and refunds as their own
// lists show them, added up by hand. For tests of a shop that has traded.
import { deepEqual, ok } from 'node:assert/strict'
import { orderViews } from '#contexts/orders/order-views.ts'
import { returns } from '#contexts/returns/return-list.ts'
import { saleRefunds } from '#contexts/sales/refund-rows.ts'
import { sales } from '#contexts/sales/sale-rows.ts'
import type { Projection, Row } from '#kernel/projection.ts'
import type { QueryGateway } from '#runtime/query-gateway.ts'
import type { ReadModels } from '#storage/read-models.ts'

type Deal = {
  readonly channel: string
  readonly row: Row
  readonly orders: number
  readonly sold_minor: number
  readonly back_minor: number
}
const ALL = 1_000_000
const SOLD = ['COMPLETED', 'PARTIALLY_RETURNED', 'RETURNED']

/** What each document says for itself. */
async function dealsIn(reads: ReadModels): Promise<readonly Deal[]> {
  const rowsOf = async ({ table }: Projection) => (await reads.find(table, { limit: ALL })).items
  const sold = (channel: string, row: Row, minor: unknown): Deal => ({
    ...{ channel, row, orders: 1, sold_minor: Number(minor), back_minor: 0 },
  })
  const back = (channel: string, row: Row, minor: unknown): Deal => ({
    // Another book's credit note is negative already.
    ...{ channel, row, orders: 0, sold_minor: 0, back_minor: -Math.abs(Number(minor)) },
  })
  const orders = (await rowsOf(orderViews)).filter(({ status }) => status !== 'CANCELLED')
  const tills = (await rowsOf(sales)).filter(({ status }) => SOLD.includes(String(status)))
  return [
    ...orders.map((row) => sold('online', row, row.total_amount_minor)),
    ...tills.map((row) => sold('pos', row, row.amount_minor)),
    ...(await rowsOf(returns)).map((row) => back('online', row, row.total_amount_minor)),
    ...(await rowsOf(saleRefunds)).map((row) => back('pos', row, row.amount_minor)),
  ]
}

type Item = Readonly<Record<string, number>> & { readonly key: string; readonly currency: string }

const NAMES: Readonly<Record<string, (deal: Deal) => string>> = {
  channel: ({ channel }) => channel,
  store: ({ row }) => String(row.store_id),
  country: ({ row }) => String(row.country ?? 'unknown'),
  customer: ({ row }) => String(row.customer_id ?? 'guest'),
}

export async function assertDocuments(ask: QueryGateway['ask'], reads: ReadModels): Promise<void> {
  const deals = await dealsIn(reads)
  ok(deals.some(({ back_minor }) => back_minor < 0))
  for (const channel of [undefined, 'online', 'pos'])
    for (const [group_by, nameOf] of Object.entries(NAMES)) {
      const wanted = deals.filter((deal) => channel === undefined || deal.channel === channel)
      const sums = new Map<string, [orders: number, sold: number, back: number]>()
      for (const deal of wanted) {
        const name = `${deal.row.currency} ${nameOf(deal)}`
        const [orders, sold, back] = sums.get(name) ?? [0, 0, 0]
        const { sold_minor, back_minor } = deal
        sums.set(name, [orders + deal.orders, sold + sold_minor, back + back_minor])
      }
      const answer = await ask('GetSalesAnalytics', { group_by, ...(channel && { channel }) })
      ok(answer.ok)
      const told = (answer.result as { items: readonly Item[] }).items.map((item) => [
        ...[`${item.currency} ${item.key}`, item.orders],
        ...[item.total_amount_minor, item.returned_minor],
      ])
      deepEqual(
        told.sort(),
        [...sums]
          .filter(([, [orders]]) => orders > 0)
          .map(([name, sum]) => [name, ...sum])
          .sort(),
        `${channel ?? 'all'} by ${group_by}`,
      )
    }
}
