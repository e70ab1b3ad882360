// A small model of stock, reservations, orders and payments, written apart from the shop, against
// the real gateway: whatever is asked in whatever order, both say yes or no alike, for the same
// reason, and afterwards show the same numbers. The simulator's own book is the judge of the money.
// A failure prints the shortest way to it and the seed; SEED=… plays it again, MODEL=20 plays on.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { v7 } from 'uuid'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Row } from '#kernel/projection.ts'
import { seedOfRun } from '#testing/random.ts'
import { type ModelShop, openShop } from './model-shop.ts'

const SEED = seedOfRun()
const LENGTH = Number(process.env.MODEL ?? 1)
const RUNS = { memory: 25 * LENGTH, sqlite: 2 * LENGTH }
const COMMANDS_MAX = 60
const TTL_S = 600
const ORDER_TTL_MS = 900_000
const PRICES = [500, 333] as const
const STORES = [MAIN_STORE_ID, '01980000-0000-7000-8000-0000000000aa'] as const
const PRODUCTS = ['01980000-0000-7000-8000-0000000000b0', '01980000-0000-7000-8000-0000000000b1']
/** Of each product in each store; the last place is not opened yet. */
const AT_FIRST = [25, 6, 25, 0]
const SETTINGS = { 'reservation.ttl_ms': ORDER_TTL_MS, 'payments.capture_on': 'confirm' }

// ── the model ─────────────────────────────────────────────────────────────────────────────────

type Line = { readonly product: number; readonly store: number; readonly quantity: number }
type Place = { onHand: number; reserved: number; isOpen: boolean }
type Held = {
  status: 'ACTIVE' | 'COMMITTED' | 'RELEASED' | 'EXPIRED'
  lines: Line[]
  ends: number | null
}
type Payment = {
  readonly id: string
  captures: boolean
  authorized: number
  captured: number
  refunded: number
  voided: boolean
  capturing: number
  refunding: number
  voiding: boolean
}
type Order = {
  status: 'PENDING' | 'CONFIRMED' | 'SHIPPED' | 'DELIVERED' | 'CANCELLED'
  readonly lines: Line[]
  readonly total: number
  ends: number | null
  payment: Payment | null
  /** Stock is reserved for it. */
  holds: boolean
  /** Its saga has something to do. */
  moves: boolean
}
type Model = {
  readonly places: Place[]
  readonly held: Map<string, Held>
  readonly orders: Map<string, Order>
}
const newModel = (): Model => ({
  places: AT_FIRST.map((onHand) => ({ onHand, reserved: 0, isOpen: onHand > 0 })),
  held: new Map(),
  orders: new Map(),
})
const placeAt = ({ places }: Model, { product, store }: Omit<Line, 'quantity'>) =>
  places[product * 2 + store]!

/** Lines of one place together, in the order in which the places first come. */
function together(lines: readonly Line[]): Line[] {
  const found: Line[] = []
  for (const line of lines) {
    const at = found.findIndex((one) => one.product === line.product && one.store === line.store)
    if (at < 0) found.push(line)
    else found[at] = { ...line, quantity: found[at]!.quantity + line.quantity }
  }
  return found
}
const fits = (model: Model, lines: readonly Line[]) =>
  together(lines).every((line) => {
    const { onHand, reserved } = placeAt(model, line)
    return line.quantity <= onHand - reserved
  })
const reserve = (model: Model, lines: readonly Line[], sign: 1 | -1) => {
  for (const line of lines) placeAt(model, line).reserved += sign * line.quantity
}
const takeAway = (model: Model, lines: readonly Line[]) => {
  for (const line of lines) placeAt(model, line).onHand -= line.quantity
  reserve(model, lines, -1)
}
/** What was done last is undone first: with money under way, the stock comes free after it. */
const cancel = (model: Model, order: Order) => {
  if (order.status === 'CANCELLED') return
  order.status = 'CANCELLED'
  order.moves = true
  if (order.payment === null) letGo(model, order)
}
const letGo = (model: Model, order: Order) => {
  if (order.holds) reserve(model, order.lines, -1)
  order.holds = false
}

