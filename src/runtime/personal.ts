// Personal fields are encrypted per subject before they reach the log, and opened for whoever may
// see them. Destroying a subject's key forgets them everywhere; the log itself is never rewritten.
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { EventType, EventTypes } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { KEY_BYTES, type KeyRing } from '#storage/key-ring.ts'

const PREFIX = 'sealed:v1:'
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** Of SHA-256; a key is shorter. */
const HASH_BLOCK_BYTES = 64
const KEYS_KNOWN_MAX = 10_000
const KEY_KNOWN_FOR_MS = 60_000
/** Whose key blinds values: no id begins so, which is why nobody can ask for its destruction. */
export const BLINDING_SUBJECT = '#blinding'
const BLIND = 'blind:'

export const isBlind = (value: string): boolean => value.startsWith(BLIND)

export type Unsealed = { readonly event_id: string; readonly type: string; readonly data: unknown }

export type KeyStanding = 'here' | 'destroyed' | 'lost'

export type PersonalData = {
  /** The same events with their personal fields as sealed text; makes keys that are missing. */
  seal<E extends Unsealed>(events: readonly E[]): Promise<readonly E[]>
  /** The same events with their personal fields in clear; null where the key was destroyed. */
  open(events: readonly Recorded[]): Promise<readonly Recorded[]>
  /** Makes a text unreadable, the same way as long as the key ring lasts, in every process. */
  blinder(): Promise<(scope: string, text: string) => string>
  /** Whether their keys are here, were destroyed, or are missing without anybody having done so. */
  standing(subjects: readonly string[]): Promise<ReadonlyMap<string, KeyStanding>>
  /** Destroys the subject's key. Once more: nothing. */
  forget(subject: string): Promise<void>
}

/**
 * `knownMax`: keys that are remembered for a while, room for them is made at once; 0: none, so that
 * a key that is destroyed elsewhere opens nothing from that moment on.
 */
export function personalData(
  types: EventTypes,
  keys: KeyRing,
  knownMax = KEYS_KNOWN_MAX,
): PersonalData {
  let blinding: ((text: string) => string) | undefined
  const known =
    knownMax === 0 ? null : new LRUCache<string, Buffer>({ max: knownMax, ttl: KEY_KNOWN_FOR_MS })

  const keysFor = async (subjects: Set<string>, how: 'make' | 'find') => {
    const found = new Map<string, Buffer>()
    const missing: string[] = []
    for (const subject of subjects) {
      const key = known?.get(subject)
      if (key === undefined) missing.push(subject)
      else found.set(subject, key)
    }
    if (missing.length > 0)
      for (const [subject, key] of await keys[how](missing)) {
        known?.set(subject, key)
        found.set(subject, key)
      }
    return found
  }

  const blindingKey = async (): Promise<Buffer> => {
    const key = (await keysFor(new Set([BLINDING_SUBJECT]), 'make')).get(BLINDING_SUBJECT)
    if (key === undefined) throw new Error('the key that blinds was destroyed; restore the keys')
    return key
  }

  return {
    async seal(events) {
      const subjects = subjectsOf(types, events, ({ type }) => type)
      if (subjects.size === 0) return events
      const found = await keysFor(subjects, 'make')
      // Whatever is still told of somebody who is forgotten gets a key that nobody keeps.
      const lost = randomBytes(KEY_BYTES)
      const keyFor = (subject: string) => found.get(subject) ?? lost
      return events.map((event) => {
        const personal = personalOf(types, event.type)
        const subject = personal?.subject(event.data as never) ?? null
        if (personal === undefined || subject === null) return event
        return {
          ...event,
          data: mapFields(event.data, personal.fields, (value, field) =>
            encrypt(value, keyFor(subject), [event.type, event.event_id, field, subject]),
          ),
        }
      })
    },
    async open(events) {
      for (const { event_type, data } of events) {
        const forgets = known === null ? undefined : typeOf(types, event_type)?.forgets
        if (forgets !== undefined) known?.delete(forgets(data as never))
      }
      const subjects = sealedSubjects(types, events)
      const clear = inClear(types, events)
      if (subjects.size + clear.size === 0) return events
      const found = await keysFor(subjects, 'find')
      const gone = clear.size === 0 ? new Set<string>() : await keys.destroyed([...clear])
      return events.map((event) => opened(types, event, found, gone))
    },
    async blinder() {
      // Every command asks for it, and it is nobody's: it is remembered for good.
      const keyed = blinding ?? hmac(await blindingKey())
      blinding = keyed
      return (scope, text) => BLIND + keyed(`${scope}\n${text}`)
    },
    async standing(subjects) {
      const here = await keys.find(subjects)
      const missing = subjects.filter((subject) => !here.has(subject))
      const destroyed = missing.length === 0 ? new Set() : await keys.destroyed(missing)
      const of = (subject: string): KeyStanding =>
        here.has(subject) ? 'here' : destroyed.has(subject) ? 'destroyed' : 'lost'
      return new Map(subjects.map((subject) => [subject, of(subject)]))
    },
    async forget(subject) {
      await keys.destroy(subject)
      known?.delete(subject)
    },
  }
}

