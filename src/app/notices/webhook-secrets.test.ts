// Which secrets sign for a webhook: before a change, for a day after it, and behind that.
import { deepEqual, rejects } from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { test } from 'node:test'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { madeSecret, secretsOf } from './webhook-secrets.ts'

const HOUR_MS = 3_600_000
const secret = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`

/** A webhook that was registered at hour 0, with this secret, and given others at these hours. */
async function changed(first: string | null, ...changes: readonly (readonly [number, string])[]) {
  let hour = 0
  const now = () => new Date(hour * HOUR_MS).toISOString()
  const [log, keys] = [await openEventLog({ now }), await openKeyRing()]
  const record = async (version: number, event_type: string, given: string | null) => {
    const event = {
      event_id: randomUUIDv7(),
      event_type,
      event_version: 1,
      data: { secret: given },
    }
    const write = { stream: 'webhook-w', expected: version, events: [{ ...event, metadata: {} }] }
    await log.append({ writes: [write] })
  }
  await record(0, 'WebhookRegistered', first)
  for (const [i, [at, given]] of changes.entries()) {
    hour = at
    await record(i + 1, 'WebhookUpdated', given)
  }
  const personal = { open: async <E>(events: readonly E[]) => events }
  const parts = { log, keys, personal }
  return { ...parts, at: await secretsOf('w', parts) }
}

test('the present secret signs, and for a day the one before it', async () => {
  const { at } = await changed(secret(1), [100, secret(2)])
  deepEqual(at(100 * HOUR_MS), [secret(2), secret(1)])
  deepEqual(at(123.9 * HOUR_MS), [secret(2), secret(1)])
  deepEqual(at(124 * HOUR_MS), [secret(2)])
})

test('the first one may be the one that was made of the key', async () => {
  const alone = await changed(null)
  const made = await madeSecret('w', alone.keys)
  deepEqual(alone.at(HOUR_MS), [made])
  const { at, keys } = await changed(null, [100, secret(2)])
  deepEqual(at(101 * HOUR_MS), [secret(2), await madeSecret('w', keys)])
  deepEqual(at(125 * HOUR_MS), [secret(2)])
})

test('however often it was changed, few sign', async () => {
  const many = Array.from({ length: 20 }, (_, i) => [100 + i / 10, secret(i + 2)] as const)
  const { at } = await changed(secret(1), ...many)
  deepEqual(at(102 * HOUR_MS), [21, 20, 19, 18, 17].map(secret))
})

test('of one whose key was destroyed there is none', async () => {
  const { keys, ...parts } = await changed(null)
  await keys.destroy('webhook-w')
  await rejects(secretsOf('w', { keys, ...parts }), /was destroyed/)
})
