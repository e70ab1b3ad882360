// The till behind the real gateways, over the log and the read models in memory and in SQLite: many
// tills at once, one command twice, and what the questions answer afterwards.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { contextsOf } from '#app/contexts.ts'
import type { Outcome, SendMeta } from '#kernel/waiting.ts'
import { openCarrier } from '#providers/carrier-simulator.ts'
import { openPaymentProvider } from '#providers/payment-simulator.ts'
import { type Application, runApplication } from '#runtime/application.ts'
import { engines } from '#storage/engines.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import type { ReadModels } from '#storage/read-models.ts'

// The whole shop: who is forgotten may have ordered as well.
const contexts = contextsOf({ provider: openPaymentProvider(), carrier: openCarrier() })
const settings = { 'pos.stock_policy': 'block' }

for (const engine of ['memory', 'sqlite'] as const)
  describe(`the till over ${engine}`, () => {
    let folder: string
    let log: EventLog
    let reads: ReadModels
    let keys: KeyRing
    let app: Application
    let position: number
    const errors: unknown[] = []

    beforeEach(async () => {
      errors.length = 0
      position = 0
      folder = await mkdtemp(join(tmpdir(), 'daybook-till-'))
      const at = (name: string) => ({ path: join(folder, name), url: '' })
      const opened = await engines[engine]()
      log = await opened.openEventLog(at('log.db'))
      reads = await opened.openReadModels(at('views.db'))
      keys = await opened.openKeyRing(at('keys.db'))
      app = await run()
    })
    afterEach(async () => {
      await app.stop()
      await reads.close()
      await log.close()
      await keys.close()
      await rm(folder, { recursive: true })
      deepEqual(errors, [])
    })

    const run = (over: EventLog = log) =>
      runApplication({
        ...{ contexts, log: over, reads, keys, settings, waitMs: 60_000 },
        onError: (error) => void errors.push(error),
      })
    const send = async (type: string, input: object, meta?: SendMeta): Promise<Outcome> => {
      const outcome = await app.send(type, input, meta)
      if (outcome.ok) position = Math.max(position, outcome.position)
      return outcome
    }
    // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
    const done = async (type: string, input: object, meta?: SendMeta): Promise<any> => {
      const outcome = await send(type, input, meta)
      ok(outcome.ok, JSON.stringify(outcome))
      return outcome.response
    }
    // biome-ignore lint/suspicious/noExplicitAny: see above
    const ask = async (type: string, input: object = {}): Promise<any> => {
      const answer = await app.ask(type, input, { minPosition: position })
      ok(answer.ok, JSON.stringify(answer))
      return answer.result
    }
    const stocked = async (quantity: string, code = 'PEN') => {
      const { product_id } = await done('CreateProduct', { code, name: code, sell_price: '2' })
      await done('CreateInventory', { product_id, quantity })
      return String(product_id)
    }
    const cash = (more: object = {}) => ({
      items: [{ product_code: 'PEN', quantity: '1' }],
      payment_type: 'cash',
      ...more,
    })
    /** What follows is newer: of what is as old, neither comes first. */
    const later = async () => {
      for (const at = Date.now(); Date.now() <= at; ) await sleep(1)
    }
    const codesOf = (outcomes: readonly Outcome[]) =>
      outcomes.map((one) => (one.ok ? 'ok' : one.rejection.code)).sort()

    test('of twenty tills for the last seven exactly seven sell, and numbers have no gap', async () => {
      const product_id = await stocked('7')
      const tills = Array.from({ length: 20 }, (_, i) =>
        send('ProcessSale', cash({ register_id: `till${i % 2}` })),
      )
      const outcomes = await Promise.all(tills)
      deepEqual(codesOf(outcomes), [
        ...Array.from({ length: 13 }, () => 'insufficient_stock'),
        ...Array.from({ length: 7 }, () => 'ok'),
      ])
      equal((await ask('GetStock', { product_id })).quantity, 0)
      for (const till of ['till0', 'till1']) {
        const { items } = await ask('SearchSales', { register_id: till, sort: ['sale_number'] })
        deepEqual(
          items.map(({ sale_number }: { sale_number: string }) => Number(sale_number.slice(-4))),
          items.map((_: unknown, i: number) => i + 1),
        )
      }
      equal((await ask('SearchSales')).total, 7)
    })

    test('a credit limit is spent once', async () => {
      await stocked('100')
      const customer_id = '01980000-0000-7000-8000-0000000000c1'
      await done('RegisterCustomer', { customer_id, name: 'Ann', credit_limit: '5' })
      const onCredit = { customer_id, payment_type: 'credit', paid_amount: '0' }
      const outcomes = await Promise.all(
        [1, 2, 3, 4].map((n) => send('ProcessSale', cash({ ...onCredit, register_id: `t${n}` }))),
      )
      deepEqual(codesOf(outcomes), [
        ...['credit_limit_exceeded', 'credit_limit_exceeded', 'ok', 'ok'],
      ])
      const sold = outcomes.find(({ ok }) => ok)
      ok(sold?.ok)
      const sale_id = String(sold.response.sale_id)
      equal((await done('RefundSale', { sale_id })).balance_minor, 200)
      await done('ProcessSale', cash(onCredit))
    })

    test('what comes back is given back once, however many hear of it', async () => {
      const product_id = await stocked('10')
      const { sale_id } = await done('ProcessSale', cash())
      const outcomes = await Promise.all(
        ['t1', 't2', 't3'].map((register_id) => send('RefundSale', { sale_id, register_id })),
      )
      deepEqual(codesOf(outcomes), ['invalid_state', 'invalid_state', 'ok'])
      equal((await ask('ListSaleRefunds', { sale_id })).total, 1)
      equal((await ask('GetStock', { product_id })).quantity, 10)
    })

    test('what comes back is taken off the country that it was sold to', async () => {
      const product_id = await stocked('100')
      const { sale_id } = await done('ProcessSale', {
        ...{ items: [{ product_id, quantity: '5' }], payment_type: 'card', country: 'France' },
      })
      await done('ProcessSale', cash())
      const { refund_id } = await done('RefundSale', {
        sale_id,
        lines: [{ line: 1, quantity: '2' }],
      })
      const loose = { items: [{ product_id, quantity: '1' }], tender: 'cash', cause: 'gift' }
      // Rung up while the till was alone, which no setting can refuse.
      const late = { ...loose, country: 'Spain', occurred_at: new Date(0).toISOString() }
      await done('RefundWithoutSale', late)
      const by = async (type: string) =>
        (await ask(type, { group_by: 'country' })).items
          .map(({ key, units, returned_units }: Record<string, unknown>) =>
            returned_units === undefined ? [key, units] : [key, units, returned_units],
          )
          .sort()
      deepEqual(await by('GetSalesAnalytics'), [
        ['France', 5, -2],
        ['unknown', 1, 0],
      ])
      deepEqual(await by('GetReturnsAnalytics'), [
        ['France', -2],
        ['Spain', -1],
      ])
      equal((await ask('GetSaleRefund', { refund_id })).country, 'France')
      const [refund] = (await ask('GetSale', { sale_id })).refunds
      ok(!('country' in refund))
    })

    test('a late sale on account of somebody unknown is a debt until he is registered', async () => {
      await stocked('10')
      const customer_id = '01980000-0000-7000-8000-0000000000c1'
      const late = { occurred_at: '2026-03-01T12:00:00.000Z', payment_type: 'credit', customer_id }
      const { sale_number } = await done('ProcessSale', cash(late))
      const opened = position
      const found = async (input: object) =>
        (await ask('FindCustomers', input)).items.map(
          ({
            id,
            name,
            balance_minor,
            credit_limit_minor,
            registered_at,
          }: Record<string, unknown>) => [
            ...[id, name, balance_minor, credit_limit_minor, registered_at],
          ],
        )
      const owing = [customer_id, null, 200, 0, null]
      deepEqual(await found({ incomplete_only: true }), [owing])
      deepEqual(await found({ owing_only: true }), [owing])
      const { items } = await ask('GetCustomerBalance', { customer_id })
      deepEqual([items.length, items[0].reference], [1, sale_number])
      const response = await done('RegisterCustomer', { customer_id, name: 'Ann' })
      equal(response.balance_minor, 200)
      deepEqual(await found({ incomplete_only: true }), [])
      const ann = await ask('GetCustomer', { customer_id })
      deepEqual([ann.name, ann.balance_minor, ann.is_incomplete], ['Ann', 200, false])
      const then = await ask('GetCustomer', { customer_id, as_of_position: opened })
      deepEqual([then.name, then.is_incomplete], [null, true])
      await done('ProcessSale', cash({ ...late, occurred_at: undefined }))
    })

    test('a sale shows who bought, until he is forgotten', async () => {
      await stocked('10')
      const customer_id = '01980000-0000-7000-8000-0000000000c1'
      await done('RegisterCustomer', { customer_id, name: 'Ann Featherstone' })
      const { sale_id } = await done('ProcessSale', cash({ customer_id }))
      await later()
      await done('ProcessSale', cash())
      equal((await ask('GetSale', { sale_id })).customer_name, 'Ann Featherstone')
      const names = async () =>
        (await ask('SearchSales')).items.map(
          ({ customer_name }: { customer_name: string | null }) => customer_name,
        )
      deepEqual(await names(), [null, 'Ann Featherstone'])
      await done('EraseCustomer', { customer_id })
      const { customer_name, ...left } = await ask('GetSale', { sale_id })
      deepEqual([customer_name, left.customer_id], [null, customer_id])
      // Long enough not to stand in what is sealed by chance.
      ok(!JSON.stringify([left, await log.readAll(0, 1_000)]).includes('Featherstone'))
    })

    test('a sale sent twice is one sale, with one number and one answer', async () => {
      const product_id = await stocked('10')
      const twice = () => send('ProcessSale', cash(), { command_id: 'receipt-1' })
      const [first, second] = await Promise.all([twice(), twice()])
      const third = await twice()
      ok(first.ok && second.ok && third.ok && third.replayed)
      deepEqual(third.response, first.response)
      equal((await ask('GetStock', { product_id })).quantity, 9)
      const other = await done('ProcessSale', cash())
      equal(other.sale_number.slice(-4), '0002')
      const changed = cash({ payment_type: 'card' })
      const reused = await send('ProcessSale', changed, { command_id: 'receipt-1' })
      deepEqual(codesOf([reused]), ['idempotency_key_reused'])
    })

    test('two processes at one register give no number twice, and leave none out', async () => {
      await stocked('1000')
      const many = { ...log, capabilities: { ...log.capabilities, manyProcesses: true } }
      const others = await Promise.all([run(many), run(many)])
      try {
        const outcomes = await Promise.all(
          Array.from({ length: 12 }, (_, i) => others[i % 2]!.send('ProcessSale', cash())),
        )
        const numbers = outcomes.map(
          (one) => one.ok && Number(String(one.response.sale_number).slice(-4)),
        )
        deepEqual(
          numbers.toSorted((a, b) => Number(a) - Number(b)),
          Array.from({ length: 12 }, (_, i) => i + 1),
        )
      } finally {
        for (const other of others) await other.stop()
      }
    })

    test('a sale is found, as it is and as it was', async () => {
      await stocked('10')
      const { sale_id } = await done('StartSale', { device_id: 'ipad-1' }, { user_id: 'ann' })
      await done('AddSaleItem', { sale_id, product_code: 'PEN', quantity: '3' })
      const going = position
      equal((await ask('GetSale', { sale_id })).status, 'STARTED')
      const { sale_number } = await done('CompleteSale', { sale_id, payment_type: 'card' })
      const sold = await ask('GetSale', { sale_id })
      deepEqual(
        [sold.status, sold.sale_number, sold.total_amount_minor, sold.user_id, sold.device_id],
        ['COMPLETED', sale_number, 600, null, 'ipad-1'],
      )
      const lines = [{ line: 1, quantity: '1' }]
      await done('RefundSale', { sale_id, lines, cause: 'broken' })
      const part = await ask('GetSale', { sale_id })
      deepEqual(
        [part.status, part.refunded_minor, part.items[0].refunded_quantity],
        ['PARTIALLY_RETURNED', 200, 1],
      )
      await later()
      await done('RefundSale', { sale_id })
      const gone = await ask('GetSale', { sale_id })
      deepEqual([gone.status, gone.refunded_minor, gone.refunds.length], ['RETURNED', 600, 2])
      const then = await ask('GetSale', { sale_id, as_of_position: going })
      deepEqual([then.status, then.items.length, then.sale_number], ['STARTED', 1, null])
      const { items, total } = await ask('ListSaleRefunds', { sale_id })
      deepEqual(
        [total, items.map((refund: { cause: string }) => refund.cause)],
        [2, ['return', 'broken']],
      )
      const [{ refund_id }] = items
      equal((await ask('GetSaleRefund', { refund_id })).sale_id, sale_id)
      equal(await ask('GetSaleRefund', { refund_id, as_of_position: going }), null)
      const still = await ask('GetSaleRefund', { refund_id, as_of_position: position })
      equal(still.cause, 'return')
    })

    test('sales are searched by what they have, the newest first, page by page', async () => {
      await stocked('100')
      const at = (day: string) => ({ occurred_at: `2026-03-0${day}T12:00:00.000Z` })
      for (const day of ['1', '3', '2'])
        await done('ProcessSale', cash({ ...at(day), register_id: `till${day}` }))
      await done('ProcessSale', cash({ ...at('2'), payment_type: 'card' }))
      await done('StartSale', {})
      const days = async (input: object) =>
        (await ask('SearchSales', input)).items.map(
          ({ business_day }: { business_day: string | null }) => business_day,
        )
      const completed = { status: 'COMPLETED' }
      const march = ['2026-03-03', '2026-03-02', '2026-03-02', '2026-03-01']
      deepEqual(await days(completed), march)
      deepEqual(await days({ from: '2026-03-02', to: '2026-03-02' }), march.slice(1, 3))
      deepEqual(await days({ payment_type: 'card' }), ['2026-03-02'])
      deepEqual(await days({ register_id: 'till3', store_id: 'main' }), ['2026-03-03'])
      deepEqual(await days({ search_term: 'TILL1' }), ['2026-03-01'])
      const [{ sale_number }] = (await ask('SearchSales', { register_id: 'till3' })).items
      deepEqual(await days({ sale_number, search_term: 'TILL3' }), ['2026-03-03'])
      deepEqual(await days({ sale_number, search_term: 'TILL1' }), [])
      const first = await ask('SearchSales', { ...completed, limit: 3 })
      const rest = await ask('SearchSales', { ...completed, limit: 3, cursor: first.next_cursor })
      equal(first.items.length, 3)
      deepEqual(
        rest.items.map(({ business_day }: { business_day: string }) => business_day),
        ['2026-03-01'],
      )
      equal(await ask('GetSale', { sale_id: 'nobody' }), null)
      deepEqual(await days({ customer_id: 'nobody' }), [])
    })

    test('a cash session shows what each tender came to, before and after it is closed', async () => {
      await stocked('100')
      const till = { register_id: 'main' }
      // Another one before it, at the same register.
      await done('OpenCashSession', { ...till, float: '1' })
      await done('ProcessSale', cash())
      await done('CloseCashSession', { ...till, counted: '3' })
      const { session_id } = await done('OpenCashSession', { ...till, float: '20' })
      const begun = position
      const sold = await done('ProcessSale', cash())
      await done('ProcessSale', cash({ payment_type: 'card' }))
      await done('MoveCash', { ...till, direction: 'out', amount: '5', reason: 'stamps' })
      await done('RefundSale', { sale_id: sold.sale_id })
      const open = await ask('GetOpenCashSession', till)
      deepEqual(
        [open.session_id, open.expected_minor, open.sales_count, open.refunds_count],
        [session_id, 1500, 2, 1],
      )
      const currency = 'USD'
      deepEqual(open.tenders, [
        { type: 'cash', currency, sales_minor: 200, refunds_minor: 200, total_minor: 0 },
        { type: 'card', currency, sales_minor: 200, refunds_minor: 0, total_minor: 200 },
      ])
      await done('CloseCashSession', { ...till, counted: '14.50', reason: 'a coin rolled away' })
      equal(await ask('GetOpenCashSession', till), null)
      const closed = await ask('GetCashSession', { session_id })
      deepEqual(
        [closed.status, closed.counted_minor, closed.difference_minor, closed.close_reason],
        ['CLOSED', 1450, -50, 'a coin rolled away'],
      )
      const [{ amount_minor, customer_id }] = closed.movements
      deepEqual([amount_minor, customer_id], [-500, null])
      const ended = position
      await done('OpenCashSession', till)
      await done('ProcessSale', cash())
      const then = async (as_of_position: number) => {
        const was = await ask('GetCashSession', { session_id, as_of_position })
        return was && [was.status, was.expected_minor, was.sales_count, was.counted_minor]
      }
      deepEqual(await then(begun), ['OPEN', 2000, 0, null])
      deepEqual(await then(begun - 1), null)
      // Closing wrote what was found too little as well.
      deepEqual(await then(ended - 2), ['OPEN', 1500, 2, null])
      for (const at of [ended, position]) deepEqual(await then(at), ['CLOSED', 1500, 2, 1450])
      const as_of = new Date().toISOString()
      deepEqual(await ask('GetCashSession', { session_id, as_of }), closed)
      equal((await ask('ListCashSessions', { status: 'CLOSED', store_id: 'main' })).total, 2)
      equal((await ask('ListCashSessions', { status: 'OPEN' })).total, 1)
    })
  })
