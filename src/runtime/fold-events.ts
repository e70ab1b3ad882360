// Folds a page of events into rows: for one projection or for all that stand at the same
// checkpoint. Rows are loaded once, folded in memory and stored with the checkpoint in one commit.
// An event that a projection cannot take is parked under all its keys, and later events of those
// keys wait behind it.
import { type Recorded, streamOf } from '#kernel/message.ts'
import type { Handler, Lookup, Projection, Row } from '#kernel/projection.ts'
import {
  type Commit,
  type Definition,
  type Parked,
  type ReadModels,
  RowsRefused,
} from '#storage/read-models.ts'
import { fits, fittedRow, type Shape, shapeOf } from '#storage/table-shape.ts'
import { type RecentRows, recentRows } from './recent-rows.ts'
import { caught, type Readable } from './recorded-events.ts'

/** A projection on its way through the log. */
export type Track = {
  readonly projection: Projection
  /** The table that is filled: the live one, or one built beside it. */
  readonly definition: Definition
  readonly shape: Shape
  readonly handlers: ReadonlyMap<string, Handler<Row>>
  /** Rows as they were last committed; emptied when somebody else may have written. */
  readonly rows: RecentRows<Row>
  checkpoint: number
  /** Of the rows that are remembered; absent where nobody else may write. */
  generation: number | undefined
  /** Keys that events wait for. */
  parked: Set<string>
  /** Also true when an event waits that knows none of its keys yet. */
  waiting: boolean
}

export function track(projection: Projection, cachedRows: number, suffix = ''): Track {
  const { name, version, table } = projection
  const own = suffix === '' ? table : { ...table, name: table.name + suffix }
  return {
    projection,
    definition: { name: name + suffix, version, table: own },
    shape: shapeOf(own),
    handlers: new Map(Object.entries(projection.on)),
    rows: recentRows(cachedRows),
    checkpoint: 0,
    generation: undefined,
    parked: new Set(),
    waiting: false,
  }
}

/** What the store says now: where the tracks stand and what waits. */
export async function refresh(tracks: readonly Track[], reads: ReadModels): Promise<void> {
  for (const one of tracks) one.rows.clear()
  // First, so that whatever changes while the rest is read makes it void.
  const generations = await reads.generations()
  const checkpoints = await reads.checkpoints()
  const [only] = tracks
  const parked = await reads.parked(tracks.length === 1 ? only!.definition.name : undefined)
  for (const one of tracks) {
    const { name } = one.definition
    one.generation = generations.get(name)
    one.checkpoint = checkpoints.get(name) ?? 0
    const waiting = parked.filter(({ projection }) => projection === name)
    one.waiting = waiting.length > 0
    one.parked = new Set(waiting.flatMap(({ keys }) => keys))
  }
}

/** Under this key wait events whose rows cannot be named, and all later ones of their stream. */
const streamKey = ({ aggregate_type, aggregate_id }: Recorded) =>
  `stream:${streamOf(aggregate_type, aggregate_id)}`

/** Who hears of what was stored, after it was. */
export type Hears = {
  readonly onParked: (track: Track, event: Recorded, error: unknown) => void
  readonly onStored?: (commit: Commit) => void
}

/**
 * Takes the tracks, all at the same checkpoint, over these events. False when another runner was
 * faster: nothing is written and the tracks have to be refreshed.
 */
export async function advance(
  reads: ReadModels,
  tracks: readonly Track[],
  events: readonly Readable[],
  hears: Hears,
): Promise<boolean> {
  try {
    return await foldAndCommit(reads, tracks, events, hears)
  } catch (error) {
    if (!(error instanceof RowsRefused)) throw error
    return narrowed(reads, tracks, events, hears, error)
  }
}

/**
 * Only the store can see that rows break a unique index. Which event it was shows by taking them
 * separately; that one is parked, the rest goes in.
 */
async function narrowed(
  reads: ReadModels,
  tracks: readonly Track[],
  events: readonly Readable[],
  hears: Hears,
  refusal: RowsRefused,
): Promise<boolean> {
  if (tracks.length > 1) {
    for (const one of tracks) if (!(await advance(reads, [one], events, hears))) return false
    return true
  }
  if (events.length > 1) {
    const half = events.length >> 1
    for (const part of [events.slice(0, half), events.slice(half)])
      if (!(await advance(reads, tracks, part, hears))) return false
    return true
  }
  return foldAndCommit(reads, tracks, events, hears, refusal)
}

