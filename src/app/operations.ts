// What operators may do, put together from the parts of one running process.
import type { Context } from '#kernel/context.ts'
import { type EventTypes, lift } from '#kernel/event-types.ts'
import { type Recorded, streamOf } from '#kernel/message.ts'
import type { JobOperations } from '#runtime/job-operations.ts'
import type { Operations, VerifyReport } from '#runtime/operations.ts'
import { verifyLog } from '#runtime/verify-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { type HealthParts, healthOf, type Verified } from './health.ts'
import type { ProjectionHost } from './projection-host.ts'

export type OperationParts = Omit<HealthParts, 'reads' | 'host' | 'projections'> & {
  readonly reads: ReadModels | null
  readonly host: ProjectionHost | null
  readonly contexts: readonly Context[]
  readonly types: EventTypes
  readonly jobs?: JobOperations | null
}

export function operations(parts: OperationParts): Operations {
  const { log, contexts, types } = parts
  const aggregates = contexts.flatMap((context) => context.aggregates)
  const aggregateTypes = aggregates.map(({ type }) => type)
  const projections = contexts.flatMap((context) => context.projections.map(({ name }) => name))
  let verified: Verified | null = null
  // Only processes with the role admin offer these, and they have both.
  const host = () => present(parts.host)

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
    projections: () => host().status(),
    rebuild: (name, { dryRun }) => host().rebuild(name, dryRun),
    pause: (name) => host().pause(name),
    resume: (name) => host().resume(name),
    // What waits in a table that a rebuild left behind is nobody's: the next one begins anew.
    parked: async () =>
      (await present(parts.reads).parked()).filter((one) => projections.includes(one.projection)),
    retryParked: (name) => host().retryParked(name),
    async verify(onProgress = () => {}): Promise<VerifyReport> {
      const { position } = await log.head()
      const checks = [
        ...(await verifyLog(log, { onProgress, folding: { aggregates, types } })).checks,
        ...(await host().verifyReads(onProgress)),
      ]
      const differences = checks.reduce((sum, { differing }) => sum + differing, 0)
      verified = { at: new Date().toISOString(), position, differences }
      return { position, checks, differences }
    },
    ...(parts.jobs == null ? {} : { jobs: parts.jobs }),
    health: () => healthOf({ ...parts, projections }, verified),
  }
}

function present<T>(part: T | null): T {
  if (part === null) throw new Error('this process has not the role admin')
  return part
}

const lifted = (types: EventTypes, event: Recorded): Recorded => ({
  ...event,
  data: lift(types, event.event_type, event.event_version, event.data),
  event_version: types[event.event_type]?.version ?? event.event_version,
})
