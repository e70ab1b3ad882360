// Seals: every so many events a hash over the canonical JSON of the stored envelopes since the last
// seal, and that seal. The seals are events themselves, so export keeps them. A changed, missing or
// inserted event is named by its position, from the digests that each seal carries.
import { hash, randomUUIDv7 } from 'node:crypto'
import canonicalize from 'canonicalize'
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { integer, object, text } from '#kernel/schema.ts'
import type { EventLog } from '#storage/event-log.ts'

export const sealEvents = eventTypes({
  LogSealed: {
    data: object({
      from: integer({ min: 1 }),
      to: integer({ min: 1 }),
      /** SHA-256 of the previous seal's hash and of the envelopes' hashes, in order; base64url. */
      hash: text(),
      previous: text({ min: 0 }),
      /** The first 8 bytes of each envelope's hash, one after the other; base64url. */
      digests: text({ max: 2_000_000 }),
    }),
  },
})
type Seal = { from: number; to: number; hash: string; previous: string; digests: string }

/** The one stream of seals. */
export const sealing = aggregate({
  type: 'seal',
  state_version: 1,
  events: sealEvents,
  initial: null as null | Pick<Seal, 'to' | 'hash'>,
  evolve: { LogSealed: (_, { to, hash }) => ({ to, hash }) },
})
const STREAM = sealing.at('log').stream
const DIGEST_BYTES = 8

const hashOf = (event: Recorded): Buffer =>
  hash('sha256', canonicalize(event as unknown as Record<string, unknown>)!, 'buffer')

function sealOver(events: readonly Recorded[], previous: string): Pick<Seal, 'hash' | 'digests'> {
  const hashes = events.map(hashOf)
  return {
    hash: hash('sha256', Buffer.concat([Buffer.from(previous), ...hashes]), 'base64url'),
    digests: Buffer.concat(hashes.map((each) => each.subarray(0, DIGEST_BYTES))).toString(
      'base64url',
    ),
  }
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
    const [event] = await log.readStream(STREAM, version - 1, 1)
    const { to, hash: sealHash } = event!.data as Seal
    return { to, hash: sealHash, version }
  }

  return {
    async sealAll() {
      let made = 0
      last ??= await newest()
      while ((await log.head()).position >= last.to + every) {
        const events = await log.readAll(last.to, every)
        const to = events.at(-1)!.position
        const seal: Seal = {
          from: last.to + 1,
          to,
          previous: last.hash,
          ...sealOver(events, last.hash),
        }
        const verdict = await log.append({
          writes: [
            {
              stream: STREAM,
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
        last = verdict.ok ? { to, hash: seal.hash, version: last.version + 1 } : await newest()
        made += verdict.ok ? 1 : 0
      }
      return made
    },
  }
}

/** Found by doubling and halving: reading all seals would grow with the log. */
async function lastVersion(log: EventLog): Promise<number> {
  const isThere = async (version: number) =>
    (await log.readStream(STREAM, version - 1, 1)).length > 0
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

export type SealCheck = {
  /** Events covered by seals. */
  readonly sealed_to: number
  readonly broken: readonly { readonly position: number; readonly why: string }[]
}
const BROKEN_NAMED_MAX = 100

/** Recomputes every seal from the stored events. */
export async function checkSeals(
  log: EventLog,
  onProgress?: (position: number) => void,
): Promise<SealCheck> {
  const broken: { position: number; why: string }[] = []
  const note = (position: number, why: string) => {
    if (broken.length < BROKEN_NAMED_MAX) broken.push({ position, why })
  }
  let previous = ''
  let sealedTo = 0
  let version = 0
  for (;;) {
    const [event] = await log.readStream(STREAM, version, 1)
    if (event === undefined) return { sealed_to: sealedTo, broken }
    version = event.version
    const seal = event.data as Seal
    if (seal.previous !== previous) note(event.position, 'does not follow the seal before it')
    if (seal.from !== sealedTo + 1)
      note(event.position, `begins at ${seal.from}, not ${sealedTo + 1}`)
    await checkRange(log, seal, note)
    previous = seal.hash
    sealedTo = seal.to
    onProgress?.(sealedTo)
  }
}

async function checkRange(
  log: EventLog,
  seal: Seal,
  note: (position: number, why: string) => void,
): Promise<void> {
  const events = (await log.readAll(seal.from - 1, seal.to - seal.from + 1)).filter(
    ({ position }) => position <= seal.to,
  )
  const stored = new Map(events.map((event) => [event.position, event]))
  const digests = Buffer.from(seal.digests, 'base64url')
  let sound = true
  for (let position = seal.from; position <= seal.to; position++) {
    const at = (position - seal.from) * DIGEST_BYTES
    const event = stored.get(position)
    if (
      event !== undefined &&
      hashOf(event)
        .subarray(0, DIGEST_BYTES)
        .equals(digests.subarray(at, at + DIGEST_BYTES))
    )
      continue
    sound = false
    note(position, event === undefined ? 'is missing' : 'is not what was sealed')
  }
  // Digests are short; the whole hash settles what they might let pass.
  if (sound && sealOver(events, seal.previous).hash !== seal.hash)
    note(seal.from, `the seal over ${seal.from} to ${seal.to} does not match`)
}
