// What PostgreSQL gives without us: rows of the log's columns, a transaction each, or many in one
// statement.
import { randomUUIDv7 } from 'node:crypto'
import pg from 'pg'
import { callsEachSecond } from './closed-loop.ts'
import { type RawRow, rawRow } from './sample-event.ts'

export const RAW_COLUMNS =
  'event_id, stream, version, event_type, event_version, data, metadata, occurred_at, timestamp'

/** The log's columns, types and both its indexes; nothing else. */
const TABLE = `CREATE TABLE raw (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL, stream text COLLATE "C" NOT NULL, version bigint NOT NULL,
  event_type text COLLATE "C" NOT NULL, event_version int NOT NULL,
  data json NOT NULL, metadata json NOT NULL,
  occurred_at timestamptz, timestamp timestamptz NOT NULL, UNIQUE (stream, version))`

/** Made before the clock starts and used again: the baseline makes no text. */
const ROWS_MADE = 1_000
/** With more connections than that a Node process gets fewer rows in, not more. */
const POOL_MAX = 32

export async function withRawTable<T>(
  url: string,
  connections: number,
  work: (pool: pg.Pool) => Promise<T>,
): Promise<T> {
  const pool = new pg.Pool({ connectionString: url, max: Math.min(connections, POOL_MAX) })
  // What is still closing when its database goes hears of it; nobody waits for it any more.
  pool.on('error', () => {})
  try {
    await pool.query(TABLE)
    return await work(pool)
  } finally {
    await pool.end()
  }
}

/** Rows each second, `rows` of them in a transaction of their own, from so many clients. */
export function smallInserts(url: string, clients: number, rows: number, seconds: number) {
  const { values, ...statement } = rows === 1 ? ONE_ROW : SHAPES.arrays
  const made = rowsMade().slice(0, rows)
  return withRawTable(url, clients, async (pool) => {
    const call = () => pool.query({ ...statement, values: values(made) })
    return rows * (await callsEachSecond(clients, seconds, call))
  })
}

export type Bulk = {
  readonly shape: keyof typeof SHAPES
  readonly rows: number
  readonly connections: number
}

/** Every way of many rows in one statement that we know of; the fastest is the one to beat. */
export const BULKS: readonly Bulk[] = (['arrays', 'json', 'jsonb'] as const).flatMap((shape) =>
  [100, 1_000].flatMap((rows) => [1, 4].map((connections) => ({ shape, rows, connections }))),
)

export const bulkText = ({ shape, rows, connections }: Bulk) =>
  `${shape === 'arrays' ? 'arrays' : `one ${shape} document`} of ${rows.toLocaleString('en-US')}, ` +
  `${connections} connection${connections === 1 ? '' : 's'}`

/** Rows each second. */
export function bulkRows(url: string, bulk: Bulk, seconds: number): Promise<number> {
  const { values, ...statement } = SHAPES[bulk.shape]
  const made = rowsMade().slice(0, bulk.rows)
  return withRawTable(url, bulk.connections, async (pool) => {
    const call = () => pool.query({ ...statement, values: values(made) })
    return bulk.rows * (await callsEachSecond(bulk.connections, seconds, call))
  })
}

const rowsMade = (): readonly RawRow[] => Array.from({ length: ROWS_MADE }, rawRow)
const fresh = () => `stock-${randomUUIDv7()}`

const document = (rows: readonly RawRow[], text: (json: string) => string) => [
  `[${rows.map((row) => entry(row, text)).join(',')}]`,
]
const entry = (
  [id, type, version, data, metadata, occurred, recorded]: RawRow,
  text: (json: string) => string,
) =>
  `{"i":"${id}","s":"${fresh()}","v":1,"t":"${type}","y":${version},"d":${text(data)},` +
  `"m":${text(metadata)},"o":"${occurred}","r":"${recorded}"}`
const FIELDS = 'i uuid, s text, v bigint, t text, y int'

const SHAPES = {
  arrays: {
    name: 'raw_arrays',
    text: `INSERT INTO raw (${RAW_COLUMNS}) SELECT * FROM unnest($1::uuid[], $2::text[],
      $3::bigint[], $4::text[], $5::int[], $6::json[], $7::json[], $8::timestamptz[],
      $9::timestamptz[])`,
    values: (rows: readonly RawRow[]): unknown[] => {
      const column = (at: number) => rows.map((row) => row[at])
      const [ids, types, versions, ...rest] = [0, 1, 2, 3, 4, 5, 6].map(column)
      return [ids, rows.map(fresh), rows.map(() => 1), types, versions, ...rest]
    },
  },
  json: {
    name: 'raw_json',
    text: `INSERT INTO raw (${RAW_COLUMNS}) SELECT * FROM json_to_recordset($1::text::json)
      e(${FIELDS}, d json, m json, o timestamptz, r timestamptz)`,
    values: (rows: readonly RawRow[]): unknown[] => document(rows, (json) => json),
  },
  jsonb: {
    name: 'raw_jsonb',
    text: `INSERT INTO raw (${RAW_COLUMNS}) SELECT i, s, v, t, y, d::json, m::json, o, r
      FROM jsonb_to_recordset($1::text::jsonb)
      e(${FIELDS}, d text, m text, o timestamptz, r timestamptz)`,
    values: (rows: readonly RawRow[]): unknown[] => document(rows, JSON.stringify),
  },
} as const

const ONE_ROW = {
  name: 'raw_row',
  text: `INSERT INTO raw (${RAW_COLUMNS}) VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8)`,
  values: ([row]: readonly RawRow[]): unknown[] => {
    const [id, ...rest] = row!
    return [id, fresh(), ...rest]
  },
} as const
