// Those who use the shop: they order, pay, change their minds, ship, give money back, correct the
// stock and reserve by hand; they repeat what got no answer, and sometimes what did.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Outcome, SendMeta } from '#kernel/waiting.ts'
import { takeApart } from './order-deeds.ts'
import type { Process } from './process.ts'
import { on, type Processes, within } from './processes.ts'
import { changeItems, customerOf, newWares, shopDeeds, streetOf, type Wares } from './shop-deeds.ts'
import { sometimes, type Told, type World } from './world.ts'

export type Clients = { run(): Promise<void>; readonly commands: () => number }

const ANSWER_WITHIN_MS = 3_000
const TRIES_MAX = 6
const TRY_AGAIN_MS = 150

/** What clients know of what is there. */
type Known = {
  readonly products: readonly string[]
  readonly orders: string[]
  readonly reservations: string[]
  readonly stores: readonly string[]
  readonly wares: Wares
}
type Client = {
  readonly world: World
  readonly processes: Processes
  readonly known: Known
  readonly name: string
}

export function clientsOf(world: World, processes: Processes): Clients {
  const { swarm } = world
  const known: Known = {
    products: Array.from({ length: swarm.products }, () => randomUUID()),
    orders: [],
    reservations: [],
    // There is more to do with shelves where goods can be sent.
    stores: world.random.chance(swarm.features.shelves ? 0.7 : 0.4)
      ? [MAIN_STORE_ID, randomUUID()]
      : [MAIN_STORE_ID],
    wares: newWares(),
  }
  return {
    commands: () => world.sent.size,
    async run() {
      await furnish({ world, processes, known, name: 'opener' })
      const clients = Array.from({ length: swarm.clients }, async (_, number) => {
        const client = { world, processes, known, name: `c${number}` }
        await introduce(client)
        for (let at = 0; at < swarm.operations; at++) {
          await sleep(world.random.int(0, swarm.thinkMs))
          await oneDeed(client)
        }
      })
      await Promise.all(clients)
    },
  }
}

/** Something to sell, until it is there. */
async function furnish(client: Client): Promise<void> {
  const { world, known } = client
  for (const store_id of known.stores)
    if (store_id !== MAIN_STORE_ID) await insist(client, 'CreateStore', { store_id, name: 'North' })
  for (const [at, product_id] of known.products.entries()) {
    const about = { product_id, code: `P${at}`, name: `Thing ${at}`, sell_price: '7.50' }
    await insist(client, 'CreateProduct', { ...about, currency: 'USD' })
    for (const store_id of known.stores) {
      const quantity = String(world.swarm.stock)
      await insist(client, 'CreateInventory', { product_id, store_id, quantity })
    }
  }
}

/** Only registered customers may buy on account. */
async function introduce(client: Client): Promise<void> {
  if (!client.world.swarm.features.tills) return
  const about = { name: `Name of ${client.name}`, credit_limit: '30' }
  await insist(client, 'RegisterCustomer', { customer_id: customerOf(client.name), ...about })
}

async function insist(client: Client, type: string, input: object): Promise<void> {
  const id = randomUUID()
  for (;;) {
    const told = await sendOnce(client, type, input, { command_id: id })
    if (told?.ok === true || told?.rejection.code === 'already_exists') return
    if (told?.rejection.code === 'validation_failed') throw new Error(`${type} is refused`)
    await sleep(TRY_AGAIN_MS)
  }
}

// ── sending ───────────────────────────────────────────────────────────────────────────────────

/** Under an id of its own, again and again until somebody has answered, or it is given up. */
async function send(
  client: Client,
  type: string,
  input: object,
  meta: SendMeta = {},
): Promise<Outcome | null> {
  const { world } = client
  const { random, swarm } = world
  const command_id = randomUUID()
  const once = (what: object = input) => sendOnce(client, type, what, { ...meta, command_id })
  const repeats = swarm.features.repeats
  if (repeats && random.chance(0.15)) {
    const [first] = await Promise.all([once(), once()])
    return first
  }
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    const told = await once()
    if (told !== null) {
      if (repeats && random.chance(0.2)) await once()
      if (repeats && random.chance(0.05)) await once({ ...input, ...OTHER[type] })
      return told
    }
    if (random.chance(0.15)) return null
    await sleep(random.int(1, TRY_AGAIN_MS))
  }
  return null
}
/** What would make it another request. */
const OTHER: Readonly<Record<string, object>> = {
  CreateOrder: { notes: 'another' },
  CancelOrder: { reason: 'another' },
  AdjustInventory: { reason: 'another' },
  AddStock: { reason: 'another' },
  ReleaseInventory: { reason: 'another' },
}

