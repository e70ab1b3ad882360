// How SQLite goes about a search, and about a list. Few rows are gathered by the index of words;
// where there are many, rows are looked at in the order asked for until the page is full.
import type { Find } from '#kernel/projection.ts'
import { cursorAt, RANK } from '#storage/find-cursor.ts'
import { isIndexed } from '#storage/indexed-order.ts'
import { type Bind, findSql, isOfEach, type Source } from '#storage/read-model-sql.ts'
import type { Gathered, Hits, Page, Steps, Tied } from '#storage/search-steps.ts'
import type { Shape } from '#storage/table-shape.ts'
import {
  gathered,
  HIT_RANK,
  hitsAmong,
  hitsOf,
  near,
  ranksOf,
  walked,
} from './read-model-search.ts'
import type { Session } from './read-model-session.ts'
import { fromTable, sqliteDialect } from './read-model-sql.ts'
import { rowFrom } from './read-model-tables.ts'

export const searching = (session: Session, shape: Shape): Steps => ({
  list: (query) => page(session, shape, query, () => fromTable(shape)),
  fewerThan: (most, query, hits) => fewerThan(most, session, shape, query, hits),
  any: (query, hits) => anyOf(session, shape, query, hits),
  near: (doubtful) => near(session, shape, doubtful),
})

function page(
  { all, moment }: Session,
  shape: Shape,
  query: Find,
  from: (bind: Bind) => Source,
): Page {
  const sql = findSql(sqliteDialect, from, shape, query)
  const { columns, rest, values, count, order, signature, ranking } = sql
  const read = () => ({
    given: all({ text: `SELECT ${columns} ${rest}`, values }),
    total: query.total === true ? Number(all(count)[0]![0]) : null,
  })
  const { given, total } = query.total === true ? moment(read) : read()
  const rows = given.map((values) => rowFrom(shape, values))
  return {
    rows,
    total,
    cursorBehind(row) {
      const rank = isOfEach(ranking) ? Number(given[row]![shape.columns.length]) : ranking
      return cursorAt(signature, order, { ...rows[row]!, [RANK.name]: rank as number })
    },
  }
}

/** The index first, then its rows: what it said and what they say is of one moment. */
const fewerThan = (
  most: number,
  session: Session,
  shape: Shape,
  query: Find,
  hits: Hits,
): Gathered | null =>
  session.moment(() => {
    const ids = hitsOf(most, session, shape, hits)
    if (ids.length >= most) return null
    const { ranks } = hits
    if (typeof ranks !== 'object' || ranks === null)
      return {
        ...page(session, shape, query, gathered(shape, alike(ids), ranks)),
        meant: ids.length,
      }
    const from = gathered(shape, ranksOf(session, shape, ids, ranks), { each: HIT_RANK })
    return { ...page(session, shape, query, from), meant: ids.length }
  })

const alike = (ids: readonly number[]) => new Map(ids.map((id) => [id, 0]))

/** From so many on, rows are not gathered but looked for in the order asked for. */
const WALKED = 4_000
/** So many rows are looked at one by one, if the page is likely to be full by then. */
const STROLLED = 1_500

function anyOf(session: Session, shape: Shape, query: Find, hits: Tied): Page {
  return session.moment(() => {
    const gather = (ids: readonly number[]) =>
      page(session, shape, query, gathered(shape, alike(ids), hits.ranks))
    const ids = hitsOf(WALKED, session, shape, hits)
    if (ids.length < WALKED) return gather(ids)
    // Numbers are given one after the other, so the last tells how far apart hits are.
    const likely = Math.ceil((2 * (query.limit + 1) * ids.at(-1)!) / WALKED)
    if (likely <= STROLLED && isIndexed(shape, query)) {
      const first = hitsAmong(likely, session, shape, query, hits)
      if (first.length > query.limit) return gather(first.slice(0, query.limit + 1))
    }
    return page(session, shape, query, walked(shape, hits))
  })
}
