// Loaded before a program that runs with --expose-gc and a channel to its parent: tells, when
// asked, what is left on the heap after a collection, and how long its loop was held up since.
import { monitorEventLoopDelay } from 'node:perf_hooks'

export type HeapTold = {
  readonly heapBytes: number
  readonly externalBytes: number
  readonly rssBytes: number
  readonly delayMaxMs: number
  readonly delayP99Ms: number
}

const delays = monitorEventLoopDelay({ resolution: 5 })
delays.enable()

process.on('message', (asked) => {
  if (asked !== 'heap') return
  const delayMaxMs = delays.max / 1e6
  const delayP99Ms = delays.percentile(99) / 1e6
  // Twice: what finalizers let go of is freed by the second.
  globalThis.gc?.()
  setImmediate(() => {
    globalThis.gc?.()
    const { heapUsed: heapBytes, external: externalBytes, rss: rssBytes } = process.memoryUsage()
    delays.reset()
    process.send?.({ heapBytes, externalBytes, rssBytes, delayMaxMs, delayP99Ms })
  })
})
// Being able to ask is no reason to stay.
process.channel?.unref()
