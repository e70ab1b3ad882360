// Sales, transfers, counts, backorders and corrections, many at once and at random; afterwards a
// naive book of the log, the aggregates and the views must agree, and no piece has come from
// nowhere or vanished between two stores.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { catalog } from '#contexts/catalog/catalog.ts'
import { product } from '#contexts/catalog/public.ts'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import { stores } from '#contexts/stores/stores.ts'
import { accept, command } from '#kernel/decider.ts'
import type { Recorded } from '#kernel/message.ts'
import { id, integer, object, oneOf } from '#kernel/schema.ts'
import { runApplication } from '#runtime/application.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { inventory } from './inventory.ts'
import { stockRefs } from './reserving.ts'
import { sellStock } from './selling.ts'
import { freeIn, type Stock, stockItem, stockKey } from './stock.ts'

const SEED = seedOfRun()
const COMMANDS = 900
const AT_ONCE = 30
const STORES = [MAIN_STORE_ID, 'berlin', 'paris']
const PRODUCTS = ['tea', 'ale']

/** What a till does, without the till. */
const sell = command({
  type: 'SellForTest',
  input: object({
    product_id: id(),
    store_id: id(),
    quantity: integer(),
    policy: oneOf(['allow', 'warn', 'block']),
  }),
  reads: (line) => [...stockRefs([line]), product.seen(line.product_id)],
  decide: ({ store_id, product_id, quantity, policy }, given, moment) => {
    const lines = [{ product_id, quantity }]
    const about = { store_id, lines, policy, reason: 'sale', reference: 'S' }
    const sold = sellStock(given, about, moment)
    return 'writes' in sold ? accept(sold.writes, {}) : sold
  },
  answer: object({}),
})

