// The event that every row of the log is measured with: some 320 bytes of JSON, data and metadata.
import { randomUUIDv7 } from 'node:crypto'
import type { NewEvent } from '#storage/event-log.ts'

export function sampleEvent(): NewEvent {
  const command = randomUUIDv7()
  return {
    event_id: randomUUIDv7(),
    event_type: 'StockReserved',
    event_version: 1,
    data: {
      product_id: command,
      store_id: '00000000-0000-7000-8000-000000000001',
      quantity: 3,
      reservation_id: command,
    },
    metadata: { correlation_id: command, causation_id: command, source: 'api' },
  }
}

export const sampleEvents = (count: number): NewEvent[] =>
  Array.from({ length: count }, () => sampleEvent())

/** The row as a table without any rules takes it; the text is made outside of what is measured. */
export type RawRow = readonly [
  event_id: string,
  event_type: string,
  event_version: number,
  data: string,
  metadata: string,
  occurred_at: string,
  timestamp: string,
]

export function rawRow(): RawRow {
  const { event_id, event_type, event_version, data, metadata } = sampleEvent()
  const now = new Date().toISOString()
  return [
    event_id,
    event_type,
    event_version,
    JSON.stringify(data),
    JSON.stringify(metadata),
    now,
    now,
  ]
}
