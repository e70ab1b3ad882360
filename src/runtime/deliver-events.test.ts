// Deliveries: all that is wanted, at least once, a stream's one after the other, through failures,
// kills and several runners; and never anything that was there before.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Recorded } from '#kernel/message.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openOutbox } from '#storage/memory/outbox.ts'
import type { Outbox } from '#storage/outbox.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { append } from '#testing/sample-appends.ts'
import { nextAttempt, type Sent, type Subscriber } from './deliver.ts'
import { type Deliverer, type DelivererParts, deliverer } from './deliver-events.ts'

const TAKEN: Sent = { is: 'taken', status: 200 }
const FAILED: Sent = { is: 'failed', status: 500, error: 'said 500' }
const QUICK = { baseMs: 1, factor: 1, maxMs: 2, attemptsMax: 5, giveUpAfterMs: 60_000 }
const now = () => new Date().toISOString()
const numberOf = ({ aggregate_id, version }: Recorded) => `${aggregate_id}:${version}`

describe('events for others', () => {
  let log: EventLog
  let outbox: Outbox
  let sent: string[]
  let ids: string[]
  let errors: string[]
  const running = new Set<Deliverer>()
  beforeEach(async () => {
    log = await openEventLog()
    outbox = await openOutbox()
    sent = []
    ids = []
    errors = []
  })
  afterEach(async () => {
    for (const one of running) await one.stop()
    running.clear()
    await outbox.close()
    await log.close()
  })

  const subscriber = (more: Partial<Subscriber> = {}): Subscriber => ({
    ...{ name: 'all', seen: 1, from: 0, active: true },
    asked: async () => ({}),
    wants: () => true,
    gaveUp: async () => {},
    async deliver(event) {
      sent.push(numberOf(event))
      ids.push(event.event_id)
      return TAKEN
    },
    ...more,
  })
  const started = async (
    subscribers: readonly Subscriber[],
    more: Partial<DelivererParts> = {},
  ) => {
    const one = deliverer({
      ...{ log, outbox, now, types: {}, retrying: QUICK, pollMs: 5 },
      subscribers: async () => subscribers,
      onError: (error, where) => void errors.push(`${where}: ${String(error)}`),
      ...more,
    })
    running.add(one)
    log.onAppended(one.wake)
    await one.runs(one.work)
    return one
  }
  const stopped = async (one: Deliverer) => {
    running.delete(one)
    await one.stop()
  }
  const happened = (stream: string, count = 1) => log.append(append(stream, 'any', count))
  const until = async (done: () => boolean | Promise<boolean>) => {
    while (!(await done())) await sleep(2)
  }
  const statuses = async (name = 'all') =>
    (await outbox.deliveries({ subscription: name, limit: 1_000 }))
      .toReversed()
      .map(({ position, status, attempts }) => [position, status, attempts])

  test('go to whoever wants them, in the order of their stream, from its place on', async () => {
    await happened('order-a', 3)
    await happened('sale-b', 2)
    await started([
      subscriber({ from: 1, wants: ({ aggregate_type }) => aggregate_type === 'order' }),
    ])
    await until(() => sent.length === 2)
    await happened('order-a', 2)
    await until(() => sent.length === 4)
    deepEqual(sent, ['a:2', 'a:3', 'a:4', 'a:5'])
  })

  test('of one stream wait for the first of it; those of others do not', async () => {
    let isDown = true
    await happened('order-a', 2)
    await happened('order-b', 2)
    await started(
      [
        subscriber({
          async deliver(event) {
            sent.push(numberOf(event))
            return isDown && event.aggregate_id === 'a' ? FAILED : TAKEN
          },
        }),
      ],
      { retrying: { ...QUICK, attemptsMax: 1_000 } },
    )
    await until(() => sent.includes('b:2') && sent.length > 6)
    ok(!sent.includes('a:2'))
    isDown = false
    await until(() => sent.includes('a:2'))
    equal(sent.at(-1), 'a:2')
  })

  test('are given up in the end, told of, and the next of the stream goes out', async () => {
    const told: number[] = []
    await happened('order-a', 3)
    await started([
      subscriber({
        async deliver(event) {
          sent.push(numberOf(event))
          if (event.version === 1) return FAILED
          return event.version === 2 ? { is: 'refused', status: 410, error: 'gone' } : TAKEN
        },
        gaveUp: async (count) => void told.push(count),
      }),
    ])
    await until(() => sent.includes('a:3'))
    await until(async () => (await statuses()).every(([, status]) => status !== 'pending'))
    deepEqual(await statuses(), [
      [1, 'dead', 5],
      [2, 'dead', 1],
      [3, 'delivered', 1],
    ])
    deepEqual(told, [1, 2])
  })

  test('whose sender throws are tried again, and only the name of the error is kept', async () => {
    await happened('order-a')
    await started([
      subscriber({
        async deliver() {
          throw new TypeError('no mail for ada@example.com')
        },
      }),
    ])
    await until(async () => (await statuses())[0]?.[1] === 'dead')
    const [delivery] = await outbox.deliveries({ subscription: 'all', limit: 1 })
    equal(delivery?.last_error, 'TypeError')
  })

  test('go out again with the same id when nobody knows that they went', async () => {
    await happened('order-a', 2)
    const forgetful = { ...outbox, record: () => new Promise<never>(() => {}) }
    // Killed between the delivery and its record: nothing of this runner is waited for.
    const killed = deliverer({
      ...{ log, outbox: forgetful, now, types: {}, retrying: QUICK },
      subscribers: async () => [subscriber()],
      onError: (error) => void errors.push(String(error)),
    })
    await killed.runs(killed.work)
    await until(() => sent.length === 1)
    void killed.stop()
    await started([subscriber()])
    await until(() => sent.length === 3)
    deepEqual(sent, ['a:1', 'a:1', 'a:2'])
    equal(ids[0], ids[1])
  })

  test('go out after an outbox that was away', async () => {
    let isAway = true
    const flaky: Outbox = {
      ...outbox,
      record: (attempt) => (isAway ? Promise.reject(new Error('away')) : outbox.record(attempt)),
    }
    await happened('order-a', 2)
    await started([subscriber()], { outbox: flaky })
    await until(() => errors.length > 0)
    isAway = false
    await until(() => sent.includes('a:2'))
    deepEqual([...new Set(sent)], ['a:1', 'a:2'])
  })

  test('are not sent by who is not active, and all of them when it is again', async () => {
    let active = false
    await started([], { subscribers: async () => [subscriber({ active })] })
    await happened('order-a', 2)
    await sleep(60)
    deepEqual(sent, [])
    active = true
    await until(() => sent.length === 2)
  })

  test('go on at the end of a log that is shorter than what was sent', async () => {
    await outbox.move({
      ...{ subscription: 'all', from: null, to: { position: 900, seen: 1 }, at: now() },
    })
    await happened('order-a', 3)
    const one = await started([subscriber()])
    await until(() => one.status().all?.position === 3)
    await happened('order-a', 1)
    await until(() => sent.length === 1)
    deepEqual(sent, ['a:4'])
  })

  test('are sent again from a place that is asked for, once', async () => {
    await happened('order-a', 4)
    let seen = 1
    const asked = async (since: number) => (since < 2 ? { position: 2 } : {})
    await started([], { subscribers: async () => [subscriber({ seen, asked })] })
    await until(() => sent.length === 4)
    seen = 2
    await until(() => sent.length === 6)
    await sleep(60)
    deepEqual(sent.slice(4), ['a:3', 'a:4'])
  })

  test('that were given up are sent again when that is asked for, with the same id', async () => {
    let isDown = true
    let seen = 1
    await happened('order-a', 1)
    const [event] = await log.readAll(0, 1)
    const asked = async () => ({ again: [event!.event_id] })
    const deliver = async () => {
      ids.push(event!.event_id)
      return isDown ? FAILED : TAKEN
    }
    await started([], { subscribers: async () => [subscriber({ seen, asked, deliver })] })
    await until(async () => (await statuses())[0]?.[1] === 'dead')
    isDown = false
    seen = 2
    await until(async () => (await statuses())[0]?.[1] === 'delivered')
    equal(ids.length, 6)
  })

  test('wait in the log while too many are pending', async () => {
    let isDown = true
    let tries = 0
    for (let i = 0; i < 1_100; i++) await happened(`order-${i}`)
    const one = await started(
      [
        subscriber({
          async deliver() {
            tries++
            return isDown ? { is: 'later', ms: 20 } : TAKEN
          },
        }),
      ],
      { pendingMax: 100 },
    )
    // It has looked again and again by then.
    await until(() => tries > 20)
    const { pending = 0 } = one.status().all ?? {}
    ok(pending > 0 && pending <= 600, `${pending} are pending`)
    isDown = false
    await until(async () => (await statuses()).length === 1_000)
  })

  test('under way are finished before it stops, and nothing goes out afterwards', async () => {
    let finish = () => {}
    await happened('order-a', 2)
    const one = await started([
      subscriber({
        deliver: (event) =>
          new Promise((resolve) => {
            sent.push(numberOf(event))
            finish = () => resolve(TAKEN)
          }),
      }),
    ])
    await until(() => sent.length === 1)
    const stopping = stopped(one)
    finish()
    await stopping
    await sleep(40)
    deepEqual(await statuses(), [
      [1, 'delivered', 1],
      [2, 'pending', 0],
    ])
    equal(sent.length, 1)
  })

  test('do not leave a process that others have taken over from', async () => {
    let mayAct = false
    await happened('order-a')
    await started([subscriber()], { mayAct: () => mayAct })
    await sleep(60)
    deepEqual(sent, [])
    mayAct = true
    await until(() => sent.length === 1)
  })

  test('come all, a stream in order, whatever fails and whoever is killed', async () => {
    const seed = seedOfRun()
    const random = seeded(seed)
    const says = `SEED=${seed}`
    const streams = Array.from({ length: 6 }, (_, i) => `order-${i}`)
    // A receiver that may take it and lose the answer.
    const receiving = subscriber({
      async deliver(event) {
        await sleep(random.int(0, 2))
        const isHeard = random.chance(0.8)
        if (isHeard) sent.push(numberOf(event))
        return isHeard && random.chance(0.8) ? TAKEN : FAILED
      },
    })
    const life = () => {
      let isAlive = true
      const dead = () => new Promise<never>(() => {})
      const here: Outbox = {
        ...outbox,
        move: (move) => (isAlive ? outbox.move(move) : dead()),
        record: (attempt) => (isAlive ? outbox.record(attempt) : dead()),
      }
      const one = deliverer({
        ...{ log, outbox: here, now, types: {}, pollMs: 5, mayAct: () => isAlive },
        retrying: { ...QUICK, attemptsMax: 10_000 },
        subscribers: async () => (isAlive ? [receiving] : []),
        onError: (error, where) => void errors.push(`${where}: ${String(error)}`),
      })
      void one.runs(one.work)
      return () => {
        isAlive = false
        void one.stop()
      }
    }
    const kills: (() => void)[] = []
    for (let round = 0; round < 8; round++) {
      kills.push(life())
      for (let i = 0; i < 8; i++) await happened(random.pick(streams), random.int(1, 3))
      await sleep(random.int(0, 40))
      // Sometimes two are there for a while.
      if (random.chance(0.7)) kills.shift()?.()
    }
    // Chance may have killed them all.
    kills.push(life())
    const { position } = await log.head()
    await until(async () => {
      const all = await statuses()
      return all.length === position && all.every(([, status]) => status === 'delivered')
    })
    for (const kill of kills) kill()
    for (const stream of streams) {
      const of = `${stream.slice(6)}:`
      const firsts = [...new Set(sent.filter((one) => one.startsWith(of)))]
      const { length } = await log.readStream(stream)
      deepEqual(
        firsts,
        Array.from({ length }, (_, i) => `${of}${i + 1}`),
        says,
      )
    }
    deepEqual(errors, [], says)
  })
})

