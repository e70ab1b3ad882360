// Orders taken apart at random, decision by decision, without log or clock: whatever is paid,
// cancelled, sent, sent back and paid back in whatever order, a naive book of what was written says
// that no money and no piece is there twice. Thousands of orders in the time that one server takes
// to start; what happens between processes is the simulation's.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { productCreated, stockOpened } from '#contexts/inventory/goods-fixture.ts'
import { stockItem, stockKey } from '#contexts/inventory/stock.ts'
import { type PaymentState, payment } from '#contexts/payments/payment.ts'
import type { ReturnState } from '#contexts/returns/return.ts'
import { type Shipment, shipment } from '#contexts/shipping/public.ts'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import { type Given, type Moment, merged, type Ref, type Write } from '#kernel/decider.ts'
import { checkEvent } from '#kernel/event-types.ts'
import type { Fact } from '#kernel/message.ts'
import { type SagaState, saga } from '#kernel/saga.ts'
import { check } from '#kernel/schema.ts'
import { openCarrier } from '#providers/carrier-simulator.ts'
import { openPaymentProvider } from '#providers/payment-simulator.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { contextsOf } from './contexts.ts'

const contexts = contextsOf({ provider: openPaymentProvider(), carrier: openCarrier() })
const commands = new Map(contexts.flatMap(({ commands }) => commands).map((one) => [one.type, one]))
const aggregates = new Map(
  contexts.flatMap(({ aggregates }) => aggregates).map((one) => [one.type, one]),
)
const order = aggregates.get('order')!
const returned = aggregates.get('return')!
const reservation = aggregates.get('reservation')!

const SEED = seedOfRun()
const RUNS = 500
const STEPS = 100
const GOODS = ['cup', 'tea']
const TAXES = [[], ['standard:VAT:20'], ['standard:VAT:8.875', 'standard:CITY:1.5']]
const refOf = (aggregate: typeof order, id: string): Ref => ({
  ...{ stream: `${aggregate.type}-${id}`, aggregate, mode: 'read' },
})

type Settings = Readonly<Record<string, unknown>>
type Answer = Readonly<Record<string, unknown>>

/** What was written so far, and one more decision on it. */
function openBook(settings: Settings, history: readonly Write[]) {
  const states = new Map<string, unknown>()
  const events: Fact[] = []
  let clock = Date.parse('2026-03-02T10:00:00.000Z')
  let decisions = 0
  const given: Given = {
    // Folded below by the aggregate that the stream is named after.
    state: <S>({ stream, aggregate }: Ref<S>) =>
      (states.has(stream) ? states.get(stream) : aggregate.initial) as S,
    version: () => 0,
    lacking: () => [],
    owner: () => null,
  }
  const write = (writes: readonly Write[], now: string) => {
    for (const { stream, events: facts } of merged(writes)) {
      const aggregate = aggregates.get(stream.slice(0, stream.indexOf('-')))!
      let state = states.has(stream) ? states.get(stream) : aggregate.initial
      for (const fact of facts) {
        checkEvent(aggregate.events, fact.type, fact.data)
        const { occurred_at = now } = fact
        const step = aggregate.evolve[fact.type]!
        state = step(state, fact.data, { occurred_at, timestamp: now, position: events.length })
        events.push(fact)
      }
      states.set(stream, state)
    }
  }
  write(history, new Date(clock).toISOString())

  /** null: refused. */
  const send = (type: string, input: object): Answer | null => {
    const command = commands.get(type)!
    const checked = check(command.input, input)
    assert.ok(checked.ok, `${type} ${JSON.stringify(checked)}`)
    clock += 1_000
    decisions += 1
    const number = decisions
    const moment: Moment = {
      ...{ now: new Date(clock).toISOString(), command_id: `c-${number}`, source: 'api' },
      ...{ settings, number, looked: [], blind: (_, text) => text },
      id: (name, nth = 0) => `${name}-${number}-${nth}`,
    }
    const decision = command.decide(checked.value, given, moment)
    if ('rejected' in decision) return null
    assert.ok('accepted' in decision)
    write(decision.writes, moment.now)
    return decision.response
  }
  return { send, events, state: given.state }
}
type Book = ReturnType<typeof openBook>

// biome-ignore lint/suspicious/noExplicitAny: states of several kinds, looked at field by field
type Any = any
const orderOf = (book: Book, id: string): Any => book.state(refOf(order, id))
const paymentOf = (book: Book, id: string): PaymentState | null => {
  const { payment_id } = orderOf(book, id)
  return payment_id === null ? null : book.state(payment.seen(payment_id))
}

