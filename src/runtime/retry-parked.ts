// Takes parked events again, in order, once their handler or their type is mended.
import { type Parked, type ReadModels, RowsRefused } from '#storage/read-models.ts'
import {
  commitOf,
  type Fold,
  foldOf,
  loadSlots,
  lookedUp,
  park,
  refresh,
  settled,
  stepOf,
  type Track,
  take,
} from './fold-events.ts'
import type { Herd } from './projection-herd.ts'
import type { Readable } from './recorded-events.ts'

type Retry = Pick<Herd, 'log' | 'reads' | 'readable' | 'onParked'>

/** Some event's rows could not be named, so others may have passed it: only a rebuild is exact. */
export const needsRebuild = (parked: readonly Parked[]) =>
  parked.some(({ keys }) => keys.some((key) => key.startsWith('stream:')))

const CHUNK = 500

/** The number of events taken. Nothing else may fold into the track meanwhile. */
export async function retryParked(retry: Retry, track: Track): Promise<number> {
  const { reads } = retry
  await refresh(track, reads)
  const entries = await reads.parked(track.definition.name)
  // What fails again is in the way of what follows; what does not fail is not.
  track.parked = new Set()
  track.waiting = false
  const behind = new Set<string>()
  try {
    for (let from = 0; from < entries.length; from += CHUNK) {
      const chunk = entries.slice(from, from + CHUNK)
      await takeEntries(retry, track, chunk, await eventsOf(retry, chunk), behind)
    }
  } finally {
    await refresh(track, reads)
  }
  return entries.length - (await reads.parked(track.definition.name)).length
}

/** The events themselves, from the log, in runs of neighbours. */
async function eventsOf(
  { log, readable }: Retry,
  entries: readonly Parked[],
): Promise<readonly Readable[]> {
  const events: Readable[] = []
  for (let at = 0; at < entries.length; ) {
    const { position } = entries[at]!
    let length = 1
    while (entries[at + length]?.position === position + length) length++
    events.push(...(await readable(await log.readAll(position - 1, length))))
    at += length
  }
  return events
}

async function takeEntries(
  retry: Retry,
  track: Track,
  entries: readonly Parked[],
  events: readonly Readable[],
  behind: Set<string>,
): Promise<void> {
  const { reads } = retry
  const fold = foldOf(track)
  await retake(fold, reads, entries, events, behind)
  try {
    await store(retry, fold)
  } catch (error) {
    if (!(error instanceof RowsRefused)) throw error
    if (entries.length > 1) {
      const half = entries.length >> 1
      await takeEntries(retry, track, entries.slice(0, half), events.slice(0, half), behind)
      return takeEntries(retry, track, entries.slice(half), events.slice(half), behind)
    }
    const refused = foldOf(track)
    park(refused, events[0]!.event, entries[0]!.keys, error)
    await store(retry, refused)
  }
  for (const { keys } of entries) for (const key of keys) behind.add(key)
}

async function retake(
  fold: Fold,
  reads: ReadModels,
  entries: readonly Parked[],
  events: readonly Readable[],
  before: ReadonlySet<string>,
): Promise<void> {
  const behind = new Set(before)
  const steps = events.map((readable) => {
    const handler = fold.track.handlers.get(readable.event.event_type)
    return handler === undefined ? undefined : stepOf(fold, handler, readable)
  })
  await loadSlots(fold, reads)
  for (const [at, step] of steps.entries()) {
    const { position, keys } = entries[at]!
    const left = fold.park.length
    if (step !== undefined && step.lookup === undefined) take(fold, step)
    else if (step !== undefined) {
      // Rows that were free at the time have it already; only those that waited still lack it.
      const found = await lookedUp(fold, reads, step)
      const lacking = found.slots.filter(({ key }) => behind.has(key) || keys.includes(key))
      take(fold, { ...found, slots: lacking })
    }
    if (fold.park.length === left) fold.unpark.push(position)
    for (const key of keys) behind.add(key)
  }
}

async function store({ reads, onParked }: Retry, fold: Fold): Promise<void> {
  const commit = commitOf(fold, fold.track.checkpoint)
  if (!(await reads.commit([commit])))
    throw new Error(`another runner moved ${fold.track.definition.name} meanwhile; try again`)
  settled(fold, commit)
  for (const { event, error } of fold.failures) onParked(fold.track, event, error)
}
