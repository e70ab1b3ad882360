// What only a bounded cache can get wrong: forgetting for want of room.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { cacheContract } from '#storage/cache.contract.ts'
import { type Cache, KNOWN_FOR_MS } from '#storage/cache.ts'
import { openCache } from './cache.ts'

const LONG_MS = 3_600_000
const OF = ['stock@1']

cacheContract('memory', async (knownForMs) => {
  let time = 0
  return {
    port: await openCache({ now: () => time, ...(knownForMs === undefined ? {} : { knownForMs }) }),
    pass: async (ms) => {
      time += ms
    },
    remove: async () => {},
  }
})

async function fill(cache: Cache, key: string, value: string, ticket = cache.get(key, OF)) {
  const given = (await ticket).ticket
  await cache.fill(key, given!, { value, position: 5, reached: [5] }, LONG_MS)
}
const freshOf = async (cache: Cache, key: string) => {
  const { fresh, kept } = await cache.get(key, OF)
  return fresh ? kept!.value : null
}
const known = (cache: Cache) => cache.vouch(new Map([['stock@1', 5]]))

test('a change of a name that was forgotten still refuses what was read before it', async () => {
  const cache = await openCache({ entriesMax: 2 })
  await known(cache)
  const ticket = cache.get('stock:1', OF)
  await ticket
  await cache.tell([{ source: 'stock@1', from: 5, to: 6, names: ['stock:1'] }])
  await known(cache)
  for (const other of ['other', 'another']) await cache.get(other, OF)
  await fill(cache, 'stock:1', 'raced', ticket)
  equal(await freshOf(cache, 'stock:1'), null)
  const behind = { value: 'seen', position: 6, reached: [6] }
  await cache.fill('stock:1', (await cache.get('stock:1', OF)).ticket!, behind, LONG_MS)
  equal(await freshOf(cache, 'stock:1'), 'seen')
})

test('a ticket whose name was forgotten for want of room is worthless', async () => {
  const cache = await openCache({ entriesMax: 2 })
  await known(cache)
  const ticket = cache.get('stock:1', OF)
  await ticket
  for (const other of ['other', 'another']) await cache.get(other, OF)
  await fill(cache, 'stock:1', 'raced', ticket)
  equal(await freshOf(cache, 'stock:1'), null)
})

test('it keeps to its size: the oldest answers go, one larger than all is not taken', async () => {
  const cache = await openCache({ sizeMax: 1_000 })
  await known(cache)
  for (let i = 0; i < 10; i++) await fill(cache, `key-${i}`, 'x'.repeat(200))
  const kept = await Promise.all(Array.from({ length: 10 }, (_, i) => freshOf(cache, `key-${i}`)))
  deepEqual(
    kept.map((value) => value !== null),
    [...Array(6).fill(false), ...Array(4).fill(true)],
  )
  await fill(cache, 'large', 'x'.repeat(2_000))
  equal(await freshOf(cache, 'large'), null)
  equal((await freshOf(cache, 'key-9')) !== null, true)
})

test('time is that of the machine when none is given', async () => {
  const cache = await openCache()
  await known(cache)
  await fill(cache, 'stock:1', 'a')
  const { kept } = await cache.get('stock:1', OF)
  equal(kept!.ageMs < KNOWN_FOR_MS, true)
})
