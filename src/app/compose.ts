// The composition root: the only place that knows everyone. Opens the stores, wires the gateways
// and the loops, and closes them in reverse.
import type { Context } from '#kernel/context.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import type { Send } from '#kernel/waiting.ts'
import { openBus } from '#messaging/memory/open.ts'
import type { MessageBus } from '#messaging/message-bus.ts'
import { commandGateway } from '#runtime/gateway.ts'
import { numbersFrom } from '#runtime/number-series.ts'
import type { Operations } from '#runtime/operations.ts'
import { eventsOfStreams } from '#runtime/past.ts'
import { personalData } from '#runtime/personal.ts'
import { type QueryGateway, queryGateway } from '#runtime/query-gateway.ts'
import { type Relay, relay } from '#runtime/relay.ts'
import { type WaitingRunner, waitingRunner } from '#runtime/run-waiting.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { shopSettings } from './config.ts'
import { contextsOf, type Providers, typesOf } from './contexts.ts'
import { operations } from './operations.ts'
import type { ProjectionHost } from './projection-host.ts'
import type { Config } from './settings.ts'
import { openSimulatedProviders } from './simulated-providers.ts'
import { openReading, openStores } from './stores.ts'

export type App = {
  readonly config: Config
  readonly contexts: readonly Context[]
  readonly types: EventTypes
  readonly log: EventLog
  /** Rows, for reading only. */
  readonly reads: ReadModels
  readonly bus: MessageBus
  readonly providers: Providers
  readonly send: Send
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
  /** The log cannot be written any more: the process has to start afresh. */
  readonly onBroken?: (error: Error) => void
}

const HOUSEKEEPING_EACH_MS = 3_600_000
export const VERSION = '0.1.0'

export async function compose(config: Config, options: ComposeOptions = {}): Promise<App> {
  const { tell = () => {}, onBroken = () => {} } = options
  const startedAt = now()
  // Whatever fails on the way, what was opened is closed again, last first.
  await using opening = new AsyncDisposableStack()
  const { log, keys, paths } = await openStores(config, onBroken, opening)
  const books = { path: paths.simulator, url: '' }
  const providers =
    options.providers ??
    (await openSimulatedProviders(config['event_store.driver'], books, opening))
  const contexts = contextsOf(providers, {
    timeoutMs: config['saga.step_timeout'],
    enriched: config['catalog.enrich_with_inventory'],
  })
  const types = typesOf(contexts)
  const personal = personalData(types, keys)
  const projections = contexts.flatMap((context) => context.projections)
  const folding = { log, projections, types, personal, sealEvery: config['seals.every'] }
  const { reads, host } = await openReading(config, paths, folding, { tell, opening })

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
  })
  const { ask } = queryGateway({
    queries: contexts.flatMap(({ queries }) => queries),
    projections,
    reads,
    log,
    types,
    open: personal.open,
    waitMs: config['consistency.wait_ms'],
  })
  const bus = openBus({ onError: (error) => tell(`a listener failed: ${String(error)}`) })
  opening.defer(() => bus.close())
  const publishing = relay(log, bus, (error) => tell(`relay: ${String(error)}`))
  opening.defer(() => publishing.stop())
  const waiting = waitingRunner({
    waitings: contexts.flatMap((context) => context.waiting ?? []),
    reads,
    send,
    now,
    logEnd: async () => (await log.head()).position,
    events: (streams, limit) =>
      eventsOfStreams({ log, types, open: personal.open }, streams, limit),
    onError: (error, where) => tell(`${where}: ${String(error)}`),
  })
  const loops = startLoops(
    { config, log, host, publishing, waiting, tell },
    options.passive === true,
  )
  opening.defer(() => loops.stop())
  const warnings = warningsOf(config)
  const opened = opening.move()
  const known = { log, reads, host, waiting, contexts, types }

  return {
    config,
    contexts,
    types,
    log,
    reads,
    bus: published(bus, publishing),
    providers,
    send,
    ask,
    operations: operations({ ...known, startedAt, warnings, version: VERSION }),
    projected: (position) => projectedTo(position, host, reads, projections.length),
    close: () => opened.disposeAsync(),
  }
}

/** Reading the log for nobody would be a waste: the relay begins with the first listener. */
function published(bus: MessageBus, publishing: Relay): MessageBus {
  return {
    ...bus,
    subscribe(name, listener) {
      publishing.start()
      return bus.subscribe(name, listener)
    },
  }
}

const now = () => new Date().toISOString()

type Loops = {
  readonly config: Config
  readonly log: EventLog
  readonly host: ProjectionHost
  readonly publishing: Relay
  readonly waiting: WaitingRunner
  readonly tell: (line: string) => void
}

/** What goes on by itself; passive: only what follows the log, nothing that acts. */
function startLoops({ config, log, host, publishing, waiting, tell }: Loops, passive: boolean) {
  const unhear = log.onAppended(() => {
    host.wake()
    publishing.wake()
  })
  host.onCommitted(() => waiting.wake())
  if (!passive) waiting.start()
  const dropOld = () => dropOldResponses(log, config['idempotency.ttl'])
  const housekeeping = setInterval(
    () => void dropOld().catch((error) => tell(`housekeeping: ${String(error)}`)),
    HOUSEKEEPING_EACH_MS,
  )
  housekeeping.unref()
  return {
    async stop() {
      clearInterval(housekeeping)
      await waiting.stop()
      unhear()
    },
  }
}

async function dropOldResponses(log: EventLog, olderThanMs: number): Promise<void> {
  const before = new Date(Date.now() - olderThanMs).toISOString()
  await log.dropResponses(await log.positionAt(before))
}

function projectedTo(
  position: number,
  host: ProjectionHost,
  reads: ReadModels,
  projections: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = async () => {
      const checkpoints = [...(await reads.checkpoints()).values()]
      const reached = checkpoints.filter((checkpoint) => checkpoint >= position).length
      if (reached >= projections) resolve()
      else setTimeout(() => void look().catch(reject), 5)
    }
    host.wake()
    look().catch(reject)
  })
}

const warningsOf = (config: Config): readonly string[] => [
  config['auth.unsafe_allow_anonymous']
    ? 'Authentication is off and anonymous callers are allowed on any address (auth.unsafe_allow_anonymous).'
    : 'Authentication is off: everyone who can reach this machine’s loopback can do everything.',
  ...(config['event_store.driver'] === 'memory'
    ? ['Events are kept in memory and lost at exit.']
    : []),
]
