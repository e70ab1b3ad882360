// How a question goes, whatever the engine. A search: as it is written; where no row has that, with
// typing mistakes forgiven. What the rest of the question says plays no part in which of the two it
// is. Few rows are ranked together; where many are meant, tier by tier until the page is full, and
// very many in the order of an index, so that a single letter costs no more than a word.
import type { Find, Found, Row } from '#kernel/projection.ts'
import { doubtfulWords, type Search, searchFor, searchNear, type Tier } from '#kernel/search.ts'
import type { Hits } from './read-model-sql.ts'
import { InvalidQuery } from './read-models.ts'
import type { Shape } from './table-shape.ts'

/** From so many rows on it is not counted how many a search means, and tiers come by turns. */
export const BROAD = 1_000
/** From so many on, the rows of a tier are not gathered but looked for in the order asked for. */
export const WALKED = 4_000

export type Doubtful = ReturnType<typeof doubtfulWords>[number]
/** One row more than the limit where there is one. */
export type Page = {
  readonly rows: readonly Row[]
  readonly total: number | null
  readonly cursorBehind: (row: number) => string
}
type Steps = {
  readonly page: (query: Find, hits?: Hits) => Page | Promise<Page>
  /** Whether at least so many rows of the table are in one of the tiers. */
  readonly hasAtLeast: (rows: number, tiers: readonly Tier[]) => boolean | Promise<boolean>
  /** Words of the table that are near enough, and perhaps others. */
  readonly near: (doubtful: Doubtful) => readonly string[] | Promise<readonly string[]>
}

export async function found(shape: Shape, query: Find, steps: Steps): Promise<Found> {
  const { search } = query
  if (search === undefined) return foundOn(await steps.page(query), query.limit)
  if (!shape.searched) throw new InvalidQuery('search', `is not what ${shape.table} has`)
  if (typeof search.text !== 'string') throw new InvalidQuery('search', 'takes a text')
  const written = searchFor(search.text)
  if (written === null)
    return { items: [], total: query.total === true ? 0 : null, next_cursor: null }
  const answer = await searched(query, written, steps)
  if (answer.items.length > 0 || (answer.total ?? 0) > 0) return answer
  const doubtful = doubtfulWords(search.text)
  if (doubtful.length === 0 || (await steps.hasAtLeast(1, written.widest))) return answer
  const known = new Map<string, readonly string[]>()
  for (const one of doubtful) known.set(one.word, await steps.near(one))
  const forgiven = searchNear(search.text, known)
  return forgiven === null ? answer : searched(query, forgiven, steps)
}

function foundOn({ rows, total, cursorBehind }: Page, limit: number): Found {
  const items = rows.slice(0, limit)
  const more = rows.length > limit && items.length > 0
  return { items, total, next_cursor: more ? cursorBehind(items.length - 1) : null }
}

async function searched(query: Find, { tiers, widest }: Search, steps: Steps): Promise<Found> {
  const ranked = query.search?.ranked !== false
  const isBroad = await steps.hasAtLeast(BROAD, widest)
  if (!isBroad) {
    const hits: Hits = { any: widest, except: [], walked: false, ranks: ranked ? tiers : null }
    return foundOn(await steps.page(query, hits), query.limit)
  }
  const { limit, offset = 0, total: _, ...rest } = query
  const wanted = offset + limit + 1
  const rows: { readonly row: Row; readonly cursor: () => string }[] = []
  const parts = ranked ? tiers : [{ rank: null, tier: null }]
  for (const [at, { rank, tier }] of parts.entries()) {
    const any = tier === null ? widest : [tier]
    const hits: Hits = {
      any,
      except: ranked ? tiers.slice(0, at).map((earlier) => earlier.tier) : [],
      walked: await steps.hasAtLeast(WALKED, any),
      ranks: rank,
    }
    const page = await steps.page({ ...rest, limit: wanted - rows.length - 1 }, hits)
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
