// The inside of the thread that projects. It opens the stores by itself; where only one handle may
// write the log, it asks the main thread to append its seals.
import { parentPort } from 'node:worker_threads'
import { personalData } from '#runtime/personal.ts'
import { threadCalls } from '#storage/thread-calls.ts'
import { type Hand, handlersOf, type Refusal, watched } from './handler-watch.ts'
import type { ProjectionHost } from './projection-host.ts'
import { type HereParts, type Moves, projectionsHere } from './projections-here.ts'
import { openKeys, openLogBeside, openRows, type Places } from './stores.ts'

export type ProjectionWorkerData = {
  readonly places: Places
  readonly sealEvery: number
  readonly moves: Moves
}
/** What the thread's other side adds to it. */
export type Watched = {
  readonly hand: Hand
  readonly refused: readonly Refusal[]
  readonly pageSize?: number
}

export function serveProjections(
  data: ProjectionWorkerData,
  { projections, types }: Pick<HereParts, 'projections' | 'types'>,
): void {
  const port = parentPort
  if (port === null) throw new Error('projections are served in a worker thread')
  const { places, sealEvery, moves, hand, pageSize, ...told } = data as typeof data & Watched
  const refused = new Set(told.refused)
  let host: ProjectionHost | undefined
  let opened = new AsyncDisposableStack()
  const running = (): ProjectionHost => {
    if (host === undefined) throw new Error('the projection thread has not started')
    return host
  }

  const calls = threadCalls(port, {
    async start() {
      await using opening = new AsyncDisposableStack()
      const beside = await openLogBeside(places.log)
      opening.defer(() => beside.close())
      const log = beside.capabilities.manyProcesses
        ? beside
        : { ...beside, append: (request: unknown) => calls.call<never>('append', request) }
      const keys = await openKeys(places.keys, true)
      opening.defer(() => keys.close())
      const reads = await openRows(places.views).catch((cause) => explained(places, cause))
      opening.defer(() => reads.close())
      host = await projectionsHere({
        log,
        reads,
        types,
        projections: watched(projections, hand, refused),
        personal: personalData(types, keys),
        sealEvery,
        moves,
        onError: (message) => calls.notify('error', message),
        ...(pageSize === undefined ? {} : { pageSize }),
      })
      host.onCommitted((position) => calls.notify('committed', position))
      opening.defer(() => running().close())
      opened = opening.move()
    },
    handlers: () => handlersOf(projections),
    runs: (names: readonly string[]) => running().runs(names),
    status: () => running().status(),
    pause: (name: string) => running().pause(name),
    resume: (name: string) => running().resume(name),
    retryParked: (name: string) => running().retryParked(name),
    rebuild: (name: string, dryRun: boolean) => running().rebuild(name, dryRun),
    verifyReads: () => running().verifyReads((progress) => calls.notify('progress', progress)),
    seal: () => running().seal(),
    close: () => opened.disposeAsync(),
  })
  calls.onNotice('allow', (projection: string) => {
    for (const one of refused) if (one.handler.startsWith(`${projection} `)) refused.delete(one)
  })
  calls.onNotice('appended', () => host?.wake())
  calls.onNotice('listen', (versions: ReadonlyMap<string, number>) =>
    host?.onChanged(versions, (changes) => calls.notify('changed', changes)),
  )
}

function explained({ views: { engine, place } }: Places, cause: Error): never {
  if (engine !== 'sqlite') throw cause
  throw new Error(
    `the read models in ${place.path} cannot be opened (${cause.message}); they may be ` +
      'deleted, and are then filled again from the log',
    { cause },
  )
}
