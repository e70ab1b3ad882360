// What has happened is never refused, whatever of it the book does not know, has closed or has
// forgotten: it is booked, all numbers hold, and what contradicts the book is on somebody's list.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { Recorded } from '#kernel/message.ts'
import type { Row } from '#kernel/projection.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { openTill, tillHandlers, tillTroubles } from '#testing/till-book.ts'
import { differences } from './erasure-fixture.ts'
import {
  broken,
  broughtBack,
  delivered,
  type Fact,
  openWorld,
  refundedLate,
  sent,
  settingsOf,
  soldLate,
  type World,
} from './facts-fixture.ts'
import { type OrderShop, using } from './order-shop.ts'

const SEED = seedOfRun()
const SHOPS = 4
const FACTS = 40
const ALL = 10_000
const OVER_MS = 120_000

const KINDS = [soldLate, soldLate, broughtBack, refundedLate, delivered, broken, sent]

function next(world: World, random: Random): Fact {
  const kind = world.sales.length === 0 ? soldLate : random.pick(KINDS)
  return kind(world, random)
}

/** Its answer; a refusal fails the test. */
async function told(shop: OrderShop, { type, input }: Fact, why: string): Promise<Row> {
  const outcome = await shop.send(type, input)
  ok(outcome.ok, `${why}: ${type} ${JSON.stringify(input)}: ${JSON.stringify(outcome)}`)
  return outcome.response as Row
}

const events = (shop: OrderShop): Promise<readonly Recorded[]> => shop.log.readAll(0, ALL)

function assertTills(all: readonly Recorded[], why: string): void {
  const till = openTill()
  const troubles: string[] = []
  for (const { event_type, data } of all)
    tillHandlers[event_type]?.(till, data, (text) => troubles.push(text))
  deepEqual([...troubles, ...tillTroubles(till)], [], why)
}

async function itemsOf(shop: OrderShop, type: string, input: object = {}): Promise<readonly Row[]> {
  const page = await shop.get(type, { ...input, limit: 500 })
  return page!.items as readonly Row[]
}

/** Each document that says that it is doubtful is on a list until somebody has settled it. */
async function assertListed(shop: OrderShop, all: readonly Recorded[], why: string) {
  const doubtful = { sales: new Set<unknown>(), refunds: new Set<unknown>() }
  for (const { event_type, data } of all) {
    const { doubts, sale_id, refund_id } = data as Row
    if (doubts === undefined || !['SaleCompleted', 'SaleRefunded'].includes(event_type)) continue
    if (sale_id === null) doubtful.refunds.add(refund_id)
    else doubtful.sales.add(sale_id)
  }
  const only = { doubtful_only: true }
  const sales = await itemsOf(shop, 'SearchSales', only)
  const refunds = await itemsOf(shop, 'ListSaleRefunds', only)
  deepEqual(new Set(sales.map(({ sale_id }) => sale_id)), doubtful.sales, why)
  deepEqual(new Set(refunds.map(({ refund_id }) => refund_id)), doubtful.refunds, why)
  for (const { sale_id } of sales) await shop.done('SettleSaleDoubts', { sale_id, note: 'seen' })
  for (const { refund_id } of refunds)
    await shop.done('SettleRefundDoubts', { refund_id, note: 'seen' })
  deepEqual(await itemsOf(shop, 'SearchSales', only), [], why)
  deepEqual(await itemsOf(shop, 'ListSaleRefunds', only), [], why)
  return doubtful.sales.size + doubtful.refunds.size
}

/** Deliveries that the book had no place for are somebody's work. */
async function assertDeliveries(
  shop: OrderShop,
  facts: readonly Fact[],
  world: World,
  why: string,
) {
  const listed = await itemsOf(shop, 'ListDiscrepancies')
  const places = new Set(listed.map(({ product_id, store_id }) => `${product_id}:${store_id}`))
  for (const { type, input } of facts)
    if (type === 'AddStock' && input.product_id === world.products.old && input.store_id !== 'main')
      ok(places.has(`${input.product_id}:${input.store_id}`), `${why}: ${JSON.stringify(input)}`)
}

test(`what has happened is never refused (SEED=${SEED})`, async () => {
  let doubtful = 0
  for (let each = 0; each < SHOPS; each++) {
    const random = seeded(SEED + each)
    const why = `SEED=${SEED}, shop ${each}`
    await using(settingsOf(random), async (shop) => {
      const world = await openWorld(shop)
      const facts: Fact[] = []
      for (let n = 0; n < FACTS; n++) {
        const fact = next(world, random)
        facts.push(fact)
        const answer = await told(shop, fact, why)
        if (fact.type !== 'ProcessSale') continue
        const lines = (fact.input.items as readonly object[]).length
        world.sales.push({ sale_id: String(answer.sale_id), lines })
      }
      await shop.settle()
      const all = await events(shop)
      assertTills(all, why)
      await assertDeliveries(shop, facts, world, why)
      doubtful += await assertListed(shop, all, why)
      deepEqual(await differences(shop), [], why)
    })
  }
  ok(doubtful > SHOPS, `${doubtful} were doubtful (SEED=${SEED})`)
})

test('tills that tell of the same new goods at once make one product of them', async () => {
  await using({}, async (shop) => {
    const occurred_at = new Date(Date.parse(shop.now()) - OVER_MS).toISOString()
    const item = { product_code: 'HAT', quantity: '1', price: '7' }
    const told = Array.from({ length: 8 }, (_, n) => ({
      ...{ register_id: `till${n}`, items: [item], payment_type: 'cash', occurred_at },
    }))
    const done = await Promise.all(told.map((input) => shop.send('ProcessSale', input)))
    deepEqual(
      done.map(({ ok }) => ok),
      told.map(() => true),
    )
    const hats = await itemsOf(shop, 'SearchProducts', { code: 'HAT', include_inactive: true })
    equal(hats.length, 1)
    equal(hats[0]!.quantity_in_stock, -8_000)
  })
})
