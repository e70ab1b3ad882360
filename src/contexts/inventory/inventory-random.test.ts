// Many random commands at once; afterwards the totals, the reservations and the views must agree.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { catalog } from '#contexts/catalog/catalog.ts'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import { stores } from '#contexts/stores/stores.ts'
import type { Recorded } from '#kernel/message.ts'
import { runApplication } from '#runtime/application.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { inventory } from './inventory.ts'
import { reservation } from './reservation.ts'
import { availableIn, stockItem } from './stock.ts'

const SEED = Number(process.env.SEED ?? randomInt(2 ** 31))
const COMMANDS = 600
const AT_ONCE = 40
const PRODUCTS = 3
const STORES = [MAIN_STORE_ID, '01980000-0000-7000-8000-0000000000aa']

/** mulberry32: small, and the same on every machine. */
function randomFrom(seed: number) {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

test(`whatever comes at once, stock, reservations and views agree (SEED=${SEED})`, async () => {
  const random = randomFrom(SEED)
  const pick = <T>(from: readonly T[]): T => from[random(from.length)]!
  const log = await openEventLog()
  const reads = await openReadModels()
  const errors: unknown[] = []
  const app = await runApplication({
    contexts: [catalog, stores, inventory],
    log,
    reads,
    keys: await openKeyRing(),
    waitMs: 60_000,
    onError: (error) => void errors.push(error),
  })
  const products: string[] = []
  for (let i = 0; i < PRODUCTS; i++) {
    const made = await app.send('CreateProduct', { name: `p${i}`, sell_price: '1' })
    ok(made.ok)
    products.push(String(made.response.product_id))
  }
  await app.send('CreateStore', { store_id: STORES[1], name: 'Second' })

  const reservations = ['none']
  const place = () => ({ product_id: pick(products), store_id: pick(STORES) })
  const line = () => ({ ...place(), quantity: String(1 + random(6)) })
  const makers: readonly (() => readonly [string, object])[] = [
    () => ['AddStock', line()],
    () => ['CreateInventory', { ...line(), backorder_limit: String(random(3)) }],
    () => ['AdjustInventory', { ...place(), adjustment: String(random(9) - 5) }],
    () => ['UpdateProductStock', line()],
    () => ['CloseInventory', place()],
    () => ['ReserveStock', line()],
    () => ['ReserveInventory', { lines: Array.from({ length: 1 + random(5) }, line) }],
    () => ['ReleaseInventory', { reservation_id: pick(reservations) }],
    () => ['ReleaseStock', { reservation_id: pick(reservations), ...line() }],
    () => ['CommitReservation', { reservation_id: pick(reservations) }],
    () => ['CommitReservation', { reservation_id: pick(reservations), lines: [line()] }],
  ]
  let accepted = 0
  for (let sent = 0; sent < COMMANDS; sent += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, () => pick(makers)())
    const outcomes = await Promise.all(batch.map(([type, input]) => app.send(type, input)))
    for (const outcome of outcomes)
      if (outcome.ok) {
        accepted++
        const id = outcome.response.reservation_id
        if (typeof id === 'string') reservations.push(id)
      } else ok(outcome.rejection.code !== 'concurrency_conflict', outcome.rejection.message)
  }
  ok(accepted > COMMANDS / 5, `only ${accepted} of ${COMMANDS} were accepted`)

  // The whole log, folded by this test alone.
  const events = await log.readAll(0, 100_000)
  const items = statesOf(events, 'stock', stockItem)
  const held = new Map<string, number>()
  for (const state of statesOf(events, 'reservation', reservation).values())
    for (const { product_id, store_id, quantity } of state?.lines ?? []) {
      const key = `${product_id}:${store_id}`
      held.set(key, (held.get(key) ?? 0) + quantity)
    }
  for (const [key, state] of items) {
    equal(state?.reserved ?? 0, held.get(key) ?? 0, `${key} is not what its reservations hold`)
    if (state === null) continue
    ok(state.quantity >= 0, `${key} is negative`)
    ok(state.reserved <= state.quantity + state.backorder_limit, `${key} is promised twice`)
    ok(availableIn(state) >= 0)
  }

  const minPosition = events.at(-1)!.position
  for (const product_id of products) {
    const mine = [...items].filter(([key, state]) => key.startsWith(product_id) && state !== null)
    const sum = (of: 'quantity' | 'reserved') => mine.reduce((all, [, s]) => all + s![of], 0)
    const shown = await answerOf(app, 'GetProduct', { product_id }, minPosition)
    deepEqual(
      [shown.quantity_in_stock, shown.reserved_quantity, shown.has_inventory],
      [sum('quantity'), sum('reserved'), mine.length > 0],
    )
    const whole = await answerOf(app, 'GetInventory', { product_id }, minPosition)
    equal(whole?.stores.length ?? 0, mine.length)
    equal(whole?.quantity ?? 0, sum('quantity'))
    const { items: moves } = await answerOf(
      app,
      'GetStockMovements',
      { product_id, limit: 1000 },
      minPosition,
    )
    const total = (column: string) =>
      moves.reduce((all: number, row: Record<string, number>) => all + row[column]!, 0)
    deepEqual(
      [total('quantity_change'), total('reserved_change')],
      [sum('quantity'), sum('reserved')],
    )
  }
  deepEqual(errors, [])
  await app.stop()
  await reads.close()
  await log.close()
})

async function answerOf(
  app: Awaited<ReturnType<typeof runApplication>>,
  type: string,
  input: object,
  minPosition: number,
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
): Promise<any> {
  const answer = await app.ask(type, input, { minPosition })
  ok(answer.ok, JSON.stringify(answer))
  return answer.result
}

function statesOf<S>(
  events: readonly Recorded[],
  type: string,
  { initial, evolve }: { readonly initial: S; readonly evolve: object },
): Map<string, S> {
  const states = new Map<string, S>()
  // By name, any of the aggregate's steps may be asked for.
  const steps = evolve as Record<string, (state: S, data: unknown, event: Recorded) => S>
  for (const event of events) {
    if (event.aggregate_type !== type) continue
    const before = states.get(event.aggregate_id) ?? initial
    states.set(event.aggregate_id, steps[event.event_type]!(before, event.data, event))
  }
  return states
}
