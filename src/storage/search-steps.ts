// How a search goes, whatever the engine: as it is written; where no row has that, with typing
// mistakes forgiven. What the rest of the question says plays no part in which of the two it is.
import type { Find, Found } from '#kernel/projection.ts'
import { doubtfulWords, type Search, searchFor, searchNear } from '#kernel/search.ts'
import { InvalidQuery } from './read-models.ts'
import type { Shape } from './table-shape.ts'

export type Doubtful = ReturnType<typeof doubtfulWords>[number]
type Steps = {
  readonly find: (search?: Search) => Found | Promise<Found>
  /** Whether any row of the table is meant. */
  readonly hasAny: (search: Search) => boolean | Promise<boolean>
  /** Words of the table that are near enough, and perhaps others. */
  readonly near: (doubtful: Doubtful) => readonly string[] | Promise<readonly string[]>
}

export async function found(shape: Shape, query: Find, steps: Steps): Promise<Found> {
  const { search, total } = query
  if (search === undefined) return steps.find()
  if (!shape.searched) throw new InvalidQuery('search', `is not what ${shape.table} has`)
  if (typeof search.text !== 'string') throw new InvalidQuery('search', 'takes a text')
  const written = searchFor(search.text)
  if (written === null) return { items: [], total: total === true ? 0 : null, next_cursor: null }
  const rows = await steps.find(written)
  if (rows.items.length > 0 || (rows.total ?? 0) > 0) return rows
  const doubtful = doubtfulWords(search.text)
  if (doubtful.length === 0 || (await steps.hasAny(written))) return rows
  const known = new Map<string, readonly string[]>()
  for (const one of doubtful) known.set(one.word, await steps.near(one))
  const forgiven = searchNear(search.text, known)
  return forgiven === null ? rows : steps.find(forgiven)
}
