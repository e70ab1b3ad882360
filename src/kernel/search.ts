// Search: what a row's words are, and which rows a text means, the best first. A text becomes
// tiers, plain boolean questions from the narrowest to the widest; a row's rank is the first tier
// that it is in. Engines translate the questions, so that all give the same rows in the same order.
import { bytewise } from './bytewise.ts'
import type { Row, SearchWeight, Table } from './projection.ts'
import { isMeant, mistakesBetween, mistakesIn, wholeOf, wordsOf } from './search-words.ts'

/** A row's distinct words by what they count: whole codes, words of codes and names, of texts. */
export type SearchDocument = Readonly<Record<SearchWeight, readonly string[]>>

const DOCUMENT_WORDS_MAX = 1_000

export function searchDocument({ search = {} }: Table, row: Row): SearchDocument {
  const found = { code: new Set<string>(), name: new Set<string>(), text: new Set<string>() }
  for (const [column, weight] of Object.entries(search)) {
    const value = row[column]
    if (typeof value !== 'string') continue
    const words = wordsOf(value)
    if (weight === 'code' && words.length > 0) found.code.add(wholeOf(value))
    const into = weight === 'text' ? found.text : found.name
    for (const word of words) if (into.size < DOCUMENT_WORDS_MAX) into.add(word)
  }
  return { code: [...found.code], name: [...found.name], text: [...found.text] }
}

/** Words of a document that somebody who mistyped may have meant, each once. */
export const meantWords = ({ code, name, text }: SearchDocument): readonly string[] =>
  [...new Set([...code, ...name, ...text])].filter(isMeant)

/** One of these words, or one that begins so. */
export type Wanted = { readonly words: readonly string[]; readonly beginning: string | null }
export type Tier =
  | { readonly code: Wanted }
  /** All that is wanted, in what is named or in any text. */
  | { readonly all: readonly Wanted[]; readonly within: 'name' | 'any' }
export type Ranked = { readonly rank: number; readonly tier: Tier }
export type Search = {
  /** From the best. */
  readonly tiers: readonly Ranked[]
  /** Whoever is in one of the tiers is in one of these, which are the widest of them. */
  readonly widest: readonly Tier[]
}

const WORDS_MAX = 8

/** The text's words, the last perhaps unfinished; further ones are left out. */
const wantedWords = (text: string) => wordsOf(text).slice(0, WORDS_MAX)

/** As it is written; null: there is no word in it, and nothing to be found. */
export function searchFor(text: string): Search | null {
  const words = wantedWords(text)
  if (words.length === 0) return null
  const whole = wholeOf(text)
  const unfinished = words.map((word, at) => wanted([word], at === words.length - 1 ? word : null))
  const finished = words.map(wordOnly)
  const code: Tier = { code: { words: [], beginning: whole } }
  const any: Tier = { all: unfinished, within: 'any' }
  const tiers: readonly Tier[] = [
    { code: wordOnly(whole) },
    code,
    { all: finished, within: 'name' },
    { all: unfinished, within: 'name' },
    { all: finished, within: 'any' },
    any,
  ]
  return { tiers: tiers.map((tier, rank) => ({ rank, tier })), widest: [code, any] }
}

const wordOnly = (word: string): Wanted => wanted([word], null)

/** A beginning stands for all words that begin so. */
const wanted = (words: readonly string[], beginning: string | null): Wanted => ({
  words: beginning === null ? words : words.filter((word) => !word.startsWith(beginning)),
  beginning,
})

/** Words of the text that may have been mistyped, with how many mistakes. */
export const doubtfulWords = (text: string): readonly { word: string; mistakes: number }[] =>
  [...new Set(wantedWords(text))]
    .map((word) => ({ word, mistakes: mistakesIn(word) }))
    .filter(({ mistakes }) => mistakes > 0)

/** Ranks of forgiven mistakes begin here, behind all others. */
const FORGIVEN_RANK = 10
const NEAR_MAX = 20

/**
 * For a text that nothing has as it is written: words that were meant in the place of mistyped
 * ones. `known` has, by doubtful word, words that there are, at least all those near enough; null
 * where none is.
 */
export function searchNear(
  text: string,
  known: ReadonlyMap<string, readonly string[]>,
): Search | null {
  const words = wantedWords(text)
  const near = new Map([...known].map(([word, others]) => [word, nearestTo(word, others)] as const))
  const most = Math.max(0, ...[...near.values()].flat().map(({ mistakes }) => mistakes))
  if (most === 0) return null
  const tiers: Ranked[] = []
  for (let mistakes = 1; mistakes <= most; mistakes++) {
    const all = words.map((word, at) => {
      const meant = (near.get(word) ?? []).filter((one) => one.mistakes <= mistakes)
      const those = new Set([word, ...meant.map((one) => one.word)])
      return wanted([...those], at === words.length - 1 ? word : null)
    })
    for (const within of ['name', 'any'] as const)
      tiers.push({ rank: FORGIVEN_RANK + tiers.length, tier: { all, within } })
  }
  return { tiers, widest: [tiers.at(-1)!.tier] }
}

type Near = { readonly word: string; readonly mistakes: number }

function nearestTo(word: string, known: readonly string[]): readonly Near[] {
  const most = mistakesIn(word)
  return known
    .map((other) => ({ word: other, mistakes: mistakesBetween(word, other, most) }))
    .filter(({ mistakes }) => mistakes <= most)
    .sort((a, b) => a.mistakes - b.mistakes || bytewise(a.word, b.word))
    .slice(0, NEAR_MAX)
}

/** A row's rank in a search; null: it is not meant. What engines do with an index. */
export function rankIn(document: SearchDocument, { tiers }: Search): number | null {
  const found = tiers.find(({ tier }) => isIn(document, tier))
  return found?.rank ?? null
}

function isIn({ code, name, text }: SearchDocument, tier: Tier): boolean {
  if ('code' in tier) return has(code, tier.code)
  const among = tier.within === 'name' ? name : [...name, ...text]
  return tier.all.every((wanted) => has(among, wanted))
}

const has = (words: readonly string[], { words: wanted, beginning }: Wanted) =>
  words.some((word) => wanted.includes(word) || (beginning !== null && word.startsWith(beginning)))
