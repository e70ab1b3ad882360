// Every question that the shop answers about its numbers, held against the others: weeks are sums
// of days, and every way to share sales out comes to the same whole. For tests of imported files.
import assert from 'node:assert/strict'
import { weekBegin, weekOf } from '#contexts/analytics/weeks.ts'
import type { QueryGateway } from '#runtime/query-gateway.ts'
import type { Sums } from '#testing/retail-file.ts'
import { answered, type By, returnsBy, salesBy } from '#testing/retail-numbers.ts'
import { idOf } from './retail-commands.ts'

type Ask = QueryGateway['ask']
type Keyed = Readonly<Record<string, Sums>>

/** A customer's number in the file, as the shop knows it; guests have none. */
export const customerIdOf = (number: string) =>
  number === 'guest' ? number : idOf('customer', number)

const DAYS_LOOKED_AT = 8
const TOP = 20

const summed = (rows: Keyed, nameOf: (key: string) => string): Keyed => {
  const sums: Record<string, Sums> = {}
  for (const [key, { orders, units, pence }] of Object.entries(rows)) {
    const name = nameOf(key)
    const sum = sums[name] ?? { orders: 0, units: 0, pence: 0 }
    sums[name] = sum
    sum.orders += orders
    sum.units += units
    sum.pence += pence
  }
  return sums
}
const wholeOf = (rows: Keyed) => summed(rows, () => 'whole').whole

/** Sales and returns, by whatever they are grouped and filtered. */
export async function assertSumsAgree(ask: Ask): Promise<void> {
  for (const by of [salesBy, returnsBy]) {
    const days = await by(ask, 'day')
    const whole = wholeOf(days)
    assert.ok(whole !== undefined && whole.orders > 0)
    assert.deepEqual(
      await by(ask, 'week'),
      summed(days, (day) => weekOf(day)),
    )
    assert.deepEqual(
      await by(ask, 'month'),
      summed(days, (day) => day.slice(0, 7)),
    )
    for (const group of ['store', 'channel', 'country', 'customer'] satisfies By[])
      assert.deepEqual(wholeOf(await by(ask, group)), whole, group)
    // An order of several products counts for each of them.
    for (const group of ['product', 'department'] satisfies By[]) {
      const { units, pence } = wholeOf(await by(ask, group))!
      assert.deepEqual([units, pence], [whole.units, whole.pence], group)
    }
    assert.deepEqual(await by(ask, 'day', { channel: 'online', store_id: 'main' }), days)
    assert.deepEqual(await by(ask, 'day', { channel: 'pos' }), {})
    const countries = await by(ask, 'country')
    for (const country of Object.keys(countries))
      assert.deepEqual(wholeOf(await by(ask, 'month', { country })), countries[country], country)
  }
  await assertFilters(ask)
  await assertPages(ask)
  await assertDashboards(ask)
  await assertProducts(ask)
  await assertCustomers(ask)
  // Nothing of it was sold at a till.
  const report = await answered<{ items: readonly object[] }>(ask, 'GetSalesReport')
  assert.deepEqual(report.items, [])
}

type Item = Readonly<Record<string, number>> & { readonly key: string }
type Items = { readonly items: readonly Item[]; readonly total: number }
const itemsOf = async (ask: Ask, type: string, input: object) =>
  (await answered<Items>(ask, type, input)).items

/** The same rows by other roads: a span of days is its days, a currency all there is of it. */
async function assertFilters(ask: Ask): Promise<void> {
  const days = Object.keys(await salesBy(ask, 'day'))
  for (const [month, sums] of Object.entries(await salesBy(ask, 'month'))) {
    const within = days.filter((day) => day.startsWith(month))
    const span = { from: within[0], to: within.at(-1) }
    for (const group of ['country', 'customer', 'store', 'week'] satisfies By[])
      assert.deepEqual(wholeOf(await salesBy(ask, group, span)), sums, `${month} by ${group}`)
    const { units, pence } = wholeOf(await salesBy(ask, 'product', span))!
    assert.deepEqual([units, pence], [sums.units, sums.pence], `${month} by product`)
  }
  for (const by of [salesBy, returnsBy]) {
    const products = await by(ask, 'product')
    assert.deepEqual(await by(ask, 'product', { currency: 'GBP' }), products)
    assert.deepEqual(await by(ask, 'product', { currency: 'EUR' }), {})
    assert.deepEqual(await by(ask, 'product', { department_id: 'none' }), products)
    assert.deepEqual(await by(ask, 'product', { department_id: 'elsewhere' }), {})
    const customers = Object.entries(await by(ask, 'customer')).slice(0, TOP)
    for (const [customer_id, sums] of customers)
      assert.deepEqual(wholeOf(await by(ask, 'day', { customer_id })), sums, customer_id)
  }
}

