// Keys of persons: one per subject, made before the first event that needs it, destroyed to forget.
// Every engine must pass key-ring.contract.ts.

/** null: it was destroyed. What was never made, or was lost, is not in the map at all. */
export type KeptKeys = ReadonlyMap<string, Buffer | null>

export type KeyRing = {
  /**
   * Keys of these subjects; makes missing ones and answers only when they are durable. A subject
   * whose key was destroyed gets none any more and is not in the map.
   */
  make(subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer>>
  /** Keys that are there; a destroyed or unknown subject is not in the map. */
  find(subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer>>
  /** For ever, whether there was a key or not; the ring remembers that it was done. */
  destroy(subject: string): Promise<void>
  /** Those of these subjects whose keys were destroyed. */
  destroyed(subjects: readonly string[]): Promise<ReadonlySet<string>>
  /** Keys and destructions as they are, of the subjects after this one, by subject; for backups. */
  page(afterSubject: string, limit: number): Promise<KeptKeys>
  /**
   * Puts what a backup has back. Throws, and changes nothing, where a subject has another key or
   * its key was destroyed. A destruction in the backup destroys here too.
   */
  restore(keys: KeptKeys): Promise<void>
  close(): Promise<void>
}
export const KEY_BYTES = 32
/** What stands in the place of a key that was destroyed, so that no other one is made there. */
export const DESTROYED = Buffer.alloc(0)

/** Keys as they are kept, without those that were destroyed. */
export const usable = (kept: ReadonlyMap<string, Buffer>): Map<string, Buffer> =>
  new Map([...kept].filter(([, key]) => key.length > 0))
export const destroyedOf = (kept: ReadonlyMap<string, Buffer>): Set<string> =>
  new Set([...kept].flatMap(([subject, key]) => (key.length > 0 ? [] : [subject])))
/** As backups have them. */
export const keptKeys = (kept: ReadonlyMap<string, Buffer>): KeptKeys =>
  new Map([...kept].map(([subject, key]) => [subject, key.length > 0 ? key : null]))

export const otherKey = () =>
  new Error('a key of the backup is another than the one here; restore into an empty place')
