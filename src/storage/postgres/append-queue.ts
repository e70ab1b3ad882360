// Group commit: appends queue while batches are under way, and what queued is the next batch. No
// batch waits for company. A batch is judged as a whole against what is stored, so nothing that one
// append in it writes may be touched by another: whatever meets waits for the next batch, in order.
import type { Verdict } from '#storage/event-log.ts'
import type { Judged, Packed } from '#storage/log-packing.ts'

export type QueueLimits = {
  /** A batch ends at so many events; a larger append goes alone. */
  readonly eventsMax: number
  /** And at so many characters of data. */
  readonly sizeMax: number
  readonly appendsMax: number
  readonly inFlightMax: number
}
export const LIMITS: QueueLimits = {
  eventsMax: 640,
  sizeMax: 4 * 1024 * 1024,
  appendsMax: 128,
  inFlightMax: 2,
}

export type AppendQueue = {
  add(packed: Packed): Promise<Verdict>
  /** Resolves when everything added so far is answered. */
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
  limits: QueueLimits = LIMITS,
): AppendQueue {
  let queue: Waiter[] = []
  const busy = touched()
  let inFlight = 0
  let scheduled = false
  let idle: (() => void)[] = []

  const commit = async (batch: readonly Waiter[]) => {
    try {
      settle(batch, await write(batch.map(({ packed }) => packed)))
    } catch (error) {
      for (const { reject } of batch) reject(error as Error)
    } finally {
      for (const { packed } of batch) busy.leave(packed)
      inFlight--
    }
    flush()
  }
  const flush = () => {
    scheduled = false
    while (queue.length > 0 && inFlight < limits.inFlightMax) {
      const { batch, rest } = nextBatch(queue, busy, limits)
      if (batch.length === 0) break
      queue = rest
      inFlight++
      void commit(batch)
    }
    if (inFlight > 0 || queue.length > 0) return
    const all = idle
    idle = []
    for (const go of all) go()
  }
  return {
    add(packed) {
      const lists = packed.writes.map(([, , list]) => list)
      const events = lists.reduce((sum, list) => sum + list.length, 0)
      const size = lists.flat().reduce((sum, [, , , data]) => sum + data.length, 0)
      return new Promise((resolve, reject) => {
        queue.push({ packed, events, size, resolve, reject })
        if (scheduled || inFlight >= limits.inFlightMax) return
        scheduled = true
        setImmediate(flush)
      })
    },
    drained() {
      if (inFlight === 0 && queue.length === 0) return Promise.resolve()
      return new Promise((resolve) => idle.push(resolve))
    },
  }
}

function nextBatch(queue: readonly Waiter[], busy: Touched, limits: QueueLimits) {
  const batch: Waiter[] = []
  const rest: Waiter[] = []
  // What waits is not overtaken by a later append that touches the same.
  const passed = touched()
  let events = 0
  let size = 0
  for (const [at, waiter] of queue.entries()) {
    const full =
      batch.length > 0 &&
      (batch.length === limits.appendsMax ||
        events + waiter.events > limits.eventsMax ||
        size + waiter.size > limits.sizeMax)
    if (full) {
      for (const left of queue.slice(at)) rest.push(left)
      break
    }
    if (busy.meets(waiter.packed) || passed.meets(waiter.packed)) {
      passed.enter(waiter.packed)
      rest.push(waiter)
      continue
    }
    busy.enter(waiter.packed)
    batch.push(waiter)
    events += waiter.events
    size += waiter.size
  }
  return { batch, rest }
}

type Touched = {
  meets(append: Packed): boolean
  enter(append: Packed): void
  leave(append: Packed): void
}

/** Streams, claims and commands of appends; those only checked may be shared. */
function touched(): Touched {
  const written = new Set<string>()
  const checked = new Map<string, number>()
  return {
    meets: (append) =>
      names(append).some(([name, writes]) => written.has(name) || (writes && checked.has(name))),
    enter(append) {
      for (const [name, writes] of names(append))
        if (writes) written.add(name)
        else checked.set(name, (checked.get(name) ?? 0) + 1)
    },
    leave(append) {
      for (const [name, writes] of names(append)) {
        const left = (checked.get(name) ?? 0) - 1
        if (writes) written.delete(name)
        else if (left > 0) checked.set(name, left)
        else checked.delete(name)
      }
    },
  }
}

function names({ writes, claims, releases, command }: Packed): [name: string, writes: boolean][] {
  const found: [string, boolean][] = writes.map(([stream, , events]) => [stream, events.length > 0])
  if (command !== null) found.push([`command ${command[0]}`, true])
  for (const { scope, value } of [...claims, ...releases])
    found.push([`claim ${JSON.stringify([scope, value])}`, true])
  return found
}

function settle(batch: readonly Waiter[], verdicts: readonly Judged[]): void {
  batch.forEach(({ resolve, reject }, i) => {
    const verdict = verdicts[i]!
    if ('error' in verdict) reject(new Error(`the log refused the append: ${verdict.error}`))
    else resolve(verdict)
  })
}
