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
  await assertDashboards(ask)
  await assertProducts(ask)
  await assertCustomers(ask)
}

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
    }
  }
}

type Stats = { totals: readonly { units: number; total_amount_minor: number; orders: number }[] }

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
    const filtered = wholeOf(await salesBy(ask, 'month', { product_id }))!
    assert.deepEqual(filtered, { orders, units, pence: total_amount_minor })
  }
}

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
    const { is_active } = await answered<{ is_active: boolean }>(ask, 'GetCustomer', {
      customer_id,
    })
    assert.equal(is_active, true)
  }
}
