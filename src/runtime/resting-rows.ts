// Rows that are not to be acted on just now: acted on already but the table has not caught up, or
// failed and waiting for their next try, with growing pauses.

export type RestingRows = {
  /** Not again before the table has seen this position. */
  untilSeen(key: string, position: number): void
  /** Failed once more, or recorded nothing: later, and later each time. */
  pause(key: string, why: string): void
  /** `checkpoint`: how far the table has come. */
  rests(key: string, checkpoint: number): boolean
  /** Nothing is due: whatever no longer rests is forgotten. */
  tidy(checkpoint: number): void
  readonly size: number
  failing(): number
  /** What has failed so often that only a person will help; the tries go on. */
  stuck(): readonly Stuck[]
}
export type Stuck = { readonly key: string; readonly failures: number; readonly error: string }

type Rest =
  | { readonly until: 'seen'; readonly position: number }
  | ({ readonly until: 'time'; readonly at: number } & Omit<Stuck, 'key'>)

const PAUSE_FIRST_MS = 100
const PAUSE_MAX_MS = 30_000
/** Those that failed together are not all tried again together. */
const JITTER = 0.25
/** After about a minute and a half. */
const STUCK_AFTER = 10
/** Enough to know where to begin. */
const STUCK_SHOWN_MAX = 20
const ERROR_MAX = 500

export function restingRows(
  clock: () => number = () => performance.now(),
  random: () => number = Math.random,
): RestingRows {
  const rows = new Map<string, Rest>()
  return {
    untilSeen: (key, position) => void rows.set(key, { until: 'seen', position }),
    pause(key, why) {
      const before = rows.get(key)
      const failures = before?.until === 'time' ? before.failures + 1 : 1
      const longest = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (failures - 1))
      const at = clock() + longest * (1 - JITTER * random())
      rows.set(key, { until: 'time', at, failures, error: why.slice(0, ERROR_MAX) })
    },
    rests(key, checkpoint) {
      const rest = rows.get(key)
      if (rest === undefined) return false
      if (rest.until === 'time') return rest.at > clock()
      if (rest.position > checkpoint) return true
      rows.delete(key)
      return false
    },
    tidy(checkpoint) {
      for (const [key, rest] of rows) {
        const over =
          rest.until === 'seen' ? rest.position <= checkpoint : rest.at + PAUSE_MAX_MS < clock()
        if (over) rows.delete(key)
      }
    },
    get size() {
      return rows.size
    },
    stuck() {
      const found: Stuck[] = []
      for (const [key, rest] of rows) {
        if (found.length === STUCK_SHOWN_MAX) break
        if (rest.until === 'time' && rest.failures >= STUCK_AFTER)
          found.push({ key, failures: rest.failures, error: rest.error })
      }
      return found
    },
    failing: () => [...rows.values()].filter(({ until }) => until === 'time').length,
  }
}
