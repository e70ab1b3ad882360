// A row as it was known then: folded from the streams that can have touched it, up to that
// position.
import type { EventTypes } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import type { Handler, Projection, Row, RowSource } from '#kernel/projection.ts'
import type { AsOf } from '#kernel/query.ts'
import type { EventLog } from '#storage/event-log.ts'
import { InvalidQuery } from '#storage/read-models.ts'
import { fittedRow, shapeOf } from '#storage/table-shape.ts'
import { matches } from './fold-events.ts'
import { type OpenEvents, readable } from './recorded-events.ts'

export type History = {
  readonly log: EventLog
  readonly types: EventTypes
  readonly open: OpenEvents
}

const PAGE = 1_000
/** A row whose streams lead to further streams, again and again, is a mistake of its projection. */
const ROUNDS_MAX = 10

/** null when there was none. A row that events wait for carries `stale: true`. */
export async function past(
  history: History,
  projection: Projection,
  key: string,
  asOf: AsOf,
): Promise<Row | null> {
  const { sources } = projection
  if (sources === undefined) throw new InvalidQuery('as_of', `is not offered by ${projection.name}`)
  const upTo =
    'version' in asOf
      ? await positionOfVersion(history.log, projection, key, asOf.version)
      : await positionOf(history.log, asOf)
  if (upTo < 1) return null
  const events = new Map<string, readonly Recorded[]>()
  let row: Row | undefined
  let stale = false
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const named = new Map(sources(key, row).map((source) => [streamIn(source), source]))
    const lacking = [...named].filter(([stream]) => !events.has(stream))
    // Asked at least twice: first without the row, then with what was folded.
    if (lacking.length === 0) return row === undefined ? null : stale ? { ...row, stale } : row
    for (const [stream, source] of lacking)
      events.set(stream, await eventsOf(history.log, source, upTo))
    const merged = inOrder([...events.values()].flat())
    ;({ row, stale } = await folded(history, projection, key, merged))
  }
  throw new Error(`${projection.name} names ever more streams for one row`)
}

/**
 * The first events of these streams after a position, a name with `*` standing for all that begin
 * so, in order of position.
 */
export async function eventsOfStreams(
  { log, types, open }: History,
  streams: readonly string[],
  limit: number,
  after = 0,
): Promise<readonly Recorded[]> {
  const found: Recorded[] = []
  for (const stream of new Set(streams)) {
    const from = after === 0 || stream.endsWith('*') ? 0 : await versionAt(log, stream, after)
    const events = await pages(log, stream, limit, Number.MAX_SAFE_INTEGER, from)
    found.push(...events.filter(({ position }) => position > after))
  }
  const events = await readable(inOrder(found).slice(0, limit), types, open)
  return events.map(({ event }) => event)
}

/** Which version the stream had come to at a position: found by halving, a read each. */
async function versionAt(log: EventLog, stream: string, position: number): Promise<number> {
  const isWithin = async (version: number) => {
    const [event] = await log.readStream(stream, version - 1, 1)
    return event !== undefined && event.position <= position
  }
  let past = 1
  while (await isWithin(past)) past *= 2
  let known = Math.floor(past / 2)
  while (past - known > 1) {
    const middle = Math.floor((known + past) / 2)
    if (await isWithin(middle)) known = middle
    else past = middle
  }
  return known
}

/** Where the row's own stream came to this version; 0 where it never did. */
async function positionOfVersion(
  log: EventLog,
  { name, table, sources }: Projection,
  key: string,
  version: number,
): Promise<number> {
  const [source] = sources?.(key, undefined) ?? []
  const own = source === undefined ? '*' : streamIn(source)
  // Sums over many streams have no version of their own.
  if (own.endsWith('*') || !('version' in table.columns))
    throw new InvalidQuery('as_of_version', `is not offered by ${name}`)
  const [event] = await log.readStream(own, version - 1, 1)
  return event?.version === version ? event.position : 0
}

async function positionOf(
  log: EventLog,
  asOf: Exclude<AsOf, { readonly version: number }>,
): Promise<number> {
  if ('position' in asOf) return asOf.position
  const time = new Date(asOf.time)
  if (Number.isNaN(time.getTime())) throw new InvalidQuery('as_of', 'is not a time')
  // The log compares instants as text, in one form.
  return log.positionAt(time.toISOString())
}

const streamIn = (source: RowSource) => (typeof source === 'string' ? source : source.stream)

function eventsOf(log: EventLog, source: RowSource, upTo: number) {
  const part = typeof source === 'string' ? null : source
  const after = part?.after ?? 0
  // No stream has more events up to a position than the log has.
  const limit = part?.through == null ? upTo : part.through - after
  return pages(log, streamIn(source), limit, upTo, after)
}

async function pages(
  log: EventLog,
  stream: string,
  limit: number,
  upTo: number,
  from = 0,
): Promise<readonly Recorded[]> {
  const within = (events: readonly Recorded[]) => events.filter(({ position }) => position <= upTo)
  if (stream.endsWith('*')) return within(await log.readStreams(stream.slice(0, -1), limit))
  const found: Recorded[] = []
  while (found.length < limit) {
    const size = Math.min(PAGE, limit - found.length)
    const page = await log.readStream(stream, found.at(-1)?.version ?? from, size)
    const fitting = within(page)
    found.push(...fitting)
    if (fitting.length < size) break
  }
  return found
}

function inOrder(events: readonly Recorded[]): readonly Recorded[] {
  // A prefix may name a stream that is also named by itself.
  const byPosition = new Map(events.map((event) => [event.position, event]))
  return [...byPosition.values()].sort((a, b) => a.position - b.position)
}

type Folded = { readonly row: Row | undefined; readonly stale: boolean }

async function folded(
  { types, open }: History,
  projection: Projection,
  key: string,
  events: readonly Recorded[],
): Promise<Folded> {
  const shape = shapeOf(projection.table)
  let row: Row | undefined
  for (const { event, failure } of await readable(events, types, open)) {
    if (!Object.hasOwn(projection.on, event.event_type)) continue
    const handler = projection.on[event.event_type]!
    try {
      if (failure !== undefined) throw failure
      if (!concerns(handler, event, key, row)) continue
      const next = handler.apply(row, event, key)
      if (next !== undefined) row = next === null ? undefined : fittedRow(shape, next, key)
    } catch {
      // As in the live table, what follows waits behind it; the runner reports the error itself.
      return { row, stale: true }
    }
  }
  return { row, stale: false }
}

function concerns(handler: Handler<Row>, event: Recorded, key: string, row: Row | undefined) {
  const keys = handler.keys(event)
  if ('lookup' in keys) return row !== undefined && matches(row, keys.lookup)
  return keys.includes(key)
}
