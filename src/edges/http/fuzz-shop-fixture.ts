// A shop for made-up requests to meet: goods, people, tills and orders at every stage. It goes on
// trading between them, so that there is always something that can still be shipped or refunded.

// biome-ignore lint/suspicious/noExplicitAny: an answer, read for its ids
type Ids = any
/** Sends it below `/api/v1/`, sees that it is taken, and remembers what was answered. */
export type Post = (path: string, body: object, method?: string) => Promise<Ids>

export type FuzzShop = {
  /** One more of everything; what was ordered the last time but one has left by now. */
  readonly trade: () => Promise<void>
}

/** `point`: made requests shall be about this one for a while. */
export function fuzzShop(post: Post, point: (name: string, id: string) => void): FuzzShop {
  /** Orders that were paid as soon as they were placed; the oldest first. */
  const paid: string[] = []
  let round = 0

  const bareGoods = async () => {
    for (const name of ['Box', 'Bag']) {
      const { product_id } = await post('products', { name: `${name} ${round}`, sell_price: 2 })
      if (name === 'Bag') await post('inventory', { product_id, quantity: 0 })
    }
  }
  const goods = async () => {
    // Others may have been closed meanwhile.
    const here = (await post('stores', { name: `Here ${round}` })).store_id
    const there = (await post('stores', { name: `There ${round}` })).store_id
    const product = { name: `Pot ${round}`, sell_price: 7, currency: 'USD' }
    const { product_id } = await post('products', product)
    for (const store_id of ['main', here])
      await post('inventory/stock', { product_id, store_id, quantity: 900 })
    const later = { sell_price: 8, effective_at: '2100-01-01T00:00:00Z' }
    await post(`products/${product_id}/price`, later, 'PATCH')
    await post('inventory/reservations', {
      lines: [{ product_id, quantity: 2 }],
      ttl_seconds: 3_600,
    })
    await post('stock-counts', {})
    const lines = [{ product_id, quantity: 9 }]
    await post('transfers', { from_store_id: here, to_store_id: there, lines })
    return product_id
  }
  const people = async () => {
    const person = { name: `Person ${round}`, email: `person.${round}@example.org` }
    const { customer_id } = await post('customers', { ...person, credit_limit: 5_000 })
    await post('users', { ...person, age: 40 })
    return customer_id
  }
  const till = async (items: readonly object[]) => {
    const { sale_id } = await post('sales', { items, payment_type: 'cash' })
    await post(`sales/${sale_id}/refund`, { lines: [{ line: 1, quantity: 1 }] })
    await post(`registers/till${round}/session`, { float: 50 })
    const started = await post('sales/start', {})
    await post(`sales/${started.sale_id}/items`, items[0]!)
  }
  const orders = async (items: readonly object[], customer_id: string) => {
    const payment = { method: 'upi' }
    const place = (body: object) => post('orders', { items, ...body })
    await place({ customer_id })
    const { order_id } = await place({ customer_id, payment })
    paid.push((await place({ customer_id: `guest-${round}`, payment })).order_id, order_id)
  }
  /** Another parcel than the one that was planned, still without a label. */
  const pack = async (order_id: string) => {
    await post(`shipments/${order_id}/cancel`, {})
    await post('shipments', { order_id, lines: [{ line: 1, quantity: 1 }] })
    point('order_id', order_id)
  }
  /** Not all that was paid can be sent: somebody may have cancelled it meanwhile. */
  const send = async (order_id: string) => {
    await post(`orders/${order_id}/ship`, {})
    await post(`orders/${order_id}/returns`, {
      reason: 'too big',
      lines: [{ line: 1, quantity: 1 }],
    })
    point('order_id', order_id)
  }

  return {
    async trade() {
      round++
      await bareGoods()
      const product_id = await goods()
      const items = [{ product_id, quantity: 3 }]
      const customer_id = await people()
      await till(items)
      await orders(items, customer_id)
      for (const order_id of paid.splice(0, Math.max(0, paid.length - 4)))
        await send(order_id).catch(() => {})
      await pack(paid.shift() ?? '').catch(() => {})
    },
  }
}
