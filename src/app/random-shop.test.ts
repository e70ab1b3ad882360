// Random days of a whole shop, much of it told late or promised before it is here: what different
// tables say of the same thing agrees, and each row is the one that its own streams fold to.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '#kernel/projection.ts'
import { past } from '#runtime/past.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { differences } from './erasure-fixture.ts'
import { type OrderShop, using } from './order-shop.ts'

const SEED = seedOfRun()
const SHOPS = 8
const STEPS = 150
const COMPARED_EVERY = 15
const ALL = 1_000
const LATE_MS = 100_000

const settingsOf = (random: Random) => ({
  'payments.default_method': random.pick(['', 'credit_card']),
  'payments.capture_on': random.pick(['confirm', 'ship']),
  'inventory.negative': random.chance(0.3),
  'retry.base_ms': 1,
})

type Deed = () => Promise<unknown>
type Tried = { readonly send: (type: string, input: object) => Promise<Row | null> }

async function prepared(shop: OrderShop) {
  for (const product_id of [shop.cup, shop.tea])
    await shop.done('UpdateInventory', { product_id, backorder_limit: '30' })
  await shop.done('RegisterCustomer', { customer_id: 'c-1', name: 'Ann', credit_limit: '50' })
  return String((await shop.done('CreateStore', { name: 'Other' })).store_id)
}

/** What is refused is refused: that is part of it. */
function deedsOf(shop: OrderShop, random: Random, store_id: string, { send }: Tried) {
  const made: Record<string, string[]> = {}
  const making = async (type: string, field: string, input: object) => {
    const done = await send(type, input)
    if (done !== null) made[field] = [...(made[field] ?? []), String(done[field])]
  }
  const one = (field: string) => random.pick(made[field] ?? ['none'])
  const product = () => ({ product_id: random.pick([shop.cup, shop.tea]) })
  const goods = () => ({ ...product(), quantity: String(random.int(1, 8)) })
  const some = () => ({ items: [goods(), goods()] })
  const line = () => ({ lines: [{ line: random.int(1, 2), quantity: '1' }] })
  const order = () => ({ order_id: one('order_id') })
  const late = () =>
    random.chance(0.4)
      ? { occurred_at: new Date(Date.parse(shop.now()) - random.int(0, LATE_MS)).toISOString() }
      : {}
  const orders: readonly Deed[] = [
    () =>
      making('CreateOrder', 'order_id', { customer_id: random.pick(['c-1', 'c-2']), ...some() }),
    () => making('CreateOrder', 'order_id', { ...some(), payment: { method: 'upi' } }),
    () => send('ConfirmPayment', { ...order(), payment_id: `elsewhere-${random.int(1, 99)}` }),
    () => send('UpdateOrder', { ...order(), ...some() }),
    () => send('CancelOrderLines', { ...order(), ...line(), reason: 'less' }),
    () => send('CancelOrder', { ...order(), reason: 'none' }),
    () => send('ShipOrder', order()),
    () => making('RequestReturn', 'return_id', { ...order(), ...line(), reason: 'too big' }),
    () => send('ReceiveReturn', { return_id: one('return_id'), ...line() }),
    async () => {
      const { items } = (await shop.get('ListPayments', { is_owed_back: true }))!
      for (const { payment_id } of (items as Row[]).slice(0, 1))
        await send('RefundPayment', { payment_id, reference: `T-${random.int(1, 9)}` })
    },
  ]
  const stock: readonly Deed[] = [
    () => send('AddStock', { ...goods(), ...late() }),
    () => send('AddStock', { ...goods(), store_id }),
    () => send('AdjustInventory', { ...product(), adjustment: '-3', reason: 'broken', ...late() }),
    () => send('UpdateProductDetails', { ...product(), min_stock: String(random.int(0, 10)) }),
    () => send('UpdateInventory', { ...product(), min_stock: random.pick([null, '4', '9']) }),
    async () => {
      await making('StartStockCount', 'count_id', {})
      const counted = { ...product(), counted: String(random.int(0, 15)) }
      await send('RecordCount', { count_id: made.count_id!.at(-1)!, ...counted, ...late() })
    },
    () => {
      const way = { from_store_id: store_id, to_store_id: 'main' }
      return making('StartTransfer', 'transfer_id', { ...way, lines: [goods()], ...late() })
    },
    () => send('ReceiveTransfer', { transfer_id: one('transfer_id'), ...late() }),
    () => making('ProcessSale', 'sale_id', { items: [goods()], payment_type: 'cash', ...late() }),
    () => send('RefundSale', { sale_id: one('sale_id'), ...line(), ...late() }),
  ]
  return [...orders, ...stock, shop.settle, shop.settle]
}