/** One run of many deeds over a few orders. */
function live(seed: number) {
  const { int, pick, chance } = seeded(seed)
  const settings: Settings = {
    'payments.capture_on': pick(['confirm', 'ship', 'manual']),
    'payments.default_method': chance(0.5) ? 'card' : '',
    'orders.client_price': 'accept',
    'money.taxes': pick(TAXES),
    'money.prices_include_tax': chance(0.5),
    'money.tax_level': pick(['line', 'total']),
  }
  const here = new Map(GOODS.map((one) => [one, int(0, 20)]))
  const book = openBook(
    settings,
    GOODS.flatMap((one) => [
      productCreated(one, { sell_price_minor: int(0, 40) * 33 }),
      stockOpened(one, here.get(one)!, { backorder_limit: int(0, 20) }),
    ]),
  )
  const { send } = book
  let ids = 0
  const newId = () => `01980000-0000-7000-8000-${String(++ids).padStart(12, '0')}`
  const placed: string[] = []
  const parcels: { readonly shipment_id: string; readonly order_id: string }[] = []
  const returns: string[] = []
  const label = { tracking_number: 't', carrier: 'c' }

  const items = () =>
    Array.from({ length: int(1, 3) }, () => ({
      product_id: pick(GOODS),
      quantity: String(int(1, 6)),
      discounts: chance(0.2) ? [{ name: 'a', amount: `${int(0, 9)}.37` }] : [],
    }))
  const some = (id: string) =>
    Array.from({ length: int(1, 2) }, () => ({
      ...{ line: int(1, orderOf(book, id).lines.length), quantity: String(int(1, 3)) },
    }))
  const outcome = (yes: number) =>
    chance(yes) ? 'succeeded' : pick(['declined', 'unknown', 'absent'])

  /** What providers and carriers answer. */
  const answers = (yes: number) => {
    for (const order_id of placed) {
      const { payment_id } = orderOf(book, order_id)
      const paid = paymentOf(book, order_id)?.pending
      const about = { order_id, payment_id }
      if (paid != null) {
        const told = { operation_id: paid.operation_id, status: outcome(yes), reference: 'r' }
        send('RecordPaymentOutcome', { ...about, ...told })
      }
      const sent: Shipment = book.state(shipment.seen(order_id))
      if (sent?.pending != null) {
        const told = { operation_id: sent.pending.operation_id, status: outcome(yes), ...label }
        if (sent.pending.driver === 'saga') send('RecordLabelOutcome', { ...about, ...told })
        else send('RecordShipmentOutcome', { order_id, shipment_id: order_id, ...told })
      }
      const { status, operation_id } = book.state(saga.seen(order_id)) as SagaState
      if (status === 'COMPENSATING' && operation_id === null)
        send('ContinueSaga', { saga_id: order_id })
    }
    for (const parcel of parcels) {
      const pending = book.state(shipment.seen(parcel.shipment_id))?.pending
      if (pending == null) continue
      const told = { operation_id: pending.operation_id, status: outcome(yes), ...label }
      send('RecordShipmentOutcome', { ...parcel, ...told })
    }
  }

  const deeds: readonly ((order_id: string) => void)[] = [
    () => answers(0.85),
    () => answers(0.85),
    () => answers(0.85),
    (order_id) => send('CancelOrderLines', { order_id, lines: some(order_id) }),
    (order_id) => send('UpdateOrder', { order_id, items: items() }),
    (order_id) => chance(0.4) && send('CancelOrder', { order_id }),
    (order_id) => send('ShipOrder', { order_id, ...label }),
    (order_id) => send('DeliverOrder', { order_id }),
    (order_id) => {
      const shipment_id = newId()
      const parcel = { order_id, shipment_id }
      if (send('CreateShipment', { ...parcel, lines: some(order_id) })) parcels.push(parcel)
    },
    (order_id) => {
      const { shipment_id } = parcels.length > 0 ? pick(parcels) : { shipment_id: order_id }
      const type = pick(['CreateShippingLabel', 'CancelShipment', 'MarkShipped', 'MarkShipped'])
      send(type, { shipment_id, ...(type === 'MarkShipped' ? label : {}) })
    },
    (order_id) => {
      const return_id = newId()
      const asked = { order_id, return_id, lines: some(order_id), reason: 'too small' }
      if (send('RequestReturn', asked)) returns.push(return_id)
    },
    (order_id) => payAfterAll(book, order_id, int),
    () => {
      if (returns.length === 0) return
      const return_id = pick(returns)
      const { lines } = book.state(refOf(returned, return_id)) as NonNullable<ReturnState>
      const back = lines.map(({ line }) => ({ line, quantity: String(int(1, 3)) }))
      if (chance(0.9)) send('ReceiveReturn', { return_id, lines: back, refund: chance(0.6) })
      else send('CloseReturn', { return_id, reason: 'enough' })
    },
    (order_id) => {
      const { payment_id } = orderOf(book, order_id)
      const taken = paymentOf(book, order_id)?.is_external
      if (taken === true) return giveBackElsewhere(book, payment_id, { int, chance })
      if (payment_id === null && chance(0.3))
        return send('ConfirmPayment', { order_id, payment_id: `bank-${++ids}` })
      const method = { payment_id: newId(), order_id, method: 'card' }
      if (payment_id === null) return send('ProcessPayment', { ...method, capture: chance(0.7) })
      const amount = chance(0.5) ? { amount: `${int(0, 30)}.${int(10, 99)}` } : {}
      const lines = chance(0.6) ? { lines: some(order_id) } : amount
      const what = pick(['CapturePayment', 'RefundPayment', 'RefundPayment', 'VoidPayment'])
      if (what === 'VoidPayment') return chance(0.3) && send(what, { payment_id })
      return send(what, { payment_id, ...(what === 'RefundPayment' ? lines : amount) })
    },
    () => {
      const [product_id, quantity] = [pick(GOODS), int(1, 6)]
      if (send('AddStock', { product_id, quantity: String(quantity) }))
        here.set(product_id, here.get(product_id)! + quantity)
    },
  ]
  for (let step = 0; step < STEPS; step++) {
    if (placed.length === 0 || chance(0.08)) {
      const order_id = newId()
      const created = send('CreateOrder', { order_id, customer_id: 'c-1', items: items() })
      if (created !== null) placed.push(order_id)
    } else pick(deeds)(pick(placed))
    everywhere(book, placed, here)
  }
  for (const return_id of returns) send('CloseReturn', { return_id, reason: 'late' })
  for (const order_id of placed) if (chance(0.7)) sendAllBack(book, order_id, newId())
  for (let round = 0; round < 30; round++) {
    if (round === 15)
      for (const order_id of placed) if (chance(0.5)) payAfterAll(book, order_id, int)
    answers(round < 10 ? 0.9 : 1)
  }
  everywhere(book, placed, here)
  for (const id of placed) atPeace(book, id)
  return book.events
}

