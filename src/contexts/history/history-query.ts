// The history of a thing: each of its changes in words, with when, by whom, why and from which
// command. Read from the log itself.
import type { Recorded } from '#kernel/message.ts'
import { type Query, query, type Reader } from '#kernel/query.ts'
import {
  id,
  instant,
  integer,
  json,
  list,
  nullable,
  object,
  optional,
  text,
} from '#kernel/schema.ts'
import { namesIn } from './names.ts'
import { type Measures, sayWith, type Words } from './words.ts'

const EVENTS_MAX = 1_000
const EVENTS_STANDARD = 200

/** What has a history, and where it is asked for. */
export type Told = {
  /** The query's type, `GetProductHistory`. */
  readonly type: string
  /** Ends with `/history`. */
  readonly path: string
  readonly tag: string
  /** What it is the history of, for the summary: `a product`. */
  readonly of: string
  /** Fields of the path that name it; further ones, optional, from the query string. */
  readonly names: readonly string[]
  readonly optionally?: readonly string[]
  /** The streams that tell of it; null: there is no such thing. */
  readonly streams: (names: Names, reader: Reader) => Promise<readonly string[] | null>
  /** The currency and steps of events that name none. */
  readonly measures?: (names: Names, reader: Reader) => Promise<Measures>
  /** Fields of its events that nobody is shown. */
  readonly hides?: readonly string[]
}
export type Names = Readonly<Record<string, string>>

const entry = object({
  position: integer(),
  what: text(),
  words: text({ max: 5_000 }),
  of: text(),
  of_id: text({ max: 500 }),
  version: integer(),
  when: instant(),
  recorded_at: instant(),
  who: nullable(text()),
  source: nullable(text()),
  why: nullable(text({ max: 2_000 })),
  command_id: nullable(text()),
  causation_id: nullable(text()),
  correlation_id: nullable(text()),
  data: json(),
})

export function historyQuery(told: Told, words: Words): Query {
  const { type, path, tag, of, names, optionally = [] } = told
  const input = object({
    ...Object.fromEntries(names.map((name) => [name, id()])),
    ...Object.fromEntries(optionally.map((name) => [name, optional(id())])),
    limit: optional(integer({ min: 1, max: EVENTS_MAX, description: 'Default 200.' })),
    after: optional(integer({ min: 0, description: '`next_after` of the page before.' })),
  })
  return query({
    type,
    input,
    run: async (asked, reader) => {
      const { limit = EVENTS_STANDARD, after = 0 } = asked as Page
      // What is not a page is a name: the schema has no other fields.
      const given = asked as unknown as Names
      const streams = await told.streams(given, reader)
      if (streams === null) return null
      const events = await reader.events(streams, limit + 1, after)
      if (events.length === 0 && after === 0) return null
      const names = await namesIn(events, reader)
      const measures = { names, ...(await told.measures?.(given, reader)) }
      const items = events.slice(0, limit).map((event) => entryOf(event, words, measures, told))
      const isMore = events.length > limit
      const known = Object.fromEntries(told.names.map((name) => [name, given[name]!]))
      return { ...known, items, next_after: isMore ? items.at(-1)!.position : null }
    },
    answer: nullable(
      object({
        ...Object.fromEntries(names.map((name) => [name, id()])),
        items: list(entry),
        next_after: nullable(integer()),
      }),
    ),
    route: { method: 'GET', path, tag, summary: `What happened to ${of}, when, by whom and why` },
  })
}
type Page = { readonly limit?: number; readonly after?: number }

function entryOf(event: Recorded, words: Words, measures: Measures, { hides = [] }: Told) {
  const { position, event_type, version, metadata, aggregate_type, aggregate_id } = event
  const shown = Object.entries(event.data as object).filter(([field]) => !hides.includes(field))
  const data = Object.fromEntries(shown)
  return {
    position,
    what: event_type,
    words: inWords(event_type, event.data as object, words, measures),
    of: aggregate_type,
    of_id: aggregate_id,
    version,
    when: event.occurred_at,
    recorded_at: event.timestamp,
    who: metadata.user_id ?? null,
    source: metadata.source ?? null,
    why: whyOf(data),
    command_id: metadata.command_id ?? null,
    causation_id: metadata.causation_id ?? null,
    correlation_id: metadata.correlation_id ?? null,
    data,
  }
}

/** An event of a later version of the program has no words here: its name is better than none. */
export function inWords(type: string, data: object, words: Words, measures: Measures): string {
  const tell = Object.hasOwn(words, type) ? words[type] : undefined
  // The map is keyed by type: this is the data that the words were written for.
  return tell === undefined ? type : tell(data as never, sayWith(data, measures))
}

function whyOf(data: object): string | null {
  const { reason, error } = data as { readonly reason?: unknown; readonly error?: unknown }
  const why = reason ?? error
  return typeof why === 'string' ? why : null
}
