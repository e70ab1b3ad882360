// The history that logs of every length are filled with. Its shape does not depend on the length:
// a number of streams grow side by side to twenty events each, then the next ones begin.
import { randomUUIDv7 } from 'node:crypto'
import type { Recorded } from '#kernel/message.ts'

export const EVENTS_A_STREAM = 20
/** Streams that grow side by side; a log is a multiple of so many whole streams. */
export const STREAMS_AT_ONCE = 500
export const BLOCK = STREAMS_AT_ONCE * EVENTS_A_STREAM

/** The shop knows no such type: its projections pass by, as they pass by most events. */
export const EVENT_TYPE = 'SampleTaken'
export const AGGREGATE_TYPE = 'sample'

/** Ids that rise with the time, as those of a shop do. */
export const sampleId = (stream: number): string => {
  const block = Math.floor(stream / STREAMS_AT_ONCE)
  const within = stream % STREAMS_AT_ONCE
  return `${hex(block, 8)}-${hex(within, 4)}-7000-8000-000000000000`
}
export const streamName = (stream: number): string => `${AGGREGATE_TYPE}-${sampleId(stream)}`
const hex = (number: number, length: number) => number.toString(16).padStart(length, '0')

/** Events from this position on; `begun` is the time of the first of all, in ms. */
export function historyPage(from: number, count: number, begun: number): readonly Recorded[] {
  return Array.from({ length: count }, (_, at) => eventAt(from + at, begun))
}

function eventAt(position: number, begun: number): Recorded {
  const inBlock = (position - 1) % BLOCK
  const block = Math.floor((position - 1) / BLOCK)
  const id = randomUUIDv7()
  const timestamp = new Date(begun + position).toISOString()
  return {
    position,
    event_id: id,
    aggregate_type: AGGREGATE_TYPE,
    aggregate_id: sampleId(block * STREAMS_AT_ONCE + (inBlock % STREAMS_AT_ONCE)),
    version: Math.floor(inBlock / STREAMS_AT_ONCE) + 1,
    event_type: EVENT_TYPE,
    event_version: 1,
    data: {
      product_id: id,
      store_id: '00000000-0000-7000-8000-000000000001',
      quantity: 3,
      reservation_id: id,
    },
    metadata: { correlation_id: id, causation_id: id, source: 'api' },
    occurred_at: timestamp,
    timestamp,
  }
}
