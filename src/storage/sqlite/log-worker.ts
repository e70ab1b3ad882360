// The thread that owns the log: takes batches, writes them, answers. After a failed commit it never
// touches the file again: what is in it is known only to a fresh start.
import { parentPort, workerData } from 'node:worker_threads'
import { isFull, openLogStore } from './log-store.ts'
import type { Job, Reply } from './log-thread.ts'

const port = parentPort
if (port === null) throw new Error('log-worker.ts runs as a worker thread')
const store = openLogStore((workerData as { path: string }).path)
let broken: string | null = null
port.postMessage({ id: 0, result: null } satisfies Reply)

port.on('message', ({ id, kind, args }: Job) => {
  if (kind === 'close') {
    store.close()
    port.postMessage({ id, result: null } satisfies Reply)
    port.close()
    return
  }
  if (broken !== null) {
    port.postMessage({ id, failed: 'broken', message: broken } satisfies Reply)
    return
  }
  try {
    // The kinds are the store's own methods; `args` are theirs, by the type of Job.
    const method = store[kind] as (...args: unknown[]) => unknown
    port.postMessage({ id, result: method.apply(store, [...args]) } satisfies Reply)
  } catch (error) {
    const failed = isFull(error) ? 'full' : error instanceof RangeError ? 'invalid' : 'broken'
    if (failed === 'broken') broken = String(error)
    port.postMessage({ id, failed, message: String(error) } satisfies Reply)
  }
})
