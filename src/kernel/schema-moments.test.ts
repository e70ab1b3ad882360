// What schemas take at the edges of what can be kept.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { check, day, instant } from './schema.ts'

test('an instant is a moment that every clock and every store can hold', () => {
  for (const good of [
    '0001-01-01T00:00:00Z',
    '2026-02-28T23:59:59.999999999Z',
    '2024-02-29T00:00:00+05:30',
    '9999-12-31T23:59:59.999Z',
  ]) {
    equal(check(instant(), good).ok, true, good)
    equal(new Date(good).toISOString().length, 24, good)
  }
  const bad = [
    '2026-06-30T23:59:60Z',
    '2026-02-29T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:00:00',
    '2026-01-01',
    '0000-12-31T23:59:59Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '+010000-01-01T00:00:00Z',
    ' 2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00Z\n',
  ]
  deepEqual(
    bad.filter((text) => check(instant(), text).ok),
    [],
  )
})

test('a day is one of the calendar, from year 1', () => {
  for (const good of ['0001-01-01', '2024-02-29', '9999-12-31'])
    equal(check(day(), good).ok, true, good)
  const bad = ['0000-01-01', '2026-02-29', '2026-13-01', '2026-1-1', '2026-01-01T00:00:00Z', '']
  deepEqual(
    bad.filter((text) => check(day(), text).ok),
    [],
  )
})
