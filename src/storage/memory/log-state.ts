// What the reference log keeps, and how appends are judged and written into it.
// Events are kept as JSON texts, so that nothing is ever shared with whoever wrote or reads them.
import { bytewise } from '#kernel/bytewise.ts'
import { type Claim, type Instant, partsOf, type Recorded, streamOf } from '#kernel/message.ts'
import {
  type Append,
  type CommandRecord,
  checkShape,
  type Expected,
  encoded,
  InvalidAppend,
  type Loaded,
  type LoadRequest,
  type NewEvent,
  storable,
  type Verdict,
} from '#storage/event-log.ts'

type Row = Omit<Recorded, 'data' | 'metadata' | 'aggregate_type' | 'aggregate_id'> & {
  readonly stream: string
  readonly data: string
  readonly metadata: string
}
type StoredCommand = Omit<CommandRecord, 'response'> & { readonly response: string | null }
type StoredSnapshot = {
  readonly version: number
  readonly state_version: number
  readonly state: string
}
export type Store = {
  readonly rows: Row[]
  readonly streams: Map<string, Row[]>
  readonly claims: Map<string, Claim>
  readonly commands: Map<string, StoredCommand>
  readonly snapshots: Map<string, StoredSnapshot>
}

export const EPOCH = new Date(0).toISOString()

type Texts = { readonly data: string; readonly metadata: string }
type Prepared = { readonly append: Append; readonly texts: Texts[][]; readonly response: string }

/** Everything that may be refused whatever is in the log, before anything is judged. */
export function prepared(append: Append): Prepared {
  checkShape(append)
  const { writes, claims = [], releases = [], command } = append
  const noted = claims.length + releases.length > 0
  let first = true
  const textsOf = (event: NewEvent): Texts => {
    const kept = first && noted ? { ...event.metadata, claims, releases } : event.metadata
    first = false
    return encoded({ ...event, metadata: kept })
  }
  return {
    append,
    texts: writes.map(({ events }) => events.map(textsOf)),
    response: command === undefined ? '' : storable(command.response, 'the command’s response'),
  }
}

/** The first reason to say no; null when the append may be written. Changes nothing. */
export function refusal(store: Store, append: Append): Verdict | null {
  const { writes, claims = [], releases = [], command } = append
  const known = command === undefined ? undefined : store.commands.get(command.id)
  if (command !== undefined && known !== undefined) {
    const reason = known.fingerprint === command.fingerprint ? 'repeated' : 'reused'
    return { ok: false, reason, record: toRecord(known) }
  }
  for (const { stream, expected } of writes) {
    const actual = versionOf(store, stream)
    if (!fits(expected, actual)) return { ok: false, reason: 'conflict', stream, actual }
  }
  for (const claim of claims) {
    const owner = store.claims.get(keyOf(claim))?.owner
    if (owner === undefined || owner === claim.owner) continue
    if (releases.some((given) => keyOf(given) === keyOf(claim) && given.owner === owner)) continue
    return { ok: false, reason: 'claimed', claim, owner }
  }
  return null
}

export function write(store: Store, { append, texts, response }: Prepared, now: Instant): Verdict {
  const { writes, claims = [], releases = [], command } = append
  const before = store.rows.at(-1)?.timestamp ?? EPOCH
  const timestamp = now > before ? now : before
  const first = store.rows.length + 1
  writes.forEach(({ stream, events }, i) => {
    events.forEach(({ event_id, event_type, event_version, occurred_at = timestamp }, j) => {
      const version = versionOf(store, stream) + 1
      const place = { position: store.rows.length + 1, event_id, stream, version, timestamp }
      add(store, { ...place, event_type, event_version, occurred_at, ...texts[i]![j]! })
    })
  })
  move(store, releases, claims)
  const versions = writes.map(({ stream }) => versionOf(store, stream))
  const position = store.rows.length
  if (command !== undefined) {
    const { id, fingerprint } = command
    store.commands.set(id, { id, fingerprint, position, version: versions[0] ?? 0, response })
  }
  return { ok: true, position, first, versions, timestamp }
}

