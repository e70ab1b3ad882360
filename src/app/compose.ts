// The composition root: the only place that knows everyone. Opens the stores, wires the gateways
// and the loops, and closes them in reverse.
import type { Context } from '#kernel/context.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import type { Send } from '#kernel/waiting.ts'
import { openBus } from '#messaging/memory/open.ts'
import type { MessageBus } from '#messaging/message-bus.ts'
import type { CachedAnswers } from '#runtime/cached-answers.ts'
import { commandGateway } from '#runtime/gateway.ts'
import { numbersFrom } from '#runtime/number-series.ts'
import type { Operations } from '#runtime/operations.ts'
import { type PersonalData, personalData } from '#runtime/personal.ts'
import { type QueryGateway, queryGateway } from '#runtime/query-gateway.ts'
import { type Relay, relay } from '#runtime/relay.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import type { Outbox } from '#storage/outbox.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { cachingWarnings, openCaching } from './caching.ts'
import { circuitsOf } from './circuits.ts'
import { shopSettings } from './config.ts'
import { doorsOf } from './config-rules.ts'
import { type ContextOptions, contextsOf, type Providers, sendableOf, typesOf } from './contexts.ts'
import { fencedProviders } from './fenced-providers.ts'
import { openJobsHere } from './jobs/jobs-here.ts'
import { type Loops, loopsOver } from './loops.ts'
import {
  deliveryLog,
  type NoticeParts,
  type Notices,
  noticesOver,
  openNotices,
  showingSecrets,
} from './notices/notices.ts'
import { operations } from './operations.ts'
import type { ProjectionHost } from './projection-host.ts'
import type { Moves } from './projections-here.ts'
import { openReading } from './reading.ts'
import { refusing } from './refusing.ts'
import { type Roles, rolesOf } from './roles.ts'
import { serverVersion } from './server-version.ts'
import type { Config } from './settings.ts'
import { isShared } from './sharing.ts'
import { openSimulatedProviders } from './simulated-providers.ts'
import { openStores, placesOf } from './stores.ts'

export type App = {
  readonly config: Config
  readonly roles: Roles
  readonly contexts: readonly Context[]
  readonly types: EventTypes
  readonly log: EventLog
  /** Rows, for reading only; a process that answers no queries has none, and asking them throws. */
  readonly reads: ReadModels
  readonly bus: MessageBus
  readonly providers: Providers
  readonly send: Send
  /** As unique e-mails are kept. */
  readonly blinder: PersonalData['blinder']
  readonly ask: QueryGateway['ask']
  readonly operations: Operations
  /** Resolves when all projections have taken everything up to this position. */
  projected(position: number): Promise<void>
  /** Stops the loops, finishes what is under way, closes the stores. */
  close(): Promise<void>
}

export type ComposeOptions = {
  readonly providers?: Providers
  /** One line for the operator. */
  readonly tell?: (line: string) => void
  /** Nothing is acted on by itself: no saga goes on, nothing expires. For maintenance. */
  readonly passive?: boolean
  /** The log cannot be written any more, or nothing is projected: it has to start afresh. */
  readonly onBroken?: (error: Error) => void
}

export const VERSION = '0.1.0'

export async function compose(config: Config, options: ComposeOptions = {}): Promise<App> {
  const { tell = () => {}, onBroken = () => {}, passive = false } = options
  const startedAt = now()
  const roles = rolesOf(config['process.roles'])
  const places = placesOf(config)
  // Whatever fails on the way, what was opened is closed again, last first.
  await using opening = new AsyncDisposableStack()
  const { log, keys: ring } = await openStores(places, onBroken, opening)
  const isWanted = !passive && (roles.has('saga') || roles.has('admin'))
  const outbox = await openNotices(places.outbox, { log, isWanted }, opening)
  const outside = options.providers ?? (await simulated(config, opening))
  let loops: Loops | null = null
  const circuits = circuitsOf(config, tell)
  const guarded = circuits.providers(outside)
  const providers = fencedProviders(guarded, () => loops?.mayAct() === true)
  const contexts = contextsOf(providers, contextOptions(config, outbox))
  const types = typesOf(contexts)
  const keys = circuits.keys(ring)
  const personal = personalData(types, keys)
  const projections = contexts.flatMap((context) => context.projections)
  const folding = { log, projections, types, personal, sealEvery: config['seals.every'] }
  const moves = movesOf(config, roles, passive)
  const reading = await openReading(config, folding, { roles, moves, tell, onBroken, opening })
  const reads = reading.reads ?? refusing<ReadModels>('the read models', 'no queries are answered')
  const { host } = reading

  const parts = { config, contexts, log, types, personal: telling(personal, types, keys) }
  // Callers are refused at once while a store is away; what goes on by itself keeps trying.
  const met = { log: circuits.log(log), reads: circuits.reads(reads) }
  const caching = { config, version: VERSION, contexts, host, circuits, tell, opening }
  const { answers } = await openCaching({ ...caching, reads: reading.reads && met.reads })
  const { ask, ...gate } = gateways({ ...parts, log: met.log }, met.reads, reading.reads, answers)
  const send = showingSecrets(gate.send, keys)
  const bus = openBus({ onError: (error) => tell(`a listener failed: ${String(error)}`) })
  opening.defer(() => bus.close())
  const publishing = relay(log, bus, (error) => tell(`relay: ${String(error)}`))
  opening.defer(() => publishing.stop())
  const acting = { send, now, tell, mayAct: () => loops?.mayAct() === true }
  const notices = noticesHere({ ...parts, ...acting, keys, outbox, reads: reading.due })
  loops = await loopsOver({ ...parts, ...acting, roles, host, due: reading.due, notices })
  opening.defer(() => loops?.stop())
  if (!passive) await loops.start()
  const due = { reads: reading.due, passive, opening }
  const jobs = await openJobsHere({ ...parts, ...acting, ...due, roles })
  const server = await serverVersion(places.log, opening)
  const { shares, waiting } = loops
  const opened = opening.move()
  const known = { log, roles, host, contexts, types, shares, server, startedAt, notices, jobs }

  return {
    config,
    roles,
    contexts,
    types,
    log,
    reads,
    bus: published(bus, publishing, log),
    providers,
    send,
    blinder: personal.blinder,
    ask,
    operations: operations({
      ...known,
      reads: reading.reads ?? reading.due,
      waiting: roles.has('saga') ? waiting : null,
      circuits: circuits.states,
      cache: answers?.counts ?? null,
      warnings: warningsOf(config),
      version: VERSION,
    }),
    projected: (position) => projectedTo(position, host, reads, projections.length),
    close: () => opened.disposeAsync(),
  }
}

