// What has to be looked at afterwards, whatever chance has everybody do, and however slow the
// machine is: an order of somebody who is forgotten, a drawer from its opening to its count, goods
// that go from one store to the other and come in parts.
import { randomUUID } from 'node:crypto'
import type { Random } from '#testing/random.ts'
import { type Goods, streetOf } from './acting.ts'
import type { Answer, Clients } from './clients.ts'

type Send = (what: string, path: string, body: object) => Promise<Answer | null>

/**
 * Refusals are nothing: the checks find what is missing. A shop that leaves one of them without a
 * last word is not asked for the next.
 */
export async function tradeOnce(clients: Clients, goods: Goods, random: Random): Promise<void> {
  let isSilent = false
  const send: Send = async (what, path, body) => {
    if (isSilent) return null
    const answer = await clients.send({ what, path: `/api/v1/${path}`, body }, random)
    isSilent = answer === null
    return answer
  }
  const { product_id } = goods.products[0]!
  const items = [{ product_id, quantity: 1 }]
  const [customer_id, order_id] = ['somebody', randomUUID()]
  const shipping_address = { street: streetOf(order_id) }
  const placed = await send('order', 'orders', { order_id, customer_id, items, shipping_address })
  await clients.look(`/api/v1/orders/${order_id}`, Number(placed?.body.position), random)
  await send('forget', `customers/${customer_id}/erase`, { force: true })
  await countDrawer(send, items)
  await sendOver(send, goods, product_id)
}

async function countDrawer(send: Send, items: readonly object[]): Promise<void> {
  const till = 'registers/first/session'
  await send('open drawer', till, { session_id: randomUUID(), float: 20 })
  const sale = { register_id: 'first', items, payment_type: 'cash' }
  await send('sell', 'sales', { sale_id: randomUUID(), ...sale })
  await send('move cash', `${till}/movements`, { direction: 'in', amount: 5, reason: 'change' })
  await send('close drawer', `${till}/close`, { counted: 30 })
}

async function sendOver(send: Send, { stores }: Goods, product_id: string): Promise<void> {
  const transfer_id = randomUUID()
  const [from_store_id, to_store_id] = stores
  const lines = [{ product_id, quantity: 4 }]
  await send('transfer', 'transfers', { transfer_id, from_store_id, to_store_id, lines })
  const part = [{ product_id, received: 1, damaged: 1 }]
  await send('receive', `transfers/${transfer_id}/receive`, { lines: part })
  await send('receive', `transfers/${transfer_id}/receive`, { lines: part, close: true })
}
