// Words of a text as searches compare them: letters and digits without case, accents and ligatures.
// Every engine stores what this file makes of a text, so that all of them find the same.

/**
 * Raise it when the words of a text, or how an engine keeps them, change: tables with a search are
 * then built anew.
 */
export const WORDS_VERSION = 2

const WORD_MAX = 40
/** What of a text is looked at. */
const TEXT_MAX = 20_000

/** The words of a text, as they stand. */
export const wordsOf = (text: string): readonly string[] =>
  (folded(text).match(WORDS) ?? []).map(cut)

/** All letters and digits as one word: a code, however it is divided. */
export const wholeOf = (text: string): string => cut((folded(text).match(WORDS) ?? []).join(''))

const WORDS = /[\p{L}\p{N}\p{M}]+/gu

const cut = (word: string) =>
  word.length <= WORD_MAX ? word : [...word].slice(0, WORD_MAX).join('')

function folded(text: string): string {
  const some = text.slice(0, TEXT_MAX)
  if (ASCII.test(some)) return some.toLowerCase().replaceAll("'", '')
  return some
    .toWellFormed()
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(ACCENTS_AND_APOSTROPHES, '')
    .replaceAll(LIGATURES, (letter) => SPELLED[letter]!)
    .normalize('NFC')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what is ASCII, and no more
const ASCII = /^[\x00-\x7f]*$/
const ACCENTS_AND_APOSTROPHES = /[\u0300-\u036f'\u2018\u2019\u02bc\u00ad]/g
/** What no normal form takes apart. */
const SPELLED: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ł: 'l',
  þ: 'th',
  ı: 'i',
  ς: 'σ',
}
const LIGATURES = new RegExp(`[${Object.keys(SPELLED).join('')}]`, 'g')

// ── mistakes ──────────────────────────────────────────────────────────────────────────────────

/** How many typing mistakes a word may have; none with digits, which are no mistakes but others. */
export function mistakesIn(word: string): number {
  if (/[0-9]/.test(word)) return 0
  const { length } = [...word]
  return length < 4 ? 0 : length < 8 ? 1 : 2
}

/** Whether a word is one that a mistaken one may have meant. */
export const isMeant = (word: string): boolean => !/[0-9]/.test(word) && [...word].length > 1

/**
 * Parts of a word of which at least one stands in each word within so many mistakes of it: the
 * first at its beginning, the last at its end, one between anywhere. A letter between two parts is
 * left out, so that two swapped letters spoil one part only.
 */
export function partsOf(word: string, mistakes: number): readonly string[] {
  const letters = [...word]
  const parts = mistakes + 1
  const size = (letters.length - mistakes) / parts
  return Array.from({ length: parts }, (_, at) => {
    const from = Math.floor(at * size) + at
    return letters.slice(from, Math.floor((at + 1) * size) + at).join('')
  })
}

/** Letters put in, left out, mistaken or swapped with their neighbour; beyond `most`: most + 1. */
export function mistakesBetween(one: string, other: string, most: number): number {
  const [a, b] = [[...one], [...other]]
  const far = most + 1
  if (Math.abs(a.length - b.length) > most) return far
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    // Further off the diagonal there are more mistakes than are asked for.
    const [first, last] = [Math.max(1, i - most), Math.min(b.length, i + most)]
    const row = new Array<number>(b.length + 1).fill(far)
    if (first === 1) row[0] = i
    let least = row[0]!
    for (let j = first; j <= last; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let here = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        here = Math.min(here, before[j - 2]! + 1)
      row[j] = here
      if (here < least) least = here
    }
    if (least > most) return far
    before = above
    above = row
  }
  return Math.min(above[b.length]!, far)
}
