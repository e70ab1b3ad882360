// What orders owe, tills, goods between stores, prices and forgotten persons, judged from the log
// and the rows.
import type { Context } from '#kernel/context.ts'
import type { Recorded } from '#kernel/message.ts'
import { personalData } from '#runtime/personal.ts'
import { openOwed, owedTroubles, takeOwed } from '#testing/owed-book.ts'
import { OFFLINE, openTill, tillHandlers, tillTroubles } from '#testing/till-book.ts'
import { openTransit, transitHandlers, transitTroubles } from '#testing/transit-book.ts'
import { streetOf } from './shop-deeds.ts'
import type { Sometime } from './sometimes.ts'
import { sometimes, type World } from './world.ts'

export function checkOwed(events: readonly Recorded[]): readonly string[] {
  const owed = openOwed()
  for (const event of events) takeOwed(owed, event)
  return owedTroubles(owed)
}

export function checkTills(events: readonly Recorded[]): readonly string[] {
  const till = openTill()
  const problems: string[] = []
  for (const { event_type, data, position } of events)
    tillHandlers[event_type]?.(till, data, (text) => problems.push(`${text} at ${position}`))
  return [...problems, ...tillTroubles(till)]
}

export function checkTransit(events: readonly Recorded[]): readonly string[] {
  const transit = openTransit()
  const problems: string[] = []
  for (const { event_type, data, position } of events)
    transitHandlers[event_type]?.(transit, data, (text) => problems.push(`${text} at ${position}`))
  return [...problems, ...transitTroubles(transit)]
}

type Price = {
  readonly product_id: string
  readonly sell_price_minor: number
  readonly previous_sell_price_minor: number
  readonly price_number: number
  readonly schedule_id?: string
}

/** Each price says which it follows; one to come takes effect or is taken back, once. */
export function checkPrices(events: readonly Recorded[]): readonly string[] {
  const problems: string[] = []
  const prices = new Map<string, { price: number; number: number }>()
  const open = new Set<string>()
  for (const { event_type, data, position } of events) {
    const told = data as Price
    if (event_type === 'ProductCreated')
      prices.set(told.product_id, { price: told.sell_price_minor, number: 1 })
    if (event_type === 'ProductPriceScheduled') open.add(told.schedule_id!)
    const isChange = event_type === 'ProductPriceChanged'
    if (!isChange && event_type !== 'ScheduledPriceCancelled') continue
    if (told.schedule_id !== undefined && !open.delete(told.schedule_id))
      problems.push(`the price ${told.schedule_id} ended twice, or never was, at ${position}`)
    const before = prices.get(told.product_id)
    if (!isChange || before === undefined) continue
    const follows =
      told.previous_sell_price_minor === before.price && told.price_number === before.number + 1
    if (!follows) problems.push(`a price at ${position} does not follow the one before it`)
    prices.set(told.product_id, { price: told.sell_price_minor, number: told.price_number })
  }
  return problems
}

export function noteShop(world: World, events: readonly Recorded[]): void {
  for (const { event_type, data } of events) {
    const what = NOTED[event_type]?.(data as Noted)
    if (what) sometimes(world, what)
  }
}
type Noted = {
  readonly device_id?: string | null
  readonly schedule_id?: string
  readonly is_closed?: boolean
  readonly adjustment?: number
}
const NOTED: Readonly<Record<string, (data: Noted) => Sometime | false>> = {
  SaleRefunded: () => 'what was sold at a till came back',
  SaleCompleted: ({ device_id }) => device_id === OFFLINE && 'a sale was told later',
  CashDifferenceFound: () => 'a drawer was closed with a difference',
  TransferReceived: ({ is_closed }) =>
    is_closed === false && 'goods came from another store in parts',
  StockCounted: ({ adjustment }) => adjustment !== 0 && 'a count found a difference',
  StockDiscrepancyDetected: () => 'a fact took what was promised',
  ProductPriceChanged: ({ schedule_id }) =>
    schedule_id !== undefined && 'a price took effect at its time',
  PersonalKeyDestroyed: () => 'a person was forgotten',
}

const ROWS_MAX = 10_000

type Ordered = {
  readonly order_id: string
  readonly customer_id: string | null
  readonly subject: string
}

/**
 * What is personal is never stored in clear; what was told of somebody before an erasure is in no
 * row, and cannot be read any more once the key is destroyed.
 */
export async function checkForgotten(
  { stores, shop }: World,
  contexts: readonly Context[],
  events: readonly Recorded[],
): Promise<readonly string[]> {
  const clear = events.flatMap(({ data, position }) =>
    JSON.stringify(data).includes(streetOf('')) ? [`event ${position} tells an address`] : [],
  )
  const { shown, sealed } = forgottenIn(events)
  if (shown.size === 0) return clear
  const { open } = personalData(shop.typesOf(contexts), stores.keys, 0)
  const opened = await open(sealed)
  const readable = opened.flatMap(({ data, position }) =>
    JSON.stringify(data).includes(streetOf('')) ? [`event ${position} can still be read`] : [],
  )
  const checkpoints = await stores.reads.checkpoints()
  const told: string[] = []
  for (const { name, table } of contexts.flatMap(({ projections }) => projections)) {
    if (!checkpoints.has(name)) continue
    const { items } = await stores.reads.find(table, { limit: ROWS_MAX })
    const text = JSON.stringify(items)
    for (const id of shown)
      if (text.includes(streetOf(id))) told.push(`${name} still tells where order ${id} went`)
  }
  return [...clear, ...readable, ...told]
}

/** Orders that no row tells the way of any more, and events that nobody can read. */
function forgottenIn(events: readonly Recorded[]) {
  const placed = new Map<string, Recorded[]>()
  const shown = new Set<string>()
  const sealed: Recorded[] = []
  for (const event of events) {
    const { customer_id, subject } = event.data as Ordered
    if (event.event_type === 'OrderCreated' && customer_id !== null)
      placed.set(customer_id, [...(placed.get(customer_id) ?? []), event])
    if (event.event_type === 'CustomerErased')
      for (const { aggregate_id } of placed.get(customer_id ?? '') ?? []) shown.add(aggregate_id)
    if (event.event_type === 'PersonalKeyDestroyed') sealed.push(...(placed.get(subject) ?? []))
  }
  return { shown, sealed }
}
