// The shop's books as somebody would keep them who knows nothing of the program: a plain fold of
// the log, event by event, with every rule that must hold at every moment. What breaks one is
// written down with the position at which it broke.
import type { Recorded } from '#kernel/message.ts'
import { type Owed, openOwed, takeOwed } from '#testing/owed-book.ts'
import { openTill, type Till, tillHandlers } from '#testing/till-book.ts'
import { openTransit, type Transit, transitHandlers } from '#testing/transit-book.ts'
import { streetOf } from './acting.ts'

export type StockRow = { quantity: number; reserved: number; limit: number }
export type Reservation = {
  /** Still held, by stock. */
  held: Map<string, number>
  /** What it was to hold, and what stock says it took. */
  wanted: number
  taken: number
}
export type Order = {
  status: 'PENDING' | 'CONFIRMED' | 'PARTIALLY_SHIPPED' | 'SHIPPED' | 'DELIVERED' | 'CANCELLED'
  /** Of what was not cancelled. */
  total: number
  /** Of what came back and is to be paid back. */
  returned: number
  /** Units that are neither cancelled nor sent. */
  left: number
  readonly customer_id: string | null
}
export type Payment = {
  order_id: string
  authorized: number
  captured: number
  refunded: number
  /** How much of it the order owed. */
  owedBack: number
  /** Refunds that the order owes. */
  owed: Set<string>
  isVoided: boolean
  /** Taken elsewhere: the provider knows nothing of it. */
  readonly isExternal: boolean
  /** Asked of the provider, and not known to have ended. */
  pending: Set<string>
  /** Of each operation that ended: what it was. */
  done: Map<string, string>
}
export type SagaRow = {
  isOpen: boolean
  outcome: string | null
  attention: boolean
}
export type Run = { readonly first: number; last: number; isWhole: boolean }
export type Breach = { readonly rule: string; readonly position: number; readonly text: string }

export type Book = {
  readonly stock: Map<string, StockRow>
  readonly reservations: Map<string, Reservation>
  readonly orders: Map<string, Order>
  readonly payments: Map<string, Payment>
  readonly sagas: Map<string, SagaRow>
  readonly till: Till
  readonly owed: Owed
  readonly transit: Transit
  /** Orders of those who were forgotten, as they were then. */
  readonly forgotten: Set<string>
  /** Customers who ever were, and shipments that were given up. */
  readonly erased: Set<string>
  readonly unneeded: Set<string>
  /** Events by the command that caused them. */
  readonly runs: Map<string, Run>
  readonly counts: Map<string, number>
  readonly breaches: Breach[]
  position: number
  /** How often a rule of stock was looked at. */
  stockMoves: number
}

const BREACHES_MAX = 50

export function openBook(): Book & { take(event: Recorded): void } {
  const versions = new Map<string, number>()
  const ids = new Set<string>()
  let timestamp = ''
  const book: Book = {
    stock: new Map(),
    reservations: new Map(),
    orders: new Map(),
    payments: new Map(),
    sagas: new Map(),
    till: openTill(),
    owed: openOwed(),
    transit: openTransit(),
    forgotten: new Set(),
    erased: new Set(),
    unneeded: new Set(),
    runs: new Map(),
    counts: new Map(),
    breaches: [],
    position: 0,
    stockMoves: 0,
  }
  const breach = (rule: string, position: number, text: string) => {
    if (book.breaches.length < BREACHES_MAX) book.breaches.push({ rule, position, text })
  }

  const inOrder = (event: Recorded) => {
    const { position, event_id, aggregate_type, aggregate_id, version } = event
    const stream = `${aggregate_type}-${aggregate_id}`
    const expected = (versions.get(stream) ?? 0) + 1
    if (position !== book.position + 1)
      breach('order', position, `it stands where position ${book.position + 1} belongs`)
    if (version !== expected)
      breach('order', position, `version ${version} of ${stream}, where ${expected} belongs`)
    if (event.timestamp < timestamp)
      breach('time', position, `recorded at ${event.timestamp}, before its predecessor`)
    if (ids.has(event_id)) breach('order', position, `its event_id is in the log twice`)
    versions.set(stream, version)
    ids.add(event_id)
    timestamp = event.timestamp
    book.position = position
  }
  const inRun = ({ position, metadata }: Recorded) => {
    const id = metadata.command_id
    if (id === undefined) return
    const run = book.runs.get(id)
    if (run === undefined) {
      book.runs.set(id, { first: position, last: position, isWhole: true })
      return
    }
    if (position !== run.last + 1) run.isWhole = false
    run.last = position
  }

  return Object.assign(book, {
    take(event: Recorded) {
      inOrder(event)
      inRun(event)
      book.counts.set(event.event_type, (book.counts.get(event.event_type) ?? 0) + 1)
      const told = (rule: string, text: string) => breach(rule, event.position, text)
      handlers[event.event_type]?.(book, event.data as Data, told)
      tillHandlers[event.event_type]?.(book.till, event.data as Data, (text) => told('till', text))
      takeOwed(book.owed, event)
      const lost = (text: string) => told('stock', text)
      transitHandlers[event.event_type]?.(book.transit, event.data as Data, lost)
      if (JSON.stringify(event.data).includes(streetOf('')))
        told('personal', `an address is stored in clear`)
    },
  })
}

