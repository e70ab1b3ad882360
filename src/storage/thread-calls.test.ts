// Calls between two threads, over a real message channel.
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { threadCalls } from './thread-calls.ts'

test('calls cross both ways, errors keep their name, and an end fails what waits', async () => {
  const { port1, port2 } = new MessageChannel()
  const near = threadCalls(port1, { twice: (n: number) => n * 2 })
  const far = threadCalls(port2, {
    add: async (a: number, b: number) => a + b,
    fail: () => {
      throw new RangeError('too far')
    },
    never: () => new Promise(() => {}),
  })
  const noticed: unknown[] = []
  far.onNotice('grown', (value) => void noticed.push(value))
  near.notify('grown', 7)
  equal(await near.call('add', 2, 3), 5)
  equal(await far.call('twice', 4), 8)
  deepEqual(noticed, [7])
  await rejects(near.call('fail'), { name: 'RangeError', message: 'too far' })
  await rejects(near.call('unknown'), /does not offer unknown/)
  const waits = near.call('never')
  near.end(new Error('gone'))
  await rejects(waits, /gone/)
  await rejects(near.call('add', 1, 1), /gone/)
  port1.close()
})
