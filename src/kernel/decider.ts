// Aggregates fold events into state; commands decide, over one stream or several, what is written
// next. All of it is pure: no clock, no random, no I/O. `evolve` never changes its argument; state
// is plain JSON.
import type { DataOf, EventTypes } from '#kernel/event-types.ts'
import { type Claim, type Fact, type Instant, type Recorded, streamOf } from '#kernel/message.ts'
import type { Find, Projection, Row } from '#kernel/projection.ts'
import {
  ERRORS_MAX,
  type FieldErrors,
  type Infer,
  type ObjectSchema,
  type Schema,
} from '#kernel/schema.ts'

/**
 * How a kind of stream is folded. `state_version` changes when snapshots of the old shape are
 * useless.
 */
export type Aggregate<State, T extends EventTypes = EventTypes> = {
  readonly type: string
  readonly state_version: number
  readonly events: T
  readonly initial: State
  readonly evolve: {
    readonly [K in keyof T]: (state: State, data: DataOf<T>[K], event: EventFacts) => State
  }
}
/** What evolve may know beside the data. */
export type EventFacts = Pick<Recorded, 'occurred_at' | 'timestamp' | 'position'>

/** A stream to be read, and how: `write` streams are held by one decision at a time. */
export type Ref<State = unknown> = {
  readonly stream: string
  readonly aggregate: AnyAggregate<State>
  readonly mode: 'write' | 'read'
}
// biome-ignore lint/suspicious/noExplicitAny: the events' type only matters where they are written
export type AnyAggregate<State = any> = Omit<Aggregate<State, any>, 'evolve'> & {
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly evolve: Readonly<Record<string, (state: any, data: any, event: EventFacts) => State>>
}

export type Write = {
  readonly stream: string
  readonly events: readonly Fact[]
}

/** An aggregate with the words for naming, reading and writing its streams. */
export type Stream<State, T extends EventTypes> = Aggregate<State, T> & {
  /** Will be written: decisions over it queue. */
  at(id: string): Ref<State>
  /** Only relied on: goes along as a check, decisions share it. */
  seen(id: string): Ref<State>
  event<K extends keyof T & string>(type: K, data: DataOf<T>[K], occurredAt?: Instant): Fact<K>
  write(id: string, events: readonly Fact<keyof T & string>[]): Write
}

export function aggregate<State, const T extends EventTypes>(
  definition: Aggregate<State, T>,
): Stream<State, T> {
  const ref = (id: string, mode: 'write' | 'read'): Ref<State> => ({
    stream: streamOf(definition.type, id),
    // The map is typed per event where it is defined; by name, any of them may be asked for.
    aggregate: definition as unknown as AnyAggregate<State>,
    mode,
  })
  return {
    ...definition,
    at: (id) => ref(id, 'write'),
    seen: (id) => ref(id, 'read'),
    event: (type, data, occurredAt) =>
      occurredAt === undefined ? { type, data } : { type, data, occurred_at: occurredAt },
    write: (id, events) => ({ stream: streamOf(definition.type, id), events }),
  }
}

export function evolve<State>(
  aggregate: AnyAggregate<State>,
  state: State,
  event: Recorded,
): State {
  const step = aggregate.evolve[event.event_type]
  // An event that this version does not know cannot be ignored: the state would be a lie.
  if (step === undefined)
    throw new Error(
      `${aggregate.type} cannot evolve ${event.event_type} at position ${event.position}`,
    )
  return step(state, event.data, event)
}

/** One write per stream, in the order the streams first appear; empty ones go. */
export function merged(writes: readonly Write[]): readonly Write[] {
  const byStream = new Map<string, Fact[]>()
  for (const { stream, events } of writes) {
    if (events.length === 0) continue
    const facts = byStream.get(stream)
    if (facts === undefined) byStream.set(stream, [...events])
    else facts.push(...events)
  }
  return [...byStream].map(([stream, events]) => ({ stream, events }))
}

// ── deciding ──────────────────────────────────────────────────────────────────────────────────

/** What a decision may look at: the states that were read for it. */
export type Given = {
  /** The state of a stream that was read; `initial` if there is none. */
  state<State>(ref: Ref<State>): State
  /** 0: no such stream. */
  version(ref: Ref): number
  /** Those of `refs` that were not read yet; hand them to `ask`. */
  lacking(refs: readonly Ref[]): readonly Ref[]
  /**
   * The stream that holds one of the command's `names`; null: nobody does. It is not checked by the
   * append: rely on it alone only where a value, once claimed, stays with its owner.
   */
  owner(name: Named): string | null
}
/** A unique value, and the scope that it is unique in: `product_code`, `PEN-1`. */
export type Named = Pick<Claim, 'scope' | 'value'>

