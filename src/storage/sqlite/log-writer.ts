// Judges appends and writes them, inside a transaction that somebody else opens and commits. What
// it knows beside the file (versions, the last position) is read again after a rollback.
import type { DatabaseSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import type { Claim } from '#kernel/message.ts'
import type { CommandRecord, Expected, Verdict } from '#storage/event-log.ts'
import type { Packed, PackedRow, Restored } from '#storage/log-packing.ts'
import { checksumOf, damaged } from './checksums.ts'
import { type CommandRow, isWhole, type LogStatements, toRecord } from './log-sql.ts'

const VERSIONS_KNOWN_MAX = 100_000

/** The writer's own knowledge of the log; right as long as nobody else writes. */
export type LogWriter = {
  readonly db: DatabaseSync
  readonly sql: LogStatements
  readonly versions: LRUCache<string, number>
  position: number
  timestamp: string
}

export function logWriter(db: DatabaseSync, sql: LogStatements): LogWriter {
  const writer: LogWriter = {
    db,
    sql,
    versions: new LRUCache({ max: VERSIONS_KNOWN_MAX }),
    position: 0,
    timestamp: '',
  }
  refresh(writer)
  return writer
}

/** After a rollback: what is known may be ahead of the file. */
function refresh(writer: LogWriter): void {
  const head = writer.sql.head.get() as { position: number; timestamp: string } | undefined
  writer.versions.clear()
  writer.position = head?.position ?? 0
  writer.timestamp = head?.timestamp ?? new Date(0).toISOString()
}

export function inTransaction<T>(writer: LogWriter, work: () => T): T {
  writer.sql.begin.run()
  try {
    const result = work()
    writer.sql.commit.run()
    return result
  } catch (error) {
    if (writer.db.isTransaction) writer.sql.rollback.run()
    refresh(writer)
    throw error
  }
}

/** Never before the last one, whatever the clock says. */
export function tick({ timestamp }: LogWriter): string {
  const now = new Date().toISOString()
  return now > timestamp ? now : timestamp
}

/** Writes the append, or says why not and changes nothing. */
export const judge = (writer: LogWriter, append: Packed, now: string): Verdict =>
  refusal(writer, append) ?? write(writer, append, now)

function refusal(writer: LogWriter, { writes, claims, releases, command }: Packed): Verdict | null {
  if (command !== null) {
    const record = recordOf(writer, command[0])
    if (record !== null)
      return {
        ok: false,
        reason: record.fingerprint === command[1] ? 'repeated' : 'reused',
        record,
      }
  }
  for (const [stream, expected] of writes) {
    const actual = versionOf(writer, stream)
    if (!fits(expected, actual)) return { ok: false, reason: 'conflict', stream, actual }
  }
  for (const claim of claims) {
    const owner = ownerOf(writer, claim)
    if (owner === null || owner === claim.owner) continue
    const freed = releases.some(
      ({ scope, value, owner: by }) =>
        scope === claim.scope && value === claim.value && by === owner,
    )
    if (!freed) return { ok: false, reason: 'claimed', claim, owner }
  }
  return null
}

function write(writer: LogWriter, append: Packed, now: string): Verdict {
  const { sql, versions } = writer
  const first = writer.position + 1
  const after: number[] = []
  let metadata = ''
  for (const [stream, , events] of append.writes) {
    let version = versionOf(writer, stream)
    for (const [id, type, typeVersion, data, own, occurred] of events) {
      if (own !== null) metadata = own
      const row = [
        ++writer.position,
        id,
        stream,
        ++version,
        type,
        typeVersion,
        data,
        metadata,
        occurred,
        now,
      ] as const
      sql.insert.run(...row, checksumOf(row))
    }
    if (events.length > 0) versions.set(stream, version)
    after.push(version)
  }
  moveClaims(writer, append)
  if (append.command !== null) {
    const [id, fingerprint, response] = append.command
    const row = [id, fingerprint, writer.position, after[0] ?? 0, response] as const
    sql.record.run(...row, checksumOf(row))
  }
  return { ok: true, position: writer.position, first, versions: after, timestamp: now }
}

/** Puts an exported event back. Throws RangeError when it does not follow. */
export function restoreRow(writer: LogWriter, row: PackedRow, claims: Restored): void {
  const [position, , stream, version, , , , , , timestamp] = row
  if (position !== writer.position + 1)
    throw new RangeError(`position ${position} does not follow ${writer.position}`)
  const known = versionOf(writer, stream)
  if (version !== known + 1)
    throw new RangeError(`version ${version} of ${stream} does not follow ${known}`)
  if (timestamp < writer.timestamp)
    throw new RangeError(`position ${position} lies before its predecessor`)
  writer.sql.insert.run(...row, checksumOf(row))
  writer.position = position
  writer.timestamp = timestamp
  writer.versions.set(stream, version)
  const moved = claims.get(position)
  if (moved !== undefined) moveClaims(writer, moved)
}

type Moved = { readonly claims: readonly Claim[]; readonly releases: readonly Claim[] }

function moveClaims({ sql }: LogWriter, { claims, releases }: Moved): void {
  for (const { scope, value, owner } of releases) sql.release.run(scope, value, owner)
  for (const { scope, value, owner } of claims) sql.claim.run(scope, value, owner)
}

function versionOf({ sql, versions }: LogWriter, stream: string): number {
  const known = versions.get(stream)
  if (known !== undefined) return known
  const version = (sql.version.get(stream) as { version: number | null }).version ?? 0
  versions.set(stream, version)
  return version
}

export function recordOf({ db, sql }: LogWriter, id: string): CommandRecord | null {
  const row = sql.command.get(id) as CommandRow | undefined
  if (row === undefined) return null
  if (!isWhole(row)) throw damaged(db.location() ?? 'the log', `the record of command ${id}`)
  return toRecord(row)
}

const ownerOf = ({ sql }: LogWriter, { scope, value }: Claim): string | null =>
  (sql.owner.get(scope, value) as { owner: string } | undefined)?.owner ?? null

function fits(expected: Expected, actual: number): boolean {
  if (expected === 'any') return true
  if (expected === 'none') return actual === 0
  if (expected === 'exists') return actual > 0
  return expected === actual
}
