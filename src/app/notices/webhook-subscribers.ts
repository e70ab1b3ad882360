// Webhooks as subscribers: which events each wants, and how one is posted to it.

import { typesWanted } from '#contexts/notifications/event-patterns.ts'
import type { WebhookRow } from '#contexts/notifications/webhook-list.ts'
import { type EventType, type EventTypes, versionOf } from '#kernel/event-types.ts'
import { type Recorded, streamOf } from '#kernel/message.ts'
import type { Send } from '#kernel/waiting.ts'
import { type Breaker, type BreakerSettings, breaker, CircuitOpen } from '#runtime/breaker.ts'
import type { Asked, Sent, Subscriber } from '#runtime/deliver.ts'
import { derivedId } from '#runtime/run-waiting.ts'
import { type PostRules, post } from './post.ts'
import { signatureHeaders } from './signature.ts'
import { type SecretParts, secretsOf } from './webhook-secrets.ts'

export type WebhookParts = SecretParts & {
  /** The events that may be sent. */
  readonly types: EventTypes
  readonly send: Send
  readonly rules: PostRules
  readonly breaking: BreakerSettings
  readonly pauseAfter: number
  readonly version: string
}

export const WEBHOOK_PREFIX = 'webhook:'
const OWN_EVENTS_MAX = 10_000
const GONE = 410

/** The same subscriber for the same version of a webhook: it keeps its secret and its breaker. */
export function webhookSubscribers(parts: WebhookParts) {
  const known = new Map<string, { readonly version: number; readonly subscriber: Subscriber }>()
  /** `met`: where the outbox met the log; webhooks from before it begin there. */
  return (rows: readonly WebhookRow[], met: number): readonly Subscriber[] =>
    rows.map((row) => {
      const kept = known.get(row.webhook_id)
      if (kept?.version === row.version) return kept.subscriber
      const subscriber = subscriberOf(row, met, parts)
      known.set(row.webhook_id, { version: row.version, subscriber })
      return subscriber
    })
}

function subscriberOf(row: WebhookRow, met: number, parts: WebhookParts): Subscriber {
  const { webhook_id, version } = row
  const { types, send, pauseAfter } = parts
  const wanted = typesWanted(row.event_types, types)
  const circuit = breaker(
    `webhook ${webhook_id}`,
    parts.breaking,
    () => true,
    (answer) => (answer as Sent).is === 'failed',
  )
  let secrets: ReturnType<typeof secretsOf> | null = null
  const pause = async (reason: 'gone' | 'failing', cause: string) => {
    const command_id = derivedId(webhook_id, String(version), cause, reason)
    await send('PauseWebhook', { webhook_id, reason }, { command_id, source: 'notices' })
  }
  return {
    name: WEBHOOK_PREFIX + webhook_id,
    seen: version,
    // After a restore, say: what was sent before is not known, and not sent again.
    from: row.registered_at > met ? row.begins_at : met,
    active: row.active && row.paused === null && !row.removed,
    asked: (since) => askedSince(webhook_id, since, parts),
    wants: ({ event_type }) => wanted.has(event_type),
    async deliver(event) {
      secrets ??= secretsOf(webhook_id, parts)
      // Asked again the next time: its key could not be had just now.
      const signing = await secrets.catch((error) => {
        secrets = null
        throw error
      })
      const sent = await guarded(circuit, () => posted(row, event, signing, parts))
      if (sent.is === 'refused' && sent.status === GONE) await pause('gone', event.event_id)
      return sent
    },
    async gaveUp(count, { event_id }) {
      if (count >= pauseAfter) await pause('failing', event_id)
    },
  }
}

async function guarded(circuit: Breaker, work: () => Promise<Sent>): Promise<Sent> {
  try {
    return await circuit.run(work)
  } catch (error) {
    if (error instanceof CircuitOpen) return { is: 'later', ms: error.retryAfterMs }
    throw error
  }
}

async function posted(
  { url, include_personal }: WebhookRow,
  event: Recorded,
  secrets: (nowMs: number) => readonly string[],
  parts: WebhookParts,
): Promise<Sent> {
  const { rules, version } = parts
  const body = JSON.stringify(await shown(event, include_personal, parts))
  const now = Date.now()
  const timestamp = Math.floor(now / 1_000)
  const headers = {
    'content-type': 'application/json',
    'user-agent': `Daybook/${version}`,
    ...signatureHeaders(secrets(now), { id: event.event_id, timestamp, body }),
  }
  const { status, retryAfterMs } = await post(url, headers, body, rules)
  if (status >= 200 && status < 300) return { is: 'taken', status }
  if (status === GONE) return { is: 'refused', status, error: 'gone for good' }
  const error = status >= 300 && status < 400 ? 'redirects are not followed' : `answered ${status}`
  return { is: 'failed', status, error, ...(retryAfterMs === null ? {} : { retryAfterMs }) }
}

/** What receivers are told of an event. Of persons nothing, unless they are to be told. */
async function shown(
  event: Recorded,
  includePersonal: boolean,
  { types, personal, log }: Pick<WebhookParts, 'types' | 'personal' | 'log'>,
) {
  const type = types[event.event_type]
  const [opened = event] = includePersonal ? await personal.open([event]) : [event]
  const own = type?.personal?.fields ?? []
  const hidden = includePersonal ? [] : own
  const lost = includePersonal && (await isForgotten(event, type, log)) ? own : []
  const data = Object.entries(opened.data as object)
    .filter(([field]) => !hidden.includes(field))
    .map(([field, value]) => [field, lost.includes(field) ? null : value])
  return {
    event_id: event.event_id,
    event_type: event.event_type,
    event_version: type === undefined ? event.event_version : versionOf(type),
    position: event.position,
    aggregate_type: event.aggregate_type,
    aggregate_id: event.aggregate_id,
    version: event.version,
    data: Object.fromEntries(data),
    occurred_at: event.occurred_at,
    timestamp: event.timestamp,
  }
}

/** As soon as it is asked for: the key that opens the event may be there a moment longer. */
async function isForgotten(
  { data }: Recorded,
  type: EventType | undefined,
  log: WebhookParts['log'],
): Promise<boolean> {
  const subject = type?.personal?.subject(data as never) ?? null
  return subject !== null && (await log.readStream(streamOf('erasure', subject), 0, 1)).length > 0
}

type Requested = { readonly event_id: string | null; readonly from_position: number | null }

/** What its stream has asked for since this version of it: the last place, and every event. */
async function askedSince(
  webhook_id: string,
  since: number,
  { log }: WebhookParts,
): Promise<Asked> {
  const events = await log.readStream(streamOf('webhook', webhook_id), since, OWN_EVENTS_MAX)
  const requests = events
    .filter(({ event_type }) => event_type === 'WebhookReplayRequested')
    .map(({ data }) => data as Requested)
  const position = requests.findLast(({ from_position }) => from_position !== null)?.from_position
  const again = requests.flatMap(({ event_id }) => (event_id === null ? [] : [event_id]))
  return { again, ...(position === undefined || position === null ? {} : { position }) }
}
