// All projections that a process knows and where they stand. Those at the same checkpoint go
// together: one page of the log, one commit. One that is behind catches up by itself until it
// stands where the next do. Others may move the same projections in other processes.
import type { Projection } from '#kernel/projection.ts'
import type { EventLog } from '#storage/event-log.ts'
import { type ReadModels, TableUnready } from '#storage/read-models.ts'
import { advance, type Hears, refresh, type Track, track } from './fold-events.ts'
import { REBUILDING, type Rebuild, rebuildBeside, SHADOW } from './rebuild.ts'
import type { Readable } from './recorded-events.ts'
import { type InTurn, inTurn } from './turns.ts'

export type Member = {
  readonly track: Track
  /** Moved by this runner; the others stand still here. */
  here: boolean
  rebuilding: boolean
  /** Its table is of another version; it stands still until it has been rebuilt. */
  outdated: boolean
  /** It was not so when we began: a process of another version has taken over. */
  superseded: boolean
  /** What is known of it may be old. */
  stale: boolean
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
  readonly hears: Hears
  /** A commit was made; the position that all who go on here have reached. */
  readonly committed: (position: number) => void
  /** Nothing else moves in this process while it runs. */
  readonly exclusive: InTurn
  page: number
  /** The next page, read while the last one was stored. */
  ahead: { readonly after: number; readonly events: Promise<readonly Readable[]> } | null
  /** As the store said last; `true` for ever. */
  held: ReadonlyMap<string, boolean>
  heldReadAt: number
}

/** Events in a page while there is little to do: small pages keep answers quick. */
const PAGE_MIN = 500
/** While something is held, how often to see whether it still is: by an operator, for a moment. */
const HELD_FOR_EVER_READ_MS = 1_000
const HELD_READ_MS = 50
/** Others were faster, or hold something: what they leave is tried at once, but not for ever. */
const PASSES_MAX = 3

export type HerdOptions = Pick<
  Herd,
  'log' | 'reads' | 'pageSize' | 'cachedRows' | 'readable' | 'hears' | 'committed'
> & { readonly projections: readonly Projection[] }

export function herdOf({ projections, ...options }: HerdOptions): Herd {
  const cachedRows = Math.ceil(options.cachedRows / Math.max(projections.length, 1))
  const members = new Map<string, Member>()
  for (const one of projections) {
    if (members.has(one.name)) throw new Error(`two projections are named ${one.name}`)
    const fresh = { here: true, rebuilding: false, outdated: false, superseded: false }
    members.set(one.name, { track: track(one, cachedRows), ...fresh, stale: false })
  }
  const page = Math.min(PAGE_MIN, options.pageSize)
  const nothing = { ahead: null, held: new Map(), heldReadAt: 0 }
  return { ...options, ...nothing, cachedRows, members, exclusive: inTurn(), page }
}

/**
 * Makes the tables, clears away what an interrupted rebuild left, learns where everybody stands.
 */
export async function gather(herd: Herd): Promise<void> {
  const { reads, members } = herd
  await readHeld(herd)
  const there = await reads.checkpoints()
  for (const name of members.keys())
    if (there.has(name + SHADOW) && !herd.held.has(name + REBUILDING))
      await reads.drop(name + SHADOW)
  const tracks = [...members.values()].map((one) => one.track)
  const changed = await reads.define(tracks.map(({ definition }) => definition))
  for (const [name, member] of members) member.outdated = changed.includes(name)
  await refresh(tracks, reads)
}

/** Learns anew where it stands, and whether its table is still of our version. */
export async function renew({ reads }: Pick<Herd, 'reads'>, one: Member): Promise<void> {
  const { definition } = one.track
  const outdated = (await reads.define([definition])).length > 0
  one.superseded = outdated && (one.superseded || !one.outdated)
  one.outdated = outdated
  await refresh([one.track], reads)
  one.stale = false
}

export async function readHeld(herd: Herd): Promise<void> {
  herd.held = await herd.reads.held()
  herd.heldReadAt = performance.now()
}

/** One page for each checkpoint, the last one first; the number of events taken. */
export async function round(herd: Herd, upTo: number): Promise<number> {
  let taken = 0
  for (let passes = 1; passes <= PASSES_MAX; passes++) {
    await catchUpWithOthers(herd)
    const pass = await onePass(herd, upTo)
    taken += pass.taken
    if (!pass.refused) break
  }
  if (taken > 0) tell(herd)
  return taken
}

async function catchUpWithOthers(herd: Herd): Promise<void> {
  for (const one of herd.members.values()) if (one.here && one.stale) await renew(herd, one)
  if (herd.held.size === 0) return
  const lasting = [...herd.held.values()].every((forEver) => forEver)
  const since = performance.now() - herd.heldReadAt
  if (since >= (lasting ? HELD_FOR_EVER_READ_MS : HELD_READ_MS)) await readHeld(herd)
}

