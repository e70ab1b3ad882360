// The thread that owns the log: takes batches, writes them, answers. After a failed commit it never
// touches the file again: what is in it is known only to a fresh start.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { openLogStore } from './log-store.ts'
import { failureOf, type Job, type Reply, type WorkerData } from './log-thread.ts'

const port = parentPort
if (port === null) throw new Error('log-worker.ts runs as a worker thread')
const { path, replies, told, sent } = workerData as WorkerData
const store = openLogStore(path)
let broken: string | null = null
const answer = (reply: Reply) => {
  replies.postMessage(reply)
  Atomics.store(told, 0, 1)
}
answer({ id: 0, result: null })

/** A caller that goes on at once sends its next append about now; being woken would take longer. */
const AWAKE_MS = 0.05

port.on('message', (job: Job) => {
  carryOut(job)
  let until = performance.now() + AWAKE_MS
  while (performance.now() < until) {
    if (Atomics.load(sent, 0) === 0) continue
    Atomics.store(sent, 0, 0)
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port))
      carryOut(next.message as Job)
    until = performance.now() + AWAKE_MS
  }
})

function carryOut({ id, kind, args }: Job): void {
  if (kind === 'close') {
    store.close()
    answer({ id, result: null })
    replies.close()
    port?.close()
    return
  }
  if (broken !== null) {
    answer({ id, failed: 'broken', message: broken })
    return
  }
  try {
    // The kinds are the store's own methods; `args` are theirs, by the type of Job.
    const method = store[kind] as (...args: unknown[]) => unknown
    answer({ id, result: method.apply(store, [...args]) })
  } catch (error) {
    const failed = failureOf(error)
    if (failed === 'broken') broken = String(error)
    answer({ id, failed, message: String(error) })
  }
}