/** What the sagas and the clock have done when nothing is left to do. */
function settled(model: Model, now: number, declined: Order | null): void {
  for (const held of model.held.values())
    if (held.status === 'ACTIVE' && held.ends !== null && held.ends <= now) {
      held.status = 'EXPIRED'
      count('reservation expired')
      reserve(model, held.lines, -1)
      held.lines = []
    }
  for (const order of model.orders.values()) {
    const { payment } = order
    if (order.status === 'PENDING' && payment === null && order.ends !== null && order.ends <= now)
      cancel(model, order)
    if (order.status === 'PENDING' && payment !== null) {
      if (order === declined) cancel(model, order)
      else {
        order.status = 'CONFIRMED'
        payment.authorized = order.total
        if (payment.captures) payment.captured = order.total
      }
    }
    if (payment !== null) settlePayment(order, payment)
    if (order.status === 'CANCELLED') letGo(model, order)
    order.moves = false
  }
}
function settlePayment({ status }: Order, payment: Payment): void {
  payment.captured += payment.capturing
  payment.refunded += payment.refunding
  payment.voided ||= payment.voiding
  Object.assign(payment, { capturing: 0, refunding: 0, voiding: false })
  if (status !== 'CANCELLED') return
  if (payment.captured > 0) payment.refunded = payment.captured
  else if (payment.authorized > 0) payment.voided = true
}

/** What came to pass in all runs, so that a run in which nothing did is found out. */
const tally = new Map<string, number>()
const count = (what: string, times = 1) => tally.set(what, (tally.get(what) ?? 0) + times)
const MUST_HAVE_COME = [
  ...[/^CreateOrder done/, /^ProcessPayment done/, /^CancelOrder done/, /^ShipOrder done/],
  ...[/^(CapturePayment|VoidPayment|RefundPayment) done/, /^(Commit|Release)\w+ done/],
  ...[/^fault lost_before/, /^fault lost_after/, /^fault duplicate/, /^fault decline/],
  ...[/insufficient_stock/, /^reservation expired/, /^cancelled between two steps/],
]

// ── what is done to both ──────────────────────────────────────────────────────────────────────

type Verdict = 'done' | string
type Asked = {
  readonly type: string
  readonly input: object
  readonly meta?: { expected_version?: number }
}
type Deed = {
  readonly name: string
  readonly on?: 'held' | 'orders'
  /** Decides by the model, changes it if it says yes, and tells what to ask of the shop. */
  readonly play: (model: Model, now: number) => { asked: Asked; verdict: Verdict; id?: string }
}

/** Sends it, once or as somebody does who has heard no answer; each time the same comes back. */
const act = (deed: Deed, repeats: number): fc.AsyncCommand<Model, ModelShop> => ({
  // What is done to nothing tells little, so only now and then.
  check: (model) => deed.on === undefined || model[deed.on].size > 0 || repeats === 1,
  toString: () => `${deed.name}${repeats > 0 ? ` (${repeats + 1} times)` : ''}`,
  async run(model, shop) {
    const { asked, verdict } = deed.play(model, Date.parse(shop.now()))
    const { type, input } = asked
    count(`${type} ${verdict}`)
    const meta = { ...asked.meta, command_id: v7() }
    const outcome = await shop.send(type, input, meta)
    equal(
      outcome.ok ? 'done' : outcome.rejection.code,
      verdict,
      `${deed.name}: ${JSON.stringify(outcome)}`,
    )
    for (let i = 0; i < repeats; i++) {
      const again = await shop.send(type, input, meta)
      if (!outcome.ok) deepEqual(again, outcome, 'a refusal is judged anew, and alike')
      else deepEqual(again, { ...outcome, replayed: true })
    }
    if (repeats > 1 && outcome.ok) {
      const other = await shop.send('AddStock', { product_id: PRODUCTS[0], quantity: '77' }, meta)
      equal(other.ok ? 'done' : other.rejection.code, 'idempotency_key_reused')
    }
    await compare(model, shop)
  },
})

