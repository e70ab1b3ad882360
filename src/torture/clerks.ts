// What clerks do beside the tills' sales: drawers, goods between stores, counts, orders changed and
// taken apart, returns, money given back where it was taken, prices, and forgetting somebody.
import { randomUUID } from 'node:crypto'
import type { Random } from '#testing/random.ts'
import { type Act, carry, type Person, remember } from './acting.ts'

const HOUR_MS = 3_600_000
const LINE = [{ line: 1, quantity: 1 }]

/** The same in few words: what it is called, where it goes, and what is in it. */
const post = (person: Person, what: string, path: string, body: object = {}) =>
  carry(person, { what, path: `/api/v1/${path}`, body })
const patch = (person: Person, what: string, path: string, body: object) =>
  carry(person, { what, path: `/api/v1/${path}`, body, method: 'PATCH' })
const isDone = (answer: Awaited<ReturnType<typeof carry>>): boolean =>
  answer !== null && answer.status < 300
const ago = (ms: number) => new Date(Date.now() - ms).toISOString()
/** One of the newest that somebody made, so that two meet at it. */
const oneOf = <T>(random: Random, all: readonly T[], newest = 10): T | null =>
  all.length === 0 ? null : random.pick(all.slice(-newest))

const drawer: Act = async (person) => {
  const { random, goods } = person
  const path = `registers/${random.pick(['a', 'b'])}/session`
  const store_id = random.pick(goods.stores)
  const amount = random.int(100, 5_000) / 100
  const deed = random.next()
  if (deed < 0.35)
    await post(person, 'open drawer', path, { store_id, session_id: randomUUID(), float: amount })
  else if (deed < 0.8) {
    const body = { store_id, amount, direction: random.pick(['in', 'out']), reason: 'change' }
    const who = random.chance(0.3) ? { customer_id: random.pick(goods.customers) } : {}
    await post(person, 'move cash', `${path}/movements`, { ...body, ...who })
  } else await post(person, 'close drawer', `${path}/close`, { store_id, counted: amount })
}

const startTransfer: Act = async (person) => {
  const { random, goods, known } = person
  const transfer_id = randomUUID()
  const { product_id } = random.pick(goods.products)
  const [from_store_id, to_store_id] = random.shuffled(goods.stores)
  const made = await post(person, 'transfer', 'transfers', {
    ...{ transfer_id, from_store_id, to_store_id },
    lines: [{ product_id, quantity: random.int(1, 4) }],
    ...(random.chance(0.1) ? { occurred_at: ago(HOUR_MS) } : {}),
  })
  if (isDone(made)) remember(known.transfers, { transfer_id, product_id })
}
const endTransfer: Act = async (person) => {
  const { random, known } = person
  const one = oneOf(random, known.transfers)
  if (one === null) return
  const path = `transfers/${one.transfer_id}`
  const lines = [{ product_id: one.product_id, received: 1, damaged: random.int(0, 1) }]
  const deed = random.next()
  if (deed < 0.15) await post(person, 'call transfer back', `${path}/cancel`)
  else if (deed < 0.3) await post(person, 'receive', `${path}/receive`)
  else await post(person, 'receive', `${path}/receive`, { lines, close: random.chance(0.3) })
}

/** While selling goes on, as somebody counts; sometimes told a little later. */
const count: Act = async (person) => {
  const { random, goods, known } = person
  if (known.counts.length === 0 || random.chance(0.1)) {
    const count_id = randomUUID()
    const begun = { count_id, store_id: random.pick(goods.stores) }
    if (!isDone(await post(person, 'begin count', 'stock-counts', begun))) return
    remember(known.counts, count_id)
  }
  const path = `stock-counts/${oneOf(random, known.counts, 3)}`
  if (random.chance(0.05)) return void (await post(person, 'end count', `${path}/complete`))
  await post(person, 'count', `${path}/counts`, {
    product_id: random.pick(goods.products).product_id,
    counted: random.int(0, 15),
    ...(random.chance(0.3) ? { occurred_at: ago(random.int(1, 3_000)) } : {}),
  })
}

/** Somebody does something to one of the newest orders. */
const toOrder =
  (act: (person: Person, order_id: string) => Promise<unknown>, newest = 30): Act =>
  async (person) => {
    const order_id = oneOf(person.random, person.known.orders, newest)
    if (order_id !== null) await act(person, order_id)
  }
/** Right after it was placed, while it is being paid. */
const change = toOrder((person, order_id) => {
  const { product_id } = person.random.pick(person.goods.products)
  const items = [{ product_id, quantity: 1 }]
  return patch(person, 'change order', `orders/${order_id}`, { items })
}, 4)
const cancelLines = toOrder((person, order_id) =>
  post(person, 'cancel lines', `orders/${order_id}/cancel-lines`, { lines: LINE }),
)
const plan = toOrder(async (person, order_id) => {
  const shipment_id = randomUUID()
  const body = { order_id, shipment_id, lines: LINE }
  if (!isDone(await post(person, 'plan parcel', 'shipments', body))) return
  remember(person.known.parcels, shipment_id)
  await post(person, 'label parcel', `shipments/${shipment_id}/label`)
})
const handleParcel: Act = async (person) => {
  const id = oneOf(person.random, person.known.parcels)
  const verb = person.random.pick(['ship', 'ship', 'deliver', 'cancel'])
  if (id !== null) await post(person, `${verb} parcel`, `shipments/${id}/${verb}`)
}
const requestReturn = toOrder(async (person, order_id) => {
  const return_id = randomUUID()
  const body = { return_id, lines: LINE, reason: 'too small' }
  if (isDone(await post(person, 'request return', `orders/${order_id}/returns`, body)))
    remember(person.known.returns, return_id)
}, 60)
const handleReturn: Act = async (person) => {
  const { random, known } = person
  const id = oneOf(random, known.returns)
  if (id === null) return
  const line = { line: 1, quantity: 1, damaged: random.chance(0.2) }
  const body = { lines: [line], refund: random.chance(0.8) }
  if (random.chance(0.15)) await post(person, 'close return', `returns/${id}/close`)
  else await post(person, 'receive return', `returns/${id}/receive`, body)
}

/** Of money that was taken elsewhere; the same again under its reference is one refund. */
const giveBackElsewhere: Act = async (person) => {
  const { random, known } = person
  const id = oneOf(random, known.external)
  const reference = `note-${random.int(1, 3)}`
  if (id !== null) await post(person, 'give back', `payments/${id}/refund`, { reference })
}

const changePrice: Act = async (person) => {
  const { product_id } = person.random.pick(person.goods.products)
  const later = person.random.chance(0.5)
    ? { effective_at: ago(-person.random.int(100, 3_000)) }
    : {}
  const sell_price = person.random.int(50, 2_000) / 100
  await patch(person, 'change price', `products/${product_id}/price`, { sell_price, ...later })
}

export const customerOf = (random: Random) => `customer-${random.int(1, 20)}`
const forget: Act = (person) => forgetCustomer(person, customerOf(person.random))
export async function forgetCustomer(person: Person, customer_id: string): Promise<void> {
  await post(person, 'forget', `customers/${customer_id}/erase`, { force: true })
}

export const CLERKS_ACTS: readonly (readonly [weight: number, Act])[] = [
  [7, drawer],
  [4, startTransfer],
  [7, endTransfer],
  [5, count],
  [6, change],
  [3, cancelLines],
  [4, plan],
  [5, handleParcel],
  [5, requestReturn],
  [5, handleReturn],
  [2, giveBackElsewhere],
  [2, changePrice],
  [1, forget],
]
