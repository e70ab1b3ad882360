// What clerks do all day: they ring up and take back at tills, fill and count drawers, send goods
// between stores, count shelves, change prices, and forget whoever asks for it.
import { randomUUID } from 'node:crypto'
import type { Outcome } from '#kernel/waiting.ts'
import { OFFLINE } from '#testing/till-book.ts'
import type { Feature } from './swarm.ts'
import type { World } from './world.ts'

/** What clerks know of each other's work. */
export type Wares = {
  readonly sales: { readonly sale_id: string; readonly lines: number }[]
  readonly transfers: { readonly transfer_id: string; readonly product_id: string }[]
  readonly counts: string[]
}
export const newWares = (): Wares => ({ sales: [], transfers: [], counts: [] })

export type Clerk = {
  readonly world: World
  readonly name: string
  readonly wares: Wares
  readonly stores: readonly string[]
  readonly reservations: string[]
  aProduct(): string
  anOrder(): string | null
  send(type: string, input: object): Promise<Outcome | null>
}
type Deed = (clerk: Clerk) => Promise<void>

const HOUR_MS = 3_600_000
const ago = ({ world }: Clerk, ms: number) => new Date(world.scheduler.wall() - ms).toISOString()

/** For whom things are written on account, and whose orders have an address. */
export const customerOf = (name: string) => `customer-${name}`
export const streetOf = (order_id: string) => `street ${order_id}`

const aPlace = (clerk: Clerk) => ({
  product_id: clerk.aProduct(),
  store_id: clerk.world.random.pick(clerk.stores),
})
const tillOf = ({ world: { random }, stores }: Clerk) => ({
  store_id: random.pick(stores),
  register_id: 'a',
})

const sell: Deed = async (clerk) => {
  const { world, wares } = clerk
  const { random } = world
  const sale_id = randomUUID()
  const lines = random.int(1, 2)
  const items = Array.from({ length: lines }, () => ({
    product_id: clerk.aProduct(),
    quantity: String(random.int(1, 2)),
  }))
  const isLate = random.chance(0.25)
  const payment_type = random.pick(['cash', 'cash', 'credit', 'card'])
  const done = await clerk.send('ProcessSale', {
    ...{ sale_id, items, ...tillOf(clerk), payment_type },
    ...(payment_type === 'credit' ? { customer_id: customerOf(clerk.name) } : {}),
    ...(isLate ? { device_id: OFFLINE, occurred_at: ago(clerk, HOUR_MS) } : {}),
  })
  if (done?.ok === true) wares.sales.push({ sale_id, lines })
}

const bringBack: Deed = async ({ world: { random }, wares, send }) => {
  if (wares.sales.length === 0) return
  const { sale_id, lines } = random.pick(wares.sales.slice(-3))
  const line = { line: random.int(1, lines), quantity: '1', restock: random.chance(0.7) }
  await send('RefundSale', { sale_id, refund_id: randomUUID(), lines: [line] })
}

const drawer: Deed = async (clerk) => {
  const { random } = clerk.world
  const till = tillOf(clerk)
  const amount = random.pick(['5', '7.5', '20'])
  const [type, more] = random.pick([
    ['OpenCashSession', { session_id: randomUUID(), float: amount }],
    ['OpenCashSession', { session_id: randomUUID(), float: '0' }],
    ['MoveCash', { direction: 'in', amount, reason: 'change', customer_id: payerOf(clerk) }],
    ['MoveCash', { direction: 'out', amount, reason: 'to the bank' }],
    ['CloseCashSession', { counted: amount }],
  ] as const)
  await clerk.send(type, { ...till, ...more })
}
const payerOf = ({ name, world: { random } }: Clerk) =>
  random.chance(0.5) ? customerOf(name) : undefined

const payOff: Deed = async ({ name, world: { random }, send }) => {
  const amount = random.pick(['1', '7.5', '30'])
  await send('ReceiveCustomerPayment', { customer_id: customerOf(name), amount })
}

const startTransfer: Deed = async (clerk) => {
  const { world, stores, wares } = clerk
  const [from, to] = world.random.chance(0.5) ? [0, 1] : [1, 0]
  const transfer_id = randomUUID()
  const product_id = clerk.aProduct()
  const told = world.random.chance(0.2) ? { occurred_at: ago(clerk, HOUR_MS) } : {}
  const sent = await clerk.send('StartTransfer', {
    ...{ transfer_id, from_store_id: stores[from], to_store_id: stores[to] },
    lines: [{ product_id, quantity: String(world.random.int(1, 4)) }],
    ...told,
  })
  if (sent?.ok === true) wares.transfers.push({ transfer_id, product_id })
}

/** A part of it comes, or the rest, or it is called back; two do that at once now and then. */
const endTransfer: Deed = async ({ world: { random }, wares, send }) => {
  if (wares.transfers.length === 0) return
  const { transfer_id, product_id } = random.pick(wares.transfers.slice(-2))
  const part = { product_id, received: '1', damaged: random.pick(['0', '0', '1']) }
  const [type, more] = random.pick([
    ['ReceiveTransfer', { lines: [part] }],
    ['ReceiveTransfer', { lines: [part] }],
    ['ReceiveTransfer', { lines: [part], close: true }],
    ['ReceiveTransfer', {}],
    ['CancelTransfer', {}],
  ] as const)
  await send(type, { transfer_id, ...more })
}

