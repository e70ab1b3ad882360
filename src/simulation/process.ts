// One process of the shop: the real gateways, projections, waits, shares and relay, over stores
// that it reaches through a network. Everything it waits for dies with it.
import type { Context } from '#kernel/context.ts'
import { type Projection, projection } from '#kernel/projection.ts'
import type { Send } from '#kernel/waiting.ts'
import { openBus } from '#messaging/memory/open.ts'
import { commandGateway } from '#runtime/gateway.ts'
import { numbersFrom } from '#runtime/number-series.ts'
import { eventsOfStreams } from '#runtime/past.ts'
import { personalData } from '#runtime/personal.ts'
import { type QueryGateway, queryGateway } from '#runtime/query-gateway.ts'
import { relay } from '#runtime/relay.ts'
import { type ProjectionRunner, projectionRunner } from '#runtime/run-projections.ts'
import { type WaitingRunner, waitingRunner } from '#runtime/run-waiting.ts'
import { sealer } from '#runtime/seals.ts'
import { type Sharer, sharer } from '#runtime/shares.ts'
import { isPlanned, plan } from './faulty.ts'
import { type Ports, portsOf } from './ports.ts'
import type { Owner } from './scheduler.ts'
import { sometimes, type World } from './world.ts'

export type Process = {
  readonly owner: Owner
  readonly ports: Ports
  readonly send: Send
  readonly ask: QueryGateway['ask']
  readonly runner: ProjectionRunner
  readonly projections: readonly Projection[]
  readonly contexts: readonly Context[]
  readonly seal: () => Promise<number>
  readonly waiting: WaitingRunner
  /** Tells who waits for an answer of this process that none will come. */
  readonly left: Set<() => void>
  /** Finishes what is under way. */
  stop(): Promise<void>
}

const SEAL_EVERY = 16
const KEYS_KNOWN = 100

/** Composed as `app` composes it; fails where a store does not answer, as that does. */
export async function startProcess(world: World, owner: Owner): Promise<Process> {
  const { swarm, shop, network } = world
  const ports = portsOf(world, owner)
  const { log, reads, keys } = ports
  let mayAct = () => true
  const outside = shop.fencedProviders(ports.outside, () => {
    const may = mayAct() || world.brokenPart === 'unfenced'
    if (!may) sometimes(world, 'somebody who had been paused was kept from a provider')
    return may
  })
  const contexts = [
    ...shop.contextsOf(outside, { timeoutMs: swarm.callTimeoutMs }).map(needed(world)),
    simulatedContext(world),
  ]
  const types = shop.typesOf(contexts)
  const personal = personalData(types, keys, KEYS_KNOWN)
  const { open, forget } = personal
  const now = () => new Date().toISOString()
  const projections = contexts.flatMap((context) => context.projections)
  const onError = (error: unknown, where: string) => told(world, owner, error, where)

  const { send } = commandGateway({
    log,
    types,
    personal,
    reads,
    now,
    commands: contexts.flatMap(({ commands }) => commands),
    numbers: numbersFrom(log),
    settings: settingsOf(world),
    snapshotEvery: swarm.snapshotEvery,
  })
  const queries = contexts.flatMap((context) => context.queries)
  const { ask } = queryGateway({ queries, reads, log, projections, types, open })
  const following = { log, reads, projections, types, open, onError, pollMs: swarm.pollMs }
  const runner = projectionRunner({ ...following, pageSize: 40 })
  const waitings = contexts.flatMap(({ waiting = [] }) => waiting)
  const waiting = waitingRunner({
    waitings,
    reads,
    send,
    now,
    onError,
    pollMs: swarm.pollMs,
    logEnd: async () => (await log.head()).position,
    events: (streams, limit) => eventsOfStreams({ log, types, open }, streams, limit),
    forget,
  })
  const heard = subscription(world, owner, log)
  const shares = sharesOf(world, owner, { ports, runner, waiting, projections, waitings })
  mayAct = shares.mayAct

  if (shares.isShared) runner.runs([])
  await runner.start()
  const deaf = [log.onAppended(() => runner.wake()), runner.onCommitted(() => waiting.wake())]
  await shares.start()
  network.scheduler.note('has started')
  return {
    owner,
    ports,
    send,
    ask,
    runner,
    projections,
    contexts,
    waiting,
    seal: () => sealer(log, SEAL_EVERY).sealAll(),
    left: new Set(),
    async stop() {
      for (const stopHearing of deaf) stopHearing()
      await shares.stop()
      await waiting.stop()
      await runner.stop()
      await heard.stop()
    },
  }
}