async function foldAndCommit(
  reads: ReadModels,
  tracks: readonly Track[],
  events: readonly Readable[],
  hears: Hears,
  refusal?: RowsRefused,
): Promise<boolean> {
  const folds = tracks.map((one) => foldOf(one))
  await Promise.all(folds.map((fold) => foldInto(fold, reads, events, refusal)))
  const to = events.at(-1)!.event.position
  const commits = folds.map((fold) => commitOf(fold, to))
  if (!(await reads.commit(commits))) return false
  folds.forEach((fold, at) => {
    settled(fold, commits[at]!)
    tellOf(fold, commits[at]!, hears)
  })
  return true
}

// ── one projection's share of a page ──────────────────────────────────────────────────────────

type Slot = {
  readonly key: string
  row: Row | undefined
  loaded: boolean
  dirty: boolean
  /** As it is in memory already. */
  readonly known: boolean
}
type Step = {
  readonly event: Recorded
  readonly handler: Handler<Row>
  readonly slots: readonly Slot[]
  readonly lookup?: Lookup
  /** Its rows cannot be named. */
  readonly failure?: unknown
}
export type Fold = {
  readonly track: Track
  readonly slots: Map<string, Slot>
  /** The track's own set until this page parks something. */
  parked: Set<string>
  waiting: boolean
  readonly park: Parked[]
  readonly unpark: number[]
  readonly failures: { readonly event: Recorded; readonly error: unknown }[]
}

export const foldOf = (track: Track, parked = track.parked, waiting = track.waiting): Fold => ({
  track,
  slots: new Map(),
  parked,
  waiting,
  park: [],
  unpark: [],
  failures: [],
})

async function foldInto(
  fold: Fold,
  reads: ReadModels,
  events: readonly Readable[],
  refusal: RowsRefused | undefined,
): Promise<void> {
  const steps: Step[] = []
  for (const readable of events) {
    const handler = fold.track.handlers.get(readable.event.event_type)
    if (handler !== undefined) steps.push(stepOf(fold, handler, readable))
  }
  if (steps.length === 0) return
  await loadSlots(fold, reads)
  for (const step of steps) {
    const found = step.lookup === undefined ? step : await lookedUp(fold, reads, step)
    if (refusal !== undefined) park(fold, step.event, keysOf(found), refusal)
    else take(fold, found)
  }
}

export function stepOf(fold: Fold, handler: Handler<Row>, { event, failure }: Readable): Step {
  if (failure !== undefined) return { event, handler, slots: [], failure }
  try {
    const keys: unknown = handler.keys(event)
    if (!Array.isArray(keys)) return { event, handler, slots: [], lookup: lookupOf(fold, keys) }
    checkRows(fold, keys.length)
    const named = keys.length > 1 ? [...new Set<string>(keys)] : (keys as string[])
    return { event, handler, slots: named.map((key) => slotOf(fold, key)) }
  } catch (error) {
    return { event, handler, slots: [], failure: caught(error) }
  }
}

/** What a server would refuse with a whole page is one handler's mistake. */
function lookupOf({ track }: Fold, keys: unknown): Lookup {
  const { lookup } = (keys ?? {}) as Partial<Lookup>
  const isValue = (value: unknown) =>
    typeof value === 'string' ? fits('text', value) : Number.isFinite(value)
  if (typeof lookup !== 'object' || lookup === null || !Object.values(lookup).every(isValue))
    throw new TypeError(`${track.projection.name} names neither rows nor a look-up`)
  return { lookup }
}

/** More would be parked as many, and an event that asks for more has gone wrong. */
const ROWS_PER_EVENT_MAX = 100_000
function checkRows({ track }: Fold, rows: number): void {
  if (rows > ROWS_PER_EVENT_MAX)
    throw new RangeError(
      `${track.projection.name} touches ${rows} rows in one event; ${ROWS_PER_EVENT_MAX} is the limit`,
    )
}

function slotOf({ slots, track }: Fold, key: string): Slot {
  let slot = slots.get(key)
  if (slot === undefined) {
    if (typeof key !== 'string' || !fits('text', key))
      throw new TypeError(`${track.projection.name} names no text as key`)
    const row = track.rows.get(key)
    const known = row !== undefined
    slot = { key, row, loaded: known, dirty: false, known }
    slots.set(key, slot)
  }
  return slot
}

export async function loadSlots({ slots, track }: Fold, reads: ReadModels): Promise<void> {
  const missing: Slot[] = []
  for (const slot of slots.values()) if (!slot.loaded) missing.push(slot)
  if (missing.length === 0) return
  const keys = missing.map(({ key }) => key)
  const rows = await reads.load(track.definition.table, keys)
  missing.forEach((slot, at) => {
    slot.row = rows[at]
    slot.loaded = true
  })
}

