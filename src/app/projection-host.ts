// Where projections run: in a thread of their own, or in this one for stores in memory.
// Both look the same from outside.
import type { Changed } from '#runtime/cached-changes.ts'
import type { Progress, RebuildReport, VerifyReport } from '#runtime/operations.ts'
import type { RunnerStatus } from '#runtime/run-projections.ts'
import { type Heard, openThreads, type ThreadMeans } from './projection-threads.ts'

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

export async function projectionThread(data: object, means: ThreadMeans): Promise<ProjectionHost> {
  const listeners = new Set<(position: number) => void>()
  const heard: Heard = {
    committed: (position) => {
      for (const listener of listeners) listener(position)
    },
    changed: () => {},
    progress: () => {},
  }
  let names: readonly string[] | null = null
  let versions: ReadonlyMap<string, number> | null = null
  const threads = await openThreads(data, means, heard, async (calls) => {
    if (versions !== null) calls.notify('listen', versions)
    if (names !== null) await calls.call('runs', names)
  })
  const { call, notify } = threads
  let woken = false
  return {
    wake() {
      // Many appends in one turn are one hint.
      if (woken) return
      woken = true
      setImmediate(() => {
        woken = false
        notify('appended', 0)
      })
    },
    onCommitted: (listener) => void listeners.add(listener),
    onChanged(asked, listener) {
      versions = asked
      heard.changed = listener
      notify('listen', asked)
    },
    runs(asked) {
      names = asked
      return call('runs', asked)
    },
    status: () => call('status'),
    pause: (name) => call('pause', name),
    resume: (name) => call('resume', name),
    async retryParked(name) {
      await threads.allow(name)
      return call('retryParked', name)
    },
    rebuild: (name, dryRun) => threads.callOnce('rebuild', name, dryRun),
    async verifyReads(onProgress) {
      heard.progress = onProgress
      return await call('verifyReads')
    },
    seal: () => call('seal'),
    close: threads.close,
  }
}
