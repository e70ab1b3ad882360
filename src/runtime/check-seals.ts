// Compares the log's events, as they come by in order, with the seals made over them. Each seal is
// read before the events that it covers, so nothing is kept and nothing is read twice.
import { createHash, type Hash } from 'node:crypto'
import type { Recorded } from '#kernel/message.ts'
import { check } from '#kernel/schema.ts'
import type { EventLog } from '#storage/event-log.ts'
import {
  DIGEST_BYTES,
  hashOf,
  isAsSealed,
  RECORD_BYTES,
  recordsWithin,
  SEALS_STREAM,
  type Seal,
  sealEvents,
} from './seals.ts'

export type Note = (position: number, why: string) => void
export type SealCheck = {
  /** The next event, and its hash. */
  take(event: Recorded, hashed: Buffer): Promise<void>
  /** So many before the next one are not there, or cannot be read. */
  lack(count: number): Promise<void>
  /** The last event that a seal covers. */
  sealedTo(): number
}

/** A seal, where it stands, and what its range has shown so far. */
type Range = {
  readonly seal: Seal
  readonly at: number
  readonly from: number
  /** By its own word and by its digests; one of them may have been changed. */
  readonly ends: readonly number[]
  readonly last: number
  readonly digests: Buffer
  readonly hash: Hash
  /** The hash at each end. */
  readonly hashes: Map<number, string>
  readonly commands: Set<string>
  wrong: { position: number; why: string }[]
}
const LACKING_MAX = 100_000
const UNREADABLE_MAX = 1_000
const NAMED_MAX = 100

/** Seals behind the position `end` do not count: they came while we look. */
export function sealCheck(log: EventLog, end: number, note: Note): SealCheck {
  const seals = sealReader(log, end, note)
  /** undefined: not read yet; null: there are no more. */
  let range: Range | null | undefined
  let covered = 0
  let previous = ''
  let before: Buffer = Buffer.alloc(0)
  // Counted as when it was sealed: behind what was removed or inserted, the rest has moved.
  let number = 0
  let moved = 0

  const next = async (): Promise<Range | null> => {
    range = await seals.next(covered + 1, previous)
    if (range !== null) previous = range.seal.hash
    return range
  }
  /** Of the number that is looked at; null where no seal covers it. */
  const ready = async (): Promise<Range | null> => {
    let one = range === undefined ? await next() : range
    while (one !== null && number > one.last) {
      covered = await judged(log, one, moved === 0, note)
      one = await next()
    }
    return one !== null && number >= one.from ? one : null
  }
  const closeAtEnd = async (one: Range) => {
    if (one.ends.includes(number)) one.hashes.set(number, hashAt(one))
    if (number < one.last) return
    covered = await judged(log, one, moved === 0, note)
    before = one.digests.subarray(-DIGEST_BYTES)
    range = undefined
  }
  /** Whether it stands one further on, or one back, than when it was sealed. */
  const moves = (one: Range, event: Recorded): -1 | 0 | 1 => {
    if (isDigest(digestAt(one, number + 1), hashOf(event, number + 1))) return 1
    const back = number === one.from ? before : digestAt(one, number - 1)
    return isDigest(back, hashOf(event, number - 1)) ? -1 : 0
  }

  return {
    async take(event, hashed) {
      number = event.position + moved
      const one = await ready()
      if (one === null) return
      const { command_id } = event.metadata
      if (command_id !== undefined) one.commands.add(command_id)
      const own = moved === 0 ? hashed : hashOf(event, number)
      one.hash.update(own)
      if (!isDigest(digestAt(one, number), own)) {
        const by = moves(one, event)
        moved += by
        number += by
        markWrong(one, event, by)
      }
      await closeAtEnd(one)
    },
    async lack(count) {
      for (let i = 0; i < Math.min(count, LACKING_MAX); i++) {
        number++
        const one = await ready()
        if (one === null) continue
        one.wrong.push({ position: number - moved, why: 'is missing' })
        await closeAtEnd(one)
      }
    },
    sealedTo: () => covered,
  }
}

const digestAt = ({ digests, from }: Range, number: number): Buffer =>
  digests.subarray((number - from) * DIGEST_BYTES, (number - from + 1) * DIGEST_BYTES)
const isDigest = (digest: Buffer, hashed: Buffer) =>
  digest.length === DIGEST_BYTES && hashed.subarray(0, DIGEST_BYTES).equals(digest)
const hashAt = ({ hash, seal }: Range) =>
  hash
    .copy()
    .update(Buffer.from(seal.records ?? '', 'base64url'))
    .digest('base64url')