export function restore(
  store: Store,
  events: readonly Recorded[],
  commands: readonly CommandRecord[],
) {
  const rows = events.map(toRow)
  const stored = commands.map((command) => ({
    ...command,
    response: command.response === null ? null : storable(command.response, 'a response'),
  }))
  checkFollows(store, rows)
  for (const { id } of commands)
    if (store.commands.has(id)) throw new InvalidAppend(`the command record ${id} is there already`)
  rows.forEach((row, i) => {
    add(store, row)
    const { claims = [], releases = [] } = events[i]!.metadata
    move(store, releases, claims)
  })
  for (const command of stored) store.commands.set(command.id, command)
}

function checkFollows(store: Store, rows: readonly Row[]): void {
  const versions = new Map<string, number>()
  let position = store.rows.length
  let timestamp = store.rows.at(-1)?.timestamp ?? EPOCH
  for (const row of rows) {
    const version = versions.get(row.stream) ?? versionOf(store, row.stream)
    if (row.position !== position + 1)
      throw new InvalidAppend(`position ${row.position} does not follow ${position}`)
    if (row.version !== version + 1)
      throw new InvalidAppend(`version ${row.version} of ${row.stream} does not follow ${version}`)
    if (row.timestamp < timestamp)
      throw new InvalidAppend(`position ${row.position} lies before its predecessor in time`)
    position = row.position
    timestamp = row.timestamp
    versions.set(row.stream, row.version)
  }
}

function add(store: Store, row: Row): void {
  store.rows.push(row)
  const stream = store.streams.get(row.stream)
  if (stream === undefined) store.streams.set(row.stream, [row])
  else stream.push(row)
}

function move(store: Store, releases: readonly Claim[], claims: readonly Claim[]): void {
  for (const claim of releases)
    if (store.claims.get(keyOf(claim))?.owner === claim.owner) store.claims.delete(keyOf(claim))
  for (const { scope, value, owner } of claims)
    store.claims.set(keyOf({ scope, value }), { scope, value, owner })
}

export function load(store: Store, { stream, after, stateVersion }: LoadRequest): Loaded {
  const rows = store.streams.get(stream) ?? []
  const kept = store.snapshots.get(stream)
  // A caller that knows the stream up to some version only wants what follows; a snapshot that is
  // ahead of the log is a lie.
  const usable =
    kept !== undefined &&
    after === 0 &&
    kept.state_version === stateVersion &&
    kept.version <= rows.length
  if (!usable) return { snapshot: null, events: rows.slice(after).map(recorded) }
  return {
    snapshot: { version: kept.version, state: JSON.parse(kept.state) },
    events: rows.slice(kept.version).map(recorded),
  }
}

function fits(expected: Expected, actual: number): boolean {
  if (expected === 'any') return true
  if (expected === 'none') return actual === 0
  if (expected === 'exists') return actual > 0
  return expected === actual
}

const versionOf = ({ streams }: Store, stream: string): number => streams.get(stream)?.length ?? 0
const keyOf = ({ scope, value }: Pick<Claim, 'scope' | 'value'>) => JSON.stringify([scope, value])
export const byScopeAndValue = (
  a: Pick<Claim, 'scope' | 'value'>,
  b: Pick<Claim, 'scope' | 'value'>,
) => bytewise(a.scope, b.scope) || bytewise(a.value, b.value)
export const toRecord = ({ response, ...command }: StoredCommand): CommandRecord => ({
  ...command,
  response: response === null ? null : JSON.parse(response),
})

export const recorded = ({ stream, data, metadata, ...row }: Row): Recorded => ({
  position: row.position,
  event_id: row.event_id,
  ...partsOf(stream),
  version: row.version,
  event_type: row.event_type,
  event_version: row.event_version,
  data: JSON.parse(data),
  metadata: JSON.parse(metadata),
  occurred_at: row.occurred_at,
  timestamp: row.timestamp,
})

function toRow({ aggregate_type, aggregate_id, data, metadata, ...event }: Recorded): Row {
  return {
    ...event,
    stream: streamOf(aggregate_type, aggregate_id),
    ...encoded({ ...event, data, metadata }),
  }
}
