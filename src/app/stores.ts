// Opens the stores that the settings name, and leaves word with `opening` how each is closed.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { engines } from '#storage/engines.ts'
import { type EventLog, OutcomeUnknown } from '#storage/event-log.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { openReadModels as openViewsFile } from '#storage/sqlite/read-models.ts'
import { type ProjectionHost, projectionThread } from './projection-host.ts'
import type { ProjectionWorkerData } from './projection-worker.ts'
import { projectionsHere } from './projections-here.ts'
import type { Config } from './settings.ts'

export type Paths = {
  readonly log: string
  readonly views: string
  readonly keys: string
  /** The books of the built-in payment provider and carrier. */
  readonly simulator: string
}

/** Read models, keys and the simulator's books lie beside the log's file. */
export function pathsOf(config: Config): Paths {
  const log = config['database.sqlite.path']
  const beside = log.replace(/\.db$/, '')
  const file = (name: string) => `${beside}-${name}.db`
  return { log, views: file('views'), keys: file('keys'), simulator: file('simulator') }
}

export async function openStores(
  config: Config,
  onBroken: (error: Error) => void,
  opening: AsyncDisposableStack,
) {
  const paths = pathsOf(config)
  mkdirSync(dirname(paths.log), { recursive: true })
  const engine = await engines[config['event_store.driver']]()
  const keys: KeyRing = await engine.openKeyRing({ path: paths.keys })
  opening.defer(() => keys.close())
  const opened = await engine.openEventLog({ path: paths.log })
  opening.defer(() => opened.close())
  return { log: watched(opened, onBroken), keys, paths }
}

/** Tells once when the log's disk has failed; whoever appended hears it from the append itself. */
function watched(log: EventLog, onBroken: (error: Error) => void): EventLog {
  let told = false
  return {
    ...log,
    async append(request) {
      try {
        return await log.append(request)
      } catch (error) {
        if (error instanceof OutcomeUnknown && !told) {
          told = true
          onBroken(error)
        }
        throw error
      }
    },
  }
}

type ReadingParts = Omit<Parameters<typeof projectionsHere>[0], 'reads' | 'onError'>

/** A file is projected by a thread of its own and only read here; a store in memory lives here. */
export async function openReading(
  config: Config,
  paths: Paths,
  parts: ReadingParts,
  { tell, opening }: { tell: (line: string) => void; opening: AsyncDisposableStack },
): Promise<{ reads: ReadModels; host: ProjectionHost }> {
  const files =
    config['event_store.driver'] === 'sqlite' && config['read_store.driver'] === 'sqlite'
  if (files) {
    const data: ProjectionWorkerData = { ...paths, sealEvery: parts.sealEvery }
    const host = await projectionThread(data, (request) => parts.log.append(request), tell)
    opening.defer(() => host.close())
    const reads = await openViewsFile({ path: paths.views, readOnly: true })
    opening.defer(() => reads.close())
    return { reads, host }
  }
  const { openReadModels } = await engines.memory()
  const reads = await openReadModels()
  opening.defer(() => reads.close())
  const host = await projectionsHere({ ...parts, reads, onError: tell })
  opening.defer(() => host.close())
  return { reads, host }
}
