// Stock, added up by hand: at every position nothing is promised that is not there, and in the end
// what is promised is what reservations hold.
import type { Recorded } from '#kernel/message.ts'
import { OFFLINE } from '#testing/till-book.ts'

export type Place = { quantity: number; reserved: number; backorder: number }
type Line = { readonly product_id: string; readonly store_id: string; readonly quantity: number }
/** Whatever an event of stock or of a reservation may hold. */
type Data = Line & {
  readonly adjustment: number
  readonly backorder_limit: number
  readonly lines: readonly Line[]
  readonly reservation_id: string
  readonly missing: number
  readonly reason: string
  readonly device_id?: string | null
}

export function checkStock(events: readonly Recorded[]): readonly string[] {
  const problems: string[] = []
  const places = new Map<string, Place>()
  const held = new Map<string, Map<string, number>>()
  for (const event of events) {
    const data = event.data as Data
    if (event.aggregate_type === 'stock') {
      const place = moved(places, event)
      if (place.reserved < 0) problems.push(`${event.aggregate_id} holds less than nothing`)
      if (event.event_type === 'StockReserved' && place.reserved > place.quantity + place.backorder)
        problems.push(
          `${place.reserved} of ${place.quantity} are promised of ${event.aggregate_id} at ${event.position}`,
        )
    }
    if (event.aggregate_type === 'reservation') hold(held, event.event_type, data)
  }
  const promised = new Map<string, number>()
  for (const lines of held.values())
    for (const [place, quantity] of lines)
      promised.set(place, (promised.get(place) ?? 0) + quantity)
  for (const [place, { reserved }] of places)
    if ((promised.get(place) ?? 0) !== reserved)
      problems.push(
        `${reserved} of ${place} are promised, and reservations hold ${promised.get(place) ?? 0}`,
      )
  return [...problems, ...takenProblems(events)]
}

const lacking = ({ quantity, reserved }: Place) => Math.max(0, reserved - quantity)

/**
 * Only what has happened already takes what is promised or not there: a count, or what was told
 * later; and then somebody is told how much of it is lacking now.
 */
function takenProblems(events: readonly Recorded[]): readonly string[] {
  const problems: string[] = []
  const places = new Map<string, Place>()
  const commands = Map.groupBy(events, ({ metadata }) => metadata.command_id ?? '')
  for (const [id, written] of commands) {
    const before = new Map<string, number>()
    const told = new Map<string, number>()
    for (const event of written) {
      const { aggregate_id, aggregate_type, event_type } = event
      if (aggregate_type === 'stock' && !before.has(aggregate_id)) {
        const place = places.get(aggregate_id)
        before.set(aggregate_id, place === undefined ? 0 : lacking(place))
      }
      if (aggregate_type === 'stock') moved(places, event)
      if (event_type !== 'StockDiscrepancyDetected') continue
      const { product_id, store_id, missing, reason } = event.data as Data
      if (reason !== 'never came') told.set(`${product_id}:${store_id}`, missing)
    }
    const isFact = written.some(isOfBefore)
    for (const [key, lacked] of before) {
      const taken = Math.max(0, lacking(places.get(key)!) - lacked)
      if (taken > 0 && !isFact) problems.push(`${id} took ${taken} of ${key} that were promised`)
      if (taken !== (told.get(key) ?? 0))
        problems.push(`${id} took ${taken} of ${key}, and told of ${told.get(key) ?? 0}`)
    }
  }
  return problems
}

/** It had happened when it was told. */
const isOfBefore = ({ event_type, data, occurred_at, timestamp }: Recorded): boolean =>
  event_type === 'StockCounted' ||
  (event_type === 'TransferStarted' && occurred_at < timestamp) ||
  (data as Data).device_id === OFFLINE

/** The place after the event. */
export function moved(
  places: Map<string, Place>,
  { aggregate_id, event_type, data }: Recorded,
): Place {
  const { quantity, adjustment, backorder_limit } = data as Data
  const place = places.get(aggregate_id) ?? { quantity: 0, reserved: 0, backorder: 0 }
  places.set(aggregate_id, place)
  switch (event_type) {
    case 'InventoryCreated':
      Object.assign(place, { quantity, reserved: 0, backorder: backorder_limit })
      break
    case 'StockAdded':
      place.quantity += quantity
      break
    case 'InventoryAdjusted':
      place.quantity += adjustment
      break
    case 'StockReserved':
      place.reserved += quantity
      break
    case 'StockReleased':
      place.reserved -= quantity
      break
    case 'InventoryUpdated':
      place.backorder = backorder_limit ?? place.backorder
      break
    case 'StockTransferredOut':
      place.quantity -= quantity
      break
    case 'StockTransferredIn':
      place.quantity += quantity
      break
    case 'ReservationCommitted':
      place.reserved -= quantity
      place.quantity -= quantity
  }
  return place
}

function hold(held: Map<string, Map<string, number>>, type: string, data: Data) {
  const lines = held.get(data.reservation_id) ?? new Map<string, number>()
  held.set(data.reservation_id, lines)
  const sign = type === 'InventoryReserved' ? 1 : -1
  for (const { product_id, store_id, quantity } of data.lines ?? []) {
    const place = `${product_id}:${store_id}`
    lines.set(place, (lines.get(place) ?? 0) + sign * quantity)
  }
}
