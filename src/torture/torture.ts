// The torture: the real program on a scratch store, buyers who do everything at once, faults all
// the while; then rest, and every promise is checked from the outside and from the log.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openFleet, type Ran } from '#testing/fleet.ts'
import { type Random, seeded } from '#testing/random.ts'
import type { Goods } from './acting.ts'
import { type Check, judge } from './checks.ts'
import { type Clients, openClients } from './clients.ts'
import { dawdle } from './dawdlers.ts'
import { type Evidence, everyPage, look, readBooks, readLog, recordsOf } from './evidence.ts'
import { type Faults, type Shop, startAll, startFaults } from './faults.ts'
import { tradeOnce } from './one-of-each.ts'
import { openPlace, type Place } from './places.ts'
import { type Readers, startReaders } from './readers.ts'
import { openGoods, startTrade, type Trade } from './trade.ts'

export type TortureOptions = {
  /** The program's file. */
  readonly main: string
  readonly store: string
  /** Several processes; needs a server. */
  readonly many: boolean
  readonly seconds: number
  readonly buyers: number
  readonly seed: number
  /** How long it may take until nothing is left to do. */
  readonly restSeconds: number
  /** How far it is: done and of, in seconds, and what to say beside. */
  readonly onProgress: (phase: string, done: number, of: number, note: string) => void
}
export type Report = {
  readonly place: string
  readonly processes: number
  readonly checks: readonly Check[]
  readonly faults: ReadonlyMap<string, number>
  readonly done: ReadonlyMap<string, number>
  readonly refused: ReadonlyMap<string, number>
  readonly events: number
  readonly requests: number
  readonly repeats: number
  readonly restSeconds: number
  /** The last that the processes said on standard error. */
  readonly complaints: string
}

/** Short times, so that in a minute everything happens that takes a shop a day. */
const SETTINGS = [
  ...['payments.default_method=', 'reservation.ttl=5s', 'server.read_timeout=2s'],
  ...['breaker.open_for=1s', 'simulator.faults=0.1', 'retry.base=50ms', 'retry.max=1s'],
  ...['pos.stock_policy=block', 'pos.refund_without_original=refuse'],
  ...['saga.step_timeout=2s', 'seals.every=100', 'snapshot.every=10'],
]
const ALONE = { shop: 'all' }
const MANY = {
  ...{ 'front-1': 'command,query', 'front-2': 'command,query' },
  ...{ 'back-1': 'projection,saga', 'back-2': 'projection,saga', admin: 'admin' },
}
const READERS = 3
const DAWDLERS = 4
const DAWDLED_MS = 30_000
/** A slow machine gets more time, until so much was carried out; but not for ever. */
const ENOUGH_DONE = 100
const MORE_SECONDS = 120

export async function torture(options: TortureOptions): Promise<Report> {
  const place = await openPlace(options.store)
  try {
    if (options.many && !place.isShared)
      throw new Error('many processes need a server: --store postgres, or a URL of one')
    return await onPlace(place, options)
  } finally {
    await place.remove()
  }
}

async function onPlace(place: Place, options: TortureOptions): Promise<Report> {
  const { main, many, seed } = options
  const { folder, env } = place
  const fleet = openFleet(main, { folder, env, sets: SETTINGS })
  const shop: Shop = { fleet, members: many ? MANY : ALONE }
  const startedAt = performance.now()
  const clients = openClients(fleet, startedAt)
  const random = seeded(seed)
  let day: Day | undefined
  try {
    await startAll(shop)
    const goods = await openGoods(clients, random)
    await askAsOldClients(clients, goods, random)
    await tradeOnce(clients, goods, random)
    day = startDay(shop, place, clients, goods, options)
    while (!day.isOver()) await sleep(100)
    // What was asked amid the faults has to be answered when they are over.
    await day.faults.stop()
    await day.trade.over
    const restBegan = performance.now()
    const [unrest, dawdled] = await Promise.all([
      rest(clients, random, options),
      dawdle(DAWDLERS, fleet.doors('command')[0]!, DAWDLED_MS),
    ])
    clients.account.dawdled.push(...dawdled)
    const restSeconds = (performance.now() - restBegan) / 1_000
    const evidence = await gather({ shop, place, clients, goods, random, options, unrest }, day)
    return {
      place: place.what,
      processes: Object.keys(shop.members).length,
      checks: judge(evidence),
      faults: withProviders(day.faults.counts, evidence),
      ...{ done: day.trade.done, refused: day.trade.refused },
      events: evidence.digests.length,
      requests: evidence.account.asked.size,
      repeats: repeatsOf(evidence),
      restSeconds,
      complaints: fleet.complaints(),
    }
  } finally {
    clients.giveUp()
    day?.readers.stop()
    await fleet.end()
  }
}

type Day = {
  readonly trade: Trade
  readonly faults: Faults
  readonly readers: Readers
  readonly isOver: () => boolean
}

function startDay(
  shop: Shop,
  place: Place,
  clients: Clients,
  goods: Goods,
  { seconds, buyers, seed, onProgress }: TortureOptions,
): Day {
  const began = performance.now()
  const elapsed = () => (performance.now() - began) / 1_000
  const isOver = (): boolean => {
    const more = elapsed() - seconds
    return more >= MORE_SECONDS || (more >= 0 && sumOf(trade.done) >= ENOUGH_DONE)
  }
  const trade = startTrade(clients, goods, { buyers, seed, until: isOver })
  const faults = startFaults(shop, place.strikes, seed)
  const reading = (name: string) => seeded(seed + name.length + name.charCodeAt(name.length - 1))
  const readers = startReaders(READERS, place.openLog, reading, trade.notice)
  const told = setInterval(() => {
    const note = `${sumOf(trade.done)} commands, ${sumOf(faults.counts)} faults`
    onProgress('Torture', Math.min(seconds, Math.floor(elapsed())), seconds, note)
  }, 1_000)
  void trade.over.finally(() => clearInterval(told))
  return { trade, faults, readers, isOver }
}
const sumOf = (all: ReadonlyMap<string, number>): number =>
  [...all.values()].reduce((sum, count) => sum + count, 0)

