// Every row of the log carries a checksum of itself, since a disk may give back what nobody wrote.
// Seals say the same of what they cover, and cannot be forged; this is for the rest, and at once.
import type { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'

/** What is stored is not what was written. */
export class LogDamaged extends Error {
  override readonly name = 'LogDamaged'
}

type Value = string | number | null

/** Of a row's values, in the order of its columns. */
export const checksumOf = (values: readonly Value[]): number => crc32(values.join('\u0000'))

/** Rows of before there were checksums have none, and are taken as they are. */
export const fits = (checksum: number | null | undefined, values: readonly Value[]): boolean =>
  checksum == null || checksum === checksumOf(values)

export const damaged = (path: string, what: string, cause?: unknown): LogDamaged =>
  new LogDamaged(
    `${path} is damaged: ${what} is not what was written. Stop, see to the disk, put back a backup ` +
      '(docs/operating.md); `daybook verify` names all that is damaged',
    { cause },
  )

export type KeyRow = {
  readonly subject: string
  readonly key: Uint8Array
  readonly checksum?: number | null
}
export const checksumOfKey = (subject: string, key: Uint8Array): number =>
  checksumOf([subject, Buffer.from(key).toString('hex')])
export const isWholeKey = ({ subject, key, checksum }: KeyRow): boolean =>
  checksum == null || checksum === checksumOfKey(subject, key)

/** Tables of before have no such column. */
export function addChecksum(db: DatabaseSync, table: string): void {
  const [there] = db
    .prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = 'checksum'")
    .all(table)
  if (there === undefined) db.exec(`ALTER TABLE ${table} ADD COLUMN checksum INTEGER`)
}
