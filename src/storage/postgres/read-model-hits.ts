// The rows that a search means, in PostgreSQL: gathered by the index of words, or looked for in the
// order asked for. What is sorted are places of rows and what they are sorted by, no whole rows.
import type { Find } from '#kernel/projection.ts'
import type { Ranked } from '#kernel/search.ts'
import { type Order, RANK } from '#storage/find-cursor.ts'
import {
  type Bind,
  columnList,
  type From,
  type PageSql,
  pageSql,
  quoted,
  whereSql,
} from '#storage/read-model-sql.ts'
import type { Hits, Tied } from '#storage/search-steps.ts'
import type { Shape } from '#storage/table-shape.ts'
import { anyOf, byIndex, byRow, queryFor, SEARCH_COLUMN } from './read-model-search.ts'
import { type PgValue, postgresDialect } from './read-model-sql.ts'

/** No column has such names. */
export const [MEANT, TOTAL, ABOUT, APART] = ['#meant', '#total', '#about', '#apart'] as const
const [AT, FITS, PLACE] = ['"#at"', '"#fits"', '"#place"']

export type HitsSql = Pick<PageSql, 'signature' | 'order'> & {
  readonly text: string
  readonly values: PgValue[]
}
const rankName = quoted(RANK.name)

/**
 * At least one row: how many are meant, and of how many the rest of the question is true as well.
 * The index is not asked where the number of rows that have a word says that they are too many.
 * Where `most` or more are meant there is no page, but a guess from how far through the table the
 * first of them lie: about how many there are, and how many rows each is apart from the next.
 */
export function fewSql(
  from: From,
  shape: Shape,
  query: Find,
  hits: Hits,
  most: number,
  word: Counted | null,
): HitsSql {
  const values: PgValue[] = []
  const bind = postgresDialect.bind(values)
  const each = typeof hits.ranks === 'object' && hits.ranks !== null
  const ranking = each ? { each: '' } : (hits.ranks as number | null)
  const rank = rankSql(hits.ranks, bind)
  const page = pageSql(postgresDialect, shape, query, ranking, bind)
  const { after, sorted, cut, signature, order } = page
  const limit = bind(most)
  const rows = word === null ? 'NULL::bigint' : rowsWith(word, bind)
  const ranked = `SELECT ${AT}, ${sortedBy(order)}, ${rank} AS ${rankName} FROM hits`
  const last = `SELECT ${AT}::text::point AS place FROM hits OFFSET ${limit} - ${LAST}`
  const text =
    `WITH hits AS MATERIALIZED (SELECT ctid AS ${AT}, ${SEARCH_COLUMN}, ` +
    `(${whereSql(postgresDialect, shape, query.where, bind)}) AS ${FITS}, ${sortedBy(order)} ` +
    `FROM ${from.table} WHERE ${from.when} AND coalesce(${rows} < ${limit}, TRUE) ` +
    `AND ${byIndex(queryFor(hits), bind)} LIMIT ${limit}), ` +
    `meant AS (SELECT CASE WHEN ${rows} >= ${limit} THEN ${rows} ELSE count(*) END ` +
    `AS ${quoted(MEANT)}, ` +
    `count(*) FILTER (WHERE ${FITS}) AS ${quoted(TOTAL)} FROM hits), ` +
    `last AS (SELECT 1 + max(place[0]) AS pages, max(place[1]) AS rows FROM (${last}) AS places), ` +
    `page AS (SELECT ${AT}, ${rankName} FROM (${ranked} WHERE ${FITS} ` +
    `AND (SELECT ${quoted(MEANT)} FROM meant) < ${limit}) AS ranked WHERE TRUE${after} ${sorted} ${cut}) ` +
    `SELECT ${quoted(MEANT)}, ${quoted(TOTAL)}, ${guesses(from, limit)}, ${rankName}, ` +
    `${ofRow(shape)} FROM meant LEFT JOIN (${placed('page')}) AS placed ON TRUE ` +
    `LEFT JOIN ${from.table} AS t ON t.ctid = ${AT} ORDER BY ${PLACE}`
  return { text, values, signature, order }
}

/** A word whose rows are all meant, of the table with this number. */
export type Counted = { readonly number: number; readonly word: string }
const rowsWith = ({ number, word }: Counted, bind: Bind) =>
  `(SELECT rows FROM read_models.search_words WHERE number = ${number} ` +
  `AND length = ${bind([...word].length)} AND word = ${bind(word)})`

