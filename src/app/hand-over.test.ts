// One process takes over from another in the middle of an order: whatever the former one was doing,
// each operation is carried out once, and all books agree.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { v7 } from 'uuid'
import type { Row } from '#kernel/projection.ts'
import { openCarrier } from '#providers/carrier-simulator.ts'
import { openPaymentProvider } from '#providers/payment-simulator.ts'
import { commandGateway } from '#runtime/gateway.ts'
import { numbersFrom } from '#runtime/number-series.ts'
import { eventsOfStreams } from '#runtime/past.ts'
import { personalData } from '#runtime/personal.ts'
import { projectionRunner } from '#runtime/run-projections.ts'
import { type WaitingRunner, waitingRunner } from '#runtime/run-waiting.ts'
import { engines } from '#storage/engines.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { contextsOf, type Providers, typesOf } from './contexts.ts'
import { fencedProviders } from './fenced-providers.ts'

const SETTINGS = { 'payments.default_method': 'credit_card', 'payments.capture_on': 'confirm' }
const SEED = seedOfRun()
const now = () => new Date().toISOString()

/** One bank and one carrier, whoever calls them. */
type Outside = {
  readonly provider: ReturnType<typeof openPaymentProvider>
  readonly carrier: ReturnType<typeof openCarrier>
}
type Process = {
  readonly send: ReturnType<typeof commandGateway>['send']
  readonly waiting: WaitingRunner
  readonly trouble: string[]
  /** Whether its leases still hold, as it sees it. */
  mayAct: boolean
  /** What its calls wait for before they go out, and what for before they come back. */
  before: (kind: string) => Promise<void>
  after: (kind: string) => Promise<void>
}

/** Stores of one database, what follows the log, and processes that act on it. */
async function openShop(url: string) {
  const opening = new AsyncDisposableStack()
  const stored = await engines.postgres()
  const open = async <T extends { close(): Promise<void> }>(port: Promise<T>) => {
    const opened = await port
    opening.defer(() => opened.close())
    return opened
  }
  const log = await open(stored.openEventLog({ url }))
  const reads = await open(stored.openReadModels({ url }))
  const keys = await open(stored.openKeyRing({ url }))
  const outside: Outside = { provider: openPaymentProvider(), carrier: openCarrier() }
  const contexts = contextsOf(outside)
  const types = typesOf(contexts)
  const { open: openEvents } = personalData(types, keys)
  const runner = projectionRunner({
    log,
    reads,
    projections: contexts.flatMap(({ projections }) => projections),
    types,
    open: openEvents,
    onError: (error) => {
      throw error
    },
  })
  await runner.start()
  opening.defer(() => runner.stop())

  const process = async (): Promise<Process> => {
    const ownLog = await open(stored.openEventLog({ url }))
    const nothing = async () => {}
    const box: Process = {
      mayAct: true,
      before: nothing,
      after: nothing,
      trouble: [],
    } as unknown as Process
    const providers = fencedProviders(outside, () => box.mayAct)
    const own = contextsOf(delayed(providers, box), { timeoutMs: 60_000 })
    const personal = personalData(types, keys)
    const { send } = commandGateway({
      log: ownLog,
      commands: own.flatMap(({ commands }) => commands),
      types,
      personal,
      numbers: numbersFrom(ownLog),
      now,
      settings: SETTINGS,
    })
    const waiting = waitingRunner({
      waitings: own.flatMap((context) => context.waiting ?? []),
      reads,
      send,
      now,
      logEnd: async () => (await ownLog.head()).position,
      events: (streams, limit) =>
        eventsOfStreams({ log: ownLog, types, open: personal.open }, streams, limit),
      onError: (error, where) => void box.trouble.push(`${where}: ${String(error)}`),
    })
    opening.defer(() => waiting.stop())
    return Object.assign(box, { send, waiting })
  }
  const rowOf = async (projection: string, key: string): Promise<Row | undefined> => {
    const found = contexts
      .flatMap(({ projections }) => projections)
      .find(({ name }) => name === projection)!
    return (await reads.load(found.table, [key]))[0]
  }
  const names = contexts.flatMap(({ waiting }) => waiting ?? []).map(({ name }) => name)
  return {
    ...outside,
    log,
    names,
    /** Until all that was sent is in the rows. */
    projected: () => runner.catchUp(),
    process,
    rowOf,
    [Symbol.asyncDispose]: () => opening.disposeAsync(),
  }
}
type Shop = Awaited<ReturnType<typeof openShop>>

