// The manifest of a bounded context: the one list of what it has.
import type { AnyAggregate, Command } from '#kernel/decider.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import type { Projection } from '#kernel/projection.ts'
import type { Query } from '#kernel/query.ts'
import type { Waiting } from '#kernel/waiting.ts'

export type Context = {
  readonly name: string
  readonly aggregates: readonly AnyAggregate[]
  readonly commands: readonly Command[]
  readonly projections: readonly Projection[]
  readonly queries: readonly Query[]
  readonly waiting?: readonly Waiting[]
  /** Events that nothing projects and nothing waits for, on purpose. */
  readonly unheard?: readonly string[]
}

/** All event types of these contexts; the same name twice is a bug. */
export function eventTypesOf(contexts: readonly Context[]): EventTypes {
  const all: Record<string, EventTypes[string]> = Object.create(null)
  for (const { aggregates } of contexts)
    for (const aggregate of aggregates)
      for (const [name, type] of Object.entries(aggregate.events as EventTypes)) {
        if (all[name] !== undefined && all[name] !== type)
          throw new Error(`two event types are named ${name}`)
        all[name] = type
      }
  return all
}
