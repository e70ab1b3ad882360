// Answers kept for a while, and dropped when a row they were made of has changed. It may forget; it
// never answers with what it was told is old. Every engine must pass cache.contract.ts.
//
// How it holds, whatever is lost, late or killed:
// - Whoever may fill gets a ticket before reading. A change of the answer's name, a gap in the
//   changes of a source, and the loss of the cache's memory each make all older tickets and
//   answers worthless; so an answer that was read before a change cannot come in after it.
// - Changes of a source form a chain: each says from where to where it leads. When one was not
//   told (its teller died, the network was cut), the next does not fit, and everything kept from
//   that source is forgotten.
// - Where no next one comes, somebody who reads the checkpoints vouches for the chain. Answers
//   hold only so long after a source was last told or vouched for.

export type Cache = {
  /** `sources`: all that the answer is made of, always the same and in the same order for a key. */
  get(key: string, sources: readonly string[]): Promise<Found>
  /**
   * Does nothing when the ticket is worthless by now, when a newer answer is there, or when what
   * was read (`reached`) lacks something that had been told before the ticket was given.
   */
  fill(key: string, ticket: Ticket, answer: NewAnswer, ttlMs: number): Promise<void>
  /** Told again: the same. Throws Unavailable when it may not have been heard. */
  tell(changes: readonly Change[]): Promise<void>
  /**
   * These checkpoints were reached so long ago that everything up to them must have been told: what
   * was not is made good by forgetting. Answers where each of them has been told to by now.
   */
  vouch(reached: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, number>>
  /** Nothing that was made of these holds; nothing is kept until they are told or vouched for. */
  forget(sources: readonly string[]): Promise<void>
  close(): Promise<void>
}

/** So long after it was last told or vouched for, a source counts as known. */
export const KNOWN_FOR_MS = 3_000

/**
 * `product:1`, or one of several answers under that name, each of which goes when the name does:
 * `product:1#list`.
 */
export const nameOf = (key: string): string => {
  const end = key.indexOf('#')
  return end < 0 ? key : key.slice(0, end)
}

export type Found = {
  /** The last answer, also one that holds no more: better than none while nobody can be asked. */
  readonly kept: Kept | null
  /** What was kept still holds. */
  readonly fresh: boolean
  /** The right to fill; null when nothing can be kept just now. */
  readonly ticket: Ticket | null
}
export type Kept = {
  /** As it was filled; the cache does not look into it. */
  readonly value: string
  readonly position: number
  readonly ageMs: number
  /** Until its time is over; at most 0 when it is. */
  readonly restMs: number
}
export type Ticket = {
  /** The same for as long as nothing has changed. */
  readonly marks: string
  /** Where each source had been told to. */
  readonly told: readonly number[]
}
export type NewAnswer = {
  readonly value: string
  readonly position: number
  /** For each source the checkpoint that was read after the ticket was given, before the rows. */
  readonly reached: readonly number[]
  /** How old it is already; absent: new. */
  readonly ageMs?: number
}
/**
 * The answers under these names have changed on the source's way `from` one checkpoint `to`
 * another; the same twice when rows changed without it moving.
 */
export type Change = {
  readonly source: string
  readonly from: number
  readonly to: number
  readonly names: readonly string[]
}

/** What was read has seen all that was told before the ticket was given. */
export const hasSeen = ({ told }: Ticket, reached: readonly number[]): boolean =>
  told.every((position, at) => (reached[at] ?? -1) >= position)

/** A cache that several processes share, which tells each of them what it was told by any. */
export type SharedCache = Cache & {
  /**
   * `deaf`: something may be missed from now on, until `hearing`. Which of them it is now is told
   * at once.
   */
  onHeard(listener: (heard: Heard) => void): void
}
export type Heard =
  | { readonly kind: 'told'; readonly change: Change }
  | { readonly kind: 'forgotten'; readonly sources: readonly string[] }
  | { readonly kind: 'deaf' | 'hearing' }
