// Registering, changing, removing webhooks, and sending again.
import {
  accept,
  already,
  type Command,
  command,
  type Given,
  invalid,
  type Moment,
  noSuch,
  type Rejected,
} from '#kernel/decider.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import {
  flag,
  id,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  text,
  uuid,
} from '#kernel/schema.ts'
import { PATTERNS_MAX, pattern, typesWanted } from './event-patterns.ts'
import { PAUSE_REASONS, type WebhookState, webhook, webhookFields } from './webhook.ts'
import { URL_MAX, urlTrouble } from './webhook-url.ts'

export const WEBHOOKS_PATH = '/api/v1/admin/webhooks'
const ONE = `${WEBHOOKS_PATH}/:webhook_id`
const TAG = 'webhooks'

const fields = {
  // What it has to be like, urlTrouble says.
  url: text({
    max: URL_MAX,
    description: 'Where events are posted to, by http or https.',
    example: 'https://hooks.example.org/daybook',
  }),
  event_types: list(pattern(), { min: 1, max: PATTERNS_MAX }),
  include_personal: flag({ description: 'Also what tells of a person. Standard: without.' }),
  description: nullable(text({ max: 500 })),
  active: flag(),
  secret: {
    ...text({
      max: 200,
      description: '`whsec_` and 32 to 64 bytes in base64. Standard: one that is made here.',
      example: `whsec_${'A'.repeat(43)}=`,
    }),
    pattern: '^whsec_[A-Za-z0-9+/]{43,86}={0,2}$',
  },
}
const answer = object({
  webhook_id: id(),
  ...webhookFields,
  paused: nullable(oneOf(PAUSE_REASONS)),
  secret: optional(text({ description: 'Shown here and never again. Only where none was given.' })),
})

/** `types`: the events that there are to be sent. */
export const webhookCommands = (types: EventTypes): readonly Command[] => [
  register(types),
  update(types),
  remove,
  pause,
  replay,
  replayDelivery,
]

const register = (types: EventTypes) =>
  command({
    type: 'RegisterWebhook',
    input: object({
      webhook_id: optional(uuid({ aliases: ['id'] })),
      url: fields.url,
      event_types: fields.event_types,
      secret: optional(fields.secret),
      include_personal: optional(fields.include_personal),
      description: optional(fields.description),
      active: optional(fields.active),
      from_position: optional(
        integer({ min: 0, description: 'Also what was recorded behind this. Standard: from now.' }),
      ),
    }),
    creates: 'webhook_id',
    reads: ({ webhook_id }) => [webhook.at(webhook_id!)],
    decide(input, given, moment) {
      const webhook_id = input.webhook_id!
      if (given.state(webhook.at(webhook_id)) !== null) return already('a webhook', webhook_id)
      const errors = errorsIn(input, types, moment)
      if (errors !== null) return invalid(errors)
      const {
        url,
        event_types,
        include_personal = false,
        description = null,
        active = true,
      } = input
      const shown = { webhook_id, url, event_types, include_personal, description, active }
      const registered = webhook.event('WebhookRegistered', {
        ...shown,
        from_position: input.from_position ?? null,
        secret: input.secret ?? null,
      })
      return accept([webhook.write(webhook_id, [registered])], { ...shown, paused: null })
    },
    answer,
    route: {
      method: 'POST',
      path: WEBHOOKS_PATH,
      status: 201,
      tag: TAG,
      summary: 'Have events posted to a URL',
    },
  })

const update = (types: EventTypes) =>
  command({
    type: 'UpdateWebhook',
    input: object({
      webhook_id: id(),
      url: optional(fields.url),
      event_types: optional(fields.event_types),
      secret: optional(fields.secret),
      include_personal: optional(fields.include_personal),
      description: optional(fields.description),
      active: optional(fields.active),
    }),
    reads: ({ webhook_id }) => [webhook.at(webhook_id)],
    decide(input, given, moment) {
      const { webhook_id, ...wanted } = input
      const state = known(given, webhook_id)
      if ('rejected' in state) return state
      const errors = errorsIn(input, types, moment)
      if (errors !== null) return invalid(errors)
      const changed = differing(wanted, state)
      // Turned on once more, one that was paused goes on.
      if (wanted.active === true && state.paused !== null) Object.assign(changed, { active: true })
      const response = { webhook_id, ...shownOf({ ...state, ...changed }) }
      if (Object.keys(changed).length === 0) return accept([], response)
      const { secret: _, ...answered } = response
      const paused = answered.active ? null : state.paused
      const updated = webhook.event('WebhookUpdated', { webhook_id, ...changed })
      return accept([webhook.write(webhook_id, [updated])], { ...answered, paused })
    },
    answer,
    route: {
      method: 'PATCH',
      path: ONE,
      tag: TAG,
      summary: 'Change a webhook; `active: true` lets one that was paused go on',
    },
  })

