// What every bus must hold: each event at least once, in order, to everybody who listens.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Recorded } from '#kernel/message.ts'
import type { MessageBus } from './message-bus.ts'

export type OpenedBus = { readonly bus: MessageBus; readonly remove: () => Promise<void> }
/** `told` hears what listeners throw. */
export type OpenBus = (told: (error: unknown, subscriber: string) => void) => Promise<OpenedBus>

export function messageBusContract(name: string, open: OpenBus): void {
  describe(`MessageBus: ${name}`, () => {
    let opened: OpenedBus
    let bus: MessageBus
    let told: string[]
    beforeEach(async () => {
      told = []
      opened = await open((error, subscriber) => told.push(`${subscriber}: ${String(error)}`))
      bus = opened.bus
    })
    afterEach(async () => {
      await bus.close()
      await opened.remove()
    })

    it('brings every event to every subscriber, in the order of the log', async () => {
      const first = heard(bus, 'first', 30)
      const second = heard(bus, 'second', 30)
      for (let from = 1; from <= 30; from += 10) await bus.publish(events(from, from + 9))
      deepEqual(await first.done, numbers(1, 30))
      deepEqual(await second.done, numbers(1, 30))
    })

    it('keeps the order of publishings that do not wait for each other', async () => {
      const all = heard(bus, 'all', 200)
      await Promise.all(
        Array.from({ length: 20 }, (_, i) => bus.publish(events(i * 10 + 1, i * 10 + 10))),
      )
      deepEqual(await all.done, numbers(1, 200))
    })

    it('brings an event as it was', async () => {
      const [event] = events(1, 1)
      const got = new Promise<Recorded>((resolve) => bus.subscribe('one', resolve))
      await bus.publish([event!])
      deepEqual(await got, event)
    })

    it('brings only what is published after subscribing', async () => {
      await bus.publish(events(1, 5))
      const late = heard(bus, 'late', 5)
      await bus.publish(events(6, 10))
      deepEqual(await late.done, numbers(6, 10))
    })

    it('hands one event at a time, the next when the listener is through', async () => {
      let inside = 0
      let most = 0
      const done = new Promise<void>((resolve) => {
        bus.subscribe('slow', async ({ position }) => {
          most = Math.max(most, ++inside)
          await new Promise(setImmediate)
          inside--
          if (position === 20) resolve()
        })
      })
      await bus.publish(events(1, 20))
      await done
      equal(most, 1)
    })

    it('tells when a listener throws, and goes on with the next event', async () => {
      const seen: number[] = []
      bus.subscribe('throwing', ({ position }) => {
        if (position === 2) throw new Error('not this one')
        seen.push(position)
      })
      bus.subscribe('rejecting', async ({ position }) => {
        if (position === 3) throw new Error('nor this')
      })
      const other = heard(bus, 'other', 4)
      await bus.publish(events(1, 4))
      await other.done
      await bus.close()
      deepEqual(seen, [1, 3, 4])
      deepEqual(told.sort(), ['rejecting: Error: nor this', 'throwing: Error: not this one'])
    })

    it('lets nobody wait for a slow subscriber', async () => {
      let go: () => void = () => {}
      const gate = new Promise<void>((resolve) => {
        go = resolve
      })
      const slow = heard(bus, 'slow', 10, () => gate)
      const quick = heard(bus, 'quick', 10)
      await bus.publish(events(1, 10))
      deepEqual(await quick.done, numbers(1, 10))
      ok(slow.seen.length < 10)
      go()
      deepEqual(await slow.done, numbers(1, 10))
    })

    it('is silent for those who stopped, also about what was on its way', async () => {
      const seen: number[] = []
      const subscription = bus.subscribe('leaving', ({ position }) => {
        seen.push(position)
        if (position === 3) subscription.stop()
      })
      const staying = heard(bus, 'staying', 20)
      await bus.publish(events(1, 10))
      await bus.publish(events(11, 20))
      await staying.done
      subscription.stop()
      deepEqual(seen, [1, 2, 3])
    })

    it('delivers what it took before it closes, and takes nothing after', async () => {
      const seen: number[] = []
      bus.subscribe('last', async ({ position }) => {
        await new Promise(setImmediate)
        seen.push(position)
      })
      await bus.publish(events(1, 10))
      await bus.close()
      deepEqual(seen, numbers(1, 10))
      await rejects(async () => bus.publish(events(11, 11)))
    })
  })
}

/** Listens until `count` events were heard. */
function heard(bus: MessageBus, name: string, count: number, before = async () => {}) {
  const seen: number[] = []
  const done = new Promise<readonly number[]>((resolve) => {
    bus.subscribe(name, async ({ position }) => {
      await before()
      seen.push(position)
      if (seen.length === count) resolve(seen)
    })
  })
  return { seen, done }
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

const events = (from: number, to: number): readonly Recorded[] =>
  numbers(from, to).map((position) => ({
    position,
    event_id: `event-${position}`,
    aggregate_type: 'note',
    aggregate_id: String(position % 3),
    version: Math.ceil(position / 3),
    event_type: 'Noted',
    event_version: 1,
    data: { text: `ünïcode 🛒 ${position}`, nothing: null },
    metadata: { correlation_id: 'c' },
    occurred_at: '2026-01-01T00:00:00.000Z',
    timestamp: '2026-01-01T00:00:00.001Z',
  }))
