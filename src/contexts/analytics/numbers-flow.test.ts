// The numbers of a whole shop over HTTP: orders and tills in two time zones, returns, cancelled
// lines, costs that change; then as it was known before, and what is refused.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type App, compose, VERSION } from '#app/compose.ts'
import { readConfig } from '#app/config.ts'
import { httpDoors } from '#edges/http/doors.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
type Answer = any

const AUCKLAND = '01980000-0000-7000-8000-00000000000a'
const CUSTOMER = '01980000-0000-7000-8000-0000000000c1'
/** In Auckland it is the morning of the next day. */
const EVENING = '2020-01-05T20:00:00.000Z'
const LATER = '2020-01-05T20:01:00.000Z'
const DASHBOARDS = [
  ...['date=2020-01-05', 'date=2020-01-06', 'date=2020-01-06&store_id=main'],
  `date=2020-01-06&store_id=${AUCKLAND}`,
]

const engines = {
  memory: () => ['--set', 'event_store.driver=memory', '--set', 'read_store.driver=memory'],
  sqlite: (folder: string) => ['--data', join(folder, 'daybook.db')],
}

for (const [engine, argvOf] of Object.entries(engines))
  describe(`the numbers over ${engine}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'numbers-'))
    let app: App
    let doors: ReturnType<typeof httpDoors>
    let origin: string
    const made: Record<string, string> = {}
    /** As it was before anything came back or was cancelled. */
    const shownThen = new Map<string, Answer>()
    before(async () => {
      const read = readConfig({ argv: argvOf(folder), env: {}, file: null })
      ok(read.ok)
      const { config } = read
      app = await compose(config)
      const { contexts, send, ask, operations } = app
      doors = httpDoors({
        commands: contexts.flatMap(({ commands }) => commands),
        queries: contexts.flatMap(({ queries }) => queries),
        ...{ send, ask, operations, offers: 'everything', settings: config, version: VERSION },
        log: () => {},
      })
      origin = `http://127.0.0.1:${(await doors.public.listen('127.0.0.1', 0)).port}/api/v1`
      await trade()
    })
    after(async () => {
      await Promise.all(Object.values(doors).map((door) => door.close()))
      await app.close()
      rmSync(folder, { recursive: true })
    })

    const done = async (type: string, input: object, meta: object = {}): Promise<Answer> => {
      const outcome = await app.send(type, input, meta)
      ok(outcome.ok, `${type}: ${JSON.stringify(outcome)}`)
      return outcome.response
    }
    const got = async (path: string): Promise<{ status: number; body: Answer }> => {
      await app.projected((await app.log.head()).position)
      const response = await fetch(`${origin}${path}`)
      return { status: response.status, body: await response.json() }
    }
    const told = async (path: string): Promise<Answer> => {
      const { status, body } = await got(path)
      equal(status, 200, `${path}: ${JSON.stringify(body)}`)
      return body
    }
    const settled = async (order_id: string) => {
      for (;;) {
        const { status } = await told(`/orders/${order_id}`)
        if (status === 'CONFIRMED') return
        equal(status, 'PENDING')
      }
    }

    /** All of it on the sixth in Auckland, on the fifth elsewhere. */
    async function trade() {
      await done('CreateStore', {
        store_id: AUCKLAND,
        name: 'Auckland',
        timezone: 'Pacific/Auckland',
      })
      await done('RegisterCustomer', { customer_id: CUSTOMER, name: 'Ann' })
      const { department_id } = await done('CreateDepartment', { name: 'Pens' })
      for (const [code, more] of [
        ['PEN', { sell_price: '2.00', cost_price: '1.10', department_id, min_stock: '200' }],
        ['INK', { sell_price: '5.00', cost_price: '3.00' }],
      ] as const) {
        made[code] = (await done('CreateProduct', { code, name: code, ...more })).product_id
        for (const store_id of ['main', AUCKLAND])
          await done('CreateInventory', { product_id: made[code], store_id, quantity: '50' })
      }
      const [pen, ink] = [{ product_id: made.PEN }, { product_id: made.INK }]
      const fact = { occurred_at: EVENING, source: 'import' }
      for (const store_id of ['main', AUCKLAND]) {
        const items = [
          { ...pen, quantity: '3' },
          { ...ink, quantity: '2' },
        ]
        const order = { customer_id: CUSTOMER, country: 'France', store_id, items }
        made[store_id] = (await done('CreateOrder', order, fact)).order_id
        await settled(made[store_id]!)
      }
      const till = { occurred_at: LATER, store_id: AUCKLAND }
      const items = [{ ...pen, quantity: '5' }]
      const paid = { items, payment_type: 'cash', paid_amount: '20' }
      made.sale = (await done('ProcessSale', { ...till, ...paid })).sale_id
      made.before = new Date().toISOString()
      // So that what follows is recorded later than that.
      while (new Date().toISOString() <= made.before);
      for (const asked of DASHBOARDS) shownThen.set(asked, await told(`/dashboard?${asked}`))
      const refund = { sale_id: made.sale, lines: [{ line: 1, quantity: '2' }] }
      await done('RefundSale', { ...refund, occurred_at: LATER })
      const lines = [{ line: 2, quantity: '2' }]
      await done('CancelOrderLines', { order_id: made.main, lines })
      await done('UpdateProductPrice', { ...pen, sell_price: '2.00', cost_price: '1.00' })
    }

    test('a day is the store’s own: the same moment is two days', async () => {
      const days = await told('/analytics/sales?group_by=day&from=2020-01-05&to=2020-01-06')
      deepEqual(
        days.items.map((each: Answer) => [each.key, each.orders, each.total_amount, each.units]),
        [
          ['2020-01-05', 1, 6, 3],
          ['2020-01-06', 2, 26, 10],
        ],
      )
      const weeks = await told('/analytics/sales?group_by=week&channel=online')
      deepEqual(
        weeks.items.map((each: Answer) => [each.key, each.orders, each.total_amount]),
        [
          ['2020-W01', 1, 6],
          ['2020-W02', 1, 16],
        ],
      )
    })

    test('departments, stores and channels share out the same whole', async () => {
      const by = async (group: string) =>
        (await told(`/analytics/sales?group_by=${group}`)).items.map((each: Answer) => [
          each.orders,
          each.total_amount,
          each.returned,
        ])
      deepEqual(await by('channel'), [
        [2, 22, 0],
        [1, 10, -4],
      ])
      deepEqual(await by('store'), [
        [2, 26, -4],
        [1, 6, 0],
      ])
      // An order whose ink was cancelled no longer counts for ink.
      deepEqual(await by('product'), [
        [3, 22, -4],
        [1, 10, 0],
      ])
      deepEqual(await by('department'), [
        [3, 22, -4],
        [1, 10, 0],
      ])
    })

    test('the dashboard tells a day and its week, per store and in all', async () => {
      const shown = async (query: string) => {
        const body = await told(`/dashboard?${query}`)
        return [
          ...[body.today_sales_count, body.today_sales_total, body.today_avg_sale],
          ...[body.week_sales_count, body.week_sales_total, body.total_inventory_value],
          body.low_stock_product_count,
        ]
      }
      // Orders only hold their goods: 47 pens at 1.00 are there, and 50 inks at 3.00.
      deepEqual(await shown(`date=2020-01-06&store_id=${AUCKLAND}`), [2, 26, 13, 2, 26, 197, 1])
      deepEqual(await shown('date=2020-01-05&store_id=main'), [1, 6, 6, 1, 6, 200, 1])
      deepEqual(await shown('date=2020-01-05'), [1, 6, 6, 1, 6, 397, 1])
      deepEqual(await shown('date=2020-01-07'), [0, 0, 0, 2, 26, 397, 1])
      const { recent_sales } = await told('/dashboard?date=2020-01-06')
      deepEqual(
        recent_sales.map((each: Answer) => [each.channel, each.total, each.store_id === AUCKLAND]),
        [
          ['pos', 10, true],
          ['online', 16, true],
          ['online', 6, false],
        ],
      )
    })

    test('as it was known before: without what came later', async () => {
      const then = await told(`/dashboard?date=2020-01-05&as_of=${made.before}`)
      deepEqual([then.today_sales_count, then.today_sales_total], [1, 16])
      // All pens at 1.10 each, nothing back yet.
      equal(then.total_inventory_value, 0.1 * Math.round(10 * (1.1 * 95 + 300)))
      for (const [asked, shown] of shownThen)
        deepEqual(await told(`/dashboard?${asked}&as_of=${made.before}`), shown)
      const nothing = await told('/dashboard?as_of=2001-01-01T00:00:00Z')
      deepEqual([nothing.date, nothing.total_inventory_value], ['2001-01-01', 0])
    })

    test('what a customer bought, how a product sells, how the till did', async () => {
      const history = await told(`/customers/${CUSTOMER}/purchases`)
      equal(history.total, 2)
      deepEqual(
        history.totals.map((each: Answer) => [each.purchases, each.spent, each.returned]),
        [[2, 22, 0]],
      )
      equal((await told('/customers/nobody/purchases')).total, 0)
      const stats = await told(`/products/${made.PEN}/stats`)
      deepEqual(
        stats.totals.map((each: Answer) => [each.orders, each.units, each.returned_units]),
        [[3, 11, -2]],
      )
      equal(stats.by_channel.length, 2)
      equal(stats.first_sold_at, EVENING)
      equal((await got('/products/nothing/stats')).status, 404)
      const report = await told('/sales/report')
      deepEqual(
        report.items.map((each: Answer) => [
          ...[each.date, each.store_id, each.sales_count, each.total_sales, each.average_sale],
          ...[each.cash_sales, each.credit_sales, each.refunds_count, each.refunded],
        ]),
        [['2020-01-06', null, 1, 10, 10, 10, 0, 1, 4]],
      )
      deepEqual((await told('/sales/report?from=2020-01-07')).items, [])
      const places = async (asked: string) =>
        (await told(`/sales/report?${asked}`)).items.map((each: Answer) => [
          each.date,
          each.store_id,
          each.total_sales,
        ])
      deepEqual(await places('group_by=store'), [[null, AUCKLAND, 10]])
      deepEqual(await places(`store_id=${AUCKLAND}`), [['2020-01-06', AUCKLAND, 10]])
    })

    test('what cannot be asked is refused with the field named', async () => {
      for (const [path, field] of [
        ['/dashboard?date=tomorrow', 'date'],
        ['/dashboard?as_of=then', 'as_of'],
        ['/dashboard?store=main', 'store'],
        ['/analytics/sales?group_by=cashier', 'group_by'],
        ['/analytics/sales?group_by=product&country=France', 'country'],
        ['/analytics/sales?customer_id=a&country=France', 'customer_id'],
        ['/analytics/sales?from=2020-02-30', 'from'],
        ['/analytics/sales?sort=-name', 'sort'],
        ['/analytics/sales?limit=0', 'limit'],
        ['/analytics/returns?group_by=customer&product_id=a', 'product_id'],
        ['/sales/report?group_by=product', 'group_by'],
        [`/customers/${CUSTOMER}/purchases?kind=gift`, 'kind'],
        [`/customers/${CUSTOMER}/purchases?cursor=x`, 'cursor'],
      ] as const) {
        const { status, body } = await got(path)
        equal(status, 400, path)
        match(JSON.stringify(body), new RegExp(`"${field}"`), path)
      }
      equal((await got('/dashboard?store_id=nowhere')).status, 404)
    })

    test('a pen more is seen at once: what was kept is made old', async () => {
      const value = async () => (await told('/dashboard')).total_inventory_value
      const known = await value()
      equal(await value(), known)
      await done('AddStock', { product_id: made.PEN, quantity: '1', reason: 'found' })
      equal(await value(), known + 1)
    })

    test('is what the log says, recomputed', async () => {
      const { differences, checks } = await app.operations.verify()
      equal(differences, 0, JSON.stringify(checks.filter(({ differing }) => differing > 0)))
    })
  })