/** Time passes, all that is due is done; somebody cancels in between, calls are lost, refused. */
const settle = (
  ms: number,
  cancelAt: number,
  fault: string,
): fc.AsyncCommand<Model, ModelShop> => ({
  check: () => true,
  toString: () => `settle(after ${ms} ms, cancel at ${cancelAt}, ${fault})`,
  async run(model, shop) {
    shop.advance(ms)
    const moving = [...model.orders].filter(([, { moves }]) => moves)
    const paying = moving.filter(([, { status }]) => status === 'PENDING')
    const declined = fault === 'decline' && paying.length === 1 ? paying[0]![1] : null
    const what = fault === 'decline' ? 'decline' : fault
    if (fault !== 'none' && (fault !== 'decline' || declined !== null))
      shop.provider.play(
        (fault === 'decline' ? ['authorize'] : ['authorize', 'capture', 'void', 'refund']).map(
          (on) => ({ on, what: what as 'lost_after', times: 1, ms: 1 }),
        ),
      )
    const fired = shop.provider.fired().length
    let sends = 0
    const cancelled = cancelAt > 0 && declined === null ? paying[0] : undefined
    await shop.settle(async () => {
      sends += 1
      if (sends !== cancelAt || cancelled === undefined) return
      const [order_id, order] = cancelled
      const outcome = await shop.send('CancelOrder', { order_id })
      ok(outcome.ok, JSON.stringify(outcome))
      count('cancelled between two steps')
      cancel(model, order)
    })
    for (const { what } of shop.provider.fired().slice(fired)) count(`fault ${what}`)
    shop.provider.play([])
    const late = cancelled?.[1].status === 'CANCELLED' ? cancelled[1] : null
    const found =
      late === null ? null : await shop.get('GetPayment', { payment_id: late.payment!.id })
    // How far it had come when the cancel came between is the provider's to say; what it took is
    // given back in any case, which the model asks for below.
    if (late !== null && found !== null) {
      const balance = await shop.provider.balance(`${late.payment!.id}:authorize:1`)
      Object.assign(late.payment!, {
        authorized: balance.authorized_minor,
        captured: balance.captured_minor,
      })
    }
    settled(model, Date.parse(shop.now()), declined)
    deepEqual(shop.trouble, [])
    await compare(model, shop)
  },
})

// ── comparing ─────────────────────────────────────────────────────────────────────────────────

async function compare(model: Model, shop: ModelShop): Promise<void> {
  for (const product of [0, 1]) {
    const row = await shop.get('GetInventory', { product_id: PRODUCTS[product] })
    const shown = new Map(((row?.stores ?? []) as Row[]).map((one) => [one.store_id, one]))
    for (const store of [0, 1]) {
      const place = placeAt(model, { product, store })
      const there = shown.get(STORES[store]!)
      deepEqual(
        [there?.quantity ?? 0, there?.reserved_quantity ?? 0, there !== undefined],
        [place.onHand, place.reserved, place.isOpen],
        `product ${product} in store ${store}`,
      )
      ok(place.reserved <= place.onHand && place.reserved >= 0, 'the model never oversells')
    }
  }
  for (const [reservation_id, held] of model.held) {
    const row = await shop.get('GetReservation', { reservation_id })
    deepEqual(
      [row?.status, unitsOf(row?.held_lines)],
      [held.status, unitsOf(held.lines)],
      'a reservation',
    )
  }
  for (const [order_id, order] of model.orders) {
    const row = await shop.get('GetOrder', { order_id })
    deepEqual([row?.status, row?.total_amount_minor], [order.status, order.total], 'an order')
    const { payment } = order
    if (payment === null || order.moves) continue
    const told = await shop.get('GetPayment', { payment_id: payment.id })
    const balance = await shop.provider.balance(`${payment.id}:authorize:1`)
    const wanted = [payment.authorized, payment.captured, payment.refunded]
    deepEqual(
      [told?.authorized_minor, told?.captured_minor, told?.refunded_minor],
      wanted,
      'a payment',
    )
    deepEqual([balance.authorized_minor, balance.captured_minor, balance.refunded_minor], wanted)
    equal(balance.is_voided, payment.voided)
  }
}
const unitsOf = (lines: unknown) =>
  ((lines ?? []) as { quantity: number }[]).reduce((sum, { quantity }) => sum + quantity, 0)

