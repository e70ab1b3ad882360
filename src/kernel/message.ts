// What travels: events as they are written, and as the log gives them back.

/** UTC, ISO 8601 with milliseconds: `2010-12-01T08:26:00.000Z`. Compares as text. */
export type Instant = string

/** Where an event comes from. Claims and releases ride along so that export keeps them. */
export type Metadata = {
  readonly correlation_id?: string
  readonly causation_id?: string
  readonly command_id?: string
  readonly user_id?: string
  readonly store_id?: string
  readonly device_id?: string
  readonly source?: string
  readonly claims?: readonly Claim[]
  readonly releases?: readonly Claim[]
}

/** Makes a value unique in its scope. `owner` is a stream. */
export type Claim = { readonly scope: string; readonly value: string; readonly owner: string }

/** A fact, not yet recorded. */
export type Fact<Type extends string = string, Data = unknown> = {
  readonly type: Type
  readonly data: Data
  /** When it happened, if that is not now; only facts and imports may set it. */
  readonly occurred_at?: Instant
}

/** An event as the log keeps it. Its stream is `aggregate_type-aggregate_id`. */
export type Recorded<Data = unknown> = {
  /** Global, gapless, in commit order, from 1. */
  readonly position: number
  readonly event_id: string
  readonly aggregate_type: string
  readonly aggregate_id: string
  /** In its stream, from 1. */
  readonly version: number
  readonly event_type: string
  /** Of the data's schema, from 1. */
  readonly event_version: number
  readonly data: Data
  readonly metadata: Metadata
  readonly occurred_at: Instant
  /** When it was recorded; never before its predecessor's. */
  readonly timestamp: Instant
}

export const streamOf = (aggregateType: string, aggregateId: string) =>
  `${aggregateType}-${aggregateId}`

/** The aggregate's type has no hyphen, so the first one divides. */
export function partsOf(stream: string): { aggregate_type: string; aggregate_id: string } {
  const at = stream.indexOf('-')
  return { aggregate_type: stream.slice(0, at), aggregate_id: stream.slice(at + 1) }
}
