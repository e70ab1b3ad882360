// What is done in a shop whose past is asked for: everything once, in an order that works, so that
// nothing is left to chance; then much of it as chance has it.
import type { Random } from '#testing/random.ts'
import type { Json, Trader } from './known-shop-fixture.ts'

export type Goods = {
  readonly products: readonly string[]
  readonly stores: readonly string[]
  /** Whom the shop will be asked to forget: a customer, a user, a guest's order. */
  readonly people: { readonly customers: string[]; readonly users: string[] }
}
/** Moves the time on, or lets everything happen that is due. */
type Passing = {
  readonly settle: () => Promise<void>
  readonly advance: (ms: number) => void
  readonly now: () => string
}

const DAY_MS = 86_400_000
/** Begins every word that tells of a person; no other text has it. */
const TELLS = 'Quillfeather'
/** A word about this person. */
const wordOf = (person: string) => `${TELLS}-${person}-`

const addressOf = (who: string) => ({
  name: `${wordOf(who)}`,
  ...{ street: `${wordOf(who)} Street`, city: 'York', zip: '1', country: 'GB' },
})
const profileOf = (who: string) => ({
  name: wordOf(who),
  email: `${wordOf(who)}@example.org`,
  phone: `+44 ${wordOf(who)}`,
  notes: `${wordOf(who)} limps`,
  addresses: [addressOf(who)],
})

export async function openGoods({ must }: Trader): Promise<Goods> {
  const department = await must('POST', 'departments', { name: 'Kitchen' })
  const unit = await must('POST', 'units', { name: 'kg', precision: 3 })
  const { store_id } = await must('POST', 'stores', { name: 'Harbour', timezone: 'Asia/Tokyo' })
  const product = async (code: string, more: object) => {
    const { department_id } = department
    const fields = { code, name: code, sell_price: '5.00', cost_price: '2.00', currency: 'USD' }
    const made = await must('POST', 'products', { ...fields, department_id, ...more })
    return made.product_id as string
  }
  const products = [
    await product('CUP', { min_stock: '3' }),
    await product('TEA', { sell_price: '3.33', unit_id: unit.unit_id, tax_class: 'reduced' }),
    await product('RUG', { currency: 'EUR', cost_price: '1.10' }),
  ]
  for (const product_id of products) {
    await must('POST', 'inventory/stock', { product_id, quantity: '60', reason: 'first' })
    await must('POST', 'inventory/stock', { product_id, store_id, quantity: '40' })
    await must('PATCH', `inventory/${product_id}`, { backorder_limit: '9', location: 'A1' })
  }
  const people = { customers: ['zoe', 'yan', 'xia'], users: [] as string[] }
  for (const customer_id of people.customers)
    await must('POST', 'customers', { customer_id, ...profileOf(customer_id), credit_limit: '90' })
  for (const name of ['uwe', 'tom']) {
    const user = { name: wordOf(name), email: `${wordOf(name)}@example.com`, age: 40 }
    people.users.push((await must('POST', 'users', user)).user_id)
  }
  return { products, stores: ['main', store_id], people }
}

/** Everything that a shop does, once. */
export async function everythingOnce(trader: Trader, goods: Goods, passing: Passing) {
  await changedGoods(trader, goods, passing)
  await workedStock(trader, goods, passing)
  await soldAtTill(trader, goods, passing)
  await takenOrders(trader, goods, passing)
  await keptPeople(trader, goods)
}

async function changedGoods({ must }: Trader, { products, stores }: Goods, passing: Passing) {
  const [cup, tea, rug] = products
  const { department_id } = await must('POST', 'departments', { name: 'Gardn' })
  await must('PATCH', `departments/${department_id}`, { name: 'Garden' })
  await must('PATCH', `products/${cup}/details`, { department_id, name: 'Big cup' })
  await must('PATCH', `products/${tea}`, { code: 'TEA-1' })
  await must('PATCH', `products/${tea}/price`, { sell_price: '3.50' })
  const at = (days: number) => new Date(Date.parse(passing.now()) + days * DAY_MS).toISOString()
  await must('PATCH', `products/${rug}/price`, { sell_price: '6.00', effective_at: at(1) })
  const later = { sell_price: '7.00', effective_at: at(9) }
  const planned = await must('PATCH', `products/${rug}/price`, later)
  await must(
    'DELETE',
    `products/${rug}/scheduled-prices/${planned.scheduled_prices.at(-1).schedule_id}`,
  )
  await must('PATCH', 'stores/main', { name: 'Market', timezone: 'Europe/Berlin' })
  await must('PATCH', `stores/${stores[1]}`, { name: 'Harbour Street' })
  const closed = await must('POST', 'stores', { name: 'Shed', kind: 'warehouse' })
  await must('DELETE', `stores/${closed.store_id}`)
  const gone = await must('POST', 'products', { code: 'OLD', name: 'Old', sell_price: '1' })
  await must('DELETE', `products/${gone.product_id}`)
  await must('POST', `products/${gone.product_id}/restore`)
  await passing.settle()
}

