// Takes parked events again, in order, once their handler or their type is mended. Whoever moves
// the projection meanwhile, here or in another process, goes on; the store tells when they met.
import { setTimeout as wait } from 'node:timers/promises'
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
  tellOf,
} from './fold-events.ts'
import type { Herd } from './projection-herd.ts'
import type { Readable } from './recorded-events.ts'

type Retry = Pick<Herd, 'log' | 'reads' | 'readable' | 'hears'>

/** Some event's rows could not be named, so others may have passed it: only a rebuild is exact. */
export const needsRebuild = (parked: readonly Parked[]) =>
  parked.some(({ keys }) => keys.some((key) => key.startsWith('stream:')))

const CHUNK = 500
/** In a row. A single event is taken faster than a page, so this many are bad luck indeed. */
const LOST_MAX = 100
const LOST_PAUSE_MS = 5

/** What has been taken so far, and what stays in the way of what follows. */
type Taken = {
  count: number
  upTo: number
  readonly behind: Set<string>
  parked: Set<string>
  waiting: boolean
}

/** The number of events taken. Nothing else in this process may fold into the track meanwhile. */
export async function retryParked(retry: Retry, track: Track): Promise<number> {
  const { reads } = retry
  // What fails again is in the way of what follows; what does not fail is not.
  const taken = { count: 0, upTo: 0, behind: new Set<string>(), parked: new Set<string>() }
  const progress: Taken = { ...taken, waiting: false }
  let [size, lost] = [CHUNK, 0]
  try {
    for (;;) {
      await refresh([track], reads)
      const entries = (await reads.parked(track.definition.name))
        .filter(({ position }) => position > progress.upTo)
        .slice(0, size)
      if (entries.length === 0 || needsRebuild(entries)) return progress.count
      const came = await takeEntries(retry, track, entries, progress)
      if (came === 'lost' && ++lost > LOST_MAX)
        throw new Error(`others move ${track.definition.name} all the time; try again`)
      if (came === 'lost') await wait(LOST_PAUSE_MS * Math.random())
      if (came === 'taken') lost = 0
      size = came === 'taken' ? Math.min(size * 2, CHUNK) : Math.ceil(entries.length / 2)
    }
  } finally {
    await refresh([track], reads)
  }
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

/**
 * `lost`: another runner was faster; `refused`: the store does not take these rows, and which event
 * it was shows by fewer of them.
 */
async function takeEntries(
  retry: Retry,
  track: Track,
  entries: readonly Parked[],
  taken: Taken,
): Promise<'taken' | 'lost' | 'refused'> {
  const { reads } = retry
  const events = await eventsOf(retry, entries)
  let fold = foldOf(track, taken.parked, taken.waiting)
  await retake(fold, reads, entries, events, taken.behind)
  try {
    if (!(await store(retry, fold))) return 'lost'
  } catch (error) {
    if (!(error instanceof RowsRefused)) throw error
    if (entries.length > 1) return 'refused'
    fold = foldOf(track, taken.parked, taken.waiting)
    park(fold, events[0]!.event, entries[0]!.keys, error)
    if (!(await store(retry, fold))) return 'lost'
  }
  for (const { keys } of entries) for (const key of keys) taken.behind.add(key)
  taken.parked = fold.parked
  taken.waiting = fold.waiting
  taken.count += fold.unpark.length
  taken.upTo = entries.at(-1)!.position
  return 'taken'
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

async function store({ reads, hears }: Retry, fold: Fold): Promise<boolean> {
  const commit = commitOf(fold, fold.track.checkpoint)
  if (!(await reads.commit([commit]))) return false
  settled(fold, commit)
  tellOf(fold, commit, hears)
  return true
}
