// Events within the process. Each subscriber has a queue of its own, so a slow one holds nobody up;
// when a queue is full, publishing waits, and with it the relay, whose checkpoint stays where it
// is. One that does not come back from an event meanwhile is cut off: the others go on.
import type { Recorded } from '#kernel/message.ts'
import type { Listener, MessageBus } from '#messaging/message-bus.ts'

export type MemoryBusOptions = {
  /** Told when a listener throws; it goes on with the next event. */
  readonly onError?: (error: unknown, subscriber: string, event: Recorded) => void
  readonly queueMax?: number
  readonly stuckMs?: number
}
const QUEUE_MAX = 10_000
/** With one event, while others wait. */
const STUCK_MS = 60_000

type Subscriber = {
  readonly name: string
  readonly listener: Listener
  readonly queue: Recorded[]
  stopped: boolean
  /** The event in hand, and since when. */
  hand: { readonly event: Recorded; readonly since: number } | null
  /** Ends when its queue is empty; null when it is. */
  running: Promise<void> | null
}

export function openBus(options: MemoryBusOptions = {}): MessageBus {
  const { onError = warn, queueMax = QUEUE_MAX, stuckMs = STUCK_MS } = options
  const subscribers = new Set<Subscriber>()
  let closed = false
  /** The publishing before: whoever comes while one waits for room goes behind it. */
  let last: Promise<void> = Promise.resolve()
  const { release, released } = gate()

  const deliver = async (subscriber: Subscriber) => {
    const { name, listener, queue } = subscriber
    for (let taken = 0; !subscriber.stopped; ) {
      const event = queue[taken++]
      if (event === undefined) break
      subscriber.hand = { event, since: performance.now() }
      try {
        await listener(event)
      } catch (error) {
        onError(error, name, event)
      }
      // Cut off in pieces: shifting one by one would copy a long queue again and again.
      if (taken >= 256 || taken === queue.length) {
        queue.splice(0, taken)
        taken = 0
        release()
      }
    }
    subscriber.hand = null
    subscriber.running = null
    release()
  }
  const cutOff = (subscriber: Subscriber) => {
    subscriber.stopped = true
    subscribers.delete(subscriber)
    subscriber.queue.length = 0
    release()
  }
  const cutOffStuck = () => {
    for (const subscriber of subscribers) {
      const event = stuckWith(subscriber, queueMax, stuckMs)
      if (event === null) continue
      cutOff(subscriber)
      const why = `cut off: ${stuckMs} ms with one event while others wait`
      onError(new Error(why), subscriber.name, event)
    }
  }
  const room = async () => {
    const watch = setInterval(cutOffStuck, stuckMs / 4).unref()
    try {
      while (!closed && isFull()) await released()
    } finally {
      clearInterval(watch)
    }
  }

  const isFull = () => [...subscribers].some(({ queue }) => queue.length >= queueMax)

  const publish = async (events: readonly Recorded[]) => {
    if (isFull()) await room()
    if (closed) throw new Error('the bus is closed')
    for (const subscriber of subscribers) {
      for (const event of events) subscriber.queue.push(event)
      if (subscriber.running === null && events.length > 0)
        subscriber.running = Promise.resolve(subscriber).then(deliver)
    }
  }

  return {
    publish(events) {
      const published = last.then(() => publish(events))
      // Its own caller hears of a failure; the next one only waits for its end.
      last = published.catch(() => {})
      return published
    },
    subscribe(name, listener) {
      if (closed) throw new Error('the bus is closed')
      const subscriber = idle(name, listener)
      subscribers.add(subscriber)
      return { stop: () => cutOff(subscriber) }
    },
    async close() {
      closed = true
      release()
      while (subscribers.size > 0) {
        await Promise.all([...subscribers].map(({ running }) => running))
        for (const subscriber of subscribers)
          if (subscriber.running === null) subscribers.delete(subscriber)
      }
    },
  }
}

const idle = (name: string, listener: Listener): Subscriber => ({
  ...{ name, listener, queue: [], stopped: false, hand: null, running: null },
})

/** Whoever waits goes on at the next release. */
function gate() {
  let waiting: (() => void)[] = []
  return {
    released: () => new Promise<void>((go) => waiting.push(go)),
    release() {
      const ready = waiting
      waiting = []
      for (const go of ready) go()
    },
  }
}

/** The event from which a subscriber with a full queue does not come back. */
function stuckWith({ queue, hand }: Subscriber, queueMax: number, ms: number): Recorded | null {
  const isStuck = queue.length >= queueMax && hand !== null && performance.now() - hand.since >= ms
  return isStuck ? hand.event : null
}

const warn = (error: unknown, subscriber: string, { position }: Recorded) =>
  process.emitWarning(`${subscriber} failed at event ${position}: ${String(error)}`)