// ── what may be done ──────────────────────────────────────────────────────────────────────────

const told = ({ product, store, quantity }: Line) => ({
  product_id: PRODUCTS[product],
  store_id: STORES[store],
  quantity: String(quantity),
})
const nth = <V>(from: ReadonlyMap<string, V>, at: number): [string, V | undefined] => {
  const all = [...from]
  return all.length === 0 ? [UNKNOWN, undefined] : all[at % all.length]!
}
const UNKNOWN = '01980000-0000-7000-8000-00000000dead'
const MISSING = 'not_found'

const deeds = {
  add: (line: Line): Deed => ({
    name: `add ${JSON.stringify(line)}`,
    play(model) {
      const place = placeAt(model, line)
      place.onHand += line.quantity
      place.isOpen = true
      return { asked: { type: 'AddStock', input: told(line) }, verdict: 'done' }
    },
  }),
  addExpecting: (line: Line): Deed => ({
    name: `add, expecting another version ${JSON.stringify(line)}`,
    play: () => ({
      asked: { type: 'AddStock', input: told(line), meta: { expected_version: 99_999 } },
      verdict: 'concurrency_conflict',
    }),
  }),
  adjust: (line: Line): Deed => ({
    name: `adjust ${JSON.stringify(line)}`,
    play(model) {
      const place = placeAt(model, line)
      const after = place.onHand + line.quantity
      const verdict = !place.isOpen
        ? MISSING
        : line.quantity < 0 && (after < 0 || place.reserved > after)
          ? 'insufficient_stock'
          : 'done'
      if (verdict === 'done') place.onHand = after
      const { quantity: adjustment, ...place_ } = told(line)
      return { asked: { type: 'AdjustInventory', input: { ...place_, adjustment } }, verdict }
    },
  }),
  reserve: (lines: readonly Line[], limited: boolean): Deed => ({
    name: `reserve ${JSON.stringify(lines)}${limited ? ' for a time' : ''}`,
    play(model, now) {
      const reservation_id = v7()
      const input = {
        reservation_id,
        lines: lines.map(told),
        ...(limited ? { ttl_seconds: TTL_S } : {}),
      }
      const asked = { type: 'ReserveInventory', input }
      if (!fits(model, lines)) return { asked, verdict: 'insufficient_stock' }
      reserve(model, lines, 1)
      const ends = limited ? now + TTL_S * 1_000 : null
      model.held.set(reservation_id, { status: 'ACTIVE', lines: together(lines), ends })
      return { asked, verdict: 'done' }
    },
  }),
  /** All that is left of it, or one piece more. */
  brink: (line: Line, over: number): Deed => ({
    name: `reserve all${over > 0 ? ' and one more' : ''} of ${line.product} in ${line.store}`,
    play(model, now) {
      const { onHand, reserved } = placeAt(model, line)
      const quantity = Math.max(1, onHand - reserved + over)
      return deeds.reserve([{ ...line, quantity }], true).play(model, now)
    },
  }),
  end: (at: number, how: 'ReleaseInventory' | 'CommitReservation'): Deed => ({
    name: `${how} ${at}`,
    on: 'held',
    play(model) {
      const [reservation_id, held] = nth(model.held, at)
      const asked = { type: how, input: { reservation_id } }
      if (held === undefined) return { asked, verdict: MISSING }
      if (held.status !== 'ACTIVE') return { asked, verdict: 'invalid_state' }
      if (how === 'CommitReservation') takeAway(model, held.lines)
      else reserve(model, held.lines, -1)
      held.status = how === 'CommitReservation' ? 'COMMITTED' : 'RELEASED'
      held.lines = []
      return { asked, verdict: 'done' }
    },
  }),
  order: (lines: readonly Line[], store: number, isPaid: boolean): Deed => ({
    name: `order ${JSON.stringify(lines)} in store ${store}${isPaid ? ', paid' : ''}`,
    play(model, now) {
      const order_id = v7()
      const here = lines.map((line) => ({ ...line, store }))
      const items = here.map(({ product, quantity }) => ({
        product_id: PRODUCTS[product],
        quantity: String(quantity),
      }))
      const input = {
        order_id,
        customer_id: 'c-1',
        store_id: STORES[store],
        items,
        ...(isPaid ? { payment: { method: 'upi' } } : {}),
      }
      const asked = { type: 'CreateOrder', input }
      if (!fits(model, here)) return { asked, verdict: 'insufficient_stock' }
      reserve(model, here, 1)
      const total = here.reduce(
        (sum, { product, quantity }) => sum + PRICES[product]! * quantity,
        0,
      )
      model.orders.set(order_id, {
        status: 'PENDING',
        lines: together(here),
        total,
        ends: isPaid ? null : now + ORDER_TTL_MS,
        payment: isPaid ? newPayment(order_id, true) : null,
        holds: true,
        moves: isPaid,
      })
      return { asked, verdict: 'done' }
    },
  }),
  pay: (at: number, captures: boolean): Deed => ({
    name: `pay ${at}${captures ? ' and capture' : ''}`,
    on: 'orders',
    play(model, now) {
      const [order_id, order] = nth(model.orders, at)
      const payment_id = v7()
      const asked = {
        type: 'ProcessPayment',
        input: { payment_id, order_id, method: 'upi', capture: captures },
      }
      if (order === undefined) return { asked, verdict: MISSING }
      const waits = order.status === 'PENDING' && order.payment === null && order.ends! > now
      if (!waits) return { asked, verdict: 'invalid_state' }
      Object.assign(order, { payment: newPayment(payment_id, captures), moves: true, ends: null })
      return { asked, verdict: 'done' }
    },
  }),
  cancel: (at: number): Deed => ({
    name: `cancel ${at}`,
    on: 'orders',
    play(model) {
      const [order_id, order] = nth(model.orders, at)
      const asked = { type: 'CancelOrder', input: { order_id } }
      if (order === undefined) return { asked, verdict: MISSING }
      if (order.status === 'SHIPPED' || order.status === 'DELIVERED')
        return { asked, verdict: 'invalid_state' }
      cancel(model, order)
      return { asked, verdict: 'done' }
    },
  }),
  ship: (at: number): Deed => ({
    name: `ship ${at}`,
    on: 'orders',
    play(model) {
      const [order_id, order] = nth(model.orders, at)
      const asked = { type: 'ShipOrder', input: { order_id } }
      if (order === undefined) return { asked, verdict: MISSING }
      if (order.status === 'SHIPPED' || order.status === 'DELIVERED')
        return { asked, verdict: 'done' }
      const { payment } = order
      const left =
        payment === null || payment.voided || payment.voiding
          ? 0
          : payment.authorized - payment.refunded
      if (order.status !== 'CONFIRMED' || left <= 0) return { asked, verdict: 'invalid_state' }
      takeAway(model, order.lines)
      Object.assign(order, { status: 'SHIPPED', holds: false })
      return { asked, verdict: 'done' }
    },
  }),
  deliver: (at: number): Deed => ({
    name: `deliver ${at}`,
    on: 'orders',
    play(model) {
      const [order_id, order] = nth(model.orders, at)
      const asked = { type: 'DeliverOrder', input: { order_id } }
      if (order === undefined) return { asked, verdict: MISSING }
      if (order.status !== 'SHIPPED' && order.status !== 'DELIVERED')
        return { asked, verdict: 'invalid_state' }
      order.status = 'DELIVERED'
      return { asked, verdict: 'done' }
    },
  }),
  money: (at: number, kind: 'capture' | 'refund' | 'void', minor: number): Deed => ({
    name: `${kind} ${minor} of ${at}`,
    on: 'orders',
    play(model) {
      const [, order] = nth(model.orders, at)
      const payment = order?.payment ?? null
      const payment_id = payment?.id ?? UNKNOWN
      const amount = kind === 'void' ? {} : { amount: (minor / 100).toFixed(2) }
      const type = { capture: 'CapturePayment', refund: 'RefundPayment', void: 'VoidPayment' }[kind]
      const asked = { type, input: { payment_id, ...amount } }
      if (order === undefined || payment === null) return { asked, verdict: MISSING }
      // One operation at a time. A cancelled order's label is taken back before its money is, so
      // until then somebody may still ask for some of it; it is given back with the rest.
      const authorizes = order.moves && payment.authorized === 0
      const busy = authorizes || payment.capturing + payment.refunding > 0 || payment.voiding
      const open = payment.voided ? 0 : payment.authorized - payment.captured
      if (kind === 'void') {
        if (busy || payment.captured > 0 || open <= 0) return { asked, verdict: 'invalid_state' }
        Object.assign(payment, { voiding: true })
        order.moves = true
        return { asked, verdict: 'done' }
      }
      const limit = kind === 'capture' ? open : payment.captured - payment.refunded
      if (busy || limit <= 0) return { asked, verdict: 'invalid_state' }
      if (minor > limit) return { asked, verdict: 'amount_exceeds_captured' }
      payment[kind === 'capture' ? 'capturing' : 'refunding'] = minor
      order.moves = true
      return { asked, verdict: 'done' }
    },
  }),
} as const

