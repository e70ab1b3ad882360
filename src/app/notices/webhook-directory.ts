// The webhooks as their table tells them, once it has come to where the log was at first; and those
// that were removed, of which nothing is kept.
import { webhookSubject } from '#contexts/notifications/webhook.ts'
import { type WebhookRow, webhooks } from '#contexts/notifications/webhook-list.ts'
import type { Filter } from '#kernel/projection.ts'
import type { Subscriber } from '#runtime/deliver.ts'
import type { PersonalData } from '#runtime/personal.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { Outbox } from '#storage/outbox.ts'
import { type ReadModels, TableUnready } from '#storage/read-models.ts'
import { WEBHOOK_PREFIX, type webhookSubscribers } from './webhook-subscribers.ts'

export type DirectoryParts = {
  readonly log: Pick<EventLog, 'head'>
  readonly reads: Pick<ReadModels, 'find' | 'checkpoints'>
  readonly outbox: Pick<Outbox, 'firstMet' | 'drop'>
  readonly personal: Pick<PersonalData, 'forget'>
  readonly asSubscribers: ReturnType<typeof webhookSubscribers>
}

/** Served at once, the oldest. */
export const WEBHOOKS_MAX = 1_000
const LOOK_EACH_MS = 500
const PAUSED = { gone: 'its receiver says it is gone', failing: 'deliveries to it were given up' }

export function webhookDirectory(parts: DirectoryParts) {
  const { log, reads, outbox, asSubscribers } = parts
  const clean = cleaner(parts)
  let begun: number | null = null
  let met: number | null = null
  let known: readonly Subscriber[] | null = null
  let troubles: readonly string[] = []
  let lookAt = 0

  const look = async () => {
    // A table that is filled anew shows webhooks of long ago.
    begun ??= (await log.head()).position
    met ??= await outbox.firstMet(begun)
    const checkpoint = (await reads.checkpoints()).get(webhooks.name) ?? 0
    if (checkpoint < begun) return
    const { rows, next } = await page(reads, { removed: false }, null)
    troubles = [
      ...rows.flatMap(({ webhook_id, paused }) =>
        paused === null ? [] : [`webhook ${webhook_id} is paused: ${PAUSED[paused]}`],
      ),
      ...(next === null
        ? []
        : [`there are more than ${WEBHOOKS_MAX} webhooks: those that came last hear nothing`]),
    ]
    known = asSubscribers(rows, met)
    await clean()
  }
  return {
    async subscribers(): Promise<readonly Subscriber[] | null> {
      if (performance.now() < lookAt) return known
      try {
        await look()
      } catch (error) {
        // No failure: nobody has filled it yet.
        if (!(error instanceof TableUnready)) throw error
      }
      lookAt = performance.now() + LOOK_EACH_MS
      return known
    },
    troubles: () => troubles,
  }
}

/** Each webhook that was removed is forgotten once, however many there were. */
function cleaner({ reads, outbox, personal }: DirectoryParts) {
  const cleaned = new Set<string>()
  return async () => {
    const where = { removed: true }
    const counting = { where, limit: 1, total: true } as const
    if ((await reads.find(webhooks.table, counting)).total === cleaned.size) return
    let cursor: string | null = null
    do {
      const { rows, next }: Page = await page(reads, where, cursor)
      for (const { webhook_id } of rows) {
        if (cleaned.has(webhook_id)) continue
        await outbox.drop(WEBHOOK_PREFIX + webhook_id)
        await personal.forget(webhookSubject({ webhook_id }))
        cleaned.add(webhook_id)
      }
      cursor = next
    } while (cursor !== null)
  }
}

type Page = { readonly rows: readonly WebhookRow[]; readonly next: string | null }

async function page(
  reads: DirectoryParts['reads'],
  where: Filter,
  cursor: string | null,
): Promise<Page> {
  const { items, next_cursor } = await reads.find(webhooks.table, {
    ...{ where, sort: [{ column: 'created_at' }], limit: WEBHOOKS_MAX },
    ...(cursor === null ? {} : { cursor }),
  })
  // The table's rows are of this shape.
  return { rows: items as unknown as readonly WebhookRow[], next: next_cursor }
}