/** A field under the name that it had before. */
async function askAsOldClients(clients: Clients, goods: Goods, random: Random): Promise<void> {
  const { product_id } = goods.products[0]!
  const body = {
    order_id: randomUUID(),
    customer_id: 'old-client',
    items: [{ product_id, quantity: 1 }],
    payment: { payment_method: 'credit_card' },
  }
  await clients.send({ what: 'old order', path: '/api/v1/orders', body }, random)
}

/** Until nothing is left to do; why not, when that takes too long. */
async function rest(
  clients: Clients,
  random: Random,
  { onProgress, restSeconds }: TortureOptions,
): Promise<string | null> {
  const began = performance.now()
  let why = ''
  for (;;) {
    const seconds = (performance.now() - began) / 1_000
    onProgress('Rest', Math.floor(seconds), restSeconds, why)
    try {
      why = await unfinished(clients, random)
    } catch (error) {
      why = (error as Error).message
    }
    if (why === '') return null
    if (seconds > restSeconds) return `no rest within ${restSeconds} s: ${why}`
    await sleep(500)
  }
}

async function unfinished(clients: Clients, random: Random): Promise<string> {
  const { body, status } = await clients.get('admin', '/api/v1/admin/projections', random)
  if (status !== 200) return `the admin door answers ${status}`
  const behind = (body.items as { name: string; lag_events: number }[]).filter(
    ({ lag_events }) => lag_events > 0,
  )
  if (behind.length > 0) return `${behind.map(({ name }) => name).join()} behind`
  for (const status of ['RUNNING', 'COMPENSATING']) {
    const path = `/api/v1/admin/sagas?status=${status}`
    const open = await everyPage(clients, 'admin', path, random)
    if (open.length > 0) return `${open.length} sagas ${status}, as ${String(open[0]!.saga_id)}`
  }
  const held = await everyPage(
    clients,
    'query',
    '/api/v1/inventory/reservations?status=ACTIVE',
    random,
  )
  const mayExpire = held.filter(({ expires_at }) => expires_at !== null)
  if (mayExpire.length > 0) return `${mayExpire.length} reservations have not expired`
  const payments = await everyPage(clients, 'query', '/api/v1/payments', random)
  const pending = payments.filter(({ pending_operation }) => pending_operation !== null)
  if (pending.length > 0) return `${pending.length} payments wait for the provider`
  const known = await everyPage(clients, 'query', '/api/v1/erasures?status=pending', random)
  return known.length === 0 ? '' : `${known.length} persons are not forgotten yet`
}

type Gathering = {
  readonly shop: Shop
  readonly place: Place
  readonly clients: Clients
  readonly goods: Goods
  readonly random: Random
  readonly options: TortureOptions
  readonly unrest: string | null
}

async function gather(
  { shop, place, clients, goods, random, options, unrest }: Gathering,
  { faults, readers }: Day,
): Promise<Evidence> {
  const { onProgress } = options
  onProgress('Check', 0, 4, 'what the shop shows')
  const products = [...goods.products.map(({ product_id }) => product_id), goods.scarce]
  const shown = await look(clients, products, random)
  const surprises = [...faults.surprises, ...(await closeShop(shop))]
  onProgress('Check', 1, 4, 'the log')
  const log = await place.openLog()
  const { book, digests } = await readLog(log)
  const done = [...clients.account.asked.values()].filter(({ told }) =>
    told.some(({ status }) => status >= 200 && status < 300),
  )
  const records = await recordsOf(
    log,
    done.map(({ key }) => key),
  )
  await log.close()
  await readers.finish(digests.length)
  const { ledger, labels } = await readBooks(place)
  onProgress('Check', 2, 4, 'verify')
  const verified = await shop.fleet.run('verify')
  onProgress('Check', 3, 4, 'damage')
  const damaged = await damage(place, digests.length, random, () => shop.fleet.run('verify'))
  onProgress('Check', 4, 4, '')
  return {
    ...{ account: clients.account, book, digests, readers: readers.all, records, shown },
    ...{ ledger, labels, surprises, unrest, verified, damaged },
  }
}

async function closeShop({ fleet, members }: Shop): Promise<readonly string[]> {
  const surprises: string[] = []
  for (const name of Object.keys(members)) {
    const code = await fleet.stop(name)
    if (code !== 0) surprises.push(`${name}, told to stop, left with code ${code}`)
  }
  return surprises
}

/** Somewhere in the middle, where a seal has been set since. */
async function damage(
  place: Place,
  events: number,
  random: Random,
  again: () => Promise<Ran>,
): Promise<Evidence['damaged']> {
  const position = random.int(1, Math.max(1, Math.floor(events / 2)))
  await place.damage(position)
  return { position, verified: await again() }
}

/** What the built-in provider did to us shows in the log. */
function withProviders(counts: Faults['counts'], { book }: Evidence): ReadonlyMap<string, number> {
  const unknown = book.counts.get('PaymentOutcomeUnknown') ?? 0
  const failed = book.counts.get('SagaStepFailed') ?? 0
  return new Map([...counts, ['provider’s answer lost', unknown], ['saga step failed', failed]])
}

const repeatsOf = ({ account }: Evidence) =>
  [...account.asked.values()].reduce((sum, { told }) => sum + Math.max(0, told.length - 1), 0)
