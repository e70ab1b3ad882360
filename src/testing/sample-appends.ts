// Small appends for tests of the log: an event called Noted, and the words around it.
import { v7 } from 'uuid'
import type { Append, Expected, NewCommand, NewEvent } from '#storage/event-log.ts'

export const noted = (data: unknown = { text: 'x' }, more: Partial<NewEvent> = {}): NewEvent => ({
  event_id: v7(),
  event_type: 'Noted',
  event_version: 1,
  data,
  metadata: { correlation_id: 'c-1', source: 'test' },
  ...more,
})

export const notes = (count: number): NewEvent[] =>
  Array.from({ length: count }, (_, i) => noted({ text: `note ${i}` }))

/** One write: to a stream, as expected, this many events or these. */
export const write = (
  stream: string,
  expected: Expected = 'any',
  events: number | readonly NewEvent[] = 1,
): Append['writes'][number] => ({
  stream,
  expected,
  events: typeof events === 'number' ? notes(events) : events,
})

/** An append with one write. */
export const append = (
  stream: string,
  expected: Expected = 'any',
  events: number | readonly NewEvent[] = 1,
): Append => ({ writes: [write(stream, expected, events)] })

export const asCommand = (id: string, response: unknown = { id }): NewCommand => ({
  id,
  fingerprint: `asked-${id}`,
  response,
})

/**
 * The same thing asked for once more: same command, new events, so that the log tells which it
 * holds.
 */
export const again = (asked: Append): Append => ({
  ...asked,
  writes: asked.writes.map(({ stream, expected, events }) =>
    write(stream, expected, events.length),
  ),
})
