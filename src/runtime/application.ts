// Contexts of your own, running in one process over any engine: both gateways and all the loops.
// The shop itself is composed by hand in app/compose.ts, since it spreads over threads.
import { type Context, eventTypesOf } from '#kernel/context.ts'
import type { ShopSettings } from '#kernel/decider.ts'
import type { Send } from '#kernel/waiting.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { commandGateway } from './gateway.ts'
import { numberEvents, numbersFrom } from './number-series.ts'
import { eventsOfStreams } from './past.ts'
import { personalData } from './personal.ts'
import { type QueryGateway, queryGateway } from './query-gateway.ts'
import { projectionRunner } from './run-projections.ts'
import { waitingRunner } from './run-waiting.ts'

export type ApplicationParts = {
  readonly contexts: readonly Context[]
  /** The stores stay the caller's: whoever opened them closes them, after `stop`. */
  readonly log: EventLog
  readonly reads: ReadModels
  readonly keys: KeyRing
  /** What deciders find in `moment.settings`. */
  readonly settings?: ShopSettings
  /** How long a query waits for its `minPosition`; two seconds where nothing is said. */
  readonly waitMs?: number
  /** Hears of parked events and of stores that fail; the loops go on. */
  readonly onError?: (error: unknown, where: string) => void
}
export type Application = {
  readonly send: Send
  readonly ask: QueryGateway['ask']
  /** Finishes what is under way. */
  stop(): Promise<void>
}

export async function runApplication(parts: ApplicationParts): Promise<Application> {
  const { contexts, log, reads, keys, settings = {}, waitMs, onError = console.error } = parts
  const types = { ...eventTypesOf(contexts), ...numberEvents }
  const personal = personalData(types, keys)
  const open = personal.open
  const now = () => new Date().toISOString()
  const projections = contexts.flatMap((context) => context.projections)

  const { send } = commandGateway({
    log,
    commands: contexts.flatMap(({ commands }) => commands),
    types,
    personal,
    numbers: numbersFrom(log),
    now,
    settings,
    reads,
  })
  const queries = contexts.flatMap((context) => context.queries)
  // Answers open nothing with a key that was destroyed a moment ago.
  const told = personalData(types, keys, 0).open
  const { ask } = queryGateway({
    ...{ queries, reads, log, projections, types, open: told },
    ...(waitMs === undefined ? {} : { waitMs }),
  })
  const runner = projectionRunner({ log, reads, projections, types, open, onError })
  const waitings = contexts.flatMap(({ waiting = [] }) => waiting)
  const events = (streams: readonly string[], limit: number) =>
    eventsOfStreams({ log, types, open: told }, streams, limit)
  const logEnd = async () => (await log.head()).position
  const waits = waitingRunner({
    waitings,
    reads,
    send,
    now,
    logEnd,
    events,
    forget: personal.forget,
    onError,
  })

  await runner.start()
  const deaf = [log.onAppended(() => runner.wake()), runner.onCommitted(() => waits.wake())]
  waits.start()
  return {
    send,
    ask,
    async stop() {
      for (const stopHearing of deaf) stopHearing()
      await waits.stop()
      await runner.stop()
    },
  }
}
