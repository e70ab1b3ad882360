// The kinds of files that are brought in and taken out, and the formats they have.
import type { JobFormat } from '#runtime/job-operations.ts'
import { FileBroken, type FileRow } from './columns.ts'
import { csvRows } from './csv-rows.ts'
import { customers } from './customer-rows.ts'
import type { Kind } from './kind.ts'
import { ndjsonRows } from './ndjson-rows.ts'
import { products } from './product-rows.ts'
import { stock } from './stock-rows.ts'

export const kinds = { products, stock, customers } as const satisfies Record<string, Kind>
export type KindName = keyof typeof kinds
// Known by `kinds`.
export const KIND_NAMES = Object.keys(kinds) as [KindName, ...KindName[]]
export const isKind = (name: string): name is KindName => Object.hasOwn(kinds, name)

/** By the file's name: `.csv`; `.ndjson`, `.jsonl`. */
export function formatOf(file: string): JobFormat {
  if (/\.csv$/i.test(file)) return 'csv'
  if (/\.(ndjson|jsonl)$/i.test(file)) return 'ndjson'
  throw new FileBroken(`${file} is neither .csv nor .ndjson; name its format with --format`)
}

export const rowsOf = (
  kind: Kind,
  format: JobFormat,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<FileRow> =>
  format === 'csv' ? csvRows(bytes, kind.columns) : ndjsonRows(bytes, kind.columns)
