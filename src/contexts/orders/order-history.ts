// What happened to an order, when, by whom and why: read from the log itself, over all its streams.

import type { Recorded } from '#kernel/message.ts'
import { streamOf } from '#kernel/message.ts'
import { query } from '#kernel/query.ts'
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
import { orderViews } from './order-views.ts'

const EVENTS_MAX = 1_000
const EVENTS_STANDARD = 200

export const getOrderHistory = query({
  type: 'GetOrderHistory',
  input: object({
    order_id: id(),
    limit: optional(integer({ min: 1, max: EVENTS_MAX, description: 'Default 200.' })),
  }),
  run: async ({ order_id, limit = EVENTS_STANDARD }, reader) => {
    const row = await reader.get(orderViews, order_id)
    if (row === null) return null
    const streams = ['order', 'reservation', 'saga', 'shipment'].map((type) =>
      streamOf(type, order_id),
    )
    const paid = typeof row.payment_id === 'string' ? [streamOf('payment', row.payment_id)] : []
    const events = await reader.events([...streams, ...paid], limit)
    return { order_id, items: events.map(entryOf) }
  },
  answer: nullable(
    object({
      order_id: id(),
      items: list(
        object({
          position: integer(),
          what: text(),
          of: text(),
          when: instant(),
          recorded_at: instant(),
          who: nullable(text()),
          source: nullable(text()),
          why: nullable(text({ max: 2_000 })),
          command_id: nullable(text()),
          correlation_id: nullable(text()),
          data: json(),
        }),
      ),
    }),
  ),
  route: {
    method: 'GET',
    path: '/api/v1/orders/:order_id/history',
    tag: 'orders',
    summary: 'What happened to an order, when, by whom and why',
  },
})

const entryOf = ({ position, event_type, metadata, data, ...event }: Recorded) => ({
  position,
  what: event_type,
  of: event.aggregate_type,
  when: event.occurred_at,
  recorded_at: event.timestamp,
  who: metadata.user_id ?? null,
  source: metadata.source ?? null,
  why: whyOf(data),
  command_id: metadata.command_id ?? null,
  correlation_id: metadata.correlation_id ?? null,
  data,
})

function whyOf(data: unknown): string | null {
  const { reason, error } = data as { readonly reason?: unknown; readonly error?: unknown }
  const why = reason ?? error
  return typeof why === 'string' ? why : null
}
