// Random trade of every kind: whatever is asked of the numbers, the answer is what a plain count
// over orders, sales and returns as they ended says. The count knows nothing of events.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { lowStock, stockByStore } from '#contexts/inventory/public.ts'
import { storeRows } from '#contexts/stores/public.ts'
import type { Recorded } from '#kernel/message.ts'
import type { Query, Reader } from '#kernel/query.ts'
import { check } from '#kernel/schema.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { dashboardQuery } from './dashboard.ts'
import { inventoryValue } from './inventory-value.ts'
import { answerOf, commitOf, eventOf, readerOver } from './numbers-fixture.ts'
import { productSalesStats } from './product-sales-stats.ts'
import { purchases } from './purchases.ts'
import { saleDays } from './sale-days.ts'
import { salesAnalytics } from './sales-analytics.ts'
import { salesJournal } from './sales-journal.ts'
import { salesQueries } from './sales-queries.ts'
import { type SalesInput, salesTrouble } from './sales-question.ts'
import { storeInventoryValue } from './store-inventory-value.ts'
import { weekOf } from './weeks.ts'

const SEED = seedOfRun()
const STEPS = 400
const QUESTIONS = 250

type Goods = { product_id: string; code: string; department_id: string | null; scale: number }
const GOODS: readonly Goods[] = [
  { product_id: 'p1', code: 'A', department_id: 'd1', scale: 0 },
  { product_id: 'p2', code: 'a', department_id: 'd1', scale: 0 },
  { product_id: 'p3', code: 'KG', department_id: 'd2', scale: 3 },
  { product_id: 'p4', code: 'X|Y', department_id: null, scale: 0 },
]
/** A line in which each smallest step costs the same, so that any part of it is exact. */
type Line = Goods & { line: number; quantity: number; net: number; tax: number; discount: number }
type Deal = {
  readonly id: string
  readonly kind: 'order' | 'sale' | 'return'
  readonly day: string
  readonly store_id: string
  country: string | null
  readonly customer_id: string | null
  readonly currency: string
  readonly channel: 'online' | 'pos'
  /** In cash, to a coin. */
  readonly rounding: number
  lines: Line[]
  isCancelled: boolean
}

const STORES = ['s1', 's2']
const DAY = '2010-12-01T00:00:00.000Z'
const COUNTRIES = ['France', 'EIRE', null]
const DAYS = ['2010-12-05', '2010-12-06', '2010-12-31', '2011-01-01', '2011-01-31']

const partOf = ({ quantity, net, tax, discount, scale, ...goods }: Line) => ({
  ...goods,
  quantity,
  quantity_scale: scale,
  net_minor: net * quantity,
  tax_minor: tax * quantity,
  discount_minor: discount * quantity,
  amount_minor: (net + tax) * quantity,
})
const amountOf = (lines: readonly Line[]) =>
  lines.reduce((sum, { net, tax, quantity }) => sum + (net + tax) * quantity, 0)

