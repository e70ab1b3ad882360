// Keys of persons: one per subject, made before the first event that needs it, destroyed to forget.
// Every engine must pass key-ring.contract.ts.

export type KeyRing = {
  /** Keys of these subjects; makes missing ones and answers only when they are durable. */
  make(subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer>>
  /** Keys that are there; a destroyed or unknown subject is not in the map. */
  find(subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer>>
  /** For ever: a later `make` for the subject makes another key. */
  destroy(subject: string): Promise<void>
  /** Keys as they are, of the subjects after this one, by subject; for backups. */
  page(afterSubject: string, limit: number): Promise<ReadonlyMap<string, Buffer>>
  /** Puts keys of a backup back. Throws, and changes nothing, where a subject has another one. */
  restore(keys: ReadonlyMap<string, Buffer>): Promise<void>
  close(): Promise<void>
}
export const KEY_BYTES = 32

export const otherKey = () =>
  new Error('a key of the backup is another than the one here; restore into an empty place')