const count: Deed = async (clerk) => {
  const { world, wares, stores, send } = clerk
  const { random } = world
  if (wares.counts.length === 0 || random.chance(0.2)) {
    const count_id = randomUUID()
    const begun = await send('StartStockCount', { count_id, store_id: random.pick(stores) })
    if (begun?.ok !== true) return
    wares.counts.push(count_id)
  }
  const count_id = wares.counts.at(-1)!
  if (random.chance(0.1)) return void (await send('CompleteStockCount', { count_id }))
  const told = random.chance(0.3) ? { occurred_at: ago(clerk, random.int(1, 3_000)) } : {}
  const counted = String(random.int(0, world.swarm.stock + 1))
  await send('RecordCount', { count_id, product_id: clerk.aProduct(), counted, ...told })
}

/** Mostly less: more than is being paid for is refused. */
const changeOrder: Deed = async (clerk) => {
  const order_id = clerk.anOrder()
  if (order_id !== null) await changeItems(clerk, order_id)
}
export async function changeItems(clerk: Clerk, order_id: string): Promise<void> {
  const items = [{ product_id: clerk.aProduct(), quantity: '1' }]
  await clerk.send('UpdateOrder', { order_id, items })
}

const changePrice: Deed = async (clerk) => {
  const { random } = clerk.world
  const sell_price = random.pick(['5', '7.5', '9.99'])
  const later = random.chance(0.5) ? { effective_at: ago(clerk, -random.int(1, 2_000)) } : {}
  await clerk.send('UpdateProductPrice', { product_id: clerk.aProduct(), sell_price, ...later })
}

const forget: Deed = async ({ name, world: { random }, send }) => {
  await send('EraseCustomer', { customer_id: customerOf(name), force: random.chance(0.8) })
}

const changeStock: Deed = async (clerk) => {
  const { random } = clerk.world
  const place = aPlace(clerk)
  if (random.chance(0.4))
    await clerk.send('AddStock', { ...place, quantity: String(random.int(1, 3)) })
  else await clerk.send('AdjustInventory', { ...place, adjustment: random.pick(['-2', '-1', '1']) })
}

const recordReturn: Deed = async (clerk) => {
  const { random } = clerk.world
  await clerk.send('RecordReturn', {
    return_id: randomUUID(),
    reference: `R${random.int(1, 99)}`,
    customer_id: customerOf(clerk.name),
    country: null,
    currency: 'USD',
    cause: 'broken',
    original_order_id: clerk.anOrder(),
    lines: [
      {
        product_id: clerk.aProduct(),
        code: 'P0',
        quantity: -1,
        quantity_scale: 0,
        unit_price_minor: 750,
      },
    ],
  })
}

const reserve: Deed = async (clerk) => {
  const { random } = clerk.world
  const reservation_id = randomUUID()
  clerk.reservations.push(reservation_id)
  const ttl = random.chance(0.7) ? { ttl_seconds: random.int(1, 3) } : {}
  const lines = Array.from({ length: random.int(1, 2) }, () => ({
    ...aPlace(clerk),
    quantity: String(random.int(1, 2)),
  }))
  await clerk.send('ReserveInventory', { reservation_id, lines, ...ttl })
}

const onReservation: Deed = async (clerk) => {
  const { random, scheduler } = clerk.world
  const { reservations } = clerk
  if (reservations.length === 0) return
  const reservation_id = random.pick(reservations.slice(-3))
  const until = new Date(scheduler.wall() + random.int(100, 3_000)).toISOString()
  const [type, more] = random.pick([
    ['ReleaseInventory', {}],
    ['CommitReservation', {}],
    ['ExtendReservation', { until }],
    ['ExtendReservation', { until: null }],
  ] as const)
  await clerk.send(type, { reservation_id, ...more })
}

type Deeds = readonly (readonly [weight: number, deed: Deed])[]

/** Each with its weight; nothing where its feature is off. */
export const shopDeeds = (
  features: Readonly<Record<Feature, boolean>>,
  stores: readonly string[],
): Deeds => [
  [2, changeStock],
  [1, recordReturn],
  ...(features['hand reservations'] ? BY_HAND : []),
  ...(features.tills ? TILL : []),
  ...(features.shelves ? SHELVES : []),
  ...(features.shelves && stores.length > 1 ? BETWEEN_STORES : []),
  ...(features['changed orders'] ? ([[4, changeOrder]] as const) : []),
  ...(features.prices ? ([[2, changePrice]] as const) : []),
  ...(features.erasures ? ([[2, forget]] as const) : []),
]
const BY_HAND: Deeds = [
  [4, reserve],
  [3, onReservation],
]
const TILL: Deeds = [
  [4, sell],
  [3, bringBack],
  [4, drawer],
  [1, payOff],
]
const SHELVES: Deeds = [[3, count]]
const BETWEEN_STORES: Deeds = [
  [3, startTransfer],
  [5, endTransfer],
]
