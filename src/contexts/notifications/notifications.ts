// The manifest of notifications: who is told of what happens, and what became of it.
import type { Context } from '#kernel/context.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import { type DeliveryLog, deliveryQueries } from './delivery-queries.ts'
import { webhook } from './webhook.ts'
import { webhookCommands } from './webhook-commands.ts'
import { webhookQueries, webhooks } from './webhook-list.ts'

export type NotificationParts = {
  /** The events that may be sent: those of all other contexts. */
  readonly types: EventTypes
  readonly deliveries: DeliveryLog
}

export const notifications = ({ types, deliveries }: NotificationParts): Context => ({
  name: 'notifications',
  aggregates: [webhook],
  commands: webhookCommands(types),
  projections: [webhooks],
  queries: [...webhookQueries, ...deliveryQueries(deliveries)],
})
