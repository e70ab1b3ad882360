// What buyers, clerks and troublemakers do all day, each at its own pace and with its own chance.
// Everything has an id that its client made, so that whatever is asked again can be told apart.
import { createHmac, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Recorded } from '#kernel/message.ts'
import { type Random, seeded } from '#testing/random.ts'
import {
  type Act,
  carry,
  type Goods,
  type Known,
  nothingKnown,
  type Person,
  remember,
  streetOf,
} from './acting.ts'
import { CLERKS_ACTS, customerOf } from './clerks.ts'
import type { Answer, Clients } from './clients.ts'
import { offences } from './offences.ts'
import { openAccounts, TILL_ACTS } from './tills.ts'

export type Trade = {
  /** What was carried out, by kind. */
  readonly done: ReadonlyMap<string, number>
  /** What was refused, by the refusal's name. */
  readonly refused: ReadonlyMap<string, number>
  /** A provider's notice of news about an operation, as often as it likes. */
  notice(event: Recorded): void
  /** Resolves when everybody has gone home. */
  readonly over: Promise<void>
}

const DEFAULT_STORE = '00000000-0000-7000-8000-000000000001'
const PRICES = [5.25, 0.99, 19.99, 3.33, 100, 7.77]
const OPENING_STOCK = 12
const SCARCE_UNITS = 6

/** Products, a second store, and stock. Throws when the shop does not take them. */
export async function openGoods(clients: Clients, random: Random): Promise<Goods> {
  const must = async (what: string, path: string, body: object): Promise<Answer> => {
    const answer = await clients.send({ what, path, body }, random)
    if (answer === null || answer.status !== 201)
      throw new Error(`${path}: ${JSON.stringify(answer)}`)
    return answer
  }
  const store_id = randomUUID()
  await must('open store', '/api/v1/stores', { store_id, name: 'Second' })
  const stores = [DEFAULT_STORE, store_id]
  const products = PRICES.map((price) => ({ product_id: randomUUID(), price }))
  const scarce = randomUUID()
  for (const { product_id, price } of [...products, { product_id: scarce, price: 50 }]) {
    const product = { product_id, code: product_id.slice(0, 8), name: 'Thing', sell_price: price }
    await must('create product', '/api/v1/products', product)
    for (const store of product_id === scarce ? [DEFAULT_STORE] : stores) {
      const quantity = product_id === scarce ? SCARCE_UNITS : OPENING_STOCK
      await must('open stock', '/api/v1/inventory', { product_id, store_id: store, quantity })
    }
  }
  const customers = await openAccounts(must)
  return { products, stores, scarce, customers }
}

export function startTrade(
  clients: Clients,
  goods: Goods,
  { buyers, seed, until }: { buyers: number; seed: number; until: () => boolean },
): Trade {
  const done = new Map<string, number>()
  const refused = new Map<string, number>()
  const known: Known = nothingKnown()
  const count = (all: Map<string, number>, name: string) => all.set(name, (all.get(name) ?? 0) + 1)
  const tell: Person['tell'] = ({ what }, answer) => {
    if (answer === null) count(refused, 'no answer')
    else if (answer.status < 300) count(done, what)
    else count(refused, String(answer.body.code))
  }
  const busy = Array.from({ length: buyers }, async (_, at) => {
    const random = seeded(seed + 1_000 * (at + 1))
    const person = { clients, goods, random, known, tell }
    while (!until()) {
      await weighted(ACTS, random)(person)
      await sleep(random.int(0, 20))
    }
  })
  const noticing = new Set<Promise<unknown>>()
  return {
    done,
    refused,
    notice(event) {
      const { operation_id } = event.data as { operation_id?: string }
      if (!/^Payment.*Requested$/.test(event.event_type) || operation_id === undefined) return
      if (until() || noticing.size > 5) return
      const random = seeded(seed + event.position)
      const sent = notify(clients, operation_id, random).finally(() => noticing.delete(sent))
      noticing.add(sent)
    },
    over: Promise.all(busy).then(async () => void (await Promise.all(noticing))),
  }
}

/** The provider's webhook: twice, at once, and before the answer to our own call. */
async function notify(clients: Clients, operation_id: string, random: Random): Promise<void> {
  const signature = createHmac('sha256', 'simulator').update(operation_id).digest('hex')
  const path = '/api/v1/payments/webhooks/simulator'
  const notice = { what: 'notice', path, body: { operation_id, signature } }
  await Promise.all([clients.send(notice, random), clients.send(notice, random)])
}

