// What people call the things that events name by their ids: a store by its name, an order by its
// number.
import { orderViews } from '#contexts/orders/public.ts'
import { MAIN_STORE_ALIAS, MAIN_STORE_ID, storeRows } from '#contexts/stores/public.ts'
import type { Recorded } from '#kernel/message.ts'
import type { Projection } from '#kernel/projection.ts'
import type { Reader } from '#kernel/query.ts'

const STORES = ['store_id', 'from_store_id', 'to_store_id']
/** Stock is held for orders under their own ids. */
const ORDERS = ['reservation_id']

/** By id; what is in no list, or has no name, is not in the map. */
export async function namesIn(
  events: readonly Recorded[],
  reader: Reader,
): Promise<ReadonlyMap<string, string>> {
  const called = async (
    fields: readonly string[],
    projection: Projection,
    [key, name]: readonly [key: string, name: string],
  ) => {
    const ids = idsIn(events, fields)
    if (ids.length === 0) return []
    const where = { [key]: { in: ids } }
    const { items } = await reader.find(projection, { where, limit: ids.length })
    return items.map((row) => [String(row[key]), String(row[name])] as const)
  }
  const [stores, orders] = await Promise.all([
    called(STORES, storeRows, ['store_id', 'name']),
    called(ORDERS, orderViews, ['order_id', 'order_number']),
  ])
  // The main store has no row before it is changed; what comes later counts.
  const main = [MAIN_STORE_ID, MAIN_STORE_ALIAS] as const
  return new Map([
    main,
    ...stores,
    ...orders.map(([id, number]) => [id, `order ${number}`] as const),
  ])
}

function idsIn(events: readonly Recorded[], fields: readonly string[]): readonly string[] {
  const ids = events.flatMap(({ data }) =>
    fields.map((field) => (data as Readonly<Record<string, unknown>>)[field]),
  )
  return [...new Set(ids.filter((id) => typeof id === 'string'))]
}
