// A stream while a decision is being made: what is written so far, and the state as it will be
// then. A decision of several steps reads its own earlier steps from here.
import type { Stream, Write } from '#kernel/decider.ts'
import type { DataOf, EventTypes } from '#kernel/event-types.ts'
import type { Fact, Instant } from '#kernel/message.ts'

export type Draft<State, T extends EventTypes> = {
  readonly id: string
  readonly state: () => State
  readonly emit: <K extends keyof T & string>(type: K, data: DataOf<T>[K], at?: Instant) => void
  /** A fact made elsewhere, of this stream's types. */
  readonly add: (fact: Fact) => void
  readonly write: () => Write
}

export function draft<State, const T extends EventTypes>(
  stream: Stream<State, T>,
  id: string,
  before: State,
  now: Instant,
): Draft<State, T> {
  const facts: Fact<keyof T & string>[] = []
  let state = before
  const add = (fact: Fact) => {
    const type = fact.type as keyof T & string
    const evolve = stream.evolve[type]
    if (evolve === undefined) throw new Error(`${stream.type} knows no ${fact.type}`)
    facts.push({ ...fact, type })
    // No rule of these streams reads where or when an event was recorded.
    state = evolve(state, fact.data as never, { occurred_at: now, timestamp: now, position: 0 })
  }
  return {
    id,
    state: () => state,
    emit: (type, data, at) => add(stream.event(type, data, at)),
    add,
    write: () => stream.write(id, facts),
  }
}
