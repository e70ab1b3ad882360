// The contract of the bus, and what only a queue in memory can get wrong: growing without an end.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Recorded } from '#kernel/message.ts'
import { messageBusContract } from '#messaging/message-bus.contract.ts'
import { openBus } from './open.ts'

// Only the position matters here.
const event = (position: number) => ({ position }) as Recorded
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}

messageBusContract('memory', async (told) => ({
  bus: openBus({ onError: told }),
  remove: async () => {},
}))

test('publishing waits for a subscriber whose queue is full, and goes on when there is room', async () => {
  const bus = openBus({ queueMax: 10 })
  let go: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    go = resolve
  })
  const seen: number[] = []
  bus.subscribe('stuck', async ({ position }) => {
    await gate
    seen.push(position)
  })
  let published = 0
  const all = (async () => {
    for (let position = 1; position <= 100; position++) {
      await bus.publish([event(position)])
      published = position
    }
  })()
  await turns(50)
  equal(published, 10)
  go()
  await all
  await bus.close()
  deepEqual(
    seen,
    Array.from({ length: 100 }, (_, i) => i + 1),
  )
})

test('a full subscriber who stops holds publishing up no longer', async () => {
  const bus = openBus({ queueMax: 1 })
  const stuck = bus.subscribe('stuck', () => new Promise(() => {}))
  await bus.publish([event(1)])
  const waiting = bus.publish([event(2)])
  await turns(5)
  stuck.stop()
  await waiting
  await bus.close()
})

test('one that does not come back from an event is cut off, told about, and holds nobody up', async () => {
  const told: string[] = []
  const bus = openBus({
    queueMax: 5,
    stuckMs: 20,
    onError: (error, name, { position }) => told.push(`${name} ${position} ${String(error)}`),
  })
  const seen: number[] = []
  bus.subscribe('gone', () => new Promise(() => {}))
  bus.subscribe('going', ({ position }) => void seen.push(position))
  for (let position = 1; position <= 20; position++) await bus.publish([event(position)])
  await turns(5)
  equal(seen.length, 20)
  deepEqual(told, ['gone 1 Error: cut off: 20 ms with one event while others wait'])
  await bus.close()
})
