// A small book with every kind of projection handler, and a plain fold of it to compare with. Made
// for testing what reads: two rows in one event, rows found by look-up, removal, old versions of
// events.
import { type EventTypes, eventTypes } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Projection, projection, type Row } from '#kernel/projection.ts'
import { integer, object, text } from '#kernel/schema.ts'
import { liftedEvent } from '#runtime/recorded-events.ts'
import type { EventLog, NewEvent } from '#storage/event-log.ts'
import type { Random } from './random.ts'

const moved = object({ sku: text(), from: text(), to: text(), quantity: integer() })

export const stockTypes: EventTypes = eventTypes({
  ItemReceived: {
    data: object({ sku: text(), store: text(), quantity: integer() }),
    version: 2,
    // Version 1 called it `amount`.
    upcast: { 1: ({ amount, ...data }: { amount: number }) => ({ ...data, quantity: amount }) },
  },
  ItemMoved: { data: moved },
  ItemRemoved: { data: object({ sku: text(), store: text() }) },
  ProductNamed: { data: object({ sku: text(), name: text() }) },
  NobodyCares: { data: object({}) },
})

export type Level = {
  readonly id: string
  readonly sku: string
  readonly store: string
  readonly name?: string | null
  readonly quantity: number
  readonly empty: boolean
  readonly changed_at: string
  readonly last: { readonly position: number }
}
type Received = { readonly sku: string; readonly store: string; readonly quantity: number }
type Moved = { readonly sku: string; from: string; to: string; quantity: number }
type Place = { readonly sku: string; readonly store: string }

const idOf = (store: string, sku: string) => `${store}:${sku}`

function changed(row: Level | undefined, key: string, by: number, event: Recorded): Level {
  const [store = '', sku = ''] = key.split(':')
  // A name is only there once it was given: the table's column says null for that.
  const before = row ?? { id: key, sku, store, quantity: 0 }
  const quantity = before.quantity + by
  const last = { position: event.position }
  return { ...before, quantity, empty: quantity === 0, changed_at: event.timestamp, last }
}

/** What a test may break in the handlers: called before each. */
export type Sabotage = (phase: 'keys' | 'apply', event: Recorded, key?: string) => void

/** One row per store and product. */
export const levels = (sabotage: Sabotage = () => {}, version = 1): Projection =>
  projection<Level>({
    name: 'levels',
    version,
    table: {
      name: 'stock_levels',
      key: 'id',
      columns: {
        id: 'text',
        sku: 'text',
        store: 'text',
        name: { kind: 'text', nullable: true },
        quantity: 'quantity',
        empty: 'bool',
        changed_at: 'instant',
        last: 'json',
      },
      indexes: [['sku'], ['store', 'quantity']],
    },
    on: {
      ItemReceived: {
        keys: (event: Recorded<Received>) => {
          sabotage('keys', event)
          return [idOf(event.data.store, event.data.sku)]
        },
        apply: (row, event, key) => {
          sabotage('apply', event, key)
          return changed(row, key, event.data.quantity, event)
        },
      },
      ItemMoved: {
        keys: ({ data }: Recorded<Moved>) => [idOf(data.from, data.sku), idOf(data.to, data.sku)],
        apply: (row, event: Recorded<Moved>, key) => {
          sabotage('apply', event, key)
          const { from, to, sku, quantity } = event.data
          if (from === to) return undefined
          return changed(row, key, key === idOf(from, sku) ? -quantity : quantity, event)
        },
      },
      ItemRemoved: {
        keys: ({ data }: Recorded<Place>) => [idOf(data.store, data.sku)],
        apply: (_, event, key) => {
          sabotage('apply', event, key)
          return null
        },
      },
      ProductNamed: {
        keys: ({ data }: Recorded<{ sku: string }>) => ({ lookup: { sku: data.sku } }),
        apply: (row, event: Recorded<{ name: string }>, key) => {
          sabotage('apply', event, key)
          return row === undefined ? undefined : { ...row, name: event.data.name }
        },
      },
    },
    sources: (key) => {
      const [store, sku] = key.split(':')
      return [`item-${store}:${sku}`, `product-${sku}`, `transfer-${sku}:*`]
    },
  })

