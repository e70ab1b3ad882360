// The totals of a table in PostgreSQL: beside the rows of `items#7` a table `totals#7`, which the
// commit that changes the rows changes with them.
import type { Row, Totals } from '#kernel/projection.ts'
import { ROWS } from '#storage/kept-totals.ts'
import { ofRows, quoted, type Summed } from '#storage/read-model-sql.ts'
import { fittedRow, type Shape } from '#storage/table-shape.ts'

/** Whoever drops a table says so by its number. */
export const TOTALS_MIGRATION = `
CREATE FUNCTION read_models.forget_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('DROP TABLE IF EXISTS read_models.%I', 'totals#' || old.number);
  RETURN NULL;
END $$;
CREATE TRIGGER forget_totals AFTER DELETE ON read_models.projection_tables
  FOR EACH ROW EXECUTE FUNCTION read_models.forget_totals();
`

const nameOf = (number: number) => `read_models.${quoted(`totals#${number}`)}`
const listed = (names: readonly string[]) => names.map(quoted).join(', ')

export const totalsFrom = (number: number, when: string): Summed => ({
  ...ofRows({ table: nameOf(number), when }),
  count: `coalesce(sum(${ROWS}), 0)`,
})

type Types = Readonly<Record<string, string>>

/** `types`: what each kind of column is called there. */
export function totalsSql(
  shape: Shape,
  { by, sums }: Totals,
  number: number,
  types: Types,
): string {
  const columns = [
    ...by.map((name) => `${quoted(name)} ${types[shape.column.get(name)!.kind]}`),
    `${ROWS} bigint NOT NULL`,
    // More than an integer may come in before something goes.
    ...sums.map((name) => `${quoted(name)} numeric NOT NULL`),
  ]
  const name = nameOf(number)
  // Every commit changes the same few rows: with room beside them, their indexes stay as they are.
  return (
    `CREATE TABLE ${name} (${columns.join(', ')}) WITH (fillfactor = 50); ` +
    `CREATE UNIQUE INDEX ON ${name} (${listed(by)}) NULLS NOT DISTINCT`
  )
}

type Write = { readonly text: string; readonly document: string }
type Rows = { readonly name: string; readonly number: number }

/** Before the rows are written: what those there take away, and what the new ones bring. */
export function totalWrites(
  shape: Shape,
  { by, sums }: Totals,
  { name, number }: Rows,
  {
    upserts,
    deletes,
    types,
  }: { upserts: readonly Row[]; deletes: readonly string[]; types: Types },
): readonly Write[] {
  // Of rows that are given twice the last one counts.
  const came = new Map(upserts.map((row) => [row[shape.key], fittedRow(shape, row)]))
  const document = JSON.stringify({
    keys: [...new Set([...deletes, ...came.keys()])],
    rows: [...came.values()].map((row) =>
      Object.fromEntries([...by, ...sums].map((column) => [column, row[column]])),
    ),
  })
  const given = [...by, ...sums].map(
    (column) => `${quoted(column)} ${types[shape.column.get(column)!.kind]}`,
  )
  const valued = (sign: string) => sums.map((column) => `, ${sign} coalesce(${quoted(column)}, 0)`)
  const moved =
    `SELECT ${listed(by)}, -1${valued('-').join('')} FROM ${name} WHERE ${quoted(shape.key)} = ` +
    `ANY(ARRAY(SELECT json_array_elements_text($1->'keys'))) UNION ALL ` +
    `SELECT ${listed(by)}, 1${valued('+').join('')} FROM json_to_recordset($1->'rows') ` +
    `AS given (${given.join(', ')})`
  const all = [ROWS, ...sums.map(quoted)]
  const totals = nameOf(number)
  return [
    {
      text:
        `INSERT INTO ${totals} AS t (${listed(by)}, ${all.join(', ')}) ` +
        `SELECT ${listed(by)}, ${all.map((column) => `sum(${column})`).join(', ')} ` +
        `FROM (${moved}) AS moved (${listed(by)}, ${all.join(', ')}) GROUP BY ${listed(by)} ` +
        `HAVING ${all.map((column) => `sum(${column}) <> 0`).join(' OR ')} ` +
        `ON CONFLICT (${listed(by)}) DO UPDATE SET ` +
        all.map((column) => `${column} = t.${column} + excluded.${column}`).join(', '),
      document,
    },
    { text: `DELETE FROM ${totals} WHERE ${ROWS} = 0`, document: 'null' },
  ]
}
