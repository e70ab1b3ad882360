// The thread that projects, one at a time. A handler that does not return, or spends the memory,
// ends it; the next one begins where the last commit was and refuses the event that has done it
// twice.
import { Worker } from 'node:worker_threads'
import type { Changed } from '#runtime/cached-changes.ts'
import type { Progress } from '#runtime/operations.ts'
import { type Calls, threadCalls } from '#storage/thread-calls.ts'
import { inHand, openHand, type Suspect, strikes, watchHand } from './handler-watch.ts'

/** A page of events and the rows they touch; without it garbage grows with the machine's memory. */
const HEAP_MB = 512
/** For one event and one row: a handler computes, it waits for nothing. */
const HANDLER_MS = 10_000
/** After the memory was spent once: no page can be the reason any more. */
const CAREFUL_PAGE = 10
/** Then it is no event's fault. */
const SPENT_MAX = 20
/** A call whose thread has ended under it is made again; twice is what one event costs. */
const REPEATS_MAX = 2

export type ThreadMeans = {
  /** Writes its seals where only one handle may write the log, and this thread has it. */
  readonly append: (request: never) => Promise<unknown>
  readonly onError: (message: string) => void
  /** It has ended by itself: nothing is projected here any more, though its leases are held. */
  readonly onBroken: (error: Error) => void
  /** What runs in it; the shop's projections by default. */
  readonly file?: URL
  readonly handlerMs?: number
  readonly heapMb?: number
}

const SHOP = new URL(
  import.meta.url.endsWith('.ts') ? './projection-worker.ts' : './projection-worker.js',
  import.meta.url,
)

export type Heard = {
  committed: (position: number) => void
  changed: (changes: readonly Changed[]) => void
  progress: (of: Progress) => void
}
export type Threads = {
  /** Of whichever thread there is; made again when it ends under it. */
  call<T>(name: string, ...args: unknown[]): Promise<T>
  /** The same, but made once: what it began is still held for the thread that has ended. */
  callOnce<T>(name: string, ...args: unknown[]): Promise<T>
  notify(notice: string, value: unknown): void
  /** An operator knows better: what was refused is tried once more. */
  allow(projection: string): Promise<void>
  close(): Promise<void>
}

/** `resume`: what a thread that has just begun is told first. */
export async function openThreads(
  data: object,
  means: ThreadMeans,
  heard: Heard,
  resume: (calls: Calls) => Promise<void>,
): Promise<Threads> {
  const { onBroken } = means
  const judge = judging(means)
  let closing = false

  const begin = async (): Promise<Thread> => {
    for (;;) {
      const before: { end?: End } = {}
      let hasStarted = false
      const thread = openThread({ ...data, ...judge.known() }, means, heard, (end) => {
        if (hasStarted) over(end)
        else before.end = end
      })
      try {
        await thread.start()
        await resume(thread.calls)
        hasStarted = true
        return thread
      } catch (error) {
        await thread.end()
        if (closing || before.end === undefined || !judge.goesOn(before.end)) throw error
      }
    }
  }
  const over = (end: End) => {
    if (closing) return
    current = judge.goesOn(end) ? begin() : Promise.reject(end.reason)
    current.catch((error) => {
      if (!closing) onBroken(error)
    })
  }
  let current = begin()
  await current

  return {
    async call(name, ...args) {
      for (let repeats = 0; ; repeats++) {
        const thread = await current
        try {
          return await thread.calls.call(name, ...args)
        } catch (error) {
          if (thread.isAlive() || repeats >= REPEATS_MAX) throw error
        }
      }
    },
    callOnce: async (name, ...args) => (await current).calls.call(name, ...args),
    notify: (notice, value) =>
      void current.then(({ calls }) => calls.notify(notice, value)).catch(() => {}),
    async allow(projection) {
      judge.forget(projection)
      const { calls } = await current
      calls.notify('allow', projection)
    },
    async close() {
      closing = true
      const thread = await current
      await thread.calls.call('close')
      await thread.end()
    },
  }
}

/** Whether another thread is begun, and what it is told of the ends of those before. */
function judging({ onError }: ThreadMeans) {
  const struck = strikes()
  let spent = 0
  return {
    goesOn({ how, reason, why, suspect }: End): boolean {
      if (how === 'memory') spent++
      if (how === null || spent > SPENT_MAX || (how === 'stuck' && suspect === null)) return false
      if (suspect !== null) struck.add(suspect, why)
      onError(`${reason.message}; it begins anew`)
      return true
    },
    known: () => ({
      refused: struck.refused(),
      ...(spent > 0 ? { pageSize: CAREFUL_PAGE } : {}),
    }),
    forget: struck.forget,
  }
}

type How = 'stuck' | 'memory'
type End = {
  readonly reason: Error
  /** null: nobody's handler, as far as is known. */
  readonly how: How | null
  readonly why: string
  readonly suspect: Suspect | null
}
type Thread = {
  readonly calls: Calls
  start(): Promise<void>
  isAlive(): boolean
  end(): Promise<void>
}

function openThread(
  data: object,
  { append, onError, file = SHOP, handlerMs = HANDLER_MS, heapMb = HEAP_MB }: ThreadMeans,
  heard: Heard,
  onEnd: (end: End) => void,
): Thread {
  const hand = openHand()
  const worker = new Worker(file, {
    workerData: { ...data, hand },
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: heapMb },
  })
  let reason = new Error('the projection thread has ended')
  const calls = threadCalls(worker, { append })
  calls.onNotice('committed', (position: number) => heard.committed(position))
  calls.onNotice('changed', (changes: readonly Changed[]) => heard.changed(changes))
  calls.onNotice('progress', (of: Progress) => heard.progress(of))
  calls.onNotice('error', (message: string) => onError(message))
  let handlers: readonly string[] = []
  let isAlive = true
  let how: End['how'] = null
  const whys: Readonly<Record<How, string>> = {
    stuck: `the handler took longer than ${handlerMs / 1000} s`,
    memory: `the handler needed more memory than ${heapMb} MB`,
  }
  let unwatch = () => {}
  worker.on('error', (error: Error & { code?: string }) => {
    if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') how = 'memory'
    else {
      if (error instanceof Error) reason = error
      onError(`the projection thread failed: ${error.stack ?? String(error)}`)
    }
  })
  // A thread that ends by itself answers nothing any more.
  worker.on('exit', () => {
    isAlive = false
    unwatch()
    const suspect = inHand(hand, handlers)
    const why = how === null ? '' : whys[how]
    if (suspect !== null) reason.message += ` in ${suspect.handler} at event ${suspect.position}`
    if (how !== null) reason.message += `: ${why}`
    onEnd({ reason, how, why, suspect })
    calls.end(reason)
  })
  return {
    calls,
    isAlive: () => isAlive,
    async start() {
      handlers = await calls.call<readonly string[]>('handlers')
      unwatch = watchHand(hand, handlerMs, () => {
        how = 'stuck'
        void worker.terminate()
      })
      await calls.call('start')
    },
    async end() {
      await worker.terminate()
      while (isAlive) await new Promise(setImmediate)
    },
  }
}
