// A year of trade as it stands in a log of any length: products with costs, stock in several
// stores, sales at tills and orders online. Everything follows from the position alone.

import type { Recorded } from '#kernel/message.ts'
import { seeded } from '#testing/random.ts'

export const PRODUCTS = 1_000
export const TRADE_STORES = 5
const STOCK = 1_000_000
const DAYS = 365
const DAY_MS = 86_400_000
/** Of a deal: a sale has six, and so has an order. */
const EVENTS_A_DEAL = 6
const MAIN = '00000000-0000-7000-8000-000000000001'
const ORDERS_EVERY = 4
const CUSTOMERS = 5_000

const hex = (number: number, length: number) => number.toString(16).padStart(length, '0')
const idOf = (kind: number, number: number) =>
  `${hex(kind, 8)}-${hex(Math.floor(number / 65_536), 4)}-7000-8000-${hex(number % 65_536, 12)}`
export const productId = (at: number) => idOf(1, at)
export const tradeStore = (at: number) => (at === 0 ? MAIN : idOf(2, at))

/** What a stream has come to; a page goes on where the one before ended. */
export type Trade = {
  /** The next so many events, or fewer at the end. */
  page(count: number): readonly Recorded[]
}

type Draft = {
  readonly stream: readonly [type: string, id: string]
  readonly type: string
  readonly data: object
  readonly version?: number
}

/** So many events, the last of them a moment ago; `ended` is that moment, in ms. */
export function tradeOf(events: number, ended: number): Trade {
  const versions = new Map<string, number>()
  const source = drafts(events, ended)
  let position = 0
  const begun = ended - events
  const recorded = (draft: Draft): Recorded => {
    const [aggregate_type, aggregate_id] = draft.stream
    const stream = `${aggregate_type}-${aggregate_id}`
    const version = (versions.get(stream) ?? 0) + 1
    versions.set(stream, version)
    position++
    const event_id = idOf(9, position)
    const moment = new Date(begun + position).toISOString()
    return {
      ...{ position, event_id, aggregate_type, aggregate_id, version },
      ...{ event_type: draft.type, event_version: draft.version ?? 1, data: draft.data },
      metadata: { correlation_id: event_id, causation_id: event_id, source: 'api' },
      ...{ occurred_at: moment, timestamp: moment },
    }
  }
  return {
    page(count) {
      const page: Recorded[] = []
      while (page.length < count) {
        const next = source.next()
        if (next.done === true) break
        page.push(recorded(next.value))
      }
      return page
    },
  }
}

function* drafts(events: number, ended: number): Generator<Draft> {
  let made = 0
  for (const draft of goods()) {
    made++
    yield draft
  }
  const random = seeded(events)
  const deals = Math.ceil((events - made) / EVENTS_A_DEAL)
  for (let deal = 0; deal < deals; deal++) {
    const day = new Date(ended - DAYS * DAY_MS + (deal / deals) * DAYS * DAY_MS)
    const store_id = tradeStore(random.int(0, TRADE_STORES - 1))
    const customer_id = random.chance(0.5) ? idOf(3, random.int(1, CUSTOMERS)) : null
    const place = { store_id, customer_id, currency: 'USD', country: null }
    const first = random.int(0, PRODUCTS - 1)
    const lines = [first, (first + random.int(1, PRODUCTS - 1)) % PRODUCTS].map((product, at) =>
      lineOf(product, at + 1, random.int(1, 5)),
    )
    const at = { business_day: day.toISOString().slice(0, 10), moment: day.toISOString() }
    const all = deal % ORDERS_EVERY === 0 ? order : sale
    for (const draft of all(deal, place, lines, at)) {
      if (made === events) return
      made++
      yield draft
    }
  }
}

function* goods(): Generator<Draft> {
  for (let at = 1; at < TRADE_STORES; at++) {
    const store_id = tradeStore(at)
    const data = { store_id, name: `Shop ${at}`, kind: 'shop', timezone: 'UTC' }
    yield { stream: ['store', store_id], type: 'StoreCreated', data }
  }
  for (let at = 0; at < PRODUCTS; at++) {
    const product_id = productId(at)
    yield { stream: ['product', product_id], type: 'ProductCreated', data: productOf(at) }
    for (let store = 0; store < TRADE_STORES; store++) {
      const place = { product_id, store_id: tradeStore(store) }
      const none = { location: null, min_stock: null, backorder_limit: 0, quantity_scale: 0 }
      yield {
        stream: ['stock', `${product_id}:${place.store_id}`],
        type: 'InventoryCreated',
        data: { ...place, quantity: STOCK, ...none },
      }
    }
  }
}

