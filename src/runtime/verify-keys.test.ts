// Lost, destroyed, back, another: what verify says of the keys of persons.
import { deepEqual, equal, match } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { eventTypes } from '#kernel/event-types.ts'
import { id, object, text } from '#kernel/schema.ts'
import type { EventLog } from '#storage/event-log.ts'
import { KEY_BYTES, type KeyRing } from '#storage/key-ring.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { BLINDING_SUBJECT, personalData } from './personal.ts'
import { verifyKeys } from './verify-keys.ts'

const subject = ({ who }: { readonly who: string }) => who
const types = eventTypes({
  Met: { data: object({ who: id(), name: text() }), personal: { fields: ['name'], subject } },
  Gone: { data: object({ who: id() }), forgets: subject, isGone: true },
  Going: { data: object({ who: id() }), forgets: subject },
})
let log: EventLog
let keys: KeyRing
let count = 0
beforeEach(async () => {
  log = await openEventLog()
  keys = await openKeyRing()
})

async function happened(type: keyof typeof types, data: object, claims = false) {
  const event_id = `01980000-0000-7000-8000-${String(++count).padStart(12, '0')}`
  const personal = personalData(types, keys, 0)
  const [event] = await personal.seal([{ event_id, type, data }])
  const { who } = data as { who: string }
  const owner = `person-${who}`
  const value = claims ? (await personal.blinder())('email', who) : ''
  const written = { event_id, event_type: type, event_version: 1, data: event!.data, metadata: {} }
  const verdict = await log.append({
    writes: [{ stream: owner, expected: 'any', events: [written] }],
    ...(claims ? { claims: [{ scope: 'email', value, owner }] } : {}),
  })
  equal(verdict.ok, true)
}

/** The same keys, but for what is taken away or put in the place of one. */
async function without(subject: string, other?: Buffer) {
  const page = new Map(await keys.page('', 1_000))
  page.delete(subject)
  if (other !== undefined) page.set(subject, other)
  keys = await openKeyRing()
  await keys.restore(page)
}

async function said() {
  const { compared, differing, differences } = await verifyKeys({
    log,
    types,
    personal: personalData(types, keys, 0),
  })
  equal(differing, differences.length)
  return {
    compared,
    why: differences.map(({ key, live }) => `${key}: ${String((live as { why: string }).why)}`),
  }
}

describe('verify', () => {
  test('finds nothing where every key is here or was destroyed', async () => {
    for (const who of ['ann', 'bob', 'carl']) await happened('Met', { who, name: who }, true)
    await keys.destroy('bob')
    await happened('Gone', { who: 'bob' })
    // Told of after that: sealed for nobody.
    await happened('Met', { who: 'bob', name: 'still bob' })
    deepEqual(await said(), { compared: 4, why: [] })
  })

  test('names whoever lost a key, once', async () => {
    for (const who of ['ann', 'bob', 'bob', 'carl']) await happened('Met', { who, name: who })
    await without('bob')
    const { why } = await said()
    equal(why.length, 1)
    match(why[0]!, /^bob: its key is lost/)
  })

  test('names the key that blinds, when it is lost', async () => {
    await happened('Met', { who: 'ann', name: 'ann' }, true)
    await without(BLINDING_SUBJECT)
    match((await said()).why[0]!, /^#blinding: its key is lost/)
  })

  test('names who was forgotten and is readable again, unless that is being mended', async () => {
    await happened('Met', { who: 'ann', name: 'ann' })
    await happened('Going', { who: 'ann' })
    deepEqual((await said()).why, [])
    await happened('Gone', { who: 'ann' })
    match((await said()).why[0]!, /^ann: its key is back/)
    await happened('Going', { who: 'ann' })
    deepEqual((await said()).why, [])
  })

  test('names whose key is another than the one that sealed', async () => {
    await happened('Met', { who: 'ann', name: 'ann' })
    await happened('Met', { who: 'bob', name: 'bob' })
    await without('ann', randomBytes(KEY_BYTES))
    const { why } = await said()
    deepEqual(why, ['ann: event 1 was sealed with another key than is here'])
  })
})