const PAGE_BYTES = 8_192
/** Of so many hits the one furthest down its page tells how many rows are on one. */
const LAST = 20
function guesses({ table }: From, limit: string): string {
  const pages = `pg_relation_size('${table.replaceAll("'", "''")}'::regclass) / ${PAGE_BYTES}`
  return (
    `coalesce((SELECT ${limit} * ${pages} / pages FROM last), ${quoted(MEANT)}) ` +
    `AS ${quoted(ABOUT)}, ` +
    `(SELECT pages * rows / ${limit} FROM last) AS ${quoted(APART)}`
  )
}

/** In which tiers how many of the table's first rows are. */
export function sampleSql(from: From, { any, ranks }: Hits, rows: number) {
  const values: PgValue[] = []
  const bind = postgresDialect.bind(values)
  const text =
    `SELECT ${rankSql(ranks, bind)} AS ${rankName}, count(*) AS ${quoted(MEANT)} FROM ` +
    `(SELECT ${SEARCH_COLUMN} FROM ${from.table} WHERE ${from.when} LIMIT ${bind(rows)}) AS sample ` +
    `WHERE ${byRow(anyOf(any), bind)} GROUP BY 1`
  return { text, values }
}

/**
 * All that are meant, however many. An offset keeps the planner from going through the rows in the
 * order asked for, which is quick where hits are many and takes the whole table where none is.
 */
export function manySql(from: From, shape: Shape, query: Find, hits: Tied): HitsSql {
  const values: PgValue[] = []
  const bind = postgresDialect.bind(values)
  const page = pageSql(postgresDialect, shape, query, hits.ranks, bind)
  const { after, sorted, cut, signature, order } = page
  const matching =
    `SELECT ctid AS ${AT}, ${sortedBy(order)} FROM ${from.table} ` +
    `WHERE ${from.when} AND ${byIndex(queryFor(hits), bind)} ` +
    `AND ${whereSql(postgresDialect, shape, query.where, bind)}${after} OFFSET 0`
  const text =
    `SELECT ${ofRow(shape)} FROM ` +
    `(${placed(`(SELECT ${AT} FROM (${matching}) AS hits ${sorted} ${cut}) AS page`)}) AS placed ` +
    `JOIN ${from.table} AS t ON t.ctid = ${AT} ORDER BY ${PLACE}`
  return { text, values, signature, order }
}

/** Those among the first `most` in the order asked for. */
export function walkSql(from: From, shape: Shape, query: Find, hits: Tied, most: number): HitsSql {
  const values: PgValue[] = []
  const bind = postgresDialect.bind(values)
  const page = pageSql(postgresDialect, shape, query, hits.ranks, bind)
  const { after, sorted, cut, signature, order } = page
  const text =
    `SELECT ${columnList(shape.columns)} FROM (SELECT * FROM ${from.table} WHERE ${from.when} AND ` +
    `${whereSql(postgresDialect, shape, query.where, bind)}${after} ${sorted} LIMIT ${bind(most)}) ` +
    `AS walked WHERE ${byRow(queryFor(hits), bind)} ${sorted} ${cut}`
  return { text, values, signature, order }
}

const sortedBy = (order: readonly Order[]) =>
  columnList(order.filter(({ column }) => column !== RANK).map(({ column }) => column))

const ofRow = ({ columns }: Shape) => columns.map(({ name }) => `t.${quoted(name)}`).join(', ')

/** The places of a page, numbered in its order. */
const placed = (page: string) => `SELECT *, row_number() OVER () AS ${PLACE} FROM ${page}`

function rankSql(ranks: readonly Ranked[] | number | null, bind: Bind): string {
  if (ranks === null || typeof ranks === 'number') return `${ranks ?? 'NULL'}::int`
  const cases = ranks
    .slice(0, -1)
    .map(
      ({ rank, tier }) => `WHEN ${SEARCH_COLUMN} @@ ${bind(anyOf([tier]))}::tsquery THEN ${rank}`,
    )
  const last = ranks.at(-1)!.rank
  return cases.length === 0 ? `${last}` : `CASE ${cases.join(' ')} ELSE ${last} END`
}