// biome-ignore lint/suspicious/noExplicitAny: the log's own JSON, read as a stranger would read it
type Data = any
type Handler = (book: Book, data: Data, breach: (rule: string, text: string) => void) => void

const stockOf = ({ product_id, store_id }: Data) => `${product_id}:${store_id}`

/** Every move of stock, with what must be true right after it. */
const moving =
  (by: (data: Data) => { quantity?: number; reserved?: number }): Handler =>
  (book, data, breach) => {
    const key = stockOf(data)
    const row = book.stock.get(key)
    if (row === undefined) return breach('stock', `stock ${key} moves before it was opened`)
    const { quantity = 0, reserved = 0 } = by(data)
    row.quantity += quantity
    row.reserved += reserved
    book.stockMoves++
    if (row.reserved < 0) breach('stock', `${key} has ${row.reserved} reserved`)
    if (reserved > 0 && row.reserved > row.quantity + row.limit)
      breach(
        'stock',
        `${key} was promised ${row.reserved} times, and there are ${row.quantity} (oversold)`,
      )
  }

const held = (book: Book, { reservation_id, ...data }: Data, by: number) => {
  const reservation = book.reservations.get(reservation_id)
  if (reservation === undefined) return
  const key = stockOf(data)
  const left = (reservation.held.get(key) ?? 0) + by
  if (left === 0) reservation.held.delete(key)
  else reservation.held.set(key, left)
}

const reserving = moving(({ quantity }) => ({ reserved: quantity }))
const releasing = moving(({ quantity }) => ({ reserved: -quantity }))
const committing = moving(({ quantity }) => ({ quantity: -quantity, reserved: -quantity }))

const requested =
  (kind: string): Handler =>
  (book, { payment_id, operation_id, is_owed }, breach) => {
    const payment = book.payments.get(payment_id)
    if (payment === undefined) return breach('money', `${kind} of an unknown payment ${payment_id}`)
    payment.pending.add(operation_id)
    if (is_owed === true) payment.owed.add(operation_id)
  }
/** An operation that ended well; each may end once, and money cannot come from nowhere. */
const moved =
  (kind: 'authorized' | 'captured' | 'refunded' | 'voided'): Handler =>
  (book, { payment_id, operation_id, amount_minor }, breach) => {
    const payment = book.payments.get(payment_id)
    if (payment === undefined) return breach('money', `${kind}: unknown payment ${payment_id}`)
    if (payment.done.has(operation_id)) breach('money', `${operation_id} ended twice`)
    payment.done.set(operation_id, kind)
    payment.pending.delete(operation_id)
    if (kind === 'voided') payment.isVoided = true
    else payment[kind] += amount_minor
    if (payment.owed.has(operation_id)) payment.owedBack += amount_minor
    const { authorized, captured, refunded } = payment
    if (captured > authorized || refunded > captured)
      breach(
        'money',
        `payment ${payment_id}: authorized ${authorized}, captured ${captured}, refunded ${refunded}`,
      )
  }

