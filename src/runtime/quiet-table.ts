// When a table that rows become due in need not be asked: nothing in it was due, it has not moved
// since, and the time of its next row has not come.
import type { Instant } from '#kernel/message.ts'

export type QuietTable = {
  /** Whether nothing can be due; asked once a look. */
  isQuiet(checkpoint: number, now: Instant): boolean
  /**
   * Nothing was due, read at this checkpoint or later. When that is said of the same one twice, the
   * table rests: `next` is asked when its next row is due, and answers null if none ever is.
   */
  nothingDue(checkpoint: number, next: () => Promise<Instant | null>): Promise<void>
  forget(): void
}

/** Rows that waited for a mended event come without the checkpoint having moved. */
const LOOKS_SKIPPED_MAX = 20

export function quietTable(): QuietTable {
  let empty: number | null = null
  let rest: { readonly checkpoint: number; readonly until: Instant | null } | null = null
  let skipped = 0
  const forget = () => {
    empty = null
    rest = null
    skipped = 0
  }
  return {
    forget,
    isQuiet(checkpoint, now) {
      if (rest === null) return false
      const sleeps = rest.checkpoint === checkpoint && (rest.until === null || now < rest.until)
      if (sleeps && skipped++ < LOOKS_SKIPPED_MAX) return true
      forget()
      return false
    },
    async nothingDue(checkpoint, next) {
      // Of a table that moves all the time, the next row is not worth a question.
      if (empty === checkpoint) rest = { checkpoint, until: await next() }
      else empty = checkpoint
    },
  }
}