async function workedStock({ must, send }: Trader, { products, stores }: Goods, passing: Passing) {
  const [cup, tea, rug] = products
  const [main, other] = stores
  await must('PATCH', 'inventory/adjust', { product_id: rug, adjustment: '-2', reason: 'moths' })
  await must('PUT', `products/${rug}/stock`, { quantity: '57', reason: 'told' })
  const lines = [{ product_id: cup, quantity: '6' }]
  const held = await must('POST', 'inventory/reservations', { lines, ttl_seconds: 900 })
  const path = `inventory/reservations/${held.reservation_id}`
  await must('POST', `${path}/release-stock`, { product_id: cup, quantity: '1' })
  await must('POST', `${path}/commit`, { lines: [{ product_id: cup, quantity: '2' }] })
  await must('POST', `${path}/extend`, {
    until: new Date(Date.parse(passing.now()) + DAY_MS).toISOString(),
  })
  await must('POST', `${path}/release`, { reason: 'changed mind' })
  await must('POST', 'inventory/reservations', { lines, ttl_seconds: 3_600 })
  const moved = { from_store_id: main, to_store_id: other }
  const sent = [
    { product_id: cup, quantity: '4' },
    { product_id: tea, quantity: '1.5' },
  ]
  const { transfer_id } = await must('POST', 'transfers', { ...moved, lines: sent })
  const came = [{ product_id: cup, received: '2', damaged: '1' }]
  await must('POST', `transfers/${transfer_id}/receive`, { lines: came })
  await must('POST', `transfers/${transfer_id}/receive`, { close: true })
  const back = await must('POST', 'transfers', { ...moved, lines })
  await must('POST', `transfers/${back.transfer_id}/cancel`, { reason: 'rain' })
  const { count_id } = await must('POST', 'stock-counts', { store_id: other })
  const counted = [
    { product_id: cup, counted: '40' },
    { product_id: rug, counted: '41' },
  ]
  await must('POST', `stock-counts/${count_id}/counts`, { lines: counted })
  await must('POST', `stock-counts/${count_id}/complete`)
  // More than is there: somebody's work.
  await must('POST', 'sales', {
    items: [{ product_id: tea, quantity: '75' }],
    payment_type: 'cash',
  })
  await passing.settle()
  const found = await send('POST', 'inventory/stock', { product_id: tea, quantity: '90' })
  return found
}

async function soldAtTill({ must }: Trader, { products, stores }: Goods, passing: Passing) {
  const [cup, tea, rug] = products
  const till = { register_id: 'till1', store_id: stores[1] }
  const cash = `registers/till1/session`
  await must('POST', cash, { ...till, register_id: undefined, float: '50' })
  await must('POST', `${cash}/movements`, {
    store_id: stores[1],
    direction: 'out',
    amount: '5',
    reason: 'milk',
  })
  const items = [
    { product_id: cup, quantity: '2' },
    { product_id: tea, quantity: '0.25' },
  ]
  const sold = await must('POST', 'sales', { ...till, items, payment_type: 'cash' })
  await must('POST', 'sales', { ...till, items, customer_id: 'zoe', payment_type: 'credit' })
  const some = { lines: [{ line: 1, quantity: '1' }], cause: 'cracked', ...till }
  await must('POST', `sales/${sold.sale_id}/refund`, some)
  const rugs = { items: [{ product_id: rug, quantity: '1' }], currency: 'EUR' }
  await must('POST', 'sales', { ...rugs, payment_type: 'card' })
  const mine = {
    items,
    customer_id: 'yan',
    tenders: [{ type: 'cash', amount: '4' }, { type: 'credit' }],
  }
  const split = await must('POST', 'sales', { ...till, ...mine })
  await must('POST', `sales/${split.sale_id}/refund`, {
    cause: `${wordOf('yan')} brought it`,
    tenders: [{ type: 'cash', amount: '4' }, { type: 'credit' }],
    ...till,
  })
  const begun = await must('POST', 'sales/start', { ...till, customer_id: 'xia' })
  const path = `sales/${begun.sale_id}`
  await must('POST', `${path}/items`, items[0])
  await must('POST', `${path}/items`, items[1])
  await must('DELETE', `${path}/items/2`)
  await must('POST', `${path}/suspend`, { reason: 'purse' })
  await must('POST', `${path}/resume`, { register_id: 'till1' })
  await must('POST', `${path}/complete`, { payment_type: 'cash', paid_amount: '50' })
  const left = await must('POST', 'sales/start', till)
  await must('POST', `sales/${left.sale_id}/void`, { reason: 'left' })
  const loose = { items: [{ product_id: cup, quantity: '1' }], tender: 'cash', cause: 'no receipt' }
  await must('POST', 'sales/refunds', { ...till, ...loose })
  await must('POST', `${cash}/close`, { store_id: stores[1], counted: '49' })
  await passing.settle()
}

