// Puts exported events back in bulk: checked as a whole, then stored with three statements.
import type { Claim, Recorded } from '#kernel/message.ts'
import { streamOf } from '#kernel/message.ts'
import { type CommandRecord, InvalidAppend } from '#storage/event-log.ts'
import { claimsIn, packCommand, packRow } from '#storage/log-packing.ts'
import type { Connections, Run, Statement } from './connections.ts'

const at = (name: string, text: string): Statement => ({ name: `log_restore_${name}`, text })
const HOLD_HEAD = at('head', 'SELECT position, timestamp FROM event_store.head FOR UPDATE')
const VERSIONS = at(
  'versions',
  `SELECT s.stream, coalesce((SELECT max(l.version) FROM event_store.log l
     WHERE l.stream = s.stream COLLATE "C"), 0) AS version FROM unnest($1::text[]) s(stream)`,
)
const EVENTS = at(
  'events',
  `INSERT INTO event_store.log (position, event_id, stream, version, event_type, event_version,
     data, metadata, occurred_at, timestamp)
   SELECT d.p, d.i, d.s, d.v, d.t, d.y, d.d::json, d.m::json, d.o, d.w
   FROM jsonb_to_recordset($1::text::jsonb) d(p bigint, i uuid, s text, v bigint, t text, y int,
     d text, m text, o timestamptz, w timestamptz)`,
)
const UNFINISHED = at(
  'unfinished',
  'UPDATE event_store.housekeeping SET unfinished = $1 WHERE unfinished <> $1',
)
const MOVE_HEAD = at('move', 'UPDATE event_store.head SET position = $1, timestamp = $2')
const COMMANDS = at(
  'commands',
  `INSERT INTO event_store.commands (id, fingerprint, position, version, response)
   SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[])`,
)
const RELEASE = at(
  'release',
  `DELETE FROM event_store.claims k USING unnest($1::text[], $2::text[]) d(scope, value)
   WHERE k.scope = d.scope AND k.value = d.value`,
)
const CLAIM = at(
  'claim',
  `INSERT INTO event_store.claims (scope, value, owner)
   SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
   ON CONFLICT (scope, value) DO UPDATE SET owner = excluded.owner`,
)
const OWNERS = at(
  'owners',
  `SELECT k.scope, k.value, k.owner FROM event_store.claims k
   JOIN unnest($1::text[], $2::text[]) d(scope, value) ON k.scope = d.scope AND k.value = d.value`,
)

/** Throws InvalidAppend, and nothing is stored, when they do not follow what is there. */
export async function restoreEvents(
  { transaction }: Connections,
  events: readonly Recorded[],
  commands: readonly CommandRecord[],
  unfinished: boolean,
): Promise<void> {
  const rows = events.map(packRow)
  const records = commands.map(packCommand)
  try {
    await transaction(async (run) => {
      await checkFollows(run, events)
      await run(UNFINISHED, [unfinished])
      const documents = rows.map(([p, i, s, v, t, y, d, m, o, w]) =>
        o === null ? { p, i, s, v, t, y, d, m, w } : { p, i, s, v, t, y, d, m, o, w },
      )
      if (rows.length > 0) await run(EVENTS, [JSON.stringify(documents)])
      const last = events.at(-1)
      if (last !== undefined) await run(MOVE_HEAD, [last.position, last.timestamp])
      await moveClaims(run, events)
      if (records.length > 0)
        await run(
          COMMANDS,
          [0, 1, 2, 3, 4].map((column) => records.map((one) => one[column]!)),
        )
    })
  } catch (error) {
    const { code } = error as { code?: string }
    // Broken rules and values that fit no column: what was given, not the server.
    if (code?.startsWith('23') || code?.startsWith('22'))
      throw new InvalidAppend(`what is restored does not fit: ${(error as Error).message}`)
    throw error
  }
}

async function checkFollows(run: Run, events: readonly Recorded[]): Promise<void> {
  const [head] = await run<{ position: number; timestamp: string }>(HOLD_HEAD)
  let { position, timestamp } = head!
  const streams = new Set(events.map((one) => streamOf(one.aggregate_type, one.aggregate_id)))
  const known = new Map(
    (await run<{ stream: string; version: number }>(VERSIONS, [[...streams]])).map((row) => [
      row.stream,
      row.version,
    ]),
  )
  for (const event of events) {
    const stream = streamOf(event.aggregate_type, event.aggregate_id)
    const version = known.get(stream)!
    if (event.position !== position + 1)
      throw new InvalidAppend(`position ${event.position} does not follow ${position}`)
    if (event.version !== version + 1)
      throw new InvalidAppend(`version ${event.version} of ${stream} does not follow ${version}`)
    if (event.timestamp < timestamp)
      throw new InvalidAppend(`position ${event.position} lies before its predecessor`)
    position++
    timestamp = event.timestamp
    known.set(stream, event.version)
  }
}

/** Who owns what at the end of these events, from who owned it before. */
async function moveClaims(run: Run, events: readonly Recorded[]): Promise<void> {
  const moves = [...claimsIn(events).values()]
  const named = moves.flatMap(({ claims, releases }) => [...releases, ...claims])
  if (named.length === 0) return
  const keyOf = ({ scope, value }: Pick<Claim, 'scope' | 'value'>) => JSON.stringify([scope, value])
  const columns = (claims: readonly Claim[]) => [
    claims.map(({ scope }) => scope),
    claims.map(({ value }) => value),
  ]
  const owners = new Map(
    (await run<Claim>(OWNERS, columns(named))).map((claim) => [keyOf(claim), claim]),
  )
  for (const { claims, releases } of moves) {
    for (const release of releases)
      if (owners.get(keyOf(release))?.owner === release.owner) owners.delete(keyOf(release))
    for (const claim of claims) owners.set(keyOf(claim), claim)
  }
  const gone = named.filter((claim) => !owners.has(keyOf(claim)))
  const kept = [...owners.values()]
  await run(RELEASE, columns(gone))
  await run(CLAIM, [...columns(kept), kept.map(({ owner }) => owner)])
}
