// The words that decisions are made of: how streams are named, read and written, and what a
// decision says.
import { deepEqual, equal, throws } from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  accept,
  aggregate,
  ask,
  command,
  evolve,
  invalid,
  merged,
  noSuch,
  reject,
  type Write,
} from './decider.ts'
import { eventTypes } from './event-types.ts'
import { partsOf, type Recorded, streamOf } from './message.ts'
import { integer, object } from './schema.ts'

const scale = aggregate({
  type: 'scale',
  state_version: 1,
  events: eventTypes({ Weighed: { data: object({ grams: integer() }) } }),
  initial: 0,
  evolve: {
    Weighed: (total, { grams }, { position }) => total + grams * position,
  },
})

describe('a stream', () => {
  test('is written under `at`, only relied on under `seen`, by one name', () => {
    const { stream, mode, aggregate } = scale.at('a-1')
    deepEqual([stream, mode, aggregate.type], ['scale-a-1', 'write', 'scale'])
    const seen = scale.seen('a-1')
    deepEqual([seen.stream, seen.mode, seen.aggregate], ['scale-a-1', 'read', aggregate])
    deepEqual(scale.write('a-1', []), { stream: 'scale-a-1', events: [] })
  })
  test('has a name that divides at its first hyphen', () => {
    const parts = { aggregate_type: 'order', aggregate_id: '01-02-03' }
    deepEqual(partsOf(streamOf('order', '01-02-03')), parts)
  })
  test('has facts that say when they happened only where that is told', () => {
    deepEqual(scale.event('Weighed', { grams: 1 }), { type: 'Weighed', data: { grams: 1 } })
    const occurred_at = '2010-12-01T08:26:00.000Z'
    deepEqual(scale.event('Weighed', { grams: 1 }, occurred_at), {
      type: 'Weighed',
      data: { grams: 1 },
      occurred_at,
    })
  })
  test('is folded by the name of the event, which may know its own facts', () => {
    const recorded = { event_type: 'Weighed', data: { grams: 2 }, position: 10 }
    equal(evolve(scale.at('a').aggregate, 5, recorded as Recorded), 25)
  })
  test('an event that the aggregate does not know is named with its position', () =>
    throws(
      () => evolve(scale.at('a').aggregate, 0, { event_type: 'Sold', position: 7 } as Recorded),
      /^Error: scale cannot evolve Sold at position 7$/,
    ))
})

describe('what is written', () => {
  const fact = (grams: number) => scale.event('Weighed', { grams })
  test('keeps the order of the streams and of the events, and changes no argument', () => {
    const first = scale.write('a', [fact(1)])
    const writes: readonly Write[] = [
      first,
      scale.write('b', [fact(2)]),
      scale.write('a', [fact(3), fact(4)]),
    ]
    deepEqual(merged(writes), [
      scale.write('a', [fact(1), fact(3), fact(4)]),
      scale.write('b', [fact(2)]),
    ])
    equal(first.events.length, 1)
  })
  test('is nothing where nothing happened', () => deepEqual(merged([scale.write('a', [])]), []))
})

describe('a decision', () => {
  test('accepts, with claims where something has to stay unique', () => {
    const claims = [{ scope: 'code', value: 'a', owner: 'scale-a' }]
    deepEqual(accept([], { id: 'a' }, { claims }), {
      accepted: true,
      writes: [],
      response: { id: 'a' },
      claims,
    })
  })
  test('asks for what it lacks', () => {
    const refs = [scale.at('a')]
    deepEqual(ask(refs), { ask: refs })
  })
  test('refuses, with what the sender should know', () => {
    deepEqual(reject('full', 'It is full.', { details: { max: 3 } }), {
      rejected: { code: 'full', message: 'It is full.', details: { max: 3 } },
    })
    deepEqual(invalid({ name: 'is too long' }), {
      rejected: {
        code: 'validation_failed',
        message: 'Some fields are not acceptable.',
        errors: { name: 'is too long' },
      },
    })
  })
  test('names twenty fields at most', () => {
    const wrong = Array.from({ length: 21 }, (_, i) => [`items.${i}.quantity`, 'is too large'])
    const { errors } = invalid(Object.fromEntries(wrong)).rejected
    deepEqual(errors, Object.fromEntries(wrong.slice(0, 20)))
  })
  test('says that what a command names is not there', () => {
    const message = 'There is no scale 7.'
    deepEqual(noSuch('scale', '7'), { rejected: { code: 'not_found', message } })
  })
  test('is made by a command as it was defined', () => {
    const definition = {
      type: 'Weigh',
      input: object({}),
      reads: () => [],
      decide: () => accept([], {}),
      answer: object({}),
    }
    equal(command(definition), definition)
  })
})