/** Every call waits for what its process says, on its way out and on its way back. */
function delayed(providers: Providers, box: Process): Providers {
  const slow = <T extends object>(one: T): T =>
    new Proxy(one, {
      get(target, kind) {
        const member: unknown = Reflect.get(target, kind)
        if (typeof member !== 'function' || kind === 'isAuthentic') return member
        return async (...args: unknown[]) => {
          await box.before(String(kind))
          const answer = await member.apply(target, args)
          await box.after(String(kind))
          return answer
        }
      },
    })
  return { provider: slow(providers.provider), carrier: slow(providers.carrier) }
}

async function product({ send }: Process): Promise<string> {
  const product_id = v7()
  const cup = { product_id, code: 'CUP', name: 'Cup', sell_price: '5.00', currency: 'USD' }
  ok((await send('CreateProduct', cup)).ok)
  ok((await send('CreateInventory', { product_id, quantity: '500' })).ok)
  return product_id
}

async function order({ send }: Process, product_id: string): Promise<string> {
  const placed = await send('CreateOrder', {
    customer_id: 'c-1',
    items: [{ product_id, quantity: '1' }],
  })
  ok(placed.ok)
  return String(placed.response.order_id)
}

/** Until the order's saga and its payment have nothing left to do. */
async function settled(shop: Shop, order_id: string): Promise<Row> {
  for (;;) {
    const saga = await shop.rowOf('saga_instances', order_id)
    const payment = await shop.rowOf('payments', order_id)
    const isOver = saga?.status === 'COMPLETED' || saga?.status === 'FAILED'
    if (isOver && payment?.pending_operation === null)
      return (await shop.rowOf('order_views', order_id))!
    await sleep(5)
  }
}

/** What the bank has done says the same as what the shop believes, and nothing was done twice. */
async function agrees(shop: Shop, orderRow: Row): Promise<void> {
  const { order_id, status, total_amount_minor } = orderRow
  const entries = (await shop.provider.ledger()).filter(({ authorization }) =>
    authorization.startsWith(`${order_id}:`),
  )
  const ids = entries.map(({ operation_id }) => operation_id)
  deepEqual(ids, [...new Set(ids)], 'each operation once')
  const done = entries.filter(({ answer }) => answer.status === 'succeeded')
  const count = (kind: string) => done.filter((entry) => entry.kind === kind).length
  ok(count('authorize') <= 1 && count('capture') <= 1, `charged once: ${ids}`)
  const real = await shop.provider.balance(`${order_id}:authorize:1`)
  const payment = await shop.rowOf('payments', String(order_id))
  deepEqual(
    [payment?.captured_minor, payment?.refunded_minor],
    [real.captured_minor, real.refunded_minor],
  )
  const labels = [...(await shop.carrier.labels()).values()].filter(
    (label) => label.order_id === order_id,
  )
  if (status === 'CANCELLED') {
    equal(real.captured_minor, real.refunded_minor)
    ok(real.is_voided || real.captured_minor > 0 || real.authorized_minor === 0, 'money is free')
    equal(labels.length, 0)
  } else {
    equal(real.captured_minor - real.refunded_minor, total_amount_minor)
    equal(labels.length, 1)
  }
}

/** A door that stands open or shut. */
function gate() {
  let open = () => {}
  let isShut = false
  let opened: Promise<void> = Promise.resolve()
  return {
    shut() {
      isShut = true
      opened = new Promise((resolve) => {
        open = resolve
      })
    },
    open() {
      isShut = false
      open()
    },
    wait: () => (isShut ? opened : Promise.resolve()),
  }
}

