// Where projections run: in a thread of their own, or in this one for stores in memory.
// Both look the same from outside.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Changed } from '#runtime/cached-changes.ts'
import type { Progress, RebuildReport, VerifyReport } from '#runtime/operations.ts'
import type { RunnerStatus } from '#runtime/run-projections.ts'
import { threadCalls } from '#storage/thread-calls.ts'

export type ProjectionHost = {
  /** The log grew. */
  wake(): void
  onCommitted(listener: (position: number) => void): void
  /** Hears what each commit has changed, of these projections in these versions. */
  onChanged(
    versions: ReadonlyMap<string, number>,
    listener: (changes: readonly Changed[]) => void,
  ): void
  /** From now on only these are moved here: projections, and `seals`. */
  runs(names: readonly string[]): Promise<void>
  status(): Promise<readonly RunnerStatus[]>
  pause(name: string): Promise<void>
  resume(name: string): Promise<void>
  retryParked(name: string): Promise<number>
  rebuild(name: string, dryRun: boolean): Promise<RebuildReport>
  verifyReads(onProgress: (progress: Progress) => void): Promise<VerifyReport['checks']>
  /** Seals what can be sealed; the number of seals made. */
  seal(): Promise<number>
  close(): Promise<void>
}

/** A page of events and the rows they touch; without it garbage grows with the machine's memory. */
const HEAP = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 512 }

export type ThreadMeans = {
  /** Writes its seals where only one handle may write the log, and this thread has it. */
  readonly append: (request: never) => Promise<unknown>
  readonly onError: (message: string) => void
  /** It has ended by itself: nothing is projected here any more, though its leases are held. */
  readonly onBroken: (error: Error) => void
}

export async function projectionThread(
  data: object,
  { append, onError, onBroken }: ThreadMeans,
): Promise<ProjectionHost> {
  const file = import.meta.url.endsWith('.ts') ? './projection-worker.ts' : './projection-worker.js'
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: data,
    execArgv: [],
    resourceLimits: HEAP,
  })
  const listeners = new Set<(position: number) => void>()
  const progress = { tell: (_: Progress) => {} }
  const calls = threadCalls(worker, { append })
  calls.onNotice('committed', (position: number) => {
    for (const listener of listeners) listener(position)
  })
  let changed = (_: readonly Changed[]) => {}
  calls.onNotice('changed', (changes: readonly Changed[]) => changed(changes))
  calls.onNotice('progress', (of: Progress) => progress.tell(of))
  calls.onNotice('error', (message: string) => onError(message))
  const started = calls.call('start')
  worker.on('error', (error) => {
    const reason = error instanceof Error ? error : new Error(String(error))
    onError(`the projection thread failed: ${reason.stack}`)
    calls.end(reason)
  })
  let expected = true
  // A thread that ends by itself answers nothing any more.
  worker.on('exit', () => {
    const reason = new Error('the projection thread has ended')
    calls.end(reason)
    if (!expected) onBroken(reason)
  })
  try {
    await started
  } catch (error) {
    await worker.terminate()
    throw error
  }
  expected = false

  let woken = false
  return {
    wake() {
      // Many appends in one turn are one hint.
      if (woken) return
      woken = true
      setImmediate(() => {
        woken = false
        calls.notify('appended', 0)
      })
    },
    onCommitted: (listener) => void listeners.add(listener),
    onChanged(versions, listener) {
      changed = listener
      calls.notify('listen', versions)
    },
    runs: (names) => calls.call('runs', names),
    status: () => calls.call('status'),
    pause: (name) => calls.call('pause', name),
    resume: (name) => calls.call('resume', name),
    retryParked: (name) => calls.call('retryParked', name),
    rebuild: (name, dryRun) => calls.call('rebuild', name, dryRun),
    async verifyReads(onProgress) {
      progress.tell = onProgress
      return await calls.call('verifyReads')
    },
    seal: () => calls.call('seal'),
    async close() {
      expected = true
      const exited = once(worker, 'exit')
      await calls.call('close')
      await worker.terminate()
      await exited
    },
  }
}