/** Whatever has left and is not back, one piece after the other. */
function sendAllBack(book: Book, order_id: string, return_id: string): void {
  const lines = (orderOf(book, order_id).lines as Any[])
    .map((each) => ({ line: each.line, left: each.shipped_quantity - each.returned_quantity }))
    .filter(({ left }) => left > 0)
  if (lines.length === 0) return
  const all = lines.map(({ line, left }) => ({ line, quantity: String(left) }))
  assert.ok(book.send('RequestReturn', { order_id, return_id, lines: all, reason: 'all of it' }))
  for (const { line, left } of lines)
    for (let one = 0; one < left; one++)
      assert.ok(book.send('ReceiveReturn', { return_id, lines: [{ line, quantity: '1' }] }))
}

/** Something that came back without a refund is paid back later, if nothing forbids it. */
function payAfterAll(book: Book, order_id: string, int: Random['int']): void {
  const { payment_id, lines } = orderOf(book, order_id)
  const kept = (lines as Any[]).find(({ withheld_quantity }) => withheld_quantity > 0)
  if (payment_id === null || kept === undefined) return
  const quantity = String(int(1, kept.withheld_quantity))
  book.send('RefundPayment', { payment_id, lines: [{ line: kept.line, quantity }] })
}

/** A person says so, now and then of too much, or twice. */
function giveBackElsewhere(
  { send }: Book,
  payment_id: string,
  { int, chance }: Pick<Random, 'int' | 'chance'>,
): void {
  const reference = `out-${int(1, 9)}`
  const amount = chance(0.5) ? { amount: `${int(0, 9)}.${int(10, 99)}` } : {}
  send('RefundPayment', { payment_id, reference, ...amount })
}

function changedWhilePaid(events: readonly Fact[]): boolean {
  const paying = new Set<string>()
  for (const { type, data } of events as readonly { type: string; data: Any }[]) {
    if (type === 'PaymentAuthorizationRequested') paying.add(data.order_id)
    if (type === 'OrderUpdated' && data.lines && paying.has(data.order_id)) return true
  }
  return false
}

/** What was cancelled of each line, or came back, had cost this much. */
function goneOf({ events }: Book, order_id: string): ReadonlyMap<number, number> {
  const gone = new Map<number, number>()
  for (const { type, data } of events as readonly { type: string; data: Any }[]) {
    if (data.order_id !== order_id) continue
    // Only before anything has left: what was cancelled is in the new lines no more.
    if (type === 'OrderUpdated' && data.lines !== undefined) gone.clear()
    if (type === 'OrderLinesCancelled' || type === 'ReturnReceived')
      for (const { line, amount_minor } of data.lines)
        gone.set(line, (gone.get(line) ?? 0) + amount_minor)
  }
  return gone
}

