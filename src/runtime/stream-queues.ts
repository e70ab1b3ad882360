// Callers queue per stream in the process, so that a hot item makes no conflicts. Streams are taken
// in sorted order and held until the append has answered, so that two orders make no deadlock.
import type { Ref } from '#kernel/decider.ts'

type Queue = { readers: number; writing: boolean; waiting: { write: boolean; go: () => void }[] }

export type StreamQueues = {
  /** Waits for all of them; the answer lets go. Streams only relied on are shared. */
  hold(refs: readonly Ref[]): Promise<() => void>
}

export function streamQueues(): StreamQueues {
  const queues = new Map<string, Queue>()

  const take = (stream: string, write: boolean): Promise<void> | undefined => {
    let queue = queues.get(stream)
    if (queue === undefined) {
      queue = { readers: 0, writing: false, waiting: [] }
      queues.set(stream, queue)
    }
    const free = !queue.writing && queue.waiting.length === 0 && (!write || queue.readers === 0)
    if (free) {
      enter(queue, write)
      return undefined
    }
    const { waiting } = queue
    return new Promise((go) => waiting.push({ write, go }))
  }

  const leave = (stream: string, write: boolean) => {
    const queue = queues.get(stream)
    if (queue === undefined) return
    if (write) queue.writing = false
    else queue.readers--
    for (;;) {
      const next = queue.waiting[0]
      if (next === undefined || queue.writing || (next.write && queue.readers > 0)) break
      queue.waiting.shift()
      enter(queue, next.write)
      next.go()
    }
    if (!queue.writing && queue.readers === 0 && queue.waiting.length === 0) queues.delete(stream)
  }

  return {
    async hold(refs) {
      const wanted = new Map<string, boolean>()
      for (const { stream, mode } of refs)
        wanted.set(stream, mode === 'write' || wanted.get(stream) === true)
      const ordered = [...wanted].sort(([a], [b]) => (a < b ? -1 : 1))
      for (const [stream, write] of ordered) await take(stream, write)
      return () => {
        for (const [stream, write] of ordered) leave(stream, write)
      }
    },
  }
}

function enter(queue: Queue, write: boolean): void {
  if (write) queue.writing = true
  else queue.readers++
}
