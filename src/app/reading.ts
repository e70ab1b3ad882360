// The read models as this process needs them: rows to read, a host that moves them, both or none.
import type { Projection } from '#kernel/projection.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { type ProjectionHost, projectionThread } from './projection-host.ts'
import type { ProjectionWorkerData } from './projection-thread.ts'
import { type HereParts, type Moves, projectionsHere } from './projections-here.ts'
import type { Roles } from './roles.ts'
import type { Config } from './settings.ts'
import { openRows, placesOf, type Stored } from './stores.ts'

export type Reading = {
  /** What queries read, perhaps from a replica; null in a process that answers none. */
  readonly reads: ReadModels | null
  /** What is due, read where it is written; null in a process that acts on nothing. */
  readonly due: ReadModels | null
  /** null in a process that moves no projections and operates none. */
  readonly host: ProjectionHost | null
}

type Parts = Omit<HereParts, 'reads' | 'onError' | 'moves'> & {
  readonly log: EventLog
  readonly projections: readonly Projection[]
}
type Means = {
  readonly roles: Roles
  readonly moves: Moves
  readonly tell: (line: string) => void
  readonly onBroken: (error: Error) => void
  readonly opening: AsyncDisposableStack
}

/** A thread of its own projects; stores in memory live in this one. */
export async function openReading(config: Config, parts: Parts, means: Means): Promise<Reading> {
  const { roles, moves, tell, onBroken, opening } = means
  const drivers = [config['event_store.driver'], config['read_store.driver']]
  if (drivers.includes('memory')) {
    const reads = await openRows(placesOf(config).views)
    opening.defer(() => reads.close())
    const host = await projectionsHere({ ...parts, reads, moves, onError: tell })
    opening.defer(() => host.close())
    return { reads, due: reads, host }
  }
  let host: ProjectionHost | null = null
  if (roles.has('projection') || roles.has('admin')) {
    const data: ProjectionWorkerData = {
      places: placesOf(config, 'thread'),
      sealEvery: parts.sealEvery,
      moves,
    }
    const append = (request: never) => parts.log.append(request)
    const started = await projectionThread(data, { append, onError: tell, onBroken })
    opening.defer(() => started.close())
    host = started
  }
  const { queries, views } = placesOf(config)
  const open = async (stored: Stored) => {
    const opened = await openRows(stored, true)
    opening.defer(() => opened.close())
    return opened
  }
  const reads = roles.has('query') || roles.has('admin') ? await open(queries) : null
  const isSame = reads !== null && queries.place.url === views.place.url
  const due = !roles.has('saga') ? null : isSame ? reads : await open(views)
  return { reads, due, host }
}
