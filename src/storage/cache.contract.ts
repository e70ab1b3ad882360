// What every engine of the cache must hold: it may forget, it may never answer with something
// older.
import { deepEqual, equal } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Cache } from './cache.ts'
import type { Opened } from './opened.ts'

const LONG_MS = 3_600_000

export function cacheContract(name: string, open: () => Promise<Opened<Cache>>): void {
  describe(`Cache: ${name}`, () => {
    let opened: Opened<Cache>
    let cache: Cache
    beforeEach(async () => {
      opened = await open()
      cache = opened.port
    })
    afterEach(async () => {
      await cache.close()
      await opened.remove()
    })

    it('answers what it was filled with, and the position it was read at', async () => {
      await cache.fill('stock:1', { free: 3, text: 'ünïcode 🛒' }, 7, LONG_MS)
      deepEqual(await cache.get('stock:1'), {
        value: { free: 3, text: 'ünïcode 🛒' },
        position: 7,
      })
      equal(await cache.get('stock:2'), null)
    })

    it('keeps what is empty: null, zero, no text, no items', async () => {
      for (const value of [null, 0, '', false, []]) {
        await cache.fill('empty', value, 1, LONG_MS)
        deepEqual(await cache.get('empty'), { value, position: 1 })
      }
    })

    it('forgets when the time is over', async () => {
      await cache.fill('stock:1', 3, 7, 0)
      equal(await cache.get('stock:1'), null)
    })

    it('never lets an older fill replace a newer one', async () => {
      await cache.fill('stock:1', 'new', 9, LONG_MS)
      await cache.fill('stock:1', 'old', 8, LONG_MS)
      deepEqual(await cache.get('stock:1'), { value: 'new', position: 9 })
    })

    it('takes a newer fill, and one of the same position', async () => {
      await cache.fill('stock:1', 'a', 8, LONG_MS)
      await cache.fill('stock:1', 'b', 8, LONG_MS)
      deepEqual(await cache.get('stock:1'), { value: 'b', position: 8 })
      await cache.fill('stock:1', 'c', 9, LONG_MS)
      deepEqual(await cache.get('stock:1'), { value: 'c', position: 9 })
    })

    it('forgets what is invalidated, and nothing else', async () => {
      for (const key of ['a', 'b', 'c']) await cache.fill(key, key, 5, LONG_MS)
      await cache.invalidate(['a', 'b', 'unknown'], 6)
      equal(await cache.get('a'), null)
      equal(await cache.get('b'), null)
      deepEqual(await cache.get('c'), { value: 'c', position: 5 })
    })

    it('refuses a fill that was read before the invalidation and arrives after it', async () => {
      await cache.invalidate(['stock:1'], 6)
      await cache.fill('stock:1', 'raced', 5, LONG_MS)
      equal(await cache.get('stock:1'), null)
      await cache.fill('stock:1', 'seen', 6, LONG_MS)
      deepEqual(await cache.get('stock:1'), { value: 'seen', position: 6 })
    })

    it('keeps an answer that has seen what a late invalidation tells of', async () => {
      await cache.fill('stock:1', 'seen', 6, LONG_MS)
      await cache.invalidate(['stock:1'], 6)
      await cache.invalidate(['stock:1'], 4)
      deepEqual(await cache.get('stock:1'), { value: 'seen', position: 6 })
    })

    it('remembers the newest invalidation, in whatever order they come', async () => {
      await cache.invalidate(['stock:1'], 9)
      await cache.invalidate(['stock:1'], 4)
      await cache.fill('stock:1', 'raced', 8, LONG_MS)
      equal(await cache.get('stock:1'), null)
    })

    it('is not changed by whoever changes a value it took or gave', async () => {
      const value = { lines: [1] }
      await cache.fill('order', value, 1, LONG_MS)
      value.lines.push(2)
      const got = await cache.get('order')
      ;(got!.value as { lines: number[] }).lines.push(3)
      deepEqual((await cache.get('order'))!.value, { lines: [1] })
    })
  })
}
