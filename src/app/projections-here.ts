// Projections, their verification and the seals, in this thread: the worker's inside, and the whole
// of it for stores in memory.

import type { EventTypes } from '#kernel/event-types.ts'
import type { Projection } from '#kernel/projection.ts'
import { changedBy } from '#runtime/cached-changes.ts'
import type { PersonalData } from '#runtime/personal.ts'
import { projectionRunner } from '#runtime/run-projections.ts'
import { sealer } from '#runtime/seals.ts'
import { verifyKeys } from '#runtime/verify-keys.ts'
import { verifyReadModels } from '#runtime/verify-read-models.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openReadModels as openScratch } from '#storage/memory/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { ProjectionHost } from './projection-host.ts'

export type HereParts = {
  readonly log: EventLog
  readonly reads: ReadModels
  readonly projections: readonly Projection[]
  readonly types: EventTypes
  readonly personal: PersonalData
  readonly sealEvery: number
  /**
   * `all` (the default): whatever there is. `shared`: nothing before `runs` has named it. `none`:
   * nothing by itself; an operator's commands are carried out.
   */
  readonly moves?: Moves
  /** Events in one page when far behind. */
  readonly pageSize?: number
  readonly onError: (message: string) => void
}
export type Moves = 'all' | 'shared' | 'none'

const SEAL_EACH_MS = 1_000
/** Sealing is shared out like a projection, under this name. */
export const SEALS = 'seals'

export async function projectionsHere(parts: HereParts): Promise<ProjectionHost> {
  const { log, reads, projections, types, personal, sealEvery, moves = 'all', onError } = parts
  const open = personal.open
  const runner = projectionRunner({
    log,
    reads,
    projections,
    types,
    open,
    onError: (error, where) => onError(`${where}: ${String(error)}`),
    ...(parts.pageSize === undefined ? {} : { pageSize: parts.pageSize }),
  })
  const seals = sealer(log, sealEvery)
  let sealing: Promise<number> | null = null
  /** One at a time; a failure is told and tried again with the next. */
  const seal = () => {
    sealing ??= seals
      .sealAll()
      .catch((error) => {
        onError(`sealing: ${String(error)}`)
        return 0
      })
      .finally(() => {
        sealing = null
      })
    return sealing
  }
  let sealsHere = moves === 'all'
  const timer = setInterval(() => void (sealsHere && seal()), SEAL_EACH_MS)
  if (moves !== 'none') {
    await dropAhead(log, reads, onError)
    if (moves === 'shared') runner.runs([])
    await runner.start()
  }

  return {
    wake: runner.wake,
    onCommitted: (listener) => void runner.onCommitted(listener),
    onChanged: (versions, listener) =>
      void runner.onStored((commit) => {
        const version = versions.get(commit.projection)
        const change = version === undefined ? null : changedBy(commit, version)
        if (change !== null) listener([change])
      }),
    status: async () => runner.status(),
    pause: async (name) => runner.pause(name),
    resume: async (name) => runner.resume(name),
    retryParked: (name) => runner.retryParked(name),
    rebuild: (name, dryRun) => runner.rebuild(name, { dryRun }),
    async verifyReads(onProgress) {
      const scratch = await openScratch()
      try {
        const options = { log, reads, scratch, projections, types, open, onProgress }
        const keys = await verifyKeys({ log, types, personal, onProgress })
        return [...(await verifyReadModels(options)), keys]
      } finally {
        await scratch.close()
      }
    },
    seal,
    async runs(names) {
      sealsHere = names.includes(SEALS)
      runner.runs(names.filter((name) => name !== SEALS))
    },
    async close() {
      clearInterval(timer)
      await sealing
      await runner.stop()
    },
  }
}

/** Rows of events that the log no longer has (it was put back from a backup) are of no use. */
async function dropAhead(
  log: EventLog,
  reads: ReadModels,
  tell: (message: string) => void,
): Promise<void> {
  // The end of the log last: others may be moving both.
  const checkpoints = await reads.checkpoints()
  const { position } = await log.head()
  for (const [name, checkpoint] of checkpoints)
    if (checkpoint > position) {
      tell(`${name} was ahead of the log (${checkpoint} of ${position}); it is filled anew`)
      await reads.drop(name)
    }
}
