// Keys of persons: one per subject, made before the first event that needs it, destroyed to forget.
// Every engine must pass key-ring.contract.ts.

export type KeyRing = {
  /** Keys of these subjects; makes missing ones and answers only when they are durable. */
  make(subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer>>
  /** Keys that are there; a destroyed or unknown subject is not in the map. */
  find(subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer>>
  /** For ever: a later `make` for the subject makes another key. */
  destroy(subject: string): Promise<void>
  close(): Promise<void>
}
export const KEY_BYTES = 32
