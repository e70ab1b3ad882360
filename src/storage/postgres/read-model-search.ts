// The search of a table in PostgreSQL: a column `#search` beside the row's own, with the words that
// the kernel found (A: whole codes, B: names, C: texts) under an index; and in `search_words`, in
// how many rows a word is, for mistyped ones. Both change in the commit that changes the rows.
import type { Row, Table } from '#kernel/projection.ts'
import { searchDocument, type Tier, type Wanted } from '#kernel/search.ts'
import { partsOf } from '#kernel/search-words.ts'
import { type Bind, type From, type Hits, quoted } from '#storage/read-model-sql.ts'
import type { Doubtful } from '#storage/search-steps.ts'
import { fittedRow, shapeOf } from '#storage/table-shape.ts'
import type { PgValue } from './read-model-sql.ts'

/** No column of a projection has such a name. */
export const SEARCH_COLUMN = '"#search"'

export const SEARCH_MIGRATION = `
CREATE TABLE read_models.search_words (
  number bigint NOT NULL, length int NOT NULL, word text COLLATE "C" NOT NULL, rows bigint NOT NULL,
  PRIMARY KEY (number, length, word)
);
CREATE INDEX search_words_gone ON read_models.search_words (number) WHERE rows <= 0;
-- Words of tables that are gone; whoever drops a table says so by its number.
CREATE FUNCTION read_models.forget_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM read_models.search_words w WHERE w.number = old.number;
  RETURN NULL;
END $$;
CREATE TRIGGER forget_words AFTER DELETE ON read_models.projection_tables
  FOR EACH ROW EXECUTE FUNCTION read_models.forget_words();
`

/** A short list of what is not in the index yet, which every search goes through. */
export const searchIndexSql = (table: string) =>
  `CREATE INDEX ON ${table} USING gin (${SEARCH_COLUMN}) WITH (gin_pending_list_limit = 128)`

// ── keeping it ────────────────────────────────────────────────────────────────────────────────

/** A row's words as the text of a tsvector; nothing but letters and digits is in them. */
export function searchText(table: Table, row: Row): string {
  const { code, name, text } = searchDocument(table, row)
  const places = new Map<string, string[]>()
  for (const [words, place] of [
    [code, '1A'],
    [name, '2B'],
    [text, '3C'],
  ] as const)
    for (const word of words) places.set(word, [...(places.get(word) ?? []), place])
  return [...places].map(([word, at]) => `'${word}':${at}`).join(' ')
}

type Write = { readonly text: string; readonly document: string }

/** Before the rows are written: the words that they lose and gain, from those that are there. */
export function wordWrites(
  table: Table,
  rows: { readonly name: string; readonly number: number },
  upserts: readonly Row[],
  deletes: readonly string[],
): readonly Write[] {
  const shape = shapeOf(table)
  const given = new Map<unknown, string | null>(deletes.map((key) => [key, null]))
  for (const row of upserts) given.set(row[table.key], searchText(table, fittedRow(shape, row)))
  const document = JSON.stringify([...given].map(([key, search]) => ({ key, search })))
  const moved =
    'WITH given AS (SELECT key, search::tsvector AS now FROM json_to_recordset($1) AS g ' +
    `(key text, search text)), changed AS (SELECT g.now, t.${SEARCH_COLUMN} AS before ` +
    `FROM given g LEFT JOIN ${rows.name} t ON t.${quoted(table.key)} = g.key ` +
    `WHERE t.${SEARCH_COLUMN} IS DISTINCT FROM g.now), moved AS (SELECT word, sum(by) AS by FROM ` +
    '(SELECT unnest(tsvector_to_array(now)) AS word, 1 AS by FROM changed UNION ALL ' +
    'SELECT unnest(tsvector_to_array(before)), -1 FROM changed) AS all_moves ' +
    `WHERE word !~ '[0-9]' AND length(word) > 1 GROUP BY word HAVING sum(by) <> 0)`
  return [
    {
      text:
        `${moved} INSERT INTO read_models.search_words AS w (number, length, word, rows) ` +
        `SELECT ${rows.number}, length(word), word, by FROM moved ORDER BY word ` +
        'ON CONFLICT (number, length, word) DO UPDATE SET rows = w.rows + excluded.rows',
      document,
    },
    {
      text: `DELETE FROM read_models.search_words WHERE number = ${rows.number} AND rows <= 0`,
      document: 'null',
    },
  ]
}

// ── asking ────────────────────────────────────────────────────────────────────────────────────

const matching = (query: string, bind: Bind) => `${SEARCH_COLUMN} @@ ${bind(query)}::tsquery`

/** Many: said so that the planner takes them for half of all, and walks the order asked for. */
export function hits(
  { table, when }: From,
  _: unknown,
  { any, except, walked }: Hits,
  bind: Bind,
): From {
  const query = except.length === 0 ? anyOf(any) : `(${anyOf(any)}) & !(${anyOf(except)})`
  const found = matching(query, bind)
  return {
    table,
    when: `${when} AND ${walked ? `CASE WHEN ${found} THEN TRUE ELSE FALSE END` : found}`,
  }
}

export const inTier = (_: unknown, tier: Tier, bind: Bind): string => matching(anyOf([tier]), bind)

type Question = { readonly text: string; readonly values: PgValue[] }

export const atLeastSql = (
  { table, when }: From,
  rows: number,
  tiers: readonly Tier[],
): Question => ({
  text:
    `SELECT count(*) AS count FROM (SELECT FROM ${table} WHERE ${when} ` +
    `AND ${SEARCH_COLUMN} @@ $1::tsquery LIMIT $2) AS hits`,
  values: [anyOf(tiers), rows],
})

export function nearSql(number: number, { word, mistakes }: Doubtful): Question {
  const { length } = [...word]
  const parts = partsOf(word, mistakes)
  const between = parts.slice(1, -1)
  const text =
    'SELECT word FROM read_models.search_words WHERE number = $1 AND length BETWEEN $2 AND $3 ' +
    'AND (left(word, length($4::text)) = $4::text OR right(word, length($5::text)) = $5::text' +
    `${between.map((_, at) => ` OR strpos(word, $${at + 6}) > 0`).join('')})`
  const ends = [parts[0]!, parts.at(-1)!]
  return { text, values: [number, length - mistakes, length + mistakes, ...ends, ...between] }
}

const anyOf = (tiers: readonly Tier[]) => tiers.map((tier) => `(${queryOf(tier)})`).join(' | ')

function queryOf(tier: Tier): string {
  if ('code' in tier) return wantedOf(tier.code, 'A')
  const places = tier.within === 'name' ? 'B' : 'BC'
  return tier.all.map((wanted) => wantedOf(wanted, places)).join(' & ')
}

const wantedOf = ({ words, beginning }: Wanted, places: string): string => {
  const some = words.map((word) => `'${word}':${places}`)
  return `(${[...some, ...(beginning === null ? [] : [`'${beginning}':*${places}`])].join(' | ')})`
}
