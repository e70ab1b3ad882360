// What operators may do, put together from the parts of one running process.
import type { Context } from '#kernel/context.ts'
import { type EventTypes, lift } from '#kernel/event-types.ts'
import { type Recorded, streamOf } from '#kernel/message.ts'
import type { Health, Operations, ProjectionStatus, VerifyReport } from '#runtime/operations.ts'
import type { WaitingRunner } from '#runtime/run-waiting.ts'
import { verifyLog } from '#runtime/verify-log.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { ProjectionHost } from './projection-host.ts'

export type OperationParts = {
  readonly log: EventLog
  readonly reads: ReadModels
  readonly host: ProjectionHost
  readonly waiting: WaitingRunner
  readonly contexts: readonly Context[]
  readonly types: EventTypes
  readonly warnings: readonly string[]
  readonly version: string
  readonly startedAt: string
}

/** Behind by more than this, a projection makes the whole degraded. */
const LAG_SECONDS_MAX = 10

export function operations(parts: OperationParts): Operations {
  const { log, reads, host, contexts, types } = parts
  const aggregateTypes = contexts.flatMap(({ aggregates }) => aggregates.map(({ type }) => type))
  let verified: { at: string; position: number; differences: number } | null = null

  const projections = async (): Promise<readonly ProjectionStatus[]> => await host.status()

  return {
    async events({ aggregateId, after = 0, limit, upTo = Number.POSITIVE_INFINITY, raw = false }) {
      const found = await Promise.all(
        ['numbers', 'seal', ...aggregateTypes].map((type) =>
          log.readStream(streamOf(type, aggregateId), 0, limit + after),
        ),
      )
      const events = found
        .flat()
        .filter(({ position }) => position > after && position <= upTo)
        .sort((a, b) => a.position - b.position)
        .slice(0, limit)
      return raw ? events : events.map((event) => lifted(types, event))
    },
    projections,
    rebuild: (name, { dryRun }) => host.rebuild(name, dryRun),
    pause: (name) => host.pause(name),
    resume: (name) => host.resume(name),
    parked: () => reads.parked(),
    retryParked: (name) => host.retryParked(name),
    async verify(onProgress = () => {}): Promise<VerifyReport> {
      const { position } = await log.head()
      const checks = [
        ...(await verifyLog(log, onProgress)),
        ...(await host.verifyReads(onProgress)),
      ]
      const differences = checks.reduce((sum, { differing }) => sum + differing, 0)
      verified = { at: new Date().toISOString(), position, differences }
      return { position, checks, differences }
    },
    async health(): Promise<Health> {
      const [head, status] = await Promise.all([log.head(), projections()])
      const waiting = parts.waiting.status()
      const { durable, manyProcesses: many_processes } = log.capabilities
      const troubles = [
        ...status.filter(({ parked }) => parked > 0).map(({ name }) => `${name} has parked events`),
        ...status
          .filter(({ lag_seconds }) => lag_seconds > LAG_SECONDS_MAX)
          .map(({ name, lag_seconds }) => `${name} is ${Math.round(lag_seconds)} s behind`),
        ...Object.entries(waiting)
          .filter(([, { failing }]) => failing > 0)
          .map(([name, { failing }]) => `${name}: ${failing} actions rest after a failure`),
        ...(verified !== null && verified.differences > 0
          ? [`the last verification found ${verified.differences} differences`]
          : []),
      ]
      return {
        status: troubles.length === 0 ? 'ok' : 'degraded',
        warnings: [...parts.warnings, ...troubles],
        components: {
          version: parts.version,
          node: process.version,
          started_at: parts.startedAt,
          event_log: { ...head, durable, many_processes },
          projections: status,
          waiting,
          last_verification: verified,
        },
      }
    },
  }
}

const lifted = (types: EventTypes, event: Recorded): Recorded => ({
  ...event,
  data: lift(types, event.event_type, event.event_version, event.data),
  event_version: types[event.event_type]?.version ?? event.event_version,
})