async function sendOnce(
  client: Client,
  type: string,
  input: object,
  meta: SendMeta & { readonly command_id: string },
): Promise<Outcome | null> {
  const { world, processes, name } = client
  const process = anybody(world, processes)
  if (process === null) {
    await sleep(TRY_AGAIN_MS)
    return null
  }
  const id = meta.command_id
  const text = JSON.stringify(input)
  const sent = world.sent.get(`${id} ${text}`) ?? { id, type, input: text, told: [] }
  world.sent.set(`${id} ${text}`, sent)
  const { owner, left } = process
  const outcome = await within(
    ANSWER_WITHIN_MS,
    on(world, owner, `${name} ${type}`, left, () => process.send(type, input, meta)),
  ).catch(() => null)
  sent.told.push(toldOf(outcome))
  world.scheduler.note(`${name} ${type} was told ${spoken(outcome)}`)
  noteTold(world, outcome)
  return outcome
}

function anybody({ random }: World, processes: Processes): Process | null {
  const running = processes.running()
  return running.length === 0 ? null : random.pick(running)
}

function toldOf(outcome: Outcome | null): Told {
  if (outcome === null) return { what: 'unknown' }
  if (!outcome.ok) return { what: 'refused', code: outcome.rejection.code }
  const { response, position, version } = outcome
  return { what: 'done', answer: JSON.stringify([response, position, version]), position }
}
const spoken = (outcome: Outcome | null): string =>
  outcome === null
    ? 'nothing'
    : outcome.ok
      ? `yes at ${outcome.position}${outcome.replayed ? ', again' : ''}`
      : `no: ${outcome.rejection.code}`

function noteTold(world: World, outcome: Outcome | null) {
  if (outcome?.ok === true && outcome.replayed)
    sometimes(world, 'a repeated command was answered from its record')
  if (outcome?.ok !== false) return
  const { code, message, details } = outcome.rejection
  if (code === 'idempotency_key_reused')
    sometimes(world, 'a key was used for another request and refused')
  if (code === 'concurrency_conflict' && details?.current_version !== undefined)
    sometimes(world, 'a version that was expected had passed')
  if (message.startsWith('The time to pay is over')) sometimes(world, 'a payer came too late')
}

// ── what they do ──────────────────────────────────────────────────────────────────────────────

type Deed = (client: Client) => Promise<void>

async function oneDeed(client: Client): Promise<void> {
  const { random, swarm } = client.world
  const { features } = swarm
  const clerks = shopDeeds(features, client.known.stores).map(
    ([weight, deed]) => [weight, (one: Client) => deed(clerkOf(one))] as const,
  )
  const customers: readonly (readonly [weight: number, deed: Deed])[] = [
    [3, onOrder('CancelOrder')],
    [3, onOrder('ShipOrder')],
    [1, onOrder('DeliverOrder')],
    [2, moveMoney],
    [1, describeProduct],
    [features['late payers'] ? 7 : 0, pay],
    [features.webhooks ? 2 : 0, notice],
    [1, onSaga],
    [features['orders in parts'] ? 5 : 0, apart],
  ]
  const deeds: readonly (readonly [weight: number, deed: Deed])[] = [
    [features['busy clerks'] ? 4 : 8, placeOrder],
    ...(features['busy clerks'] ? [] : customers),
    ...clerks,
  ]
  let left = random.next() * deeds.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, deed] of deeds) {
    left -= weight
    if (left < 0) return await deed(client)
  }
}

const clerkOf = (client: Client) => ({
  world: client.world,
  name: client.name,
  wares: client.known.wares,
  reservations: client.known.reservations,
  stores: client.known.stores,
  aProduct: () => aProduct(client),
  anOrder: () => anOrder(client),
  send: (type: string, input: object) => send(client, type, input),
})

/** Mostly the same few, where that is a feature. */
const aProduct = ({ world: { random, swarm }, known: { products } }: Client): string =>
  swarm.features.skew ? products[0]! : random.pick(products)
const placeOrder: Deed = async (client) => {
  const { world, known } = client
  const { random, swarm } = world
  const order_id = randomUUID()
  known.orders.push(order_id)
  const items = Array.from({ length: random.int(1, 3) }, () => ({
    product_id: aProduct(client),
    quantity: String(random.int(1, 2)),
  }))
  const isPaid = !swarm.features['late payers'] || random.chance(0.5)
  const payment = isPaid ? { payment: { method: 'credit_card', token: 'tok' } } : {}
  const store_id = random.pick(known.stores)
  const { erasures } = swarm.features
  const outcome = await send(client, 'CreateOrder', {
    order_id,
    customer_id: customerOf(client.name),
    store_id,
    items,
    ...payment,
    ...(erasures ? { shipping_address: { street: streetOf(order_id) } } : {}),
  })
  if (outcome?.ok !== true) return
  if (swarm.features['changed orders'] && random.chance(0.3))
    await changeItems(clerkOf(client), order_id)
  if (random.chance(0.3)) await look(client, order_id, outcome.position)
  if (random.chance(swarm.features['orders in parts'] ? 0.7 : 0.4)) await follow(client, order_id)
}