async function takenOrders({ must }: Trader, { products, people }: Goods, passing: Passing) {
  const [cup, tea] = products
  const items = [
    { product_id: cup, quantity: '4' },
    { product_id: tea, quantity: '1.5' },
  ]
  const one = [{ line: 1, quantity: '1' }]
  const payment = { method: 'upi' }
  const placed = async (who: string, more: object) => {
    const whose = { shipping_address: addressOf(who), notes: `${wordOf(who)} has a dog` }
    const made = await must('POST', 'orders', { items, ...whose, ...more })
    return made.order_id as string
  }
  const sent = await placed('zoe', { customer_id: 'zoe', payment })
  const partly = await placed('yan', { customer_id: 'yan', user_id: people.users[0], payment })
  const left = await placed('xia', { customer_id: 'xia', payment })
  const open = await placed('guest', {
    customer_id: 'guest',
    discounts: [{ name: 'Spring', percent: '10' }],
  })
  await must('PATCH', `orders/${open}`, { notes: `${wordOf('guest')} is early` })
  await passing.settle()
  await must('POST', `orders/${partly}/cancel-lines`, { lines: one, reason: 'enough' })
  await must('POST', `orders/${sent}/ship`)
  const shipment = await must('POST', 'shipments', { order_id: partly, lines: one })
  await passing.settle()
  await must('POST', `shipments/${shipment.shipment_id}/label`)
  await passing.settle()
  await must('POST', `shipments/${shipment.shipment_id}/ship`)
  await must('POST', `orders/${left}/cancel`, { reason: `${wordOf('xia')} moved` })
  await passing.settle()
  await must('POST', `orders/${sent}/deliver`)
  const asked = await must('POST', `orders/${sent}/returns`, { lines: one, reason: 'too big' })
  await must('POST', `returns/${asked.return_id}/receive`, { lines: one })
  const more = await must('POST', `orders/${sent}/returns`, { lines: one, reason: 'too red' })
  await must('POST', `returns/${more.return_id}/close`, { reason: `${wordOf('zoe')} keeps it` })
  await passing.settle()
}

async function keptPeople({ must }: Trader, { people }: Goods) {
  const reason = `${wordOf('zoe')} asked for it`
  await must('PUT', 'customers/zoe/credit-limit', { credit_limit: '80', reason })
  await must('POST', 'customers/zoe/balance/adjustments', { amount: '3', reason })
  await must('POST', 'customers/zoe/payments', { amount: '2', reference: 'T-1' })
  await must('PATCH', 'customers/zoe', { name: `${wordOf('zoe')}married` })
  await must('PATCH', `users/${people.users[0]}`, { age: 41 })
  await must('POST', 'customers', { customer_id: 'was', name: 'Was here' })
  await must('DELETE', 'customers/was')
  await must('POST', 'customers/was/restore')
  const url = 'https://hooks.example.org/in'
  const { webhook_id } = await must('POST', 'admin/webhooks', { url, event_types: ['Order*'] })
  await must('PATCH', `admin/webhooks/${webhook_id}`, { active: false })
}

// ── as chance has it ──────────────────────────────────────────────────────────────────────────

type Ids = (name: string) => readonly string[]

type Chance = { readonly random: Random; readonly ids: Ids }
type Deed = () => Promise<Json | null>

/** Deeds on whatever is known by now; what is refused is a part of it. */
export const randomDeeds = (trader: Trader, goods: Goods, chance: Chance): readonly Deed[] => {
  const drawn = drawnFrom(goods, chance)
  return [...ofOrders(trader, drawn), ...atTill(trader, drawn), ...ofGoods(trader, drawn)]
}

type Drawn = ReturnType<typeof drawnFrom>
function drawnFrom({ products, stores, people }: Goods, { random, ids }: Chance) {
  const product_id = () => random.pick(products.slice(0, 2))
  const store_id = () => random.pick(stores)
  return {
    random,
    product_id,
    store_id,
    stores: () => random.shuffled(stores),
    one: (name: string) => random.pick(['none', ...ids(name)]),
    some: () => ({ product_id: product_id(), quantity: String(random.int(1, 5)) }),
    line: () => [{ line: random.int(1, 2), quantity: '1' }],
    customer: () => random.pick(people.customers),
    till: () => ({ register_id: random.pick(['till1', 'till2']), store_id: store_id() }),
  }
}

