// The totals of a table in SQLite: beside the rows of `items` a table `items#totals`, which
// triggers keep with every change. A sum lies in two parts, so that none can be too large for an
// integer, whatever is added before something is taken away again.
import type { Totals } from '#kernel/projection.ts'
import { ROWS } from '#storage/kept-totals.ts'
import { quoted, type Summed } from '#storage/read-model-sql.ts'
import type { Shape } from '#storage/table-shape.ts'

export const totalsTable = (table: string) => quoted(`${table}#totals`)

const high = (column: string) => quoted(`${column}#high`)
const low = (column: string) => quoted(`${column}#low`)
export const partsOfSum = (column: string) => [high(column), low(column)] as const
const BITS = 32
const PART = 2 ** BITS

export const fromTotals = ({ table }: Shape): Summed => ({
  table: totalsTable(table),
  when: 'TRUE',
  count: `coalesce(sum(${ROWS}), 0)`,
  sum: (column) => `coalesce(sum(${high(column)}), 0) * ${PART} + coalesce(sum(${low(column)}), 0)`,
})

/** `nameFor` makes a name for a trigger that no other has. */
export function totalsTriggers(
  table: string,
  totals: Totals,
  nameFor: (base: string) => string,
): readonly string[] {
  const trigger = (when: string, condition: string, steps: readonly string[]) =>
    `CREATE TRIGGER ${quoted(nameFor(`${table}#${when.toLowerCase()}`))} AFTER ${when} ` +
    `ON ${quoted(table)} ${condition} BEGIN ${steps.map((step) => `${step};`).join(' ')} END`
  const changed = [...totals.by, ...totals.sums].map(
    (name) => `OLD.${quoted(name)} IS NOT NEW.${quoted(name)}`,
  )
  const [came, went] = [cameSql(table, totals), wentSql(table, totals)]
  return [
    trigger('INSERT', '', came),
    trigger('UPDATE', `WHEN ${changed.join(' OR ')}`, [...came, ...went]),
    trigger('DELETE', '', went),
  ]
}

function cameSql(table: string, { by, sums }: Totals): readonly string[] {
  const name = totalsTable(table)
  const values = [
    ...by.map((column) => `NEW.${quoted(column)}`),
    '0',
    ...sums.flatMap(() => [0, 0]),
  ]
  const same = sameAs('NEW', by)
  return [
    `INSERT INTO ${name} SELECT ${values.join(', ')} ` +
      `WHERE NOT EXISTS (SELECT 1 FROM ${name} WHERE ${same})`,
    `UPDATE ${name} SET ${movedBy('NEW', '+', sums)} WHERE ${same}`,
  ]
}

function wentSql(table: string, { by, sums }: Totals): readonly string[] {
  const name = totalsTable(table)
  const same = sameAs('OLD', by)
  return [
    `UPDATE ${name} SET ${movedBy('OLD', '-', sums)} WHERE ${same}`,
    `DELETE FROM ${name} WHERE ${same} AND ${ROWS} = 0`,
  ]
}

const sameAs = (row: string, by: readonly string[]) =>
  by.map((column) => `${quoted(column)} IS ${row}.${quoted(column)}`).join(' AND ')

const movedBy = (row: string, sign: string, sums: readonly string[]) =>
  [
    `${ROWS} = ${ROWS} ${sign} 1`,
    ...sums.flatMap((column) => {
      const value = `coalesce(${row}.${quoted(column)}, 0)`
      return [
        `${high(column)} = ${high(column)} ${sign} (${value} >> ${BITS})`,
        `${low(column)} = ${low(column)} ${sign} (${value} & ${PART - 1})`,
      ]
    }),
  ].join(', ')
