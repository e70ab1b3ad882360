// The words of delivering events to others: who is subscribed, what became of an attempt, and when
// the next one is.
import type { Instant, Recorded } from '#kernel/message.ts'
import type { Delivery } from '#storage/outbox.ts'

export type Subscriber = {
  /** Of its subscription in the outbox. */
  readonly name: string
  /** The version of its settings. */
  readonly seen: number
  /** Behind which position it begins when it is new. */
  readonly from: number
  /** Not active: it keeps its place, and nothing is taken on or sent. */
  readonly active: boolean
  /** What its settings asked for since this version of them; heeded once. */
  readonly asked: (since: number) => Promise<Asked>
  /** By type and times alone: the data is as it was stored. */
  readonly wants: (event: Recorded) => boolean
  /** Carries one delivery out. The event's data is lifted, its personal fields are sealed. */
  readonly deliver: (event: Recorded, delivery: Delivery) => Promise<Sent>
  /** So many were given up since the last that was taken. */
  readonly gaveUp: (count: number, delivery: Delivery) => Promise<void>
}
export type Asked = {
  /** Reads on behind this position. */
  readonly position?: number
  /** Events whose deliveries are sent again. */
  readonly again?: readonly string[]
}

export type Sent =
  /** `status`: what the other side said, as a number. */
  | { readonly is: 'taken'; readonly status: number | null }
  /** Perhaps the next time. `error` names no person. */
  | {
      readonly is: 'failed'
      readonly status: number | null
      readonly error: string
      readonly retryAfterMs?: number
    }
  /** Never. */
  | { readonly is: 'refused'; readonly status: number | null; readonly error: string }
  /** There is nothing to send, or nobody to send it to. */
  | { readonly is: 'skipped'; readonly why: string }
  /** Nobody was asked: not an attempt. */
  | { readonly is: 'later'; readonly ms: number }

export type Retrying = {
  readonly baseMs: number
  readonly factor: number
  readonly maxMs: number
  /** Then it is given up. */
  readonly attemptsMax: number
  /** So long after it was taken on, it is given up. */
  readonly giveUpAfterMs: number
}

/** Whoever asks for more patience than this is asked all the same. */
const RETRY_AFTER_MAX_MS = 86_400_000

/**
 * When to try again what has failed so often; null: it is given up. `chance`: from 0 to 1, spreads
 * those that failed together.
 */
export function nextAttempt(
  { attempts, taken_at }: Pick<Delivery, 'attempts' | 'taken_at'>,
  { retryAfterMs = 0 }: { readonly retryAfterMs?: number },
  { baseMs, factor, maxMs, attemptsMax, giveUpAfterMs }: Retrying,
  { now, chance }: { readonly now: Instant; readonly chance: number },
): Instant | null {
  const at = Date.parse(now)
  if (attempts + 1 >= attemptsMax || at - Date.parse(taken_at) >= giveUpAfterMs) return null
  const pause = Math.min(maxMs, baseMs * factor ** attempts) * (0.5 + chance / 2)
  const wait = Math.max(pause, Math.min(retryAfterMs, RETRY_AFTER_MAX_MS))
  return new Date(at + wait).toISOString()
}

/** The same part for the same name, in every process. */
export function slotOf(name: string, slots: number): number {
  let hash = 2_166_136_261
  for (let i = 0; i < name.length; i++)
    hash = Math.imul(hash ^ name.charCodeAt(i), 16_777_619) >>> 0
  return hash % slots
}
