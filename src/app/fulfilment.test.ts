// Orders through the real gateway, projections and log: whatever fails on the way, in the end the
// stock, the provider's ledger, the carrier's book and the order say the same.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { v7 } from 'uuid'
import { catalog } from '#contexts/catalog/catalog.ts'
import { inventory } from '#contexts/inventory/inventory.ts'
import { orders } from '#contexts/orders/orders.ts'
import { payments } from '#contexts/payments/payments.ts'
import { shipping } from '#contexts/shipping/shipping.ts'
import { stores } from '#contexts/stores/stores.ts'
import { eventTypesOf } from '#kernel/context.ts'
import type { Row } from '#kernel/projection.ts'
import type { WaitingTools } from '#kernel/waiting.ts'
import { openBooks } from '#providers/books.ts'
import { openCarrier } from '#providers/carrier-simulator.ts'
import type { Fault } from '#providers/fault-script.ts'
import { openPaymentProvider } from '#providers/payment-simulator.ts'
import { commandGateway } from '#runtime/gateway.ts'
import { numberEvents, numbersFrom } from '#runtime/number-series.ts'
import { personalData } from '#runtime/personal.ts'
import { queryGateway } from '#runtime/query-gateway.ts'
import { projectionRunner } from '#runtime/run-projections.ts'
import { derivedId } from '#runtime/run-waiting.ts'
import { type EngineName, engines } from '#storage/engines.ts'
import { onPostgres, testDatabase } from '#testing/postgres-server.ts'

const PAID = { 'payments.default_method': 'credit_card' }

type Shop = Awaited<ReturnType<typeof openShop>>

