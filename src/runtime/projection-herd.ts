// All projections of a process and where they stand. Those at the same checkpoint go together: one
// page of the log, one commit. One that is behind catches up by itself until it stands where the
// next do.
import type { Projection } from '#kernel/projection.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { advance, type OnParked, refresh, type Track, track } from './fold-events.ts'
import { type Rebuild, rebuildBeside, SHADOW } from './rebuild.ts'
import type { Readable } from './recorded-events.ts'
import { type InTurn, inTurn } from './turns.ts'

/** `outdated`: its table is of another version; it stands still until it has been rebuilt. */
export type Member = {
  readonly track: Track
  paused: boolean
  rebuilding: boolean
  outdated: boolean
}

export type Herd = {
  readonly log: EventLog
  readonly reads: ReadModels
  readonly members: ReadonlyMap<string, Member>
  readonly pageSize: number
  readonly cachedRows: number
  readonly readable: (
    page: Awaited<ReturnType<EventLog['readAll']>>,
  ) => Promise<readonly Readable[]>
  readonly onParked: OnParked
  /** A commit was made; the position that all who go on have reached. */
  readonly committed: (position: number) => void
  /** Nothing else moves while it runs. */
  readonly exclusive: InTurn
  page: number
}

/** Events in a page while there is little to do: small pages keep answers quick. */
const PAGE_MIN = 500

export type HerdOptions = Omit<Herd, 'members' | 'exclusive' | 'page'> & {
  readonly projections: readonly Projection[]
}

export function herdOf({ projections, ...options }: HerdOptions): Herd {
  const cachedRows = Math.ceil(options.cachedRows / Math.max(projections.length, 1))
  const members = new Map<string, Member>()
  for (const one of projections) {
    if (members.has(one.name)) throw new Error(`two projections are named ${one.name}`)
    const fresh = { paused: false, rebuilding: false, outdated: false }
    members.set(one.name, { track: track(one, cachedRows), ...fresh })
  }
  const page = Math.min(PAGE_MIN, options.pageSize)
  return { ...options, cachedRows, members, exclusive: inTurn(), page }
}

export const tracksOf = ({ members }: Herd) => [...members.values()].map((one) => one.track)

/**
 * Makes the tables, clears away what an interrupted rebuild left, learns where everybody stands.
 */
export async function gather(herd: Herd): Promise<void> {
  const { reads, members } = herd
  const tracks = tracksOf(herd)
  for (const { definition } of tracks) await reads.drop(definition.name + SHADOW)
  const changed = await reads.define(tracks.map(({ definition }) => definition))
  for (const [name, member] of members) member.outdated = changed.includes(name)
  await refreshAll(herd)
}

export async function refreshAll(herd: Herd): Promise<void> {
  for (const one of tracksOf(herd)) await refresh(one, herd.reads)
}

/** One page for each checkpoint, the last one first; the number of events taken. */
export async function round(herd: Herd, upTo: number): Promise<number> {
  let taken = 0
  let full = false
  const groups = byCheckpoint(herd)
  for (const [at, [checkpoint, tracks]] of groups.entries()) {
    // Never past those ahead, so that the two groups become one.
    const end = Math.min(groups[at + 1]?.[0] ?? upTo, upTo)
    const limit = Math.min(herd.page, end - checkpoint)
    if (limit <= 0) continue
    const events = await readPage(herd, checkpoint, limit)
    if (events.length > 0 && (await moved(herd, tracks, events))) taken += events.length
    full ||= events.length === herd.page
  }
  herd.page = Math.min(full ? herd.page * 2 : PAGE_MIN, herd.pageSize)
  if (taken > 0) tell(herd)
  return taken
}

function byCheckpoint({ members }: Herd): [number, Track[]][] {
  const groups = new Map<number, Track[]>()
  for (const { track, paused, outdated } of members.values()) {
    if (paused || outdated) continue
    const group = groups.get(track.checkpoint)
    if (group === undefined) groups.set(track.checkpoint, [track])
    else group.push(track)
  }
  return [...groups].sort(([a], [b]) => a - b)
}

async function moved(
  { reads, onParked }: Herd,
  tracks: readonly Track[],
  events: readonly Readable[],
): Promise<boolean> {
  try {
    if (await advance(reads, tracks, events, onParked)) return true
  } catch (error) {
    // Whether it was stored is not known: what is remembered of the rows may be old.
    for (const one of tracks) await refresh(one, reads).catch(() => one.rows.clear())
    throw error
  }
  for (const one of tracks) await refresh(one, reads)
  return false
}

async function readPage(
  { log, readable }: Pick<Herd, 'log' | 'readable'>,
  after: number,
  limit: number,
): Promise<readonly Readable[]> {
  const events = await log.readAll(after, limit)
  for (const [at, { position }] of events.entries())
    if (position !== after + at + 1)
      throw new Error(`the log has a gap: ${position} follows ${after + at}`)
  return readable(events)
}

function tell({ members, committed }: Herd): void {
  const going = [...members.values()].filter(({ paused, outdated }) => !paused && !outdated)
  if (going.length > 0) committed(Math.min(...going.map(({ track }) => track.checkpoint)))
}

export type RebuildChoice = Pick<Rebuild, 'dryRun' | 'onProgress' | 'stopped'>

export async function rebuildMember(herd: Herd, one: Member, choice: RebuildChoice) {
  const { name } = one.track.definition
  if (one.rebuilding) throw new Error(`${name} is being rebuilt already`)
  one.rebuilding = true
  try {
    const report = await rebuildBeside({
      ...choice,
      ...herd,
      live: one.track,
      outdated: one.outdated,
      readPage: (after, limit) => readPage(herd, after, limit),
    })
    if (report.swapped) one.outdated = false
    tell(herd)
    return report
  } finally {
    one.rebuilding = false
  }
}
