// The other end of the log's worker: one promise per job, errors by their kind. `inline` does the same
// work in this thread, for tests and small programs.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { InvalidAppend, LogClosed, OutcomeUnknown, StorageFull } from '#storage/event-log.ts'
import { isFull, type LogStore, openLogStore } from './log-store.ts'

type Kind = 'apply' | 'saveSnapshots' | 'restore' | 'dropResponses'
export type Job = {
  readonly id: number
  readonly kind: Kind | 'close'
  readonly args: readonly unknown[]
}
export type Reply =
  | { readonly id: number; readonly result: unknown }
  | {
      readonly id: number
      readonly failed: 'full' | 'broken' | 'invalid'
      readonly message: string
    }

export type LogThread = {
  run<K extends Kind>(kind: K, ...args: Parameters<LogStore[K]>): Promise<ReturnType<LogStore[K]>>
  close(): Promise<void>
}

function errorOf(failed: 'full' | 'broken' | 'invalid', message: string): Error {
  if (failed === 'full') return new StorageFull(`no room to write (${message}); nothing was stored`)
  if (failed === 'invalid') return new InvalidAppend(message)
  return new OutcomeUnknown(
    `the disk failed at commit (${message}); it may or may not be stored: restart, then retry ` +
      'with the same key',
  )
}

/** Two batches and the largest append; without it garbage grows with the machine's memory. */
const HEAP = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 256 }

export async function startLogThread(path: string): Promise<LogThread> {
  const file = import.meta.url.endsWith('.ts') ? './log-worker.ts' : './log-worker.js'
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: { path },
    execArgv: [],
    resourceLimits: HEAP,
  })
  const waiting = new Map<
    number,
    { resolve: (value: never) => void; reject: (error: Error) => void }
  >()
  let last = 0
  let gone: Error | null = null

  worker.on('message', (reply: Reply) => {
    const job = waiting.get(reply.id)
    waiting.delete(reply.id)
    if ('failed' in reply) job?.reject(errorOf(reply.failed, reply.message))
    else job?.resolve(reply.result as never)
  })
  const lost = (error: Error) => {
    gone = error
    for (const job of waiting.values()) job.reject(error)
    waiting.clear()
  }
  // The first message says that the file is open; an error before it is the reason why it is not.
  await new Promise<void>((resolve, reject) => {
    waiting.set(0, { resolve, reject })
    worker.once('error', reject)
  })
  worker.on('error', (error) =>
    lost(errorOf('broken', error instanceof Error ? error.message : String(error))),
  )
  worker.on('exit', () => lost(gone ?? new LogClosed('the log is closed')))

  const send = (kind: Job['kind'], args: readonly unknown[]): Promise<never> => {
    if (gone !== null) return Promise.reject(gone)
    const id = ++last
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.postMessage({ id, kind, args } satisfies Job)
    })
  }
  return {
    run: (kind, ...args) => send(kind, args),
    async close() {
      const exited = once(worker, 'exit')
      await send('close', [])
      await exited
    },
  }
}

export function inlineLog(path: string): LogThread {
  const store = openLogStore(path)
  let broken: Error | null = null
  return {
    async run(kind, ...args) {
      if (broken !== null) throw broken
      try {
        // The kinds are the store's own methods, with their arguments.
        const method = store[kind] as (...args: unknown[]) => never
        return method.apply(store, args)
      } catch (error) {
        if (isFull(error)) throw errorOf('full', String(error))
        if (error instanceof RangeError) throw errorOf('invalid', error.message)
        broken = errorOf('broken', String(error))
        throw broken
      }
    },
    async close() {
      store.close()
    },
  }
}
