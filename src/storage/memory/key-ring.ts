// Keys of persons in memory: the reference implementation of storage/key-ring.ts.
import { randomBytes } from 'node:crypto'
import { bytewise } from '#kernel/bytewise.ts'
import { KEY_BYTES, type KeyRing, otherKey } from '#storage/key-ring.ts'

export async function openKeyRing(): Promise<KeyRing> {
  // null: destroyed.
  const keys = new Map<string, Buffer | null>()
  // Copies: whoever wipes the key it was given must not wipe ours.
  const found = (subjects: readonly string[]) =>
    new Map(
      subjects.flatMap((subject) => {
        const key = keys.get(subject)
        return key == null ? [] : [[subject, Buffer.from(key)] as const]
      }),
    )
  const destroy = (subject: string) => {
    keys.get(subject)?.fill(0)
    keys.set(subject, null)
  }
  return {
    async make(subjects) {
      for (const subject of subjects)
        if (!keys.has(subject)) keys.set(subject, randomBytes(KEY_BYTES))
      return found(subjects)
    },
    find: async (subjects) => found(subjects),
    destroy: async (subject) => destroy(subject),
    destroyed: async (subjects) => new Set(subjects.filter((one) => keys.get(one) === null)),
    async page(afterSubject, limit) {
      const subjects = [...keys.keys()].filter((one) => bytewise(one, afterSubject) > 0)
      return new Map(
        subjects
          .sort(bytewise)
          .slice(0, limit)
          .map((subject) => {
            const key = keys.get(subject) ?? null
            return [subject, key === null ? null : Buffer.from(key)]
          }),
      )
    },
    async restore(given) {
      for (const [subject, key] of given) {
        const here = keys.get(subject)
        if (key !== null && here !== undefined && here?.equals(key) !== true) throw otherKey()
      }
      for (const [subject, key] of given)
        if (key === null) destroy(subject)
        else keys.set(subject, Buffer.from(key))
    },
    async close() {},
  }
}