const priceOf = (at: number) => 100 + (at % 50) * 10
const departmentOf = (at: number) => idOf(4, at % 12)

const productOf = (at: number) => ({
  product_id: productId(at),
  ...{ code: `P-${at}`, name: `Product ${at}`, description: `Product ${at}` },
  ...{ sell_price_minor: priceOf(at), currency: 'USD', cost_price_minor: 60 },
  ...{ department_id: departmentOf(at), department_name: `Department ${at % 12}` },
  ...{ unit_id: null, unit_name: null, quantity_scale: 0, tax_class: null },
  ...{ min_stock: at % 10 === 0 ? 2 * TRADE_STORES * STOCK : 0, user_id: null },
})

function lineOf(product: number, line: number, quantity: number) {
  const unit_price_minor = priceOf(product)
  const amount_minor = unit_price_minor * quantity
  return {
    ...{ line, product_id: productId(product), code: `P-${product}`, name: `Product ${product}` },
    ...{ department_id: departmentOf(product), quantity, quantity_scale: 0, unit_price_minor },
    ...{ amount_minor, net_minor: amount_minor, tax_minor: 0, discount_minor: 0 },
    ...{ taxes: [], discounts: [] },
  }
}
type Line = ReturnType<typeof lineOf>
type Place = { readonly store_id: string; readonly customer_id: string | null }
type At = { readonly business_day: string; readonly moment: string }

const sumsOf = (lines: readonly Line[]) => {
  const amount_minor = lines.reduce((sum, line) => sum + line.amount_minor, 0)
  return { amount_minor, net_minor: amount_minor, tax_minor: 0, discount_minor: 0 }
}

function* sale(deal: number, place: Place, lines: readonly Line[], at: At): Generator<Draft> {
  const sale_id = idOf(5, deal)
  const stream = ['sale', sale_id] as const
  const till = { ...place, register_id: 'main', user_id: null, device_id: null }
  yield { stream, type: 'SaleStarted', data: { sale_id, ...till, started_at: at.moment } }
  for (const {
    taxes,
    discounts,
    amount_minor,
    net_minor,
    tax_minor,
    discount_minor,
    ...line
  } of lines) {
    const data = { sale_id, currency: 'USD', ...line, tax_class: null, discounts: [] }
    yield { stream, type: 'SaleItemAdded', data }
  }
  const sums = sumsOf(lines)
  const sale_number = `S-${deal}`
  yield {
    stream,
    type: 'SaleCompleted',
    data: {
      ...{ sale_id, sale_number, ...till, lines, ...sums },
      ...{ rounding_minor: 0, total_amount_minor: sums.amount_minor, change_minor: 0 },
      tenders: [{ type: 'cash', amount_minor: sums.amount_minor }],
      ...{ payment_type: 'cash', business_day: at.business_day, completed_at: at.moment },
    },
  }
  yield* taken(lines, place, sale_number)
}

function* order(deal: number, place: Place, lines: readonly Line[], at: At): Generator<Draft> {
  const order_id = idOf(6, deal)
  const stream = ['order', order_id] as const
  const { amount_minor, ...taxed } = sumsOf(lines)
  yield {
    stream,
    type: 'OrderCreated',
    version: 2,
    data: {
      ...{ order_id, order_number: `O-${deal}`, ...place, user_id: null, channel: 'online' },
      ...{ lines, total_amount_minor: amount_minor, ...taxed, shipping_address: null },
      ...{ notes: null, payment_method: null, payment_id: null },
      ...{ placed_at: at.moment, business_day: at.business_day },
    },
  }
  yield* taken(lines, place, `O-${deal}`)
  yield { stream, type: 'OrderConfirmed', data: { order_id, confirmed_at: at.moment } }
  const parcel = { shipment_id: idOf(7, deal), tracking_number: `T-${deal}`, carrier: 'bench' }
  yield { stream, type: 'OrderShipped', data: { order_id, ...parcel, shipped_at: at.moment } }
  const data = { order_id, shipment_id: parcel.shipment_id, delivered_at: at.moment }
  yield { stream, type: 'OrderDelivered', data }
}

function* taken(lines: readonly Line[], { store_id }: Place, reference: string): Generator<Draft> {
  for (const { product_id, quantity } of lines)
    yield {
      stream: ['stock', `${product_id}:${store_id}`],
      type: 'InventoryAdjusted',
      data: { product_id, store_id, adjustment: -quantity, reason: 'sale', reference },
    }
}
