// How PostgreSQL goes about a search. By the index of words it gets all that are meant, also those
// on no page; where there are many it may be less work to go through the rows in the order asked
// for until the page is full. Which of the two is guessed; that answers are right does not hang on
// it, and who guessed wrong does not go through the whole table.
import type { Find, Row } from '#kernel/projection.ts'
import type { Tier } from '#kernel/search.ts'
import { cursorAt, RANK } from '#storage/find-cursor.ts'
import { isIndexed } from '#storage/indexed-order.ts'
import type { Hits, Page, Steps, Tied } from '#storage/search-steps.ts'
import type { Shape } from '#storage/table-shape.ts'
import type { Values } from './connections.ts'
import {
  ABOUT,
  APART,
  fewSql,
  type HitsSql,
  MEANT,
  manySql,
  sampleSql,
  TOTAL,
  walkSql,
} from './read-model-hits.ts'
import { nearSql } from './read-model-search.ts'
import { fromTarget, rowsFrom, type Target } from './read-model-tables.ts'

type Ask = (question: { text: string; values: Values }) => Promise<readonly Row[]>

/** A beginning so short may be that of most words, which the index would collect one by one. */
const SHORT = 2
const SAMPLE = 3_000
/** So many are gathered without looking for less work. */
const GATHERED = 10_000
const PROBED = 1_000
/** So many rows at most are gone through in the order asked for. */
const WALKED = 4_000
/** Codes that begin alike lie together where codes are the order. */
const STREWN = 3
const NEVER = Number.POSITIVE_INFINITY

export function searching(ask: Ask, shape: Shape, at: Target): Omit<Steps, 'list'> {
  const from = fromTarget(at)
  /** What is known of the search so far: about how many it means, how many rows lie between two. */
  let about = NEVER
  let apart: ReadonlyMap<unknown, number> | null = null

  const few = async (most: number, query: Find, hits: Hits, word: string | null = null) => {
    const counted = word === null ? null : { number: at.number, word }
    const sql = fewSql(from, shape, query, hits, most, counted)
    const given = await ask(sql)
    const [first] = given as [Row, ...Row[]]
    const meant = Number(first[MEANT])
    if (meant >= most) return { about: Number(first[ABOUT]), apart: Number(first[APART]) }
    const page = pageOf(
      sql,
      given.filter((row) => row[shape.key] !== null),
    )
    return { ...page, meant, total: query.total === true ? Number(first[TOTAL]) : null }
  }
  const pageOf = (
    { signature, order }: HitsSql,
    given: readonly Row[],
    rank?: number | null,
  ): Page => {
    const rows = rowsFrom(shape, given.map(withoutOurs))
    const cursorBehind = (row: number) =>
      cursorAt(signature, order, { ...rows[row]!, [RANK.name]: rank ?? given[row]![RANK.name]! })
    return { rows, total: null, cursorBehind }
  }
  const asked = async (sql: HitsSql, { ranks }: Tied) => pageOf(sql, await ask(sql), ranks)

  return {
    async fewerThan(most, query, hits) {
      if (hits.any.some(isShort)) {
        const counts = await ask(sampleSql(from, hits, SAMPLE))
        const each = counts.map((row) => [row[RANK.name], Number(row[MEANT])] as const)
        if (each.reduce((sum, [, count]) => sum + count, 0) >= most) {
          apart = new Map(each.map(([rank, count]) => [rank, SAMPLE / count]))
          return null
        }
      }
      const answer = await few(most, query, hits, onlyWordOf(hits))
      if ('rows' in answer) return answer
      about = answer.about
      return null
    },
    async any(query, hits) {
      let between = apart?.get(hits.ranks) ?? NEVER
      if (apart === null && about > GATHERED) {
        const answer = await few(PROBED, query, hits)
        if ('rows' in answer) return answer
        between = answer.apart * (hits.any.some((tier) => 'code' in tier) ? STREWN : 1)
      }
      const walked = Math.ceil(2 * (query.limit + 1) * between)
      if (walked <= WALKED && isIndexed(shape, query)) {
        const page = await asked(walkSql(from, shape, query, hits, walked), hits)
        if (page.rows.length > query.limit) return page
      }
      return asked(manySql(from, shape, query, hits), hits)
    },
    near: async (doubtful) =>
      (await ask(nearSql(at.number, doubtful))).map(({ word }) => String(word)),
  }
}

const OURS: ReadonlySet<string> = new Set([MEANT, TOTAL, ABOUT, APART, RANK.name])
const withoutOurs = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !OURS.has(name)))

/** The one word that is asked for as it is written: as a code, or in any text. */
function onlyWordOf({ any: [code, written] }: Hits): string | null {
  if (code === undefined || !('code' in code) || written === undefined) return null
  const [wanted, ...others] = 'all' in written ? written.all : []
  return others.length === 0 && wanted?.words.length === 0 ? wanted.beginning : null
}

const isShort = (tier: Tier): boolean => {
  const wanted = 'code' in tier ? [tier.code] : tier.all
  const [{ beginning }] = wanted as [(typeof wanted)[number]]
  return wanted.length === 1 && beginning !== null && [...beginning].length <= SHORT
}