function randomTrade(random: Random) {
  const events: Recorded[] = []
  const deals: Deal[] = []
  const tell = (type: string, deal: Deal, data: object) => {
    const moment = new Date(Date.UTC(2011, 1, 1) + events.length * 1_000).toISOString()
    const { country, customer_id, currency, store_id, day: business_day } = deal
    const place = { country, customer_id, currency, store_id, business_day }
    const when = `${business_day}T12:00:00.00${deals.indexOf(deal) % 3}Z`
    const at = {
      placed_at: { placed_at: when },
      sold: { completed_at: when },
      back: { received_at: when, refunded_at: when },
    }[deal.kind === 'order' ? 'placed_at' : deal.kind === 'sale' ? 'sold' : 'back']
    events.push(eventOf(events.length + 1, type, { ...place, ...at, ...data }, moment, deal.id))
  }
  const lines = (least: number): Line[] =>
    Array.from({ length: random.int(least, 4) }, (_, at) => {
      const goods = random.pick(GOODS)
      const quantity = random.int(1, 9) * (goods.scale === 0 ? 1 : random.int(1, 400))
      const [net, tax, discount] = [random.int(0, 50), random.int(0, 9), random.int(0, 5)]
      return { ...goods, line: at + 1, quantity, net, tax, discount }
    })
  const made = (kind: Deal['kind'], channel: Deal['channel']): Deal => {
    const deal: Deal = {
      id: `${kind}${deals.length}`,
      ...{ kind, channel, isCancelled: false },
      day: random.pick(DAYS),
      store_id: random.pick(STORES),
      country: random.pick(COUNTRIES),
      customer_id: random.pick(['c1', 'c2', null]),
      currency: random.pick(['GBP', 'GBP', 'EUR']),
      rounding: kind === 'sale' ? random.int(-2, 2) : 0,
      lines: lines(1),
    }
    deals.push(deal)
    return deal
  }
  const sums = (deal: Deal) => ({
    lines: deal.lines.map(partOf),
    total_amount_minor: amountOf(deal.lines) + deal.rounding,
    rounding_minor: deal.rounding,
  })
  const openOrder = () => {
    const open = deals.filter(({ kind, isCancelled }) => kind === 'order' && !isCancelled)
    return open.length === 0 ? null : random.pick(open)
  }
  const steps: Readonly<Record<string, () => void>> = {
    OrderCreated() {
      const deal = made('order', 'online')
      tell('OrderCreated', deal, { order_id: deal.id, order_number: deal.id, ...sums(deal) })
    },
    OrderUpdated() {
      const deal = openOrder()
      if (deal === null) return
      if (random.chance(0.3)) return tell('OrderUpdated', deal, { order_id: deal.id, notes: 'x' })
      const previous_lines = deal.lines.map(partOf)
      deal.lines = lines(1)
      const before = deal.country
      if (random.chance(0.3)) deal.country = random.pick(COUNTRIES)
      const from = deal.country === before ? {} : { previous_country: before }
      tell('OrderUpdated', deal, { order_id: deal.id, ...sums(deal), previous_lines, ...from })
    },
    OrderLinesCancelled() {
      const deal = openOrder()
      if (deal === null || deal.lines.length < 2) return
      const gone = deal.lines.slice(1).map((line) => ({
        ...line,
        quantity: random.chance(0.5) ? line.quantity : random.int(1, line.quantity),
      }))
      deal.lines = deal.lines.flatMap((line) => {
        const off = gone.find((each) => each.line === line.line)?.quantity ?? 0
        return off === line.quantity ? [] : [{ ...line, quantity: line.quantity - off }]
      })
      const left = deal.lines.map(({ product_id, code, department_id }) => ({
        ...{ product_id, code, department_id },
      }))
      const amount_minor = amountOf(gone)
      tell('OrderLinesCancelled', deal, {
        ...{ order_id: deal.id, lines: gone.map(partOf), amount_minor, left },
      })
    },
    OrderCancelled() {
      const deal = openOrder()
      if (deal === null) return
      deal.isCancelled = true
      tell('OrderCancelled', deal, { order_id: deal.id, ...sums(deal) })
    },
    ReturnReceived() {
      const deal = made('return', 'online')
      const of = openOrder()?.id ?? 'nowhere'
      tell('ReturnReceived', deal, { return_id: deal.id, order_id: of, ...sums(deal) })
    },
    ReturnRecorded() {
      const deal = made('return', 'online')
      const back = deal.lines.map((line) => partOf({ ...line, quantity: -line.quantity }))
      tell('ReturnRecorded', deal, {
        ...{ return_id: deal.id, reference: deal.id, original_order_id: null, lines: back },
        total_amount_minor: -amountOf(deal.lines),
      })
    },
    SaleCompleted() {
      const deal = made('sale', 'pos')
      const total = amountOf(deal.lines) + deal.rounding
      const type = random.pick(['cash', 'credit', 'card'])
      tell('SaleCompleted', deal, {
        ...{ sale_id: deal.id, sale_number: deal.id, payment_type: type, ...sums(deal) },
        tenders: [{ type, amount_minor: total }],
      })
    },
    SaleRefunded() {
      const deal = made('return', 'pos')
      tell('SaleRefunded', deal, {
        ...{ refund_id: deal.id, refund_number: deal.id, sale_id: null, tenders: [] },
        ...sums(deal),
      })
    },
  }
  const kinds = Object.keys(steps)
  for (let step = 0; step < STEPS; step++) steps[random.pick(kinds)]!()
  return { events, deals }
}

