// What became of each event that a webhook was sent. Kept in the outbox, not in a read model: a
// rebuild cannot know what another side has answered.
import { query } from '#kernel/query.ts'
import {
  id,
  instant,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '#kernel/schema.ts'
import { WEBHOOKS_PATH } from './webhook-commands.ts'
import { webhooks } from './webhook-list.ts'

const STATUSES = ['pending', 'delivered', 'dead', 'skipped'] as const

/** All we need of an outbox. */
export type DeliveryLog = {
  /** Newest first. */
  readonly deliveries: (asked: {
    readonly webhook_id: string
    readonly status?: (typeof STATUSES)[number]
    readonly event_id?: string
    readonly before?: number
    readonly limit: number
  }) => Promise<readonly DeliveryShown[]>
}
export type DeliveryShown = {
  readonly event_id: string
  readonly event_type: string
  readonly position: number
  readonly stream: string
  readonly status: (typeof STATUSES)[number]
  readonly attempts: number
  readonly taken_at: string
  readonly next_attempt_at: string | null
  readonly settled_at: string | null
  readonly last_status: number | null
  readonly last_error: string | null
}

const LIMIT = 50
const LIMIT_MAX = 500

const delivery = object({
  event_id: id(),
  event_type: text(),
  position: integer(),
  stream: text(),
  status: oneOf(STATUSES),
  attempts: integer({ description: 'Those that were answered or came to nothing.' }),
  taken_at: instant(),
  next_attempt_at: nullable(instant()),
  settled_at: nullable(instant()),
  last_status: nullable(integer({ description: 'The status code of the last answer.' })),
  last_error: nullable(text()),
})

export const deliveryQueries = ({ deliveries }: DeliveryLog) => [
  query({
    type: 'ListWebhookDeliveries',
    input: object({
      webhook_id: id(),
      status: optional(oneOf(STATUSES)),
      before: optional(integer({ min: 0, description: '`next_before` of the page before.' })),
      limit: optional(integer({ min: 1, max: LIMIT_MAX, description: 'Default 50.' })),
    }),
    run: async ({ webhook_id, limit = LIMIT, status, before }, reader) => {
      const row = await reader.get(webhooks, webhook_id)
      if (row === null || row.removed === true) return null
      const items = await deliveries({
        ...{ webhook_id, limit },
        ...(status === undefined ? {} : { status }),
        ...(before === undefined ? {} : { before }),
      })
      const last = items.length === limit ? items.at(-1) : undefined
      return { items, limit, next_before: last?.position ?? null }
    },
    answer: object({
      items: list(delivery),
      limit: integer(),
      next_before: nullable(integer()),
    }),
    route: {
      method: 'GET',
      path: `${WEBHOOKS_PATH}/:webhook_id/deliveries`,
      tag: 'webhooks',
      summary: 'What became of the events that it was sent, newest first',
    },
  }),
  query({
    type: 'GetWebhookDelivery',
    input: object({ webhook_id: id(), event_id: id() }),
    run: async ({ webhook_id, event_id }, reader) => {
      const row = await reader.get(webhooks, webhook_id)
      if (row === null || row.removed === true) return null
      const [found = null] = await deliveries({ webhook_id, event_id, limit: 1 })
      return found
    },
    answer: delivery,
    route: {
      method: 'GET',
      path: `${WEBHOOKS_PATH}/:webhook_id/deliveries/:event_id`,
      tag: 'webhooks',
      summary: 'What became of one event',
    },
  }),
]
