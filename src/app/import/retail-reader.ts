// Reads the Online Retail file (.csv or .csv.gz) record by record; memory does not grow with the
// file.
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { type Parser, parse } from 'csv-parse'

export const COLUMNS = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
] as const

/**
 * One record: the line it begins on, and its fields in the order of COLUMNS; others when it is
 * broken.
 */
export type RetailRecord = { readonly line: number; readonly fields: readonly string[] }

/** Thrown for a file that is no Online Retail file at all. */
export class NotRetailFile extends Error {
  override readonly name = 'NotRetailFile'
}

/** Pages of records, in file order. Breaking out of the loop closes the file. */
export async function* retailRecords(file: string): AsyncGenerator<readonly RetailRecord[]> {
  const encoding = await encodingOf(file)
  const parser = parse({
    bom: true,
    info: true,
    // A record with too few or too many fields, or a stray quote, is its own row error, not the
    // file's.
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: RECORD_CHARACTERS_MAX,
  })
  const text = Readable.from(decoded(bytesOf(file), encoding))
  text.on('error', (cause) => parser.destroy(cause))
  text.pipe(parser)
  let order: readonly number[] | undefined
  try {
    for await (const page of pages(parser)) {
      let records: readonly RetailRecord[] = page
      if (order === undefined) {
        order = columnOrder(page[0]?.fields ?? [])
        records = page.slice(1)
      }
      yield records.map((record) => inOrder(record, order!))
    }
  } finally {
    text.destroy()
    parser.destroy()
  }
  if (order === undefined) throw new NotRetailFile(`${file} is empty`)
}

const RECORD_CHARACTERS_MAX = 1024 * 1024
const PAGE_RECORDS = 512

type Parsed = { readonly record: string[]; readonly info: { readonly lines: number } }

async function* pages(parser: Parser): AsyncGenerator<readonly RetailRecord[]> {
  let page: RetailRecord[] = []
  // The parser counts a CR LF inside quotes as two lines, and tells the line a record ends on.
  let countedTwice = 0
  for await (const { record, info } of parser as AsyncIterable<Parsed>) {
    const { newlines, pairs } = newlinesIn(record)
    countedTwice += pairs
    page.push({ line: info.lines - countedTwice - newlines, fields: record })
    if (page.length < PAGE_RECORDS) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

/** Lines that end inside a record, and how many of them with CR LF. */
function newlinesIn(fields: readonly string[]): { newlines: number; pairs: number } {
  let newlines = 0
  let pairs = 0
  for (const field of fields) {
    if (!field.includes('\n') && !field.includes('\r')) continue
    const found = field.match(/\r\n|\n|\r/g) ?? []
    newlines += found.length
    pairs += found.filter((newline) => newline.length === 2).length
  }
  return { newlines, pairs }
}

function columnOrder(header: readonly string[]): readonly number[] {
  const order = COLUMNS.map((column) => header.findIndex((name) => name.trim() === column))
  const missing = COLUMNS.filter((_, index) => order[index] === -1)
  if (missing.length > 0)
    throw new NotRetailFile(
      `the first line lacks ${missing.join(', ')}; it must name ${COLUMNS.join(', ')}`,
    )
  return order
}

function inOrder({ line, fields }: RetailRecord, order: readonly number[]): RetailRecord {
  return fields.length < order.length
    ? { line, fields }
    : { line, fields: order.map((index) => fields[index] ?? '') }
}

function bytesOf(file: string): Readable {
  const bytes = createReadStream(file, { highWaterMark: 256 * 1024 })
  if (!file.endsWith('.gz')) return bytes
  const plain = createGunzip()
  // An error of the file must end the reading, not only the piping.
  bytes.on('error', (cause) => plain.destroy(cause))
  plain.on('close', () => bytes.destroy())
  return bytes.pipe(plain)
}

type Encoding = 'utf-8' | 'windows-1252'

async function* decoded(bytes: Readable, encoding: Encoding): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding)
  for await (const chunk of bytes) yield decoder.decode(chunk as Buffer, { stream: true })
  yield decoder.decode()
}

/** Old exports of the file are not UTF-8: a pound sign in one name would otherwise be lost. */
async function encodingOf(file: string): Promise<Encoding> {
  await (await open(file)).close() // a missing file is told by its name, before any decoding
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const bytes = bytesOf(file)
  try {
    for await (const chunk of bytes) decoder.decode(chunk as Buffer, { stream: true })
    decoder.decode()
    return 'utf-8'
  } catch (error) {
    if (error instanceof TypeError) return 'windows-1252'
    throw error
  } finally {
    bytes.destroy()
  }
}
