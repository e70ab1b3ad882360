// Rows as the text of a file, page by page.
import { stringify } from 'csv-stringify/sync'
import type { JobFormat } from '#runtime/job-operations.ts'
import { type Column, escaped, type Fields } from './columns.ts'

const outColumns = (columns: readonly Column[]) =>
  columns.filter(({ isInputOnly }) => isInputOnly !== true)

/** What stands before the first row. */
export const headOf = (format: JobFormat, columns: readonly Column[]): string =>
  format === 'csv' ? csv([outColumns(columns).map(({ name }) => name)]) : ''

export function textOf(
  format: JobFormat,
  columns: readonly Column[],
  rows: readonly Fields[],
): string {
  const out = outColumns(columns)
  if (format === 'csv') return csv(rows.map((row) => out.map((column) => cell(column, row))))
  return rows
    .map((row) => {
      const members = out.map(({ name, kind }) => {
        const value = row[name]
        // A decimal is written as the number it is, all its digits told.
        const text = kind === 'decimal' && value != null ? String(value) : JSON.stringify(value)
        return `${JSON.stringify(name)}:${text ?? 'null'}`
      })
      return `{${members.join(',')}}\n`
    })
    .join('')
}

function cell({ name, kind }: Column, row: Fields): string {
  const value = row[name]
  if (value == null) return ''
  if (kind === 'json') return JSON.stringify(value)
  // A negative number is no formula.
  return kind === 'text' ? escaped(String(value)) : String(value)
}

const csv = (cells: readonly (readonly string[])[]): string =>
  stringify(
    cells.map((row) => [...row]),
    { quoted_match: /[\r\n]/ },
  )
