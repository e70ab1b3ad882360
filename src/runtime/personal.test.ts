// What tells of a person in an event: sealed from the version on that says so, forgotten before it
// too, and left alone where it is nobody's.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { type EventTypes, eventTypes, versionOf } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { nullable, object, text } from '#kernel/schema.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { BLINDING_SUBJECT, personalData } from './personal.ts'
import { verifyKeys } from './verify-keys.ts'

const subject = ({ who }: { readonly who: string | null }) => who
const types: EventTypes = eventTypes({
  Left: {
    version: 3,
    data: object({ who: nullable(text()), why: text() }),
    upcast: {
      1: ({ who }: { who: string }) => ({ who, why: 'unknown' }),
      2: (data: unknown) => data,
    },
    samples: { 1: { who: 'ann' }, 2: { who: 'ann', why: 'tired' } },
    personal: { fields: ['why'], subject, since: 3 },
  },
})

const ID = '01980000-0000-7000-8000-0000000000e1'
let keys: KeyRing
beforeEach(async () => {
  keys = await openKeyRing()
})
const event = (event_version: number, who: string | null, why: string) =>
  ({
    ...{ position: 1, version: 1, event_id: ID, event_type: 'Left', event_version },
    ...{ aggregate_type: 'person', aggregate_id: 'p', metadata: {}, data: { who, why } },
    ...{ occurred_at: '2026-03-02T10:00:00.000Z', timestamp: '2026-03-02T10:00:00.000Z' },
  }) satisfies Recorded
const whyOf = async (...events: readonly Recorded[]) =>
  (await personalData(types, keys).open(events)).map(({ data }) => (data as { why: string }).why)
const sealed = async (who: string | null, why: string) => {
  const [one] = await personalData(types, keys).seal([{ ...event(3, who, why), type: 'Left' }])
  return { ...event(3, who, ''), data: one!.data }
}

describe('a field that became personal later', () => {
  test('is sealed from then on, and readable before and after', async () => {
    const now = await sealed('ann', 'moved to York')
    match((now.data as { why: string }).why, /^sealed:/)
    const events = [event(2, 'ann', 'tired'), now, event(2, 'bob', 'bored')]
    deepEqual(await whyOf(...events), ['tired', 'moved to York', 'bored'])
  })

  test('is shown of nobody who was forgotten, also where it was stored in clear', async () => {
    const now = await sealed('ann', 'moved to York')
    await keys.destroy('ann')
    const events = [event(2, 'ann', 'tired'), now, event(2, 'bob', 'bored')]
    deepEqual(await whyOf(...events), [null, null, 'bored'])
  })

  test('asks for no key where it was stored in clear: nobody’s is lost', async () => {
    const log = await openEventLog()
    const { event_id, event_type, event_version, data, metadata } = event(2, 'bob', 'bored')
    const events = [{ event_id, event_type, event_version, data, metadata }]
    await log.append({ writes: [{ stream: 'person-p', expected: 'none', events }] })
    const personal = personalData(types, keys, 0)
    const { compared, differing } = await verifyKeys({ log, types, personal })
    deepEqual([compared, differing], [0, 0])
  })
})

test('what is blinded is an HMAC as any other program would make it', async () => {
  const blind = await personalData(types, keys).blinder()
  const key = (await keys.find([BLINDING_SUBJECT])).get(BLINDING_SUBJECT)!
  for (const text of ['', 'ann@example.com', 'ä'.repeat(100), 'x'.repeat(10_000)]) {
    const other = createHmac('sha256', key).update(`email\n${text}`).digest('base64url')
    equal(blind('email', text), `blind:${other}`)
  }
})

test('what is nobody’s is stored as it is, and makes no key', async () => {
  const now = await sealed(null, 'torn')
  deepEqual(now.data, { who: null, why: 'torn' })
  deepEqual(await whyOf(now), ['torn'])
  equal((await keys.page('', 10)).size, 0)
  ok(versionOf(types.Left!) === 3)
})