/** A whole shop whose clock the test moves: nothing has to be waited for. */
async function openShop(engine: EngineName, settings: Record<string, unknown> = PAID) {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-flow-'))
  const database = engine === 'postgres' ? await testDatabase() : null
  if (database !== null && 'skipped' in database) throw new Error(database.skipped)
  const at = (name: string) => ({ path: join(folder, name), url: database?.url ?? '' })
  const stored = await engines[engine]()
  const log = await stored.openEventLog(at('log.db'))
  const keys = await stored.openKeyRing(at('keys.db'))
  const reads = await stored.openReadModels(at('views.db'))
  const books = await openBooks(engine, at('simulator.db'))
  const provider = openPaymentProvider({ book: books.payments })
  const carrier = openCarrier({ book: books.labels })
  const contexts = [
    catalog,
    stores,
    inventory,
    payments({ provider }),
    shipping(),
    orders({ provider, carrier, timeoutMs: 2_000 }),
  ]
  const types = { ...eventTypesOf(contexts), ...numberEvents }
  const personal = personalData(types, keys)
  let ahead = 0
  const now = () => new Date(Date.now() + ahead).toISOString()
  const { send } = commandGateway({
    log,
    commands: contexts.flatMap(({ commands }) => commands),
    types,
    personal,
    numbers: numbersFrom(log),
    now,
    settings,
  })
  const projections = contexts.flatMap((context) => context.projections)
  const trouble: string[] = []
  const runner = projectionRunner({
    log,
    reads,
    projections,
    types,
    open: personal.open,
    onError: (error, where) => trouble.push(`${where}: ${String(error)}`),
  })
  const queries = contexts.flatMap((context) => context.queries)
  const { ask } = queryGateway({ queries, reads, log, projections, types, open: personal.open })
  const waitings = contexts.flatMap((context) => context.waiting ?? [])
  await runner.catchUp()

  /** Acts on all that is due, once; the number of rows. */
  const act = async (): Promise<number> => {
    await runner.catchUp()
    const due = await Promise.all(
      waitings.map(async ({ projection, due, act }) => {
        const found = await reads.find(projection.table, {
          where: { [due]: { lte: now() } },
          limit: 1_000,
        })
        return found.items.map((row) => () => act(row, tools))
      }),
    )
    const runs = due.flat()
    await Promise.all(runs.map((run) => run().catch((error) => trouble.push(String(error)))))
    return runs.length
  }
  /** Between a provider's answer and its record: where a crash or a faster colleague hurts most. */
  let between: (type: string) => Promise<void> = async () => {}
  const tools: WaitingTools = {
    forget: personal.forget,
    now,
    derivedId,
    events: async (streams, limit) => {
      const found = await Promise.all(streams.map((one) => log.readStream(one, 0, limit)))
      return await personal.open(found.flat())
    },
    send: async (type, input, meta = {}) => {
      await between(type)
      return await send(type, input, { source: 'saga', ...meta })
    },
  }
  /** Until nothing is due within the hour, moving the clock to whatever is due next. */
  const settle = async (rounds = 100) => {
    for (let round = 0; round < rounds; round++) {
      if ((await act()) > 0) continue
      const next = await nextDue()
      if (next === null || Date.parse(next) - Date.parse(now()) > 3_600_000) return
      ahead += Math.max(0, Date.parse(next) - Date.parse(now())) + 1
    }
    throw new Error(`not settled after ${rounds} rounds`)
  }
  const nextDue = async (): Promise<string | null> => {
    const found = await Promise.all(
      waitings.map(({ projection, due }) =>
        reads.find(projection.table, {
          where: { [due]: { gt: '' } },
          sort: [{ column: due }],
          limit: 1,
        }),
      ),
    )
    return (
      found
        .flatMap(({ items }, i) => items.map((row) => String(row[waitings[i]!.due])))
        .sort()[0] ?? null
    )
  }
  const get = async (type: string, input: object): Promise<Row | null> => {
    await runner.catchUp()
    const answer = await ask(type, input)
    if (!answer.ok) throw new Error(JSON.stringify(answer.rejection))
    return answer.result as Row | null
  }
  const done = async (type: string, input: object, meta = {}) => {
    const outcome = await send(type, input, meta)
    if (!outcome.ok) throw new Error(`${type}: ${JSON.stringify(outcome.rejection)}`)
    return outcome.response
  }
  const product_id = v7()
  await done('CreateProduct', {
    product_id,
    code: 'CUP',
    name: 'Cup',
    sell_price: '5.00',
    currency: 'USD',
  })
  await done('CreateInventory', { product_id, quantity: '50' })
  return {
    send,
    done,
    get,
    act,
    settle,
    log,
    trouble,
    provider,
    carrier,
    product_id,
    advance: (ms: number) => {
      ahead += ms
    },
    onBetween: (hook: typeof between) => {
      between = hook
    },
    now,
    order: async (quantity = '2', more = {}) =>
      String(
        (
          await done('CreateOrder', {
            customer_id: 'c-1',
            items: [{ product_id, quantity }],
            ...more,
          })
        ).order_id,
      ),
    stock: async () => {
      const row = await get('GetInventory', { product_id })
      return { quantity: row?.quantity, reserved: row?.reserved_quantity }
    },
    async [Symbol.asyncDispose]() {
      await runner.stop()
      await reads.close()
      await log.close()
      await keys.close()
      await books.close()
      await database?.remove()
      await rm(folder, { recursive: true })
    },
  }
}

/** Stock, money, parcels and orders say the same, and nothing is left to be done. */
async function allAgree(shop: Shop, orderIds: readonly string[]): Promise<readonly Row[]> {
  const rows: Row[] = []
  let reserved = 0
  const labels = [...(await shop.carrier.labels()).values()]
  for (const order_id of orderIds) {
    const order = await shop.get('GetOrder', { order_id })
    const saga = await shop.get('GetOrderSaga', { order_id })
    ok(order !== null && saga !== null)
    rows.push(order)
    const isKept = order.status !== 'CANCELLED'
    deepEqual(
      [saga.status, saga.outcome, saga.next_attempt_at],
      isKept ? ['COMPLETED', 'completed', null] : ['FAILED', 'compensated', null],
      `the saga of ${order_id}`,
    )
    if (isKept) reserved += unitsOf(order)
    equal(
      labels.filter((label) => label.order_id === order_id).length,
      isKept ? 1 : 0,
      `labels of ${order_id}`,
    )
    await moneyAgrees(shop, order, isKept)
  }
  const held = await shop.stock()
  deepEqual(held, { quantity: 50, reserved }, 'stock')
  return rows
}

const unitsOf = ({ items }: Row) =>
  (items as { quantity: number }[]).reduce((sum, { quantity }) => sum + quantity, 0)