const remove = command({
  type: 'RemoveWebhook',
  input: object({ webhook_id: id() }),
  reads: ({ webhook_id }) => [webhook.at(webhook_id)],
  decide({ webhook_id }, given) {
    const state = given.state(webhook.at(webhook_id))
    if (state === null) return noSuch('webhook', webhook_id)
    if (state.removed) return accept([], { webhook_id })
    const removed = webhook.event('WebhookRemoved', { webhook_id })
    return accept([webhook.write(webhook_id, [removed])], { webhook_id })
  },
  answer: object({ webhook_id: id() }),
  route: { method: 'DELETE', path: ONE, tag: TAG, summary: 'Send nothing there any more' },
})

/** By whoever sends. */
const pause = command({
  type: 'PauseWebhook',
  input: object({ webhook_id: id(), reason: oneOf(PAUSE_REASONS) }),
  reads: ({ webhook_id }) => [webhook.at(webhook_id)],
  decide({ webhook_id, reason }, given) {
    const state = given.state(webhook.at(webhook_id))
    if (state === null || state.removed || !state.active || state.paused !== null)
      return accept([], { webhook_id })
    const paused = webhook.event('WebhookPaused', { webhook_id, reason })
    return accept([webhook.write(webhook_id, [paused])], { webhook_id })
  },
  answer: object({ webhook_id: id() }),
})

const replay = command({
  type: 'ReplayWebhook',
  input: object({
    webhook_id: id(),
    from_position: integer({ min: 0, description: 'All that it wants behind this position.' }),
  }),
  reads: ({ webhook_id }) => [webhook.at(webhook_id)],
  decide: ({ webhook_id, from_position }, given) =>
    requested(given, webhook_id, { event_id: null, from_position }),
  answer: object({ webhook_id: id() }),
  route: {
    method: 'POST',
    path: `${ONE}/replay`,
    status: 202,
    tag: TAG,
    summary: 'Send everything behind a position once more, or skip to it',
  },
})

const replayDelivery = command({
  type: 'ReplayWebhookDelivery',
  input: object({ webhook_id: id(), event_id: id() }),
  reads: ({ webhook_id }) => [webhook.at(webhook_id)],
  decide: ({ webhook_id, event_id }, given) =>
    requested(given, webhook_id, { event_id, from_position: null }),
  answer: object({ webhook_id: id() }),
  route: {
    method: 'POST',
    path: `${ONE}/deliveries/:event_id/replay`,
    status: 202,
    tag: TAG,
    summary: 'Send one event once more, with the same id',
  },
})

type Request = { readonly event_id: string | null; readonly from_position: number | null }

function requested(given: Given, webhook_id: string, request: Request) {
  const state = known(given, webhook_id)
  if ('rejected' in state) return state
  const event = webhook.event('WebhookReplayRequested', { webhook_id, ...request })
  return accept([webhook.write(webhook_id, [event])], { webhook_id })
}

function known(given: Given, webhook_id: string): WebhookState | Rejected {
  const state = given.state(webhook.at(webhook_id))
  return state === null || state.removed ? noSuch('webhook', webhook_id) : state
}

type Wanted = {
  readonly url?: string | undefined
  readonly event_types?: readonly string[] | undefined
  readonly secret?: string | undefined
}

function errorsIn(
  { url, event_types, secret }: Wanted,
  types: EventTypes,
  { settings }: Moment,
): Record<string, string> | null {
  const trouble =
    url === undefined
      ? null
      : urlTrouble(url, {
          allowPrivate: settings['webhooks.allow_private'] === true,
          allowedHosts: (settings['webhooks.allowed_hosts'] ?? []) as readonly string[],
        })
  const idle = (event_types ?? []).findIndex((one) => typesWanted([one], types).size === 0)
  const errors = {
    ...(trouble === null ? {} : { url: trouble }),
    ...(idle < 0 ? {} : { [`event_types.${idle}`]: 'fits no event that there is' }),
    ...(secret === undefined || isLongEnough(secret)
      ? {}
      : { secret: 'must be whsec_ and 32 to 64 bytes in base64' }),
  }
  return Object.keys(errors).length === 0 ? null : errors
}

function isLongEnough(secret: string): boolean {
  const digits = secret.slice('whsec_'.length).replace(/=+$/, '')
  const bytes = Math.floor((digits.length * 6) / 8)
  return digits.length % 4 !== 1 && bytes >= 32 && bytes <= 64
}

/** What is wanted otherwise than it is; a secret cannot be compared. */
function differing<W extends object>(wanted: W, state: WebhookState): Partial<W> {
  const now = state as unknown as Record<string, unknown>
  const changed = Object.entries(wanted).filter(
    ([name, value]) => value !== undefined && JSON.stringify(value) !== JSON.stringify(now[name]),
  )
  return Object.fromEntries(changed) as Partial<W>
}

const shownOf = ({ removed: _, ...state }: WebhookState & { readonly secret?: string }) => state
