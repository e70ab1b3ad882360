// Who is told, and of whom nothing is kept, where there are more webhooks than fit on a page.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { type WebhookRow, webhooks } from '#contexts/notifications/webhook-list.ts'
import type { Subscriber } from '#runtime/deliver.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openOutbox } from '#storage/memory/outbox.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { WEBHOOKS_MAX, webhookDirectory } from './webhook-directory.ts'

const AT = '2026-03-02T10:00:00.000Z'
const row = (webhook_id: string, more: Partial<WebhookRow> = {}): WebhookRow => ({
  ...{ webhook_id, url: 'https://a.example/', event_types: ['*'], include_personal: false },
  ...{ description: null, active: true, paused: null, removed: false, registered_at: 1 },
  ...{ begins_at: 1, created_at: AT, updated_at: AT, version: 1, ...more },
})
const rows = (name: string, count: number, more: Partial<WebhookRow> = {}) =>
  Array.from({ length: count }, (_, i) => row(`${name}-${i}`, more))

async function opened(first: readonly WebhookRow[]) {
  const reads = await openReadModels()
  await reads.define([webhooks])
  let position = 0
  const put = async (upserts: readonly WebhookRow[]) => {
    const place = { projection: webhooks.name, table: webhooks.table, deletes: [] }
    const change = { upserts, park: [], unpark: [], from: position, to: ++position }
    equal(await reads.commit([{ ...place, ...change }]), true)
  }
  await put(first)
  const forgotten: string[] = []
  const directory = webhookDirectory({
    ...{ log: await openEventLog(), outbox: await openOutbox(), reads },
    personal: { forget: async (subject) => void forgotten.push(subject) },
    asSubscribers: (rows) => rows.map(({ webhook_id }) => ({ name: webhook_id }) as Subscriber),
  })
  return { directory, forgotten, reads }
}

test('each that was removed is forgotten, once, also behind a thousand others', async () => {
  const gone = rows('gone', WEBHOOKS_MAX + 1, { removed: true })
  const { directory, forgotten, reads } = await opened([row('live'), ...gone])
  deepEqual(
    (await directory.subscribers())?.map(({ name }) => name),
    ['live'],
  )
  equal(new Set(forgotten).size, WEBHOOKS_MAX + 1)
  equal(forgotten.length, WEBHOOKS_MAX + 1)
  deepEqual(directory.troubles(), [])
  await reads.close()
})

test('whom nobody will tell anything, since there are too many, an operator is told of', async () => {
  const { directory, reads } = await opened(rows('live', WEBHOOKS_MAX + 1))
  equal((await directory.subscribers())?.length, WEBHOOKS_MAX)
  deepEqual(directory.troubles(), [
    'there are more than 1000 webhooks: those that came last hear nothing',
  ])
  await reads.close()
})
