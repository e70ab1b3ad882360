// Tills: what is rung up, brought back and paid off, at two stores at once, some of it on account.
import { randomUUID } from 'node:crypto'
import { type Act, carry } from './acting.ts'
import type { Answer } from './clients.ts'

const ACCOUNTS = 4
/** Soon spent, so that the last of it is fought for. */
const CREDIT_LIMIT = 60
const SALES_KNOWN = 100

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
  }
  const done = await carry(person, { what: 'sell', path: '/api/v1/sales', body })
  if (done?.status !== 201) return
  known.sales.push({ sale_id, lines: count })
  if (known.sales.length > SALES_KNOWN) known.sales.shift()
}

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