test(`whatever comes at once, nothing appears or vanishes (SEED=${SEED})`, async () => {
  const { int, pick, chance } = seeded(SEED)
  const [log, reads, keys] = [await openEventLog(), await openReadModels(), await openKeyRing()]
  const errors: unknown[] = []
  const contexts = [catalog, stores, { ...inventory, commands: [...inventory.commands, sell] }]
  const onError = (error: unknown) => void errors.push(error)
  await using app = await stopping({ contexts, log, reads, keys, onError })
  const products: string[] = []
  for (const name of PRODUCTS) {
    const made = await app.send('CreateProduct', { name, sell_price: '1', min_stock: '4' })
    ok(made.ok)
    products.push(String(made.response.product_id))
  }
  for (const name of STORES.slice(1)) {
    const made = await app.send('CreateStore', { name })
    ok(made.ok)
    STORES[STORES.indexOf(name)] = String(made.response.store_id)
  }

  const known: Record<string, string[]> = {
    reservation: ['none'],
    transfer: ['none'],
    count: ['none'],
  }
  const recent = (kind: string) => pick(known[kind]!.slice(-6))
  const place = () => ({ product_id: pick(products), store_id: pick(STORES) })
  const line = (most = 6) => ({ ...place(), quantity: String(int(1, most)) })
  const two = () => ({ from_store_id: pick(STORES), to_store_id: pick(STORES) })
  const few = (product_id: string) => ({ product_id, quantity: String(int(1, 3)) })
  const part = () => ({
    ...{ product_id: pick(products), received: String(int(0, 3)), damaged: String(int(0, 1)) },
  })
  const makers: readonly (() => readonly [string, object])[] = [
    () => ['AddStock', line(12)],
    () => ['AddStock', line(12)],
    () => ['StartTransfer', { ...two(), lines: products.map(few) }],
    () => ['CreateInventory', { ...line(), backorder_limit: String(int(0, 9)) }],
    () => ['UpdateInventory', { ...place(), backorder_limit: String(int(0, 9)) }],
    () => ['UpdateInventory', { ...place(), min_stock: pick(['0', '2', '5', null]) }],
    () => ['DeleteProduct', { product_id: pick(products), force: true }],
    () => ['RestoreProduct', { product_id: pick(products) }],
    () => ['RestoreProduct', { product_id: pick(products) }],
    () => ['UpdateProduct', { product_id: pick(products), min_stock: pick(['0', '3', '6', '9']) }],
    () => ['AdjustInventory', { ...place(), adjustment: String(int(-5, 4)) }],
    () => ['SellForTest', { ...place(), quantity: int(-1, 3), policy: pick(['warn', 'block']) }],
    () => ['ReserveStock', line()],
    () => ['ReserveStock', line(12)],
    () => ['ReleaseInventory', { reservation_id: recent('reservation') }],
    () => ['ReleaseStock', { reservation_id: recent('reservation'), ...line() }],
    () => ['CommitReservation', { reservation_id: recent('reservation') }],
    () => ['CommitReservation', { reservation_id: recent('reservation'), lines: [line()] }],
    () => ['StartTransfer', { ...two(), lines: [line(2)].map(({ store_id, ...of }) => of) }],
    () => ['ReceiveTransfer', { transfer_id: recent('transfer') }],
    () => [
      'ReceiveTransfer',
      { transfer_id: recent('transfer'), lines: [part()], close: chance(0.6) },
    ],
    () => ['CancelTransfer', { transfer_id: recent('transfer') }],
    () => ['StartStockCount', { store_id: pick(STORES) }],
    () => [
      'RecordCount',
      { count_id: recent('count'), product_id: pick(products), counted: String(int(0, 12)) },
    ],
    () => ['CloseInventory', place()],
  ]
  const done = new Set<string>()
  for (let sent = 0; sent < COMMANDS; sent += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, () => pick(makers)())
    const outcomes = await Promise.all(batch.map(([type, input]) => app.send(type, input)))
    for (const [i, outcome] of outcomes.entries()) {
      if (!outcome.ok) {
        ok(outcome.rejection.code !== 'concurrency_conflict', outcome.rejection.message)
        continue
      }
      done.add(batch[i]![0])
      for (const [name, ids] of Object.entries(known)) {
        const made = outcome.response[`${name}_id`]
        if (typeof made === 'string' && !ids.includes(made)) ids.push(made)
      }
    }
  }
  // Without these it would have looked at nothing; others are seldom possible at random.
  const usual = ['AddStock', 'ReserveStock', 'SellForTest', 'StartTransfer', 'RecordCount']
  deepEqual(
    [...usual, 'ReceiveTransfer'].filter((type) => !done.has(type)),
    [],
    'never accepted',
  )

  const events = await log.readAll(0, 100_000)
  const book = naiveBook(events)
  deepEqual(book.breaches, [])
  const items = statesOf(events)
  for (const [key, state] of items) {
    const row = book.items.get(key)!
    deepEqual(
      [state?.quantity, state?.reserved, state?.incoming].map((n) => n ?? 0),
      row,
      key,
    )
    if (state === null) continue
    ok(state.incoming >= 0, `${key} awaits ${state.incoming}`)
    const lacking = Math.max(0, -freeIn(state))
    const waiting = state.backorders.reduce((sum, { quantity }) => sum + quantity, 0)
    ok(waiting <= lacking, `${waiting} of ${key} wait, and ${lacking} are lacking`)
  }
  const total = (at: 0 | 2) => [...book.items.values()].reduce((sum, row) => sum + row[at]!, 0)
  equal(total(0) + total(2) + book.lostOnTheWay, book.cameFromOutside, 'pieces in all')

  const minPosition = events.at(-1)!.position
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
  const ask = async (type: string, input: object = {}): Promise<any> => {
    const answer = await app.ask(type, input, { minPosition })
    ok(answer.ok, JSON.stringify(answer))
    return answer.result
  }
  const here = [...items].filter(([, state]) => state !== null)
  for (const [key, state] of here) {
    const [product_id, store_id] = key.split(':')
    const shown = await ask('GetStock', { product_id, store_id })
    const backordered = state!.backorders.reduce((sum, { quantity }) => sum + quantity, 0)
    deepEqual(
      [
        shown.quantity,
        shown.reserved_quantity,
        shown.incoming_quantity,
        shown.backordered_quantity,
      ],
      [state!.quantity, state!.reserved, state!.incoming, backordered],
    )
    const waiting = await ask('ListBackorders', { product_id, store_id, limit: 1000 })
    deepEqual(
      waiting.items.map((row: Row) => [row.reservation_id, row.open_quantity]),
      state!.backorders.map(({ reservation_id, quantity }) => [reservation_id, quantity]),
    )
    const { items: moves } = await ask('GetStockMovements', { product_id, store_id, limit: 1000 })
    deepEqual(
      moves.map(({ position, quantity_after }: Row) => [position, quantity_after]),
      book.ledger.get(key)!.toReversed(),
    )
  }
  const low = []
  for (const store_id of STORES)
    for (const row of (await ask('ListLowStock', { store_id, limit: 1000 })).items)
      low.push(`${row.product_id}:${store_id} ${row.available_quantity} of ${row.min_stock}`)
  const isLow = here.flatMap(([key, state]) => {
    const product_id = key.split(':')[0]!
    const threshold = state!.min_stock ?? book.thresholds.get(product_id)!
    const free = freeIn(state!)
    const isTold = threshold > 0 && free <= threshold && !book.archived.has(product_id)
    return isTold ? [`${key} ${free} of ${threshold}`] : []
  })
  deepEqual(low.sort(), isLow.sort())
  const onTheWay = (await ask('ListTransfers', { limit: 1000 })).items
    .flatMap(({ lines }: { lines: Row[] }) => lines)
    .reduce((sum: number, row: Row) => sum + Number(row.in_transit_quantity), 0)
  equal(onTheWay, total(2))
  const work = await ask('ListDiscrepancies', { status: 'OPEN', limit: 1000 })
  equal(work.total, events.filter((e) => e.event_type === 'StockDiscrepancyDetected').length)
  for (const { discrepancy_id, product_id, store_id, is_covered } of work.items) {
    const state = items.get(stockKey(product_id, store_id)) ?? null
    const waiting = state?.backorders.reduce((sum, { quantity }) => sum + quantity, 0) ?? 0
    const promised = (state?.reserved ?? 0) - waiting
    const lacking = Math.max(0, promised - (state?.quantity ?? 0))
    const shown = await ask('GetDiscrepancy', { discrepancy_id })
    deepEqual([shown.lacking_quantity, is_covered], [lacking, lacking === 0])
    const short = shown.unserved.reduce(
      (sum: number, row: Row) => sum + Number(row.lacking_quantity),
      0,
    )
    equal(short, Math.min(lacking, promised), 'somebody lacks each piece that was promised')
    const past = await ask('GetDiscrepancy', { discrepancy_id, as_of_position: minPosition })
    deepEqual(past, shown, 'folded from the log')
  }
  deepEqual(errors, [])
})

