// Many at once, but never too many; nothing started is left behind.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { eachInFlight } from './in-flight.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

test('starts in order, keeps to the limit and ends when the last one has ended', async () => {
  const started: number[] = []
  let flying = 0
  let most = 0
  let ended = 0
  await eachInFlight(numbers(50), 7, async (item) => {
    started.push(item)
    most = Math.max(most, ++flying)
    for (let turns = 0; turns < item % 5; turns++) await turn()
    flying--
    ended++
  })
  assert.deepEqual(started, numbers(50))
  assert.equal(most, 7)
  assert.equal(ended, 50)
})

test('after a failure nothing new is started, what flies lands, and the failure is thrown', async () => {
  const started: number[] = []
  let landed = 0
  const failing = eachInFlight(numbers(50), 4, async (item) => {
    started.push(item)
    if (item === 5) throw new Error('five')
    for (let turns = 0; turns < 5; turns++) await turn()
    landed++
  })
  await assert.rejects(failing, /five/)
  assert.ok(started.length < 12, `${started.length} were started`)
  assert.equal(landed, started.length - 1)
})

test('once aborted it takes no more and closes what it reads from', async () => {
  const abort = new AbortController()
  let closed = false
  async function* source() {
    try {
      for (const item of numbers(50)) yield item
    } finally {
      closed = true
    }
  }
  const done: number[] = []
  await eachInFlight(
    source(),
    2,
    async (item) => {
      await turn()
      done.push(item)
      if (item === 9) abort.abort()
    },
    abort.signal,
  )
  assert.ok(closed)
  assert.ok(done.length >= 10 && done.length < 14, `${done.length} were done`)
})
