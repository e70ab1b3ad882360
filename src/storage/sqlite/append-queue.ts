// Group commit: appends queue while a batch is being written, and what queued is the next batch. No
// batch waits for company; an idle log writes at once.
import type { Verdict } from '#storage/event-log.ts'
import type { Judged, Packed } from '#storage/log-packing.ts'

/** A batch ends here; a larger append goes alone. */
const BATCH_EVENTS_MAX = 2_000
/** And here, in characters of data. */
const BATCH_SIZE_MAX = 8 * 1024 * 1024
/** And here: all its callers go on in one turn of the event loop, which others wait for. */
const BATCH_APPENDS_MAX = 128
/** While one batch is being written, the next is already with the writer. */
const BATCHES_IN_FLIGHT_MAX = 2

export type AppendQueue = {
  add(packed: Packed): Promise<Verdict>
  /** Resolves when everything added so far is written. */
  drained(): Promise<void>
}

type Waiter = {
  readonly packed: Packed
  readonly events: number
  readonly size: number
  readonly resolve: (verdict: Verdict) => void
  readonly reject: (error: Error) => void
}

export function appendQueue(
  write: (batch: readonly Packed[]) => Promise<readonly Judged[]>,
  onWritten: (position: number) => void,
): AppendQueue {
  const queue: Waiter[] = []
  let inFlight = 0
  let scheduled = false

  const commit = async (batch: readonly Waiter[]) => {
    try {
      const verdicts = await write(batch.map(({ packed }) => packed))
      settle(batch, verdicts)
      const last = verdicts.findLast((verdict) => 'ok' in verdict && verdict.ok)
      if (last !== undefined && 'ok' in last && last.ok) onWritten(last.position)
    } catch (error) {
      for (const { reject } of batch) reject(error as Error)
    }
  }
  const flush = () => {
    scheduled = false
    while (queue.length > 0 && inFlight < BATCHES_IN_FLIGHT_MAX) {
      inFlight++
      void commit(nextBatch(queue)).finally(() => {
        inFlight--
        flush()
      })
    }
  }
  return {
    add(packed) {
      const lists = packed.writes.map(([, , list]) => list)
      const events = lists.reduce((sum, list) => sum + list.length, 0)
      const size = lists.flat().reduce((sum, [, , , data]) => sum + data.length, 0)
      return new Promise((resolve, reject) => {
        queue.push({ packed, events, size, resolve, reject })
        if (scheduled || inFlight >= BATCHES_IN_FLIGHT_MAX) return
        scheduled = true
        setImmediate(flush)
      })
    },
    async drained() {
      while (queue.length > 0 || inFlight > 0) await new Promise(setImmediate)
    },
  }
}

function nextBatch(queue: Waiter[]): Waiter[] {
  let events = 0
  let size = 0
  let count = 0
  for (const waiter of queue) {
    events += waiter.events
    size += waiter.size
    const isFull = count === BATCH_APPENDS_MAX || events > BATCH_EVENTS_MAX || size > BATCH_SIZE_MAX
    if (count > 0 && isFull) break
    count++
  }
  return queue.splice(0, count)
}

function settle(batch: readonly Waiter[], verdicts: readonly Judged[]): void {
  batch.forEach(({ resolve, reject }, i) => {
    const verdict = verdicts[i]!
    if ('error' in verdict) reject(new Error(`the log refused the append: ${verdict.error}`))
    else resolve(verdict)
  })
}