describe('the next attempt', () => {
  const retrying = {
    baseMs: 1_000,
    factor: 2,
    maxMs: 60_000,
    attemptsMax: 4,
    giveUpAfterMs: 90_000,
  }
  const taken_at = '2026-03-02T10:00:00.000Z'
  const at = (attempts: number, more: { retryAfterMs?: number; chance?: number; now?: string }) => {
    const { retryAfterMs = 0, chance = 1, now = taken_at } = more
    const next = nextAttempt({ attempts, taken_at }, { retryAfterMs }, retrying, { now, chance })
    return next === null ? null : Date.parse(next) - Date.parse(now)
  }

  test('comes later each time, by chance up to half as soon', () => {
    deepEqual([at(0, {}), at(1, {}), at(2, {})], [1_000, 2_000, 4_000])
    equal(at(2, { chance: 0 }), 2_000)
  })

  test('is no sooner than the other side asks for, and that is no more than a day', () => {
    equal(at(0, { retryAfterMs: 30_000 }), 30_000)
    equal(at(0, { retryAfterMs: 10 }), 1_000)
    equal(at(0, { retryAfterMs: 1e12 }), 86_400_000)
  })

  test('does not come after so many, or so long', () => {
    equal(at(3, {}), null)
    equal(at(0, { now: '2026-03-02T10:01:30.000Z' }), null)
    ok(at(0, { now: '2026-03-02T10:01:29.999Z' }) !== null)
  })
})
