// Tills: what is rung up, brought back and paid off, at two stores at once, some of it on account.
import { randomUUID } from 'node:crypto'
import { OFFLINE } from '#testing/till-book.ts'
import { type Act, carry, remember } from './acting.ts'
import type { Answer } from './clients.ts'

const ACCOUNTS = 4
/** Soon spent, so that the last of it is fought for. */
const CREDIT_LIMIT = 60
const HOUR_MS = 3_600_000

type Must = (what: string, path: string, body: object) => Promise<Answer>

/** Customers who may buy on account; throws when the shop does not take them. */
export async function openAccounts(must: Must): Promise<readonly string[]> {
  const ids = Array.from({ length: ACCOUNTS }, () => randomUUID())
  for (const [n, customer_id] of ids.entries()) {
    const body = { customer_id, name: `Customer ${n}`, credit_limit: CREDIT_LIMIT }
    await must('register customer', '/api/v1/customers', body)
  }
  return ids
}

const sell: Act = async (person) => {
  const { random, goods, known } = person
  const sale_id = randomUUID()
  const count = random.int(1, 3)
  const items = Array.from({ length: count }, () => ({
    product_id: random.chance(0.2) ? goods.scarce : random.pick(goods.products).product_id,
    quantity: random.int(1, 2),
  }))
  const onAccount = random.chance(0.4)
  const body = {
    sale_id,
    items,
    store_id: random.pick(goods.stores),
    register_id: random.pick(['a', 'b']),
    payment_type: onAccount ? 'credit' : 'cash',
    ...(onAccount ? { customer_id: random.pick(goods.customers) } : {}),
    ...(random.chance(0.1) ? toldLater() : {}),
  }
  const done = await carry(person, { what: 'sell', path: '/api/v1/sales', body })
  if (done?.status !== 201) return
  remember(known.sales, { sale_id, lines: count })
}

/** A till that was cut off: the goods are out of the door. */
const toldLater = () => ({
  device_id: OFFLINE,
  occurred_at: new Date(Date.now() - HOUR_MS).toISOString(),
})

const bringBack: Act = async (person) => {
  const { random, known } = person
  if (known.sales.length === 0) return
  const { sale_id, lines } = random.pick(known.sales.slice(-20))
  const line = { line: random.int(1, lines), quantity: 1, restock: random.chance(0.7) }
  const body = { refund_id: randomUUID(), lines: [line], cause: 'changed my mind' }
  await carry(person, { what: 'bring back', path: `/api/v1/sales/${sale_id}/refund`, body })
}

const payOff: Act = async (person) => {
  const { random, goods } = person
  const path = `/api/v1/customers/${random.pick(goods.customers)}/payments`
  await carry(person, { what: 'pay off', path, body: { amount: random.int(100, 3_000) / 100 } })
}

export const TILL_ACTS: readonly (readonly [weight: number, Act])[] = [
  [14, sell],
  [5, bringBack],
  [3, payOff],
]
