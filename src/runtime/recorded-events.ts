// Events as readers see them: lifted to the newest version of their type, personal fields opened.
import { type EventTypes, lift } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'

/** Decrypts personal fields; a page at a time, so that keys are asked for once. */
export type OpenEvents = (events: readonly Recorded[]) => Promise<readonly Recorded[]>

/** An event that a projection may take, or why nobody can read it. */
export type Readable = { readonly event: Recorded; readonly failure?: unknown }

/** Never throws for one event's sake: the others of its page go on. */
export async function readable(
  events: readonly Recorded[],
  types: EventTypes,
  open: OpenEvents,
): Promise<readonly Readable[]> {
  const failures = new Map<number, unknown>()
  const lifted = events.map((event) => {
    try {
      return liftedEvent(event, types)
    } catch (failure) {
      failures.set(event.position, caught(failure))
      return event
    }
  })
  const opened = await open(lifted)
  return opened.map((event) =>
    failures.has(event.position) ? { event, failure: failures.get(event.position) } : { event },
  )
}

/** As an error that can be shown: code may throw anything, nothing at all too. */
export function caught(thrown: unknown): Error {
  try {
    const text = String(thrown)
    return thrown instanceof Error ? thrown : new Error(`threw ${text}`)
  } catch {
    return new Error('threw what cannot be shown')
  }
}

export function liftedEvent(event: Recorded, types: EventTypes): Recorded {
  const { event_type, event_version, data } = event
  const lifted = lift(types, event_type, event_version, data)
  return lifted === data ? event : { ...event, data: lifted }
}
