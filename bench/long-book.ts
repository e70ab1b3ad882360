// A shop's book of a given length: goods made over HTTP, then years of corrections written straight
// into the log while the program is away, and one run of the program that catches up and seals.
import { randomUUIDv7 } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEventLog, openEventLogReadOnly } from '#storage/sqlite/event-log.ts'
import { logFileIn, startDaybook } from './daybook-process.ts'
import { httpCaller } from './http-caller.ts'
import type { Tools } from './question.ts'
import { posted, stockShop } from './shop-goods.ts'

export type Book = {
  readonly folder: string
  readonly products: readonly string[]
  readonly events: number
}

const STORE = '00000000-0000-7000-8000-000000000001'
const EVENTS_A_STREAM = 20
const CALLERS = 8
/** Seals are made each second; a log that rests for longer is sealed. */
const REST_MS = 2_500

export async function madeBook({ folder, atEnd, tell }: Tools, events: number): Promise<Book> {
  const own = folder()
  tell(`writing a book of ${events} events`)
  const first = await startDaybook(own, atEnd)
  const products = await stockShop(first.origin)
  await first.stop()
  await corrected(own, products, events)
  tell(`catching up with ${events} events`)
  const second = await startDaybook(own, atEnd)
  const log = await openEventLogReadOnly({ path: logFileIn(own) })
  await caughtUp(second.origin, products[0]!, (await log.head()).position)
  // So that every stream has the snapshots it would have had.
  await callsOn(second.origin, products, products.length)
  for (let head = -1; head !== (await log.head()).position; await sleep(REST_MS))
    head = (await log.head()).position
  await log.close()
  await second.stop()
  return { folder: own, products, events }
}

async function corrected(folder: string, products: readonly string[], events: number) {
  const log = await openEventLog({ path: logFileIn(folder) })
  const correction = (product_id: string) => {
    const id = randomUUIDv7()
    return {
      event_id: id,
      event_type: 'InventoryAdjusted',
      event_version: 1,
      data: { product_id, store_id: STORE, adjustment: 1, reason: 'count', reference: null },
      metadata: { correlation_id: id, causation_id: id, command_id: id, source: 'api' },
    }
  }
  for (let done = 0; done < events; done += products.length * EVENTS_A_STREAM)
    await log.append({
      writes: products.map((product_id) => ({
        stream: `stock-${product_id}:${STORE}`,
        expected: 'exists' as const,
        events: Array.from({ length: EVENTS_A_STREAM }, () => correction(product_id)),
      })),
    })
  await log.close()
}

/** Asked of the program itself: what it answers knows this position. */
async function caughtUp(origin: string, product: string, position: number): Promise<void> {
  const caller = httpCaller(origin)
  const path = `/api/v1/inventory/products/${product}?min_position=${position}`
  while ((await caller.call('GET', path)).status !== 200) await sleep(100)
  caller.close()
}

/** So many commands, spread over all the products. */
export async function callsOn(
  origin: string,
  products: readonly string[],
  calls: number,
): Promise<void> {
  const callers = Array.from({ length: CALLERS }, () => httpCaller(origin))
  let done = 0
  await Promise.all(
    callers.map(async (caller) => {
      while (done < calls) {
        const product_id = products[done++ % products.length]!
        await posted(caller, '/api/v1/inventory/stock', { product_id, quantity: 1 })
      }
    }),
  )
  for (const caller of callers) caller.close()
}
