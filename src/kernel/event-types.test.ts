// What may be stored, and how what was stored long ago is read.
import { deepEqual, throws } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accept, aggregate, evolve, merged, reject } from './decider.ts'
import { checkEvent, eventTypes, InvalidEvent, lift } from './event-types.ts'
import { partsOf, type Recorded, streamOf } from './message.ts'
import { check, integer, list, object, optional, text } from './schema.ts'

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
})

describe('schemas', () => {
  const order = object({ items: list(object({ quantity: integer({ min: 1 }) }), { min: 1 }) })
  test('tell all wrong fields together, by their paths', () => {
    const checked = check(object({ a: integer(), b: text(), c: optional(text()) }), {
      a: 'x',
      d: 1,
    })
    deepEqual(checked, {
      ok: false,
      errors: Object.assign(Object.create(null), {
        a: 'must be integer',
        b: 'is required',
        d: 'is not a known field',
      }),
    })
    const items = check(order, { items: [{ quantity: 1 }, { quantity: 0 }] })
    deepEqual(items.ok || Object.keys(items.errors), ['items.1.quantity'])
  })
  test('never more than twenty', () => {
    const items = Array.from({ length: 50 }, () => ({ quantity: 0 }))
    const checked = check(order, { items })
    deepEqual(checked.ok || Object.keys(checked.errors).length, 20)
  })
  test('a number that is none, and one beyond 2^53, are no integers', () => {
    for (const quantity of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1.5, '1', null])
      deepEqual(check(order, { items: [{ quantity }] }).ok, false, String(quantity))
  })
})

describe('deciding', () => {
  const scale = aggregate({
    type: 'scale',
    state_version: 1,
    events: types,
    initial: 0,
    evolve: { Weighed: (total, { grams }) => total + grams },
  })
  test('writes to one stream become one, in order; empty ones go', () => {
    const weighed = (grams: number) => scale.event('Weighed', { grams, by: 'ada' })
    const writes = merged([
      scale.write('a', [weighed(1)]),
      scale.write('b', []),
      scale.write('c', [weighed(2)]),
      scale.write('a', [weighed(3)]),
    ])
    deepEqual(
      writes.map(({ stream, events }) => [stream, events.length]),
      [
        ['scale-a', 2],
        ['scale-c', 1],
      ],
    )
  })
  test('an event that the aggregate does not know is an error, not a silence', () =>
    throws(
      () => evolve(scale.at('a').aggregate, 0, { event_type: 'Sold' } as Recorded),
      /cannot evolve/,
    ))
  test('a stream’s name divides at its first hyphen', () => {
    const parts = { aggregate_type: 'order', aggregate_id: '01-02-03' }
    deepEqual(partsOf(streamOf('order', '01-02-03')), parts)
  })
  test('accepting and rejecting are values', () => {
    deepEqual(accept([], { a: 1 }), { accepted: true, writes: [], response: { a: 1 } })
    deepEqual(reject('no', 'No.'), { rejected: { code: 'no', message: 'No.' } })
  })
})