const newPayment = (id: string, captures: boolean): Payment => ({
  id,
  captures,
  authorized: 0,
  captured: 0,
  refunded: 0,
  voided: false,
  capturing: 0,
  refunding: 0,
  voiding: false,
})

const index = fc.nat({ max: 1 })
const quantity = fc.constantFrom(1, 1, 2, 2, 3, 9)
const line = fc.record({ product: index, store: index, quantity })
const lines = fc.array(line, { minLength: 1, maxLength: 3 })
const which = fc.nat({ max: 4 })
const change = fc.record({
  product: index,
  store: index,
  quantity: fc.integer({ min: -8, max: 4 }).filter((n) => n !== 0),
})
const repeats = fc.constantFrom(0, 0, 0, 1, 2)
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 2, arbitrary: line.map((one) => deeds.add({ ...one, quantity: one.quantity * 3 })) },
  { weight: 1, arbitrary: line.map(deeds.addExpecting) },
  { weight: 1, arbitrary: change.map(deeds.adjust) },
  { weight: 2, arbitrary: fc.tuple(lines, fc.boolean()).map((args) => deeds.reserve(...args)) },
  { weight: 1, arbitrary: fc.tuple(line, index).map((args) => deeds.brink(...args)) },
  { weight: 1, arbitrary: which.map((at) => deeds.end(at, 'ReleaseInventory')) },
  { weight: 1, arbitrary: which.map((at) => deeds.end(at, 'CommitReservation')) },
  {
    weight: 5,
    arbitrary: fc.tuple(lines, index, fc.boolean()).map((args) => deeds.order(...args)),
  },
  { weight: 3, arbitrary: fc.tuple(which, fc.boolean()).map((args) => deeds.pay(...args)) },
  { weight: 2, arbitrary: which.map(deeds.cancel) },
  { weight: 3, arbitrary: which.map(deeds.ship) },
  { weight: 2, arbitrary: which.map(deeds.deliver) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        which,
        fc.constantFrom('capture', 'refund', 'void'),
        fc.constantFrom(1, 100, 333, 500, 1_000, 2_500),
      )
      .map((args) => deeds.money(...args)),
  },
)
const acts = fc.tuple(deed, repeats).map((args) => act(...args))
const FAULTS = ['none', 'none', 'lost_before', 'lost_after', 'duplicate', 'decline']
const settles = fc
  .tuple(
    fc.constantFrom(0, 0, 0, 0, 1_000, TTL_S * 1_000, ORDER_TTL_MS),
    fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2, 3, 4),
    fc.constantFrom(...FAULTS),
  )
  .map((args) => settle(...args))

