// A receiver that fails again and again is left alone, and its own subscriber alone.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createReceiver } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { WebhookRow } from '#contexts/notifications/webhook-list.ts'
import { eventTypes } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { id, object, text } from '#kernel/schema.ts'
import type { Sent, Subscriber } from '#runtime/deliver.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import type { Delivery } from '#storage/outbox.ts'
import { webhookSubscribers } from './webhook-subscribers.ts'

const types = eventTypes({ OrderCreated: { data: object({ order_id: id() }) } })
const event = {
  ...{ event_type: 'OrderCreated', event_id: 'e-1', aggregate_type: 'order', aggregate_id: 'o-1' },
  data: { order_id: 'o-1' },
} as Recorded
const row = (webhook_id: string, url: string, more: Partial<WebhookRow> = {}): WebhookRow => ({
  ...{ webhook_id, url, event_types: ['Order*'], include_personal: false, description: null },
  ...{ active: true, paused: null, removed: false, registered_at: 7, begins_at: 3 },
  ...{ created_at: '', updated_at: '', version: 1, ...more },
})

/** No system gives this port to anybody who asks for any. */
const NOBODY = 'http://127.0.0.1:1/'

const parts = async () => ({
  ...{ log: await openEventLog(), keys: await openKeyRing(), types, version: 'test' },
  personal: { open: async (events: readonly Recorded[]) => events },
  send: async () => ({ ok: true, response: {}, position: 1, version: 1, replayed: false }) as const,
  rules: { allowPrivate: true, allowedHosts: [], timeoutMs: 20_000 },
  breaking: { failures: 2, windowMs: 60_000, openForMs: 30_000, halfOpenMax: 1 },
  pauseAfter: 2,
})

test('who does not answer is left alone for a while, without an attempt', async () => {
  const url = NOBODY
  const subscribers = webhookSubscribers(await parts())
  const [one, two] = subscribers([row('one', url), row('two', url)], 0) as [Subscriber, Subscriber]
  const sent = (to: Subscriber): Promise<Sent> =>
    to.deliver(event, {} as Delivery).catch((error) => error.code)
  deepEqual([await sent(one), await sent(one)], ['ECONNREFUSED', 'ECONNREFUSED'])
  const rested = await sent(one)
  ok(typeof rested === 'object' && rested.is === 'later' && rested.ms > 20_000, String(rested))
  // The same webhook is the same subscriber, whose breaker is open still; another one has its own.
  deepEqual(await sent(subscribers([row('one', url)], 0)[0]!).then(({ is }) => is), 'later')
  equal(await sent(two), 'ECONNREFUSED')
  // Changed by an operator, it is tried at once.
  equal(await sent(subscribers([row('one', url, { version: 2 })], 0)[0]!), 'ECONNREFUSED')
})

test('who is to be forgotten is told of no more, although the key is there still', async () => {
  const bodies: { data: object }[] = []
  const receiver = createReceiver(async (request, response) => {
    bodies.push(JSON.parse(Buffer.concat(await request.toArray()).toString()))
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const { port } = receiver.address() as AddressInfo
  const subject = ({ who }: { readonly who: string }) => who
  const Met = {
    data: object({ who: id(), name: text() }),
    personal: { fields: ['name'], subject },
  }
  const some = { ...(await parts()), types: eventTypes({ Met }) }
  const subscribers = webhookSubscribers(some)
  const url = `http://127.0.0.1:${port}/`
  const [one] = subscribers([row('one', url, { event_types: ['Met'], include_personal: true })], 0)
  const met = (who: string) =>
    one!.deliver({ ...event, event_type: 'Met', data: { who, name: 'Ada' } }, {} as Delivery)
  const event_id = '01980000-0000-7000-8000-0000000000e1'
  const asked = {
    event_id,
    event_type: 'ErasureRequested',
    event_version: 1,
    data: {},
    metadata: {},
  }
  const writes = [{ stream: 'erasure-a', expected: 'none', events: [asked] } as const]
  await met('a')
  ok((await some.log.append({ writes })).ok)
  await met('a')
  await met('b')
  receiver.close()
  deepEqual(
    bodies.map(({ data }) => data),
    [
      { who: 'a', name: 'Ada' },
      { who: 'a', name: null },
      { who: 'b', name: 'Ada' },
    ],
  )
})

test('one begins where it asked to, or where the outbox met the log if it is older', async () => {
  const subscribers = webhookSubscribers(await parts())
  const from = (met: number, version: number) =>
    subscribers([row('one', 'https://a.example/', { version })], met)[0]?.from
  deepEqual([from(0, 1), from(6, 2), from(7, 3), from(90, 4)], [3, 3, 7, 90])
})

test('one that is paused, off or removed is not active', async () => {
  const subscribers = webhookSubscribers(await parts())
  const active = (more: Partial<WebhookRow>, version: number) =>
    subscribers([row('one', 'https://a.example/', { ...more, version })], 0)[0]?.active
  deepEqual(
    [active({}, 1), active({ paused: 'gone' }, 2), active({ active: false }, 3)],
    [true, false, false],
  )
  equal(active({ removed: true }, 4), false)
})

test('one is paused once so many were given up, and not before', async () => {
  const sent: object[] = []
  const known = await parts()
  const subscribers = webhookSubscribers({
    ...known,
    send: async (type, input) => {
      sent.push({ type, ...input })
      return await known.send()
    },
  })
  const [one] = subscribers([row('one', 'https://a.example/')], 0)
  await one?.gaveUp(1, { event_id: 'e-1' } as Delivery)
  deepEqual(sent, [])
  await one?.gaveUp(2, { event_id: 'e-2' } as Delivery)
  deepEqual(sent, [{ type: 'PauseWebhook', webhook_id: 'one', reason: 'failing' }])
})
