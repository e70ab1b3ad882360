// Words as searches compare them, and mistakes in them: what the examples of the engines cannot
// show by themselves.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { mistakesBetween, mistakesIn, partsOf, wholeOf, wordsOf } from './search-words.ts'

const seed = process.env.SEED === undefined ? {} : { seed: Number(process.env.SEED) }
const word = fc.string({
  unit: fc.constantFrom('a', 'b', 'c', 'd', 'ä', '灯', '😀'),
  maxLength: 12,
})

describe('words', () => {
  test('lose case, accents, ligatures and what divides them', () => {
    deepEqual(wordsOf("Women's „Straße“, Ærø: İSTANBUL ﬁne-tuned Ωμέγας x²"), [
      ...['womens', 'strasse', 'aero', 'istanbul', 'fine', 'tuned', 'ωμεγασ', 'x2'],
    ])
    equal(wholeOf('WID-001 / b'), 'wid001b')
    deepEqual(wordsOf('?!'), [])
    equal(wordsOf('x'.repeat(100))[0]?.length, 40)
  })
  test('are the same words however often they are taken', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
        const words = wordsOf(text)
        deepEqual(wordsOf(words.join(' ')), words)
        for (const one of words) ok(/^[^\s'"*:()&|!\\\0]+$/.test(one), JSON.stringify(one))
      }),
      seed,
    )
  })
})

describe('mistakes', () => {
  test('are forgiven by the length of a word, and never in one with digits', () => {
    deepEqual(['rod', 'lamp', 'lantern', 'lanterns', 'l4ntern', '灯籠灯籠'].map(mistakesIn), [
      ...[0, 1, 1, 2, 0, 1],
    ])
  })
  test('are letters put in, left out, mistaken or swapped', () => {
    const vectors: [string, string, number][] = [
      ['lamp', 'lamp', 0],
      ['lamp', 'lmap', 1],
      ['lamp', 'lamps', 1],
      ['lamp', 'amp', 1],
      ['lamp', 'limp', 1],
      ['lamp', 'malp', 2],
      ['lamp', 'apl', 3],
      ['😀a', 'a😀', 1],
      ['', 'ab', 2],
    ]
    for (const [one, other, mistakes] of vectors) {
      equal(mistakesBetween(one, other, 9), mistakes, `${one} ${other}`)
      equal(mistakesBetween(other, one, 2), Math.min(mistakes, 3), `${other} ${one}`)
    }
  })
  test('are counted alike, however many are asked for', () => {
    fc.assert(
      fc.property(word, word, fc.integer({ min: 0, max: 3 }), (one, other, most) => {
        const all = mistakesBetween(one, other, 20)
        equal(mistakesBetween(one, other, most), Math.min(all, most + 1))
        equal(mistakesBetween(other, one, 20), all)
      }),
      { ...seed, numRuns: 2_000 },
    )
  })
  test('leave one part of a word whole, where it was', () => {
    const edit = fc.record({ at: fc.nat(20), kind: fc.constantFrom(0, 1, 2, 3) })
    const long = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', 'd'),
      minLength: 4,
      maxLength: 14,
    })
    fc.assert(
      fc.property(long, fc.array(edit, { minLength: 1, maxLength: 2 }), (one, edits) => {
        const letters = [...one]
        for (const { at, kind } of edits.slice(0, mistakesIn(one))) {
          const place = at % letters.length
          if (kind === 3) letters.splice(place, 2, ...letters.slice(place, place + 2).reverse())
          else letters.splice(place, kind === 0 ? 0 : 1, ...(kind === 1 ? [] : ['x']))
        }
        const other = letters.join('')
        const parts = partsOf(one, mistakesIn(one))
        const between = parts.slice(1, -1).some((part) => other.includes(part))
        ok(
          other.startsWith(parts[0]!) || other.endsWith(parts.at(-1)!) || between,
          `${one} ${other}`,
        )
      }),
      { ...seed, numRuns: 3_000 },
    )
  })
})
