// What only a bounded cache can get wrong: forgetting for want of room.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { openCache } from './cache.ts'

const LONG_MS = 3_600_000

test('a forgotten invalidation still refuses fills from before it', async () => {
  const cache = await openCache({ entriesMax: 2 })
  await cache.invalidate(['stock:1'], 6)
  await cache.fill('other', 1, 9, LONG_MS)
  await cache.fill('another', 1, 9, LONG_MS)
  await cache.fill('stock:1', 'raced', 5, LONG_MS)
  equal(await cache.get('stock:1'), null)
  await cache.fill('stock:1', 'seen', 6, LONG_MS)
  deepEqual(await cache.get('stock:1'), { value: 'seen', position: 6 })
})

test('an invalidation behind a filled answer is not forgotten with it', async () => {
  const cache = await openCache({ entriesMax: 2 })
  await cache.invalidate(['stock:1'], 6)
  await cache.fill('stock:1', 'seen', 7, LONG_MS)
  await cache.fill('other', 1, 9, LONG_MS)
  await cache.fill('another', 1, 9, LONG_MS)
  await cache.fill('stock:1', 'raced', 5, LONG_MS)
  equal(await cache.get('stock:1'), null)
})

test('it keeps to its size: the oldest answers go, one larger than all is not taken', async () => {
  const cache = await openCache({ sizeMax: 1_000 })
  for (let i = 0; i < 10; i++) await cache.fill(`key-${i}`, 'x'.repeat(200), 1, LONG_MS)
  const kept = await Promise.all(Array.from({ length: 10 }, (_, i) => cache.get(`key-${i}`)))
  deepEqual(
    kept.map((entry) => entry !== null),
    [...Array(6).fill(false), ...Array(4).fill(true)],
  )
  await cache.fill('large', 'x'.repeat(2_000), 1, LONG_MS)
  equal(await cache.get('large'), null)
  equal((await cache.get('key-9')) !== null, true)
})
