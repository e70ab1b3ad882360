// The reading side of the log on PostgreSQL: each question is one statement, and so one moment.
import type { Claim, Recorded } from '#kernel/message.ts'
import type { EventLog, Loaded, LoadRequest, Snapshot } from '#storage/event-log.ts'
import { type EventRow, recorder } from '#storage/stored-events.ts'
import type { Connections, Statement } from './connections.ts'
import { type RecordRow, recordFrom } from './log-batch.ts'

type SnapshotRow = Omit<Snapshot, 'state'> & { readonly state: string }
type Counters = {
  readonly position: number | null
  readonly timestamp: string | null
  readonly last: number
  readonly last_timestamp: string
}
type LoadedRow = EventRow & { readonly n: number; readonly state: string | null }

export const COLUMNS =
  'position, event_id, stream, version, event_type, event_version, data, metadata, occurred_at, timestamp'

const one = (name: string, text: string): Statement => ({ name: `log_${name}`, text })
/** Every statement of the hot paths; a test looks at their plans. */
const READS = {
  all: one(
    'read_all',
    `SELECT ${COLUMNS} FROM event_store.log WHERE position > $1 ORDER BY position LIMIT $2`,
  ),
  stream: one(
    'read_stream',
    `SELECT ${COLUMNS} FROM event_store.log WHERE stream = $1 AND version > $2
     ORDER BY version LIMIT $3`,
  ),
  // Names of streams are ASCII, so everything that begins with the prefix lies below prefix + DEL.
  streams: one(
    'read_streams',
    `SELECT ${COLUMNS} FROM event_store.log WHERE stream >= $1 AND stream < $2
     ORDER BY position LIMIT $3`,
  ),
  head: one(
    'head',
    'SELECT position, timestamp FROM event_store.log ORDER BY position DESC LIMIT 1',
  ),
  positionAt: one('position_at', 'SELECT event_store.position_at($1) AS position'),
  command: one('command', 'SELECT * FROM event_store.commands WHERE id = $1'),
  commandsOf: one('commands_of', 'SELECT * FROM event_store.commands WHERE id = ANY($1)'),
  snapshots: one(
    'read_snapshots',
    `SELECT stream, version, state_version, state FROM event_store.snapshots WHERE stream > $1
     ORDER BY stream LIMIT $2`,
  ),
  unfinished: one('is_unfinished', 'SELECT unfinished FROM event_store.housekeeping'),
  // One statement, so that an append is seen in both or in neither.
  counters: one(
    'counters',
    `SELECT h.position, h.timestamp, coalesce(l.position, 0) AS last,
       coalesce(l.timestamp, to_timestamp(0)) AS last_timestamp
     FROM (SELECT true AS one) o LEFT JOIN event_store.head h ON true LEFT JOIN LATERAL
       (SELECT position, timestamp FROM event_store.log ORDER BY position DESC LIMIT 1) l ON true`,
  ),
  commands: one(
    'commands',
    'SELECT * FROM event_store.commands WHERE id > $1 ORDER BY id LIMIT $2',
  ),
  claims: one(
    'claims',
    `SELECT scope, value, owner FROM event_store.claims WHERE (scope, value) > ($1, $2)
     ORDER BY scope, value LIMIT $3`,
  ),
  claimsOf: one(
    'claims_of',
    `SELECT c.scope, c.value, c.owner FROM event_store.claims c
     JOIN (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) n(scope, value)
       ON c.scope = n.scope COLLATE "C" AND c.value = n.value COLLATE "C"`,
  ),
  // A snapshot ahead of the log is a lie; the newest version is one look into the index. A caller
  // that knows the stream up to some version only wants what follows.
  load: one(
    'load',
    `WITH asked AS MATERIALIZED (
       SELECT r.n, r.stream, r.after, s.version, s.state
       FROM unnest($1::text[], $2::bigint[], $3::int[])
         WITH ORDINALITY r(stream, after, state_version, n)
       LEFT JOIN LATERAL (SELECT version, state FROM event_store.snapshots k
         WHERE k.stream = r.stream COLLATE "C" AND k.state_version = r.state_version AND r.after = 0
           AND k.version <= (SELECT max(l.version) FROM event_store.log l
             WHERE l.stream = r.stream COLLATE "C") LIMIT 1) s ON true)
     SELECT n, state, version, NULL::bigint AS position, NULL::uuid AS event_id,
       NULL AS stream, NULL AS event_type, NULL::int AS event_version, NULL::json AS data,
       NULL::json AS metadata, NULL::timestamptz AS occurred_at, NULL::timestamptz AS timestamp
     FROM asked WHERE state IS NOT NULL
     UNION ALL
     SELECT a.n, NULL, e.version, e.position, e.event_id, e.stream, e.event_type, e.event_version,
       e.data, e.metadata, e.occurred_at, e.timestamp
     FROM asked a CROSS JOIN LATERAL (SELECT * FROM event_store.log l
       WHERE l.stream = a.stream COLLATE "C" AND l.version > coalesce(a.version, a.after)
       ORDER BY l.version) e
     ORDER BY 1, 3`,
  ),
} as const

