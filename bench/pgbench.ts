// PostgreSQL's own load generator on the log's columns: what the server gives to clients that cost
// next to nothing.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { RAW_COLUMNS, withRawTable } from './postgres-raw.ts'
import { rawRow } from './sample-event.ts'

const THREADS = 2
/** Transactions a second. */
const EXPECTED_OF_ONE = 4_000
const EXPECTED_MAX = 12_000
/** Streams are new and rise with the time, as ours do. */
const FIRST_STREAM = 1_000_000_000

export type PgBench = {
  readonly program: string
  readonly url: string
  /** For the script; on no disk that is measured does it matter. */
  readonly folder: string
}

/** Rows each second: so many clients, each transaction so many rows, prepared. */
export async function pgbenchRows(
  { program, url, folder }: PgBench,
  clients: number,
  rows: number,
  seconds: number,
): Promise<number> {
  const script = join(folder, 'insert.sql')
  writeFileSync(script, insertScript(rows))
  return await withRawTable(url, 1, async () => {
    const { hostname, port, username, password, pathname } = new URL(url)
    const load = ['-c', String(clients), '-j', String(Math.min(THREADS, clients))]
    const { stdout } = await promisify(execFile)(
      program,
      [
        ...['-h', hostname, '-p', port || '5432', '-U', decodeURIComponent(username)],
        ...['-n', '-M', 'prepared', '-f', script, '-D', `n=${FIRST_STREAM}`, ...load],
        ...['-t', String(transactionsEach(clients, seconds)), pathname.slice(1)],
      ],
      { env: { ...process.env, PGPASSWORD: decodeURIComponent(password) } },
    )
    const transactions = Number(/^tps = ([\d.]+)/m.exec(stdout)?.[1])
    if (!(transactions > 0)) throw new Error(`pgbench said no rate: ${stdout}`)
    return rows * transactions
  })
}

/**
 * A number and not a time: its clock runs while it connects, which hundreds take seconds for. About
 * as many as fit; the rate is of what it was.
 */
const transactionsEach = (clients: number, seconds: number) =>
  Math.ceil((seconds * Math.min(EXPECTED_MAX, EXPECTED_OF_ONE * clients)) / clients)

function insertScript(rows: number): string {
  const [, type, version, data, metadata] = rawRow()
  // A colon before a letter or a digit would be a variable of the script.
  const json = (text: string) => `'${text.replaceAll(':', ': ')}'`
  const row = (at: number) =>
    `(gen_random_uuid(), 'stock-' || CAST(:n AS text) || '-' || CAST(:client_id AS text), ${at + 1},
      '${type}', ${version}, ${json(data)}, ${json(metadata)}, now(), now())`
  const values = Array.from({ length: rows }, (_, at) => row(at)).join(',\n')
  return `\\set n :n + 1\nINSERT INTO raw (${RAW_COLUMNS}) VALUES\n${values};\n`
}
