// When each saga ended, read from the log after the callers have gone: watching costs nothing while
// it counts. The log's timestamps are this machine's clock, as the callers' are.
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventLog } from '#storage/event-log.ts'

const PAGE = 5_000
const LOOK_EACH_MS = 250
/** Without any progress for so long: the rest will not end by itself. */
const PATIENCE_MS = 15_000

export type SagaEnds = {
  /** Order id to ms since the epoch. */
  readonly completed: ReadonlyMap<string, number>
  /** Sagas that were taken back. */
  readonly failed: number
  /** Events that the log has grown by. */
  readonly events: number
}

/** Waits for as many ends as there are orders. */
export async function sagaEnds(log: EventLog, after: number, orders: number): Promise<SagaEnds> {
  const completed = new Map<string, number>()
  let failed = 0
  let position = after
  let patience = Date.now() + PATIENCE_MS
  for (;;) {
    const events = await log.readAll(position, PAGE)
    for (const { event_type, aggregate_id, timestamp } of events) {
      if (event_type === 'SagaCompleted') completed.set(aggregate_id, Date.parse(timestamp))
      if (event_type === 'SagaFailed') failed++
    }
    if (events.length > 0) patience = Date.now() + PATIENCE_MS
    position = events.at(-1)?.position ?? position
    if (events.length === PAGE) continue
    if (completed.size + failed >= orders || Date.now() > patience) break
    await sleep(LOOK_EACH_MS)
  }
  // What follows the saga's end (the capture) is still part of the order.
  const { position: head } = await settledHead(log)
  return { completed, failed, events: head - after }
}

async function settledHead(log: EventLog): Promise<{ position: number }> {
  for (;;) {
    const before = await log.head()
    await sleep(2 * LOOK_EACH_MS)
    if ((await log.head()).position === before.position) return before
  }
}