/** Pages in any order are the whole in that order; what came back stands beside what was sold. */
async function assertPages(ask: Ask): Promise<void> {
  for (const group_by of ['product', 'customer', 'country', 'day'] satisfies By[]) {
    const back = new Map(
      (await itemsOf(ask, 'GetReturnsAnalytics', { group_by })).map((item) => [item.key, item]),
    )
    for (const sort of ['key', '-units']) {
      const whole = await itemsOf(ask, 'GetSalesAnalytics', { group_by, sort })
      const limit = Math.ceil(whole.length / 3)
      const pages: Item[] = []
      for (let offset = 0; offset < whole.length; offset += limit) {
        const asked = { group_by, sort, limit, offset }
        const page = await answered<Items>(ask, 'GetSalesAnalytics', asked)
        assert.equal(page.total, whole.length)
        pages.push(...page.items)
      }
      assert.deepEqual(pages, whole, `${group_by} by ${sort}`)
    }
    for (const item of await itemsOf(ask, 'GetSalesAnalytics', { group_by })) {
      const { returns, units, total_amount_minor } = back.get(item.key) ?? NOTHING_BACK
      assert.deepEqual(
        [item.returns, item.returned_units, item.returned_minor],
        [returns, units, total_amount_minor],
        item.key,
      )
      assert.equal(item.net_minor! + item.tax_minor!, item.total_amount_minor, item.key)
    }
  }
}
const NOTHING_BACK = { returns: 0, units: 0, total_amount_minor: 0 }

async function assertDashboards(ask: Ask): Promise<void> {
  const days = await salesBy(ask, 'day')
  const named = Object.keys(days)
  const every = Math.ceil(named.length / DAYS_LOOKED_AT)
  for (const date of named.filter((_, at) => at % every === 0)) {
    const week = named.filter((day) => day >= weekBegin(date, 'monday') && day <= date)
    for (const store of [{}, { store_id: 'main' }]) {
      const shown = await answered<Readonly<Record<string, number>>>(ask, 'GetDashboardSummary', {
        ...{ date, currency: 'GBP', ...store },
      })
      const { orders, pence } = days[date]!
      assert.deepEqual(
        [
          ...[shown.today_sales_count, shown.today_sales_total_minor],
          ...[shown.week_sales_count, shown.week_sales_total_minor],
        ],
        [
          ...[orders, pence],
          ...[
            week.reduce((sum, day) => sum + days[day]!.orders, 0),
            week.reduce((sum, day) => sum + days[day]!.pence, 0),
          ],
        ],
        date,
      )
      assert.equal(shown.today_avg_sale_minor, Math.floor((2 * pence + orders) / (2 * orders)))
      await assertNewest(ask, { date, ...store })
    }
  }
}

type Sale = { readonly document_id: string; readonly total_minor: number }
type Shown = { readonly recent_sales: readonly Sale[] }
type Orders = {
  readonly items: readonly { order_id: string; total_amount_minor: number }[]
}

/** The newest sales are the newest of the orders; as of now, all is as it is now. */
async function assertNewest(ask: Ask, asked: { date: string; store_id?: string }): Promise<void> {
  const now = await answered<Shown>(ask, 'GetDashboardSummary', asked)
  const newest = await answered<Orders>(ask, 'ListOrders', {
    ...{ to: `${asked.date}T23:59:59.999Z`, sort: ['-placed_at'], limit: 10 },
  })
  assert.deepEqual(
    now.recent_sales.map(({ document_id, total_minor }) => [document_id, total_minor]),
    newest.items.map(({ order_id, total_amount_minor }) => [order_id, total_amount_minor]),
  )
  const as_of = new Date().toISOString()
  const then = await answered<Shown>(ask, 'GetDashboardSummary', { ...asked, as_of })
  assert.deepEqual(then, now)
}

type Stats = {
  totals: readonly { units: number; total_amount_minor: number; orders: number; returns: number }[]
}

async function assertProducts(ask: Ask): Promise<void> {
  const input = { group_by: 'product', limit: TOP }
  const { items } = await answered<{
    items: readonly { product_id: string; orders: number; units: number }[] &
      readonly { total_amount_minor: number }[]
  }>(ask, 'GetSalesAnalytics', input)
  for (const { product_id, orders, units, total_amount_minor } of items) {
    const { totals } = await answered<Stats>(ask, 'GetProductSalesStats', { product_id })
    assert.deepEqual(
      totals.map((total) => [total.orders, total.units, total.total_amount_minor]),
      [[orders, units, total_amount_minor]],
    )
    const back = wholeOf(await returnsBy(ask, 'month', { product_id }))
    assert.equal(totals[0]?.returns, back?.orders ?? 0)
    const filtered = wholeOf(await salesBy(ask, 'month', { product_id }))!
    assert.deepEqual(filtered, { orders, units, pence: total_amount_minor })
  }
}

type Summary = { readonly total_orders: number; readonly total_spent_minor: number }
type History = { totals: readonly Readonly<Record<string, number>>[]; total: number }

async function assertCustomers(ask: Ask): Promise<void> {
  const sales = await salesBy(ask, 'customer')
  const returns = await returnsBy(ask, 'customer')
  const top = Object.keys(sales).filter((customer) => customer !== 'guest')
  for (const customer_id of top.slice(0, TOP)) {
    const history = await answered<History>(ask, 'GetCustomerPurchaseHistory', {
      ...{ customer_id, limit: 1 },
    })
    const back = returns[customer_id] ?? { orders: 0, pence: 0 }
    const { orders, pence } = sales[customer_id]!
    const [told] = history.totals
    assert.deepEqual(
      [told?.purchases, told?.spent_minor, told?.returns, told?.returned_minor],
      [orders, pence, back.orders, back.pence],
    )
    assert.equal(history.total, orders + back.orders)
    const summary = await answered<Summary>(ask, 'GetCustomerOrderSummary', { customer_id })
    // Of orders alone: a credit note without its order takes nothing from them.
    assert.deepEqual([summary.total_orders, summary.total_spent_minor], [orders, pence])
    const { is_active } = await answered<{ is_active: boolean }>(ask, 'GetCustomer', {
      customer_id,
    })
    assert.equal(is_active, true)
  }
}