// ── the plain count ───────────────────────────────────────────────────────────────────────────

type Sums = { key: string; currency: string; orders: number; returns: number } & {
  amount: number
  net: number
  tax: number
  discount: number
  returned: number
  /** In thousandths, whatever the product is counted in. */
  units: number
  returnedUnits: number
}

function counted(deals: readonly Deal[], asked: SalesInput): readonly Sums[] {
  const found = new Map<string, Sums>()
  for (const deal of deals) {
    if (deal.isCancelled || !isMeant(deal, asked)) continue
    const lines = deal.lines.filter(
      ({ product_id, department_id }) =>
        [undefined, product_id].includes(asked.product_id) &&
        [undefined, department_id ?? 'none'].includes(asked.department_id),
    )
    for (const [key, ofKey] of grouped(deal, lines, asked)) {
      const place = `${deal.currency}|${key}`
      const sums = found.get(place) ?? noSums(key, deal.currency)
      found.set(place, sums)
      add(sums, deal, ofKey)
    }
  }
  return [...found.values()]
}

const noSums = (key: string, currency: string): Sums => ({
  ...{ key, currency, orders: 0, returns: 0, amount: 0, net: 0, tax: 0, discount: 0 },
  ...{ returned: 0, units: 0, returnedUnits: 0 },
})

function add(sums: Sums, deal: Deal, lines: readonly Line[]): void {
  const isBack = deal.kind === 'return'
  sums[isBack ? 'returns' : 'orders']++
  for (const { quantity, scale, net, tax, discount } of lines) {
    const thousandths = quantity * 10 ** (3 - scale)
    if (isBack) {
      sums.returned -= (net + tax) * quantity
      sums.returnedUnits -= thousandths
    } else {
      sums.amount += (net + tax) * quantity
      sums.net += net * quantity
      sums.tax += tax * quantity
      sums.discount += discount * quantity
      sums.units += thousandths
    }
  }
}

function isMeant(deal: Deal, asked: SalesInput): boolean {
  const { from = '0', to = '9', store_id, channel, currency, country, customer_id } = asked
  return (
    deal.day >= from &&
    deal.day <= to &&
    [undefined, deal.store_id].includes(store_id) &&
    [undefined, deal.channel].includes(channel) &&
    [undefined, deal.currency].includes(currency) &&
    [undefined, deal.country ?? 'unknown'].includes(country) &&
    [undefined, deal.customer_id ?? 'guest'].includes(customer_id)
  )
}

function grouped(deal: Deal, lines: Line[], { group_by = 'day', ...asked }: SalesInput) {
  const isOfGoods = asked.product_id !== undefined || asked.department_id !== undefined
  if (group_by === 'product') return Map.groupBy(lines, ({ code }) => code)
  if (group_by === 'department')
    return Map.groupBy(lines, ({ department_id }) => department_id ?? 'none')
  if (isOfGoods && lines.length === 0) return new Map<string, Line[]>()
  const keys = {
    day: deal.day,
    week: weekOf(deal.day),
    month: deal.day.slice(0, 7),
    store: deal.store_id,
    channel: deal.channel,
    country: deal.country ?? 'unknown',
    customer: deal.customer_id ?? 'guest',
  }
  return new Map([[keys[group_by], lines]])
}

// ── held against each other ───────────────────────────────────────────────────────────────────