await onPostgres('a hand-over', (fresh) => {
  const inShop = async (work: (shop: Shop) => Promise<void>) => {
    const database = await fresh()
    try {
      await using shop = await openShop(database.url)
      await work(shop)
    } finally {
      await database.remove()
    }
  }

  for (const kind of ['authorize', 'createLabel', 'capture'])
    for (const side of ['before', 'after'] as const)
      it(`stopped ${side} the call "${kind}", the former holder does no harm when it wakes`, () =>
        inShop(async (shop) => {
          const [former, next] = [await shop.process(), await shop.process()]
          const product_id = await product(next)
          const stopped = gate()
          stopped.shut()
          let met = 0
          former[side] = async (called) => {
            if (called !== kind) return
            met++
            await stopped.wait()
          }
          await former.waiting.runs(shop.names)
          const order_id = await order(next, product_id)
          while (met === 0) await sleep(2)
          // It has lost its leases, and does not know yet.
          await next.waiting.runs(shop.names)
          equal((await settled(shop, order_id)).status, 'CONFIRMED')
          stopped.open()
          await former.waiting.runs([])
          const row = await settled(shop, order_id)
          equal(row.status, 'CONFIRMED')
          await agrees(shop, row)
          deepEqual([...former.trouble, ...next.trouble], [])
        }))

  it('a call that was about to go out is not made after others have settled that it never was', () =>
    inShop(async (shop) => {
      const [former, next] = [await shop.process(), await shop.process()]
      const product_id = await product(next)
      const stopped = gate()
      stopped.shut()
      let met = 0
      former.before = async (called) => {
        if (called !== 'authorize') return
        met++
        await stopped.wait()
      }
      await former.waiting.runs(shop.names)
      const order_id = await order(next, product_id)
      while (met === 0) await sleep(2)
      ok((await next.send('CancelOrder', { order_id })).ok)
      await next.waiting.runs(shop.names)
      equal((await settled(shop, order_id)).status, 'CANCELLED')
      // So long was it stopped that its own clock says so.
      former.mayAct = false
      stopped.open()
      await former.waiting.runs([])
      await agrees(shop, await settled(shop, order_id))
      deepEqual(await shop.provider.ledger(), [])
    }))

  it(`whoever acts, and however often it changes, all books agree (SEED=${SEED})`, () =>
    inShop(async (shop) => {
      const random = seeded(SEED)
      const processes = [await shop.process(), await shop.process(), await shop.process()]
      for (const one of processes) {
        one.before = () => sleep(random.chance(0.3) ? random.int(0, 40) : 0)
        one.after = () => sleep(random.chance(0.3) ? random.int(0, 40) : 0)
      }
      const product_id = await product(processes[0]!)
      const hands = { changes: 0, isOver: false }
      const changing = changeHands(shop, processes, random, hands)
      const orders = await Promise.all(
        Array.from({ length: 40 }, async () => {
          // While it changes hands, however long that takes here.
          const after = random.int(0, 12)
          while (hands.changes < after) await sleep(2)
          const by = random.pick(processes)
          const order_id = await order(by, product_id)
          if (random.chance(0.3)) {
            await sleep(random.int(0, 100))
            await random.pick(processes).send('CancelOrder', { order_id })
          }
          return order_id
        }),
      )
      // An order that was cancelled last would seem to be settled as it was before.
      await shop.projected()
      for (const order_id of orders) await agrees(shop, await settled(shop, order_id))
      hands.isOver = true
      await changing
      deepEqual(
        processes.flatMap(({ trouble }) => trouble),
        [],
      )
    }))
})

/**
 * Each waiting goes from one to the next, sometimes before the former has noticed. One always has
 * it.
 */
async function changeHands(
  shop: Shop,
  processes: readonly Process[],
  random: Random,
  hands: { changes: number; isOver: boolean },
): Promise<void> {
  const ends: Promise<void>[] = []
  while (!hands.isOver) {
    const [next, ...others] = random.shuffled(processes)
    await next!.waiting.runs(shop.names)
    hands.changes++
    await sleep(random.int(0, 60))
    for (const other of others) ends.push(other.waiting.runs([]))
    await sleep(random.int(20, 60))
  }
  await Promise.all(ends)
}
