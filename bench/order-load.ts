// Customers who order one thing after another: each waits for the answer, not for the saga behind
// it.
import { randomUUIDv7 } from 'node:crypto'
import { callsEachSecond } from './closed-loop.ts'
import { httpCaller } from './http-caller.ts'
import { posted } from './shop-goods.ts'

/** In ms since the epoch, so that they compare with the log's timestamps. */
export type Placed = {
  readonly order_id: string
  readonly asked: number
  readonly answered: number
}

export type Mix = { readonly lines: number; readonly callers: number }

export async function placeOrders(
  origin: string,
  products: readonly string[],
  { lines, callers }: Mix,
  seconds: number,
): Promise<readonly Placed[]> {
  const sockets = Array.from({ length: callers }, () => httpCaller(origin))
  const placed: Placed[] = []
  let next = 0
  const items = () =>
    Array.from({ length: lines }, () => ({
      product_id: products[next++ % products.length]!,
      quantity: 1,
    }))
  await callsEachSecond(callers, seconds, async (caller) => {
    const order_id = randomUUIDv7()
    const body = { order_id, customer_id: `customer-${caller}`, items: items() }
    const asked = epochMs()
    await posted(sockets[caller]!, '/api/v1/orders', body)
    placed.push({ order_id, asked, answered: epochMs() })
  })
  for (const socket of sockets) socket.close()
  return placed
}

const epochMs = () => performance.timeOrigin + performance.now()
