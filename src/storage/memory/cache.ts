// Answers kept in the process, bounded in number and size. What was forgotten for want of room must
// not let an old fill in: the position of every forgotten invalidation is kept as one common floor.
import { LRUCache } from 'lru-cache'
import type { Cache } from '#storage/cache.ts'

export type MemoryCacheOptions = {
  readonly entriesMax?: number
  /** Of all values' JSON texts together, in characters. */
  readonly sizeMax?: number
}
const ENTRIES_MAX = 50_000
const SIZE_MAX = 64 * 1024 * 1024

type Entry = {
  /** JSON text; null when there is only the memory of an invalidation. */
  readonly text: string | null
  readonly position: number
  readonly until: number
  /** Of the last invalidation: fills from before it are refused. */
  readonly invalidated: number
}

export async function openCache(options: MemoryCacheOptions = {}): Promise<Cache> {
  const { entriesMax = ENTRIES_MAX, sizeMax = SIZE_MAX } = options
  let floor = 0
  const entries = new LRUCache<string, Entry>({
    max: entriesMax,
    maxSize: sizeMax,
    sizeCalculation: ({ text }, key) => key.length + (text?.length ?? 0) + 1,
    dispose: ({ invalidated }, _, reason) => {
      if (reason === 'evict') floor = Math.max(floor, invalidated)
    },
  })
  const none = (): Entry => ({ text: null, position: 0, until: 0, invalidated: floor })

  return {
    async get(key) {
      const entry = entries.get(key)
      if (entry === undefined || entry.text === null || performance.now() >= entry.until)
        return null
      return { value: JSON.parse(entry.text), position: entry.position }
    },
    async fill(key, value, position, ttlMs) {
      const old = entries.peek(key) ?? none()
      const text = JSON.stringify(value)
      if (position < old.invalidated || position < old.position) return
      // What alone is larger than the whole cache would throw everything else out.
      if (text === undefined || key.length + text.length >= sizeMax) return
      entries.set(key, { ...old, text, position, until: performance.now() + ttlMs })
    },
    async invalidate(keys, position) {
      for (const key of keys) {
        const old = entries.peek(key) ?? none()
        const invalidated = Math.max(old.invalidated, position)
        // An answer from this position or later has seen what happened.
        const stays = old.text !== null && old.position >= position
        entries.set(key, stays ? { ...old, invalidated } : { ...none(), invalidated })
      }
    },
    async close() {
      entries.clear()
    },
  }
}
