// Who cannot be served: what is promised in a place beyond what is there now, and by which
// reservations. Backorders wait anyway, so they lack nothing new; of the others the newest go short
// first, as what comes is for those who were promised it first.
import { type Recorded, streamOf } from '#kernel/message.ts'
import type { Row } from '#kernel/projection.ts'
import { type AsOf, everyRow, type Reader } from '#kernel/query.ts'
import { type PromiseRow, promises } from './promises.ts'
import { reservationsOpen } from './reservations-open.ts'
import { stockKey } from './stock.ts'
import { stockByStore } from './stock-by-store.ts'
import type { Place } from './stock-changes.ts'

/** Reservations that are named in one answer, the newest; `lacking_quantity` is of all. */
export const UNSERVED_MAX = 500
const PAGE = 500

export type Coverage = { readonly lacking_quantity: number; readonly is_covered: boolean }
export type Unserved = {
  readonly reservation_id: string
  readonly order_id: string | null
  readonly held_quantity: number
  readonly backordered_quantity: number
  readonly lacking_quantity: number
  readonly since: string
}

/** A time of recording, or a position. */
export type Then = Exclude<AsOf, { readonly version: number }>

/** `stock`: a row of stock_by_store; null where nothing is stocked, and so nothing promised. */
function coverage(stock: Row | null): Coverage {
  const of = (column: string) => Number(stock?.[column] ?? 0)
  const agreed = of('reserved_quantity') - of('backordered_quantity')
  const lacking_quantity = Math.max(0, agreed - of('quantity'))
  return { lacking_quantity, is_covered: lacking_quantity === 0 }
}

/** Of some places at once, by `stockKey`. */
export async function coverages(
  reader: Reader,
  places: readonly Place[],
): Promise<ReadonlyMap<string, Coverage>> {
  const keys = [...new Set(places.map((each) => stockKey(each.product_id, each.store_id)))]
  const rows = new Map<unknown, Row>()
  for (let from = 0; from < keys.length; from += PAGE) {
    const where = { stock_id: { in: keys.slice(from, from + PAGE) } }
    const { items } = await reader.find(stockByStore, { where, limit: PAGE })
    for (const row of items) rows.set(row.stock_id, row)
  }
  return new Map(keys.map((key) => [key, coverage(rows.get(key) ?? null)]))
}

/** `then`: as it was; null: as it is. */
export async function unservedIn(
  reader: Reader,
  place: Place,
  then: Then | null,
): Promise<Coverage & { readonly unserved: readonly Unserved[] }> {
  const key = stockKey(place.product_id, place.store_id)
  const stock =
    then === null ? await reader.get(stockByStore, key) : await reader.past(stockByStore, key, then)
  const covered = coverage(stock)
  if (covered.is_covered) return { ...covered, unserved: [] }
  const newest = then === null ? newestNow(reader, place) : newestThen(reader, key, then)
  const short: Omit<Unserved, 'order_id'>[] = []
  let left = covered.lacking_quantity
  for await (const promise of newest) {
    const { reservation_id, held_quantity, backordered_quantity, since } = promise
    const lacking_quantity = Math.min(left, held_quantity - backordered_quantity)
    left -= lacking_quantity
    const held = { reservation_id, held_quantity, backordered_quantity, since }
    if (lacking_quantity > 0) short.push({ ...held, lacking_quantity })
    if (left === 0 || short.length === UNSERVED_MAX) break
  }
  return { ...covered, unserved: await withOrders(reader, short) }
}

const newestNow = (reader: Reader, { product_id, store_id }: Place) =>
  everyRow(reader, promises, {
    where: { product_id, store_id },
    sort: [{ column: 'position', descending: true }],
    // The table's columns are those of the row's type.
  }) as AsyncGenerator<PromiseRow>

/** Folded from the stock item's own events, page by page. */
async function* newestThen(reader: Reader, key: string, then: Then): AsyncGenerator<PromiseRow> {
  const rows = new Map<string, Row>()
  const stream = streamOf('stock', key)
  const isWithin = ({ position, timestamp }: Recorded) =>
    'position' in then ? position <= then.position : timestamp <= then.time
  let page: readonly Recorded[]
  let after = 0
  do {
    page = await reader.events([stream], PAGE, after)
    for (const event of page.filter(isWithin)) fold(rows, event)
    after = page.at(-1)?.position ?? after
  } while (page.length === PAGE && isWithin(page.at(-1)!))
  // The handlers made them.
  const found = [...rows.values()] as PromiseRow[]
  yield* found.sort((a, b) => b.position - a.position)
}

function fold(rows: Map<string, Row>, event: Recorded): void {
  const handler = promises.on[event.event_type]
  const keys = handler?.keys(event) ?? []
  if ('lookup' in keys) throw new Error(`promises looks up who is meant by ${event.event_type}`)
  for (const key of keys) {
    const next = handler!.apply(rows.get(key), event, key)
    if (next === null) rows.delete(key)
    else if (next !== undefined) rows.set(key, next)
  }
}

/** A reservation's order never changes: its row of today knows it. */
async function withOrders(
  reader: Reader,
  short: readonly Omit<Unserved, 'order_id'>[],
): Promise<readonly Unserved[]> {
  if (short.length === 0) return []
  const where = { reservation_id: { in: short.map(({ reservation_id }) => reservation_id) } }
  const { items } = await reader.find(reservationsOpen, { where, limit: UNSERVED_MAX })
  const orders = new Map(items.map((row) => [row.reservation_id, row.order_id]))
  return short.map((one) => ({
    ...one,
    order_id: (orders.get(one.reservation_id) ?? null) as string | null,
  }))
}
