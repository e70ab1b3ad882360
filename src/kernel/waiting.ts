// Durable waiting: a row says when its next action is due, and whoever has the role does it then.
// The row is projected from the log, so nothing is forgotten by a crash; `act` sends commands, and
// the decision behind each command looks at the log itself, so that a row that lags does no harm.
import type { Instant, Recorded } from '#kernel/message.ts'
import type { Column, ColumnKind, Projection, Row } from '#kernel/projection.ts'

export type SendMeta = {
  readonly command_id?: string
  readonly correlation_id?: string
  readonly causation_id?: string
  readonly user_id?: string
  readonly source?: string
  readonly expected_version?: number
  readonly occurred_at?: Instant
}

export type Outcome =
  | {
      readonly ok: true
      readonly response: Readonly<Record<string, unknown>>
      /** Of the last event; a query with `min_position` sees it. */
      readonly position: number
      /** Of the command's own stream after it. */
      readonly version: number
      /** The command had been carried out before; this is the answer of then. */
      readonly replayed: boolean
    }
  | { readonly ok: false; readonly rejection: import('#kernel/decider.ts').Rejection }

export type Send = (type: string, input: object, meta?: SendMeta) => Promise<Outcome>

export type WaitingTools = {
  readonly send: Send
  readonly now: () => Instant
  /** Ids derived from the cause, the same at every try: `derivedId(event_id, 'authorize')`. */
  readonly derivedId: (...parts: string[]) => string
  /** Events of these streams, personal fields opened: for what a row must not hold (an address). */
  readonly events: (streams: readonly string[], limit: number) => Promise<readonly Recorded[]>
  /** Destroys a person's key, for ever; once more does nothing. */
  readonly forget: (subject: string) => Promise<void>
}

/**
 * The event that made a row due, and what that came from: all that follows from one request carries
 * its correlation id, and names the event it follows from.
 */
export type Cause = { readonly correlation_id: string | null; readonly causation_id: string }
export const CAUSE_COLUMNS = {
  correlation_id: { kind: 'text', nullable: true },
  causation_id: 'text',
} as const satisfies Record<keyof Cause, Column | ColumnKind>
export const causeOf = ({ event_id, metadata }: Recorded): Cause => ({
  correlation_id: metadata.correlation_id ?? null,
  causation_id: event_id,
})

export type Waiting<R = Row> = {
  readonly name: string
  readonly projection: Projection
  /** The instant column: due when it is not null and has come. Needs an index. */
  readonly due: string
  /**
   * Does the next action and records it; what it sends has the row's cause, where the table has
   * `CAUSE_COLUMNS`. Throwing means: try again later, with growing pauses.
   */
  readonly act: (row: R, tools: WaitingTools) => Promise<void>
}
export const waiting = <R extends object>(definition: Waiting<R>): Waiting =>
  // Rows come from the projection's own table; R is that table's row.
  definition as unknown as Waiting
