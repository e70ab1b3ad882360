// Rows that are not to be acted on just now: acted on already but the table has not caught up, or
// failed and waiting for their next try, with growing pauses.

export type RestingRows = {
  /** Not again before the table has seen this position. */
  untilSeen(key: string, position: number): void
  /** Failed once more, or recorded nothing: later, and later each time. */
  pause(key: string): void
  /** `checkpoint`: how far the table has come. */
  rests(key: string, checkpoint: number): boolean
  /** Nothing is due: whatever no longer rests is forgotten. */
  tidy(checkpoint: number): void
  readonly size: number
  failing(): number
}

type Rest =
  | { readonly until: 'seen'; readonly position: number }
  | { readonly until: 'time'; readonly at: number; readonly failures: number }

const PAUSE_FIRST_MS = 100
const PAUSE_MAX_MS = 30_000

export function restingRows(clock: () => number = () => performance.now()): RestingRows {
  const rows = new Map<string, Rest>()
  return {
    untilSeen: (key, position) => void rows.set(key, { until: 'seen', position }),
    pause(key) {
      const before = rows.get(key)
      const failures = before?.until === 'time' ? before.failures + 1 : 1
      const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (failures - 1))
      rows.set(key, { until: 'time', at: clock() + pauseMs, failures })
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
    failing: () => [...rows.values()].filter(({ until }) => until === 'time').length,
  }
}
