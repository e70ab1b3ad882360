// How a question goes, whatever the engine. A search: as it is written; where no row has that, with
// typing mistakes forgiven. What the rest of the question says plays no part in which of the two it
// is. Few rows are ranked together; where many are meant, tier by tier until the page is full.
import type { Find, Found, Row } from '#kernel/projection.ts'
import {
  doubtfulWords,
  type Ranked,
  type Search,
  searchFor,
  searchNear,
  type Tier,
} from '#kernel/search.ts'
import { InvalidQuery } from './read-models.ts'
import type { Shape } from './table-shape.ts'

/** From so many rows on it is not counted how many a search means, and tiers come by turns. */
export const BROAD = 1_000
/** Hits further on are reached by a cursor: to skip them, each would have to be looked up. */
export const SKIPPED_MAX = 10_000

/** Which rows of a search are asked for: those in one of `any` and in none of `except`. */
export type Hits = {
  readonly any: readonly Tier[]
  readonly except: readonly Tier[]
  /** How they rank: each by these, all the same, or not at all. */
  readonly ranks: readonly Ranked[] | number | null
}
/** They all rank the same. */
export type Tied = Hits & { readonly ranks: number | null }
export type Doubtful = ReturnType<typeof doubtfulWords>[number]
/** One row more than the limit where there is one. */
export type Page = {
  readonly rows: readonly Row[]
  readonly total: number | null
  readonly cursorBehind: (row: number) => string
}
/** `meant`: how many the search means, whatever the rest of the question says. */
export type Gathered = Page & { readonly meant: number }
export type Steps = {
  readonly list: (query: Find) => Page | Promise<Page>
  /** null where so many are meant, or more. */
  readonly fewerThan: (most: number, query: Find, hits: Hits) => Maybe<Gathered>
  /** However many are meant; the total is not asked for. */
  readonly any: (query: Find, hits: Tied) => Page | Promise<Page>
  /** Words of the table that are near enough, and perhaps others. */
  readonly near: (doubtful: Doubtful) => readonly string[] | Promise<readonly string[]>
}
type Maybe<T> = T | null | Promise<T | null>

export async function found(shape: Shape, query: Find, steps: Steps): Promise<Found> {
  const { search } = query
  if (search === undefined) return foundOn(await steps.list(query), query.limit)
  if (!shape.searched) throw new InvalidQuery('search', `is not what ${shape.table} has`)
  if (typeof search.text !== 'string') throw new InvalidQuery('search', 'takes a text')
  if ((query.offset ?? 0) > SKIPPED_MAX)
    throw new InvalidQuery(
      'offset',
      `skips at most ${SKIPPED_MAX} hits of a search; go on by cursor`,
    )
  const written = searchFor(search.text)
  if (written === null)
    return { items: [], total: query.total === true ? 0 : null, next_cursor: null }
  const { answer, meant } = await searched(query, written, steps)
  const doubtful = meant ? [] : doubtfulWords(search.text)
  if (doubtful.length === 0) return answer
  const known = new Map<string, readonly string[]>()
  for (const one of doubtful) known.set(one.word, await steps.near(one))
  const forgiven = searchNear(search.text, known)
  return forgiven === null ? answer : (await searched(query, forgiven, steps)).answer
}

function foundOn({ rows, total, cursorBehind }: Page, limit: number): Found {
  const items = rows.slice(0, limit)
  const more = rows.length > limit && items.length > 0
  return { items, total, next_cursor: more ? cursorBehind(items.length - 1) : null }
}

type Searched = { readonly answer: Found; readonly meant: boolean }

async function searched(query: Find, search: Search, steps: Steps): Promise<Searched> {
  const ranks = query.search?.ranked === false ? null : search.tiers
  const few = await steps.fewerThan(BROAD, query, { any: search.widest, except: [], ranks })
  return few === null
    ? { answer: await byTurns(query, search, steps), meant: true }
    : { answer: foundOn(few, query.limit), meant: few.meant > 0 }
}

async function byTurns(query: Find, { tiers, widest }: Search, steps: Steps): Promise<Found> {
  const ranked = query.search?.ranked !== false
  const { limit, offset = 0, total: _, ...rest } = query
  const wanted = offset + limit + 1
  const rows: { readonly row: Row; readonly cursor: () => string }[] = []
  const parts = ranked ? tiers : [{ rank: null, tier: null }]
  for (const [at, { rank, tier }] of parts.entries()) {
    const any = tier === null ? widest : [tier]
    const except = ranked ? tiers.slice(0, at).map((earlier) => earlier.tier) : []
    const asked = { ...rest, limit: wanted - rows.length - 1 }
    const page = await steps.any(asked, { any, except, ranks: rank })
    rows.push(...page.rows.map((row, i) => ({ row, cursor: () => page.cursorBehind(i) })))
    if (rows.length >= wanted) break
  }
  const items = rows.slice(offset, offset + limit)
  const more = rows.length > offset + limit && items.length > 0
  const isAll = !more && offset === 0 && query.cursor === undefined && limit > 0
  return {
    items: items.map(({ row }) => row),
    total: query.total === true && isAll ? items.length : null,
    next_cursor: more ? items.at(-1)!.cursor() : null,
  }
}
