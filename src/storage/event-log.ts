// The append-only log, with its command records, claims and snapshots.
// Every engine must pass event-log.contract.ts; an engine may be faster, never different.
import type { Claim, Instant, Metadata, Recorded } from '#kernel/message.ts'

export type EventLog = {
  readonly capabilities: Capabilities
  /**
   * Writes everything or nothing, and answers when it is durable. Many appends share one commit,
   * each judged on its own. Throws OutcomeUnknown when the disk failed at commit (retry with the
   * same command id), InvalidAppend for text or numbers that no engine stores, LogClosed after
   * close.
   */
  append(append: Append): Promise<Verdict>
  /** One stream's events with `version > after`, in order; [] when there is none. */
  readStream(stream: string, after?: number, limit?: number): Promise<readonly Recorded[]>
  /** All streams whose name begins so, in order of position. */
  readStreams(prefix: string, limit: number): Promise<readonly Recorded[]>
  /** What follows `after` in log order. Never shows an event before all older ones are visible. */
  readAll(after: number, limit: number): Promise<readonly Recorded[]>
  /** For many streams at once: the newest usable snapshot and the events after it. */
  load(requests: readonly LoadRequest[]): Promise<readonly Loaded[]>
  /** Position and timestamp of the last event; 0 and the epoch when the log is empty. */
  head(): Promise<{ readonly position: number; readonly timestamp: Instant }>
  /** The last position recorded at or before this time; 0 when there is none. */
  positionAt(time: Instant): Promise<number>
  commandRecord(id: string): Promise<CommandRecord | null>
  /** Those of these commands that are recorded, in no order. */
  commandRecordsOf(ids: readonly string[]): Promise<readonly CommandRecord[]>
  /** Command records after this id, by id; for export and `verify`. */
  commandRecords(afterId: string, limit: number): Promise<readonly CommandRecord[]>
  claims(after: Pick<Claim, 'scope' | 'value'> | null, limit: number): Promise<readonly Claim[]>
  /** Those of these values that are claimed, each once, in no order. */
  claimsOf(names: readonly Pick<Claim, 'scope' | 'value'>[]): Promise<readonly Claim[]>
  /** Replaces a stream's snapshot unless a newer one is there. Losing it loses nothing. */
  saveSnapshots(snapshots: readonly Snapshot[]): Promise<void>
  /** Snapshots as they are kept, of the streams after this one, by stream; for `verify`. */
  snapshots(afterStream: string, limit: number): Promise<readonly Snapshot[]>
  /**
   * Puts exported events back as they were, positions included; they must follow the head without a
   * gap. Rebuilds claims from their metadata. Throws InvalidAppend when they do not fit. With
   * `unfinished` the log says so until a call without it, however its process ends.
   */
  restore(
    events: readonly Recorded[],
    commands: readonly CommandRecord[],
    unfinished?: boolean,
  ): Promise<void>
  /** Whether more was to be restored: such a log is a part, and nobody may work on it. */
  isUnfinished(): Promise<boolean>
  /** What this engine counts beside the events, where it is not as they say; for `verify`. */
  inspect(): Promise<readonly Miscounted[]>
  /**
   * Drops the response bodies of records older than this position; id, fingerprint, position stay.
   */
  dropResponses(beforePosition: number): Promise<number>
  /**
   * Calls back after commits; a hint to read, never the only way to hear. Returns the way to stop.
   */
  onAppended(wake: (position: number) => void): () => void
  close(): Promise<void>
}

/** What engines may differ in; shown by health, tested by the contract. */
export type Capabilities = {
  /** Acknowledged events survive a crash. */
  readonly durable: boolean
  /** Several processes may write. */
  readonly manyProcesses: boolean
}

/**
 * A version: the stream must be there exactly. `none`: no such stream; `exists`: some event is in
 * it.
 */
export type Expected = number | 'none' | 'exists' | 'any'

export type NewEvent = {
  readonly event_id: string
  readonly event_type: string
  readonly event_version: number
  readonly data: unknown
  readonly metadata: Metadata
  /** Absent: the time of recording. */
  readonly occurred_at?: Instant
}

export type Append = {
  /** Without events a write is a check. A stream may be named once. */
  readonly writes: readonly {
    readonly stream: string
    readonly expected: Expected
    readonly events: readonly NewEvent[]
  }[]
  /** Claimed again by its owner: fine. Kept in the first event's metadata as well. */
  readonly claims?: readonly Claim[]
  /** Judged before claims; only the owner releases, a release of nothing is fine. */
  readonly releases?: readonly Claim[]
  readonly command?: NewCommand
}

export type NewCommand = {
  readonly id: string
  /** A hash of what was asked; the same id with another fingerprint is refused. */
  readonly fingerprint: string
  readonly response: unknown
}

export type CommandRecord = {
  readonly id: string
  readonly fingerprint: string
  /** null once its time to live is over. */
  readonly response: unknown
  /** Of the append's last event; of the head when it had none. */
  readonly position: number
  /** Of the first write's stream after the append; 0 without writes. */
  readonly version: number
}

export type Verdict =
  | {
      readonly ok: true
      /** Of the last event written; of the head when none was. */
      readonly position: number
      /** Of the first event written. */
      readonly first: number
      /** Of each write's stream, after. */
      readonly versions: readonly number[]
      /** Of all its events. */
      readonly timestamp: Instant
    }
  | {
      readonly ok: false
      readonly reason: 'conflict'
      readonly stream: string
      readonly actual: number
    }
  | {
      readonly ok: false
      readonly reason: 'claimed'
      readonly claim: Claim
      readonly owner: string
    }
  /** The same command was carried out before: nothing was written now. */
  | { readonly ok: false; readonly reason: 'repeated'; readonly record: CommandRecord }
  /** Another command had this id. */
  | { readonly ok: false; readonly reason: 'reused'; readonly record: CommandRecord }

