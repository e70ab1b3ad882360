// What the disk and SQLite give without us: rows of the log's table, one a commit or many.
import { randomUUIDv7 } from 'node:crypto'
import { workEachSecond } from './closed-loop.ts'
import { openRawTable } from './raw-table.ts'
import { type RawRow, rawRow } from './sample-event.ts'

const ROWS_A_TRANSACTION = 1_000
/** Made before the clock starts and used again: the baseline makes no text. */
const ROWS_MADE = 1_000

/** Rows each second, every one of them with a commit of its own. */
export function singleCommits(folder: string, seconds: number): number {
  const { db, insert } = openRawTable(folder)
  const rows = Array.from({ length: ROWS_MADE }, rawRow)
  let at = 0
  const rate = workEachSecond(seconds, () => {
    insert(`stock-${randomUUIDv7()}`, 1, rows[at++ % ROWS_MADE]!)
    return 1
  })
  db.close()
  return rate
}

/** Rows each second in transactions of a thousand. */
export function bulkInserts(folder: string, seconds: number): number {
  const { db, insert } = openRawTable(folder)
  const rows: readonly RawRow[] = Array.from({ length: ROWS_MADE }, rawRow)
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rate = workEachSecond(seconds, () => {
    begin.run()
    for (let at = 0; at < ROWS_A_TRANSACTION; at++)
      insert(`stock-${randomUUIDv7()}`, 1, rows[at % ROWS_MADE]!)
    commit.run()
    return ROWS_A_TRANSACTION
  })
  db.close()
  return rate
}
