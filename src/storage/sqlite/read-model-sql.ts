// How SQLite is asked: flags are 0 and 1, lists are JSON, texts compare bytewise by themselves.
import type { SQLInputValue } from 'node:sqlite'
import { type Dialect, type From, quoted, successor } from '#storage/read-model-sql.ts'
import type { Shape } from '#storage/table-shape.ts'

export const fromTable = ({ table }: Shape): From => ({ table: quoted(table), when: 'TRUE' })

const stored = (value: string | number | boolean) =>
  typeof value === 'boolean' ? Number(value) : value

export const sqliteDialect: Dialect<SQLInputValue> = {
  bind: (values) => (value) => {
    // One statement for lists of any length.
    values.push(typeof value === 'object' ? JSON.stringify(value.map(stored)) : stored(value))
    // By number: a text may name its values in another order than they were told in.
    return `?${values.length}`
  },
  compare: ({ name }, operator, value, bind) => `${quoted(name)} ${operator} ${bind(value)}`,
  differs: ({ name }, value, bind) => `${quoted(name)} IS NOT ${bind(value)}`,
  among: ({ name }, list, bind) =>
    `${quoted(name)} IN (SELECT value FROM json_each(${bind(list)}))`,
  // No pattern, so nothing in the text is special. lower() of SQLite knows ASCII only.
  contains: ({ name }, text, bind) => `instr(lower(${quoted(name)}), lower(${bind(text)})) > 0`,
  /** As a range, so that an index helps: all that begin so lie between it and its successor. */
  starts({ name }, prefix, bind) {
    const from = `${quoted(name)} >= ${bind(prefix)}`
    const end = successor(prefix)
    return end === null ? from : `${from} AND ${quoted(name)} < ${bind(end)}`
  },
  prefix: ({ name }, length, bind) => `substr(${quoted(name)}, 1, ${bind(length)})`,
  sorted: ({ column, descending }) => `${quoted(column.name)}${descending ? ' DESC' : ''}`,
  sortedBy: (number) => `${number}`,
}
