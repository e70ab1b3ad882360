// Whether what the log has of persons can still be read by whoever may, and by nobody else: a key
// that was lost is told from one that was destroyed, and one that is back from one that is there.
import { LRUCache } from 'lru-cache'
import type { EventTypes } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { Progress } from './operations.ts'
import {
  BLINDING_SUBJECT,
  isBlind,
  isSealed,
  type PersonalData,
  sealedSubjects,
} from './personal.ts'
import { liftedEvent } from './recorded-events.ts'
import { type Check, tally } from './tally.ts'

export type KeyCheckOptions = {
  readonly log: EventLog
  readonly types: EventTypes
  readonly personal: Pick<PersonalData, 'open' | 'standing'>
  readonly onProgress?: (progress: Progress) => void
}
const PAGE = 2_000
/** Subjects that were found sound are not asked for again; more than these may be, once more. */
const SOUND_MAX = 100_000

export async function verifyKeys(options: KeyCheckOptions): Promise<Check> {
  const { log, types, personal, onProgress = () => {} } = options
  const found = tally('keys of persons')
  const sound = new LRUCache<string, true>({ max: SOUND_MAX })
  const told = new Set<string>()
  const lost = new Set<string>()
  /** Whose key was said to be destroyed; false: it was asked for again since. */
  const gone = new Map<string, boolean>()
  const differ = (subject: string, why: string) => {
    if (told.has(subject)) return
    told.add(subject)
    found.differ(subject, { why }, null)
  }
  const { position: end } = await log.head()
  for (let position = 0; position < end; ) {
    const page = await log.readAll(position, Math.min(PAGE, end - position))
    if (page.length === 0) break
    position = page.at(-1)!.position
    const events = page.flatMap((event) => readable(event, types))
    for (const event of events) noteGone(event, types, gone)
    const subjects = sealedSubjects(types, events)
    const blinds = page.some(({ metadata }) => metadata.claims?.some(({ value }) => isBlind(value)))
    const asked = [...subjects, ...(blinds ? [BLINDING_SUBJECT] : [])].filter(
      (subject) => !sound.has(subject) && !lost.has(subject),
    )
    for (const [subject, standing] of await personal.standing(asked)) {
      found.compared++
      if (standing === 'lost') lost.add(subject)
      else sound.set(subject, true)
    }
    await unreadable(events, options, differ)
    onProgress({ what: 'keys', done: position, of: end })
  }
  // The log knows of a destruction that a key ring put back from elsewhere does not.
  for (const subject of lost)
    if (gone.get(subject) !== true) differ(subject, 'its key is lost: nobody destroyed it')
  const destroyed = [...gone].flatMap(([subject, isGone]) => (isGone ? [subject] : []))
  for (let at = 0; at < destroyed.length; at += PAGE)
    for (const [subject, standing] of await personal.standing(destroyed.slice(at, at + PAGE)))
      if (standing === 'here')
        differ(subject, 'its key is back, although it was destroyed: erase once more, with force')
  return found.check()
}

/** An event that cannot be lifted is named where all events are read. */
function readable(event: Recorded, types: EventTypes): readonly Recorded[] {
  try {
    return [liftedEvent(event, types)]
  } catch {
    return []
  }
}

function noteGone({ event_type, data }: Recorded, types: EventTypes, gone: Map<string, boolean>) {
  const type = Object.hasOwn(types, event_type) ? types[event_type] : undefined
  if (type?.forgets !== undefined) gone.set(type.forgets(data as never), type.isGone === true)
}

/** There is a key, and it is not the one that this was sealed with. */
async function unreadable(
  events: readonly Recorded[],
  { types, personal }: KeyCheckOptions,
  differ: (subject: string, why: string) => void,
): Promise<void> {
  const opened = await personal.open(events)
  const suspects = new Map<string, number>()
  for (const [at, event] of events.entries()) {
    const personalOf = Object.hasOwn(types, event.event_type)
      ? types[event.event_type]?.personal
      : undefined
    const subject = personalOf?.subject(event.data as never) ?? null
    if (personalOf === undefined || subject === null || !isSealed(types, event)) continue
    const [before, after] = [event.data, opened[at]!.data] as Record<string, unknown>[]
    if (personalOf.fields.some((field) => before![field] != null && after![field] === null))
      suspects.set(subject, event.position)
  }
  for (const [subject, standing] of await personal.standing([...suspects.keys()]))
    if (standing === 'here')
      differ(subject, `event ${suspects.get(subject)} was sealed with another key than is here`)
}
