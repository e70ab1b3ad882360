// The other end of the log's worker: one promise per job, errors by their kind. `inline` does the
// same work in this thread, for tests and small programs.
import { once } from 'node:events'
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { InvalidAppend, LogClosed, OutcomeUnknown, StorageFull } from '#storage/event-log.ts'
import { Unavailable } from '#storage/unavailable.ts'
import { troubleOf } from './disk-errors.ts'
import { type LogStore, openLogStore } from './log-store.ts'

type Kind = 'apply' | 'saveSnapshots' | 'restore' | 'dropResponses'
export type Job = {
  readonly id: number
  readonly kind: Kind | 'close'
  readonly args: readonly unknown[]
}
export type WorkerData = {
  readonly path: string
  readonly replies: MessagePort
  /** One cell: 1 when a reply was sent. */
  readonly told: Int32Array
  /** One cell: 1 when a job was sent. */
  readonly sent: Int32Array
}
export type Reply =
  | { readonly id: number; readonly result: unknown }
  | {
      readonly id: number
      readonly failed: Failed
      readonly message: string
    }

export type LogThread = {
  run<K extends Kind>(kind: K, ...args: Parameters<LogStore[K]>): Promise<ReturnType<LogStore[K]>>
  close(): Promise<void>
}

type Failed = 'full' | 'busy' | 'broken' | 'invalid'

/** An error that is neither the disk's nor the caller's leaves the writer in no known state. */
export const failureOf = (error: unknown): Failed =>
  error instanceof RangeError ? 'invalid' : (troubleOf(error) ?? 'broken')

function errorOf(failed: Failed, message: string, path: string): Error {
  if (failed === 'full')
    return new StorageFull(`no room to write ${path} (${message}); nothing was stored`)
  if (failed === 'busy')
    return new Unavailable(`another program holds ${path} (${message}); nothing was stored`)
  if (failed === 'invalid') return new InvalidAppend(message)
  return new OutcomeUnknown(
    `the disk failed at commit to ${path} (${message}); it may or may not be stored: restart, ` +
      'then retry with the same key',
  )
}

/** Two batches and the largest append; without it garbage grows with the machine's memory. */
const HEAP = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 256 }

/**
 * A lone append is waited for awake: an idle event loop takes some 40 µs to be woken, a third of
 * what the disk takes. Others are served meanwhile; a slower disk is waited for asleep.
 */
const AWAKE_MS = 0.25

export async function startLogThread(path: string): Promise<LogThread> {
  const file = import.meta.url.endsWith('.ts') ? './log-worker.ts' : './log-worker.js'
  const channel = new MessageChannel()
  const cell = () => new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const [told, sent] = [cell(), cell()]
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: { path, replies: channel.port2, told, sent } satisfies WorkerData,
    transferList: [channel.port2],
    execArgv: [],
    resourceLimits: HEAP,
  })
  const jobs = openJobs(channel.port1, told, path)
  // The first reply says that the file is open; an error before it is the reason why it is not.
  await new Promise<void>((resolve, reject) => {
    jobs.add(0, { resolve, reject })
    worker.once('error', reject)
  })
  worker.on('error', (error) => jobs.end(errorOf('broken', messageOf(error), path)))
  worker.on('exit', () => jobs.end(new LogClosed('the log is closed')))

  let last = 0
  const send = (kind: Job['kind'], args: readonly unknown[]): Promise<never> => {
    const id = ++last
    return new Promise((resolve, reject) => {
      if (!jobs.add(id, { resolve, reject })) return
      worker.postMessage({ id, kind, args } satisfies Job)
      Atomics.store(sent, 0, 1)
      jobs.awake(id)
    })
  }
  return {
    run: (kind, ...args) => send(kind, args),
    async close() {
      const exited = once(worker, 'exit')
      await send('close', [])
      await exited
      channel.port1.close()
    },
  }
}

type Waiter = { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void }

/** Jobs that are not answered yet. `told` is raised by the worker after each reply. */
function openJobs(replies: MessagePort, told: Int32Array, path: string) {
  const waiting = new Map<number, Waiter>()
  let gone: Error | null = null
  const take = (reply: Reply) => {
    const job = waiting.get(reply.id)
    waiting.delete(reply.id)
    if ('failed' in reply) job?.reject(errorOf(reply.failed, reply.message, path))
    else job?.resolve(reply.result as never)
  }
  const takeAll = () => {
    Atomics.store(told, 0, 0)
    for (let got = receiveMessageOnPort(replies); got; got = receiveMessageOnPort(replies))
      take(got.message as Reply)
  }
  replies.on('message', take)
  return {
    /** false: the thread has gone, and the waiter knows. */
    add(id: number, waiter: Waiter): boolean {
      if (gone === null) waiting.set(id, waiter)
      else waiter.reject(gone)
      return gone === null
    },
    awake(id: number): void {
      const until = performance.now() + AWAKE_MS
      const look = () => {
        if (Atomics.load(told, 0) === 1) takeAll()
        if (waiting.size === 1 && waiting.has(id) && performance.now() < until) setImmediate(look)
      }
      if (waiting.size === 1) setImmediate(look)
    },
    /** Replies that are there already still count. */
    end(error: Error): void {
      takeAll()
      gone ??= error
      for (const { reject } of waiting.values()) reject(gone)
      waiting.clear()
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
        const failed = failureOf(error)
        const known = errorOf(failed, failed === 'invalid' ? messageOf(error) : String(error), path)
        if (failed !== 'broken') throw known
        broken = known
        throw broken
      }
    },
    async close() {
      store.close()
    },
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
