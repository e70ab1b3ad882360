// The webhooks, one row each, also of those that were removed: whoever sends has to know that.
import { pageAnswer, paged, pageOf, paging, rowAnswer } from '#kernel/listing.ts'
import type { Recorded } from '#kernel/message.ts'
import { projection } from '#kernel/projection.ts'
import { query } from '#kernel/query.ts'
import { id, list, nullable, object, oneOf, text } from '#kernel/schema.ts'
import { PAUSE_REASONS, type PauseReason } from './webhook.ts'
import { WEBHOOKS_PATH } from './webhook-commands.ts'

export type WebhookRow = {
  readonly webhook_id: string
  readonly url: string
  readonly event_types: readonly string[]
  readonly include_personal: boolean
  readonly description: string | null
  readonly active: boolean
  readonly paused: PauseReason | null
  readonly removed: boolean
  readonly registered_at: number
  /** It began behind this. */
  readonly begins_at: number
  readonly created_at: string
  readonly updated_at: string
  readonly version: number
}

const own = ({ data }: Recorded<{ webhook_id: string }>) => [data.webhook_id]
const since = ({ timestamp, version }: Recorded) => ({ updated_at: timestamp, version })

export const webhooks = projection<WebhookRow>({
  name: 'webhooks',
  version: 1,
  table: {
    name: 'webhooks',
    key: 'webhook_id',
    columns: {
      webhook_id: 'text',
      url: 'text',
      event_types: 'json',
      include_personal: 'bool',
      description: { kind: 'text', nullable: true },
      active: 'bool',
      paused: { kind: 'text', nullable: true },
      removed: 'bool',
      registered_at: 'int',
      begins_at: 'int',
      created_at: 'instant',
      updated_at: 'instant',
      version: 'int',
    },
    indexes: [['created_at'], ['removed', 'created_at']],
  },
  on: {
    WebhookRegistered: {
      keys: own,
      apply: (_, event) => {
        const { secret: __, from_position, ...data } = event.data
        return {
          ...{ ...data, paused: null, removed: false, created_at: event.timestamp },
          registered_at: event.position,
          begins_at: from_position ?? event.position,
          ...since(event),
        }
      },
    },
    WebhookUpdated: {
      keys: own,
      apply: (row, event) => {
        const { secret: _, ...changed } = event.data
        if (row === undefined) return undefined
        const active = changed.active ?? row.active
        return { ...row, ...changed, paused: active ? null : row.paused, ...since(event) }
      },
    },
    WebhookPaused: {
      keys: own,
      apply: (row, event) => row && { ...row, paused: event.data.reason, ...since(event) },
    },
    WebhookReplayRequested: {
      keys: own,
      apply: (row, event) => row && { ...row, ...since(event) },
    },
    WebhookRemoved: {
      keys: own,
      apply: (row, event) => row && { ...row, active: false, removed: true, ...since(event) },
    },
  },
  sources: (key) => [`webhook-${key}`],
})

const answer = rowAnswer(webhooks.table, {
  without: ['removed', 'registered_at'],
  shapes: { event_types: list(text()), paused: nullable(oneOf(PAUSE_REASONS)) },
})
type Shown = { readonly removed?: unknown; readonly registered_at?: unknown }
const shown = ({ removed: _, registered_at: __, ...row }: Shown) => row

const listWebhooks = query({
  type: 'ListWebhooks',
  input: object(paging),
  run: async (input, reader) => {
    const found = await reader.find(webhooks, {
      where: { removed: false },
      sort: [{ column: 'created_at' }],
      ...pageOf(input),
    })
    return paged({ ...found, items: found.items.map(shown) }, input)
  },
  answer: pageAnswer(answer),
  route: { method: 'GET', path: WEBHOOKS_PATH, tag: 'webhooks', summary: 'Webhooks, oldest first' },
})

const getWebhook = query({
  type: 'GetWebhook',
  input: object({ webhook_id: id() }),
  run: async ({ webhook_id }, reader) => {
    const row = await reader.get(webhooks, webhook_id)
    return row === null || row.removed === true ? null : shown(row)
  },
  answer,
  route: {
    method: 'GET',
    path: `${WEBHOOKS_PATH}/:webhook_id`,
    tag: 'webhooks',
    summary: 'One webhook',
  },
})

export const webhookQueries = [listWebhooks, getWebhook]
