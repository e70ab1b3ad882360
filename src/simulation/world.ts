// Everything that one history has: the stores, the network before them, and the notes that the
// checks judge in the end.
import type { PaymentProvider } from '#contexts/payments/public.ts'
import type { Carrier } from '#contexts/shipping/public.ts'
import type { Context } from '#kernel/context.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { memoryBook } from '#providers/books/memory.ts'
import {
  type CarrierSimulator,
  type LabelEntry,
  openCarrier,
} from '#providers/carrier-simulator.ts'
import {
  type LedgerEntry,
  openPaymentProvider,
  type PaymentSimulator,
} from '#providers/payment-simulator.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import type { Leases } from '#storage/leases.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { openLeases } from '#storage/memory/leases.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { Attempt, Page } from '#testing/history.ts'
import { type Random, seeded } from '#testing/random.ts'
import { type Break, broken } from './breaks.ts'
import type { Network } from './faulty.ts'
import { type Owner, type Scheduler, scheduler, somebody } from './scheduler.ts'
import { add, type Sometime, type Tally } from './sometimes.ts'
import type { Swarm } from './swarm.ts'

/** How the shop is made; whoever composes it for real says. */
export type Shop = {
  contextsOf(providers: Outside, options: { readonly timeoutMs: number }): readonly Context[]
  typesOf(contexts: readonly Context[]): EventTypes
  /** The outside, reached only by who may act. */
  fencedProviders(providers: Outside, mayAct: () => boolean): Outside
}
export type Outside = { readonly provider: PaymentProvider; readonly carrier: Carrier }

export type Stores = {
  readonly log: EventLog
  readonly reads: ReadModels
  readonly leases: Leases
  readonly keys: KeyRing
  readonly provider: PaymentSimulator
  readonly carrier: CarrierSimulator
}

/** A command as a client sent it, perhaps several times, and what it was told each time. */
export type Sent = {
  readonly id: string
  readonly type: string
  /** What was asked, as text. */
  readonly input: string
  readonly told: Told[]
}
export type Told =
  | { readonly what: 'done'; readonly answer: string; readonly position: number }
  | { readonly what: 'refused'; readonly code: string }
  | { readonly what: 'unknown' }
/** Somebody asked for an order after a write of their own. */
export type Seen = {
  readonly order_id: string
  readonly minPosition: number
  readonly version: number | null
}
export type Grant = {
  readonly name: string
  readonly holder: string
  readonly token: number
  readonly from: number
  readonly until: number
}

export type World = {
  readonly swarm: Swarm
  readonly shop: Shop
  readonly scheduler: Scheduler
  readonly random: Random
  readonly network: Network
  /** The one who tells the history: clients, and what happens to the processes. */
  readonly teller: Owner
  readonly stores: Stores
  /** What fails in the store itself, where that was planned: nothing for a whole one. */
  readonly storeFails: () => void
  readonly attempts: Attempt[]
  readonly pages: Page[]
  readonly sent: Map<string, Sent>
  readonly seen: Seen[]
  readonly grants: Grant[]
  /** Errors that nobody planned. */
  readonly trouble: string[]
  /** What subscribers heard out of place. */
  readonly misheard: string[]
  readonly tally: Tally
  /** While it is on, the simulation's own projection cannot take some events. */
  readonly poison: { isOn: boolean }
  readonly brokenPart: Break | null
  tick(): number
  /** How far ahead any clock has ever been: what it wrote lies in the future of the others. */
  aheadMs: number
  /** A process that cannot go on. */
  ends: (owner: Owner) => void
}

export type WorldOptions = {
  readonly swarm: Swarm
  readonly shop: Shop
  readonly brokenPart: Break | null
  readonly traceMax: number
}

const STEPS_MAX = 100_000
/** More than one history asks for; a book makes room for as many when it is opened. */
const BOOK_MAX = 1_000

/** Before the machine is taken over, nothing of it may be opened: see `openStores`. */
export function newScheduler({ seed }: Swarm, traceMax: number): Scheduler {
  return scheduler({ random: seeded(seed), stepsMax: STEPS_MAX, traceMax })
}

export async function openWorld(scheduler: Scheduler, options: WorldOptions): Promise<World> {
  const { swarm, shop, brokenPart } = options
  const random = seeded(swarm.seed ^ 0x5bd1e995)
  const far = somebody('store')
  const network: Network = {
    scheduler,
    random: seeded(swarm.seed ^ 0x2545f491),
    far,
    latencyMs: swarm.latencyMs,
    fired: new Map(),
    healed: false,
    downUntil: 0,
  }
  const grants: Grant[] = []
  const tally: Tally = new Map()
  const whole = await openStores(scheduler)
  const { stores, storeFails } = broken(whole, brokenPart, { scheduler, random })
  let ticks = 0
  return {
    swarm,
    shop,
    scheduler,
    random,
    network,
    brokenPart,
    grants,
    tally,
    storeFails,
    stores: { ...stores, leases: noted(stores.leases, scheduler, grants, tally) },
    teller: somebody('history'),
    attempts: [],
    pages: [],
    sent: new Map(),
    seen: [],
    trouble: [],
    misheard: [],
    poison: { isOn: false },
    tick: () => ++ticks,
    aheadMs: 0,
    ends: () => {},
  }
}

async function openStores({ now }: Scheduler): Promise<Stores> {
  return {
    log: await openEventLog(),
    reads: remembered(await openReadModels()),
    leases: await openLeases(undefined, now),
    keys: await openKeyRing(),
    provider: openPaymentProvider({ book: memoryBook<LedgerEntry>(BOOK_MAX) }),
    carrier: openCarrier({ book: memoryBook<LabelEntry>(BOOK_MAX) }),
  }
}

/**
 * The same store, which is asked where it stands far more often than it moves: whatever changes
 * that goes through here as well.
 */
function remembered(reads: ReadModels): ReadModels {
  let checkpoints: ReturnType<ReadModels['checkpoints']> | null = null
  let generations: ReturnType<ReadModels['generations']> | null = null
  const changing =
    <A extends unknown[], R>(change: (...args: A) => R) =>
    (...args: A): R => {
      checkpoints = null
      generations = null
      return change(...args)
    }
  return {
    ...reads,
    define: changing(reads.define),
    commit: changing(reads.commit),
    swap: changing(reads.swap),
    drop: changing(reads.drop),
    checkpoints() {
      checkpoints ??= reads.checkpoints()
      return checkpoints
    },
    generations() {
      generations ??= reads.generations()
      return generations
    },
  }
}

/** Who was given which lease for how long, as the store said it. */
function noted(leases: Leases, { now }: Scheduler, grants: Grant[], tally: Tally): Leases {
  const last = new Map<string, Grant>()
  const put = (grant: Grant) => {
    last.set(grant.name, grant)
    grants.push(grant)
  }
  return {
    ...leases,
    async acquire(name, holder, forMs) {
      const from = now()
      const lease = await leases.acquire(name, holder, forMs)
      const before = last.get(name)
      if (lease !== null && before !== undefined && before.holder !== holder)
        sometimes({ tally }, 'a lease was taken over')
      if (lease !== null) put({ name, holder, token: lease.token, from, until: from + forMs })
      return lease
    },
    async release(name, holder) {
      await leases.release(name, holder)
      const before = last.get(name)
      if (before?.holder === holder) put({ ...before, from: now(), until: now() })
    },
  }
}

export const sometimes = ({ tally }: Pick<World, 'tally'>, what: Sometime) => add(tally, what)

export const wholeLog = (log: EventLog): Promise<readonly Recorded[]> =>
  log.readAll(0, Number.MAX_SAFE_INTEGER)
