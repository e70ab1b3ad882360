// The thread that folds events into rows and owns the views. It reads the log by itself and asks
// the main thread to append its seals.
import { parentPort, workerData } from 'node:worker_threads'
import { personalData } from '#runtime/personal.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLogReadOnly } from '#storage/sqlite/event-log.ts'
import { openKeyRing } from '#storage/sqlite/key-ring.ts'
import { openReadModels } from '#storage/sqlite/read-models.ts'
import { threadCalls } from '#storage/thread-calls.ts'
import { contextsOf, typesOf } from './contexts.ts'
import { noProviders } from './no-providers.ts'
import type { ProjectionHost } from './projection-host.ts'
import { projectionsHere } from './projections-here.ts'

export type ProjectionWorkerData = {
  readonly log: string
  readonly views: string
  readonly keys: string
  readonly sealEvery: number
}

const port = parentPort
if (port === null) throw new Error('projection-worker.ts runs as a worker thread')
const paths = workerData as ProjectionWorkerData
let host: ProjectionHost | undefined
let closeAll = async () => {}
const running = (): ProjectionHost => {
  if (host === undefined) throw new Error('the projection thread has not started')
  return host
}

const calls = threadCalls(port, {
  async start() {
    const readOnly = await openEventLogReadOnly({ path: paths.log })
    const log: EventLog = { ...readOnly, append: (request) => calls.call('append', request) }
    const keys = await openKeyRing({ path: paths.keys, readOnly: true })
    const reads = await openReadModels({ path: paths.views }).catch((cause) => {
      throw new Error(
        `the read models in ${paths.views} cannot be opened (${cause.message}); they may be ` +
          'deleted, and are then filled again from the log',
        { cause },
      )
    })
    const contexts = contextsOf(noProviders)
    const types = typesOf(contexts)
    host = await projectionsHere({
      log,
      reads,
      types,
      projections: contexts.flatMap(({ projections }) => projections),
      personal: personalData(types, keys),
      sealEvery: paths.sealEvery,
      onError: (message) => calls.notify('error', message),
    })
    host.onCommitted((position) => calls.notify('committed', position))
    closeAll = async () => {
      await running().close()
      await Promise.all([reads.close(), keys.close(), readOnly.close()])
    }
  },
  status: () => running().status(),
  pause: (name: string) => running().pause(name),
  resume: (name: string) => running().resume(name),
  retryParked: (name: string) => running().retryParked(name),
  rebuild: (name: string, dryRun: boolean) => running().rebuild(name, dryRun),
  verifyReads: () => running().verifyReads((progress) => calls.notify('progress', progress)),
  seal: () => running().seal(),
  close: () => closeAll(),
})
calls.onNotice('appended', () => host?.wake())