export type LoadRequest = {
  readonly stream: string
  /** Known up to here already. */
  readonly after: number
  /** Use a snapshot of this shape if there is one; absent: none. */
  readonly stateVersion?: number
}
export type Loaded = {
  readonly snapshot: { readonly version: number; readonly state: unknown } | null
  readonly events: readonly Recorded[]
}
export type Miscounted = {
  readonly what: string
  readonly stored: object | null
  readonly counted: object | null
}

export type Snapshot = {
  readonly stream: string
  readonly version: number
  readonly state_version: number
  readonly state: unknown
}

/**
 * The disk failed at commit: it may or may not have happened. The record under the same id will
 * tell.
 */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown'
}
/** No room: nothing was written, reading goes on, a later append may succeed. */
export class StorageFull extends Error {
  override readonly name = 'StorageFull'
}
export class LogClosed extends Error {
  override readonly name = 'LogClosed'
}
/**
 * Something no engine stores: NUL, a lone surrogate, an unsafe integer, too many events. A bug
 * upstream.
 */
export class InvalidAppend extends Error {
  override readonly name: string = 'InvalidAppend'
}
/** More than one append or one event can be: less of it at once will do. */
export class AppendTooLarge extends InvalidAppend {
  override readonly name = 'AppendTooLarge'
}

export const EVENTS_PER_APPEND_MAX = 5_000
export const EVENT_BYTES_MAX = 1024 * 1024

/** An event's JSON texts, checked. Shared by all engines, so that they refuse the same things. */
export function encoded(event: NewEvent): { data: string; metadata: string } {
  const data = storable(event.data, event.event_type)
  const metadata = storable(event.metadata, `${event.event_type} metadata`)
  return { data, metadata }
}

/**
 * JSON text of a value, or InvalidAppend when it would not come back the same from every engine.
 */
export function storable(value: unknown, what: string): string {
  const json = JSON.stringify(value)
  if (json === undefined) throw new InvalidAppend(`${what} is not JSON`)
  if (json.length > EVENT_BYTES_MAX)
    throw new AppendTooLarge(`${what} is larger than ${EVENT_BYTES_MAX} bytes`)
  // A NUL or a lone surrogate shows as an escape; an even run of backslashes before it is only
  // text.
  if (json.includes('\\u') && /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/.test(json))
    throw new InvalidAppend(`${what} holds a NUL or a lone surrogate`)
  refuseUnsafeNumbers(value, what)
  return json
}

/** NaN turns into null and long integers lose digits on their way through JSON. */
function refuseUnsafeNumbers(value: unknown, what: string): void {
  if (typeof value === 'number') {
    if (Number.isInteger(value) && !Number.isSafeInteger(value))
      throw new InvalidAppend(`${what} holds an integer beyond 2^53 - 1`)
    if (!Number.isFinite(value)) throw new InvalidAppend(`${what} holds ${value}`)
    return
  }
  if (typeof value !== 'object' || value === null) return
  // A plain loop: this runs for every event, ten times faster than looking through its text.
  for (const name in value) refuseUnsafeNumbers(value[name as keyof typeof value], what)
}

/** The shape of an append that no engine takes, whatever is in the log. Throws InvalidAppend. */
export function checkShape({ writes, claims = [], releases = [], command }: Append): void {
  const events = writes.reduce((sum, write) => sum + write.events.length, 0)
  if (events > EVENTS_PER_APPEND_MAX)
    throw new AppendTooLarge(
      `${events} events in one append; ${EVENTS_PER_APPEND_MAX} is the limit`,
    )
  if (events === 0 && claims.length + releases.length > 0)
    throw new InvalidAppend('claims without an event would be lost by export')
  for (const write of writes) for (const event of write.events) checkEnvelope(event)
  checkOneOwner(claims)
  if (command !== undefined) storable([command.id, command.fingerprint], 'the command’s id')
  if (new Set(writes.map(({ stream }) => stream)).size !== writes.length)
    throw new InvalidAppend('a stream is named twice in one append')
  for (const { stream } of writes)
    if (!/^[a-z][a-z0-9_]*-[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$/.test(stream))
      throw new InvalidAppend(`${stream} is not a stream's name (aggregate_type-aggregate_id)`)
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Ids and times are columns of their own kind in some engines, and come back in one form. */
function checkEnvelope({ event_id, event_type, occurred_at }: NewEvent): void {
  if (!UUID.test(event_id))
    throw new InvalidAppend(`the event_id of ${event_type} is not a UUID in lower case`)
  if (occurred_at === undefined) return
  const time = new Date(occurred_at)
  if (Number.isNaN(time.getTime()) || !/^(?!0000)\d{4}-/.test(occurred_at))
    throw new InvalidAppend(`occurred_at of ${event_type} is not a time: ${occurred_at}`)
  if (time.toISOString() !== occurred_at)
    throw new InvalidAppend(`occurred_at of ${event_type} is not as in ${time.toISOString()}`)
}

function checkOneOwner(claims: readonly Claim[]): void {
  const owners = new Map<string, string>()
  for (const { scope, value, owner } of claims) {
    const key = JSON.stringify([scope, value])
    const other = owners.get(key) ?? owner
    if (other !== owner)
      throw new InvalidAppend(`${scope} ${value} is claimed for two owners in one append`)
    owners.set(key, owner)
  }
}