function takenElsewhere(book: Book, { payment_id, order_id }: Data): void {
  const nothing = { authorized: 0, captured: 0, refunded: 0, owedBack: 0, isVoided: false }
  const known = { done: new Map(), owed: new Set<string>(), pending: new Set<string>() }
  book.payments.set(payment_id, { order_id, ...nothing, ...known, isExternal: true })
}

const orderIs =
  (status: Order['status']): Handler =>
  (book, { order_id }, breach) => {
    const order = book.orders.get(order_id)
    if (order === undefined) return breach('sagas', `unknown order ${order_id} is ${status}`)
    if (order.status === 'CANCELLED') breach('sagas', `order ${order_id}: ${status} when cancelled`)
    order.status = status
  }

const unitsIn = (lines: readonly Data[]): number =>
  lines.reduce((sum, { quantity }) => sum + quantity, 0)
/** Fewer units wait to be sent; where some have left and none waits, all has left. */
function less(book: Book, { order_id, lines }: Data): void {
  const order = book.orders.get(order_id)
  if (order === undefined) return
  order.left -= unitsIn(lines)
  if (order.left === 0 && order.status === 'PARTIALLY_SHIPPED') order.status = 'SHIPPED'
}

const sagaEnds: Handler = (book, { saga_id, outcome }) => {
  const saga = book.sagas.get(saga_id)
  if (saga === undefined) return
  saga.isOpen = false
  saga.outcome = outcome
}

