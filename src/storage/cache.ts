// Answers kept for a while. A fill carries the position it was read at; an older fill never
// replaces a newer one, and an invalidation refuses fills from before it. Every engine must pass
// cache.contract.ts.

export type Cache = {
  get(key: string): Promise<Cached | null>
  /** Does nothing when the key was invalidated at, or filled from, a later position. */
  fill(key: string, value: unknown, position: number, ttlMs: number): Promise<void>
  invalidate(keys: readonly string[], position: number): Promise<void>
  close(): Promise<void>
}
export type Cached = { readonly value: unknown; readonly position: number }