const order: Act = async (person) => {
  const { random, goods, clients, known } = person
  const order_id = randomUUID()
  const wanted = random.chance(0.25)
    ? [{ product_id: goods.scarce, quantity: 1 }]
    : Array.from({ length: random.int(1, 3) }, () => ({
        product_id: random.pick(goods.products).product_id,
        quantity: random.int(1, 4),
      }))
  const items = random.chance(0.1) ? [...wanted, wanted[0]!] : wanted
  const pays = random.next()
  const body = {
    order_id,
    customer_id: customerOf(random),
    items,
    ...(pays < 0.15
      ? {}
      : {
          payment: {
            method: 'credit_card',
            ...(pays < 0.25 ? { token: 'sim_declined' } : {}),
          },
        }),
    ...(random.chance(0.3) ? { shipping_address: { street: streetOf(order_id) } } : {}),
    ...(items[0]!.product_id === goods.scarce || random.chance(0.5)
      ? {}
      : { store_id: goods.stores[1] }),
  }
  const placed = await carry(person, { what: 'order', path: '/api/v1/orders', body })
  if (placed?.status !== 201) return
  remember(known.orders, order_id)
  const since = Number(placed.body.position)
  // From wherever, at once.
  const looks = [1, 2].map(() => clients.look(`/api/v1/orders/${order_id}`, since, random))
  await Promise.all(looks)
  if (pays < 0.07) {
    const paid = { order_id, method: 'upi' }
    await carry(person, { what: 'pay', path: '/api/v1/payments', body: paid })
  } else if (pays < 0.12) await payElsewhere(person, order_id)
}

/** With money that the provider never sees. */
async function payElsewhere(person: Person, order_id: string): Promise<void> {
  const payment_id = `elsewhere-${order_id}`
  const path = `/api/v1/orders/${order_id}/confirm-payment`
  const paid = await carry(person, { what: 'paid elsewhere', path, body: { payment_id } })
  if (paid !== null && paid.status < 300) remember(person.known.external, payment_id)
}

/** Somebody does something to an order, whatever state it is in. */
const handle =
  (what: string, verb: (order_id: string) => string, body: (random: Random) => object): Act =>
  async (person) => {
    const { known, random } = person
    if (known.orders.length === 0) return
    const order_id = random.pick(known.orders.slice(-40))
    await carry(person, { what, path: `/api/v1/${verb(order_id)}`, body: body(random) })
  }
const cancel = handle(
  'cancel',
  (id) => `orders/${id}/cancel`,
  () => ({ reason: 'changed my mind' }),
)
const refund = handle(
  'refund',
  (id) => `payments/${id}/refund`,
  (random) => (random.chance(0.3) ? {} : { amount: random.int(1, 500) / 100 }),
)
const ship = handle(
  'ship',
  (id) => `orders/${id}/ship`,
  () => ({}),
)
const deliver = handle(
  'deliver',
  (id) => `orders/${id}/deliver`,
  () => ({}),
)

const place = ({ goods, random }: Person) => ({
  product_id: random.pick(goods.products).product_id,
  store_id: random.pick(goods.stores),
})
const addStock: Act = async (person) => {
  const body = { ...place(person), quantity: person.random.int(1, 12), reason: 'delivery' }
  await carry(person, { what: 'add stock', path: '/api/v1/inventory/stock', body })
}
const adjust: Act = async (person) => {
  const adjustment = person.random.int(1, 6) * (person.random.chance(0.5) ? 1 : -1)
  const body = { ...place(person), adjustment, reason: 'count' }
  const path = '/api/v1/inventory/adjust'
  await carry(person, { what: 'adjust', method: 'PATCH', path, body })
}

const reserve: Act = async (person) => {
  const { random, known } = person
  const reservation_id = randomUUID()
  const lines = Array.from({ length: random.int(1, 2) }, () => ({
    ...place(person),
    quantity: random.int(1, 5),
  }))
  const body = { reservation_id, lines, ttl_seconds: random.int(1, 3) }
  const path = '/api/v1/inventory/reservations'
  const made = await carry(person, { what: 'reserve', path, body })
  if (made?.status === 201) remember(known.reservations, reservation_id)
}
/** Just before, at, or after the moment at which it expires. */
const endReservation: Act = async (person) => {
  const { random, known } = person
  if (known.reservations.length === 0) return
  const id = random.pick(known.reservations.slice(-20))
  const verb = random.pick(['release', 'commit'])
  const path = `/api/v1/inventory/reservations/${id}/${verb}`
  await carry(person, { what: verb, path, body: {} })
}

const offend: Act = async ({ clients, random, goods }) =>
  clients.offend(random.pick(offences(goods)), random)

const ACTS: readonly (readonly [weight: number, Act])[] = [
  [40, order],
  [8, cancel],
  [6, refund],
  [8, ship],
  [5, deliver],
  [8, addStock],
  [4, adjust],
  [8, reserve],
  [6, endReservation],
  [3, offend],
  ...TILL_ACTS,
  ...CLERKS_ACTS,
]

function weighted<T>(all: readonly (readonly [weight: number, T])[], random: Random): T {
  let left = random.next() * all.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, one] of all) {
    left -= weight
    if (left < 0) return one
  }
  return all[0]![1]
}
