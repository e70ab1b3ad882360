// What may be stored, and how what was stored long ago is read.
import { deepEqual, equal, throws } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkEvent, eventTypes, InvalidEvent, lift, versionOf } from './event-types.ts'
import { integer, object, text } from './schema.ts'

const types = eventTypes({
  Weighed: {
    version: 3,
    data: object({ grams: integer(), by: text() }),
    upcast: {
      1: ({ kilos }: { kilos: number }) => ({ grams: kilos * 1_000 }),
      2: (data: { grams: number }) => ({ ...data, by: 'unknown' }),
    },
    samples: { 1: { kilos: 2 }, 2: { grams: 5 } },
  },
})

describe('event types', () => {
  test('data of every older version is lifted through all versions between', () => {
    deepEqual(lift(types, 'Weighed', 1, { kilos: 2 }), { grams: 2_000, by: 'unknown' })
    deepEqual(lift(types, 'Weighed', 2, { grams: 5 }), { grams: 5, by: 'unknown' })
    deepEqual(lift(types, 'Weighed', 3, { grams: 5, by: 'ada' }), { grams: 5, by: 'ada' })
  })
  test('a version without an upcaster is said so, a type that is not ours is left alone', () => {
    throws(() => lift(types, 'Weighed', 0, {}), /no upcaster from version 0/)
    deepEqual(lift(types, 'Elsewhere', 1, { a: 1 }), { a: 1 })
    deepEqual(lift(types, 'toString', 1, { a: 1 }), { a: 1 })
  })
  test('an unknown type and unfit data are refused before they are stored', () => {
    throws(() => checkEvent(types, 'Wayed', {}), InvalidEvent)
    throws(() => checkEvent(types, 'constructor', {}), InvalidEvent)
    throws(() => checkEvent(types, 'Weighed', { grams: 1.5, by: 'ada' }), /grams/)
    throws(() => checkEvent(types, 'Weighed', { grams: Number.NaN, by: 'ada' }), /grams/)
    throws(() => checkEvent(types, 'Weighed', { grams: 1, by: 'ada', more: 1 }), /more/)
  })
  test('a bug is named with what was wrong and what to do', () => {
    throws(() => checkEvent(types, 'Wayed', {}), {
      name: 'InvalidEvent',
      message: 'unknown event type Wayed; register it in its context',
    })
    throws(() => checkEvent(types, 'Weighed', { grams: 1 }), {
      name: 'InvalidEvent',
      message: 'Weighed does not fit its schema: {"by":"is required"}',
    })
  })
  test('what fits is answered with its type', () =>
    equal(checkEvent(types, 'Weighed', { grams: 1, by: 'ada' }), types.Weighed))
  test('a type without upcasters has its first version, and cannot be of an older one', () => {
    const first = eventTypes({ Opened: { data: object({}) } })
    equal(versionOf(first.Opened), 1)
    equal(versionOf(types.Weighed), 3)
    deepEqual(lift(first, 'Opened', 1, { a: 1 }), { a: 1 })
    throws(() => lift(first, 'Opened', 0, {}), {
      name: 'InvalidEvent',
      message: 'Opened has no upcaster from version 0',
    })
  })
})
