// Telling others, put together: who is subscribed, what is kept of it, and who does it here.

import type { Config } from '#app/settings.ts'
import { openOutbox, type Stored } from '#app/stores.ts'
import type { DeliveryLog } from '#contexts/notifications/delivery-queries.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import type { Instant } from '#kernel/message.ts'
import type { Send } from '#kernel/waiting.ts'
import type { Subscriber } from '#runtime/deliver.ts'
import { type Deliverer, deliverer } from '#runtime/deliver-events.ts'
import { eventsOfStreams } from '#runtime/past.ts'
import type { PersonalData } from '#runtime/personal.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import type { Outbox } from '#storage/outbox.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { logSubscriber, mailSubscriber } from './fixed-subscribers.ts'
import { type Mailer, openMailer } from './mailer.ts'
import { webhookDirectory } from './webhook-directory.ts'
import { madeSecret } from './webhook-secrets.ts'
import { WEBHOOK_PREFIX, webhookSubscribers } from './webhook-subscribers.ts'

export type NoticeParts = {
  readonly config: Config
  readonly log: EventLog
  readonly outbox: Outbox
  /** All events; and those of other contexts than ours, which alone go to webhooks. */
  readonly types: EventTypes
  readonly sendable: EventTypes
  readonly personal: PersonalData
  readonly keys: KeyRing
  readonly reads: Pick<ReadModels, 'find' | 'checkpoints'>
  readonly send: Send
  readonly now: () => Instant
  readonly mayAct: () => boolean
  readonly tell: (line: string) => void
  readonly version: string
}
export type Notices = Deliverer & {
  /** What an operator has to know. */
  troubles(): readonly string[]
}

const PRUNE_EACH_MS = 600_000
const PRUNE_MAX = 5_000

export function noticesOver(parts: NoticeParts): Notices {
  const { config, log, outbox, types, now, mayAct, tell } = parts
  const directory = directoryOf(parts)
  const mailer = mailerOf(config)
  const fixed = fixedSubscribers(parts, mailer)
  const subscribers = async () => {
    const known = await directory.subscribers()
    return known === null ? null : [...known, ...(await fixed())]
  }
  const working = deliverer({
    ...{ log, outbox, types, now, mayAct, subscribers },
    retrying: {
      baseMs: config['notifications.retry_base'],
      factor: 2,
      maxMs: config['notifications.retry_max'],
      attemptsMax: config['notifications.attempts'],
      giveUpAfterMs: config['notifications.give_up_after'],
    },
    onError: (error, where) => tell(`${where}: ${(error as Error).message}`),
  })
  const prune = async () => {
    const before = new Date(Date.parse(now()) - config['notifications.keep']).toISOString()
    while ((await outbox.prune(before, PRUNE_MAX)) === PRUNE_MAX);
  }
  const pruning = setInterval(
    () => void prune().catch((error) => tell(`notices: ${String(error)}`)),
    PRUNE_EACH_MS,
  )
  pruning.unref()
  return {
    ...working,
    async stop() {
      clearInterval(pruning)
      await working.stop()
      mailer?.close()
    },
    troubles() {
      const waits = mailer?.trouble() ?? null
      return [...directory.troubles(), ...(waits === null ? [] : [waits])]
    },
  }
}

function directoryOf({ config, ...parts }: NoticeParts) {
  const { log, reads, outbox, personal, sendable, keys, send, version } = parts
  const asSubscribers = webhookSubscribers({
    ...{ log, types: sendable, personal, keys, send, version },
    rules: {
      allowPrivate: config['webhooks.allow_private'],
      allowedHosts: config['webhooks.allowed_hosts'],
      timeoutMs: config['webhooks.timeout'],
    },
    breaking: {
      failures: config['breaker.failures'],
      windowMs: config['breaker.window'],
      openForMs: config['breaker.open_for'],
      halfOpenMax: config['breaker.half_open_max'],
    },
    pauseAfter: config['webhooks.pause_after'],
  })
  return webhookDirectory({ log, reads, outbox, personal, asSubscribers })
}

const mailerOf = (config: Config): Mailer | null =>
  config['smtp.url'] === ''
    ? null
    : openMailer({
        url: config['smtp.url'],
        from: config['smtp.from'],
        timeoutMs: config['smtp.timeout'],
      })

function fixedSubscribers(parts: NoticeParts, mailer: Mailer | null) {
  const { config, log, outbox, types, personal, tell } = parts
  const maxAgeMs = config['notifications.mail_max_age']
  const patterns = config['notifications.log']
  let all: readonly Subscriber[] | null = null
  return async (): Promise<readonly Subscriber[]> => {
    if (all !== null) return all
    const from = await outbox.firstMet((await log.head()).position)
    const mail = mailer && {
      ...{ mailer, from, maxAgeMs, shop: config['cqrs.name'] },
      operators: config['notifications.operators'],
      customers: config['notifications.customers'],
      alertsMax: config['notifications.alerts_per_hour'],
      events: (streams: readonly string[], limit: number) =>
        eventsOfStreams({ log, types, open: personal.open }, streams, limit),
    }
    all = [
      ...(mail === null ? [] : [mailSubscriber(mail)]),
      ...(patterns.length === 0 ? [] : [logSubscriber({ patterns, types, from, maxAgeMs, tell })]),
    ]
    return all
  }
}

/** Null: this process neither sends nor tells what was sent. */
export async function openNotices(
  { engine, place }: Stored,
  { log, isWanted }: { readonly log: EventLog; readonly isWanted: boolean },
  opening: AsyncDisposableStack,
): Promise<Outbox | null> {
  if (!isWanted) return null
  const outbox = await openOutbox({ engine, place })
  opening.defer(() => outbox.close())
  // Before anybody registers a webhook: those that are there already begin here.
  await outbox.firstMet((await log.head()).position)
  return outbox
}

/** The outbox as the API shows it. */
export const deliveryLog = (outbox: Pick<Outbox, 'deliveries'>): DeliveryLog => ({
  async deliveries({ webhook_id, ...asked }) {
    const found = await outbox.deliveries({ subscription: WEBHOOK_PREFIX + webhook_id, ...asked })
    return found.map(({ subscription: _, next_attempt_at, ...one }) => ({
      ...one,
      next_attempt_at: one.status === 'pending' ? next_attempt_at : null,
    }))
  },
})

/** Whoever registers a webhook is shown its secret in the answer, which no record keeps. */
export const showingSecrets =
  (send: Send, keys: Pick<KeyRing, 'make'>): Send =>
  async (type, input, meta) => {
    const outcome = await send(type, input, meta)
    if (type !== 'RegisterWebhook' || !outcome.ok || 'secret' in input) return outcome
    const { webhook_id } = outcome.response
    const secret = await madeSecret(String(webhook_id), keys)
    // Repeated for one that was removed since: there is none any more.
    return secret === null ? outcome : { ...outcome, response: { ...outcome.response, secret } }
  }