async function onePass(herd: Herd, upTo: number): Promise<{ taken: number; refused: boolean }> {
  let [taken, full, refused] = [0, false, false]
  const groups = byCheckpoint(herd)
  for (const [at, [checkpoint, group]] of groups.entries()) {
    // Never past those ahead, so that the two groups become one.
    const end = Math.min(groups[at + 1]?.[0] ?? upTo, upTo)
    const limit = Math.min(herd.page, end - checkpoint)
    if (limit <= 0) continue
    const events = await nextPage(herd, checkpoint, limit)
    const isFull = events.length === herd.page
    // While a server reads the next page, another stores this one; within a process nothing is won.
    const elsewhere = herd.log.capabilities.manyProcesses
    if (isFull && elsewhere && groups.length === 1) readAhead(herd, checkpoint + limit, upTo)
    if (events.length > 0) {
      if (await moved(herd, group, events)) taken += events.length
      else refused = true
    }
    full ||= isFull
  }
  herd.page = Math.min(full ? herd.page * 2 : PAGE_MIN, herd.pageSize)
  return { taken, refused }
}

const goesOn = ({ held }: Herd, { track, here, outdated }: Member) =>
  here && !outdated && !held.has(track.definition.name)

function byCheckpoint(herd: Herd): [number, Member[]][] {
  const groups = new Map<number, Member[]>()
  for (const one of herd.members.values()) {
    if (!goesOn(herd, one)) continue
    const { checkpoint } = one.track
    const group = groups.get(checkpoint)
    if (group === undefined) groups.set(checkpoint, [one])
    else group.push(one)
  }
  return [...groups].sort(([a], [b]) => a - b)
}

async function moved(
  herd: Herd,
  group: readonly Member[],
  events: readonly Readable[],
): Promise<boolean> {
  let done = false
  try {
    const tracks = group.map((one) => one.track)
    done = await advance(herd.reads, tracks, events, herd.hears)
  } catch (error) {
    // A process of another version has made the table anew.
    if (!(error instanceof TableUnready)) throw error
  } finally {
    // Others were faster, or nobody knows whether it was stored: what is remembered may be old.
    if (!done) for (const one of group) one.stale = true
  }
  if (!done) await readHeld(herd)
  return done
}

// ── pages of the log ──────────────────────────────────────────────────────────────────────────

async function nextPage(herd: Herd, after: number, limit: number): Promise<readonly Readable[]> {
  const { ahead } = herd
  herd.ahead = null
  const events = ahead?.after === after ? await ahead.events : []
  return events.length > 0 ? events.slice(0, limit) : readPage(herd, after, limit)
}

function readAhead(herd: Herd, after: number, upTo: number): void {
  const limit = Math.min(herd.page * 2, herd.pageSize, upTo - after)
  if (limit <= 0) return
  const events = readPage(herd, after, limit)
  // A failure is for whoever wants the page.
  events.catch(() => {})
  herd.ahead = { after, events }
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

function tell(herd: Herd): void {
  const going = [...herd.members.values()].filter((one) => goesOn(herd, one))
  if (going.length > 0) herd.committed(Math.min(...going.map(({ track }) => track.checkpoint)))
}

// ── rebuilding ────────────────────────────────────────────────────────────────────────────────

export type RebuildChoice = Pick<Rebuild, 'dryRun' | 'onProgress' | 'stopped'>

/** After this, a rebuild whose process has died is over. */
const REBUILD_HELD_MS = 10_000

export async function rebuildMember(herd: Herd, one: Member, choice: RebuildChoice) {
  const { reads, exclusive } = herd
  const { name } = one.track.definition
  if (one.rebuilding) throw new Error(`${name} is being rebuilt already`)
  one.rebuilding = true
  const say = () => reads.hold(name + REBUILDING, REBUILD_HELD_MS)
  let saying: NodeJS.Timeout | undefined
  try {
    if ((await reads.held()).has(name + REBUILDING))
      throw new Error(`${name} is being rebuilt already, by another process`)
    await say()
    saying = setInterval(() => void say().catch(() => {}), REBUILD_HELD_MS / 4)
    // Another process may have moved it or rebuilt it.
    await exclusive(() => renew(herd, one))
    const report = await rebuildBeside({
      ...choice,
      ...herd,
      live: one.track,
      outdated: one.outdated,
      readPage: (after, limit) => readPage(herd, after, limit),
      renewed: () => renew(herd, one),
    })
    tell(herd)
    return report
  } finally {
    one.rebuilding = false
    clearInterval(saying)
    // Where it cannot be said, it ends by itself.
    if (saying !== undefined) await reads.letGo(name + REBUILDING).catch(() => {})
  }
}
