// Does every read model equal the fold of the log? Rebuilds all of them aside, up to exactly the
// checkpoints of one frozen moment, and compares row by row. Never swaps; the live ones go on.
import type { EventTypes } from '#kernel/event-types.ts'
import type { Projection } from '#kernel/projection.ts'
import type { EventLog } from '#storage/event-log.ts'
import { type ReadModels, TableUnready } from '#storage/read-models.ts'
import { compareTables } from './compare-tables.ts'
import { advance, type Track, track } from './fold-events.ts'
import type { Progress, VerifyReport } from './operations.ts'
import { type OpenEvents, readable } from './recorded-events.ts'

export type VerifyOptions = {
  readonly log: EventLog
  readonly reads: ReadModels
  /** Empty; filled and left to the caller to close. */
  readonly scratch: ReadModels
  readonly projections: readonly Projection[]
  readonly types: EventTypes
  readonly open: OpenEvents
  readonly onProgress?: (progress: Progress) => void
}
type Check = VerifyReport['checks'][number]

const PAGE = 5_000
const CACHED_ROWS = 40_000

export async function verifyReadModels(options: VerifyOptions): Promise<readonly Check[]> {
  const { reads, projections } = options
  const view = await reads.frozen()
  try {
    const checkpoints = await view.checkpoints()
    const rebuilt = await rebuiltAside(options, checkpoints)
    const checks: Check[] = []
    for (const [at, { name, table }] of projections.entries()) {
      options.onProgress?.({ what: `compare ${name}`, done: at, of: projections.length })
      const scratch = { reads: options.scratch, table: rebuilt[at]!.definition.table }
      checks.push(await checked(`read model ${name}`, { reads: view, table }, scratch))
    }
    return checks
  } finally {
    await view.close()
  }
}

async function checked(
  name: string,
  ...[live, rebuilt]: Parameters<typeof compareTables>
): Promise<Check> {
  try {
    return { name, ...(await compareTables(live, rebuilt)) }
  } catch (error) {
    if (!(error instanceof TableUnready)) throw error
    const difference = { key: '(table)', live: null, rebuilt: { reason: error.message } }
    return { name, compared: 0, differing: 1, differences: [difference] }
  }
}

/** Folds the log into the scratch tables; each projection stops at its own checkpoint. */
async function rebuiltAside(
  { log, scratch, projections, types, open, onProgress }: VerifyOptions,
  targets: ReadonlyMap<string, number>,
): Promise<readonly Track[]> {
  const cachedRows = Math.ceil(CACHED_ROWS / Math.max(projections.length, 1))
  const tracks = projections.map((one) => track(one, cachedRows))
  await scratch.define(tracks.map(({ definition }) => definition))
  const targetOf = ({ definition }: Track) => targets.get(definition.name) ?? 0
  const end = Math.max(0, ...tracks.map(targetOf))
  for (let done = 0; done < end; ) {
    const herd = tracks.filter((one) => targetOf(one) > done)
    const next = Math.min(...herd.map(targetOf))
    const events = await log.readAll(done, Math.min(PAGE, next - done))
    if (events[0]?.position !== done + 1)
      throw new Error(`the log has no event ${done + 1}, but read models stand at ${end}`)
    // What cannot be folded is parked here as it is there; that is no difference.
    const taken = await advance(scratch, herd, await readable(events, types, open), {
      onParked: () => {},
    })
    if (!taken) throw new Error('the scratch read models are used by somebody else')
    done = events.at(-1)!.position
    onProgress?.({ what: 'read models', done, of: end })
  }
  return tracks
}
