// Shapes of what the admin API answers.
import {
  flag,
  integer,
  json,
  list,
  nullable,
  object,
  oneOf,
  type Schema,
  text,
} from '#kernel/schema.ts'

/** Seconds have fractions, which no command's field has; so the kernel has no word for them. */
const seconds: Schema = { ...integer(), type: 'number' }

const differences = list(object({ key: text(), live: nullable(json()), rebuilt: nullable(json()) }))
export const rebuilt = object({
  projection: text(),
  events: integer(),
  rows: integer(),
  differing: integer(),
  differences,
  swapped: flag(),
})
export const projectionStatus = object({
  name: text(),
  version: integer(),
  status: oneOf(['running', 'paused', 'rebuilding', 'faulted']),
  checkpoint: integer(),
  lag_events: integer(),
  lag_seconds: seconds,
  parked: integer(),
})
export const recorded = object({
  position: integer(),
  event_id: text(),
  aggregate_type: text(),
  aggregate_id: text(),
  version: integer(),
  event_type: text(),
  event_version: integer(),
  data: json(),
  metadata: json(),
  occurred_at: text(),
  timestamp: text(),
})

export const parked = object({
  projection: text(),
  position: integer(),
  keys: list(text()),
  error: text(),
})
export const verified = object({
  position: integer(),
  checks: list(object({ name: text(), compared: integer(), differing: integer(), differences })),
  differences: integer(),
})
export const health = object({
  status: oneOf(['ok', 'degraded', 'failing']),
  warnings: list(text()),
  components: json(),
})
