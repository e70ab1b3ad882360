// The secrets that sign for a webhook: the present one, and for a day the one before it, so that
// its receiver may change to the new one at leisure and loses nothing.
import { webhookSubject } from '#contexts/notifications/webhook.ts'
import { streamOf } from '#kernel/message.ts'
import type { PersonalData } from '#runtime/personal.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import { secretOf } from './signature.ts'

export type SecretParts = {
  readonly log: Pick<EventLog, 'readStream'>
  readonly personal: Pick<PersonalData, 'open'>
  readonly keys: Pick<KeyRing, 'make'>
}

/** After a change the one before signs too, for so long. */
const OVERLAP_MS = 86_400_000
/** However often it was changed meanwhile. */
const SECRETS_MAX = 5
const OWN_EVENTS_MAX = 10_000

/** Those that sign at a time, the newest first. Throws where there is none any more. */
export async function secretsOf(
  webhook_id: string,
  { log, personal, keys }: SecretParts,
): Promise<(nowMs: number) => readonly string[]> {
  const own = await log.readStream(streamOf('webhook', webhook_id), 0, OWN_EVENTS_MAX)
  const given = (await personal.open(own)).flatMap(({ data, timestamp, version }) => {
    const { secret } = data as { readonly secret?: string | null }
    return typeof secret === 'string' ? [{ secret, at: Date.parse(timestamp), version }] : []
  })
  // Registered without one, it began with the one that is made of its key.
  const made = given[0]?.version === 1 ? null : await madeSecret(webhook_id, keys)
  const all = [...(made === null ? [] : [{ secret: made, at: 0 }]), ...given].toReversed()
  if (all.length === 0) throw new Error('the key of this webhook was destroyed')
  return (nowMs) =>
    all
      .filter((_, i) => i === 0 || nowMs - all[i - 1]!.at < OVERLAP_MS)
      .slice(0, SECRETS_MAX)
      .map(({ secret }) => secret)
}

/** Null: its key was destroyed with it. */
export async function madeSecret(webhook_id: string, keys: Pick<KeyRing, 'make'>) {
  const subject = webhookSubject({ webhook_id })
  const key = (await keys.make([subject])).get(subject)
  return key === undefined ? null : secretOf(key)
}
