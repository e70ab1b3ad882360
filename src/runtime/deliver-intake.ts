// Takes on what subscribers want: reads the log behind each one's place and moves the place, with
// the deliveries, in one transaction. Those who stand at the same place share what is read.
import { type Instant, type Recorded, streamOf } from '#kernel/message.ts'
import type { EventLog } from '#storage/event-log.ts'
import type {
  DeliveryStatus,
  Mark,
  Move,
  NewDelivery,
  Outbox,
  Subscription,
} from '#storage/outbox.ts'
import type { Subscriber } from './deliver.ts'

export type IntakeParts = {
  readonly log: Pick<EventLog, 'readAll' | 'head'>
  readonly outbox: Outbox
  readonly now: () => Instant
  /** With more than so many pending, a subscriber reads on later: the log keeps the rest. */
  readonly pendingMax?: number
}
export type Place = Mark & {
  /** Up to here there is nothing that it wants; not worth a transaction yet. */
  readonly read: number
  readonly pending: number
  /** Given up, as far as they are still kept. */
  readonly dead: number
}

const PAGE = 500
const PENDING_MAX = 10_000
/** What is read and left without a mark is read again after a crash. */
const UNMARKED_MAX = 1_000
/** Readers at many places have their turn one after the other. */
const PLACES_AT_ONCE = 8

export function intake(parts: IntakeParts) {
  const { log, outbox, pendingMax = PENDING_MAX } = parts
  const { places, begin, heed, readOn } = bookOf(parts)
  return {
    place: (name: string) => places.get(name),
    settled(name: string, status: DeliveryStatus) {
      const place = places.get(name)
      if (place === undefined) return
      const dead = place.dead + (status === 'dead' ? 1 : 0)
      places.set(name, { ...place, pending: place.pending - 1, dead })
    },
    forget: (name: string) => void places.delete(name),
    /** Asks the outbox where these stand; begins those that are new. */
    async find(subscribers: readonly Subscriber[]) {
      const unknown = subscribers.filter(({ name }) => !places.has(name))
      if (unknown.length === 0) return
      const [{ position: end }, kept] = await Promise.all([log.head(), outbox.subscriptions()])
      for (const subscriber of unknown)
        await begin(
          subscriber,
          kept.find(({ name }) => name === subscriber.name),
          end,
        )
    },
    /** Does what changed settings ask for. */
    async heed(subscribers: readonly Subscriber[]) {
      const changed = subscribers.filter(
        ({ name, seen }) => seen > (places.get(name)?.seen ?? seen),
      )
      if (changed.length === 0) return
      const { position: end } = await log.head()
      for (const one of changed) await heed(one, places.get(one.name)!, end)
    },
    /** One page for everybody who has room; true: there may be more. */
    async read(subscribers: readonly Subscriber[]): Promise<boolean> {
      const ready = subscribers.filter(({ name, active }) => {
        const place = places.get(name)
        return active && place !== undefined && place.pending < pendingMax
      })
      const readOf = ({ name }: Subscriber) => places.get(name)?.read
      const at = [...new Set(ready.map((one) => readOf(one)!))].sort((a, b) => a - b)
      let more = false
      for (const from of at.slice(0, PLACES_AT_ONCE)) {
        const together = ready.filter((one) => readOf(one) === from)
        const events = await log.readAll(from, PAGE)
        more ||= events.length === PAGE
        for (const one of together) await readOn(one, events)
      }
      return more
    },
  }
}

/** Where each subscriber stands, as far as it is known here, and how that changes. */
function bookOf({ outbox, now }: IntakeParts) {
  const places = new Map<string, Place>()

  /** False: somebody else has moved it, and its place is not known any more. */
  const move = async (name: string, from: Mark | null, to: Mark, more: Partial<Move> = {}) => {
    const place = places.get(name)
    // Until it is certain that it was done, its place is not certain either.
    places.delete(name)
    const isDone = await outbox.move({ subscription: name, from, to, at: now(), ...more })
    if (!isDone) return
    const pending = (place?.pending ?? 0) + (more.deliveries?.length ?? 0)
    places.set(name, { ...to, read: to.position, pending, dead: place?.dead ?? 0 })
  }
  return {
    places,
    async begin({ name, seen, from }: Subscriber, known: Subscription | undefined, end: number) {
      if (known === undefined)
        return await move(name, null, { position: Math.min(from, end), seen })
      const { position, pending, dead } = known
      places.set(name, { position, seen: known.seen, read: position, pending, dead })
      // Of another log, longer than this one: one that was restored is shorter.
      if (position > end) await move(name, markOf(known), { position: end, seen: known.seen })
    },
    /** What its settings ask for is done in the transaction that notes them. */
    async heed({ name, seen, asked }: Subscriber, place: Place, end: number) {
      const { position = place.position, again = [] } = await asked(place.seen)
      await move(name, markOf(place), { position: Math.min(position, end), seen }, { again })
      // Deliveries were forgotten or came back: how many are left, the outbox knows.
      places.delete(name)
    },
    async readOn({ name, wants }: Subscriber, events: readonly Recorded[]) {
      const place = places.get(name)
      const last = events.at(-1)
      if (place === undefined || last === undefined) return
      const deliveries = events.filter(wants).map(deliveryOf)
      if (deliveries.length === 0 && last.position - place.position < UNMARKED_MAX)
        return void places.set(name, { ...place, read: last.position })
      const to = { position: last.position, seen: place.seen }
      await move(name, markOf(place), to, { deliveries })
    },
  }
}

const deliveryOf = (event: Recorded): NewDelivery => ({
  position: event.position,
  event_id: event.event_id,
  event_type: event.event_type,
  stream: streamOf(event.aggregate_type, event.aggregate_id),
})

const markOf = ({ position, seen }: Mark): Mark => ({ position, seen })
