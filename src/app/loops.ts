// What goes on by itself in one process: projections that follow the log, what is due, and the
// housekeeping; as far as this process has the role, and as far as it is its share.
import type { Context } from '#kernel/context.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import type { Instant } from '#kernel/message.ts'
import type { Send, Waiting } from '#kernel/waiting.ts'
import type { Deliverer } from '#runtime/deliver-events.ts'
import { eventsOfStreams } from '#runtime/past.ts'
import type { PersonalData } from '#runtime/personal.ts'
import { type WaitingRunner, waitingRunner } from '#runtime/run-waiting.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { ProjectionHost } from './projection-host.ts'
import { refusing } from './refusing.ts'
import type { Roles } from './roles.ts'
import type { Config } from './settings.ts'
import { type Acting, alone, isShared, type Sharing, share } from './sharing.ts'

export type LoopParts = {
  readonly config: Config
  readonly roles: Roles
  readonly contexts: readonly Context[]
  readonly log: EventLog
  readonly types: EventTypes
  readonly personal: PersonalData
  readonly send: Send
  readonly now: () => Instant
  readonly host: ProjectionHost | null
  /** The rows of what is due; null without the role saga. */
  readonly due: ReadModels | null
  /** Telling others; null: not here. */
  readonly notices: Deliverer | null
  readonly tell: (line: string) => void
}
export type Loops = Pick<Sharing, 'shares' | 'mayAct'> & {
  readonly waiting: WaitingRunner
  start(): Promise<void>
  /** Finishes what is under way. */
  stop(): Promise<void>
}

const HOUSEKEEPING_EACH_MS = 3_600_000

export async function loopsOver(parts: LoopParts): Promise<Loops> {
  const { config, roles, contexts, log, host, notices, tell } = parts
  const waiting = waitingOver(parts)
  const acting = actingOf(waiting, waitingsOf(contexts), notices)
  const sharing = isShared(config)
    ? await share({
        config,
        roles,
        projections: contexts.flatMap((context) => context.projections.map(({ name }) => name)),
        host,
        acting,
        tell,
      })
    : alone({ roles, acting })
  const unhear =
    host === null || !roles.has('projection') ? () => {} : log.onAppended(() => host.wake())
  host?.onCommitted(() => waiting.wake())
  const unhearNotices = notices === null ? () => {} : log.onAppended(notices.wake)
  const dropOld = async () => {
    if (sharing.keepsHouse()) await dropOldResponses(log, config['idempotency.ttl'])
  }
  const housekeeping = setInterval(
    () => void dropOld().catch((error) => tell(`housekeeping: ${String(error)}`)),
    HOUSEKEEPING_EACH_MS,
  )
  housekeeping.unref()
  return {
    waiting,
    shares: sharing.shares,
    mayAct: sharing.mayAct,
    start: sharing.start,
    async stop() {
      clearInterval(housekeeping)
      await sharing.stop()
      unhear()
      unhearNotices()
    },
  }
}

/** What is due and what goes out, as one: they are shared out together. */
const actingOf = (
  waiting: WaitingRunner,
  waitings: readonly Waiting[],
  notices: Deliverer | null,
): Acting => ({
  names: [...waitings.map(({ name }) => name), ...(notices?.work ?? [])],
  async runs(names) {
    await Promise.all([waiting.runs(names), notices?.runs(names)])
  },
  async stop() {
    await Promise.all([waiting.stop(), notices?.stop()])
  },
})

const waitingsOf = (contexts: readonly Context[]) =>
  contexts.flatMap(({ waiting }) => waiting ?? [])

/** Several calls to the outside, and room for a store that is slow. */
const actMaxMs = (config: Config) => 4 * config['saga.step_timeout'] + 60_000

function waitingOver({ config, contexts, log, types, personal, send, now, due, tell }: LoopParts) {
  return waitingRunner({
    actMaxMs: actMaxMs(config),
    waitings: waitingsOf(contexts),
    reads: due ?? refusing<ReadModels>('the read models', 'nothing is acted on'),
    send,
    now,
    logEnd: async () => (await log.head()).position,
    events: (streams, limit) =>
      eventsOfStreams({ log, types, open: personal.open }, streams, limit),
    forget: personal.forget,
    onError: (error, where) => tell(`${where}: ${String(error)}`),
  })
}

async function dropOldResponses(log: EventLog, olderThanMs: number): Promise<void> {
  const before = new Date(Date.now() - olderThanMs).toISOString()
  await log.dropResponses(await log.positionAt(before))
}
