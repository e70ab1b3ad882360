// Events as SQL engines read them back from their rows: texts, to be parsed.
import { type Metadata, partsOf, type Recorded } from '#kernel/message.ts'

export type EventRow = {
  position: number
  event_id: string
  stream: string
  version: number
  event_type: string
  event_version: number
  data: string
  metadata: string
  occurred_at: string | null
  timestamp: string
}

/** Rows to events. Events of one append share their metadata's text, so it is parsed once. */
export function recorder(): (row: EventRow) => Recorded {
  let lastText = ''
  let lastMetadata: Metadata = {}
  return ({ stream, data, metadata, occurred_at, ...row }) => {
    if (metadata !== lastText) {
      lastMetadata = JSON.parse(metadata)
      lastText = metadata
    }
    const { aggregate_type, aggregate_id } = partsOf(stream)
    return {
      position: row.position,
      event_id: row.event_id,
      aggregate_type,
      aggregate_id,
      version: row.version,
      event_type: row.event_type,
      event_version: row.event_version,
      data: JSON.parse(data),
      metadata: lastMetadata,
      occurred_at: occurred_at ?? row.timestamp,
      timestamp: row.timestamp,
    }
  }
}