const handlers: Readonly<Record<string, Handler>> = {
  InventoryCreated: (book, data, breach) => {
    if (book.stock.has(stockOf(data))) breach('stock', `${stockOf(data)} was opened twice`)
    const { quantity, backorder_limit } = data
    book.stock.set(stockOf(data), { quantity, reserved: 0, limit: backorder_limit })
  },
  StockAdded: moving(({ quantity }) => ({ quantity })),
  InventoryAdjusted: moving(({ adjustment }) => ({ quantity: adjustment })),
  InventoryUpdated: (book, { backorder_limit, ...data }) => {
    const row = book.stock.get(stockOf(data))
    if (row !== undefined && backorder_limit !== undefined) row.limit = backorder_limit
  },
  InventoryClosed: (book, data) => void book.stock.delete(stockOf(data)),
  StockTransferredOut: moving(({ quantity }) => ({ quantity: -quantity })),
  StockTransferredIn: moving(({ quantity }) => ({ quantity })),
  StockReserved: (book, data, breach) => {
    reserving(book, data, breach)
    held(book, data, data.quantity)
    const reservation = book.reservations.get(data.reservation_id)
    if (reservation !== undefined) reservation.taken += data.quantity
  },
  StockReleased: (book, data, breach) => {
    releasing(book, data, breach)
    held(book, data, -data.quantity)
  },
  ReservationCommitted: (book, data, breach) => {
    committing(book, data, breach)
    held(book, data, -data.quantity)
  },
  InventoryReserved: (book, { reservation_id, lines }) => {
    // Once more: these as well.
    const known = book.reservations.get(reservation_id) ?? { held: new Map(), wanted: 0, taken: 0 }
    known.wanted += unitsIn(lines)
    book.reservations.set(reservation_id, known)
  },

  OrderCreated: (book, data, breach) => {
    const { order_id, total_amount_minor: total, lines } = data
    if (book.orders.has(order_id)) breach('once', `order ${order_id} was created twice`)
    const sum = lines.reduce((all: number, line: Data) => all + line.amount_minor, 0)
    if (sum !== total) breach('money', `order ${order_id}: lines of ${sum} make ${total}`)
    const { customer_id } = data
    book.orders.set(order_id, {
      status: 'PENDING',
      total,
      returned: 0,
      left: unitsIn(lines),
      customer_id,
    })
  },
  OrderConfirmed: orderIs('CONFIRMED'),
  OrderPartiallyShipped: (book, data, breach) => {
    orderIs('PARTIALLY_SHIPPED')(book, data, breach)
    less(book, data)
  },
  OrderLinesCancelled: (book, { order_id, amount_minor, total_amount_minor, lines }, breach) => {
    const sum = lines.reduce((all: number, line: Data) => all + line.amount_minor, 0)
    if (sum !== amount_minor) breach('money', `order ${order_id}: lines of ${sum} cancelled`)
    const order = book.orders.get(order_id)
    if (order === undefined) return
    order.total = total_amount_minor
    less(book, { order_id, lines })
  },
  OrderUpdated: (book, { order_id, total_amount_minor: total, lines }, breach) => {
    const order = book.orders.get(order_id)
    if (order === undefined || lines === undefined) return
    const sum = lines.reduce((all: number, line: Data) => all + line.amount_minor, 0)
    if (sum !== total) breach('money', `order ${order_id}: lines of ${sum} make ${total}`)
    Object.assign(order, { total, left: unitsIn(lines) })
  },
  OrderReturnChanged: (book, { order_id, amount_minor }) => {
    const order = book.orders.get(order_id)
    if (order !== undefined) order.returned += amount_minor
  },
  OrderRefundGranted: (book, { order_id, amount_minor }) => {
    const order = book.orders.get(order_id)
    if (order !== undefined) order.returned += amount_minor
  },
  ShipmentCancelled: ({ unneeded }, { shipment_id }) => void unneeded.add(shipment_id),
  CustomerErased: ({ erased, forgotten, orders }, { customer_id }) => {
    erased.add(customer_id)
    for (const [id, order] of orders) if (order.customer_id === customer_id) forgotten.add(id)
  },
  OrderShipped: (book, data, breach) => {
    orderIs('SHIPPED')(book, data, breach)
    const order = book.orders.get(data.order_id)
    if (order !== undefined) order.left = 0
  },
  OrderDelivered: orderIs('DELIVERED'),
  OrderCancelled: orderIs('CANCELLED'),

  PaymentAuthorizationRequested: (book, { payment_id, order_id, operation_id }, breach) => {
    if (book.payments.has(payment_id)) breach('money', `payment ${payment_id} was opened twice`)
    const nothing = { authorized: 0, captured: 0, refunded: 0, owedBack: 0, isVoided: false }
    const pending = new Set([operation_id])
    book.payments.set(payment_id, {
      ...{ order_id, ...nothing, pending, isExternal: false },
      ...{ done: new Map(), owed: new Set() },
    })
  },
  PaymentCaptureRequested: requested('a capture'),
  PaymentVoidRequested: requested('a void'),
  PaymentRefundRequested: requested('a refund'),
  PaymentAuthorized: (book, data, breach) => {
    if (data.is_external === true) takenElsewhere(book, data)
    moved('authorized')(book, data, breach)
  },
  PaymentCaptured: moved('captured'),
  PaymentRefunded: moved('refunded'),
  PaymentVoided: moved('voided'),
  PaymentFailed: (book, { payment_id, operation_id }) => {
    const payment = book.payments.get(payment_id)
    payment?.pending.delete(operation_id)
    payment?.done.set(operation_id, 'failed')
  },

  SagaStarted: (book, { saga_id }, breach) => {
    if (book.sagas.has(saga_id)) breach('sagas', `saga ${saga_id} was started twice`)
    book.sagas.set(saga_id, { isOpen: true, outcome: null, attention: false })
  },
  SagaStepFailed: (book, { saga_id, needs_attention }) => {
    const saga = book.sagas.get(saga_id)
    if (saga !== undefined && needs_attention === true) saga.attention = true
  },
  SagaCompensationStarted: (book, { saga_id }) => {
    const saga = book.sagas.get(saga_id)
    if (saga !== undefined) saga.isOpen = true
  },
  SagaCompleted: sagaEnds,
  SagaFailed: sagaEnds,
  SagaResolved: sagaEnds,
}
