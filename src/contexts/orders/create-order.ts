// An order, its stock, and the start of its saga in one append: without stock there is no order.
import { product } from '#contexts/catalog/public.ts'
import { buyerRefs, customerTrouble } from '#contexts/customers/public.ts'
import { reservation, reserveLines, stockRefs } from '#contexts/inventory/public.ts'
import { payment } from '#contexts/payments/public.ts'
import { address, shipment } from '#contexts/shipping/public.ts'
import { businessDay, openStore, store, storeIdOf, storeState } from '#contexts/stores/public.ts'
import {
  already,
  type Command,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import { later } from '#kernel/instants.ts'
import { decimalNumber, exponentOf, scaled } from '#kernel/money.ts'
import { numberIn, SAGA_STATUSES, saga } from '#kernel/saga.ts'
import {
  decimal,
  type Infer,
  id,
  instant,
  list,
  money,
  nullable,
  object,
  oneOf,
  optional,
  text,
  uuid,
} from '#kernel/schema.ts'
import { draft } from './draft.ts'
import {
  awaitPayment,
  beginSaga,
  captureMoment,
  requestAuthorization,
  requestLabel,
} from './fulfilment.ts'
import { ORDER_STATUSES, order } from './order.ts'
import { closeBook, type OrderBook, orderAnswer } from './order-book.ts'
import { discounts } from './order-discounts.ts'
import { LINES_MAX, NOTES_MAX } from './order-events.ts'
import { type WaitingUnits, waitingOf } from './order-line.ts'
import { type Priced, pricedLines } from './order-lines.ts'
import { orderNumber } from './order-number.ts'

const RESERVATION_TTL_MS = 15 * 60 * 1_000

export const items = list(
  object({
    product_id: id(),
    quantity: decimal(),
    price: optional(decimal({ aliases: ['unit_price'] })),
    discounts,
  }),
  { min: 1, max: LINES_MAX },
)
export const orderInput = object({
  order_id: optional(uuid()),
  customer_id: optional(id({ example: 'ada' })),
  user_id: optional(uuid()),
  store_id: optional(id()),
  items,
  discounts,
  currency: optional(text({ min: 3, max: 3 })),
  amount: optional(decimal({ aliases: ['total_amount'] })),
  shipping_address: optional(nullable(address)),
  notes: optional(nullable(text({ max: NOTES_MAX }))),
  payment: optional(
    object({ method: text({ max: 50, aliases: ['payment_method'] }), token: optional(text()) }),
  ),
  country: optional(text({ max: 100 })),
  order_number: optional(text({ max: 100, description: 'Imports only.' })),
})
type Input = Infer<typeof orderInput>

export const orderAnswerSchema = object({
  order_id: id(),
  order_number: text(),
  status: oneOf(ORDER_STATUSES),
  saga_status: oneOf(SAGA_STATUSES),
  waiting_for: nullable(text()),
  currency: text(),
  total_amount_minor: money(),
  expires_at: optional(nullable(instant())),
})

export const createOrder = (provider: string): Command =>
  command({
    type: 'CreateOrder',
    input: orderInput,
    creates: 'order_id',
    numbered: 'order',
    reads: ({ order_id = '', store_id, items, ...buyer }) => {
      const at = storeIdOf(store_id)
      const wanted = [...new Set(items.map(({ product_id }) => product_id))]
      return [
        order.at(order_id),
        saga.at(order_id),
        reservation.at(order_id),
        shipment.at(order_id),
        // What the order's saga will write is in memory then, and no step has to read the log.
        payment.at(order_id),
        store.seen(at),
        ...buyerRefs(buyer),
        ...wanted.map((productId) => product.seen(productId)),
        ...stockRefs(wanted.map((product_id) => ({ product_id, store_id: at }))),
      ]
    },
    decide: (input, given, moment) => decide(input, given, moment, provider),
    answer: orderAnswerSchema,
    route: {
      method: 'POST',
      path: '/api/v1/orders',
      status: 201,
      tag: 'orders',
      summary: 'Places an order: reserves its stock and starts its saga',
    },
  })

function decide(input: Input, given: Given, moment: Moment, provider: string): Decision {
  const { order_id = '' } = input
  if (given.state(order.at(order_id)) !== null || given.state(payment.at(order_id)) !== null)
    return already('an order', order_id)
  const no = whoTrouble(input, moment) ?? customerTrouble(given, input, moment)
  if (no !== null) return no
  const store_id = storeIdOf(input.store_id)
  const opened = openStore(given, moment, store_id)
  if ('rejected' in opened) return opened
  const cart = { country: countryOf(input), discounts: input.discounts }
  const priced = pricedLines(input.items, input.currency, given, moment, cart)
  if ('rejected' in priced) return priced
  const wrong = amountTrouble(input.amount, priced)
  if (wrong !== null) return wrong

  const method = methodOf(input, moment)
  if (typeof method === 'object' && method !== null) return method
  const waits = method === null && priced.total_amount_minor > 0
  const ttl = numberIn(moment.settings['reservation.ttl_ms'], RESERVATION_TTL_MS)
  const expires_at = waits ? later(moment.now, ttl) : null
  const reserved = reserveLines(given, {
    reservation_id: order_id,
    order_id,
    lines: priced.lines.map(({ product_id, quantity }) => ({ product_id, store_id, quantity })),
    expires_at,
  })
  if ('rejected' in reserved) return reserved

  const book = emptyBook(order_id, given, moment, priced.total_amount_minor > 0 && method !== null)
  const backordered = waitingOf(priced.lines, reserved.backordered)
  const order_number = place(book, input, priced, { store_id, method, backordered })
  beginSaga(book)
  if (expires_at !== null) awaitPayment(book, expires_at)
  else if (book.payment === null || method === null) requestLabel(book)
  else
    requestAuthorization(book, book.payment, {
      payment_method: method,
      token: input.payment?.token ?? null,
      provider,
      capture_on: captureMoment(moment),
    })
  book.beside.push(...opened.writes, ...reserved.writes)
  const claim = { scope: 'order_number', value: order_number, owner: order.at(order_id).stream }
  return { ...closeBook(book, { ...orderAnswer(book), expires_at }), claims: [claim] }
}

function whoTrouble(input: Input, { source }: Moment): Rejected | null {
  if (source === 'import') return null
  if (input.order_number !== undefined)
    return invalid({ order_number: 'is given by the shop; only an import brings its own' })
  if (input.customer_id === undefined && input.user_id === undefined)
    return invalid({ customer_id: 'is required, or user_id' })
  return null
}

function amountTrouble(amount: string | undefined, priced: Priced): Rejected | null {
  if (amount === undefined) return null
  const exponent = exponentOf(priced.currency)
  const told = scaled(amount, exponent)
  if (!told.ok) return invalid({ amount: told.reason })
  if (told.value === priced.total_amount_minor) return null
  return reject('price_mismatch', 'The amount is not what the items come to.', {
    details: {
      amount: decimalNumber(priced.total_amount_minor, exponent),
      given: decimalNumber(told.value, exponent),
      currency: priced.currency,
    },
  })
}

/** null: nobody said how it is paid, so it waits. */
function methodOf({ payment }: Input, { settings }: Moment): string | null | Rejected {
  const standard = settings['payments.default_method']
  const method =
    payment?.method ?? (typeof standard === 'string' && standard !== '' ? standard : null)
  return method === null ? null : (methodTrouble(method, settings, 'payment.method') ?? method)
}

export function methodTrouble(
  method: string,
  settings: Moment['settings'],
  field: string,
): Rejected | null {
  const allowed = settings['payments.methods']
  if (!Array.isArray(allowed) || allowed.includes(method)) return null
  return invalid({ [field]: `must be one of ${allowed.join(', ')}` })
}

function emptyBook(order_id: string, given: Given, moment: Moment, isPaid: boolean): OrderBook {
  const { now } = moment
  return {
    order_id,
    order: draft(order, order_id, null, now),
    saga: draft(saga, order_id, null, now),
    // The payment that is made with the order has the order's id, like its reservation and saga.
    payment: isPaid ? draft(payment, order_id, null, now) : null,
    shipment: draft(shipment, order_id, null, now),
    beside: [],
    given,
    moment,
  }
}

const countryOf = ({ country, shipping_address }: Input): string | null =>
  country ?? shipping_address?.country ?? null

type Placing = {
  readonly store_id: string
  readonly method: string | null
  readonly backordered: WaitingUnits[]
}

function place(
  { order, order_id, payment, given, moment }: OrderBook,
  input: Input,
  priced: Priced,
  { store_id, method, backordered }: Placing,
): string {
  const placed_at = moment.occurred_at ?? moment.now
  const order_number =
    input.order_number ??
    orderNumber(moment.settings['orders.number_format'], moment.number, placed_at)
  order.emit(
    'OrderCreated',
    {
      order_id,
      order_number,
      customer_id: input.customer_id ?? null,
      user_id: input.user_id ?? null,
      store_id,
      channel: 'online',
      ...priced,
      country: countryOf(input),
      shipping_address: input.shipping_address ?? null,
      notes: input.notes ?? null,
      payment_method: method,
      payment_id: payment?.id ?? null,
      ...(backordered.length === 0 ? {} : { backordered }),
      placed_at,
      // A store that is opened by this order has no time zone of its own yet.
      business_day: businessDay(placed_at, storeState(given, store_id)?.timezone ?? 'UTC'),
    },
    moment.occurred_at,
  )
  return order_number
}