async function moneyAgrees(shop: Shop, order: Row, isKept: boolean): Promise<void> {
  const { order_id, total_amount_minor } = order
  const ledger = await shop.provider.ledger()
  const done = ledger.filter(
    ({ authorization, answer }) =>
      authorization.startsWith(`${order_id}:`) && answer.status === 'succeeded',
  )
  const count = (kind: string) => done.filter((entry) => entry.kind === kind).length
  const { authorized_minor, captured_minor, refunded_minor, is_voided } =
    await shop.provider.balance(`${order_id}:authorize:1`)
  ok(count('authorize') <= 1 && count('capture') <= 1, 'charged at most once')
  const payment = await shop.get('GetPayment', { payment_id: String(order_id) })
  equal(payment?.captured_minor, captured_minor, 'captured, by both books')
  equal(payment?.refunded_minor, refunded_minor, 'refunded, by both books')
  equal(payment?.pending_operation, null, 'no operation is open')
  if (isKept) {
    deepEqual(
      [authorized_minor, captured_minor - refunded_minor],
      [total_amount_minor, total_amount_minor],
    )
    return
  }
  equal(captured_minor, refunded_minor, 'all the money is back')
  ok(is_voided || captured_minor > 0 || authorized_minor === 0, 'nothing stays set aside')
}

/** The faults of the script have met a call; otherwise the test has shown nothing. */
function assertFired({ provider, carrier }: Shop, on: string, what: string): void {
  const fired = [...provider.fired(), ...carrier.fired()]
  ok(
    fired.some((one) => one.on === on && one.what === what),
    `"${what}" never met a call "${on}"`,
  )
}

const eventsOf = async (shop: Shop) =>
  (await shop.log.readAll(0, 10_000)).map(({ event_type }) => event_type)

for (const engine of ['memory', 'sqlite'] as const)
  describe(`fulfilment over ${engine}`, () => fulfilment(engine))
await onPostgres('fulfilment over postgres', () => fulfilment('postgres'))

