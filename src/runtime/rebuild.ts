// Rebuilds a read model beside the live one: folded from the first event into a table of its own,
// compared, then swapped in. The live table goes on serving and projecting meanwhile, in whichever
// process.
import { type ReadModels, TableUnready } from '#storage/read-models.ts'
import { type Comparison, compareTables } from './compare-tables.ts'
import { advance, type Hears, refresh, type Track, track } from './fold-events.ts'
import type { Progress, RebuildReport } from './operations.ts'
import type { Readable } from './recorded-events.ts'

/** Of the table that is built beside the live one, and of its projection's name. */
export const SHADOW = '__rebuild'
/** What is held under the projection's name and this, is being rebuilt by somebody. */
export const REBUILDING = '__rebuilding'

export type Rebuild = {
  readonly log: { head(): Promise<{ readonly position: number }> }
  readonly reads: ReadModels
  readonly live: Track
  /** The live table is of another version and stands still. */
  readonly outdated: boolean
  readonly dryRun: boolean
  readonly cachedRows: number
  readonly pageSize: number
  readonly readPage: (after: number, limit: number) => Promise<readonly Readable[]>
  /** Nothing moves in this process while it runs. */
  readonly exclusive: <T>(work: () => Promise<T>) => Promise<T>
  readonly hears: Hears
  readonly onProgress: (progress: Progress) => void
  readonly stopped: () => boolean
  /** Learns anew where the live one stands, after the swap. */
  readonly renewed: () => Promise<void>
}

/** For how long everybody stands still at most; it takes a few milliseconds. */
const STILL_MS = 10_000
/** It moved although it was held: the moment took too long. */
const TRIES_MAX = 10

export async function rebuildBeside(rebuild: Rebuild): Promise<RebuildReport> {
  const { reads, live, dryRun } = rebuild
  const { name } = live.definition
  const shadow = track(live.projection, rebuild.cachedRows, SHADOW)
  await reads.drop(shadow.definition.name)
  await reads.define([shadow.definition])
  await refresh([shadow], reads)
  try {
    await follow(rebuild, shadow)
    const { comparison, events } = await compared(rebuild, shadow)
    // The live one has gone on since: catch up once more, while it stands still, and take its
    // place.
    if (!dryRun) await atOneMoment(rebuild, shadow, () => swapped(rebuild, shadow))
    const { compared: rows, differing, differences } = comparison
    return { projection: name, events, rows, differing, differences, swapped: !dryRun }
  } finally {
    // After a swap there is nothing of that name any more.
    if (!(await isAnothers(reads, shadow))) await reads.drop(shadow.definition.name)
  }
}

/** Somebody who began later has made the table anew. */
async function isAnothers(reads: ReadModels, { definition, generation }: Track): Promise<boolean> {
  const now = (await reads.generations()).get(definition.name)
  return now !== undefined && now !== generation
}

async function swapped({ reads, live, renewed }: Rebuild, shadow: Track): Promise<true | null> {
  if (!(await reads.swap(live.definition.name, shadow.definition.name))) return null
  await renewed()
  return true
}

/**
 * What `work` does while both tables stand at one position and nobody, here or in another process,
 * moves the live one. Again when it answers null.
 */
async function atOneMoment<T>(
  rebuild: Rebuild,
  shadow: Track,
  work: () => Promise<T | null>,
): Promise<T> {
  const { reads, live, exclusive } = rebuild
  const { name } = live.definition
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    await follow(rebuild, shadow)
    const result = await exclusive(async () => {
      await reads.hold(name, STILL_MS)
      try {
        await follow(rebuild, shadow)
        return await work()
      } finally {
        // What an operator has paused stays paused.
        await reads.letGo(name, 'timed')
      }
    })
    if (result !== null) return result
  }
  throw new Error(`${name} could not be held still; the live table is untouched`)
}

/** Folds what is missing up to where the live projection stands. */
async function follow(rebuild: Rebuild, shadow: Track): Promise<void> {
  const { reads, live, log, outdated, pageSize, readPage, hears, onProgress, stopped } = rebuild
  const { name } = live.definition
  const what = `rebuild ${name}`
  const { onParked } = hears
  for (;;) {
    // From the store: another process may be the one that moves it.
    const of = outdated ? (await log.head()).position : ((await reads.checkpoints()).get(name) ?? 0)
    onProgress({ what, done: Math.min(shadow.checkpoint, of), of })
    if (shadow.checkpoint >= of) return
    if (stopped()) throw new Error(`${what} was stopped; the live table is untouched`)
    const events = await readPage(shadow.checkpoint, Math.min(pageSize, of - shadow.checkpoint))
    if (events.length === 0) throw new Error(`the log ends at ${shadow.checkpoint}, before ${of}`)
    if (!(await advance(reads, [shadow], events, { onParked })))
      throw new Error(`another rebuild of ${name} is running`)
  }
}

type Compared = { readonly comparison: Comparison; readonly events: number }

/** Both tables at one checkpoint, looked at in a frozen view so that the live one can go on. */
async function compared(rebuild: Rebuild, shadow: Track): Promise<Compared> {
  const { live } = rebuild
  const view = await atOneMoment(rebuild, shadow, () => frozenTogether(rebuild, shadow))
  const events = shadow.checkpoint
  const beside = { reads: view, table: shadow.definition.table }
  try {
    return {
      comparison: await compareTables({ reads: view, table: live.definition.table }, beside),
      events,
    }
  } catch (error) {
    if (!(error instanceof TableUnready)) throw error
    // The live table has other columns: no row can be the same.
    const { total } = await view.find(beside.table, { limit: 0, total: true })
    return { comparison: { compared: total ?? 0, differing: total ?? 0, differences: [] }, events }
  } finally {
    await view.close()
  }
}

async function frozenTogether(
  { reads, live, outdated }: Rebuild,
  shadow: Track,
): Promise<ReadModels | null> {
  const view = await reads.frozen()
  const at = await view.checkpoints()
  const together = at.get(live.definition.name) === at.get(shadow.definition.name)
  if (outdated || together) return view
  await view.close()
  return null
}