/** Every other history does without the projections that no rule and no check reads. */
const needed =
  ({ swarm }: World) =>
  (context: Context): Context =>
    swarm.features['all projections']
      ? context
      : { ...context, projections: context.projections.filter(({ name }) => isRead(swarm, name)) }
const READ = ['inventory_views', 'reservations_open', 'payments', 'order_views', 'saga_instances']
const isRead = ({ features: { erasures, prices } }: World['swarm'], name: string): boolean =>
  READ.includes(name) ||
  (erasures && name === 'erasures') ||
  (prices && name === 'scheduled_prices')

/** A failure that nobody planned is a finding; the others are only told. */
function told({ scheduler, trouble }: World, { name }: Owner, error: unknown, where: string) {
  const text = `${where}: ${String(error)}`
  scheduler.note(text)
  // Whose clock has gone back meanwhile, for one.
  const isEarly = text.endsWith('is not due yet.')
  if (!isPlanned(error) && !isEarly) trouble.push(`${name} ${text}`)
}

const settingsOf = ({ swarm }: World) => ({
  'payments.capture_on': swarm.captureOn,
  'pos.stock_policy': 'block',
  'reservation.ttl_ms': swarm.reservationTtlMs,
  'saga.deadline_ms': swarm.sagaDeadlineMs,
  'saga.alarm_after': 4,
  'retry.base_ms': 20,
  'retry.max_ms': 1_000,
})

type Sharing = {
  readonly ports: Ports
  readonly runner: ProjectionRunner
  readonly waiting: WaitingRunner
  readonly projections: readonly Projection[]
  readonly waitings: readonly { readonly name: string }[]
}

/** One process alone does everything; several share it out. */
function sharesOf(world: World, owner: Owner, parts: Sharing) {
  const { runner, waiting, projections, waitings, ports } = parts
  const { swarm } = world
  const namesOf = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name)
  if (swarm.processes === 1)
    return {
      isShared: false,
      mayAct: () => true,
      start: async () => waiting.start(),
      stop: async () => {},
    }
  const common = {
    leases: ports.leases,
    member: owner.name,
    leaseMs: swarm.leaseMs,
    onError: (error: unknown) => told(world, owner, error, 'leases'),
  }
  const runs = async (names: readonly string[]) => runner.runs(names)
  const sharers: readonly Sharer[] = [
    sharer({ ...common, group: 'projection', work: namesOf(projections), runs }),
    sharer({ ...common, group: 'saga', work: namesOf(waitings), runs: waiting.runs }),
  ]
  return {
    isShared: true,
    mayAct: sharers[1]!.isMember,
    start: async () => {
      for (const one of sharers) await one.start()
    },
    stop: async () => {
      await Promise.all(sharers.map((one) => one.stop()))
    },
  }
}

/** Somebody who listens to everything that this process publishes. */
function subscription(world: World, owner: Owner, log: Ports['log']) {
  // One listener is enough: it hears of everything.
  const isHeard = world.swarm.features.readers && owner.name.startsWith('p0')
  if (!isHeard) return { stop: async () => {} }
  const bus = openBus({ onError: (error) => told(world, owner, error, 'a listener') })
  const publishing = relay(log, bus, (error) => told(world, owner, error, 'relay'))
  let last = 0
  bus.subscribe('everything', ({ position }) => {
    if (last > 0 && position > last + 1)
      world.misheard.push(`${owner.name} was told of ${position} after ${last}`)
    last = Math.max(last, position)
  })
  publishing.start()
  const unhear = log.onAppended(publishing.wake)
  return {
    async stop() {
      unhear()
      await publishing.stop()
      await bus.close()
    },
  }
}

/** A projection that cannot take some events while its world is poisoned. */
function simulatedContext({ poison }: World): Context {
  const counted = {
    keys: ({ aggregate_id }: { aggregate_id: string }) => [aggregate_id],
    apply: (row: PoisonRow | undefined, { aggregate_id, event_type }: Event): PoisonRow => {
      if (poison.isOn && aggregate_id.charCodeAt(0) % 2 === 0) throw plan(new Error('poisoned'))
      return { order_id: aggregate_id, events: `${row?.events ?? ''}${event_type};` }
    },
  }
  const orders = projection<PoisonRow>({
    name: 'simulated_orders',
    version: 1,
    table: {
      name: 'simulated_orders',
      key: 'order_id',
      columns: { order_id: 'text', events: 'text' },
    },
    on: { OrderCreated: counted, OrderConfirmed: counted, OrderCancelled: counted },
  })
  return { name: 'simulated', aggregates: [], commands: [], projections: [orders], queries: [] }
}
type PoisonRow = { readonly order_id: string; readonly events: string }
type Event = { readonly aggregate_id: string; readonly event_type: string }
