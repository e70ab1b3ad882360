// Everything that the checks look at, gathered when the shop has come to rest: what clients were
// told, the log folded by ourselves, what the shop itself shows, the provider's and the carrier's
// own books, and what the program's own verification says.
import { openCarrier } from '#providers/carrier-simulator.ts'
import { type LedgerEntry, openPaymentProvider } from '#providers/payment-simulator.ts'
import type { CommandRecord, EventLog } from '#storage/event-log.ts'
import type { Ran } from '#testing/fleet.ts'
import type { Random } from '#testing/random.ts'
import type { Account } from './account.ts'
import { type Book, openBook } from './book.ts'
import type { Body, Clients } from './clients.ts'
import type { Place } from './places.ts'
import { digestOf, type Reader } from './readers.ts'

export type Shown = {
  readonly orders: readonly Body[]
  readonly payments: readonly Body[]
  readonly stock: readonly Body[]
  readonly sagas: readonly Body[]
  /** Events that projections could not take. */
  readonly parked: readonly Body[]
  /** What it did not show, and what it said instead. */
  readonly troubles: readonly string[]
}
export type Evidence = {
  readonly account: Account
  readonly book: Book
  /** Digests of the log's events, by position from 1. */
  readonly digests: readonly number[]
  readonly readers: readonly Reader[]
  /** By id, for every command that a client was told was carried out. */
  readonly records: ReadonlyMap<string, CommandRecord | null>
  readonly shown: Shown
  readonly ledger: readonly LedgerEntry[]
  /** Orders by the valid labels of their own parcel; those that were planned beside have theirs. */
  readonly labels: ReadonlyMap<string, string>
  readonly surprises: readonly string[]
  /** Why the shop did not come to rest; null when it did. */
  readonly unrest: string | null
  readonly verified: Ran
  /** After an event at this position was changed on purpose. */
  readonly damaged: { readonly position: number; readonly verified: Ran }
}

const PAGE = 1_000

/** The whole log, folded. */
export async function readLog(log: EventLog): Promise<{ book: Book; digests: number[] }> {
  const book = openBook()
  const digests: number[] = []
  for (;;) {
    const page = await log.readAll(digests.length, PAGE)
    for (const event of page) {
      book.take(event)
      digests.push(digestOf(event))
    }
    if (page.length === 0) return { book, digests }
  }
}

export async function recordsOf(log: EventLog, ids: readonly string[]) {
  const records = new Map<string, CommandRecord | null>()
  for (let at = 0; at < ids.length; at += PAGE) {
    const page = ids.slice(at, at + PAGE)
    for (const id of page) records.set(id, null)
    for (const record of await log.commandRecordsOf(page)) records.set(record.id, record)
  }
  return records
}

export async function readBooks(place: Place) {
  const books = await place.openBooks()
  try {
    const ledger = await openPaymentProvider({ book: books.payments }).ledger()
    const labels = await openCarrier({ book: books.labels }).labels()
    return {
      ledger,
      labels: new Map(
        [...labels]
          .filter(([, { order_id, shipment_id }]) => shipment_id === order_id)
          .map(([tracking, { order_id }]) => [tracking, order_id]),
      ),
    }
  } finally {
    await books.close()
  }
}

/** What the shop shows of itself; what it does not show is among the troubles. */
export async function look(
  clients: Clients,
  products: readonly string[],
  random: Random,
): Promise<Shown> {
  const troubles: string[] = []
  const told = (asked: Promise<readonly Body[]>) =>
    asked.catch((error: Error): readonly Body[] => {
      troubles.push(error.message)
      return []
    })
  const every = (role: 'query' | 'admin', path: string) =>
    told(everyPage(clients, role, path, random))
  const stock: Body[] = []
  for (const id of products) stock.push(...(await told(stockOf(id, clients, random))))
  return {
    stock,
    orders: await every('query', '/api/v1/orders'),
    payments: await every('query', '/api/v1/payments'),
    sagas: await every('admin', '/api/v1/admin/sagas'),
    parked: await told(parkedEvents(clients, random)),
    troubles,
  }
}

async function stockOf(id: string, clients: Clients, random: Random): Promise<readonly Body[]> {
  const { status, body } = await clients.get('query', `/api/v1/inventory/${id}`, random)
  if (status !== 200) throw new Error(`stock of ${id}: ${status} ${String(body.code)}`)
  return body.stores as Body[]
}

async function parkedEvents(clients: Clients, random: Random): Promise<readonly Body[]> {
  const { status, body } = await clients.get('admin', '/api/v1/admin/dead-letters', random)
  if (status !== 200) throw new Error(`parked events: ${status} ${String(body.code)}`)
  return body.items as Body[]
}

export async function everyPage(
  clients: Clients,
  role: 'query' | 'admin',
  path: string,
  random: Random,
): Promise<readonly Body[]> {
  const rows: Body[] = []
  let cursor = ''
  for (;;) {
    const page = `${path}${path.includes('?') ? '&' : '?'}limit=100${cursor}`
    const { status, body } = await clients.get(role, page, random)
    if (status !== 200) throw new Error(`${page}: ${status} ${String(body.code)}`)
    rows.push(...(body.items as Body[]))
    if (typeof body.next_cursor !== 'string') return rows
    cursor = `&cursor=${encodeURIComponent(body.next_cursor)}`
  }
}
