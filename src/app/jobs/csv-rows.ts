// Rows of a CSV file, one after the other: memory does not grow with the file.
import { Readable } from 'node:stream'
import { CsvError, type Parser, parse } from 'csv-parse'
import {
  type Column,
  cellOf,
  checkedRow,
  columnsNamed,
  FileBroken,
  type FileRow,
} from './columns.ts'
import { decoded } from './decoded.ts'

/** A record that is longer has a quote that was never closed. */
const RECORD_CHARACTERS_MAX = 1024 * 1024
const HEADER_CHARACTERS_MAX = 64 * 1024
const DELIMITERS = [',', ';', '\t'] as const

export async function* csvRows(
  bytes: AsyncIterable<Uint8Array>,
  known: readonly Column[],
): AsyncGenerator<FileRow> {
  const texts = decoded(bytes)[Symbol.asyncIterator]()
  const start = await headOf(texts)
  const parser = parse({
    bom: true,
    delimiter: delimiterOf(start, known),
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: RECORD_CHARACTERS_MAX,
  })
  const source = Readable.from(rest(start, texts))
  source.on('error', (cause) => parser.destroy(cause))
  source.pipe(parser)
  try {
    let header: readonly Column[] | undefined
    for await (const { line, cells } of records(parser)) {
      // Spreadsheets write rows that once had something in them as `;;;`.
      if (cells.every((cell) => cell.trim() === '')) continue
      if (header === undefined) header = columnsNamed(cells, known)
      else yield rowOf(header, line, cells)
    }
    if (header === undefined) throw new FileBroken('The file is empty.')
  } catch (error) {
    if (error instanceof CsvError) throw new FileBroken(reasonOf(error), { cause: error })
    throw error
  } finally {
    source.destroy()
    parser.destroy()
  }
}

type Texts = AsyncIterator<string>
type Record = { readonly line: number; readonly cells: readonly string[] }

/** As much of the text as the first line is in. */
async function headOf(texts: Texts): Promise<string> {
  let start = ''
  while (!/[\r\n]/.test(start) && start.length < HEADER_CHARACTERS_MAX) {
    const { done, value } = await texts.next()
    if (done) break
    start += value
  }
  return start
}

async function* rest(start: string, texts: Texts): AsyncGenerator<string> {
  if (start !== '') yield start
  for (;;) {
    const { done, value } = await texts.next()
    if (done) return
    yield value
  }
}

/** Spreadsheets take what is usual in their country: whichever names the most columns. */
function delimiterOf(start: string, known: readonly Column[]): string {
  const [line = ''] = start.split(/[\r\n]/, 1)
  const names = new Set(known.flatMap(({ name, aliases = [] }) => [name, ...aliases]))
  const named = (delimiter: string) =>
    line.split(delimiter).filter((cell) =>
      names.has(
        cell
          .replaceAll(/["\ufeff]/g, '')
          .trim()
          .toLowerCase(),
      ),
    ).length
  return DELIMITERS.reduce((best, one) => (named(one) > named(best) ? one : best))
}

async function* records(parser: Parser): AsyncGenerator<Record> {
  // The parser counts a CR LF inside quotes as two lines, and tells the line a record ends on.
  let countedTwice = 0
  type Parsed = { readonly record: string[]; readonly info: { readonly lines: number } }
  for await (const { record, info } of parser as AsyncIterable<Parsed>) {
    let newlines = 0
    for (const cell of record)
      if (cell.includes('\n') || cell.includes('\r')) {
        const found = cell.match(/\r\n|\n|\r/g) ?? []
        newlines += found.length
        countedTwice += found.filter((newline) => newline.length === 2).length
      }
    yield { line: info.lines - countedTwice - newlines, cells: record }
  }
}

function rowOf(header: readonly Column[], line: number, cells: readonly string[]): FileRow {
  if (cells.length !== header.length)
    return { line, errors: { '(row)': `has ${cells.length} cells, the header ${header.length}` } }
  const fields: { [name: string]: unknown } = {}
  const errors: { [name: string]: string } = {}
  for (const [i, column] of header.entries()) {
    const cell = cellOf(column, cells[i]!)
    if (cell === undefined) continue
    if ('error' in cell) errors[column.name] = cell.error
    else fields[column.name] = cell.value
  }
  return checkedRow(line, fields, errors, header)
}

function reasonOf({ code, lines }: CsvError & { readonly lines?: unknown }): string {
  const where = typeof lines === 'number' ? ` in line ${lines} or before` : ''
  return code === 'CSV_QUOTE_NOT_CLOSED' || code === 'CSV_MAX_RECORD_SIZE'
    ? `A row has no end${where}: a quote was opened and never closed, or it is longer than 1 MB.`
    : `The file cannot be read${where}: ${code}.`
}
