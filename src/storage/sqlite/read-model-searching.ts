// How SQLite goes about a search, and about a list. Few rows are gathered by the index of words;
// where there are many, rows are looked at in the order asked for until the page is full.
import type { SQLInputValue } from 'node:sqlite'
import type { Find } from '#kernel/projection.ts'
import { cursorAt, RANK } from '#storage/find-cursor.ts'
import { isIndexed } from '#storage/indexed-order.ts'
import { type Bind, type FindSql, findSql, isOfEach, type Source } from '#storage/read-model-sql.ts'
import type { Gathered, Hits, Page, Steps, Tied } from '#storage/search-steps.ts'
import type { Shape } from '#storage/table-shape.ts'
import { waysFor } from './read-model-common.ts'
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
  list: (query) => listed(session, shape, query),
  fewerThan: (most, query, hits) => fewerThan(most, session, shape, query, hits),
  any: (query, hits) => anyOf(session, shape, query, hits),
  near: (doubtful) => near(session, shape, doubtful),
})

type Asked = FindSql<SQLInputValue>
const asked = (shape: Shape, query: Find, from: (bind: Bind) => Source, dialect = sqliteDialect) =>
  findSql(dialect, from, shape, query)

function listed(session: Session, shape: Shape, query: Find): Page {
  const from = () => fromTable(shape)
  // Throws where a condition is wrong.
  const plain = asked(shape, query, from)
  return session.moment(() => {
    const ways = waysFor(session, shape, query)
    const sql = ways.page === null ? plain : asked(shape, query, from, ways.page)
    const { count } = ways.count === null ? plain : asked(shape, query, from, ways.count)
    return page(session, shape, query, { ...sql, count })
  })
}

function page({ all, moment }: Session, shape: Shape, query: Find, sql: Asked): Page {
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
        ...page(session, shape, query, asked(shape, query, gathered(shape, alike(ids), ranks))),
        meant: ids.length,
      }
    const from = gathered(shape, ranksOf(session, shape, ids, ranks), { each: HIT_RANK })
    return { ...page(session, shape, query, asked(shape, query, from)), meant: ids.length }
  })

const alike = (ids: readonly number[]) => new Map(ids.map((id) => [id, 0]))

/** From so many on, rows are not gathered but looked for in the order asked for. */
const WALKED = 4_000
/** So many rows are looked at one by one, if the page is likely to be full by then. */
const STROLLED = 1_500

function anyOf(session: Session, shape: Shape, query: Find, hits: Tied): Page {
  return session.moment(() => {
    const gather = (ids: readonly number[]) =>
      page(session, shape, query, asked(shape, query, gathered(shape, alike(ids), hits.ranks)))
    const ids = hitsOf(WALKED, session, shape, hits)
    if (ids.length < WALKED) return gather(ids)
    // Numbers are given one after the other, so the last tells how far apart hits are.
    const likely = Math.ceil((2 * (query.limit + 1) * ids.at(-1)!) / WALKED)
    if (likely <= STROLLED && isIndexed(shape, query)) {
      const first = hitsAmong(likely, session, shape, query, hits)
      if (first.length > query.limit) return gather(first.slice(0, query.limit + 1))
    }
    return page(session, shape, query, asked(shape, query, walked(shape, hits)))
  })
}
