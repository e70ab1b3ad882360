// The list of all event types: every one of every context, and no name twice.
import { deepEqual, equal, throws } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Context, eventTypesOf } from './context.ts'
import { aggregate } from './decider.ts'
import { type EventTypes, eventTypes } from './event-types.ts'
import { integer, object } from './schema.ts'

const opened = eventTypes({ Opened: { data: object({ at: integer() }) } })
const closed = eventTypes({ Closed: { data: object({}) }, Locked: { data: object({}) } })

const context = (...types: readonly EventTypes[]): Context => ({
  name: 'doors',
  aggregates: types.map((events, i) =>
    aggregate({
      type: `door${i}`,
      state_version: 1,
      events,
      initial: null,
      evolve: Object.fromEntries(Object.keys(events).map((name) => [name, () => null])),
    }),
  ),
  commands: [],
  projections: [],
  queries: [],
})

describe('the event types of all contexts', () => {
  test('are those of every aggregate of every context', () => {
    const all = eventTypesOf([context(opened, closed), context()])
    deepEqual(Object.keys(all).sort(), ['Closed', 'Locked', 'Opened'])
    equal(all.Opened, opened.Opened)
    deepEqual({ ...eventTypesOf([]) }, {})
  })
  test('may be shared by two streams, if they are the same', () => {
    deepEqual(Object.keys(eventTypesOf([context(opened), context(opened)])), ['Opened'])
  })
  test('are never two under one name, also in different contexts', () => {
    const other = eventTypes({ Opened: { data: object({ at: integer() }) } })
    throws(
      () => eventTypesOf([context(opened), context(other)]),
      /two event types are named Opened/,
    )
  })
  test('may be called like something that every object has', () => {
    const odd = eventTypes({ toString: { data: object({}) } })
    deepEqual(Object.keys(eventTypesOf([context(odd)])), ['toString'])
  })
})