function ofOrders({ send }: Trader, { random, one, some, line, customer }: Drawn): readonly Deed[] {
  const order = (deed: string, body: object = {}) =>
    send('POST', `orders/${one('order_id')}/${deed}`, body)
  return [
    () => {
      const who = customer()
      const paid = random.chance(0.7) ? { payment: { method: 'upi' } } : {}
      const whose = { shipping_address: addressOf(who), customer_id: who }
      return send('POST', 'orders', { items: [some(), some()], ...whose, ...paid })
    },
    () => send('PATCH', `orders/${one('order_id')}`, { items: [some()] }),
    () => order('cancel', { reason: 'none' }),
    () => order('cancel-lines', { lines: line(), reason: 'less' }),
    () => order('ship'),
    () => order('returns', { lines: line(), reason: 'torn' }),
    () => order('confirm-payment', { payment_id: `bank-${random.int(1, 9)}` }),
    () => send('POST', `returns/${one('return_id')}/receive`, { lines: line() }),
    () => send('POST', `payments/${one('payment_id')}/refund`, { amount: '1', reason: 'kind' }),
    () => send('POST', 'shipments', { order_id: one('order_id'), lines: line() }),
    () => send('POST', `shipments/${one('shipment_id')}/ship`),
    () => send('POST', `shipments/${one('shipment_id')}/deliver`),
  ]
}

function atTill(
  { send }: Trader,
  { one, some, line, customer, till, store_id, random }: Drawn,
): readonly Deed[] {
  const session = (deed: string, body: object) => {
    const { register_id, ...place } = till()
    return send('POST', `registers/${register_id}/session${deed}`, { ...place, ...body })
  }
  return [
    () => send('POST', 'sales', { ...till(), items: [some()], payment_type: 'cash' }),
    () => {
      const sale = { ...till(), items: [some(), some()], customer_id: customer() }
      return send('POST', 'sales', { ...sale, payment_type: 'credit' })
    },
    () => send('POST', `sales/${one('sale_id')}/refund`, { ...till(), lines: line() }),
    () => send('POST', `sales/${one('sale_id')}/void`, { reason: 'typed wrongly' }),
    () => session('', { float: '9' }),
    () => session('/close', { counted: '9', reason: 'counted' }),
    () => send('POST', `customers/${customer()}/payments`, { amount: String(random.int(1, 9)) }),
    () => {
      const who = customer()
      return send('PATCH', `customers/${who}`, { name: `${wordOf(who)}${random.int(1, 99)}` })
    },
    () => send('PATCH', `stores/${store_id()}`, { name: `Place ${random.int(1, 99)}` }),
    () => send('PATCH', `admin/webhooks/${one('webhook_id')}`, { active: random.chance(0.5) }),
  ]
}

function ofGoods(
  { send }: Trader,
  { random, one, some, product_id, store_id, stores }: Drawn,
): readonly Deed[] {
  const here = () => ({ product_id: product_id(), store_id: store_id() })
  return [
    () => send('POST', 'inventory/stock', { ...some(), store_id: store_id() }),
    () => send('PATCH', 'inventory/adjust', { ...here(), adjustment: '-4', reason: 'broken' }),
    () => {
      const [from_store_id, to_store_id] = stores()
      return send('POST', 'transfers', { from_store_id, to_store_id, lines: [some()] })
    },
    () => send('POST', `transfers/${one('transfer_id')}/receive`),
    () => {
      const counted = { product_id: product_id(), counted: String(random.int(0, 60)) }
      return send('POST', `stock-counts/${one('count_id')}/counts`, counted)
    },
    () => send('POST', 'stock-counts', { store_id: store_id() }),
    () => {
      const path = `inventory/discrepancies/${one('discrepancy_id')}/resolve`
      return send('POST', path, { action: 'found', note: 'behind the shelf' })
    },
    () => send('PATCH', `products/${product_id()}/price`, { sell_price: `${random.int(2, 9)}.00` }),
    () => send('PATCH', `products/${product_id()}/details`, { name: `Name ${random.int(1, 99)}` }),
    () => send('PATCH', `products/${product_id()}/details`, { min_stock: `${random.int(0, 99)}` }),
    () => {
      const { product_id, ...place } = here()
      const min_stock = random.pick([null, String(random.int(1, 60))])
      return send('PATCH', `inventory/${product_id}`, { ...place, min_stock })
    },
  ]
}

/** Most of those whom the shop knows are forgotten, whatever is open. */
export async function forgetting({ must }: Trader, { people }: Goods) {
  for (const who of ['zoe', 'xia', 'guest'])
    await must('POST', `customers/${who}/erase`, { force: true })
  await must('POST', `users/${people.users[0]}/erase`, { force: true })
  const ids = new Set(['zoe', 'xia', 'guest', people.users[0]!])
  return { ids, words: ['zoe', 'xia', 'guest', 'uwe'].map(wordOf) }
}
