// Seals: every so many events a hash over the canonical JSON of the stored envelopes since the last
// seal, over the records of their commands, and over that seal. Seals are events themselves, so
// export keeps them. Each carries short digests, from which check-seals.ts names what was changed.
import { hash, randomUUIDv7 } from 'node:crypto'
import canonicalize from 'canonicalize'
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Infer, integer, object, optional, text } from '#kernel/schema.ts'
import type { CommandRecord, EventLog } from '#storage/event-log.ts'

const DIGESTS_MAX = 20_000_000
export const sealEvents = eventTypes({
  LogSealed: {
    data: object({
      from: integer({ min: 1 }),
      to: integer({ min: 1 }),
      /** SHA-256 of the previous seal's hash, the envelopes' hashes and `records`; base64url. */
      hash: text(),
      previous: text({ min: 0 }),
      /** The first 8 bytes of each envelope's hash, one after the other; base64url. */
      digests: text({ max: DIGESTS_MAX }),
      /**
       * Of each command record of these events, by position: 8 bytes of the hash of what stays of
       * it, 8 of its response (zeros where it was dropped); base64url.
       */
      records: optional(text({ min: 0, max: DIGESTS_MAX })),
    }),
  },
})
export type Seal = Infer<typeof sealEvents.LogSealed.data>

/** The one stream of seals. */
export const sealing = aggregate({
  type: 'seal',
  state_version: 1,
  events: sealEvents,
  initial: null as null | Pick<Seal, 'to' | 'hash'>,
  evolve: { LogSealed: (_, { to, hash }) => ({ to, hash }) },
})
export const SEALS_STREAM = sealing.at('log').stream
export const DIGEST_BYTES = 8
export const RECORD_BYTES = 2 * DIGEST_BYTES

/** `position`: another than its own, to see whether it was moved. */
export const hashOf = (event: Recorded, position: number = event.position): Buffer =>
  hash('sha256', canonicalize({ ...event, position })!, 'buffer')

const NO_RESPONSE = Buffer.alloc(DIGEST_BYTES)

function digestOfRecord(record: CommandRecord): Buffer {
  const { id, fingerprint, position, version, response } = record
  const digest = (value: unknown) =>
    hash('sha256', canonicalize(value)!, 'buffer').subarray(0, DIGEST_BYTES)
  const answer = response === null ? NO_RESPONSE : digest(response)
  return Buffer.concat([digest([id, fingerprint, position, version]), answer])
}

/** A response may be dropped, never changed; one that was dropped before the seal was not seen. */
export function isAsSealed(record: CommandRecord, sealed: Buffer): boolean {
  const now = digestOfRecord(record)
  const [stays, answer] = [sealed.subarray(0, DIGEST_BYTES), sealed.subarray(DIGEST_BYTES)]
  if (!now.subarray(0, DIGEST_BYTES).equals(stays)) return false
  if (record.response === null || answer.equals(NO_RESPONSE)) return true
  return now.subarray(DIGEST_BYTES).equals(answer)
}

/** The records that a seal over these positions covers: of commands whose last event is there. */
export async function recordsWithin(
  log: EventLog,
  ids: Iterable<string>,
  { from, to }: Pick<Seal, 'from' | 'to'>,
): Promise<readonly CommandRecord[]> {
  const found = await log.commandRecordsOf([...new Set(ids)])
  return found
    .filter(({ position }) => position >= from && position <= to)
    .sort((a, b) => a.position - b.position)
}

export type Sealer = {
  /** Seals all whole ranges that are there; the number of seals made. */
  sealAll(): Promise<number>
}

/** `every`: events per seal. `log` is the engine's own, which gives events as they are stored. */
export function sealer(log: EventLog, every: number): Sealer {
  let last: { readonly to: number; readonly hash: string; readonly version: number } | null = null

  const newest = async () => {
    const version = await lastVersion(log)
    if (version === 0) return { to: 0, hash: '', version }
    const [event] = await log.readStream(SEALS_STREAM, version - 1, 1)
    const { to, hash: sealHash } = event!.data as Seal
    return { to, hash: sealHash, version }
  }

  return {
    async sealAll() {
      let made = 0
      last ??= await newest()
      while ((await log.head()).position >= last.to + every) {
        const seal = await sealOver(log, last, every)
        const verdict = await log.append({
          writes: [
            {
              stream: SEALS_STREAM,
              expected: last.version === 0 ? 'none' : last.version,
              events: [
                {
                  event_id: randomUUIDv7(),
                  event_type: 'LogSealed',
                  event_version: 1,
                  data: seal,
                  metadata: { source: 'sealer' },
                },
              ],
            },
          ],
        })
        // Somebody else sealed meanwhile: go on from there.
        last = verdict.ok
          ? { to: seal.to, hash: seal.hash, version: last.version + 1 }
          : await newest()
        made += verdict.ok ? 1 : 0
      }
      return made
    },
  }
}

async function sealOver(
  log: EventLog,
  last: Pick<Seal, 'to' | 'hash'>,
  every: number,
): Promise<Seal> {
  const events = await log.readAll(last.to, every)
  const range = { from: last.to + 1, to: events.at(-1)!.position }
  const hashes = events.map((event) => hashOf(event))
  const ids = events.flatMap(({ metadata: { command_id } }) => command_id ?? [])
  const records = Buffer.concat((await recordsWithin(log, ids, range)).map(digestOfRecord))
  const digests = Buffer.concat(hashes.map((each) => each.subarray(0, DIGEST_BYTES)))
  return {
    ...range,
    previous: last.hash,
    hash: hash('sha256', Buffer.concat([Buffer.from(last.hash), ...hashes, records]), 'base64url'),
    digests: digests.toString('base64url'),
    records: records.toString('base64url'),
  }
}

/** Found by doubling and halving: reading all seals would grow with the log. */
async function lastVersion(log: EventLog): Promise<number> {
  const isThere = async (version: number) =>
    (await log.readStream(SEALS_STREAM, version - 1, 1)).length > 0
  let above = 1
  while (await isThere(above)) above *= 2
  let last = Math.floor(above / 2)
  while (above - last > 1) {
    const middle = Math.floor((last + above) / 2)
    if (await isThere(middle)) last = middle
    else above = middle
  }
  return last
}

// ── a seal kept elsewhere ─────────────────────────────────────────────────────────────────────

/** Proves later that nothing up to this position has changed, whoever has re-sealed the log. */
export type KeptSeal = { readonly position: number; readonly hash: string }

export const keptText = ({ position, hash: text }: KeptSeal) => `${position}:${text}`

/** Throws when it is not of the form that `verify` and `backup` print. */
export function keptFrom(given: string): KeptSeal {
  const [, position, text] = /^([1-9]\d{0,15}):([\w-]{43})$/.exec(given.trim()) ?? []
  if (position === undefined || text === undefined)
    throw new Error(`${given} is not a seal as verify and backup print it (position:hash)`)
  return { position: Number(position), hash: text }
}

/** The hash of all envelopes so far, one upon the other. */
export function sealChain() {
  let link: Buffer = Buffer.alloc(0)
  let position = 0
  return {
    add(event: Recorded, hashed: Buffer = hashOf(event)): void {
      link = hash('sha256', Buffer.concat([link, hashed]), 'buffer')
      position = event.position
    },
    seal: (): KeptSeal => ({ position, hash: link.toString('base64url') }),
  }
}