function simulated(config: Config, opening: AsyncDisposableStack): Promise<Providers> {
  const { engine, place } = placesOf(config).simulator
  return openSimulatedProviders(engine, place, config['simulator.faults'], opening)
}

const contextOptions = (config: Config, outbox: Outbox | null): ContextOptions => ({
  timeoutMs: config['saga.step_timeout'],
  enriched: config['catalog.enrich_with_inventory'],
  analytics: {
    weekStarts: config['analytics.week_starts'],
    currency: config['money.default'],
  },
  ...(outbox === null ? {} : { deliveries: deliveryLog(outbox) }),
})

/** Where what is due is acted on, others are told too. */
const noticesHere = ({ outbox, reads, ...parts }: NoticesHere): Notices | null =>
  outbox === null || reads === null
    ? null
    : noticesOver({
        ...{ ...parts, outbox, reads, version: VERSION },
        sendable: sendableOf(parts.contexts),
      })

/** Nobody is told anything with a key that was destroyed a moment ago: none is remembered. */
const telling = (personal: PersonalData, types: EventTypes, keys: KeyRing): PersonalData => ({
  ...personal,
  open: personalData(types, keys, 0).open,
})

/** A process without the role moves nothing; one of several moves its share. */
function movesOf(config: Config, roles: Roles, passive: boolean): Moves {
  if (!roles.has('projection')) return 'none'
  if (!isShared(config)) return 'all'
  return passive ? 'none' : 'shared'
}

type NoticesHere = Omit<NoticeParts, 'outbox' | 'reads' | 'sendable' | 'version'> & {
  readonly contexts: readonly Context[]
  readonly outbox: Outbox | null
  readonly reads: ReadModels | null
}
type Parts = {
  readonly config: Config
  readonly contexts: readonly Context[]
  readonly log: EventLog
  readonly types: EventTypes
  readonly personal: PersonalData
}

function gateways(
  { config, contexts, log, types, personal }: Parts,
  reads: ReadModels,
  isRead: object | null,
  cached: CachedAnswers | null,
) {
  const { send } = commandGateway({
    log,
    commands: contexts.flatMap(({ commands }) => commands),
    types,
    personal,
    numbers: numbersFrom(log),
    now,
    settings: shopSettings(config),
    snapshotEvery: config['snapshot.every'],
    attemptsMax: config['retry.attempts'],
    ...(isRead === null ? {} : { reads }),
  })
  const { ask } = queryGateway({
    queries: contexts.flatMap(({ queries }) => queries),
    projections: contexts.flatMap((context) => context.projections),
    reads,
    log,
    types,
    open: personal.open,
    waitMs: config['consistency.wait_ms'],
    ...(cached === null ? {} : { cached }),
  })
  return { send, ask }
}

/** Reading the log for nobody would be a waste: the relay begins with the first listener. */
function published(bus: MessageBus, publishing: Relay, log: EventLog): MessageBus {
  let isHeard = false
  return {
    ...bus,
    subscribe(name, listener) {
      publishing.start()
      // Until the log is closed.
      if (!isHeard) log.onAppended(publishing.wake)
      isHeard = true
      return bus.subscribe(name, listener)
    },
  }
}

const now = () => new Date().toISOString()

function projectedTo(
  position: number,
  host: ProjectionHost | null,
  reads: ReadModels,
  projections: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = async () => {
      const checkpoints = [...(await reads.checkpoints()).values()]
      const reached = checkpoints.filter((checkpoint) => checkpoint >= position).length
      if (reached >= projections) {
        // What was committed before has been told by then: messages of a thread keep their order.
        await host?.status()
        resolve()
      } else setTimeout(() => void look().catch(reject), 5)
    }
    host?.wake()
    look().catch(reject)
  })
}

const warningsOf = (config: Config): readonly string[] => [
  ...(doorsOf(config).length > 0 ? [OPEN[String(config['auth.unsafe_allow_anonymous'])]!] : []),
  ...(config['event_store.driver'] === 'memory'
    ? ['Events are kept in memory and lost at exit.']
    : []),
  ...cachingWarnings(config),
]
const OPEN: Readonly<Record<string, string>> = {
  true:
    'Authentication is off and anonymous callers are allowed on any address ' +
    '(auth.unsafe_allow_anonymous).',
  false: 'Authentication is off: everyone who can reach this machine’s loopback can do everything.',
}
