// What is kept of a text that somebody else has written.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { beginningOf, hasUnseen, lengthTrouble, tidied } from './tidied.ts'

test('a text is kept in one spelling, without blanks around it', () => {
  equal(tidied(' cafe\u0301\t'), 'caf\u00e9')
})

test('a spelling that is longer than the one that was given is measured as it is kept', () => {
  const given = '\u0958'.repeat(3)
  deepEqual(
    [lengthTrouble(given, 3), lengthTrouble(tidied(given), 3)],
    [null, 'must have at most 3 characters'],
  )
  equal(lengthTrouble('😀😀😀', 3), null)
})

test('what nobody sees is found', () => {
  const unseen = ['a\u200bb', 'a\u202eb', 'a\u00adb', 'a\tb', 'a\u0085', '\ufeffa', 'a\u2028b']
  deepEqual(
    unseen.map(hasUnseen),
    unseen.map(() => true),
  )
  deepEqual(['a b', 'ÄÖ-7', '日本', 'ab😀', 'क'].map(hasUnseen), Array(5).fill(false))
})

test('what is cut is a text still', () => {
  deepEqual(
    [beginningOf('ab😀', 3), beginningOf('ab😀', 4), beginningOf('a\0b', 9), beginningOf('', 3)],
    ['ab\ufffd', 'ab😀', 'a\ufffdb', ''],
  )
})