/** A shop of its own, and all of this done in it. */
async function played(
  engine: 'memory' | 'sqlite',
  commands: Iterable<fc.AsyncCommand<Model, ModelShop>>,
): Promise<void> {
  await using shop = await openShop(engine, SETTINGS)
  for (const [i, product_id] of PRODUCTS.entries()) {
    const price = (PRICES[i]! / 100).toFixed(2)
    const input = { product_id, name: `p${i}`, sell_price: price, currency: 'USD' }
    ok((await shop.send('CreateProduct', input)).ok)
  }
  ok((await shop.send('CreateStore', { store_id: STORES[1], name: 'Second' })).ok)
  for (const [at, quantity] of AT_FIRST.entries()) {
    const where = { product: at >> 1, store: at & 1, quantity }
    if (quantity > 0) ok((await shop.send('AddStock', told(where))).ok)
  }
  await fc.asyncModelRun(() => ({ model: newModel(), real: shop }), commands)
}

/** One of each: chance may leave out what takes several steps. */
const one: Line = { product: 0, store: 0, quantity: 1 }
const ONE_OF_EACH = [
  ...[deeds.order([one], 0, true), deeds.order([one], 0, false), deeds.order([one], 0, false)],
  ...[deeds.pay(1, false), deeds.reserve([one], true), deeds.brink(one, 1)],
].map((each) => act(each, 2))
const AND_THEN = [
  settle(0, 0, 'lost_after'),
  act(deeds.money(0, 'refund', 100), 1),
  act(deeds.money(1, 'capture', 100), 1),
  settle(TTL_S * 1_000, 0, 'lost_before'),
  act(deeds.ship(0), 1),
  act(deeds.deliver(0), 1),
  act(deeds.cancel(1), 1),
  settle(0, 0, 'duplicate'),
  act(deeds.order([one], 0, true), 0),
  settle(0, 0, 'decline'),
  act(deeds.order([one], 0, true), 0),
  settle(0, 1, 'none'),
  act(deeds.reserve([one], false), 0),
  act(deeds.end(1, 'CommitReservation'), 1),
]

for (const engine of ['memory', 'sqlite'] as const)
  test(`the shop and its model agree, over ${engine} (SEED=${SEED})`, async (t) => {
    await played(engine, [...ONE_OF_EACH, ...AND_THEN])
    let deedsDone = 0
    await fc.assert(
      fc.asyncProperty(
        fc.commands([acts, acts, settles], { maxCommands: COMMANDS_MAX, size: 'max' }),
        async (commands) => {
          await played(engine, commands)
          deedsDone += [...commands].length
        },
      ),
      { seed: SEED, numRuns: RUNS[engine], interruptAfterTimeLimit: 300_000 },
    )
    t.diagnostic(`${RUNS[engine]} runs, ${deedsDone} deeds`)
    t.diagnostic(
      [...tally]
        .sort()
        .map(([what, times]) => `${what}×${times}`)
        .join(', '),
    )
    const all = [...tally.keys()]
    const never = MUST_HAVE_COME.filter((wanted) => !all.some((what) => wanted.test(what)))
    if (engine === 'memory') deepEqual(never, [])
  })