/** Later, when it has perhaps come as far as that. */
async function follow(client: Client, order_id: string): Promise<void> {
  const { random, swarm } = client.world
  await sleep(random.int(50, 1_500))
  if (swarm.features['orders in parts'] && random.chance(0.5))
    return await apartOf(client, order_id)
  const type = random.pick(['ShipOrder', 'ShipOrder', 'CancelOrder', 'RefundPayment'])
  await send(client, type, type === 'RefundPayment' ? { payment_id: order_id } : { order_id })
  if (type !== 'ShipOrder' || random.chance(0.5)) return
  await send(client, 'RefundPayment', { payment_id: order_id, amount: '1.25' })
}

/** Reads what was just written. */
async function look({ world, processes }: Client, order_id: string, minPosition: number) {
  const process = anybody(world, processes)
  if (process === null) return
  const answer = await within(
    ANSWER_WITHIN_MS,
    on(world, process.owner, 'GetOrder', process.left, () =>
      process.ask(
        'GetOrder',
        { order_id },
        world.brokenPart === 'answers-too-early' ? {} : { minPosition },
      ),
    ),
  ).catch(() => null)
  if (answer?.ok !== true) return
  const row = answer.result as { readonly version: number } | null
  world.seen.push({ order_id, minPosition, version: row?.version ?? null })
  sometimes(world, 'a query waited for its own write')
}

const onOrder =
  (type: string): Deed =>
  async (client) => {
    const order_id = anOrder(client)
    if (order_id !== null) await send(client, type, { order_id })
  }
const anOrder = ({ world: { random }, known: { orders } }: Client): string | null =>
  orders.length === 0 ? null : random.pick(orders.slice(-4))

const apart: Deed = async (client) => {
  const order_id = anOrder(client)
  if (order_id !== null) await apartOf(client, order_id)
}
const apartOf = (client: Client, order_id: string) =>
  takeApart(client.world, order_id, (type, input) => send(client, type, input))

const pay: Deed = async (client) => {
  const order_id = anOrder(client)
  if (order_id === null) return
  const { random } = client.world
  if (random.chance(0.15)) {
    const payment_id = `cash-${random.int(1, 1_000_000)}`
    await send(client, 'ConfirmPayment', { order_id, payment_id })
  } else
    await send(client, 'ProcessPayment', {
      payment_id: randomUUID(),
      order_id,
      method: 'credit_card',
    })
}

/** By hand, at a payment that was made with its order. */
const moveMoney: Deed = async (client) => {
  const payment_id = anOrder(client)
  if (payment_id === null) return
  const { random } = client.world
  const type = random.pick(['RefundPayment', 'RefundPayment', 'CapturePayment', 'VoidPayment'])
  const amount = type === 'VoidPayment' || random.chance(0.5) ? {} : { amount: '2.25' }
  await send(client, type, { payment_id, ...amount })
}

/** Sometimes on top of a version that is old. */
const describeProduct: Deed = async (client) => {
  const { random } = client.world
  const expected_version = random.int(1, 4)
  const input = { product_id: aProduct(client), name: `Thing ${random.int(1, 1_000)}` }
  await send(client, 'UpdateProductDetails', input, random.chance(0.7) ? { expected_version } : {})
}

/** The provider's word that there is news, true or not, once or twice. */
const notice: Deed = async (client) => {
  const order_id = anOrder(client)
  if (order_id === null) return
  const { random, stores } = client.world
  const kind = random.pick(['authorize:1', 'capture:2', 'void:2', 'refund:3'])
  const operation_id = `${order_id}:${kind}`
  const signature = random.chance(0.9) ? stores.provider.sign(operation_id) : 'forged'
  await send(client, 'RecordProviderEvent', { provider: 'simulator', operation_id, signature })
}

/** An operator who is in a hurry. */
const onSaga: Deed = async (client) => {
  const saga_id = anOrder(client)
  if (saga_id === null) return
  if (client.world.random.chance(0.6)) await send(client, 'RetrySaga', { saga_id })
  else await send(client, 'CompensateSaga', { saga_id, reason: 'on the phone' })
}
