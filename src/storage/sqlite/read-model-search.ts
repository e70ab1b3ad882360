// The search of a table in SQLite: beside the rows of `items` a full-text index `items#search`, and
// `items#words`, in how many rows a word is, for mistyped ones. Both change with the rows.
import type { DatabaseSync } from 'node:sqlite'
import type { Find, Row, Table } from '#kernel/projection.ts'
import {
  meantWords,
  type Ranked,
  type SearchDocument,
  searchDocument,
  type Tier,
  type Wanted,
} from '#kernel/search.ts'
import { partsOf } from '#kernel/search-words.ts'
import { type Bind, findSql, quoted, type Ranking, type Source } from '#storage/read-model-sql.ts'
import type { Doubtful, Hits, Tied } from '#storage/search-steps.ts'
import type { Shape } from '#storage/table-shape.ts'
import { isThere, type Session } from './read-model-session.ts'
import { sqliteDialect } from './read-model-sql.ts'

/** The number that a row and its words share; no column of a projection has such a name. */
export const ROW_ID = '"#id"'
const indexOf = (table: string) => quoted(`${table}#search`)
const wordsOf = (table: string) => quoted(`${table}#words`)

export function createSearch(database: DatabaseSync, table: string): void {
  const index = indexOf(table)
  // Words come apart at blanks alone: the kernel has found them. Ranks need columns, not places.
  database.exec(
    `CREATE VIRTUAL TABLE ${index} USING fts5(code, name, text, tokenize = 'ascii', ` +
      `detail = 'column', columnsize = 0, prefix = '1 2 3')`,
  )
  // What is removed is gone from the file's pages, not only marked: it may be a person's name.
  database.exec(`INSERT INTO ${index}(${index}, rank) VALUES ('secure-delete', 1)`)
  database.exec(
    `CREATE TABLE ${wordsOf(table)} (length INTEGER NOT NULL, word TEXT NOT NULL, ` +
      'rows INTEGER NOT NULL, PRIMARY KEY (length, word)) STRICT, WITHOUT ROWID',
  )
}

export function removeSearch(database: DatabaseSync, table: string): void {
  for (const name of [indexOf(table), wordsOf(table)]) database.exec(`DROP TABLE IF EXISTS ${name}`)
}

export function renameSearch(database: DatabaseSync, from: string, to: string): void {
  if (!isThere(database, `${from}#search`)) return
  database.exec(`ALTER TABLE ${indexOf(from)} RENAME TO ${indexOf(to)}`)
  database.exec(`ALTER TABLE ${wordsOf(from)} RENAME TO ${wordsOf(to)}`)
}

// ── keeping it ────────────────────────────────────────────────────────────────────────────────

/** Keeps up with the rows of one commit; `done` once all of them are written. */
export function searchKeeper({ prepared }: Session, table: Table) {
  const [rows, index, words] = [quoted(table.name), indexOf(table.name), wordsOf(table.name)]
  const read = prepared(
    `SELECT r.${ROW_ID}, s.code, s.name, s.text FROM ${rows} r ` +
      `LEFT JOIN ${index} s ON s.rowid = r.${ROW_ID} WHERE r.${quoted(table.key)} = ?`,
  )
  const insert = prepared(`INSERT INTO ${index} (rowid, code, name, text) VALUES (?, ?, ?, ?)`)
  const update = prepared(`UPDATE ${index} SET code = ?, name = ?, text = ? WHERE rowid = ?`)
  const remove = prepared(`DELETE FROM ${index} WHERE rowid = ?`)
  const counts = new Map<string, number>()
  const count = (document: SearchDocument, by: number) => {
    for (const word of meantWords(document)) counts.set(word, (counts.get(word) ?? 0) + by)
  }
  const stored = (key: string) => {
    // With setReturnArrays every row is an array, which the library's types cannot say.
    const row = read.get(key) as unknown as readonly [number, string | null, string, string]
    if (row === undefined) return null
    const [id, code, name, text] = row
    return { id, texts: code === null ? null : [code, name, text] }
  }
  return {
    put(row: Row): void {
      const { id, texts } = stored(String(row[table.key]))!
      const document = searchDocument(table, row)
      const [code, name, text] = textsOf(document)
      if (texts === null) insert.run(id, code, name, text)
      else if (texts[0] === code && texts[1] === name && texts[2] === text) return
      else {
        update.run(code, name, text, id)
        count(documentOf(texts), -1)
      }
      count(document, 1)
    },
    /** Before the row itself is removed. */
    remove(key: string): void {
      const { id, texts } = stored(key) ?? { texts: null }
      if (texts === null) return
      remove.run(id!)
      count(documentOf(texts), -1)
    },
    done(): void {
      const add = prepared(
        `INSERT INTO ${words} VALUES (?, ?, ?) ` +
          'ON CONFLICT (length, word) DO UPDATE SET rows = rows + excluded.rows',
      )
      const drop = prepared(`DELETE FROM ${words} WHERE length = ? AND word = ? AND rows <= 0`)
      for (const [word, by] of counts) {
        if (by === 0) continue
        const { length } = [...word]
        add.run(length, word, by)
        if (by < 0) drop.run(length, word)
      }
    },
  }
}

const textsOf = ({ code, name, text }: SearchDocument) =>
  [code.join(' '), name.join(' '), text.join(' ')] as const
function documentOf(texts: readonly string[]): SearchDocument {
  const [code = [], name = [], text = []] = texts.map((one) => (one === '' ? [] : one.split(' ')))
  return { code, name, text }
}

// ── asking ────────────────────────────────────────────────────────────────────────────────────