function markWrong({ wrong }: Range, event: Recorded, by: -1 | 0 | 1): void {
  const { position } = event
  const last = wrong.at(-1)
  if (by === 1) wrong.push({ position, why: 'is missing; what followed it stands in its place' })
  else if (by === -1 && last?.position === position - 1) last.why = 'was inserted'
  else if (by === 0) wrong.push({ position, why: `is not what was sealed${extent(event)}` })
}

/** A seal that was changed proves nothing: what it covered may have been changed with it. */
function extent({ event_type, data }: Recorded): string {
  if (event_type !== 'LogSealed') return ''
  const { from, to } = data as Partial<Seal>
  return `; it is the seal over ${from} to ${to}, so any of these may have been changed with it`
}

/** Tells what is wrong with a range, and gives its end. */
async function judged(log: EventLog, one: Range, isInPlace: boolean, note: Note): Promise<number> {
  const { seal, at, from, ends, wrong } = one
  const fitting = ends.find((end) => one.hashes.get(end) === seal.hash)
  const end = fitting ?? ends[0]!
  if (fitting !== undefined) {
    // Its events are sound, so it is the seal that was changed.
    if (wrong.length > 0) note(at, 'is a seal with other digests than its events have')
    else if (new Set(ends).size > 1) note(at, `is a seal that ends at ${seal.to}, not ${end}`)
  } else if (wrong.length === 0) {
    note(at, `is a seal that does not fit the events ${from} to ${end}`)
    return end
  }
  if (fitting === undefined)
    for (const { position, why } of wrong.slice(0, NAMED_MAX)) note(position, why)
  if (isInPlace) await checkRecords(log, one, end, note)
  return end
}

async function checkRecords(
  log: EventLog,
  { seal, from, commands }: Range,
  to: number,
  note: Note,
): Promise<void> {
  // Older seals do not tell.
  if (seal.records === undefined) return
  const sealed = Buffer.from(seal.records, 'base64url')
  const records = await recordsWithin(log, commands, { from, to })
  // One that is missing is named where events are compared with records.
  if (records.length * RECORD_BYTES < sealed.length) return
  for (const [i, record] of records.entries()) {
    const digest = sealed.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES)
    if (digest.length === RECORD_BYTES && isAsSealed(record, digest)) continue
    note(record.position, `has a command record (${record.id}) that is not what was sealed`)
    if (records.length * RECORD_BYTES !== sealed.length) return
  }
}

/** Seals in order, those that are none passed over and told. */
function sealReader(log: EventLog, end: number, note: Note) {
  let version = 0
  /** One before is not there or is none: where the next begins is its own word. */
  let lost = false

  const read = async (): Promise<Recorded | null> => {
    for (let skipped = 0; skipped < UNREADABLE_MAX; skipped++) {
      try {
        const [event] = await log.readStream(SEALS_STREAM, version, 1)
        return event === undefined || event.position > end ? null : event
      } catch {
        // Which one cannot be read is told where all events are read.
        version++
        lost = true
      }
    }
    return null
  }

  return {
    async next(expected: number, previous: string): Promise<Range | null> {
      for (;;) {
        const event = await read()
        if (event === null) return null
        const { position: at } = event
        if (event.version !== version + 1) lost = true
        version = event.version
        const checked = check(sealEvents.LogSealed.data, event.data)
        if (event.event_type !== 'LogSealed' || !checked.ok) {
          note(at, 'is not a seal as they are made')
          lost = true
          continue
        }
        const seal = checked.value
        const follows = seal.previous === previous
        if (!follows) note(at, 'is a seal that does not follow the one before it')
        const from = (lost || !follows) && seal.from > expected ? seal.from : expected
        if (seal.from !== expected) note(at, `is a seal from ${seal.from} on, not ${expected}`)
        lost = false
        const one = rangeOf(seal, at, from)
        if (one !== null) return one
        note(at, `is a seal over ${seal.from} to ${seal.to}, which cannot be`)
        lost = true
      }
    },
  }
}

function rangeOf(seal: Seal, at: number, from: number): Range | null {
  const digests = Buffer.from(seal.digests, 'base64url')
  // A seal comes after what it covers; one place more where something before it was removed.
  const ends = [seal.to, from + Math.floor(digests.length / DIGEST_BYTES) - 1].filter(
    (end) => end >= from && end <= at,
  )
  if (ends.length === 0) return null
  const hash = createHash('sha256').update(Buffer.from(seal.previous))
  const last = Math.max(...ends)
  const found = { hashes: new Map(), commands: new Set<string>(), wrong: [] }
  return { seal, at, from, ends, last, digests, hash, ...found }
}