/** One row per event of stock: a table that only grows. */
export const movements: Projection = projection<{ id: string; sku: string; at: number }>({
  name: 'movements',
  version: 1,
  table: { name: 'movements', key: 'id', columns: { id: 'text', sku: 'text', at: 'int' } },
  on: Object.fromEntries(
    ['ItemReceived', 'ItemMoved', 'ItemRemoved'].map((type) => [
      type,
      {
        keys: ({ event_id }: Recorded) => [event_id],
        apply: (_: unknown, { data, position }: Recorded<{ sku: string }>, id: string) => ({
          id,
          sku: data.sku,
          at: position,
        }),
      },
    ]),
  ),
})

/** The rows after these events, one event after the other over all rows: slow and plain. */
export function plainFold(
  { on, table }: Projection,
  events: readonly Recorded[],
): ReadonlyMap<string, Row> {
  const rows = new Map<string, Row>()
  for (const stored of events) {
    const event = liftedEvent(stored, stockTypes)
    const handler = on[event.event_type]
    if (handler === undefined) continue
    const named = handler.keys(event)
    const keys =
      'lookup' in named
        ? [...rows].filter(([, row]) => holds(row, named.lookup)).map(([key]) => key)
        : named
    for (const key of new Set(keys)) {
      const next = handler.apply(rows.get(key), event, key)
      if (next === null) rows.delete(key)
      else if (next !== undefined) rows.set(key, { ...nulls(table.columns), ...next })
    }
  }
  return new Map([...rows].sort(([a], [b]) => (a < b ? -1 : 1)))
}

const holds = (row: Row, lookup: object) =>
  Object.entries(lookup).every(([column, value]) => row[column] === value)
const nulls = (columns: object) =>
  Object.fromEntries(Object.keys(columns).map((name) => [name, null]))

// ── events ────────────────────────────────────────────────────────────────────────────────────

export type StockEvent = { readonly stream: string } & Pick<
  NewEvent,
  'event_type' | 'event_version' | 'data'
>

export const received = (store: string, sku: string, quantity: number): StockEvent => ({
  stream: `item-${store}:${sku}`,
  event_type: 'ItemReceived',
  event_version: 2,
  data: { sku, store, quantity },
})
/** As the first version wrote it. */
export const receivedOld = (store: string, sku: string, amount: number): StockEvent => ({
  ...received(store, sku, 0),
  event_version: 1,
  data: { sku, store, amount },
})
export const movedBetween = (sku: string, from: string, to: string, quantity: number) => ({
  stream: `transfer-${sku}:${from}:${to}`,
  event_type: 'ItemMoved',
  event_version: 1,
  data: { sku, from, to, quantity },
})
export const removed = (store: string, sku: string): StockEvent => ({
  stream: `item-${store}:${sku}`,
  event_type: 'ItemRemoved',
  event_version: 1,
  data: { sku, store },
})
export const named = (sku: string, name: string): StockEvent => ({
  stream: `product-${sku}`,
  event_type: 'ProductNamed',
  event_version: 1,
  data: { sku, name },
})
export const ignored = (): StockEvent => ({
  stream: 'noise-1',
  event_type: 'NobodyCares',
  event_version: 1,
  data: {},
})

/** Events over few stores and products, so that they meet; the same for the same numbers. */
export function anyEvent({ int }: Random): StockEvent {
  const [store, other] = [`s${int(0, 2)}`, `s${int(0, 2)}`]
  const sku = `p${int(0, 3)}`
  const kind = int(0, 19)
  if (kind < 8) return received(store, sku, int(-4, 4))
  if (kind < 10) return receivedOld(store, sku, int(-4, 4))
  if (kind < 14) return movedBetween(sku, store, other, int(0, 4))
  if (kind < 17) return named(sku, `name ${int(0, 999)}`)
  if (kind < 19) return removed(store, sku)
  return ignored()
}

/** Writes each event by itself; answers the position of the last. */
export async function record(log: EventLog, events: readonly StockEvent[]): Promise<number> {
  let { position } = await log.head()
  for (const { stream, ...event } of events) {
    const written = { ...event, event_id: eventIdAt(position + 1), metadata: {} }
    const verdict = await log.append({
      writes: [{ stream, expected: 'any', events: [written] }],
    })
    if (!verdict.ok) throw new Error(`not written: ${verdict.reason}`)
    position = verdict.position
  }
  return position
}

const eventIdAt = (position: number) =>
  `00000000-0000-7000-8000-${String(position).padStart(12, '0')}`