async function tablesOf({ parts: { projections, reads, runner } }: OrderShop) {
  await runner.catchUp()
  const tables = new Map<string, readonly Row[]>()
  for (const { name, table } of projections)
    tables.set(name, (await reads.find(table, { limit: ALL })).items)
  return (name: string) => tables.get(name)!
}
const sums = (rows: readonly Row[], key: (row: Row) => string, column: string) =>
  rows.reduce((all, row) => {
    const sum = (all.get(key(row)) ?? 0) + Number(row[column])
    return sum === 0 ? all : all.set(key(row), sum)
  }, new Map<string, number>())

async function assertAgreement(shop: OrderShop, why: string): Promise<void> {
  const { log, types, personal, projections } = shop.parts
  const table = await tablesOf(shop)
  const stock = table('stock_by_store')
  const here = (row: Row) => `${row.product_id}:${row.store_id}`
  deepEqual(sums(table('promises'), here, 'held_quantity'), sums(stock, here, 'reserved_quantity'))

  const products = new Map(table('product_read_view').map((row) => [row.product_id, row]))
  const low = stock.filter((row) => {
    const threshold = Number(row.min_stock ?? products.get(row.product_id!)!.min_stock)
    return threshold > 0 && Number(row.quantity) - Number(row.reserved_quantity) <= threshold
  })
  deepEqual(new Set(table('low_stock').map(here)), new Set(low.map(here)), `${why}: what is low`)

  for (const { order_id, backordered, status } of table('order_views')) {
    if (status === 'CANCELLED') continue
    const open = table('backorders').filter(({ reservation_id }) => reservation_id === order_id)
    const product = (row: Row) => String(row.product_id)
    const told = sums(backordered as readonly Row[], product, 'quantity')
    deepEqual(told, sums(open, product, 'open_quantity'), `${why}: what is to come`)
  }
  const { position } = await log.head()
  for (const one of projections.filter(({ sources }) => sources !== undefined))
    for (const row of table(one.name)) {
      const key = String(row[one.table.key])
      const told = await past({ log, types, open: personal.open }, one, key, { position })
      deepEqual(told, row, `${why}: ${one.name} ${key}`)
    }
}

/** Of money that was taken elsewhere: what is too much of it is owed back, no more and no less. */
async function assertOwed(shop: OrderShop, why: string): Promise<number> {
  const table = await tablesOf(shop)
  const orders = new Map(table('order_views').map((row) => [row.order_id, row]))
  const returned = sums(table('returns'), (row) => String(row.order_id), 'refund_minor')
  const elsewhere = table('payments').filter(({ payment_id }) =>
    String(payment_id).startsWith('elsewhere'),
  )
  for (const { order_id, captured_minor, refunded_minor, owed_back_minor } of elsewhere) {
    const { status, total_amount_minor } = orders.get(order_id!)!
    const total = status === 'CANCELLED' ? 0 : Number(total_amount_minor)
    const due = total === 0 ? 0 : total - (returned.get(String(order_id)) ?? 0)
    const over = Number(captured_minor) - Number(refunded_minor) - due
    equal(owed_back_minor, Math.max(0, over), `${why}: owed to order ${order_id}`)
  }
  return elsewhere.length
}

test(`tables of a random shop agree, now and as folded anew (SEED=${SEED})`, async () => {
  const taken = new Set<string>()
  let elsewhere = 0
  for (let each = 0; each < SHOPS; each++) {
    const random = seeded(SEED + each)
    await using(settingsOf(random), async (shop) => {
      const send = async (type: string, input: object) => {
        const outcome = await shop.send(type, input)
        if (outcome.ok) taken.add(type)
        return outcome.ok ? (outcome.response as Row) : null
      }
      const deeds = deedsOf(shop, random, await prepared(shop), { send })
      for (let step = 1; step <= STEPS; step++) {
        await random.pick(deeds)()
        if (step % COMPARED_EVERY === 0)
          await assertAgreement(shop, `SEED=${SEED}, shop ${each}, step ${step}`)
      }
      await shop.settle()
      elsewhere += await assertOwed(shop, `SEED=${SEED}, shop ${each}`)
      deepEqual(await differences(shop), [])
    })
  }
  ok(elsewhere > 0 && taken.size > 12, `${elsewhere}; ${[...taken].join()} (SEED=${SEED})`)
})