type Reading = Pick<
  EventLog,
  | 'readAll'
  | 'readStream'
  | 'readStreams'
  | 'load'
  | 'head'
  | 'positionAt'
  | 'commandRecord'
  | 'commandRecords'
  | 'commandRecordsOf'
  | 'snapshots'
  | 'isUnfinished'
  | 'inspect'
  | 'claims'
  | 'claimsOf'
>

export function logReader({ read }: Pick<Connections, 'read'>): Reading {
  const recorded = recorder()
  const events = async (statement: Statement, values: readonly (string | number | null)[]) =>
    (await read<EventRow>(statement, values)).map(recorded)

  return {
    readAll: (after, limit) => events(READS.all, [after, limit]),
    readStream: (stream, after = 0, limit) => events(READS.stream, [stream, after, limit ?? null]),
    readStreams: (prefix, limit) => events(READS.streams, [prefix, `${prefix}\u007f`, limit]),
    async head() {
      const [row] = await read<{ position: number; timestamp: string }>(READS.head)
      return row ?? { position: 0, timestamp: new Date(0).toISOString() }
    },
    async positionAt(time) {
      const [row] = await read<{ position: number }>(READS.positionAt, [time])
      return row!.position
    },
    async commandRecord(id) {
      const [row] = await read<RecordRow>(READS.command, [id])
      return row === undefined ? null : recordFrom(row)
    },
    commandRecords: async (afterId, limit) =>
      (await read<RecordRow>(READS.commands, [afterId, limit])).map(recordFrom),
    commandRecordsOf: async (ids) =>
      (await read<RecordRow>(READS.commandsOf, [ids])).map(recordFrom),
    snapshots: async (afterStream, limit) =>
      (await read<SnapshotRow>(READS.snapshots, [afterStream, limit])).map(
        ({ state, ...kept }): Snapshot => ({ ...kept, state: JSON.parse(state) }),
      ),
    async isUnfinished() {
      const [row] = await read<{ unfinished: boolean }>(READS.unfinished)
      return row?.unfinished === true
    },
    async inspect() {
      const [row] = await read<Counters>(READS.counters)
      const { position, timestamp, last, last_timestamp } = row!
      // An append that was refused moves the time, and nothing else.
      if (position === last && timestamp !== null && timestamp >= last_timestamp) return []
      const stored = position === null ? null : { position, timestamp }
      const counted = { position: last, timestamp: last_timestamp }
      return [{ what: 'the counter of positions', stored, counted }]
    },
    claims: (after, limit) =>
      read<Claim>(READS.claims, [after?.scope ?? '', after?.value ?? '', limit]),
    claimsOf: (names) =>
      read<Claim>(READS.claimsOf, [
        names.map(({ scope }) => scope),
        names.map(({ value }) => value),
      ]),
    async load(requests) {
      const rows = await read<LoadedRow>(READS.load, [
        requests.map(({ stream }) => stream),
        requests.map(({ after }) => after),
        requests.map(({ stateVersion }) => stateVersion ?? null),
      ])
      return loadedFrom(requests, rows, recorded)
    },
  }
}

/** Rows come in the order of the requests, a snapshot before its events. */
function loadedFrom(
  requests: readonly LoadRequest[],
  rows: readonly LoadedRow[],
  recorded: (row: EventRow) => Recorded,
): readonly Loaded[] {
  let at = 0
  return requests.map((_, i): Loaded => {
    const mine = () => rows[at]?.n === i + 1
    const { state, version } = mine() ? rows[at]! : { state: null, version: 0 }
    const snapshot = state === null ? null : { version, state: JSON.parse(state) }
    if (snapshot !== null) at++
    const events: Recorded[] = []
    while (mine()) events.push(recorded(rows[at++]!))
    return { snapshot, events }
  })
}