function fulfilment(engine: EngineName): void {
  const whats = ['decline', 'lost_before', 'lost_after', 'duplicate', 'slow', 'down'] as const
  for (const on of ['authorize', 'label'])
    for (const what of whats)
      it(`the call "${on}" that meets "${what}" ends completed or compensated`, async () => {
        await using shop = await openShop(engine)
        const faults: Fault[] = [
          { on, what, times: 2, ms: 5 },
          // Asking fails as well, once.
          { on: 'find', what: 'down', times: 1 },
        ]
        shop.provider.play(faults)
        shop.carrier.play(faults)
        const order_id = await shop.order()
        await shop.settle()
        assertFired(shop, on, what)
        const [order] = await allAgree(shop, [order_id])
        equal(order?.status, what === 'decline' ? 'CANCELLED' : 'CONFIRMED')
        if (what === 'decline')
          equal(order?.cancel_cause, on === 'label' ? 'label_refused' : 'payment_declined')
      })

  for (const what of whats)
    it(`a capture that meets "${what}" is never made twice and never takes the order back`, async () => {
      await using shop = await openShop(engine)
      shop.provider.play([{ on: 'capture', what, times: 2, ms: 5 }])
      const order_id = await shop.order()
      await shop.settle()
      assertFired(shop, 'capture', what)
      const order = await shop.get('GetOrder', { order_id })
      const payment = await shop.get('GetPayment', { payment_id: order_id })
      equal(order?.status, 'CONFIRMED')
      if (what !== 'decline') return void (await allAgree(shop, [order_id]))
      deepEqual([payment?.status, payment?.needs_attention], ['FAILED', true])
      shop.provider.play([])
      await shop.done('CapturePayment', { payment_id: order_id })
      await shop.settle()
      await allAgree(shop, [order_id])
    })

  for (const what of whats)
    it(`a void that meets "${what}" goes on until the money is free`, async () => {
      await using shop = await openShop(engine)
      shop.carrier.play([{ on: 'label', what: 'decline', times: 1 }])
      shop.provider.play([{ on: 'void', what, times: 2, ms: 5 }])
      const order_id = await shop.order()
      await shop.settle()
      assertFired(shop, 'void', what)
      const [order] = await allAgree(shop, [order_id])
      equal(order?.payment_status, 'voided')
    })

  for (const what of whats)
    it(`a refund and a label taken back that meet "${what}" go on until all is undone`, async () => {
      await using shop = await openShop(engine)
      const order_id = await shop.order()
      await shop.settle()
      shop.provider.play([{ on: 'refund', what, times: 2, ms: 5 }])
      shop.carrier.play([{ on: 'cancel_label', what, times: 2, ms: 5 }])
      await shop.done('CancelOrder', { order_id, reason: 'changed my mind' })
      await shop.settle()
      assertFired(shop, 'refund', what)
      assertFired(shop, 'cancel_label', what)
      const [order] = await allAgree(shop, [order_id])
      deepEqual(
        [order?.status, order?.payment_status, order?.cancel_reason],
        ['CANCELLED', 'refunded', 'changed my mind'],
      )
    })

  it('a crash between any call and its record changes nothing in the end', async () => {
    for (let crashAt = 1; crashAt <= 5; crashAt++) {
      await using shop = await openShop(engine)
      let sends = 0
      shop.onBetween(async () => {
        sends += 1
        if (sends === crashAt) throw new Error('the process died')
      })
      const order_id = await shop.order()
      await shop.settle()
      if (crashAt > 3) {
        await shop.done('CancelOrder', { order_id })
        await shop.settle()
      }
      ok(sends >= crashAt, 'the crash came')
      await allAgree(shop, [order_id])
    }
  })

  it('a cancel between any call and its record takes everything back, whatever was under way', async () => {
    let cancelled = 0
    for (const faults of [[], [{ what: 'lost_after', times: 1 }], [{ what: 'decline', times: 1 }]])
      for (let cancelAt = 1; cancelAt <= 4; cancelAt++) {
        await using shop = await openShop(engine)
        shop.provider.play(faults as Fault[])
        const order_id = await shop.order()
        let sends = 0
        shop.onBetween(async () => {
          sends += 1
          if (sends === cancelAt) await shop.done('CancelOrder', { order_id })
        })
        await shop.settle()
        if (sends < cancelAt) continue
        const [order] = await allAgree(shop, [order_id])
        equal(order?.status, 'CANCELLED')
        cancelled++
      }
    ok(cancelled >= 6, `only ${cancelled} cancels met a call`)
  })

  it('a step that waits to be tried again is never run once the order is cancelled', async () => {
    await using shop = await openShop(engine)
    shop.provider.play([{ on: 'authorize', what: 'lost_before', times: 1 }])
    const order_id = await shop.order()
    await shop.act()
    await shop.done('CancelOrder', { order_id })
    await shop.settle()
    await allAgree(shop, [order_id])
    assertFired(shop, 'authorize', 'lost_before')
    equal((await shop.provider.ledger()).length, 0)
  })

  it('200 buyers of 50 pieces: exactly 50 get one, the others have no order at all', async () => {
    await using shop = await openShop(engine)
    const { product_id } = shop
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        shop.send('CreateOrder', {
          customer_id: `c-${i}`,
          items: [{ product_id, quantity: '1' }],
        }),
      ),
    )
    const bought = outcomes.flatMap((each) => (each.ok ? [String(each.response.order_id)] : []))
    const refused = outcomes.flatMap((each) => (each.ok ? [] : [each.rejection.code]))
    equal(bought.length, 50)
    deepEqual([...new Set(refused)], ['insufficient_stock'])
    await shop.settle()
    await allAgree(shop, bought)
    equal((await eventsOf(shop)).filter((type) => type === 'OrderCreated').length, 50)
  })

  it('cancel against ship: exactly one wins, and the stock is right either way', async () => {
    await using shop = await openShop(engine)
    const ids: string[] = []
    for (let i = 0; i < 10; i++) ids.push(await shop.order('1'))
    await shop.settle()
    const races = await Promise.all(
      ids.flatMap((order_id, i) => {
        const both = [shop.send('CancelOrder', { order_id }), shop.send('ShipOrder', { order_id })]
        return [Promise.all(i % 2 === 0 ? both : both.reverse())]
      }),
    )
    for (const [one, other] of races) ok(one!.ok !== other!.ok, 'exactly one wins')
    await shop.settle()
    const rows = await Promise.all(ids.map((order_id) => shop.get('GetOrder', { order_id })))
    const shipped = rows.filter((row) => row?.status === 'SHIPPED').length
    equal(rows.filter((row) => row?.status === 'CANCELLED').length, 10 - shipped)
    deepEqual(await shop.stock(), { quantity: 50 - shipped, reserved: 0 })
  })

  it('expiry against payment: one wins; who paid late is not charged', async () => {
    await using shop = await openShop(engine, { 'reservation.ttl_ms': 60_000 })
    const late = await shop.order()
    const paid = await shop.order()
    await shop.done('ProcessPayment', { order_id: paid, method: 'upi' })
    shop.advance(60_000)
    const outcomes = await Promise.all([
      shop.send('ProcessPayment', { order_id: late, method: 'upi' }),
      shop.send('ExpireOrder', { order_id: late }),
      shop.send('ExpireOrder', { order_id: paid }),
    ])
    deepEqual(
      outcomes.map((each) => (each.ok ? each.response.has_effect : each.rejection.code)),
      ['invalid_state', true, false],
    )
    await shop.settle()
    const expired = await shop.get('GetOrder', { order_id: late })
    const bought = await shop.get('GetOrder', { order_id: paid })
    deepEqual([expired?.status, expired?.cancel_cause], ['CANCELLED', 'reservation_expired'])
    deepEqual([bought?.status, bought?.payment_status], ['CONFIRMED', 'captured'])
    deepEqual(await shop.stock(), { quantity: 50, reserved: 2 })
    const ledger = await shop.provider.ledger()
    equal(ledger.filter(({ kind }) => kind === 'capture').length, 1)
    const again = await shop.send('ProcessPayment', { order_id: late, method: 'upi' })
    equal(again.ok ? 'ok' : again.rejection.code, 'invalid_state')
  })

  it('an unpaid order is cancelled by itself when its time is over', async () => {
    await using shop = await openShop(engine, { 'reservation.ttl_ms': 60_000 })
    const order_id = await shop.order()
    const before = await shop.get('GetOrderSaga', { order_id })
    deepEqual([before?.waiting_for, before?.status], ['payment', 'RUNNING'])
    await shop.settle()
    const order = await shop.get('GetOrder', { order_id })
    deepEqual([order?.status, order?.cancel_cause], ['CANCELLED', 'reservation_expired'])
    deepEqual(await shop.stock(), { quantity: 50, reserved: 0 })
    const types = await eventsOf(shop)
    ok(types.includes('ReservationExpired') && types.includes('StockReleased'))
  })

  it('the same command 20 times at once is one order, and everyone gets its answer', async () => {
    await using shop = await openShop(engine)
    const { product_id } = shop
    const input = { customer_id: 'c-1', items: [{ product_id, quantity: '3' }] }
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => shop.send('CreateOrder', input, { command_id: 'buy-1' })),
    )
    const ids = new Set(outcomes.map((each) => (each.ok ? each.response.order_id : each.rejection)))
    equal(ids.size, 1)
    equal(outcomes.filter((each) => each.ok && each.replayed).length, 19)
    await shop.settle()
    await allAgree(shop, [...ids].map(String))
  })

  it('the payer’s token reaches the provider and is nowhere in clear', async () => {
    await using shop = await openShop(engine)
    // Only a call with just this token is declined, so the decline shows that it arrived.
    shop.provider.play([{ on: 'authorize', what: 'decline', token: 'tok_secret_4242' }])
    const payment = { method: 'credit_card', token: 'tok_secret_4242' }
    const order_id = await shop.order('1', { payment })
    await shop.settle()
    const [order] = await allAgree(shop, [order_id])
    equal(order?.cancel_cause, 'payment_declined')
    const stored = JSON.stringify(await shop.log.readAll(0, 10_000))
    const rows = JSON.stringify([
      await shop.get('GetOrderSaga', { order_id }),
      await shop.get('GetPayment', { payment_id: order_id }),
    ])
    ok(!stored.includes('tok_secret') && !rows.includes('tok_secret'))
  })

  it('an order that is never answered is taken back at the deadline, and settled', async () => {
    await using shop = await openShop(engine, { ...PAID, 'saga.deadline_ms': 60_000 })
    shop.provider.play([
      { on: 'authorize', what: 'lost_after', times: 1 },
      { on: 'find', what: 'down', times: 14 },
    ])
    const order_id = await shop.order()
    await shop.settle()
    const [order] = await allAgree(shop, [order_id])
    deepEqual([order?.status, order?.cancel_cause], ['CANCELLED', 'payment_timeout'])
    equal((await shop.provider.balance(`${order_id}:authorize:1`)).is_voided, true)
  })
}
