// A whole shop for tests of backups: opened on files or on a server, with buyers that do not stop,
// and its books compared with those of the provider.
import { equal, ok } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { v7 } from 'uuid'
import type { Row } from '#kernel/projection.ts'
import type { PaymentBook } from '#providers/payment-simulator.ts'
import type { Random } from '#testing/random.ts'
import { type App, compose } from './compose.ts'
import { readConfig } from './config.ts'
import type { Config } from './settings.ts'

/** A file's path, or a server's URL. */
export type Where = { readonly path: string } | { readonly url: string }
const STOCK = 100_000
const PRICE_MINOR = 500
const SETTLED_WITHIN_MS = 300_000
const CANCELLED_LATE_MS = 400

export const envOf = (where: Where): Record<string, string> =>
  'url' in where ? { DATABASE_DRIVER: 'postgres', DATABASE_POSTGRES_URL: where.url } : {}
/** Seals come often, so that short histories have some; a busy machine is waited for. */
export const argvOf = (where: Where): string[] => [
  ...('path' in where ? ['--data', where.path] : []),
  ...['--set', 'seals.every=50', '--set', 'consistency.wait_ms=60000'],
]

export function configAt(where: Where): Config {
  const found = readConfig({ argv: argvOf(where), env: envOf(where), file: null })
  if (!found.ok) throw new Error(found.problems.join('\n'))
  return found.config
}

export const openShop = (where: Where): Promise<App> => compose(configAt(where))

export async function stockUp({ send }: App): Promise<string> {
  const product_id = v7()
  const cup = { product_id, name: 'Cup', code: 'CUP', sell_price: '5.00', currency: 'USD' }
  for (const [type, input] of [
    ['CreateProduct', cup],
    ['CreateInventory', { product_id, quantity: String(STOCK) }],
  ] as const) {
    const done = await send(type, input)
    ok(done.ok, JSON.stringify(done))
  }
  return product_id
}

export type Bought = { readonly order_id: string; readonly position: number }

export const buy = async ({ send }: App, product_id: string, customer: string): Promise<Bought> => {
  const order_id = v7()
  const done = await send('CreateOrder', {
    order_id,
    customer_id: customer,
    items: [{ product_id, quantity: '1' }],
    shipping_address: { street: 'Kanalstrasse 7', city: 'Basel', country: 'CH' },
  })
  ok(done.ok, JSON.stringify(done))
  return { order_id, position: done.position }
}

/** Buyers who order, now and then cancel or ship, until they are told to stop. */
export function buyers(app: App, product_id: string, count: number, random: Random) {
  const bought: Bought[] = []
  const waits: number[] = []
  let going = true
  const all = Array.from({ length: count }, async (_, i) => {
    while (going) {
      const began = performance.now()
      const one = await buy(app, product_id, `customer-${i}-${bought.length}`)
      waits.push(performance.now() - began)
      bought.push(one)
      const then = random.pick(['CancelOrder', 'ShipOrder', null, null, null] as const)
      // Some only when the money has been taken, so that it is given back.
      if (then === 'CancelOrder' && random.chance(0.5)) await sleep(CANCELLED_LATE_MS)
      if (then !== null) await app.send(then, { order_id: one.order_id })
      await sleep(random.int(20, 60))
    }
  })
  return {
    bought,
    /** How long each order took, in ms. */
    waits,
    async stop() {
      going = false
      await Promise.all(all)
    },
  }
}

export async function rowsOf({ ask, log }: App, type: string): Promise<readonly Row[]> {
  const rows: Row[] = []
  const { position } = await log.head()
  for (let cursor: string | undefined; ; ) {
    const input = { limit: 500, ...(cursor === undefined ? {} : { cursor }) }
    const answer = await ask(type, input, { minPosition: position })
    if (!answer.ok) throw new Error(JSON.stringify(answer.rejection))
    const page = answer.result as { items: readonly Row[]; next_cursor?: string | null }
    rows.push(...page.items)
    if (!page.next_cursor) return rows
    cursor = page.next_cursor
  }
}

/** Until no saga and no payment has anything left to do. */
export async function settled(app: App): Promise<void> {
  const until = Date.now() + SETTLED_WITHIN_MS
  for (;;) {
    await app.projected((await app.log.head()).position)
    const open = [
      ...(await rowsOf(app, 'ListSagas')).filter(({ status }) =>
        ['RUNNING', 'COMPENSATING'].includes(String(status)),
      ),
      ...(await rowsOf(app, 'ListPayments')).filter(({ pending_operation }) => pending_operation),
    ]
    if (open.length === 0) return
    ok(Date.now() < until, `not settled: ${JSON.stringify(open[0])}`)
    await sleep(20)
  }
}

const isUndoing = (kind: string) => kind === 'void' || kind === 'refund'

/**
 * Every order was charged once if it stands, and not at all (or given back) if it does not. Nothing
 * as well where the provider knows of a void or a refund that lies behind the backup: the order was
 * cancelled after it, lives again, and its money does not.
 */
export async function assertChargedOnce(app: App, book: PaymentBook): Promise<number> {
  const orders = await rowsOf(app, 'ListOrders')
  const entries = (await book.entries()).filter(({ answer }) => answer.status === 'succeeded')
  for (const { order_id, status } of orders) {
    const own = entries.filter(({ authorization }) => authorization.startsWith(`${order_id}:`))
    const sum = (kind: string) =>
      own
        .filter((entry) => entry.kind === kind)
        .reduce((total, { amount_minor }) => total + amount_minor, 0)
    const what = `${order_id} is ${status}: ${JSON.stringify(own)}`
    ok(['CONFIRMED', 'SHIPPED', 'CANCELLED'].includes(String(status)), what)
    ok(sum('authorize') <= PRICE_MINOR, what)
    const isGone = status === 'CANCELLED' || own.some(({ kind }) => isUndoing(kind))
    equal(sum('capture') - sum('refund'), isGone ? 0 : PRICE_MINOR, what)
  }
  return orders.length
}
