// Rebuilds a read model beside the live one: folded from the first event into a table of its own,
// compared, then swapped in. The live table goes on serving and projecting meanwhile.
import { type ReadModels, TableUnready } from '#storage/read-models.ts'
import { type Comparison, compareTables } from './compare-tables.ts'
import { advance, type OnParked, refresh, type Track, track } from './fold-events.ts'
import type { Progress, RebuildReport } from './operations.ts'
import type { Readable } from './recorded-events.ts'

/** Of the table that is built beside the live one, and of its projection's name. */
export const SHADOW = '__rebuild'

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
  /** Holds the live projection still while it runs. */
  readonly exclusive: <T>(work: () => Promise<T>) => Promise<T>
  readonly onParked: OnParked
  readonly onProgress: (progress: Progress) => void
  readonly stopped: () => boolean
}

export async function rebuildBeside(rebuild: Rebuild): Promise<RebuildReport> {
  const { reads, live, exclusive, dryRun } = rebuild
  const { name } = live.definition
  const shadow = track(live.projection, rebuild.cachedRows, SHADOW)
  await reads.drop(shadow.definition.name)
  await reads.define([shadow.definition])
  try {
    await follow(rebuild, shadow)
    const { comparison, events } = await compared(rebuild, shadow)
    if (!dryRun) {
      // The live one has gone on since: catch up once more, while it stands still, and take its
      // place.
      await follow(rebuild, shadow)
      await exclusive(async () => {
        await follow(rebuild, shadow)
        await reads.swap(name, shadow.definition.name)
        await refresh(live, reads)
      })
    }
    const { compared: rows, differing, differences } = comparison
    return { projection: name, events, rows, differing, differences, swapped: !dryRun }
  } finally {
    // After a swap there is nothing of that name any more.
    await reads.drop(shadow.definition.name)
  }
}

/** Folds what is missing up to where the live projection stands. */
async function follow(rebuild: Rebuild, shadow: Track): Promise<void> {
  const { reads, live, log, outdated, pageSize, readPage, onParked, onProgress, stopped } = rebuild
  const what = `rebuild ${live.definition.name}`
  for (;;) {
    const of = outdated ? (await log.head()).position : live.checkpoint
    onProgress({ what, done: Math.min(shadow.checkpoint, of), of })
    if (shadow.checkpoint >= of) return
    if (stopped()) throw new Error(`${what} was stopped; the live table is untouched`)
    const events = await readPage(shadow.checkpoint, Math.min(pageSize, of - shadow.checkpoint))
    if (events.length === 0) throw new Error(`the log ends at ${shadow.checkpoint}, before ${of}`)
    if (!(await advance(reads, [shadow], events, onParked)))
      throw new Error(`another rebuild of ${live.definition.name} is running`)
  }
}

type Compared = { readonly comparison: Comparison; readonly events: number }

/** Both tables at one checkpoint, looked at in a frozen view so that the live one can go on. */
async function compared(rebuild: Rebuild, shadow: Track): Promise<Compared> {
  const { reads, live, exclusive } = rebuild
  const view = await exclusive(async () => {
    await follow(rebuild, shadow)
    return reads.frozen()
  })
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