/** The rows that match by now: those stored, corrected by what this page has done to them. */
export async function lookedUp(fold: Fold, reads: ReadModels, step: Step): Promise<Step> {
  const { lookup } = step.lookup!
  try {
    const stored = await reads.keysOf(fold.track.definition.table, lookup)
    const keys = stored.filter((key) => !(fold.slots.get(key)?.dirty ?? false))
    for (const { key, row, dirty } of fold.slots.values())
      if (dirty && row !== undefined && matches(row, lookup)) keys.push(key)
    checkRows(fold, keys.length)
    const slots = keys.map((key) => slotOf(fold, key))
    await loadSlots(fold, reads)
    return { ...step, slots }
  } catch (error) {
    // A look-up by a column that is none, or of too many rows, is this handler's mistake; anything
    // else is not an event's.
    if (error instanceof RangeError || (error as Error).name === 'InvalidQuery')
      return { ...step, failure: error }
    throw error
  }
}

export const matches = (row: Row, lookup: Lookup['lookup']) =>
  Object.entries(lookup).every(([column, value]) => row[column] === value)

const keysOf = ({ event, slots, failure, lookup }: Step): readonly string[] =>
  failure !== undefined || (slots.length === 0 && lookup === undefined)
    ? [streamKey(event)]
    : slots.map(({ key }) => key)

/** Folds one event into its rows: into all of them, or it is parked. */
export function take(fold: Fold, step: Step): void {
  const { event, slots, handler, failure } = step
  if (failure !== undefined) {
    park(fold, event, [streamKey(event)], failure)
    return
  }
  if (fold.waiting && mustWait(fold, step)) return
  try {
    if (slots.length === 1) {
      const slot = slots[0]!
      put(slot, applied(fold, handler, slot, event))
      return
    }
    // All are computed before any is put, so that a failure leaves none of them changed.
    const beside = (key: string) => slots.find((slot) => slot.key === key)?.row
    const results = slots.map((slot) => applied(fold, handler, slot, event, beside))
    slots.forEach((slot, at) => {
      put(slot, results[at])
    })
  } catch (error) {
    park(fold, event, keysOf(step), caught(error))
  }
}

function mustWait(fold: Fold, { event, slots, lookup }: Step): boolean {
  const keys = slots.map(({ key }) => key)
  const stream = streamKey(event)
  const behindStream = fold.parked.has(stream)
  if (behindStream || keys.some((key) => fold.parked.has(key))) {
    park(fold, event, behindStream ? [...keys, stream] : keys)
    return true
  }
  // A row that waits might have matched by now: this event is taken, and waits for such rows too.
  if (lookup !== undefined) park(fold, event, [])
  return false
}

function applied(
  { track }: Fold,
  handler: Handler<Row>,
  slot: Slot,
  event: Recorded,
  beside?: (key: string) => Row | undefined,
) {
  const next = handler.apply(slot.row, event, slot.key, beside)
  if (next === undefined || next === slot.row) return undefined
  return next === null ? null : fittedRow(track.shape, next, slot.key)
}

function put(slot: Slot, row: Row | null | undefined): void {
  if (row === undefined) return
  slot.row = row ?? undefined
  slot.dirty = true
}

const ERROR_MAX = 500
export function park(fold: Fold, event: Recorded, keys: readonly string[], error?: unknown): void {
  const { name } = fold.track.definition
  const text = error === undefined ? '' : String(error).slice(0, ERROR_MAX)
  // Copied once: the track must not change unless the commit succeeds.
  if (fold.park.length === 0) fold.parked = new Set(fold.parked)
  fold.park.push({ projection: name, position: event.position, keys, error: text })
  for (const key of keys) fold.parked.add(key)
  fold.waiting = true
  if (error !== undefined) fold.failures.push({ event, error })
}

// ── storing ───────────────────────────────────────────────────────────────────────────────────

export function commitOf({ track, slots, park, unpark }: Fold, to: number): Commit {
  const upserts: Row[] = []
  const deletes: string[] = []
  for (const { key, row, dirty } of slots.values()) {
    if (!dirty) continue
    if (row === undefined) deletes.push(key)
    else upserts.push(row)
  }
  const { name, table } = track.definition
  const { checkpoint: from, generation } = track
  const commit = { projection: name, table, from, to, upserts, deletes, park, unpark }
  return generation === undefined ? commit : { ...commit, generation }
}

/** After the commit: the track stands behind the page and remembers its rows. */
export function settled({ track, slots, parked, waiting }: Fold, { to }: Commit): void {
  track.checkpoint = to
  track.parked = parked
  track.waiting = waiting
  for (const { key, row, known, dirty } of slots.values()) {
    if (row === undefined) track.rows.delete(key)
    else if (dirty || !known) track.rows.set(key, row)
  }
}

export function tellOf(fold: Fold, commit: Commit, { onParked, onStored }: Hears): void {
  for (const { event, error } of fold.failures) onParked(fold.track, event, error)
  onStored?.(commit)
}
