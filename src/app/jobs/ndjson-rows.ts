// Rows of a file of JSON lines: an object each.
import { readJson } from '#edges/http/json-text.ts'
import {
  type Column,
  checkedRow,
  columnsNamed,
  FileBroken,
  type FileRow,
  memberOf,
} from './columns.ts'
import { decoded } from './decoded.ts'

const LINE_CHARACTERS_MAX = 1024 * 1024

export async function* ndjsonRows(
  bytes: AsyncIterable<Uint8Array>,
  known: readonly Column[],
): AsyncGenerator<FileRow> {
  let number = 0
  for await (const line of lines(decoded(bytes))) {
    number++
    if (line.trim() !== '') yield rowOf(number, line, known)
  }
  if (number === 0) throw new FileBroken('The file is empty.')
}

async function* lines(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let left = ''
  let isFirst = true
  for await (const text of texts) {
    const parts = (left + (isFirst ? text.replace(/^\ufeff/, '') : text)).split('\n')
    isFirst = isFirst && text === ''
    left = parts.pop()!
    if (left.length > LINE_CHARACTERS_MAX) throw new FileBroken('A line is longer than 1 MB.')
    yield* parts
  }
  if (left !== '') yield left
}

function rowOf(line: number, text: string, known: readonly Column[]): FileRow {
  const read = readJson(text)
  if (!read.ok) return { line, errors: { [read.place]: read.problem } }
  const { value } = read
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { line, errors: { '(row)': 'must be a JSON object' } }
  const names = Object.keys(value)
  const columns = named(names, known)
  if ('errors' in columns) return { line, errors: columns.errors }
  const fields: { [name: string]: unknown } = {}
  const errors: { [name: string]: string } = {}
  for (const [i, column] of columns.entries()) {
    // An object, as was just seen.
    const cell = memberOf(column, (value as Record<string, unknown>)[names[i]!])
    if ('error' in cell) errors[column.name] = cell.error
    else fields[column.name] = cell.value
  }
  return checkedRow(line, fields, errors, known)
}

/** Here each row names its own columns, so a wrong name is that row's mistake. */
function named(
  names: readonly string[],
  known: readonly Column[],
): readonly Column[] | { readonly errors: Record<string, string> } {
  try {
    return columnsNamed(
      names,
      known.map((column) => ({ ...column, isRequired: false })),
    )
  } catch (error) {
    if (!(error instanceof FileBroken)) throw error
    return { errors: { '(row)': error.message } }
  }
}