/** The moment of decision: everything that is not state and not the command. */
export type Moment = {
  readonly now: Instant
  readonly command_id: string
  readonly user_id?: string
  /** Who sends: `api`, `import`, `saga`, `sweeper`, `cli` … */
  readonly source: string
  /** When the thing happened, for facts and imports; absent: now. */
  readonly occurred_at?: Instant
  readonly settings: ShopSettings
  /** The next number of the command's series (`numbered`); unique, with gaps. */
  readonly number: number
  /** The rows that the command `looks` for, in its order. */
  readonly looked: readonly (readonly Row[])[]
  /**
   * A value that tells of a person, made unreadable: the same for the same scope and text, so that
   * it can be claimed. Only for a command that `blinds`.
   */
  blind(scope: string, text: string): string
  /** New ids, the same for every try of one command: `id('order')`, `id('line', 3)`. */
  id(name: string, number?: number): string
}
/** The settings that rules read, by their dotted keys' names. Filled by app/config.ts. */
export type ShopSettings = Readonly<Record<string, unknown>>

export type Rejection = {
  readonly code: string
  readonly message: string
  readonly errors?: FieldErrors
  /**
   * Members that the problem document shows beside code and message (`lines`, `current_version`).
   */
  readonly details?: Readonly<Record<string, unknown>>
}

export type Accepted = {
  readonly accepted: true
  /** The first write's stream is the command's own: its version is answered. */
  readonly writes: readonly Write[]
  readonly claims?: readonly Claim[]
  readonly releases?: readonly Claim[]
  /** What the sender is told, beside position and version; no personal data. */
  readonly response: Readonly<Record<string, unknown>>
}
export type Asked = { readonly ask: readonly Ref[] }
export type Rejected = { readonly rejected: Rejection }
export type Decision = Accepted | Asked | Rejected

export const accept = (
  writes: readonly Write[],
  response: Accepted['response'],
  more: Pick<Accepted, 'claims' | 'releases'> = {},
): Accepted => ({ accepted: true, writes, response, ...more })
/** Reads these too, then decides again. */
export const ask = (refs: readonly Ref[]): Asked => ({ ask: refs })
export const reject = (
  code: string,
  message: string,
  more: Pick<Rejection, 'errors' | 'details'> = {},
): Rejected => ({ rejected: { code, message, ...more } })
/** `already('an order', id)`: what a command is to make is there. */
export const already = (what: string, id: string): Rejected =>
  reject('already_exists', `There is ${what} ${id} already.`)
/** What a command names is not there. */
export const noSuch = (what: string, id: string): Rejected =>
  reject('not_found', `There is no ${what} ${id}.`)
/** A field that is well formed but wrong here: 400 with the field's name. */
export const invalid = (errors: FieldErrors): Rejected =>
  reject('validation_failed', 'Some fields are not acceptable.', {
    errors: Object.fromEntries(Object.entries(errors).slice(0, ERRORS_MAX)),
  })

/** Where the edge offers a command or a query. `:name` in a path fills the input's field `name`. */
export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** Other permanent paths for the same thing. */
  readonly aliases?: readonly string[]
  /** Success status, 200 unless told otherwise. */
  readonly status?: 200 | 201 | 202
  /** Where the answer decides it (202 while a saga still runs); goes before `status`. */
  readonly statusOf?: (response: Readonly<Record<string, unknown>>) => 200 | 201 | 202
  readonly tag: string
  readonly summary: string
}

export type Command<S extends ObjectSchema = ObjectSchema> = {
  readonly type: string
  readonly input: S
  /** The input's id field that the gateway fills with a new UUID when the sender gave none. */
  readonly creates?: string
  /** The series that `moment.number` is taken from (`order`). */
  readonly numbered?: string
  /**
   * Streams to read before deciding; the first is the command's own (`expected_version` is its).
   */
  readonly reads: (input: Infer<S>) => readonly Ref[]
  /** Values whose owners the decision asks for (`given.owner`), to read their streams then. */
  readonly names?: (input: Infer<S>) => readonly Named[]
  /**
   * Rows of read models that the decision wants to see (`moment.looked`). They lag: what must hold
   * is asked of the streams that they name.
   */
  readonly looks?: (input: Infer<S>) => readonly Look[]
  /** Whether `moment.blind` is needed. */
  readonly blinds?: boolean
  readonly decide: (input: Infer<S>, given: Given, moment: Moment) => Decision
  /** Shape of the response; money and quantities in it are turned into decimals at the edge. */
  readonly answer: Schema
  /** Absent: only the inside may send it. */
  readonly route?: Route
}
export type Look = { readonly projection: Projection; readonly find: Find }
/** Gives the definition back with its input's type tied to its schema. */
export const command = <S extends ObjectSchema>(definition: Command<S>): Command =>
  // `decide` only ever gets what has passed `input`; that is what makes forgetting S safe.
  definition as unknown as Command