const matching = (table: string, match: string) =>
  `FROM ${indexOf(table)} WHERE ${indexOf(table)} MATCH ${match}`

const matchFor = ({ any, except }: Hits) =>
  except.length === 0 ? anyOf(any) : `(${anyOf(any)}) NOT (${anyOf(except)})`

/** Numbers of the rows that are meant, from the lowest; so many at most. */
export function hitsOf(
  most: number,
  { all }: Session,
  { table }: Shape,
  hits: Hits,
): readonly number[] {
  const text = `SELECT rowid ${matching(table, '?1')} LIMIT ?2`
  return all({ text, values: [matchFor(hits), most] }).map(([id]) => Number(id))
}

/** The rank of each. What their words are is looked up once, not each tier in the index. */
export function ranksOf(
  { all }: Session,
  { table }: Shape,
  ids: readonly number[],
  tiers: readonly Ranked[],
): ReadonlyMap<number, number> {
  const text =
    `SELECT rowid, code, name, text FROM ${indexOf(table)} ` +
    'WHERE rowid IN (SELECT value FROM json_each(?1))'
  const ranks = new Map<number, number>()
  for (const [id, ...texts] of all({ text, values: [JSON.stringify(ids)] })) {
    const words = wordsIn(texts)
    const found = tiers.find(({ tier }) => isIn(words, tier))
    if (found !== undefined) ranks.set(Number(id), found.rank)
  }
  return ranks
}

/** Those that are meant among the first `most` rows of a list, in its order. */
export function hitsAmong(
  most: number,
  { all }: Session,
  shape: Shape,
  query: Find,
  { any, except, ranks }: Tied,
): readonly number[] {
  const source = () => ({ table: quoted(shape.table), when: 'TRUE', ranking: ranks })
  const { rest, values } = findSql(sqliteDialect, source, shape, { ...query, limit: most - 1 })
  const text =
    `SELECT "#hit", code, name, text FROM (SELECT ${ROW_ID} AS "#hit" ${rest}) AS list ` +
    `CROSS JOIN ${indexOf(shape.table)} AS s ON s.rowid = "#hit"`
  const isMeant = (words: Words) =>
    any.some((tier) => isIn(words, tier)) && !except.some((tier) => isIn(words, tier))
  return all({ text, values })
    .filter(([_, ...texts]) => isMeant(wordsIn(texts)))
    .map(([id]) => Number(id))
}

/** Words between blanks, as the index keeps them: a look for one is a look into a text. */
type Words = { readonly code: string; readonly name: string; readonly any: string }
const wordsIn = ([code, name, text]: readonly unknown[]): Words => ({
  code: ` ${code} `,
  name: ` ${name} `,
  any: ` ${name} ${text} `,
})
const isIn = (words: Words, tier: Tier): boolean =>
  'code' in tier
    ? hasOne(words.code, tier.code)
    : tier.all.every((wanted) => hasOne(words[tier.within], wanted))
const hasOne = (within: string, { words, beginning }: Wanted): boolean =>
  (beginning !== null && within.includes(` ${beginning}`)) ||
  words.some((word) => within.includes(` ${word} `))

export const HIT_RANK = '"#hit_rank"'

/** Rows by their numbers, each with its rank. A cross join goes as it is written. */
export const gathered =
  ({ table }: Shape, ranked: ReadonlyMap<number, number>, ranking: Ranking) =>
  (bind: Bind): Source => ({
    table:
      `(SELECT CAST(key AS INTEGER) AS "#hit", value AS ${HIT_RANK} FROM json_each(` +
      `${bind(JSON.stringify(Object.fromEntries(ranked)))})) AS hit ` +
      `CROSS JOIN ${quoted(table)} ON ${ROW_ID} = "#hit"`,
    when: 'TRUE',
    ranking,
  })

/** Rows in the order asked for, each looked up among those meant, which a plus sees to. */
export const walked =
  ({ table }: Shape, hits: Tied) =>
  (bind: Bind): Source => ({
    table: quoted(table),
    when: `+${ROW_ID} IN (SELECT rowid ${matching(table, bind(matchFor(hits)))})`,
    ranking: hits.ranks,
  })

export function near({ all }: Session, { table }: Shape, { word, mistakes }: Doubtful): string[] {
  const { length } = [...word]
  const parts = partsOf(word, mistakes)
  const [first, last] = [parts[0]!, parts.at(-1)!]
  const values = [length - mistakes, length + mistakes, first, last, ...parts.slice(1, -1)]
  const between = parts.slice(1, -1).map((_, at) => ` OR instr(word, ?${at + 5}) > 0`)
  const text =
    `SELECT word FROM ${wordsOf(table)} WHERE length BETWEEN ?1 AND ?2 AND ` +
    `(substr(word, 1, length(?3)) = ?3 OR substr(word, -length(?4)) = ?4${between.join('')})`
  return all({ text, values }).map(([found]) => String(found))
}

/** Nothing but letters and digits is in a word, so nothing in it is special. */
const anyOf = (tiers: readonly Tier[]) => tiers.map((tier) => `(${matchOf(tier)})`).join(' OR ')

function matchOf(tier: Tier): string {
  if ('code' in tier) return `{code} : ${wantedOf(tier.code)}`
  const columns = tier.within === 'name' ? '{name}' : '{name text}'
  return `${columns} : (${tier.all.map(wantedOf).join(' AND ')})`
}

const wantedOf = ({ words, beginning }: Wanted): string => {
  const some = words.map((word) => `"${word}"`)
  return `(${[...some, ...(beginning === null ? [] : [`"${beginning}" *`])].join(' OR ')})`
}