/**
 * HMAC-SHA256 (RFC 2104), of two hashes made in one go: asked for at every command, createHmac
 * would take most of the time that deciding takes.
 */
function hmac(key: Buffer): (text: string) => string {
  const block = Buffer.alloc(HASH_BLOCK_BYTES)
  key.copy(block)
  const [inner, outer] = [0x36, 0x5c].map((pad) => block.map((byte) => byte ^ pad)) as [
    Uint8Array,
    Uint8Array,
  ]
  return (text) => {
    const within = hash('sha256', Buffer.concat([inner, Buffer.from(text)]), 'buffer')
    return hash('sha256', Buffer.concat([outer, within]), 'base64url')
  }
}

const typeOf = (types: EventTypes, type: string): EventType | undefined =>
  Object.hasOwn(types, type) ? types[type] : undefined
const personalOf = (types: EventTypes, type: string): EventType['personal'] =>
  typeOf(types, type)?.personal

/** What was sealed is null without its key, what was stored in clear once its key is destroyed. */
function opened(
  types: EventTypes,
  event: Recorded,
  keys: ReadonlyMap<string, Buffer>,
  gone: ReadonlySet<string>,
): Recorded {
  const { event_type, event_id } = event
  const personal = personalOf(types, event_type)
  const subject = personal?.subject(event.data as never) ?? null
  if (personal === undefined || subject === null) return event
  const key = keys.get(subject)
  const open = isSealed(types, event)
    ? (value: unknown, field: string) =>
        key === undefined ? null : decrypt(value, key, [event_type, event_id, field, subject])
    : (value: unknown) => (gone.has(subject) ? null : value)
  return { ...event, data: mapFields(event.data, personal.fields, open) }
}

/** Whose these events are, where a personal field of theirs says something. */
function subjectsOf<E extends { readonly data: unknown }>(
  types: EventTypes,
  events: readonly E[],
  typeOf: (event: E) => string,
): Set<string> {
  const subjects = new Set<string>()
  for (const event of events) {
    const personal = personalOf(types, typeOf(event))
    if (personal === undefined) continue
    const subject = personal.subject(event.data as never)
    if (subject !== null && personal.fields.some((field) => hasValue(event.data, field)))
      subjects.add(subject)
  }
  return subjects
}

type Stored = Pick<Recorded, 'event_type' | 'event_version' | 'data'>

/** Whether an event was stored after its type's fields became personal. */
export const isSealed = (types: EventTypes, { event_type, event_version }: Stored): boolean =>
  event_version >= (personalOf(types, event_type)?.since ?? 1)

/** Whose keys are needed to read these events. */
export const sealedSubjects = (types: EventTypes, events: readonly Stored[]): Set<string> =>
  subjectsOf(
    types,
    events.filter((event) => isSealed(types, event)),
    ({ event_type }) => event_type,
  )
const inClear = (types: EventTypes, events: readonly Stored[]): Set<string> =>
  subjectsOf(
    types,
    events.filter((event) => !isSealed(types, event)),
    ({ event_type }) => event_type,
  )

const hasValue = (data: unknown, field: string): boolean =>
  (data as Record<string, unknown>)[field] !== null &&
  (data as Record<string, unknown>)[field] !== undefined

function mapFields(
  data: unknown,
  fields: readonly string[],
  change: (value: unknown, field: string) => unknown,
): unknown {
  const changed = { ...(data as Record<string, unknown>) }
  for (const field of fields)
    if (hasValue(data, field)) changed[field] = change(changed[field], field)
  return changed
}

/** The place goes in as additional data, so that a sealed text cannot be moved to another event. */
function encrypt(value: unknown, key: Buffer, place: readonly string[]): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(
    Buffer.from(JSON.stringify(place)),
  )
  const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()])
  return PREFIX + Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url')
}

function decrypt(value: unknown, key: Buffer, place: readonly string[]): unknown {
  if (typeof value !== 'string' || !value.startsWith(PREFIX))
    throw new Error(`${place[0]} ${place[1]}: field ${place[2]} is not sealed as it should be`)
  const bytes = Buffer.from(value.slice(PREFIX.length), 'base64url')
  const nonce = bytes.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(JSON.stringify(place)))
    .setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    const text = Buffer.concat([
      decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)),
      decipher.final(),
    ])
    return JSON.parse(text.toString('utf8'))
  } catch {
    // Another key made since the first was destroyed, or a text that was moved: not readable, not
    // fatal.
    return null
  }
}
