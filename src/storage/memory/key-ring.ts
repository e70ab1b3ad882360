// Keys of persons in memory: the reference implementation of storage/key-ring.ts.
import { randomBytes } from 'node:crypto'
import { KEY_BYTES, type KeyRing, otherKey } from '#storage/key-ring.ts'
import { bytewise } from '#kernel/bytewise.ts'

export async function openKeyRing(): Promise<KeyRing> {
  const keys = new Map<string, Buffer>()
  // Copies: whoever wipes the key it was given must not wipe ours.
  const found = (subjects: readonly string[]) =>
    new Map(
      subjects.flatMap((subject) => {
        const key = keys.get(subject)
        return key === undefined ? [] : [[subject, Buffer.from(key)] as const]
      }),
    )
  return {
    async make(subjects) {
      for (const subject of subjects)
        if (!keys.has(subject)) keys.set(subject, randomBytes(KEY_BYTES))
      return found(subjects)
    },
    find: async (subjects) => found(subjects),
    async destroy(subject) {
      keys.get(subject)?.fill(0)
      keys.delete(subject)
    },
    async page(afterSubject, limit) {
      const subjects = [...keys.keys()].filter((one) => bytewise(one, afterSubject) > 0)
      return found(subjects.sort(bytewise).slice(0, limit))
    },
    async restore(given) {
      for (const [subject, key] of given)
        if (keys.get(subject)?.equals(key) === false) throw otherKey()
      for (const [subject, key] of given) keys.set(subject, Buffer.from(key))
    },
    async close() {},
  }
}
