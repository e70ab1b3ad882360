// What every outbox must hold.
import { deepEqual, equal } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Opened } from './opened.ts'
import type { Attempt, Mark, Move, NewDelivery, Outbox } from './outbox.ts'

const T0 = '2026-03-02T10:00:00.000Z'
const T1 = '2026-03-02T10:01:00.000Z'
const T2 = '2026-03-02T10:02:00.000Z'
const ZERO: Mark = { position: 0, seen: 1 }

const fresh = (position: number, stream = `order-${position}`): NewDelivery => ({
  ...{ position, stream },
  ...{ event_id: `event-${position}`, event_type: 'OrderCreated' },
})
const to = (position: number, seen = 1): Mark => ({ position, seen })

export function outboxContract(name: string, open: () => Promise<Opened<Outbox>>): void {
  describe(`Outbox: ${name}`, () => {
    let opened: Opened<Outbox>
    let outbox: Outbox
    beforeEach(async () => {
      opened = await open()
      outbox = opened.port
    })
    afterEach(async () => {
      await outbox.close()
      await opened.remove()
    })
    const move = (more: Partial<Move>, subscription = 'a') =>
      outbox.move({ subscription, from: ZERO, to: ZERO, at: T0, ...more })
    const begin = async (...deliveries: readonly NewDelivery[]) => {
      equal(await move({ from: null }), true)
      equal(await move({ to: to(100), deliveries }), true)
    }
    const record = (position: number, more: Partial<Attempt> = {}) =>
      outbox.record({
        ...{ subscription: 'a', position, after: 0, at: T1, status: 'delivered' },
        ...{ last_status: 200, last_error: null, ...more },
      })
    const due = async (now = T2, limit = 10) =>
      (await outbox.due('a', now, limit)).map(({ position }) => position)
    const all = async () =>
      (await outbox.deliveries({ subscription: 'a', limit: 100 })).toReversed()

    it('keeps where it met the log first', async () => {
      equal(await outbox.firstMet(7), 7)
      equal(await outbox.firstMet(9), 7)
    })

    it('begins a subscription once', async () => {
      equal(await move({ from: null, to: to(5) }), true)
      equal(await move({ from: null, to: to(9) }), false)
      deepEqual(await outbox.subscriptions(), [
        { name: 'a', position: 5, seen: 1, pending: 0, dead: 0, given_up: 0 },
      ])
    })

    it('moves only from where it stands: a second runner changes nothing', async () => {
      await begin(fresh(1))
      equal(await move({ to: to(50), deliveries: [fresh(2)] }), false)
      equal(await move({ from: to(100, 2), to: to(101), deliveries: [fresh(2)] }), false)
      equal(await move({ from: to(100), to: to(101) }, 'unknown'), false)
      deepEqual(await due(), [1])
      equal((await outbox.subscriptions())[0]?.position, 100)
    })

    it('moves once of many that race from one place', async () => {
      await begin()
      const moves = Array.from({ length: 8 }, (_, i) =>
        move({ from: to(100), to: to(101 + i), deliveries: [fresh(101 + i)] }),
      )
      equal((await Promise.all(moves)).filter(Boolean).length, 1)
      equal((await all()).length, 1)
    })

    it('keeps what it took on as it was', async () => {
      await begin(fresh(3, 'order-x'))
      deepEqual(await all(), [
        {
          ...{ subscription: 'a', position: 3, event_id: 'event-3', event_type: 'OrderCreated' },
          ...{ stream: 'order-x', status: 'pending', attempts: 0, taken_at: T0 },
          ...{ next_attempt_at: T0, settled_at: null, last_status: null, last_error: null },
        },
      ])
    })

    it('takes nothing on twice: what is there stays as it is', async () => {
      await begin(fresh(1))
      await record(1)
      equal(await move({ from: to(100), to: to(101), deliveries: [fresh(1), fresh(101)] }), true)
      deepEqual(
        (await all()).map(({ position, status }) => [position, status]),
        [
          [1, 'delivered'],
          [101, 'pending'],
        ],
      )
    })

    it('gives the first of each stream, by position, and the next when that is settled', async () => {
      await begin(fresh(4, 's'), fresh(2, 'r'), fresh(5, 's'), fresh(3, 's'), fresh(6, 'r'))
      deepEqual(await due(), [2, 3])
      deepEqual(await due(T2, 1), [2])
      equal(await record(3, { status: 'dead' }), 1)
      deepEqual(await due(), [2, 4])
      await record(4, { status: 'skipped' })
      deepEqual(await due(), [2, 5])
    })

    it('lets a stream wait for its first, and no other', async () => {
      await begin(fresh(1, 's'), fresh(2, 's'), fresh(3, 'r'))
      await record(1, { status: 'pending', next_attempt_at: T2, last_status: 500 })
      deepEqual(await due(T1), [3])
      deepEqual(await due(T2), [1, 3])
    })

    it('records an attempt once: who comes with an older count changes nothing', async () => {
      await begin(fresh(1))
      const failed = { status: 'pending', next_attempt_at: T2, last_error: 'no' } as const
      equal(await record(1, failed), 0)
      equal(await record(1, { status: 'dead' }), null)
      equal(await record(1, { after: 1 }), 0)
      equal(await record(1, { after: 2 }), null)
      equal(await record(99), null)
      const [delivery] = await all()
      const { status, attempts, settled_at, last_status, last_error } = delivery!
      deepEqual(
        [status, attempts, settled_at, last_status, last_error],
        [...['delivered', 2, T1], ...[200, null]],
      )
    })

    it('counts what was given up since the last that was taken, or since other settings', async () => {
      await begin(...[1, 2, 3, 4, 5, 6].map((position) => fresh(position)))
      const dead = { status: 'dead', last_error: 'no' } as const
      equal(await record(1, dead), 1)
      equal(await record(2, dead), 2)
      equal(await record(3, { status: 'skipped' }), 2)
      equal(await record(4), 0)
      equal(await record(5, dead), 1)
      equal(await move({ from: to(100), to: to(100, 2) }), true)
      equal(await record(6, dead), 1)
      const [{ dead: four } = { dead: 0 }] = await outbox.subscriptions()
      equal(four, 4)
    })

    it('moved back, forgets what lies behind, and takes it on again', async () => {
      await begin(fresh(1), fresh(2), fresh(3))
      await record(1)
      await record(3)
      equal(await move({ from: to(100), to: to(1) }), true)
      deepEqual(
        (await all()).map(({ position }) => position),
        [1],
      )
      equal(await move({ from: to(1), to: to(3), deliveries: [fresh(2), fresh(3)] }), true)
      deepEqual(await due(), [2, 3])
    })

    it('makes a settled delivery pending again, with all its attempts before it', async () => {
      await begin(fresh(1), fresh(2))
      await record(1, { status: 'dead', last_error: 'no' })
      const again = ['event-1', 'event-unknown']
      equal(await move({ from: to(100), to: to(100, 2), at: T2, again }), true)
      const [first] = await all()
      deepEqual([first?.status, first?.attempts, first?.settled_at], ['pending', 0, null])
      equal(first?.next_attempt_at, T2)
      deepEqual(await due(T1), [2])
      deepEqual(await due(T2), [1, 2])
    })

    it('lists newest first, by status and event, a page at a time', async () => {
      await begin(...[1, 2, 3, 4].map((position) => fresh(position)))
      await move({ from: null, to: to(9) }, 'b')
      await move({ from: to(9), to: to(10), deliveries: [fresh(10)] }, 'b')
      await record(2)
      const found = async (more: object) =>
        (await outbox.deliveries({ subscription: 'a', limit: 10, ...more })).map((d) => d.position)
      deepEqual(await found({}), [4, 3, 2, 1])
      deepEqual(await found({ limit: 2 }), [4, 3])
      deepEqual(await found({ before: 3 }), [2, 1])
      deepEqual(await found({ status: 'pending', before: 4 }), [3, 1])
      deepEqual(await found({ event_id: 'event-2' }), [2])
      deepEqual(await found({ status: 'dead' }), [])
    })

    it('counts by subscription, by name', async () => {
      await begin(fresh(1), fresh(2))
      await move({ from: null }, 'Z')
      await record(2, { status: 'dead', last_error: 'no' })
      deepEqual(
        (await outbox.subscriptions()).map(({ name, pending, dead }) => [name, pending, dead]),
        [
          ['Z', 0, 0],
          ['a', 1, 1],
        ],
      )
    })

    it('drops a subscription with all that is its own', async () => {
      await begin(fresh(1))
      await move({ from: null }, 'b')
      await outbox.drop('a')
      equal(await record(1), null)
      deepEqual(
        (await outbox.subscriptions()).map(({ name }) => name),
        ['b'],
      )
      equal(await move({ from: null }), true)
      deepEqual(await all(), [])
    })

    it('removes what was settled long ago, never what is pending', async () => {
      await begin(fresh(1), fresh(2), fresh(3))
      await record(1)
      await record(2, { at: T2 })
      equal(await outbox.prune(T1, 10), 0)
      equal(await outbox.prune('2026-03-02T10:03:00.000Z', 1), 1)
      equal(await outbox.prune('2026-03-02T10:03:00.000Z', 10), 1)
      deepEqual(
        (await all()).map(({ position }) => position),
        [3],
      )
    })

    it('is one for all processes that have it open', async (t) => {
      if (opened.beside === undefined) return t.skip(`${name} has one process`)
      const other = await opened.beside()
      try {
        await begin(fresh(1))
        const moved = { subscription: 'a', from: to(100), to: to(101), at: T0 }
        const both = await Promise.all([outbox.move(moved), other.move(moved)])
        deepEqual([...both].sort(), [false, true])
        const attempt = { subscription: 'a', position: 1, after: 0, at: T1, last_status: 200 }
        const one = { ...attempt, status: 'delivered', last_error: null } as const
        const told = await Promise.all([outbox.record(one), other.record(one)])
        deepEqual(told.filter((count) => count === null).length, 1)
      } finally {
        await other.close()
      }
    })

    it('outlives the process where the engine says so', async (t) => {
      if (opened.reopen === undefined) return t.skip(`${name} keeps nothing`)
      await outbox.firstMet(7)
      await begin(fresh(1), fresh(2))
      await record(1)
      const before = [await all(), await outbox.subscriptions()]
      await outbox.close()
      outbox = await opened.reopen()
      deepEqual([await all(), await outbox.subscriptions()], before)
      equal(await outbox.firstMet(9), 7)
    })
  })
}