/** After every single decision. */
function everywhere(book: Book, placed: readonly string[], here: ReadonlyMap<string, number>) {
  for (const id of placed) {
    const { lines, total_amount_minor, returned_minor } = orderOf(book, id)
    let total = 0
    for (const each of lines) {
      assert.ok(each.cancelled_quantity + each.shipped_quantity <= each.quantity)
      assert.ok(each.returned_quantity <= each.shipped_quantity)
      assert.ok(each.withheld_quantity <= each.returned_quantity)
      total += each.amount_minor - each.cancelled_minor
    }
    assert.equal(total_amount_minor, total)
    assert.ok(returned_minor >= 0 && returned_minor <= total)
    const paid = paymentOf(book, id)
    if (paid === null) continue
    assert.ok(0 <= paid.refunded_minor && paid.refunded_minor <= paid.captured_minor)
    assert.ok(paid.captured_minor <= paid.authorized_minor)
  }
  const held = placed.flatMap((id) => (book.state(refOf(reservation, id)) as Any).lines)
  const sum = (facts: readonly Any[]) => facts.reduce((all, { quantity }) => all + quantity, 0)
  for (const product_id of GOODS) {
    const state = book.state(stockItem.seen(stockKey(product_id, MAIN_STORE_ID)))!
    const moved = (type: string, reason?: string) =>
      book.events
        .filter((fact) => fact.type === type)
        .map(({ data }) => data as Any)
        .filter((data) => data.product_id === product_id && data.reason === reason)
    const left = sum(moved('ReservationCommitted'))
    const back = sum(moved('StockAdded', 'return'))
    assert.equal(state.quantity, here.get(product_id)! - left + back)
    assert.equal(state.reserved, sum(held.filter((line) => line.product_id === product_id)))
    assert.ok(state.quantity >= 0 && state.reserved <= state.quantity + state.backorder_limit)
    assert.equal(sum(state.backorders), Math.max(0, state.reserved - state.quantity))
  }
}

/** When every provider has answered: nobody has been left with too little or too much. */
function atPeace(book: Book, id: string) {
  const { status, lines, total_amount_minor, returned_minor } = orderOf(book, id)
  const owed = total_amount_minor - returned_minor
  const gone = goneOf(book, id)
  const isGone = (each: Any) => each.cancelled_quantity + each.returned_quantity === each.quantity
  // To the last cent, line by line, however it came about.
  for (const each of lines) if (isGone(each)) assert.equal(gone.get(each.line), each.amount_minor)
  const isAllGone = (lines as Any[]).every((each) => isGone(each) && each.withheld_quantity === 0)
  if (status !== 'CANCELLED' && isAllGone) assert.equal(owed, 0)
  const paid = paymentOf(book, id)
  if (paid === null) return
  assert.equal(paid.pending, null)
  const { captured_minor, refunded_minor, owed_refunded_minor } = paid
  const { owed_back_minor, is_external } = paid
  if (is_external && status !== 'PENDING') {
    // Nobody keeps what is not theirs without being told.
    const kept = captured_minor - refunded_minor - owed_back_minor
    return assert.equal(kept, status === 'CANCELLED' ? 0 : owed)
  }
  assert.equal(owed_back_minor, 0)
  if (status === 'CANCELLED') return assert.equal(captured_minor, refunded_minor)
  // What somebody gave back by hand cannot be given back again.
  if (captured_minor > refunded_minor) assert.ok(captured_minor - owed_refunded_minor <= owed)
}

describe('the life of an order', () => {
  it(`leaves no money and no piece there twice, whatever comes when (SEED=${SEED})`, () => {
    const seen = new Set<string>()
    for (let run = 0; run < RUNS; run++) {
      const seed = SEED + run
      try {
        const events = live(seed)
        for (const { type } of events) seen.add(type)
        if (changedWhilePaid(events)) seen.add('items changed while they were being paid')
      } catch (error) {
        throw new Error(`run ${run}, which SEED=${seed} begins with`, { cause: error })
      }
    }
    for (const type of [
      ...['OrderLinesCancelled', 'OrderPartiallyShipped', 'OrderReturnChanged', 'PaymentRefunded'],
      ...['OrderRefundGranted', 'PaymentAuthorizationLapsed', 'BackordersFilled', 'OrderUpdated'],
      ...['PaymentRefundOwed', 'SagaResolved', 'items changed while they were being paid'],
    ])
      assert.ok(seen.has(type), `there was no ${type}`)
  })
})
