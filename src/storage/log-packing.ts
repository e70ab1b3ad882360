// Appends and events as they cross to a writer (the log's thread, a server): texts only, checked.
import type { Claim, Metadata, Recorded } from '#kernel/message.ts'
import { streamOf } from '#kernel/message.ts'
import {
  type Append,
  type CommandRecord,
  type Expected,
  encoded,
  type NewEvent,
  storable,
  type Verdict,
} from './event-log.ts'

/** An append as it crosses to the worker: texts only, cheap to copy. */
export type Packed = {
  readonly writes: readonly (readonly [stream: string, expected: Expected, events: PackedEvents])[]
  readonly claims: readonly Claim[]
  readonly releases: readonly Claim[]
  readonly command: readonly [id: string, fingerprint: string, response: string] | null
}
/**
 * Events of one append mostly share their metadata: null says "the one before", and copies nothing.
 */
export type PackedEvent = readonly [
  event_id: string,
  event_type: string,
  event_version: number,
  data: string,
  metadata: string | null,
  occurred_at: string | null,
]
type PackedEvents = readonly PackedEvent[]

/** All columns of an event, for restore. */
export type PackedRow = readonly [
  position: number,
  event_id: string,
  stream: string,
  version: number,
  event_type: string,
  event_version: number,
  data: string,
  metadata: string,
  occurred_at: string | null,
  timestamp: string,
]
export type PackedSnapshot = readonly [
  stream: string,
  version: number,
  stateVersion: number,
  state: string,
]
export type PackedCommand = readonly [
  id: string,
  fingerprint: string,
  position: number,
  version: number,
  response: string | null,
]

/** A verdict, or the text of an error that concerns this append alone. */
export type Judged = Verdict | { readonly error: string }

/** Claims and releases of restored events, by position. */
export type Restored = ReadonlyMap<
  number,
  { readonly claims: readonly Claim[]; readonly releases: readonly Claim[] }
>

export function pack({ writes, claims = [], releases = [], command }: Append): Packed {
  const noted = claims.length + releases.length === 0 ? null : { claims, releases }
  const packEvent = packer(noted)
  return {
    writes: writes.map(({ stream, expected, events }) => [stream, expected, events.map(packEvent)]),
    claims,
    releases,
    command:
      command === undefined
        ? null
        : [command.id, command.fingerprint, storable(command.response, 'the command’s response')],
  }
}

/**
 * Claims go into the first event's metadata; one metadata object for all events is written out
 * once.
 */
function packer(noted: Pick<Metadata, 'claims' | 'releases'> | null) {
  let first = true
  let last: Metadata | null = null
  return (event: NewEvent): PackedEvent => {
    const { event_id, event_type, event_version, occurred_at = null } = event
    if (!first && event.metadata === last) {
      const data = storable(event.data, event_type)
      return [event_id, event_type, event_version, data, null, occurred_at]
    }
    const takesClaims = first && noted !== null
    first = false
    last = takesClaims ? null : event.metadata
    const texts = encoded(
      takesClaims ? { ...event, metadata: { ...event.metadata, ...noted } } : event,
    )
    return [event_id, event_type, event_version, texts.data, texts.metadata, occurred_at]
  }
}

export const packRow = (event: Recorded): PackedRow => [
  event.position,
  event.event_id,
  streamOf(event.aggregate_type, event.aggregate_id),
  event.version,
  event.event_type,
  event.event_version,
  storable(event.data, event.event_type),
  storable(event.metadata, 'metadata'),
  event.occurred_at === event.timestamp ? null : event.occurred_at,
  event.timestamp,
]

export const packCommand = (record: CommandRecord): PackedCommand => [
  record.id,
  record.fingerprint,
  record.position,
  record.version,
  record.response === null ? null : JSON.stringify(record.response),
]

export const claimsIn = (events: readonly Recorded[]): Restored =>
  new Map(
    events
      .filter(({ metadata }) => metadata.claims !== undefined || metadata.releases !== undefined)
      .map(({ position, metadata: { claims = [], releases = [] } }) => [
        position,
        { claims, releases },
      ]),
  )
