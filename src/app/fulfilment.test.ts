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
import { openCarrier } from '#providers/carrier-simulator.ts'
import type { Fault } from '#providers/fault-script.ts'
import { openPaymentProvider } from '#providers/payment-simulator.ts'
import { commandGateway } from '#runtime/gateway.ts'
import { numberEvents, numbersFrom } from '#runtime/number-series.ts'
import { personalData } from '#runtime/personal.ts'
import { queryGateway } from '#runtime/query-gateway.ts'
import { projectionRunner } from '#runtime/run-projections.ts'
import { derivedId } from '#runtime/run-waiting.ts'
import { engines } from '#storage/engines.ts'

const PAID = { 'payments.default_method': 'credit_card' }

type Engine = 'memory' | 'sqlite'

/** A whole shop whose clock the test moves: nothing has to be waited for. */
async function openShop(engine: Engine, settings: Record<string, unknown> = PAID) {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-flow-'))
  const at = (name: string) => ({ path: join(folder, name) })
  const stored = await engines[engine]()
  const log = await stored.openEventLog(at('log.db'))
  const keys = await stored.openKeyRing(at('keys.db'))
  const reads = await stored.openReadModels(at('views.db'))
  const provider = openPaymentProvider()
  const carrier = openCarrier()
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
    await Promise.all(due.flat().map((run) => run()))
    return due.flat().length
  }
  const tools = {
    now,
    derivedId,
    events: async () => [],
    send: ((type, input, meta = {}) => send(type, input, { source: 'saga', ...meta })) as typeof send,
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
    return found.flatMap(({ items }, i) => items.map((row) => String(row[waitings[i]!.due]))).sort()[0] ?? null
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
    order: async (quantity = '2', more = {}) =>
      String(
        (await done('CreateOrder', { customer_id: 'c-1', items: [{ product_id, quantity }], ...more }))
          .order_id,
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
      await rm(folder, { recursive: true })
    },
  }
}

it('a paid order goes all the way', async () => {
  await using shop = await openShop('memory')
  const order_id = await shop.order()
  await shop.settle()
  const row = await shop.get('GetOrder', { order_id })
  console.log(row, await shop.stock(), shop.provider.ledger(), shop.trouble)
  console.log((await shop.log.readAll(0, 100)).map((e) => `${e.event_type}`).join(' '))
})
