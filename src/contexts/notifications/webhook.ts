// Where events are sent over HTTP. Stream: webhook-<webhook_id>. A secret that is given is sealed
// under the webhook's own key; one that is not is made of that key. Removing it destroys the key.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { flag, id, integer, list, nullable, object, oneOf, optional, text } from '#kernel/schema.ts'
import { PATTERNS_MAX, pattern } from './event-patterns.ts'
import { URL_MAX } from './webhook-url.ts'

/** Why nothing is sent any more: the receiver has gone for good, or fails again and again. */
export const PAUSE_REASONS = ['gone', 'failing'] as const
export type PauseReason = (typeof PAUSE_REASONS)[number]
export const DESCRIPTION_MAX = 500

export const webhookFields = {
  url: text({ max: URL_MAX }),
  event_types: list(pattern(), { min: 1, max: PATTERNS_MAX }),
  include_personal: flag(),
  description: nullable(text({ max: DESCRIPTION_MAX })),
  active: flag(),
}
const { url, event_types, include_personal, description, active } = webhookFields
const secret = nullable(text({ max: 200 }))

export type WebhookState = {
  readonly url: string
  readonly event_types: readonly string[]
  readonly include_personal: boolean
  readonly description: string | null
  readonly active: boolean
  readonly paused: PauseReason | null
  readonly removed: boolean
}
/** null: no such webhook. */
export type Webhook = WebhookState | null

/** Whose key seals its secret. */
export const webhookSubject = ({ webhook_id }: { readonly webhook_id: string }) =>
  `webhook-${webhook_id}`
const personal = { fields: ['secret'], subject: webhookSubject }

export const webhook = aggregate({
  type: 'webhook',
  state_version: 1,
  events: eventTypes({
    WebhookRegistered: {
      data: object({
        webhook_id: id(),
        ...webhookFields,
        /** null: from its registration on. */
        from_position: nullable(integer({ min: 0 })),
        secret,
      }),
      personal,
    },
    WebhookUpdated: {
      data: object({
        webhook_id: id(),
        url: optional(url),
        event_types: optional(event_types),
        include_personal: optional(include_personal),
        description: optional(description),
        active: optional(active),
        secret: optional(secret),
      }),
      personal,
    },
    WebhookPaused: { data: object({ webhook_id: id(), reason: oneOf(PAUSE_REASONS) }) },
    /** One event again, or everything behind a position. */
    WebhookReplayRequested: {
      data: object({
        webhook_id: id(),
        event_id: nullable(id()),
        from_position: nullable(integer({ min: 0 })),
      }),
    },
    WebhookRemoved: { data: object({ webhook_id: id() }), forgets: webhookSubject },
  }),
  initial: null as Webhook,
  evolve: {
    WebhookRegistered: (_, data): Webhook => ({
      url: data.url,
      event_types: data.event_types,
      include_personal: data.include_personal,
      description: data.description,
      active: data.active,
      paused: null,
      removed: false,
    }),
    WebhookUpdated: (state, { webhook_id: _, secret: __, ...changed }): Webhook => {
      const known = registered(state)
      // Whoever changes what did not work has it tried again.
      return {
        ...known,
        ...changed,
        paused: (changed.active ?? known.active) ? null : known.paused,
      }
    },
    WebhookPaused: (state, { reason }): Webhook => ({ ...registered(state), paused: reason }),
    WebhookReplayRequested: (state) => state,
    WebhookRemoved: (state): Webhook => ({ ...registered(state), active: false, removed: true }),
  },
})

function registered(state: Webhook): WebhookState {
  if (state === null) throw new Error('a webhook that was never registered has changed')
  return state
}