async function stopping(parts: Parameters<typeof runApplication>[0]) {
  const app = await runApplication({ ...parts, waitMs: 60_000 })
  return Object.assign(app, {
    async [Symbol.asyncDispose]() {
      await app.stop()
      await parts.reads.close()
      await parts.log.close()
    },
  })
}

type Row = Readonly<Record<string, unknown>>
// biome-ignore lint/suspicious/noExplicitAny: the log's own JSON, read as a stranger would read it
type Data = any

/** As somebody would keep it who knows nothing of the program. */
function naiveBook(events: readonly Recorded[]) {
  const items = new Map<string, number[]>()
  const ledger = new Map<string, (readonly [position: number, after: number])[]>()
  let cameFromOutside = 0
  let lostOnTheWay = 0
  const limits = new Map<string, number>()
  /** What no request may do, whatever facts have done before. */
  const breaches: string[] = []
  const thresholds = new Map<string, number>()
  const own = new Map<string, number | null>()
  /** Items that were above their threshold since it was told, or are to be told of again. */
  const risen = new Set<string>()
  const archived = new Set<string>()
  const isLow = (key: string) => {
    const product_id = key.split(':')[0]!
    const threshold = archived.has(product_id) ? 0 : (own.get(key) ?? thresholds.get(product_id)!)
    const [here, promised] = items.get(key)!
    return threshold > 0 && here! - promised! <= threshold
  }
  for (const { position, aggregate_id, aggregate_type, event_type, data } of events as Data) {
    if (event_type === 'TransferReceived')
      for (const { damaged, missing } of data.lines) lostOnTheWay += damaged + missing
    if (aggregate_type === 'product') {
      if (data.min_stock !== undefined) thresholds.set(aggregate_id, data.min_stock)
      if (event_type === 'ProductArchived') archived.add(aggregate_id)
      if (event_type === 'ProductRestored') archived.delete(aggregate_id)
      for (const key of items.keys())
        if (key.startsWith(aggregate_id) && !isLow(key)) risen.add(key)
    }
    if (aggregate_type !== 'stock') continue
    const row = items.get(aggregate_id) ?? [0, 0, 0]
    items.set(aggregate_id, row)
    const move = (quantity: number, reserved: number, incoming = 0) => {
      row[0]! += quantity
      row[1]! += reserved
      row[2]! += incoming
      ledger.set(aggregate_id, [...(ledger.get(aggregate_id) ?? []), [position, row[0]!]])
    }
    const { quantity, adjustment } = data
    if (event_type === 'InventoryCreated' || event_type === 'StockAdded') move(quantity, 0)
    if (event_type === 'InventoryAdjusted') move(adjustment, 0)
    if (event_type === 'StockReserved') move(0, quantity)
    if (event_type === 'StockReleased') move(0, -quantity)
    if (event_type === 'ReservationCommitted') move(-quantity, -quantity)
    if (event_type === 'StockTransferredOut') move(-quantity, 0)
    if (event_type === 'StockTransferredIn') move(quantity, 0, -data.settled)
    if (event_type === 'IncomingStockChanged') move(0, 0, data.change)
    if (event_type === 'StockCounted') move(0, 0)
    if (data.backorder_limit !== undefined) limits.set(aggregate_id, data.backorder_limit)
    if (data.min_stock !== undefined) own.set(aggregate_id, data.min_stock)
    if (data.min_stock === null || !isLow(aggregate_id)) risen.add(aggregate_id)
    const isTold = event_type === 'LowStockReached'
    if (isTold && !(isLow(aggregate_id) && risen.delete(aggregate_id)))
      breaches.push(`${aggregate_id} was told to be low at ${position}, and was it before`)
    const [here, promised] = [row[0]!, row[1]!]
    const isBroken =
      (event_type === 'StockReserved' && promised > here + limits.get(aggregate_id)!) ||
      (event_type === 'StockTransferredOut' && promised > here) ||
      (event_type === 'ReservationCommitted' && here < 0)
    if (isBroken) breaches.push(`${event_type} of ${aggregate_id} at ${position}`)
    if (/^(InventoryCreated|StockAdded)$/.test(event_type)) cameFromOutside += quantity
    if (event_type === 'InventoryAdjusted') cameFromOutside += adjustment
    if (event_type === 'ReservationCommitted') cameFromOutside -= quantity
  }
  return { items, ledger, breaches, thresholds, archived, cameFromOutside, lostOnTheWay }
}

function statesOf(events: readonly Recorded[]): Map<string, Stock> {
  const states = new Map<string, Stock>()
  // By name, any of the aggregate's steps may be asked for.
  const steps = stockItem.evolve as Record<string, (s: Stock, data: unknown, e: Recorded) => Stock>
  for (const event of events) {
    if (event.aggregate_type !== 'stock') continue
    const before = states.get(event.aggregate_id) ?? null
    states.set(event.aggregate_id, steps[event.event_type]!(before, event.data, event))
  }
  return states
}
