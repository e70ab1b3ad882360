// The search of a table in PostgreSQL: a column `#search` beside the row's own, with the words that
// the kernel found, under an index; and in `search_words`, in how many rows a word is, for mistyped
// ones. Both change in the commit that changes the rows.
import type { Row, Table } from '#kernel/projection.ts'
import { searchDocument, type Tier, type Wanted } from '#kernel/search.ts'
import { partsOf } from '#kernel/search-words.ts'
import { type Bind, quoted } from '#storage/read-model-sql.ts'
import type { Doubtful, Hits } from '#storage/search-steps.ts'
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

/**
 * What a word counts stands before it, as a letter that no word has, so that the index alone knows
 * it: weights of a tsvector it does not hold, and would ask each row for. W: in a name or a text.
 */
const MARKS = { code: 'C', name: 'N', any: 'W' } as const

/** A row's words as the text of a tsvector; nothing but letters and digits is in them. */
export function searchText(table: Table, row: Row): string {
  const { code, name, text } = searchDocument(table, row)
  const marked = (mark: string, words: Iterable<string>) =>
    [...words].map((word) => `'${mark}${word}'`)
  return [
    ...marked(MARKS.code, code),
    ...marked(MARKS.name, name),
    ...marked(MARKS.any, new Set([...name, ...text])),
  ].join(' ')
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
  const words = (from: string) =>
    `SELECT DISTINCT key, substr(word, 2) AS word FROM changed, unnest(tsvector_to_array(${from})) ` +
    `AS word WHERE left(word, 1) <> '${MARKS.name}'`
  const moved =
    'WITH given AS (SELECT key, search::tsvector AS now FROM json_to_recordset($1) AS g ' +
    `(key text, search text)), changed AS (SELECT g.key, g.now, t.${SEARCH_COLUMN} AS before ` +
    `FROM given g LEFT JOIN ${rows.name} t ON t.${quoted(table.key)} = g.key ` +
    `WHERE t.${SEARCH_COLUMN} IS DISTINCT FROM g.now), moved AS (SELECT word, sum(by) AS by FROM ` +
    `(SELECT word, 1 AS by FROM (${words('now')}) AS came UNION ALL ` +
    `SELECT word, -1 FROM (${words('before')}) AS went) AS all_moves ` +
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

/**
 * By the index. The planner is not told which words: by what it thinks of them it would rather walk
 * a whole table in the order asked for than sort a hundred rows.
 */
export const byIndex = (query: string, bind: Bind) =>
  `${SEARCH_COLUMN} @@ (SELECT ${bind(query)}::tsquery)`

/** Row by row, whatever the planner thinks. */
export const byRow = (query: string, bind: Bind) =>
  `CASE WHEN ${SEARCH_COLUMN} @@ ${bind(query)}::tsquery THEN TRUE ELSE FALSE END`

type Question = { readonly text: string; readonly values: PgValue[] }

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

export const anyOf = (tiers: readonly Tier[]) =>
  tiers.map((tier) => `(${queryOf(tier)})`).join(' | ')

export const queryFor = ({ any, except }: Hits): string =>
  except.length === 0 ? anyOf(any) : `(${anyOf(any)}) & !(${anyOf(except)})`

function queryOf(tier: Tier): string {
  if ('code' in tier) return wantedOf(tier.code, MARKS.code)
  return tier.all.map((wanted) => wantedOf(wanted, MARKS[tier.within])).join(' & ')
}

const wantedOf = ({ words, beginning }: Wanted, mark: string): string => {
  const some = words.map((word) => `'${mark}${word}'`)
  return `(${[...some, ...(beginning === null ? [] : [`'${mark}${beginning}':*`])].join(' | ')})`
}