type Item = Readonly<Record<string, number>> & { readonly key: string; readonly currency: string }
const thousandths = (item: Item, field: string) => item[field]! * 10 ** (3 - item.quantity_scale!)

const byKey = <T extends { key: string; currency: string }>(items: readonly T[]): readonly T[] =>
  items.toSorted((a, b) => (`${a.currency}|${a.key}` < `${b.currency}|${b.key}` ? -1 : 1))

const trade = randomTrade(seeded(SEED))
let reads: ReadModels
let reader: Reader
before(async () => {
  reads = await openReadModels()
  const all = [salesAnalytics, salesJournal, saleDays, productSalesStats, purchases]
  await reads.define(all)
  for (const projection of all) ok(await reads.commit([commitOf(projection, trade.events)]))
  reader = readerOver(reads)
})
after(() => reads.close())

const [getSales, getReturns] = salesQueries('monday') as [Query, Query]

function randomQuestion(random: Random): SalesInput {
  const maybe = <T>(chance: number, field: string, values: readonly T[]) =>
    random.chance(chance) ? { [field]: random.pick(values) } : {}
  const times = ['day', 'week', 'month', 'store', 'channel'] as const
  const who = ['country', 'customer', 'department', 'product'] as const
  return {
    ...maybe(0.9, 'group_by', [...times, ...who, ...who]),
    ...maybe(0.3, 'from', DAYS),
    ...maybe(0.3, 'to', DAYS),
    ...maybe(0.3, 'store_id', STORES),
    ...maybe(0.3, 'channel', ['online', 'pos'] as const),
    ...maybe(0.2, 'currency', ['GBP', 'EUR']),
    ...maybe(0.15, 'country', ['France', 'unknown']),
    ...maybe(0.15, 'customer_id', ['c1', 'guest']),
    ...maybe(0.15, 'department_id', ['d1', 'none']),
    ...maybe(0.15, 'product_id', ['p1', 'p3', 'p4']),
  }
}

test(`whatever is offered is answered exactly (SEED=${SEED})`, async () => {
  const random = seeded(SEED + 1)
  let answered = 0
  for (let question = 0; question < QUESTIONS; question++) {
    const asked = randomQuestion(random)
    ok(check(getSales.input, asked).ok)
    if (salesTrouble(asked) !== null) continue
    answered++
    const told = JSON.stringify(asked)
    const sums = counted(trade.deals, asked)
    const sales = await answerOf<{ items: Item[]; total: number }>(getSales, asked, reader)
    ok(check(getSales.answer, sales).ok, told)
    equal(sales.total, sales.items.length)
    deepEqual(
      byKey(sales.items).map((item) => [
        ...[item.key, item.currency, item.orders, item.total_amount_minor, item.net_minor],
        ...[item.tax_minor, item.discount_minor, thousandths(item, 'units')],
        ...[item.returns, item.returned_minor, thousandths(item, 'returned_units')],
      ]),
      byKey(sums.filter(({ orders }) => orders > 0)).map((sum) => [
        ...[sum.key, sum.currency, sum.orders, sum.amount, sum.net, sum.tax, sum.discount],
        ...[sum.units, sum.returns, sum.returned, sum.returnedUnits],
      ]),
      told,
    )
    const returns = await answerOf<{ items: Item[] }>(getReturns, asked, reader)
    deepEqual(
      byKey(returns.items).map((item) => [
        ...[item.key, item.currency, item.returns, item.total_amount_minor],
        thousandths(item, 'units'),
      ]),
      byKey(sums.filter((sum) => sum.returns > 0)).map((sum) => [
        ...[sum.key, sum.currency, sum.returns, sum.returned, sum.returnedUnits],
      ]),
      told,
    )
  }
  ok(answered > QUESTIONS / 3, `only ${answered} questions were answered`)
})

test(`products, days of the till, purchases and the journal say the same (SEED=${SEED})`, async () => {
  const { deals } = trade
  const group = (projection: typeof purchases, by: readonly string[], sums: readonly string[]) =>
    reads.group(projection.table, { by, sums })
  const whole = (deal: Deal) => amountOf(deal.lines) + deal.rounding
  const live = deals.filter(({ isCancelled }) => !isCancelled)
  const total = (some: readonly Deal[]) => some.reduce((sum, deal) => sum + whole(deal), 0)

  const stats = await group(productSalesStats, ['code'], ['orders', 'total_amount_minor'])
  const products = counted(deals, { group_by: 'product' })
  for (const { code, orders, total_amount_minor } of stats) {
    const sums = products.filter(({ key }) => key === code)
    equal(
      orders,
      sums.reduce((sum, each) => sum + each.orders, 0),
      String(code),
    )
    equal(
      total_amount_minor,
      sums.reduce((sum, each) => sum + each.amount, 0),
      String(code),
    )
  }
  const sales = live.filter(({ kind }) => kind === 'sale')
  const [till] = await group(saleDays, [], ['sales_count', 'total_sales_minor', 'refunds_count'])
  deepEqual(
    [till!.sales_count, till!.total_sales_minor, till!.refunds_count],
    [
      ...[sales.length, total(sales)],
      live.filter(({ kind, channel }) => kind === 'return' && channel === 'pos').length,
    ],
  )
  const bought = await reads.find(purchases.table, { limit: 1_000_000 })
  deepEqual(
    bought.items.map((row) => [row.document_id, row.total_amount_minor, row.is_cancelled]).sort(),
    deals
      .map((deal) => [
        deal.id,
        deal.kind === 'return' ? 0 - whole(deal) : whole(deal),
        deal.isCancelled,
      ])
      .sort(),
  )
  const columns = ['orders', 'total_amount_minor', 'returns', 'returned_minor']
  const [journal] = await group(salesJournal, [], columns)
  const [rows] = await reads.group(salesAnalytics.table, {
    ...{ where: { dimension: 'all' }, by: [], sums: columns },
  })
  deepEqual({ ...journal, count: 0 }, { ...rows, count: 0 })
})

// ── the past ──────────────────────────────────────────────────────────────────────────────────

const OPENED = STORES.map((store_id, at) => {
  const data = { store_id, name: store_id, kind: 'shop', timezone: 'UTC' }
  return { ...eventOf(at + 1, 'StoreCreated', data, DAY), version: 1 }
})
const PASTS = 8

/** The tables of a dashboard as they stand when so many events have been folded. */
async function dashboardAfter(events: readonly Recorded[]): Promise<ReadModels> {
  const reads = await openReadModels()
  const ofSales = [salesAnalytics, salesJournal, purchases]
  const ofStock = [inventoryValue, storeInventoryValue, lowStock, stockByStore]
  await reads.define([...ofSales, storeRows, ...ofStock])
  for (const projection of ofSales) ok(await reads.commit([commitOf(projection, events)]))
  ok(await reads.commit([commitOf(storeRows, OPENED)]))
  return reads
}

test(`a dashboard as of a moment is the one that was shown then (SEED=${SEED})`, async () => {
  const random = seeded(SEED + 2)
  const query = dashboardQuery({ weekStarts: 'monday', currency: 'GBP' })
  const all = await dashboardAfter(trade.events)
  for (let past = 0; past < PASTS; past++) {
    const position = random.int(1, trade.events.length)
    const then = await dashboardAfter(trade.events.slice(0, position))
    const as_of = trade.events[position - 1]!.timestamp
    for (const date of DAYS)
      for (const store_id of [undefined, ...STORES]) {
        const asked = { date, ...(store_id === undefined ? {} : { store_id }) }
        const shown = await answerOf<object>(query, asked, readerOver(then))
        const told = await answerOf<object>(query, { ...asked, as_of }, readerOver(all))
        deepEqual(told, shown, `${position} ${JSON.stringify(asked)}`)
      }
    await then.close()
  }
  await all.close()
})
